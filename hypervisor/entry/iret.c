/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_iret: the guest kernel's return from a bounce, to itself or to user mode. What it
 * gives is forced into what ring 3 may have; selectors and addresses that the CPU refuses after
 * that come back to the guest as the exception that its own iret would have raised (traps.c).
 */
#include "entry.h"

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <x86/context.h>
#include <x86/cpu.h>
#include <x86/layout.h>

static void restore_syscall_registers(struct cpu_user_regs *regs, const struct iret_context *c) {
    bool flat = regs->cs == SEL_USER_CS64 && regs->ss == SEL_USER_DS;

    if ((c->flags & VGCF_in_syscall) && flat && is_canonical(regs->rip) &&
        !(regs->rflags & (EFLAGS_TF | EFLAGS_RF))) {
        regs->rcx = regs->rip;
        regs->r11 = regs->rflags;
        return; /* entry_vector stays ENTRY_SYSCALL: by SYSRET */
    }
    regs->entry_vector = 0;
    if (!(c->flags & VGCF_in_syscall)) {
        regs->rcx = c->rcx;
        regs->r11 = c->r11;
    }
}

long do_iret(void) {
    struct cpu_user_regs *regs = guest_regs();
    struct vcpu *v = current;
    struct iret_context c;

    if (copy_from_guest(&c, regs->rsp, sizeof(c))) {
        domain_crash(v->domain, "iret frame not readable at %#lx", regs->rsp);
        return 0;
    }
    if ((c.cs & 3) == 3) {
        if (mfn_eq(v->arch.guest_table_user, INVALID_MFN)) {
            domain_crash(v->domain, "iret to user mode without user page tables");
            return 0;
        }
        toggle_guest_mode(v);
    }
    if (v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl))
        v->arch.iopl = (c.rflags & EFLAGS_IOPL) >> 12;
    regs->rip = c.rip;
    regs->cs = ring3_selector((uint16_t)c.cs);
    regs->rflags = guest_rflags(c.rflags);
    regs->rsp = c.rsp;
    regs->ss = ring3_selector((uint16_t)c.ss);
    restore_syscall_registers(regs, &c);
    WRITE_ONCE(v->info->evtchn_upcall_mask, !(c.rflags & EFLAGS_IF));
    v->arch.nmi_masked = false;
    return (long)c.rax;
}
