/* SPDX-License-Identifier: MIT */
/* domctl: contexts, placement and scheduling of a domain's vcpus. */
#include "domctl.h"

#include <hv/guest_access.h>
#include <hv/pcpu.h>

/* Back to the state before the first context: tools reset a vcpu by a null context. */
static long reset_vcpu(struct vcpu *v) {
    struct domain *d = v->domain;
    int rc;

    domain_pause(d);
    set_bit(VPF_DOWN, &v->pause_flags); /* without tables it may not run while this is preempted, */
    v->initialised = false;             /* and nobody may bring it up */
    rc = mm_drop_vcpu_pagetables(v);
    if (!rc) {
        clear_bit(VPF_BLOCKED, &v->pause_flags);
        clear_bit(v->id, d->event.poll_mask);
        v->event.poll_port = 0;
        v->sched.pinned_cpu = 0;
    }
    domain_unpause(d);
    return rc;
}

long domctl_setvcpucontext(struct domctl *c) {
    struct domain *d = c->d;
    struct vcpu *v = domain_vcpu(d, c->op.u.vcpucontext.vcpu);
    uint64_t from = handle_addr(c->op.u.vcpucontext.ctxt);
    struct vcpu_guest_context *ctxt HV_FREE_AT_END = NULL;
    long rc;

    /* A dying domain has given its tables back: it takes none any more. */
    if (d == current->domain || !v || d->state >= DOM_DYING) return -EINVAL;
    if (!from) return reset_vcpu(v);
    ctxt = hv_new(struct vcpu_guest_context);
    if (!ctxt) return -ENOMEM;
    rc = copy_from_guest(ctxt, from, sizeof(*ctxt));
    if (!rc) {
        domain_pause(d);
        rc = vcpu_set_context(v, ctxt);
        domain_unpause(d);
    }
    return rc;
}

long domctl_getvcpucontext(struct domctl *c) {
    struct vcpu *v = domain_vcpu(c->d, c->op.u.vcpucontext.vcpu);
    struct vcpu_guest_context *ctxt HV_FREE_AT_END = NULL;

    if (!v || v == current) return -EINVAL;
    if (!v->initialised) return -ENODATA;
    ctxt = hv_new(struct vcpu_guest_context);
    if (!ctxt) return -ENOMEM;
    vcpu_pause(v);
    vcpu_get_context(v, ctxt);
    vcpu_unpause(v);
    return copy_to_guest(handle_addr(c->op.u.vcpucontext.ctxt), ctxt, sizeof(*ctxt));
}

/* A vcpu that must have been made: 0, -EINVAL or -ESRCH. */
static long existing_vcpu(const struct domctl *c, uint32_t id, struct vcpu **v) {
    *v = domain_vcpu(c->d, id);
    return *v ? 0 : id < c->d->max_vcpus ? -ESRCH : -EINVAL;
}

long domctl_getvcpuinfo(struct domctl *c) {
    struct xen_domctl_getvcpuinfo *i = &c->op.u.getvcpuinfo;
    struct vcpu_runstate_info r;
    struct vcpu *v;
    long rc = existing_vcpu(c, i->vcpu, &v);

    if (rc) return rc;
    vcpu_runstate_get(v, &r);
    i->online = !test_bit(VPF_DOWN, &v->pause_flags);
    i->blocked = test_bit(VPF_BLOCKED, &v->pause_flags);
    i->running = READ_ONCE(v->is_running);
    i->cpu_time = r.time[RUNSTATE_running];
    i->cpu = READ_ONCE(v->sched.cpu);
    return 0;
}

/* The vcpu that an affinity call is about, which must ask for something. */
static long affinity_vcpu(const struct domctl *c, struct vcpu **v) {
    const struct xen_domctl_vcpuaffinity *a = &c->op.u.vcpuaffinity;
    long rc = existing_vcpu(c, a->vcpu, v);

    if (!rc &&
        (!a->flags || (a->flags & XEN_VCPUAFFINITY_HARD && !handle_addr(a->cpumap_hard.bitmap)) ||
         (a->flags & XEN_VCPUAFFINITY_SOFT && !handle_addr(a->cpumap_soft.bitmap))))
        rc = -EINVAL;
    return rc;
}

static long tell_affinity(const struct vcpu *v, const struct xen_domctl_vcpuaffinity *a,
                          unsigned int cpus) {
    long rc = 0;

    if (a->flags & XEN_VCPUAFFINITY_HARD)
        rc = bitmap_to_guest(&a->cpumap_hard, v->sched.hard_affinity.bits, cpus);
    if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = bitmap_to_guest(&a->cpumap_soft, v->sched.soft_affinity.bits, cpus);
    return rc;
}

/* The caller is told what is in force. */
long domctl_setvcpuaffinity(struct domctl *c) {
    const struct xen_domctl_vcpuaffinity *a = &c->op.u.vcpuaffinity;
    bool set_hard = a->flags & XEN_VCPUAFFINITY_HARD, set_soft = a->flags & XEN_VCPUAFFINITY_SOFT;
    cpumask_t hard, soft;
    struct vcpu *v;
    long rc = affinity_vcpu(c, &v);

    if (rc) return rc;
    if (a->flags & XEN_VCPUAFFINITY_FORCE) v->sched.pinned_cpu = 0;
    if (set_hard) rc = bitmap_from_guest(hard.bits, MAX_CPUS, &a->cpumap_hard);
    if (!rc && set_soft) rc = bitmap_from_guest(soft.bits, MAX_CPUS, &a->cpumap_soft);
    if (!rc) rc = vcpu_set_affinity(v, set_hard ? &hard : NULL, set_soft ? &soft : NULL);
    return rc ? rc : tell_affinity(v, a, nr_cpus);
}

long domctl_getvcpuaffinity(struct domctl *c) {
    struct vcpu *v;
    long rc = affinity_vcpu(c, &v);

    return rc ? rc : tell_affinity(v, &c->op.u.vcpuaffinity, MAX_CPUS);
}

long domctl_scheduler_op(struct domctl *c) {
    struct xen_domctl_scheduler_op *s = &c->op.u.scheduler_op;
    struct sched_domain *sd = &c->d->sched;

    if (s->sched_id != XEN_SCHEDULER_CREDIT2) return -EINVAL;
    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = sd->weight;
        s->u.credit2.cap = sd->cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        if (s->u.credit2.weight) sd->weight = s->u.credit2.weight;
        sd->cap = s->u.credit2.cap;
        return 0;
    default: return -EINVAL;
    }
}

long domctl_sendtrigger(struct domctl *c) {
    struct xen_domctl_sendtrigger *t = &c->op.u.sendtrigger;
    struct vcpu *v = domain_vcpu(c->d, t->vcpu);

    if (!v) return -ESRCH;
    /* A PV guest has no power or sleep button; reset and init lines nobody has. */
    if (t->trigger == XEN_DOMCTL_SENDTRIGGER_POWER || t->trigger == XEN_DOMCTL_SENDTRIGGER_SLEEP)
        return -EINVAL;
    return t->trigger == XEN_DOMCTL_SENDTRIGGER_NMI ? vcpu_send_nmi(v) : -ENOSYS;
}
