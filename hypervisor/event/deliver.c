/* SPDX-License-Identifier: MIT */
/*
 * Making a port pending and getting its vcpu to notice. The 2-level ABI lives here: pending and
 * mask bits in shared_info, one selector word a vcpu (public/xen.h). fifo.c has the other ABI.
 */
#include "port.h"

void vcpu_mark_events_pending(struct vcpu *v) {
    struct vcpu_info *info = READ_ONCE(v->info);

    if (info == &dummy_vcpu_info ||
        __atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        return;
    vcpu_unblock(v);
    vcpu_kick(v);
}

void wake_pollers(struct domain *d, uint32_t port) {
    unsigned int id;

    if (likely(!(READ_ONCE(d->event.poll_mask[0]) | READ_ONCE(d->event.poll_mask[1])))) return;
    for_each_set_bit(id, d->event.poll_mask, MAX_VCPUS) {
        struct vcpu *v = domain_vcpu(d, id);

        /* 0: another waker came late, and v polls again already */
        if (v && (v->event.poll_port <= 0 || v->event.poll_port == (int32_t)port) &&
            test_and_clear_bit(id, d->event.poll_mask)) {
            v->event.poll_port = 0;
            vcpu_unblock(v);
        }
    }
}

static void l2_select(struct domain *d, const struct port *p) {
    struct vcpu *v = domain_vcpu(d, READ_ONCE(p->vcpu));

    if (v && v->info != &dummy_vcpu_info &&
        !test_and_set_bit(p->number / 64, &v->info->evtchn_pending_sel))
        vcpu_mark_events_pending(v);
}

static void l2_set_pending(struct domain *d, struct port *p) {
    struct shared_info *s = d->shared_info;

    if (p->number >= MAX_PORTS_2L || test_and_set_bit(p->number, s->evtchn_pending)) return;
    if (unlikely(READ_ONCE(d->event.fifo))) {
        fifo_raise(d, p, false); /* the ABI changed since the caller looked */
        return;
    }
    if (!test_bit(p->number, s->evtchn_mask)) l2_select(d, p);
    wake_pollers(d, p->number);
}

void port_set_pending(struct domain *d, struct port *p) {
    if (d->event.fifo)
        fifo_raise(d, p, false);
    else
        l2_set_pending(d, p);
}

void port_clear_pending(struct domain *d, struct port *p) {
    if (d->event.fifo)
        fifo_clear_pending(d, p);
    else if (p->number < MAX_PORTS_2L && d->shared_info)
        clear_bit(p->number, d->shared_info->evtchn_pending);
}

bool port_is_pending(struct domain *d, const struct port *p) {
    if (d->event.fifo) return fifo_test(d, p, EVTCHN_FIFO_PENDING);
    return p->number < MAX_PORTS_2L && test_bit(p->number, d->shared_info->evtchn_pending);
}

bool port_is_masked(struct domain *d, const struct port *p) {
    if (d->event.fifo) return fifo_test(d, p, EVTCHN_FIFO_MASKED);
    return p->number >= MAX_PORTS_2L || test_bit(p->number, d->shared_info->evtchn_mask);
}

void port_unmask(struct domain *d, struct port *p) {
    struct shared_info *s = d->shared_info;

    if (d->event.fifo)
        fifo_raise(d, p, true);
    else if (p->number < MAX_PORTS_2L && test_and_clear_bit(p->number, s->evtchn_mask) &&
             test_bit(p->number, s->evtchn_pending))
        l2_select(d, p);
}
