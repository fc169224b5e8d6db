/* SPDX-License-Identifier: MIT */
/* domctl: a domain's life, limits, permissions, and what the tools are told of it. */
#include "domctl.h"

#include <hv/pcpu.h>

#include "../event/port.h"

long domctl_createdomain(struct domctl *c) {
    struct domain *d;
    int rc;

    if (c->op.domain == 0 || c->op.domain >= DOMID_FIRST_RESERVED) c->op.domain = domain_free_id();
    if (!c->op.domain) return -ENOMEM;
    rc = domain_create(c->op.domain, &c->op.u.createdomain, false, &d);
    if (!rc) domain_put(d);
    return rc;
}

long domctl_destroydomain(struct domctl *c) { return domain_destroy(c->d); }

long domctl_pausedomain(struct domctl *c) {
    if (c->d == current->domain) return -EINVAL;
    c->d->tools_pause_count++;
    domain_pause(c->d);
    return 0;
}

long domctl_unpausedomain(struct domctl *c) {
    struct domain *d = c->d;

    if (d->state == DOM_BUILDING) d->state = DOM_LIVE;
    return domain_unpause_by_tools(d);
}

long domctl_resumedomain(struct domctl *c) {
    if (c->d == current->domain) return -EINVAL;
    domain_resume(c->d);
    return 0;
}

void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info) {
    bool all_blocked = true, any_running = false;
    struct vcpu_runstate_info r;
    struct vcpu *v;

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for_each_vcpu(d, v) {
        vcpu_runstate_get(v, &r);
        info->cpu_time += r.time[RUNSTATE_running];
        info->max_vcpu_id = v->id;
        if (test_bit(VPF_DOWN, &v->pause_flags)) continue;
        info->nr_online_vcpus++;
        all_blocked &= test_bit(VPF_BLOCKED, &v->pause_flags);
        any_running |= READ_ONCE(v->is_running);
    }
    info->flags = (info->nr_online_vcpus && all_blocked ? XEN_DOMINF_blocked : 0) |
                  (any_running ? XEN_DOMINF_running : 0) |
                  (d->state == DOM_DEAD ? XEN_DOMINF_dying : 0) |
                  (d->is_shut_down ? XEN_DOMINF_shutdown : 0) |
                  (d->tools_pause_count > 0 ? XEN_DOMINF_paused : 0) |
                  (d->debugger_attached ? XEN_DOMINF_debugged : 0) |
                  (d->create_flags & XEN_DOMCTL_CDF_xs_domain ? XEN_DOMINF_xs_domain : 0) |
                  (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
    info->ssidref = d->ssidref;
    info->tot_pages = d->mm.tot_pages;
    info->max_pages = d->mm.max_pages;
    info->outstanding_pages = d->mm.outstanding_claim;
    info->shared_info_frame = mfn_x(d->shared_info_mfn);
    info->gpaddr_bits = 52;
    memcpy(info->handle, d->handle, sizeof(info->handle));
}

long domctl_getdomaininfo(struct domctl *c) {
    if (!c->d) return c->op.domain < DOMID_FIRST_RESERVED ? -ESRCH : -EINVAL;
    domain_get_info(c->d, &c->op.u.getdomaininfo);
    c->op.domain = c->d->id;
    return 0;
}

long domctl_max_mem(struct domctl *c) {
    struct domain *d = c->d;
    uint64_t pages = c->op.u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    SPIN_SCOPE(&d->mm.lock);
    d->mm.max_pages = min(pages, (uint64_t)UINT32_MAX);
    return 0;
}

long domctl_max_vcpus(struct domctl *c) {
    struct domain *d = c->d;
    int rc = 0;

    if (c->d == current->domain || c->op.u.max_vcpus.max != d->max_vcpus) return -EINVAL;
    domain_pause(d);
    for (uint32_t i = 0; !rc && i < d->max_vcpus; i++)
        if (!d->vcpu[i]) rc = d->state < DOM_DYING ? vcpu_create(d, i) : -EINVAL;
    domain_unpause(d);
    return rc;
}

long domctl_setdomainhandle(struct domctl *c) {
    memcpy(c->d->handle, c->op.u.setdomainhandle.handle, sizeof(c->d->handle));
    return 0;
}

long domctl_setdebugging(struct domctl *c) {
    if (c->d == current->domain) return -EINVAL;
    domain_pause(c->d);
    c->d->debugger_attached = c->op.u.setdebugging.enable;
    domain_unpause(c->d);
    return 0;
}

long domctl_settimeoffset(struct domctl *c) {
    c->d->time_offset_seconds = c->op.u.settimeoffset.time_offset_seconds;
    time_update_wallclock(c->d);
    return 0;
}

/* One node. */
static const unsigned long node_zero = 1;

long domctl_setnodeaffinity(struct domctl *c) {
    unsigned long nodes = 0;
    int rc = bitmap_from_guest(&nodes, 64, &c->op.u.nodeaffinity.nodemap);

    if (rc) return rc;
    return nodes & node_zero ? 0 : -EINVAL;
}

long domctl_getnodeaffinity(struct domctl *c) {
    return bitmap_to_guest(&c->op.u.nodeaffinity.nodemap, &node_zero, 1);
}

long domctl_set_virq_handler(struct domctl *c) {
    return set_global_virq_handler(c->d, c->op.u.set_virq_handler.virq);
}

/* A right may only be passed on by whoever has it. */
static long set_permission(struct rangeset *mine, struct rangeset *theirs, uint64_t first,
                           uint64_t last, bool allow) {
    if (!rangeset_contains(mine, first, last)) return -EPERM;
    return allow ? rangeset_add(theirs, first, last) : rangeset_remove(theirs, first, last);
}

long domctl_irq_permission(struct domctl *c) {
    const struct xen_domctl_irq_permission *p = &c->op.u.irq_permission;
    struct rangeset *mine = current->domain->irq_caps;

    if (!pirq_is_valid(current->domain, p->pirq)) return -EINVAL;
    return set_permission(mine, c->d->irq_caps, p->pirq, p->pirq, p->allow_access);
}

long domctl_iomem_permission(struct domctl *c) {
    const struct xen_domctl_iomem_permission *p = &c->op.u.iomem_permission;
    uint64_t last = p->first_mfn + p->nr_mfns - 1;

    if (last < p->first_mfn) return -EINVAL;
    return set_permission(current->domain->iomem_caps, c->d->iomem_caps, p->first_mfn, last,
                          p->allow_access);
}

long domctl_ioport_permission(struct domctl *c) {
    const struct xen_domctl_ioport_permission *p = &c->op.u.ioport_permission;
    uint64_t last = (uint64_t)p->first_port + p->nr_ports - 1;

    if (p->nr_ports == 0 || last > 0xffff) return -EINVAL;
    return set_permission(current->domain->ioport_caps, c->d->ioport_caps, p->first_port, last,
                          p->allow_access);
}
