/* SPDX-License-Identifier: MIT */
/*
 * domctl wrappers. Each fills the handle's argument block, calls, and copies results out; arrays
 * go through bounce buffers that live only for the call.
 */
#include "domctl.h"

#include <errno.h>
#include <string.h>

#include "privcmd.h"

static struct xen_domctl *domctl_begin(struct hv *hv, unsigned int cmd, domid_t domid) {
    struct xen_domctl *op = hv_op_block(hv, sizeof(*op));

    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = domid;
    return op;
}

static int domctl_end(struct hv *hv, struct xen_domctl *op, const char *name) {
    int64_t ret = hv_call(hv, __HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0, 0);

    return hv_note(hv, ret, "domctl %s of domain %u", name, op->domain);
}

static int domctl_nomem(struct hv *hv, const char *name, domid_t domid) {
    return hv_note(hv, -ENOMEM, "buffer for domctl %s of domain %u", name, domid);
}

int hv_domctl_plain(struct hv *hv, struct xen_domctl *op, const char *name) {
    struct xen_domctl *block = hv_op_block(hv, sizeof(*block));
    int ret;

    *block = *op;
    block->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    ret = domctl_end(hv, block, name);
    *op = *block;
    return ret;
}

static int domctl_bare(struct hv *hv, unsigned int cmd, domid_t domid, const char *name) {
    return domctl_end(hv, domctl_begin(hv, cmd, domid), name);
}

int hv_domain_create(struct hv *hv, domid_t *domid, const struct xen_domctl_createdomain *config) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_createdomain, *domid);
    int64_t ret;

    op->u.createdomain = *config;
    ret = hv_call(hv, __HYPERVISOR_domctl, (uintptr_t)op, 0, 0, 0, 0);
    if (ret >= 0) *domid = op->domain;
    return hv_note(hv, ret, "domctl createdomain"); /* it has no number yet */
}

int hv_domain_destroy(struct hv *hv, domid_t domid) {
    return domctl_bare(hv, XEN_DOMCTL_destroydomain, domid, "destroydomain");
}

int hv_domain_pause(struct hv *hv, domid_t domid) {
    return domctl_bare(hv, XEN_DOMCTL_pausedomain, domid, "pausedomain");
}

int hv_domain_unpause(struct hv *hv, domid_t domid) {
    return domctl_bare(hv, XEN_DOMCTL_unpausedomain, domid, "unpausedomain");
}

int hv_domain_resume(struct hv *hv, domid_t domid) {
    return domctl_bare(hv, XEN_DOMCTL_resumedomain, domid, "resumedomain");
}

int hv_domain_info(struct hv *hv, domid_t domid, struct xen_domctl_getdomaininfo *info) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_getdomaininfo, domid);
    int ret = domctl_end(hv, op, "getdomaininfo");

    if (ret < 0) return ret;
    /* The operation answers with the first domain at or above the id. */
    if (op->u.getdomaininfo.domain != domid)
        return hv_note(hv, -ESRCH, "domctl getdomaininfo of domain %u", domid);
    *info = op->u.getdomaininfo;
    return 0;
}

int hv_domain_max_mem(struct hv *hv, domid_t domid, uint64_t max_kib) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_max_mem, domid);

    op->u.max_mem.max_memkb = max_kib;
    return domctl_end(hv, op, "max_mem");
}

int hv_domain_max_vcpus(struct hv *hv, domid_t domid, unsigned int max_vcpus) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_max_vcpus, domid);

    op->u.max_vcpus.max = max_vcpus;
    return domctl_end(hv, op, "max_vcpus");
}

int hv_domain_set_handle(struct hv *hv, domid_t domid, const xen_domain_handle_t handle) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_setdomainhandle, domid);

    memcpy(op->u.setdomainhandle.handle, handle, sizeof(xen_domain_handle_t));
    return domctl_end(hv, op, "setdomainhandle");
}

int hv_domain_set_tsc(struct hv *hv, domid_t domid, const struct xen_domctl_tsc_info *tsc) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_settscinfo, domid);

    op->u.tsc_info = *tsc;
    return domctl_end(hv, op, "settscinfo");
}

