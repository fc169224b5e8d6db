/* SPDX-License-Identifier: MIT */
/*
 * The way back to a guest. exit_work() repeats until nothing is left to do: deferred work first
 * (the last softirq may put another vcpu's registers in guest_regs), then idle if nobody wants to
 * run, then what the guest's kernel must hear of. entry.S leaves for the guest right after it,
 * interrupts still off, so nothing can become pending in between that an interrupt would not
 * announce again.
 *
 * Making the guest's kernel run a handler: its registers are pushed on its kernel stack in the
 * 64-bit PV frame and it continues at the handler's address. From user mode the vcpu changes to
 * kernel mode and to the stack given by stack_switch first.
 *
 * The frame, from its lowest address, which is the handler's RSP: rcx, r11, [ds, es, fs, gs of a
 * failsafe callback], [error code], rip, cs, rflags, rsp, ss. CS has RPL 0 when the interrupted
 * mode was the kernel's, and evtchn_upcall_mask in its bits 39:32; IF in rflags is its opposite.
 *
 * A frame that cannot be written crashes the domain. HYPERVISOR_iret is the way back.
 */
#include "entry.h"

#include <hv/hypercall.h>

#define FRAME_MAX 12

enum { MASK_EVENTS = 1, ERROR_CODE = 2 };

/* Numbers for messages, after those of the vectors. */
#define ENTRY_CALLBACK 0x100

static void __attribute__((cold, noinline))
cannot_bounce(const struct vcpu *v, unsigned int entry, const char *why, uint64_t detail) {
    domain_crash(v->domain, "%s %u at rip %#lx: %s %#lx",
                 entry < NR_EXCEPTIONS    ? "exception"
                 : entry < ENTRY_CALLBACK ? "software interrupt"
                                          : "callback",
                 entry & 0xff, guest_regs()->rip, why, detail);
}

static inline uint64_t frame_rflags(const struct vcpu *v, uint64_t rflags, uint8_t mask) {
    rflags &= ~EFLAGS_IF;
    if (!mask) rflags |= EFLAGS_IF;
    if (unlikely(v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl)))
        rflags |= (uint64_t)v->arch.iopl << 12;
    return rflags;
}

/* Inlined in each of the few kinds, with constant flags. 'entry' is for messages. */
static ALWAYS_INLINE void bounce(struct vcpu *v, uint64_t handler, unsigned int flags,
                                 unsigned int entry, uint32_t error_code,
                                 const uint16_t *selectors) {
    struct cpu_user_regs *regs = guest_regs();
    struct vcpu_info *info = v->info;
    uint64_t frame[FRAME_MAX], *f = frame, sp = regs->rsp, cs = regs->cs;
    uint8_t mask = READ_ONCE(info->evtchn_upcall_mask);
    uint32_t words;

    if (unlikely(!handler)) {
        cannot_bounce(v, entry, "no handler; error code", error_code);
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
    words = (uint32_t)(f - frame);
    sp = (sp & ~15UL) - words * 8;
    if (unlikely(copy_words_to_guest(sp, frame, words))) {
        cannot_bounce(v, entry, "kernel stack not writable at", sp);
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

static ALWAYS_INLINE void bounce_callback(struct vcpu *v, unsigned int type,
                                          const uint16_t *selectors) {
    const struct guest_callback *cb = &v->arch.callback[type];

    bounce(v, cb->address, cb->mask_events ? MASK_EVENTS : 0, ENTRY_CALLBACK + type, 0, selectors);
}

void bounce_syscall(struct vcpu *v, unsigned int type) {
    struct cpu_user_regs *regs = guest_regs();

    if (likely(v->arch.callback[type].address)) {
        bounce_callback(v, type, NULL);
        regs->rflags &= ~EFLAGS_DF;
        regs->r11 = regs->rflags;
    } else if (type == CALLBACKTYPE_sysenter) {
        bounce_exception(v, TRAP_GP, 0);
    } else {
        regs->rip -= 2;
        regs->entry_vector = TRAP_UD;
        bounce_exception(v, TRAP_UD, 0);
    }
}

void bounce_failsafe(struct vcpu *v, const uint16_t sel[4]) {
    bounce_callback(v, CALLBACKTYPE_failsafe, sel);
}

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

/* The guest kernel's return from a bounce, to itself or to user mode. What it gives is forced into
 * what ring 3 may have; selectors and addresses that the CPU refuses after that come back to the
 * guest as the exception that its own iret would have raised (traps.c). */
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

/* True: it changed the guest's registers, or found the domain unable to take it. */
static bool deliver(struct vcpu *v) {
    if (unlikely(v->arch.nmi_pending) && !v->arch.nmi_masked && v->arch.traps[TRAP_NMI].address) {
        v->arch.nmi_pending = false;
        v->arch.nmi_masked = true;
        bounce_softint(v, TRAP_NMI);
        return true;
    }
    if (vcpu_event_pending(v)) {
        bounce(v, v->arch.callback[CALLBACKTYPE_event].address, MASK_EVENTS,
               ENTRY_CALLBACK + CALLBACKTYPE_event, 0, NULL);
        return true;
    }
    return false;
}

/* More rounds than honest work takes: other vcpus of the guest may unmask this one's upcall as fast
 * as it is delivered, or wake others onto this CPU. Then its interrupts must get in even so. */
#define MANY_ROUNDS 8

void exit_work(void) {
    struct pcpu *p = this_pcpu();

    for (unsigned int round = 0;; round++) {
        struct vcpu *v;

        if (unlikely(round >= MANY_ROUNDS)) __asm__ volatile("sti; nop; cli" : : : "memory");
        if (unlikely(READ_ONCE(p->softirqs))) {
            softirq_run();
            continue;
        }
        v = p->curr;
        if (unlikely(v == &p->idle)) {
            sched_idle();
            continue;
        }
        if (likely(!deliver(v))) return;
    }
}

void exit_to_guest(void) {
    entry_init_cpu();
    softirq_raise(SOFTIRQ_SCHEDULE);
    reenter_guest(guest_regs());
}
