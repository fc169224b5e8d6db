/* SPDX-License-Identifier: MIT */
/*
 * The interrupt descriptor table, one for all CPUs, and the registers behind SYSCALL and SYSENTER.
 * Guests may raise #BP, #OF and the Linux system call vector directly; every other "int n" is a
 * #GP, from which traps.c makes the guest's own software interrupt.
 */
#include "entry.h"

#include <x86/cpuid.h>
#include <x86/desc.h>
#include <x86/spec.h>

#define GATE_INTERRUPT (0x8eUL << 40) /* present, interrupt gate: clears IF */
#define GATE_DPL3      (3UL << 45)

#define MSR_SYSENTER_CS  0x174
#define MSR_SYSENTER_EIP 0x176

#define SYSCALL_MASK                                                                               \
    (EFLAGS_TF | EFLAGS_IF | EFLAGS_DF | EFLAGS_IOPL | EFLAGS_NT | EFLAGS_RF | EFLAGS_VM |         \
     EFLAGS_AC)

struct idt_gate idt[256] __aligned(4096);

static void set_gate(unsigned int vector, unsigned int ist, uint64_t dpl) {
    uint64_t handler = (uint64_t)(uintptr_t)trap_stubs + vector * 16;

    idt[vector].lo = (handler & 0xffff) | (uint64_t)SEL_HV_CS << 16 | (uint64_t)ist << 32 |
                     GATE_INTERRUPT | dpl | (handler & 0xffff0000UL) << 32;
    idt[vector].hi = handler >> 32;
}

void idt_init(void) {
    for (unsigned int v = 0; v < ARRAY_SIZE(idt); v++) set_gate(v, 0, 0);
    set_gate(TRAP_DB, IST_DB, 0);
    set_gate(TRAP_NMI, IST_NMI, 0);
    set_gate(TRAP_DF, IST_DF, 0);
    set_gate(TRAP_MC, IST_MC, 0);
    set_gate(TRAP_BP, 0, GATE_DPL3);
    set_gate(TRAP_OF, 0, GATE_DPL3);
    set_gate(VEC_LEGACY_SYSCALL, 0, GATE_DPL3);
    idt_load();
}

void idt_load(void) {
    const struct desc_ptr p = {sizeof(idt) - 1, (uint64_t)(uintptr_t)idt};

    lidt(&p);
}

void entry_init_cpu(void) {
    const struct entry_page *e = this_pcpu()->arch.entry;

    wrmsr(MSR_KERNEL_GS_BASE, (uint64_t)(uintptr_t)e);
    wrmsr(MSR_STAR, (uint64_t)SEL_HV_CS << 32 | (uint64_t)SEL_USER_CS32 << 48);
    wrmsr(MSR_LSTAR, (uint64_t)(uintptr_t)entry_syscall);
    wrmsr(MSR_SYSCALL_MASK, SYSCALL_MASK);
    /* Whether 32-bit code may use SYSCALL is the CPU's affair; where it may, it comes in here. */
    wrmsr(MSR_CSTAR, (uint64_t)(uintptr_t)entry_syscall32);
    if (cpu_has.sep) {
        wrmsr(MSR_SYSENTER_CS, SEL_HV_CS);
        wrmsr(MSR_SYSENTER_EIP, (uint64_t)(uintptr_t)entry_sysenter);
    }
    spec_init_cpu();
    fpu_init_cpu();
    cpu_policy_init_cpu();
    this_pcpu()->arch.cr4 = cpu_cr4;
}
