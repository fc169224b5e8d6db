/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_sysctl: the machine as a whole (public/sysctl.h). As with domctl, one copy in, one
 * permission check, one lock, an operation a function, one copy out.
 */
#include <hv/console.h>
#include <hv/hypercall.h>
#include <public/sysctl.h>
#include <x86/cpuid.h>

#include "domctl.h"

#define THE_NODE 0u
#define THE_POOL 0u

static long op_readconsole(struct xen_sysctl_readconsole *r) {
    uint64_t to = handle_addr(r->buffer);
    uint32_t index = console_ring_start(), done = 0;
    char piece[256];

    if (r->incremental && (int32_t)(r->index - index) > 0)
        index = r->index; /* not what was cleared */
    while (done < r->count) {
        uint32_t room = min((uint32_t)sizeof(piece), r->count - done);
        uint32_t n = console_ring_read(&index, piece, room);

        if (!n) break;
        if (copy_to_guest(to + done, piece, n)) return -EFAULT;
        done += n;
    }
    r->index = index;
    r->count = done;
    if (r->clear) console_ring_clear();
    return 0;
}

static long op_getdomaininfolist(struct xen_sysctl_getdomaininfolist *l) {
    struct xen_domctl_getdomaininfo info;
    uint32_t next = l->first_domain;

    for (l->num_domains = 0; l->num_domains < l->max_domains; l->num_domains++) {
        struct domain *d DOMAIN_PUT_AT_END =
            next < DOMID_FIRST_RESERVED ? domain_get_next((domid_t)next) : NULL;

        if (!d) break;
        next = d->id + 1u;
        domain_get_info(d, &info);
        if (copy_to_guest_idx(handle_addr(l->buffer), l->num_domains, &info)) return -EFAULT;
    }
    return 0;
}

static long op_debug_keys(const struct xen_sysctl_debug_keys *k) {
    char key;

    for (uint32_t i = 0; i < k->nr_keys; i++) {
        if (copy_from_guest_idx(&key, handle_addr(k->keys), i)) return -EFAULT;
        handle_keys(&key, 1);
    }
    return 0;
}

static long op_getcpuinfo(struct xen_sysctl_getcpuinfo *g) {
    uint32_t n = min(g->max_cpus, nr_cpus);

    for (uint32_t i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo info = {.idletime = sched_idle_ns(i)};

        if (copy_to_guest_idx(handle_addr(g->info), i, &info)) return -EFAULT;
    }
    g->nr_cpus = n;
    return 0;
}

static long op_physinfo(struct xen_sysctl_physinfo *p) {
    memset(p, 0, sizeof(*p));
    p->threads_per_core = sysinfo_threads_per_core();
    p->cores_per_socket = sysinfo_cores_per_socket();
    p->nr_cpus = nr_cpus;
    p->max_cpu_id = nr_cpus - 1;
    p->nr_nodes = 1;
    p->max_node_id = THE_NODE;
    p->cpu_khz = tsc_khz;
    p->capabilities =
        XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 | XEN_SYSCTL_PHYSCAP_gnttab_v2;
    p->total_pages = mm_total_pages();
    p->free_pages = mm_free_pages();
    p->outstanding_pages = mm_outstanding_claims();
    p->max_mfn = max_frame - 1;
    sysinfo_feature_words(p->hw_cap);
    return 0;
}

static long op_numainfo(struct xen_sysctl_numainfo *n) {
    struct xen_sysctl_meminfo mem = {.memsize = mm_total_pages() << PAGE_SHIFT,
                                     .memfree = mm_free_pages() << PAGE_SHIFT};
    uint64_t to_mem = handle_addr(n->meminfo), to_dist = handle_addr(n->distance);
    uint32_t distance = 10;

    if ((to_mem || to_dist) && n->num_nodes == 0) return 0;
    if (to_mem && copy_to_guest(to_mem, &mem, sizeof(mem))) return -EFAULT;
    if (to_dist && copy_to_guest(to_dist, &distance, sizeof(distance))) return -EFAULT;
    n->num_nodes = 1;
    return 0;
}

static long op_cputopoinfo(struct xen_sysctl_cputopoinfo *t) {
    uint64_t to = handle_addr(t->cputopo);
    uint32_t n = to ? min(t->num_cpus, nr_cpus) : nr_cpus;

    for (uint32_t i = 0; to && i < n; i++) {
        struct xen_sysctl_cputopo topo = {.node = THE_NODE};

        sysinfo_cpu_place(i, &topo.core, &topo.socket);
        if (copy_to_guest_idx(to, i, &topo)) return -EFAULT;
    }
    t->num_cpus = n;
    return 0;
}

