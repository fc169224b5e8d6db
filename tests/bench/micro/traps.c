/* SPDX-License-Identifier: MIT */
/* Exceptions that go to the guest's kernel and come back by iret; system calls. */
#include "bench.h"

/* Faults at the instruction; the entry goes on behind it. */
#define FAULTING(instruction)                                                                      \
    asm volatile("lea 1f(%%rip), %%rbx; " instruction "; 1:"                                       \
                 :                                                                                 \
                 :                                                                                 \
                 : "rax", "rbx", "rcx", "rdx", "memory")

static void page_fault(void) { FAULTING("mov 0x10, %%rax"); }
static void bad_address(void) {
    asm volatile("lea 1f(%%rip), %%rbx; mov (%0), %%rax; 1:"
                 :
                 : "r"(0x8000000000000000)
                 : "rax", "rbx", "memory");
}
static void bad_msr(void) {
    asm volatile("lea 1f(%%rip), %%rbx; rdmsr; 1:" : : "c"(0x12345678) : "rax", "rbx", "rdx");
}
static void breakpoint(void) { asm volatile("int3" : : : "memory"); }
static void invalid_opcode(void) { FAULTING("ud2"); }
static void int_80(void) { asm volatile("int $0x80" : : : "memory"); }
static void system_call(void) {
    asm volatile("xor %%eax, %%eax; syscall" : : : "rax", "rcx", "r11", "memory");
}

static void with_entry(unsigned int vector, const char *entry, const char *name, step_t *run) {
    set_entry(vector, entry);
    measure(name, NULL, run, NULL);
    restore_entry(vector);
}

void bench_traps(void) {
    with_entry(PF, fault_with_error, "page fault + iret, from kernel", page_fault);
    set_entry(PF, fault_with_error);
    measure_in_user("page fault + iret, from user", page_fault);
    restore_entry(PF);
    with_entry(GP, fault_with_error, "#GP + iret, bad address", bad_address);
    with_entry(GP, fault_with_error, "#GP + iret, bad MSR", bad_msr);
    with_entry(BP, soft_interrupt, "int3 + iret", breakpoint);
    with_entry(UD, fault_without_error, "ud2 + iret", invalid_opcode);
    with_entry(0x80, soft_interrupt, "int 0x80 + iret", int_80);
    set_callbacks(entry_event, user_call);
    measure_in_user("user syscall + iret", system_call);
    set_callbacks(entry_event, entry_syscall);
}
