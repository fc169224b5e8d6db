/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_sched_op: public/sched.h. */
#include <hv/hypercall.h>

#define POLL_PORTS_MAX 128
#define NR_WATCHDOGS   2

/* 1: an event is pending already; 0: wait; -Exxx. *single is the port when there is just one. */
static long poll_ports(struct domain *d, const struct sched_poll *poll, uint32_t *single) {
    uint64_t ports = handle_addr(poll->ports);
    evtchn_port_t port = 0;
    int rc;

    for (unsigned int i = 0; i < poll->nr_ports; i++) {
        if (copy_from_guest_idx(&port, ports, i)) return -EFAULT;
        rc = event_port_poll(d, port);
        if (rc) return rc;
    }
    *single = poll->nr_ports == 1 ? port : 0;
    return 0;
}

static long op_poll(const struct sched_poll *poll) {
    struct vcpu *v = current;
    uint32_t single = 0;
    long rc;

    if (poll->nr_ports > POLL_PORTS_MAX) return -EINVAL;
    if (!guest_range_ok(handle_addr(poll->ports), poll->nr_ports * sizeof(evtchn_port_t)))
        return -EFAULT;

    /* Announce first, look second: a sender in between finds us and wakes us. */
    set_bit(VPF_BLOCKED, &v->pause_flags);
    v->event.poll_port = -1;
    set_bit(v->id, v->domain->event.poll_mask);

    rc = vcpu_event_pending(v) ? 1 : poll_ports(v->domain, poll, &single);
    if (rc) {
        v->event.poll_port = 0;
        clear_bit(v->id, v->domain->event.poll_mask);
        clear_bit(VPF_BLOCKED, &v->pause_flags);
        return rc > 0 ? 0 : rc;
    }
    if (single) v->event.poll_port = (int32_t)single;
    if (poll->timeout) {
        timer_migrate(&v->sched.poll, smp_cpu_id());
        timer_set(&v->sched.poll, (int64_t)poll->timeout < 0 ? 0 : poll->timeout);
    }
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static long op_shutdown(uint64_t reason) {
    domain_shutdown(current->domain, (uint8_t)reason);
    return 0;
}

/* The reason of a shutdown that is to come. */
static long op_shutdown_code(uint32_t reason) {
    struct domain *d = current->domain;

    SPIN_SCOPE(&d->shutdown_lock);
    if (d->shutdown_code == -1) d->shutdown_code = (uint8_t)reason;
    return 0;
}

static long op_remote_shutdown(const struct sched_remote_shutdown *s) {
    struct domain *d DOMAIN_PUT_AT_END = domain_get(s->domain_id);
    long rc = d ? policy_check(current->domain, d, POL_SCHED_REMOTE, 0) : -ESRCH;

    if (!rc) domain_shutdown(d, (uint8_t)s->reason);
    return rc;
}

static void watchdog_expired(void *data) {
    struct domain *d = data;

    if (d->is_shut_down || d->state >= DOM_DYING) return;
    if (printk_for_guest(d)) printk("d%u: watchdog expired, shutting it down\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

void sched_init_domain(struct domain *d) {
    d->sched.weight = 256;
    for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
        timer_init(&d->sched.watchdog[i], watchdog_expired, d, 0);
}

void sched_destroy_domain(struct domain *d) {
    for (unsigned int i = 0; i < NR_WATCHDOGS; i++) timer_kill(&d->sched.watchdog[i]);
}

/* id 0: a new one; timeout 0: the end of one. */
static long op_watchdog(const struct sched_watchdog *w) {
    struct domain *d = current->domain;
    uint32_t *inuse = &d->sched.watchdog_inuse, i = 0;
    long rc;

    if (w->id > NR_WATCHDOGS) return -EINVAL;
    SPIN_SCOPE(&d->lock);
    if (w->id) {
        i = w->id - 1;
        rc = *inuse & BIT(i) ? 0 : -EINVAL;
    } else {
        while (i < NR_WATCHDOGS && (*inuse & BIT(i))) i++;
        rc = i < NR_WATCHDOGS ? (long)i + 1 : -ENOSPC;
    }
    if (rc >= 0 && (w->timeout || !w->id)) {
        *inuse |= (uint32_t)BIT(i);
        timer_set(&d->sched.watchdog[i], now_ns() + SECONDS(w->timeout));
    } else if (rc >= 0) {
        *inuse &= ~(uint32_t)BIT(i);
        timer_stop(&d->sched.watchdog[i]);
    }
    return rc;
}

static long op_pin_override(int32_t pcpu) {
    struct vcpu *v = current;

    if (pcpu < 0) {
        if (!v->sched.pinned_cpu) return -EINVAL;
        v->sched.pinned_cpu = 0;
        return 0;
    }
    if ((uint32_t)pcpu >= nr_cpus) return -EINVAL;
    if (v->sched.pinned_cpu) return -EBUSY;
    v->sched.pinned_cpu = (uint32_t)pcpu + 1;
    if ((uint32_t)pcpu != smp_cpu_id()) softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

long do_sched_op(int cmd, uint64_t arg) {
    switch (cmd) {
    case SCHEDOP_yield: vcpu_yield(); return 0;
    case SCHEDOP_block:
        WRITE_ONCE(current->info->evtchn_upcall_mask, 0);
        vcpu_block();
        return 0;
    case SCHEDOP_shutdown: WITH_ARG(sched_shutdown, op_shutdown(a.reason))
    case SCHEDOP_shutdown_code: WITH_ARG(sched_shutdown, op_shutdown_code(a.reason))
    case SCHEDOP_poll: WITH_ARG(sched_poll, op_poll(&a))
    case SCHEDOP_remote_shutdown: WITH_ARG(sched_remote_shutdown, op_remote_shutdown(&a))
    case SCHEDOP_watchdog: WITH_ARG(sched_watchdog, op_watchdog(&a))
    case SCHEDOP_pin_override:
        if (!current->domain->is_control) return -EPERM;
        WITH_ARG(sched_pin_override, op_pin_override(a.pcpu))
    default: return -ENOSYS;
    }
}

/* The first ABI's form: yield and block, and shutdown with the reason as its argument. */
long do_sched_op_compat(int cmd, uint64_t arg) {
    if (cmd == SCHEDOP_shutdown) return op_shutdown(arg);
    return cmd == SCHEDOP_yield || cmd == SCHEDOP_block ? do_sched_op(cmd, arg) : -ENOSYS;
}
