/* SPDX-License-Identifier: MIT */
/*
 * Deferred work of each CPU, and stopping every other CPU where it holds nothing: at its next
 * return to a guest, or in idle. That is for looking at the whole machine at rest (the audit of
 * frames).
 */
#include <hv/console.h>
#include <hv/pcpu.h>

void softirq_raise(enum softirq nr) { set_bit(nr, &this_pcpu()->softirqs); }

void softirq_raise_on(unsigned int cpu, enum softirq nr) {
    if (!test_and_set_bit(nr, &pcpus[cpu]->softirqs) && cpu != smp_cpu_id()) smp_send_kick(cpu);
}

static spinlock_t park_lock = SPINLOCK_INIT(ORDER_DOMCTL + 1); /* one stops the others at a time */
static uint32_t parked;                                        /* CPUs that have stopped; atomic */
static bool parking;                                           /* stay */

void park_if_asked(void) {
    if (!__atomic_load_n(&parking, __ATOMIC_ACQUIRE)) return;
    __atomic_fetch_add(&parked, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&parking, __ATOMIC_ACQUIRE)) smp_poll();
    __atomic_fetch_sub(&parked, 1, __ATOMIC_SEQ_CST);
}

/* Tried only: whoever holds the lock waits for this CPU to stand still, too. */
bool park_other_cpus(void) {
    if (!spin_trylock(&park_lock)) return false;
    __atomic_store_n(&parking, true, __ATOMIC_RELEASE);
    for (unsigned int c = 0; c < nr_cpus; c++)
        if (c != smp_cpu_id()) softirq_raise_on(c, SOFTIRQ_PARK);
    while (__atomic_load_n(&parked, __ATOMIC_ACQUIRE) != nr_cpus - 1) smp_poll();
    return true;
}

void unpark_cpus(void) {
    __atomic_store_n(&parking, false, __ATOMIC_RELEASE);
    while (__atomic_load_n(&parked, __ATOMIC_ACQUIRE)) smp_poll();
    spin_unlock(&park_lock);
}

void softirq_run(void) {
    struct pcpu *p = this_pcpu();
    unsigned long bits = __atomic_exchange_n(&p->softirqs, 0, __ATOMIC_ACQ_REL);

    if (bits & BIT(SOFTIRQ_TIMER)) timer_softirq();
    if (bits & BIT(SOFTIRQ_RECLAIM)) domain_reclaim_softirq();
    if (bits & BIT(SOFTIRQ_KEYS)) console_softirq();
    if (bits & BIT(SOFTIRQ_PARK)) park_if_asked();
    if (bits & BIT(SOFTIRQ_SCHEDULE)) sched_softirq();
}

bool preempt_check(void) {
    spin_debug_preempt();
    __asm__ volatile("sti; nop; cli" ::: "memory");
    return READ_ONCE(this_pcpu()->softirqs) || vcpu_event_pending(current);
}
