/* SPDX-License-Identifier: MIT */
/*
 * Interrupts: vectors of Hospes's own, device lines, and their routing to dom0 as PIRQs.
 * x86/irq.c (vectors, lines), x86/ioapic.c, x86/msi.c, event/pirq.c, domain/physdev.c.
 */
#pragma once

#include <hv/types.h>

struct cpu_user_regs;
struct domain;

/* Vectors. Device lines get 0x30..0xdf; higher ones are ours. */
#define VEC_FIRST_DEVICE 0x30
#define VEC_LAST_DEVICE  0xdf
#define VEC_LEGACY_SYSCALL 0x80 /* int $0x80 of guests: never given to a device */
#define VEC_HYPERCALL    0x82   /* likewise */
#define VEC_SERIAL       0xf0
#define VEC_KICK         0xf8 /* leave the guest and look at softirqs */
#define VEC_FLUSH        0xf9 /* look at the flush mailbox */
#define VEC_CALL         0xfa /* run a function (smp_call) */
#define VEC_STOP         0xfb /* halt for panic */
#define VEC_TIMER        0xfc
#define VEC_ERROR        0xfd
#define VEC_SPURIOUS     0xff

void irq_dispatch(struct cpu_user_regs *regs, unsigned int vector); /* from entry/, IF=0 */
void irq_init(void);

/* Other CPUs. */
void smp_send_kick(unsigned int cpu);
void smp_poll(void); /* serve this CPU's flush and call mailboxes; used while spinning */
/* Runs fn on every online CPU but this one and waits. Caller may hold locks; fn takes none. */
void smp_call_others(void (*fn)(void *), void *data);
void smp_call_on(unsigned int cpu, void (*fn)(void *), void *data);

#define FLUSH_ALL_VA ~0UL
/* Flushes va (or all, including global entries) on the CPUs of the mask; waits for all. */
struct flush_mask {
    unsigned long bits[4];
};
void smp_flush_tlb(const struct flush_mask *cpus, uint64_t va);
extern uint32_t tlb_flush_clock; /* for frame.tlb_stamp; see x86/tlb.c */
/* Takes from the mask the CPUs that have flushed since the stamp was taken. */
void tlb_filter(struct flush_mask *cpus, uint32_t stamp);

/* A function called in a defined state on each interrupt of a line owned by Hospes (serial). */
int irq_request_gsi(unsigned int gsi, void (*fn)(void *), void *data);