static long move_to_pool(domid_t id, uint32_t pool) {
    struct domain *d DOMAIN_PUT_AT_END = domain_get(id);

    if (!d) return -ESRCH;
    return d == current->domain ? -EPERM : pool == THE_POOL ? 0 : -ENOENT;
}

/* One pool with every CPU, of which none is free, and which stays. */
static long op_cpupool(struct xen_sysctl_cpupool_op *c) {
    cpumask_t cpus = {{0}};
    struct domain *d;

    switch (c->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (c->cpupool_id > THE_POOL) return -ENOENT;
        c->cpupool_id = THE_POOL;
        c->sched_id = XEN_SCHEDULER_CREDIT2;
        c->n_dom = 0;
        spin_lock(&domain_list_lock);
        for_each_domain(d) c->n_dom++;
        spin_unlock(&domain_list_lock);
        for (uint32_t i = 0; i < nr_cpus; i++) __set_bit(i, cpus.bits);
        return bitmap_to_guest(&c->cpumap, cpus.bits, nr_cpus);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO: return bitmap_to_guest(&c->cpumap, cpus.bits, nr_cpus);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN: return move_to_pool((domid_t)c->domid, c->cpupool_id);
    case XEN_SYSCTL_CPUPOOL_OP_CREATE: return -EOPNOTSUPP;
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY: return c->cpupool_id == THE_POOL ? -EBUSY : -ENOENT;
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU: return c->cpupool_id == THE_POOL ? -EINVAL : -ENOENT;
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU: return c->cpupool_id == THE_POOL ? -ENODEV : -ENOENT;
    default: return -ENOSYS;
    }
}

/* The one global parameter that credit2 has. Kept, so that tools read back what they set. */
static uint32_t ratelimit_us = 1000;

static long op_scheduler(struct xen_sysctl_scheduler_op *s) {
    uint32_t us = s->u.sched_credit2.ratelimit_us;

    if (s->cpupool_id != THE_POOL) return -ESRCH;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2) return -EINVAL;
    switch (s->cmd) {
    case XEN_SYSCTL_SCHEDOP_putinfo:
        if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
            return -EINVAL;
        ratelimit_us = us;
        /* fall through */
    case XEN_SYSCTL_SCHEDOP_getinfo: s->u.sched_credit2.ratelimit_us = ratelimit_us; return 0;
    default: return -EINVAL;
    }
}

static long dispatch(struct xen_sysctl *op) {
    switch (op->cmd) {
    case XEN_SYSCTL_readconsole: return op_readconsole(&op->u.readconsole);
    case XEN_SYSCTL_physinfo: return op_physinfo(&op->u.physinfo);
    case XEN_SYSCTL_sched_id: op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2; return 0;
    case XEN_SYSCTL_getdomaininfolist: return op_getdomaininfolist(&op->u.getdomaininfolist);
    case XEN_SYSCTL_debug_keys: return op_debug_keys(&op->u.debug_keys);
    case XEN_SYSCTL_getcpuinfo: return op_getcpuinfo(&op->u.getcpuinfo);
    case XEN_SYSCTL_availheap: {
        struct xen_sysctl_availheap *a = &op->u.availheap;

        a->avail_bytes = mm_free_pages_between(a->min_bitwidth, a->max_bitwidth) << PAGE_SHIFT;
        return 0;
    }
    case XEN_SYSCTL_cputopoinfo: return op_cputopoinfo(&op->u.cputopoinfo);
    case XEN_SYSCTL_numainfo: return op_numainfo(&op->u.numainfo);
    case XEN_SYSCTL_cpupool_op: return op_cpupool(&op->u.cpupool_op);
    case XEN_SYSCTL_scheduler_op: return op_scheduler(&op->u.scheduler_op);
    case XEN_SYSCTL_get_cpu_levelling_caps:
        op->u.cpu_levelling_caps.caps = 0; /* no CPUID masking: nothing can be levelled */
        return 0;
    case XEN_SYSCTL_get_cpu_featureset: return sysctl_cpu_featureset(&op->u.cpu_featureset);
    case XEN_SYSCTL_get_cpu_policy: return sysctl_cpu_policy(&op->u.cpu_policy);
    default: return refuse(POL_SYSCTL, op->cmd);
    }
}

long do_sysctl(uint64_t arg) {
    struct xen_sysctl op;
    long rc;

    if (!current->domain->is_control) return -EPERM;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) return -EACCES;
    rc = policy_check(current->domain, NULL, POL_SYSCTL, op.cmd);
    if (rc) return rc;
    if (!spin_trylock(&domctl_lock)) return hypercall_continue(1, arg);
    rc = dispatch(&op);
    spin_unlock(&domctl_lock);
    if ((!rc || rc == -ENOBUFS) && copy_to_guest(arg, &op, sizeof(op))) rc = -EFAULT;
    return rc;
}
