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

enum bounce_flags {
    MASK_EVENTS = 1,
    ERROR_CODE = 2,
};

static void __attribute__((cold, noinline))
no_handler(const struct vcpu *v, unsigned int vector, uint32_t error_code) {
    domain_crash(v->domain, "no handler for %s %u (error code %#x) at rip %#lx",
                 vector < NR_EXCEPTIONS ? "exception" : "entry", vector, error_code,
                 guest_regs()->rip);
}

static void __attribute__((cold, noinline))
no_stack(const struct vcpu *v, unsigned int vector, uint64_t sp) {
    domain_crash(v->domain, "kernel stack not writable at %#lx for entry %u at rip %#lx", sp,
                 vector, guest_regs()->rip);
}

static inline uint64_t frame_rflags(const struct vcpu *v, uint64_t rflags, uint8_t mask) {
    rflags &= ~EFLAGS_IF;
    if (!mask) rflags |= EFLAGS_IF;
    if (unlikely(v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl)))
        rflags |= (uint64_t)v->arch.iopl << 12;
    return rflags;
}

/* Inlined in each of the few kinds, with constant flags. 'vector' is for messages. */
static inline __attribute__((always_inline)) void bounce(struct vcpu *v, uint64_t handler,
                                                         unsigned int flags, unsigned int vector,
                                                         uint32_t error_code,
                                                         const uint16_t *selectors) {
    struct cpu_user_regs *regs = guest_regs();
    struct vcpu_info *info = v->info;
    uint64_t frame[FRAME_MAX], *f = frame, sp = regs->rsp, cs = regs->cs;
    uint8_t mask = READ_ONCE(info->evtchn_upcall_mask);
    size_t size;

    if (unlikely(!handler)) {
        no_handler(v, vector, error_code);
        return;
    }
    if (v->arch.kernel_mode) {
        cs &= ~3UL;
    } else {
        toggle_guest_mode(v);
        sp = v->arch.kernel_sp;
    }
    *f++ = regs->rcx;
    *f++ = regs->r11;
    for (unsigned int i = 0; selectors && i < 4; i++) *f++ = selectors[i];
    if (flags & ERROR_CODE) *f++ = error_code;
    *f++ = regs->rip;
    *f++ = cs | (uint64_t)mask << 32;
    *f++ = frame_rflags(v, regs->rflags, mask);
    *f++ = regs->rsp;
    *f++ = regs->ss;
    size = (size_t)((char *)f - (char *)frame);
    sp = (sp & ~15UL) - size;
    if (unlikely(copy_to_guest(sp, frame, size))) {
        no_stack(v, vector, sp);
        return;
    }
    if (flags & MASK_EVENTS) WRITE_ONCE(info->evtchn_upcall_mask, 1);
    regs->rip = handler;
    regs->cs = SEL_USER_CS64;
    regs->rflags &= ~(EFLAGS_AC | EFLAGS_VM | EFLAGS_RF | EFLAGS_NT | EFLAGS_TF);
    regs->rsp = sp;
    regs->ss = SEL_USER_DS;
    /* Both are on the stack, so SYSRET may have them where the entry was by SYSCALL. */
    regs->rcx = handler;
    regs->r11 = regs->rflags;
}

void bounce_exception(struct vcpu *v, uint8_t vector, uint32_t error_code) {
    const struct trap_info *ti = &v->arch.traps[vector];
    unsigned int flags = TI_GET_IF(ti) ? MASK_EVENTS : 0;

    if ((TRAPS_WITH_ERROR_CODE >> vector) & 1)
        bounce(v, ti->address, flags | ERROR_CODE, vector, error_code, NULL);
    else
        bounce(v, ti->address, flags, vector, 0, NULL);
}

void bounce_softint(struct vcpu *v, uint8_t vector) {
    const struct trap_info *ti = &v->arch.traps[vector];

    bounce(v, ti->address, TI_GET_IF(ti) ? MASK_EVENTS : 0, vector, 0, NULL);
}

void bounce_page_fault(struct vcpu *v, uint64_t addr, uint32_t error_code) {
    /* Guest kernels run in ring 3 and do not want to know it. */
    if (v->arch.kernel_mode)
        error_code &= ~PFEC_USER;
    else
        error_code |= PFEC_USER;
    WRITE_ONCE(v->info->arch.cr2, addr);
    bounce_exception(v, TRAP_PF, error_code);
}

#define ENTRY_EVENT    0x101 /* numbers for messages */
#define ENTRY_FAILSAFE 0x102

void bounce_event(struct vcpu *v) {
    bounce(v, v->arch.event_callback, MASK_EVENTS, ENTRY_EVENT, 0, NULL);
}

void bounce_nmi(struct vcpu *v) {
    v->arch.nmi_masked = true;
    bounce_softint(v, TRAP_NMI);
}

void bounce_syscall(struct vcpu *v, uint64_t handler, bool mask_events) {
    struct cpu_user_regs *regs = guest_regs();

    bounce(v, handler, mask_events ? MASK_EVENTS : 0, ENTRY_SYSCALL, 0, NULL);
    regs->rflags &= ~EFLAGS_DF;
    regs->r11 = regs->rflags;
}

void bounce_failsafe(struct vcpu *v, const uint16_t sel[4]) {
    bounce(v, v->arch.failsafe_callback, v->arch.failsafe_disables_events ? MASK_EVENTS : 0,
           ENTRY_FAILSAFE, 0, sel);
}
