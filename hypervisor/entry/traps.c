/* SPDX-License-Identifier: MIT */
/*
 * Exceptions and interrupts. From a guest: emulated, or bounced to its kernel; never our problem.
 * From Hospes: a listed fixup, a fault on guest memory that mm/ resolves, the return to a guest
 * that the CPU refused, or a panic.
 */
#include "entry.h"

#include <x86/guest_regs.h>

/* An instruction raised this vector. False: the guest's current mode may not. */
static bool softint(struct vcpu *v, uint8_t vector) {
    const struct trap_info *ti = &v->arch.traps[vector];

    if (!ti->address || TI_GET_DPL(ti) < (v->arch.kernel_mode ? 1 : 3)) return false;
    bounce_softint(v, vector);
    return true;
}

static void trap_legacy_syscall(struct vcpu *v, struct cpu_user_regs *regs) {
    if (likely(softint(v, VEC_LEGACY_SYSCALL))) return;
    regs->rip -= 2;
    bounce_exception(v, TRAP_GP, VEC_LEGACY_SYSCALL << 3 | EC_IDT);
}

static void trap_general_protection(struct vcpu *v, struct cpu_user_regs *regs) {
    uint32_t ec = regs->error_code;

    if ((ec & (EC_IDT | EC_EXT)) == EC_IDT) {
        regs->rip += 2;
        if (softint(v, (uint8_t)(ec >> 3))) return;
        regs->rip -= 2;
    } else if (emulate_privileged(v, regs)) {
        return;
    }
    bounce_exception(v, TRAP_GP, ec);
}

static void trap_page_fault(struct vcpu *v, struct cpu_user_regs *regs) {
    uint64_t addr = read_cr2();

    if (!mm_handle_fault(v, addr, regs->error_code, regs))
        bounce_page_fault(v, addr, regs->error_code);
}

/* The platform's NMIs are dom0's to judge. May have interrupted anything of ours: no locks. */
static void trap_nmi(void) {
    struct vcpu *v = dom0 ? domain_vcpu(dom0, 0) : NULL;

    if (v) WRITE_ONCE(v->arch.nmi_pending, true);
}

/* Exceptions that are the guest's, but for some work of ours first. */
#define GUEST_EXCEPTIONS                                                                           \
    (BIT(TRAP_DE) | BIT(TRAP_DB) | BIT(TRAP_BP) | BIT(TRAP_OF) | BIT(TRAP_BR) | BIT(TRAP_UD) |     \
     BIT(TRAP_NM) | BIT(TRAP_TS) | BIT(TRAP_NP) | BIT(TRAP_SS) | BIT(TRAP_MF) | BIT(TRAP_AC) |     \
     BIT(TRAP_XM))

static void exception_from_guest(struct vcpu *v, struct cpu_user_regs *regs) {
    uint32_t vector = regs->entry_vector;

    if (vector == TRAP_NMI) {
        trap_nmi();
        return;
    }
    if (!(GUEST_EXCEPTIONS & BIT(vector))) {
        show_regs(regs);
        panic("exception %u in a guest", vector);
    }
    if (vector == TRAP_UD && emulate_forced_cpuid(v, regs)) return;
    if (vector == TRAP_NM) fpu_set_ts(v, false);
    if (vector == TRAP_DB) debugreg_trap(v);
    bounce_exception(v, (uint8_t)vector, regs->error_code);
}

void trap_from_guest(struct cpu_user_regs *regs) {
    struct pcpu *p = this_pcpu();
    struct vcpu *v = p->curr;

    guest_access_end(); /* EFLAGS.AC is still the guest's */
    if (likely(regs->entry_vector == TRAP_PF))
        trap_page_fault(v, regs);
    else if (likely(regs->entry_vector == TRAP_GP))
        trap_general_protection(v, regs);
    else if (likely(regs->entry_vector < NR_EXCEPTIONS))
        exception_from_guest(v, regs);
    else if (regs->entry_vector == VEC_LEGACY_SYSCALL)
        trap_legacy_syscall(v, regs);
    else
        irq_dispatch(regs->entry_vector);
    exit_check(p, v);
}

