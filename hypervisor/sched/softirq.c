/* SPDX-License-Identifier: MIT */
/* Deferred work of each CPU: see hv/softirq.h. */
#include <hv/bitops.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/pcpu.h>
#include <hv/softirq.h>

void softirq_raise(enum softirq nr) { set_bit(nr, &this_pcpu()->softirqs); }

void softirq_raise_on(unsigned int cpu, enum softirq nr) {
    if (!test_and_set_bit(nr, &pcpus[cpu]->softirqs) && cpu != smp_cpu_id()) smp_send_kick(cpu);
}

bool softirq_pending(void) { return READ_ONCE(this_pcpu()->softirqs) != 0; }

void softirq_run(void) {
    struct pcpu *p = this_pcpu();
    unsigned long bits = __atomic_exchange_n(&p->softirqs, 0, __ATOMIC_ACQ_REL);

    if (bits & BIT(SOFTIRQ_TIMER)) timer_softirq();
    if (bits & BIT(SOFTIRQ_RECLAIM)) domain_reclaim_softirq();
    if (bits & BIT(SOFTIRQ_KEYS)) console_softirq();
    if (bits & BIT(SOFTIRQ_PARK)) park_softirq();
    if (bits & BIT(SOFTIRQ_SCHEDULE)) sched_softirq();
}

bool preempt_check(void) {
    __asm__ volatile("sti; nop; cli" ::: "memory");
    return softirq_pending() || vcpu_event_pending(current);
}
