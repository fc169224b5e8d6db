/* SPDX-License-Identifier: MIT */
/*
 * What belongs to one physical CPU; brings what most of Hospes stands on. Each CPU's stack is
 * STACK_SIZE bytes, so aligned; struct cpu_info sits at its top and is found from the stack
 * pointer.
 */
#pragma once

#include <hv/domain.h>
#include <hv/irq.h>
#include <x86/context.h>
#include <x86/cpu.h>

#define STACK_ORDER 4
#define STACK_SIZE  (PAGE_SIZE << STACK_ORDER)

struct pcpu {
    uint32_t id; /* 0..nr_cpus-1 */
    uint32_t apic_id, acpi_id;
    bool online;
    struct vcpu *curr;      /* whose state is in the registers; &idle when none. Own CPU writes */
    struct vcpu idle;       /* domain is &idle_domain */
    struct domain *loaded;  /* whose translations it may hold; NULL: Hospes's alone. Own CPU */
    unsigned long softirqs; /* enum softirq bits, atomic */
    struct sched_pcpu sched;
    struct timer_pcpu timers;
    struct arch_pcpu arch;
};

/* At the top of each CPU's stack. guest_regs is where entry code saves the guest's registers: the
 * TSS's rsp0 and entry_rsp (x86/desc.h) are the address of guest_regs.es, which must be 16-byte
 * aligned because the CPU aligns it down. */
struct cpu_info {
    uint64_t unused;
    struct cpu_user_regs guest_regs;
    struct pcpu *pcpu; /* near the end, where the compiler needs one byte to say so */
} __aligned(16);
_Static_assert((offsetof(struct cpu_info, guest_regs) + offsetof(struct cpu_user_regs, es)) % 16 ==
                   0,
               "the CPU pushes its frame on a 16-byte boundary");

static inline struct cpu_info *cpu_info(void) {
    unsigned long sp;
    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_info *)((sp | (STACK_SIZE - 1)) + 1) - 1;
}

#define this_pcpu()  (cpu_info()->pcpu)
#define smp_cpu_id() (this_pcpu()->id)
#define current      (this_pcpu()->curr)
#define guest_regs() (&cpu_info()->guest_regs)

extern struct pcpu *pcpus[MAX_CPUS]; /* by id; filled before the CPU starts */
extern unsigned int nr_cpus;         /* CPUs that were brought up */