void syscall32_from_guest(void) {
    bounce_syscall(current, CALLBACKTYPE_syscall32);
    exit_work();
}

void sysenter_from_guest(struct cpu_user_regs *regs) {
    guest_access_end();
    /* SYSENTER cleared IF; a guest always runs with it set. */
    regs->rflags = guest_rflags(regs->rflags);
    bounce_syscall(current, CALLBACKTYPE_sysenter);
    exit_work();
}

/*
 * The CPU refused guest_regs at our iretq. The guest's general registers were already loaded, so
 * they are in the frame of this exception, which overlaps the place they came from. The exception
 * becomes the guest's, as if its first instruction had raised it; or, when it is resolved, the
 * whole return is made again: with XPTI the iretq alone would leave our page tables to the guest.
 */
static void __noreturn return_refused(const struct cpu_user_regs *regs, bool resolved) {
    struct cpu_user_regs *to = guest_regs();
    struct cpu_user_regs saved;
    uint32_t vector = regs->entry_vector, error_code = regs->error_code;

    memcpy(&saved, regs, offsetof(struct cpu_user_regs, error_code));
    memcpy(to, &saved, offsetof(struct cpu_user_regs, error_code));
    to->entry_vector = vector;
    to->error_code = error_code;
    if (vector == TRAP_PF && !resolved) /* a descriptor in an unmapped part of its tables */
        bounce_exception(current, TRAP_GP, 0);
    else if (!resolved)
        bounce_exception(current, (uint8_t)vector, error_code);
    reenter_guest(to);
}

struct extable_entry {
    int32_t at, to;
};

extern const struct extable_entry ex_table_start[], ex_table_end[];

static uint64_t target(const int32_t *field) {
    return (uint64_t)(uintptr_t)field + (uint64_t)*field;
}

/* 0: no fixup for this address. */
static uint64_t extable_find(uint64_t rip) {
    for (const struct extable_entry *e = ex_table_start; e < ex_table_end; e++)
        if (target(&e->at) == rip) return target(&e->to);
    return 0;
}

static void __noreturn trap_panic(const struct cpu_user_regs *regs, uint64_t addr) {
    show_regs(regs);
    if (regs->entry_vector == TRAP_PF)
        panic("page fault at %#lx, error code %#x", addr, regs->error_code);
    panic("exception %u, error code %#x", regs->entry_vector, regs->error_code);
}

void trap_from_hypervisor(struct cpu_user_regs *regs) {
    bool at_return = regs->rip == (uint64_t)(uintptr_t)guest_iretq;
    uint64_t fixup, addr = 0;

    if (regs->entry_vector >= NR_EXCEPTIONS) {
        irq_dispatch(regs->entry_vector);
        return;
    }
    switch (regs->entry_vector) {
    case TRAP_NMI: trap_nmi(); return;
    case TRAP_DB:
        /* A guest's breakpoint on data that we touch for it, or its trap flag at SYSENTER. */
        debugreg_discard();
        regs->rflags = (regs->rflags & ~EFLAGS_TF) | EFLAGS_RF; /* never the same again */
        return;
    case TRAP_DF:
    case TRAP_MC: trap_panic(regs, 0);
    case TRAP_PF:
        addr = read_cr2();
        if ((guest_va_ok(addr) || (addr >= PERDOMAIN_START && addr < IMAGE_START)) &&
            cpu_info()->pcpu && current != &this_pcpu()->idle &&
            mm_handle_fault(current, addr, regs->error_code, regs)) {
            if (at_return) return_refused(regs, true);
            return;
        }
        break;
    }
    if (at_return) return_refused(regs, false);
    fixup = extable_find(regs->rip);
    if (!fixup) trap_panic(regs, addr);
    regs->rip = fixup;
}
