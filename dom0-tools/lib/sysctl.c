/* SPDX-License-Identifier: MIT */
/* sysctl wrappers. Same shape as domctl.c: argument block, bounce buffers, call, copy out. */
#include "sysctl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "privcmd.h"

static struct xen_sysctl *sysctl_begin(struct hv *hv, unsigned int cmd) {
    struct xen_sysctl *op = hv_op_block(hv, sizeof(*op));

    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return op;
}

static int sysctl_end(struct hv *hv, struct xen_sysctl *op, const char *name) {
    return hv_note(hv, hv_call(hv, __HYPERVISOR_sysctl, (uintptr_t)op, 0, 0, 0, 0), "sysctl %s",
                   name);
}

static int sysctl_nomem(struct hv *hv, const char *name) {
    return hv_note(hv, -ENOMEM, "buffer for sysctl %s", name);
}

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info) {
    struct xen_sysctl *op = sysctl_begin(hv, XEN_SYSCTL_physinfo);
    int ret = sysctl_end(hv, op, "physinfo");

    if (ret >= 0) *info = op->u.physinfo;
    return ret;
}

int hv_domain_list(struct hv *hv, domid_t first, struct xen_domctl_getdomaininfo *info,
                   unsigned int max) {
    size_t size = max * sizeof(*info);
    struct xen_sysctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, NULL, size)) return sysctl_nomem(hv, "getdomaininfolist");
    op = sysctl_begin(hv, XEN_SYSCTL_getdomaininfolist);
    op->u.getdomaininfolist.first_domain = first;
    op->u.getdomaininfolist.max_domains = max;
    set_xen_guest_handle(op->u.getdomaininfolist.buffer, buf);
    ret = sysctl_end(hv, op, "getdomaininfolist");
    if (ret >= 0) ret = (int)op->u.getdomaininfolist.num_domains;
    hv_bounce_out(hv, ret < 0 ? NULL : info, buf, size);
    return ret;
}

int hv_domain_list_all(struct hv *hv, struct xen_domctl_getdomaininfo **info) {
    struct xen_domctl_getdomaininfo *list = NULL, *more;
    unsigned int count = 0, next = 0;
    const unsigned int step = 64;
    int got;

    do {
        more = realloc(list, (count + step) * sizeof(*list));
        if (!more) {
            free(list);
            return sysctl_nomem(hv, "getdomaininfolist");
        }
        list = more;
        got = hv_domain_list(hv, (domid_t)next, list + count, step);
        if (got < 0) {
            free(list);
            return got;
        }
        count += (unsigned int)got;
        if (got) next = list[count - 1].domain + 1u;
    } while ((unsigned int)got == step && next < DOMID_FIRST_RESERVED);
    *info = list;
    return (int)count;
}

int hv_console_read(struct hv *hv, char *buf, size_t size, bool clear, bool incremental,
                    uint32_t *index) {
    struct xen_sysctl_readconsole *arg;
    struct xen_sysctl *op;
    void *bounce;
    int ret;

    if (hv_bounce_in(hv, &bounce, NULL, size)) return sysctl_nomem(hv, "readconsole");
    op = sysctl_begin(hv, XEN_SYSCTL_readconsole);
    arg = &op->u.readconsole;
    arg->clear = clear;
    arg->incremental = incremental;
    arg->index = index ? *index : 0;
    arg->count = (uint32_t)size;
    set_xen_guest_handle(arg->buffer, bounce);
    ret = sysctl_end(hv, op, "readconsole");
    if (ret >= 0) {
        ret = (int)arg->count;
        if (index) *index = arg->index;
    }
    hv_bounce_out(hv, ret < 0 ? NULL : buf, bounce, size);
    return ret;
}

int hv_debug_keys(struct hv *hv, const char *keys) {
    size_t len = strlen(keys);
    struct xen_sysctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, keys, len)) return sysctl_nomem(hv, "debug_keys");
    op = sysctl_begin(hv, XEN_SYSCTL_debug_keys);
    op->u.debug_keys.nr_keys = (uint32_t)len;
    set_xen_guest_handle(op->u.debug_keys.keys, buf);
    ret = sysctl_end(hv, op, "debug_keys");
    hv_bounce_out(hv, NULL, buf, len);
    return ret;
}

int hv_sched_id(struct hv *hv, uint32_t *id) {
    struct xen_sysctl *op = sysctl_begin(hv, XEN_SYSCTL_sched_id);
    int ret = sysctl_end(hv, op, "sched_id");

    if (ret >= 0) *id = op->u.sched_id.sched_id;
    return ret;
}

