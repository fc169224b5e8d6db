/* SPDX-License-Identifier: MIT */
/*
 * Reasons not to run: blocking for events, and counted pauses of a vcpu or a domain. A pause that
 * waits for the vcpu to leave its CPU must not be asked for with a lock held that the vcpu's
 * current hypercall may want.
 */
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/softirq.h>

void vcpu_block(void) {
    struct vcpu *v = current;

    set_bit(VPF_BLOCKED, &v->pause_flags);
    /* An event sent before the bit was set does not wake us: look again now that it is. */
    if (vcpu_event_pending(v))
        clear_bit(VPF_BLOCKED, &v->pause_flags);
    else
        softirq_raise(SOFTIRQ_SCHEDULE);
}

void vcpu_unblock(struct vcpu *v) {
    if (!test_and_clear_bit(VPF_BLOCKED, &v->pause_flags)) return;
    if (unlikely(v->event.poll_port)) {
        v->event.poll_port = 0;
        if (test_and_clear_bit(v->id, v->domain->event.poll_mask))
            clear_bit(VPF_BLOCKED, &v->pause_flags);
    }
    vcpu_wake(v);
}

void vcpu_pause_nosync(struct vcpu *v) {
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_nosync(v);
}

void vcpu_pause(struct vcpu *v) {
    ASSERT(v != current);
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v) {
    if (__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST) == 0) vcpu_wake(v);
}

void domain_pause_nosync(struct domain *d) {
    struct vcpu *v;

    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, v) vcpu_sleep_nosync(v);
}

void domain_pause(struct domain *d) {
    struct vcpu *v;

    domain_pause_nosync(d);
    for_each_vcpu(d, v) vcpu_sleep_sync(v);
}

void domain_unpause(struct domain *d) {
    struct vcpu *v;

    if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST) == 0)
        for_each_vcpu(d, v) vcpu_wake(v);
}

void domain_pause_by_tools(struct domain *d) {
    spin_lock(&d->lock);
    d->tools_pause_count++;
    spin_unlock(&d->lock);
    domain_pause(d);
}

int domain_unpause_by_tools(struct domain *d) {
    int rc = 0;

    spin_lock(&d->lock);
    if (d->tools_pause_count == 0)
        rc = -EINVAL;
    else
        d->tools_pause_count--;
    spin_unlock(&d->lock);
    if (!rc) domain_unpause(d);
    return rc;
}
