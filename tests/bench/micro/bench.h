/* SPDX-License-Identifier: MIT */
/*
 * The instrument. Under QEMU's -icount one tick of the TSC is one instruction, so the difference of
 * two readings is the length of the path between them, whoever executed it.
 */
#pragma once

#include "lib.h"
#include "mm.h"
#include "trap.h"
#include "vcpu.h"
#include "event.h"

#define SAMPLES 65

/* What is measured is the call alone: the library's hypercall() can record it, which costs. */
static inline long bare_hypercall(unsigned int op, uint64_t a1, uint64_t a2, uint64_t a3,
                                  uint64_t a4, uint64_t a5) {
    register uint64_t r10 asm("r10") = a4;
    register uint64_t r8 asm("r8") = a5;
    long ret;

    asm volatile("syscall"
                 : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                 : "0"((uint64_t)op)
                 : "rcx", "r11", "r9", "memory");
    return ret;
}
#define hypercall bare_hypercall

typedef void step_t(void);

/*
 * Prints the median of SAMPLES runs, less what two readings without anything between them differ
 * by. Before and after each run, unmeasured, the other steps put the state back; either may be
 * NULL.
 */
void measure(const char *name, step_t *before, step_t *run, step_t *after);
/* The same for a path whose end is not run's return: what run left in sample_end counts. */
void measure_to_end(const char *name, step_t *before, step_t *run, step_t *after);
extern volatile uint64_t sample_end;
/* The same in user mode: run is between the readings of measured_in_user(). */
void measure_in_user(const char *name, step_t *run);

/* The subjects, in the order of the table. */
void bench_calls(void);
void bench_events(void);
void bench_traps(void);
void bench_emulation(void);
void bench_page_tables(void);
void bench_pins(void);
void bench_grants(void);
void bench_timers(void);
void bench_two_vcpus(void);
void bench_domains(void);
void bench_peers(void);
void bench_fifo(void);

/*
 * Entries as short as they can be (stubs.S). A fault continues where rbx points; what is no fault
 * continues where it was. An upcall clears what is pending; the stamped ones write the time of
 * their first instruction to sample_end.
 */
extern char fault_with_error[], fault_without_error[], soft_interrupt[], user_call[];
extern char upcall[], upcall_stamped[], upcall_stamped_1[], upcall_fifo[];
/* kernel to kernel, by the iret hypercall */
void iret_to_self(void);
/* The peer's (peers.c): copied into its memory, where it has its shared page and, by rbx, its mail.
 */
extern const char peer_upcall[], peer_upcall_end[];
/* For upcall_fifo: the ready word of the control block and the word of the only port. */
extern uint32_t *fifo_ready, *fifo_port_word;
/* Gives the vector an entry of stubs.S, or its own again. */
void set_entry(unsigned int vector, const char *entry);
void restore_entry(unsigned int vector);
/* The vcpu's event entry; the others stay the library's, but for `syscall_entry`. */
void set_event_entry(const char *entry);
void set_callbacks(const char *event_entry, const char *syscall_entry);
