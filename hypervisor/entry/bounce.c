/* SPDX-License-Identifier: MIT */
/*
 * Making the guest's kernel run a handler: its registers are pushed on its kernel stack in the
 * 64-bit PV frame and it continues at the handler's address. From user mode the vcpu changes to
 * kernel mode and to the stack given by stack_switch first.
 *
 * The frame, from its lowest address, which is the handler's RSP: rcx, r11, [ds, es, fs, gs of a
 * failsafe callback], [error code], rip, cs, rflags, rsp, ss. CS has RPL 0 when the interrupted
 * mode was the kernel's, and evtchn_upcall_mask in its bits 39:32; IF in rflags is its opposite.
 *
 * A frame that cannot be written crashes the domain.
 */
#include "entry.h"

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <x86/context.h>
#include <x86/cpu.h>
#include <x86/layout.h>

#define FRAME_MAX 12

struct bounce {
    uint64_t handler;
    bool mask_events, has_error_code;
    uint32_t error_code;
    const uint16_t *selectors; /* failsafe: 4 */
    const char *what;
};

static unsigned int fill_frame(const struct vcpu *v, const struct cpu_user_regs *regs,
                               const struct bounce *b, bool from_kernel, uint8_t mask,
                               uint64_t *frame)
{
    unsigned int n = 0;
    uint64_t rflags = regs->rflags & ~EFLAGS_IF;

    if (!mask)
        rflags |= EFLAGS_IF;
    if (v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl))
        rflags |= (uint64_t)v->arch.iopl << 12;
    frame[n++] = regs->rcx;
    frame[n++] = regs->r11;
    for (unsigned int i = 0; b->selectors && i < 4; i++)
        frame[n++] = b->selectors[i];
    if (b->has_error_code)
        frame[n++] = b->error_code;
    frame[n++] = regs->rip;
    frame[n++] = (from_kernel ? regs->cs & ~3U : regs->cs) | (uint64_t)mask << 32;
    frame[n++] = rflags;
    frame[n++] = regs->rsp;
    frame[n++] = regs->ss;
    return n;
}

static void bounce(struct vcpu *v, const struct bounce *b)
{
    struct cpu_user_regs *regs = guest_regs();
    bool from_kernel = v->arch.kernel_mode;
    uint64_t frame[FRAME_MAX], sp = regs->rsp;
    uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);
    unsigned int n;

    if (unlikely(!b->handler)) {
        domain_crash(v->domain, "no handler for %s (error code %#x) at rip %#lx", b->what,
                     b->error_code, regs->rip);
        return;
    }
    n = fill_frame(v, regs, b, from_kernel, mask, frame);
    if (!from_kernel) {
        toggle_guest_mode(v);
        sp = v->arch.kernel_sp;
    }
    sp = (sp & ~15UL) - n * sizeof(frame[0]);
    if (unlikely(copy_to_guest(sp, frame, n * sizeof(frame[0])))) {
        domain_crash(v->domain, "kernel stack not writable at %#lx for %s at rip %#lx", sp,
                     b->what, regs->rip);
        return;
    }
    if (b->mask_events)
        WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
    regs->rip = b->handler;
    regs->cs = SEL_USER_CS64;
    regs->rflags &= ~(EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT | EFLAGS_TF);
    regs->rsp = sp;
    regs->ss = SEL_USER_DS;
    /* Both are on the stack, so SYSRET may have them where the entry was by SYSCALL. */
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
}

static void bounce_trap(struct vcpu *v, uint8_t vector, bool has_error_code, uint32_t error_code)
{
    static const char *const names[NR_EXCEPTIONS] = {
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "exception 9", "#TS",
        "#NP", "#SS", "#GP", "#PF", "exception 15", "#MF", "#AC", "#MC", "#XM"};
    const struct trap_info *ti = &v->arch.traps[vector];
    const struct bounce b = {
        .handler = ti->address,
        .mask_events = TI_GET_IF(ti),
        .has_error_code = has_error_code,
        .error_code = error_code,
        .what = vector < NR_EXCEPTIONS && names[vector] ? names[vector] : "a software interrupt",
    };

    bounce(v, &b);
}

void bounce_exception(struct vcpu *v, uint8_t vector, uint32_t error_code)
{
    bounce_trap(v, vector, (TRAPS_WITH_ERROR_CODE >> vector) & 1, error_code);
}

void bounce_softint(struct vcpu *v, uint8_t vector)
{
    bounce_trap(v, vector, false, 0);
}

void bounce_page_fault(struct vcpu *v, uint64_t addr, uint32_t error_code)
{
    /* Guest kernels run in ring 3 and do not want to know it. */
    if (v->arch.kernel_mode)
        error_code &= ~PFEC_USER;
    else
        error_code |= PFEC_USER;
    WRITE_ONCE(v->info->arch.cr2, addr);
    bounce_exception(v, TRAP_PF, error_code);
}

void bounce_event(struct vcpu *v)
{
    const struct bounce b = {
        .handler = v->arch.event_callback, .mask_events = true, .what = "an event upcall"};

    bounce(v, &b);
}

void bounce_nmi(struct vcpu *v)
{
    v->arch.nmi_masked = true;
    bounce_trap(v, TRAP_NMI, false, 0);
}

void bounce_syscall(struct vcpu *v, uint64_t handler, bool mask_events)
{
    const struct bounce b = {
        .handler = handler, .mask_events = mask_events, .what = "a system call"};

    bounce(v, &b);
    guest_regs()->rflags &= ~EFLAGS_DF;
    guest_regs()->r11 = guest_regs()->rflags;
}

void bounce_failsafe(struct vcpu *v, const uint16_t sel[4])
{
    const struct bounce b = {
        .handler = v->arch.failsafe_callback,
        .mask_events = v->arch.failsafe_disables_events,
        .selectors = sel,
        .what = "unloadable segments",
    };

    bounce(v, &b);
}
