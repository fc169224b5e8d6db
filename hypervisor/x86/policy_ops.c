/* SPDX-License-Identifier: MIT */
/* CPU policies as tools read and set them: sysctl and domctl. */
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <x86/cpuid.h>
#include <x86/sysinfo.h>

#include "../domain/domctl.h"

/* One policy on its way in or out; too large for a CPU's stack. */
struct transfer {
    struct xen_cpuid_leaf leaves[POLICY_MAX_LEAVES];
    struct xen_msr_entry msrs[POLICY_MAX_MSRS];
    struct cpu_policy policy;
};

static const struct cpu_policy *system_policy(uint32_t index) {
    switch (index) {
    case XEN_SYSCTL_cpu_policy_raw: return cpu_policy_get(POLICY_RAW);
    case XEN_SYSCTL_cpu_policy_host: return cpu_policy_get(POLICY_HOST);
    case XEN_SYSCTL_cpu_policy_pv_max: return cpu_policy_get(POLICY_PV_MAX);
    case XEN_SYSCTL_cpu_policy_pv_default: return cpu_policy_get(POLICY_PV_DEFAULT);
    default: return NULL; /* HVM */
    }
}

static const struct cpu_policy *featureset_policy(uint32_t index) {
    switch (index) {
    case XEN_SYSCTL_cpu_featureset_raw: return cpu_policy_get(POLICY_RAW);
    case XEN_SYSCTL_cpu_featureset_host: return cpu_policy_get(POLICY_HOST);
    case XEN_SYSCTL_cpu_featureset_pv: return cpu_policy_get(POLICY_PV_DEFAULT);
    case XEN_SYSCTL_cpu_featureset_pv_max: return cpu_policy_get(POLICY_PV_MAX);
    default: return NULL;
    }
}

long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f) {
    const struct cpu_policy *p;
    uint32_t n;

    if (!handle_addr(f->features)) {
        f->nr_features = NR_FEATURE_WORDS;
        return 0;
    }
    n = min(f->nr_features, (uint32_t)NR_FEATURE_WORDS);
    if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max) return -EINVAL;
    p = featureset_policy(f->index);
    if (!p) return -EOPNOTSUPP;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t word = policy_word(p, i);

        if (copy_to_guest_idx(handle_addr(f->features), i, &word)) return -EFAULT;
    }
    f->nr_features = n;
    return n < NR_FEATURE_WORDS ? -ENOBUFS : 0;
}

/* To the caller's arrays; null ones ask for the sizes. */
static long policy_out(const struct cpu_policy *p, uint64_t leaves_va, uint32_t *nr_leaves,
                       uint64_t msrs_va, uint32_t *nr_msrs) {
    struct transfer *t = hv_new(struct transfer);
    uint32_t leaves = POLICY_MAX_LEAVES, msrs = POLICY_MAX_MSRS;
    long rc;

    if (!t) return -ENOMEM;
    rc = policy_to_leaves(p, t->leaves, &leaves);
    if (!rc) rc = policy_to_msrs(p, t->msrs, &msrs);
    if (!rc && leaves_va)
        rc = *nr_leaves < leaves
                 ? -ENOBUFS
                 : copy_to_guest(leaves_va, t->leaves, leaves * sizeof(t->leaves[0]));
    if (!rc && msrs_va)
        rc =
            *nr_msrs < msrs ? -ENOBUFS : copy_to_guest(msrs_va, t->msrs, msrs * sizeof(t->msrs[0]));
    *nr_leaves = leaves_va ? leaves : POLICY_MAX_LEAVES;
    *nr_msrs = msrs_va ? msrs : POLICY_MAX_MSRS;
    hv_free(t);
    return rc;
}

long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *s) {
    const struct cpu_policy *p;

    if (s->_rsvd || s->index > XEN_SYSCTL_cpu_policy_hvm_default) return -EINVAL;
    p = system_policy(s->index);
    if (!p) return -EOPNOTSUPP;
    return policy_out(p, handle_addr(s->leaves), &s->nr_leaves, handle_addr(s->msrs), &s->nr_msrs);
}

long domctl_get_cpu_policy(struct domctl *c) {
    struct xen_domctl_cpu_policy *p = &c->op.u.cpu_policy;

    return policy_out(c->d->arch.policy, handle_addr(p->leaves), &p->nr_leaves,
                      handle_addr(p->msrs), &p->nr_msrs);
}

static long policy_in(struct domctl *c, struct transfer *t) {
    struct xen_domctl_cpu_policy *p = &c->op.u.cpu_policy;
    long rc;

    if (copy_from_guest(t->leaves, handle_addr(p->leaves), p->nr_leaves * sizeof(t->leaves[0])) ||
        copy_from_guest(t->msrs, handle_addr(p->msrs), p->nr_msrs * sizeof(t->msrs[0])))
        return -EFAULT;
    t->policy = *c->d->arch.policy;
    rc = policy_from_leaves(&t->policy, t->leaves, p->nr_leaves, &p->err_leaf, &p->err_subleaf);
    if (!rc) rc = policy_from_msrs(&t->policy, t->msrs, p->nr_msrs, &p->err_msr);
    if (!rc) rc = policy_compatible(&t->policy, &p->err_leaf, &p->err_subleaf, &p->err_msr);
    if (!rc) policy_set_domain(c->d, &t->policy);
    return rc;
}

/* Before the domain runs; the err fields tell which leaf or register cannot be. */
long domctl_set_cpu_policy(struct domctl *c) {
    struct xen_domctl_cpu_policy *p = &c->op.u.cpu_policy;
    struct transfer *t;
    long rc;

    p->err_leaf = p->err_subleaf = XEN_CPUID_NO_SUBLEAF;
    p->err_msr = XEN_CPUID_NO_SUBLEAF;
    if (c->d == current->domain) return -EINVAL;
    if (p->nr_leaves > POLICY_MAX_LEAVES || p->nr_msrs > POLICY_MAX_MSRS) return -E2BIG;
    if (c->d->state != DOM_BUILDING) return -EEXIST;
    t = hv_new(struct transfer);
    if (!t) return -ENOMEM;
    rc = policy_in(c, t);
    hv_free(t);
    return rc;
}
