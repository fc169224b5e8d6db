/* SPDX-License-Identifier: MIT */
/*
 * The way back to a guest. exit_work() repeats until nothing is left to do: deferred work first
 * (the last softirq may put another vcpu's registers in guest_regs), then idle if nobody wants to
 * run, then what the guest's kernel must hear of. entry.S leaves for the guest right after it,
 * interrupts still off, so nothing can become pending in between that an interrupt would not
 * announce again.
 */
#include "entry.h"

#include <hv/domain.h>
#include <hv/softirq.h>
#include <x86/context.h>

/* True: it changed the guest's registers, or found the domain unable to take it. */
static bool deliver(struct vcpu *v) {
    if (unlikely(v->arch.nmi_pending) && !v->arch.nmi_masked && v->arch.traps[TRAP_NMI].address) {
        v->arch.nmi_pending = false;
        bounce_nmi(v);
        return true;
    }
    if (upcall_due(v)) {
        bounce_event(v);
        return true;
    }
    return false;
}

/* More rounds than honest work takes: other vcpus of the guest may unmask this one's upcall as fast
 * as it is delivered, or wake others onto this CPU. Then its interrupts must get in nevertheless.
 */
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