int hv_domain_get_tsc(struct hv *hv, domid_t domid, struct xen_domctl_tsc_info *tsc) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_gettscinfo, domid);
    int ret = domctl_end(hv, op, "gettscinfo");

    if (ret >= 0) *tsc = op->u.tsc_info;
    return ret;
}

int hv_domain_set_time_offset(struct hv *hv, domid_t domid, int64_t seconds) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_settimeoffset, domid);

    op->u.settimeoffset.time_offset_seconds = seconds;
    return domctl_end(hv, op, "settimeoffset");
}

int hv_domain_hypercall_init(struct hv *hv, domid_t domid, uint64_t gmfn) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_hypercall_init, domid);

    op->u.hypercall_init.gmfn = gmfn;
    return domctl_end(hv, op, "hypercall_init");
}

static int vcpu_context(struct hv *hv, unsigned int cmd, const char *name, domid_t domid,
                        unsigned int vcpu, void *ctxt) {
    size_t size = sizeof(struct vcpu_guest_context);
    struct xen_domctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, ctxt, size)) return domctl_nomem(hv, name, domid);
    op = domctl_begin(hv, cmd, domid);
    op->u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(op->u.vcpucontext.ctxt, buf);
    ret = domctl_end(hv, op, name);
    hv_bounce_out(hv, ret < 0 || cmd == XEN_DOMCTL_setvcpucontext ? NULL : ctxt, buf, size);
    return ret;
}

int hv_vcpu_set_context(struct hv *hv, domid_t domid, unsigned int vcpu,
                        const struct vcpu_guest_context *ctxt) {
    return vcpu_context(hv, XEN_DOMCTL_setvcpucontext, "setvcpucontext", domid, vcpu,
                        (void *)(uintptr_t)ctxt);
}

int hv_vcpu_get_context(struct hv *hv, domid_t domid, unsigned int vcpu,
                        struct vcpu_guest_context *ctxt) {
    return vcpu_context(hv, XEN_DOMCTL_getvcpucontext, "getvcpucontext", domid, vcpu, ctxt);
}

int hv_vcpu_info(struct hv *hv, domid_t domid, unsigned int vcpu,
                 struct xen_domctl_getvcpuinfo *info) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_getvcpuinfo, domid);
    int ret;

    op->u.getvcpuinfo.vcpu = vcpu;
    ret = domctl_end(hv, op, "getvcpuinfo");
    if (ret >= 0) *info = op->u.getvcpuinfo;
    return ret;
}

static int vcpu_affinity(struct hv *hv, unsigned int cmd, const char *name, domid_t domid,
                         unsigned int vcpu, uint8_t *hard, uint8_t *soft, size_t bytes) {
    struct xen_domctl_vcpuaffinity *arg;
    void *hard_buf = NULL, *soft_buf = NULL;
    struct xen_domctl *op;
    int ret = -ENOMEM;

    if (hv_bounce_in(hv, &hard_buf, hard, hard ? bytes : 0) ||
        hv_bounce_in(hv, &soft_buf, soft, soft ? bytes : 0)) {
        domctl_nomem(hv, name, domid);
        goto out;
    }
    op = domctl_begin(hv, cmd, domid);
    arg = &op->u.vcpuaffinity;
    arg->vcpu = vcpu;
    if (hard) {
        arg->flags |= XEN_VCPUAFFINITY_HARD;
        set_xen_guest_handle(arg->cpumap_hard.bitmap, hard_buf);
        arg->cpumap_hard.nr_bits = (uint32_t)bytes * 8;
    }
    if (soft) {
        arg->flags |= XEN_VCPUAFFINITY_SOFT;
        set_xen_guest_handle(arg->cpumap_soft.bitmap, soft_buf);
        arg->cpumap_soft.nr_bits = (uint32_t)bytes * 8;
    }
    ret = domctl_end(hv, op, name);
out:
    hv_bounce_out(hv, ret < 0 ? NULL : hard, hard_buf, bytes);
    hv_bounce_out(hv, ret < 0 ? NULL : soft, soft_buf, bytes);
    return ret;
}

int hv_vcpu_get_affinity(struct hv *hv, domid_t domid, unsigned int vcpu, uint8_t *hard,
                         uint8_t *soft, size_t bytes) {
    return vcpu_affinity(hv, XEN_DOMCTL_getvcpuaffinity, "getvcpuaffinity", domid, vcpu, hard, soft,
                         bytes);
}

