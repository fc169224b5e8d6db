/* SPDX-License-Identifier: MIT */
/*
 * What tools are told of the processors: their arrangement, from the fields of the APIC id; their
 * features (words in the order of public/arch-x86/cpufeatureset.h); CPU policies, which tools also
 * set.
 */
#include <hv/guest_access.h>
#include <hv/pcpu.h>
#include <public/arch-x86/cpuid.h>
#include <public/sysctl.h>
#include <x86/cpuid.h>

#include "../domain/domctl.h"

/* Bits of the APIC id below the core number, and below the socket number. */
struct shifts {
    unsigned int core, socket;
};

static unsigned int bits_for(unsigned int count) { return count > 1 ? fls64(count - 1) + 1 : 0; }

static struct shifts apic_shifts(void) {
    struct shifts s = {0, 0};
    struct cpuid_regs r;

    if (cpu_has.max_leaf >= 0xb && (cpuid(0xb, 0).b & 0xffff)) {
        s.core = cpuid(0xb, 0).a & 31;
        s.socket = cpuid(0xb, 1).a & 31;
        return s;
    }
    r = cpuid(1, 0);
    if (!(r.d & BIT(28))) /* one logical processor a package */
        return s;
    s.socket = bits_for(r.b >> 16 & 0xff);
    if (cpu_has.amd && cpu_has.max_ext_leaf >= 0x80000008)
        s.core = s.socket - min(s.socket, bits_for((cpuid(0x80000008, 0).c & 0xff) + 1));
    else if (cpu_has.max_leaf >= 4)
        s.core = s.socket - min(s.socket, bits_for((cpuid(4, 0).a >> 26) + 1));
    return s;
}

void sysinfo_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket) {
    struct shifts s = apic_shifts();
    uint32_t id = pcpus[cpu]->apic_id;

    *socket = id >> s.socket;
    *core = (id & (uint32_t)(BIT(s.socket) - 1)) >> s.core;
}

/* CPUs that share the boot CPU's core, or its socket. */
static uint32_t count_sharing(bool core_too) {
    uint32_t core0, socket0, core, socket, n = 0;

    sysinfo_cpu_place(0, &core0, &socket0);
    for (unsigned int i = 0; i < nr_cpus; i++) {
        sysinfo_cpu_place(i, &core, &socket);
        n += socket == socket0 && (!core_too || core == core0);
    }
    return n;
}

uint32_t sysinfo_threads_per_core(void) { return count_sharing(true); }
uint32_t sysinfo_cores_per_socket(void) { return count_sharing(false) / count_sharing(true); }

void sysinfo_feature_words(uint32_t words[8]) {
    for (unsigned int i = 0; i < 8; i++) words[i] = policy_word(cpu_policy_get(POLICY_RAW), i);
    if (cpu_has.xsave) words[1] |= FEATURE_BIT(OSXSAVE);
}

/* NULL: HVM's, which do not exist. The two operations number pv_max and pv_default differently. */
static const struct cpu_policy *system_policy(uint32_t index, uint32_t pv_max,
                                              uint32_t pv_default) {
    if (index <= POLICY_HOST) return cpu_policy_get(index);
    if (index == pv_max) return cpu_policy_get(POLICY_PV_MAX);
    return index == pv_default ? cpu_policy_get(POLICY_PV_DEFAULT) : NULL;
}
_Static_assert(XEN_SYSCTL_cpu_policy_raw == POLICY_RAW &&
                   XEN_SYSCTL_cpu_policy_host == POLICY_HOST &&
                   XEN_SYSCTL_cpu_featureset_raw == POLICY_RAW &&
                   XEN_SYSCTL_cpu_featureset_host == POLICY_HOST,
               "as system_policy() takes them");

long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f) {
    const struct cpu_policy *p;
    uint32_t n;

    if (!handle_addr(f->features)) {
        f->nr_features = NR_FEATURE_WORDS;
        return 0;
    }
    n = min(f->nr_features, (uint32_t)NR_FEATURE_WORDS);
    if (f->index > XEN_SYSCTL_cpu_featureset_hvm_max) return -EINVAL;
    p = system_policy(f->index, XEN_SYSCTL_cpu_featureset_pv_max, XEN_SYSCTL_cpu_featureset_pv);
    if (!p) return -EOPNOTSUPP;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t word = policy_word(p, i);

        if (copy_to_guest_idx(handle_addr(f->features), i, &word)) return -EFAULT;
    }
    f->nr_features = n;
    return n < NR_FEATURE_WORDS ? -ENOBUFS : 0;
}

/* Every leaf to the caller's array, as far as it has room. *nr becomes their number. */
static long leaves_out(struct cpu_policy *p, uint64_t va, uint32_t *nr) {
    const struct {
        uint32_t first, last;
    } ranges[] = {
        {0, min(p->basic[0].a, POLICY_NR_BASIC - 1)},
        {XEN_CPUID_FIRST_LEAF, XEN_CPUID_FIRST_LEAF},
        {XEN_CPUID_FIRST_LEAF + 0x100, XEN_CPUID_FIRST_LEAF + 0x100},
        {0x80000000U, 0x80000000U + min(p->extd[0].a & 0xffff, POLICY_NR_EXTD - 1)},
    };
    uint32_t room = *nr, n = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(ranges); i++) {
        for (uint32_t leaf = ranges[i].first; leaf <= ranges[i].last; leaf++) {
            uint32_t subs = 1;
            bool has_subs = policy_subleaves(p, leaf, &subs);

            if (leaf == 7) subs = min(p->feat[0].a, POLICY_NR_FEAT - 1) + 1;
            for (uint32_t s = 0; s < subs; s++, n++) {
                uint32_t sub = has_subs ? s : XEN_CPUID_NO_SUBLEAF;
                const struct cpuid_regs *r = policy_leaf(p, leaf, sub);
                struct xen_cpuid_leaf out = {leaf, sub, r->a, r->b, r->c, r->d};

                if (n < room && copy_to_guest_idx(va, n, &out)) return -EFAULT;
            }
        }
    }
    *nr = n;
    return n > room ? -ENOBUFS : 0;
}