int hv_cpu_topology(struct hv *hv, struct xen_sysctl_cputopo *topo, unsigned int max) {
    size_t size = max * sizeof(*topo);
    struct xen_sysctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, NULL, topo ? size : 0)) return sysctl_nomem(hv, "cputopoinfo");
    op = sysctl_begin(hv, XEN_SYSCTL_cputopoinfo);
    op->u.cputopoinfo.num_cpus = max;
    set_xen_guest_handle(op->u.cputopoinfo.cputopo, buf);
    ret = sysctl_end(hv, op, "cputopoinfo");
    if (ret >= 0) ret = (int)op->u.cputopoinfo.num_cpus;
    hv_bounce_out(hv, ret < 0 ? NULL : topo, buf, size);
    return ret;
}

int hv_numa_info(struct hv *hv, struct xen_sysctl_meminfo *mem, uint32_t *distance,
                 unsigned int max) {
    size_t mem_size = mem ? max * sizeof(*mem) : 0;
    size_t dist_size = distance ? (size_t)max * max * sizeof(*distance) : 0;
    void *mem_buf = NULL, *dist_buf = NULL;
    struct xen_sysctl *op;
    int ret = -ENOMEM;

    if (hv_bounce_in(hv, &mem_buf, NULL, mem_size) ||
        hv_bounce_in(hv, &dist_buf, NULL, dist_size)) {
        sysctl_nomem(hv, "numainfo");
        goto out;
    }
    op = sysctl_begin(hv, XEN_SYSCTL_numainfo);
    op->u.numainfo.num_nodes = max;
    set_xen_guest_handle(op->u.numainfo.meminfo, mem_buf);
    set_xen_guest_handle(op->u.numainfo.distance, dist_buf);
    ret = sysctl_end(hv, op, "numainfo");
    if (ret >= 0) ret = (int)op->u.numainfo.num_nodes;
out:
    hv_bounce_out(hv, ret < 0 ? NULL : mem, mem_buf, mem_size);
    hv_bounce_out(hv, ret < 0 ? NULL : distance, dist_buf, dist_size);
    return ret;
}

int hv_cpu_info(struct hv *hv, struct xen_sysctl_cpuinfo *info, unsigned int max) {
    size_t size = max * sizeof(*info);
    struct xen_sysctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, NULL, size)) return sysctl_nomem(hv, "getcpuinfo");
    op = sysctl_begin(hv, XEN_SYSCTL_getcpuinfo);
    op->u.getcpuinfo.max_cpus = max;
    set_xen_guest_handle(op->u.getcpuinfo.info, buf);
    ret = sysctl_end(hv, op, "getcpuinfo");
    if (ret >= 0) ret = (int)op->u.getcpuinfo.nr_cpus;
    hv_bounce_out(hv, ret < 0 ? NULL : info, buf, size);
    return ret;
}

int hv_avail_heap(struct hv *hv, unsigned int min_width, unsigned int max_width, int node,
                  uint64_t *bytes) {
    struct xen_sysctl *op = sysctl_begin(hv, XEN_SYSCTL_availheap);
    int ret;

    op->u.availheap.min_bitwidth = min_width;
    op->u.availheap.max_bitwidth = max_width;
    op->u.availheap.node = node;
    ret = sysctl_end(hv, op, "availheap");
    if (ret >= 0) *bytes = op->u.availheap.avail_bytes;
    return ret;
}

int hv_cpupool_info(struct hv *hv, uint32_t pool, struct hv_cpupool *info, uint8_t *cpus,
                    size_t bytes) {
    struct xen_sysctl_cpupool_op *arg;
    struct xen_sysctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, NULL, cpus ? bytes : 0)) return sysctl_nomem(hv, "cpupool_op info");
    op = sysctl_begin(hv, XEN_SYSCTL_cpupool_op);
    arg = &op->u.cpupool_op;
    arg->op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    arg->cpupool_id = pool;
    set_xen_guest_handle(arg->cpumap.bitmap, buf);
    arg->cpumap.nr_bits = buf ? (uint32_t)bytes * 8 : 0;
    ret = sysctl_end(hv, op, "cpupool_op info");
    if (ret >= 0) *info = (struct hv_cpupool){arg->cpupool_id, arg->sched_id, arg->n_dom};
    hv_bounce_out(hv, ret < 0 ? NULL : cpus, buf, bytes);
    return ret;
}

int hv_sched_credit2_ratelimit(struct hv *hv, uint32_t pool, uint32_t *ratelimit_us) {
    struct xen_sysctl *op = sysctl_begin(hv, XEN_SYSCTL_scheduler_op);
    struct xen_sysctl_scheduler_op *arg = &op->u.scheduler_op;
    int ret;

    arg->cpupool_id = pool;
    arg->sched_id = XEN_SCHEDULER_CREDIT2;
    arg->cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    ret = sysctl_end(hv, op, "scheduler_op getinfo");
    if (ret >= 0) *ratelimit_us = arg->u.sched_credit2.ratelimit_us;
    return ret;
}