int hv_vcpu_set_affinity(struct hv *hv, domid_t domid, unsigned int vcpu, uint8_t *hard,
                         uint8_t *soft, size_t bytes) {
    return vcpu_affinity(hv, XEN_DOMCTL_setvcpuaffinity, "setvcpuaffinity", domid, vcpu, hard, soft,
                         bytes);
}

int hv_domain_set_node_affinity(struct hv *hv, domid_t domid, const uint8_t *nodes, size_t bytes) {
    struct xen_domctl *op;
    void *buf;
    int ret;

    if (hv_bounce_in(hv, &buf, nodes, bytes)) return domctl_nomem(hv, "setnodeaffinity", domid);
    op = domctl_begin(hv, XEN_DOMCTL_setnodeaffinity, domid);
    set_xen_guest_handle(op->u.nodeaffinity.nodemap.bitmap, buf);
    op->u.nodeaffinity.nodemap.nr_bits = (uint32_t)bytes * 8;
    ret = domctl_end(hv, op, "setnodeaffinity");
    hv_bounce_out(hv, NULL, buf, bytes);
    return ret;
}

int hv_domain_set_cpu_policy(struct hv *hv, domid_t domid, const xen_cpuid_leaf_t *leaves,
                             unsigned int nr_leaves, const xen_msr_entry_t *msrs,
                             unsigned int nr_msrs, struct hv_policy_error *fault) {
    size_t leaf_bytes = nr_leaves * sizeof(*leaves), msr_bytes = nr_msrs * sizeof(*msrs);
    void *leaf_buf = NULL, *msr_buf = NULL;
    struct xen_domctl *op;
    int ret = -ENOMEM;

    if (hv_bounce_in(hv, &leaf_buf, leaves, leaf_bytes) ||
        hv_bounce_in(hv, &msr_buf, msrs, msr_bytes)) {
        domctl_nomem(hv, "set_cpu_policy", domid);
        goto out;
    }
    op = domctl_begin(hv, XEN_DOMCTL_set_cpu_policy, domid);
    op->u.cpu_policy.nr_leaves = nr_leaves;
    op->u.cpu_policy.nr_msrs = nr_msrs;
    set_xen_guest_handle(op->u.cpu_policy.leaves, leaf_buf);
    set_xen_guest_handle(op->u.cpu_policy.msrs, msr_buf);
    ret = domctl_end(hv, op, "set_cpu_policy");
    if (fault) {
        fault->leaf = op->u.cpu_policy.err_leaf;
        fault->subleaf = op->u.cpu_policy.err_subleaf;
        fault->msr = op->u.cpu_policy.err_msr;
    }
out:
    hv_bounce_out(hv, NULL, leaf_buf, leaf_bytes);
    hv_bounce_out(hv, NULL, msr_buf, msr_bytes);
    return ret;
}

static int credit2_op(struct hv *hv, domid_t domid, unsigned int cmd, uint16_t *weight,
                      uint16_t *cap) {
    struct xen_domctl *op = domctl_begin(hv, XEN_DOMCTL_scheduler_op, domid);
    struct xen_domctl_scheduler_op *arg = &op->u.scheduler_op;
    int ret;

    arg->sched_id = XEN_SCHEDULER_CREDIT2;
    arg->cmd = cmd;
    arg->u.credit2.weight = *weight;
    arg->u.credit2.cap = *cap;
    ret = domctl_end(hv, op, "scheduler_op");
    if (ret >= 0) {
        *weight = arg->u.credit2.weight;
        *cap = arg->u.credit2.cap;
    }
    return ret;
}

int hv_sched_credit2_get(struct hv *hv, domid_t domid, uint16_t *weight, uint16_t *cap) {
    *weight = *cap = 0;
    return credit2_op(hv, domid, XEN_DOMCTL_SCHEDOP_getinfo, weight, cap);
}

int hv_sched_credit2_set(struct hv *hv, domid_t domid, uint16_t weight, uint16_t cap) {
    return credit2_op(hv, domid, XEN_DOMCTL_SCHEDOP_putinfo, &weight, &cap);
}