/* To the caller's arrays; null ones ask for the sizes. */
static long policy_out(const struct cpu_policy *policy, uint64_t leaves_va, uint32_t *nr_leaves,
                       uint64_t msrs_va, uint32_t *nr_msrs) {
    struct cpu_policy p = *policy;
    const struct xen_msr_entry msrs[POLICY_MAX_MSRS] = {
        {.idx = MSR_PLATFORM_INFO, .val = p.platform_info},
        {.idx = MSR_ARCH_CAPABILITIES, .val = p.arch_caps},
    };
    long rc = 0;

    if (leaves_va)
        rc = leaves_out(&p, leaves_va, nr_leaves);
    else
        *nr_leaves = POLICY_MAX_LEAVES;
    if (!rc && msrs_va)
        rc = *nr_msrs < POLICY_MAX_MSRS ? -ENOBUFS : copy_to_guest(msrs_va, msrs, sizeof(msrs));
    *nr_msrs = POLICY_MAX_MSRS;
    return rc;
}

long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *s) {
    const struct cpu_policy *p;

    if (s->_rsvd || s->index > XEN_SYSCTL_cpu_policy_hvm_default) return -EINVAL;
    p = system_policy(s->index, XEN_SYSCTL_cpu_policy_pv_max, XEN_SYSCTL_cpu_policy_pv_default);
    if (!p) return -EOPNOTSUPP;
    return policy_out(p, handle_addr(s->leaves), &s->nr_leaves, handle_addr(s->msrs), &s->nr_msrs);
}

long domctl_get_cpu_policy(struct domctl *c) {
    struct xen_domctl_cpu_policy *p = &c->op.u.cpu_policy;

    return policy_out(c->d->arch.policy, handle_addr(p->leaves), &p->nr_leaves,
                      handle_addr(p->msrs), &p->nr_msrs);
}

static long leaves_in(struct cpu_policy *p, struct xen_domctl_cpu_policy *op) {
    struct xen_cpuid_leaf in;

    for (uint32_t i = 0; i < op->nr_leaves; i++) {
        struct cpuid_regs *to;

        if (copy_from_guest_idx(&in, handle_addr(op->leaves), i)) return -EFAULT;
        to = policy_leaf(p, in.leaf, in.subleaf);
        if (!to) {
            op->err_leaf = in.leaf;
            op->err_subleaf = in.subleaf;
            return -ERANGE;
        }
        *to = (struct cpuid_regs){in.a, in.b, in.c, in.d};
    }
    return 0;
}

static long msrs_in(struct cpu_policy *p, struct xen_domctl_cpu_policy *op) {
    struct xen_msr_entry in;

    for (uint32_t i = 0; i < op->nr_msrs; i++) {
        if (copy_from_guest_idx(&in, handle_addr(op->msrs), i)) return -EFAULT;
        op->err_msr = in.idx;
        if (in.flags) return -EINVAL;
        if (in.idx == MSR_PLATFORM_INFO && !(in.val >> 32))
            p->platform_info = in.val;
        else if (in.idx == MSR_ARCH_CAPABILITIES)
            p->arch_caps = in.val;
        else
            return in.idx == MSR_PLATFORM_INFO ? -EOVERFLOW : -ERANGE;
    }
    op->err_msr = XEN_CPUID_NO_SUBLEAF;
    return 0;
}

/* Can a vcpu with this policy run here? -EINVAL: op's err fields name the first obstacle. */
static long check_policy(const struct cpu_policy *p, struct xen_domctl_cpu_policy *op) {
    const struct cpu_policy *most = cpu_policy_get(POLICY_PV_MAX);

    if (p->basic[0].a > most->basic[0].a) {
        op->err_leaf = 0;
    } else if (p->feat[0].a > most->feat[0].a) {
        op->err_leaf = 7;
        op->err_subleaf = 0;
    } else if (p->extd[0].a > most->extd[0].a) {
        op->err_leaf = 0x80000000U;
    } else if (p->platform_info & ~most->platform_info) {
        op->err_msr = MSR_PLATFORM_INFO;
    } else if (p->arch_caps & ~most->arch_caps) {
        op->err_msr = MSR_ARCH_CAPABILITIES;
    } else {
        return 0;
    }
    return -EINVAL;
}

/* Before the domain runs; the err fields tell which leaf or register cannot be. */
long domctl_set_cpu_policy(struct domctl *c) {
    struct xen_domctl_cpu_policy *op = &c->op.u.cpu_policy;
    struct cpu_policy p;
    long rc;

    op->err_leaf = op->err_subleaf = op->err_msr = XEN_CPUID_NO_SUBLEAF;
    if (c->d == current->domain) return -EINVAL;
    if (op->nr_leaves > POLICY_MAX_LEAVES || op->nr_msrs > POLICY_MAX_MSRS) return -E2BIG;
    if (c->d->state != DOM_BUILDING) return -EEXIST;
    p = *c->d->arch.policy;
    rc = leaves_in(&p, op);
    if (!rc) rc = msrs_in(&p, op);
    if (!rc) rc = check_policy(&p, op);
    if (!rc) policy_set_domain(c->d, &p);
    return rc;
}
