/* SPDX-License-Identifier: MIT */
/* CPU policies to and from the arrays that tools exchange: public struct xen_cpuid_leaf,
 * _msr_entry. */
#include <hv/errno.h>
#include <hv/string.h>
#include <public/arch-x86/cpuid.h>
#include <x86/cpuid.h>

#define MSR_PLATFORM_INFO     0xce
#define MSR_ARCH_CAPABILITIES 0x10a

struct writer {
    struct xen_cpuid_leaf *out;
    uint32_t room, nr;
};

static void put(struct writer *w, uint32_t leaf, uint32_t sub, const struct cpuid_regs *r) {
    if (w->nr < w->room) w->out[w->nr] = (struct xen_cpuid_leaf){leaf, sub, r->a, r->b, r->c, r->d};
    w->nr++;
}

static void put_array(struct writer *w, uint32_t leaf, const struct cpuid_regs *r, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) put(w, leaf, i, &r[i]);
}

static void put_basic(struct writer *w, const struct cpu_policy *p) {
    for (uint32_t i = 0; i <= min(p->basic[0].a, POLICY_NR_BASIC - 1); i++) {
        switch (i) {
        case 4: put_array(w, i, p->cache, POLICY_NR_CACHE); break;
        case 7: put_array(w, i, p->feat, min(p->feat[0].a, POLICY_NR_FEAT - 1) + 1); break;
        case 0xb: put_array(w, i, p->topo, POLICY_NR_TOPO); break;
        case 0xd: put_array(w, i, p->xstate, POLICY_NR_XSTATE); break;
        default: put(w, i, XEN_CPUID_NO_SUBLEAF, &p->basic[i]);
        }
    }
}

int policy_to_leaves(const struct cpu_policy *p, struct xen_cpuid_leaf *out, uint32_t *nr) {
    struct writer w = {out, *nr, 0};
    const struct cpuid_regs hv = {.a = p->hv_limit}, hv2 = {.a = p->hv2_limit};

    put_basic(&w, p);
    put(&w, XEN_CPUID_FIRST_LEAF, XEN_CPUID_NO_SUBLEAF, &hv);
    put(&w, XEN_CPUID_FIRST_LEAF + 0x100, XEN_CPUID_NO_SUBLEAF, &hv2);
    for (uint32_t i = 0; i <= min(p->extd[0].a & 0xffff, POLICY_NR_EXTD - 1); i++)
        put(&w, 0x80000000U + i, XEN_CPUID_NO_SUBLEAF, &p->extd[i]);
    *nr = w.nr;
    return w.nr > w.room ? -ENOBUFS : 0;
}

int policy_to_msrs(const struct cpu_policy *p, struct xen_msr_entry *out, uint32_t *nr) {
    if (*nr < POLICY_MAX_MSRS) {
        *nr = POLICY_MAX_MSRS;
        return -ENOBUFS;
    }
    out[0] = (struct xen_msr_entry){.idx = MSR_PLATFORM_INFO, .val = p->platform_info};
    out[1] = (struct xen_msr_entry){.idx = MSR_ARCH_CAPABILITIES, .val = p->arch_caps};
    *nr = POLICY_MAX_MSRS;
    return 0;
}

static struct cpuid_regs *sub_place(struct cpuid_regs *r, uint32_t n, uint32_t sub) {
    return sub < n ? &r[array_index_nospec(sub, n)] : NULL;
}

static struct cpuid_regs *leaf_place(struct cpu_policy *p, uint32_t leaf, uint32_t sub) {
    switch (leaf) {
    case 4: return sub_place(p->cache, POLICY_NR_CACHE, sub);
    case 7: return sub_place(p->feat, POLICY_NR_FEAT, sub);
    case 0xb: return sub_place(p->topo, POLICY_NR_TOPO, sub);
    case 0xd: return sub_place(p->xstate, POLICY_NR_XSTATE, sub);
    default:
        if (sub != XEN_CPUID_NO_SUBLEAF) return NULL;
        if (leaf >= 0x80000000U) return sub_place(p->extd, POLICY_NR_EXTD, leaf - 0x80000000U);
        return sub_place(p->basic, POLICY_NR_BASIC, leaf);
    }
}

int policy_from_leaves(struct cpu_policy *p, const struct xen_cpuid_leaf *in, uint32_t nr,
                       uint32_t *err, uint32_t *err_sub) {
    *err = *err_sub = ~0U;
    for (uint32_t i = 0; i < nr; i++) {
        const struct cpuid_regs r = {in[i].a, in[i].b, in[i].c, in[i].d};
        struct cpuid_regs *to = leaf_place(p, in[i].leaf, in[i].subleaf);

        if (to) {
            *to = r;
        } else if (in[i].leaf == XEN_CPUID_FIRST_LEAF && in[i].subleaf == XEN_CPUID_NO_SUBLEAF) {
            p->hv_limit = r.a;
        } else if (in[i].leaf == XEN_CPUID_FIRST_LEAF + 0x100 &&
                   in[i].subleaf == XEN_CPUID_NO_SUBLEAF) {
            p->hv2_limit = r.a;
        } else {
            *err = in[i].leaf;
            *err_sub = in[i].subleaf;
            return -ERANGE;
        }
    }
    return 0;
}

int policy_from_msrs(struct cpu_policy *p, const struct xen_msr_entry *in, uint32_t nr,
                     uint32_t *err) {
    *err = ~0U;
    for (uint32_t i = 0; i < nr; i++) {
        *err = in[i].idx;
        if (in[i].flags) return -EINVAL;
        if (in[i].idx == MSR_PLATFORM_INFO && !(in[i].val >> 32))
            p->platform_info = in[i].val;
        else if (in[i].idx == MSR_ARCH_CAPABILITIES)
            p->arch_caps = in[i].val;
        else
            return in[i].idx == MSR_PLATFORM_INFO ? -EOVERFLOW : -ERANGE;
    }
    *err = ~0U;
    return 0;
}

static int incompatible(uint32_t *which, uint32_t value) {
    *which = value;
    return -EINVAL;
}

int policy_compatible(const struct cpu_policy *p, uint32_t *err_leaf, uint32_t *err_sub,
                      uint32_t *err_msr) {
    const struct cpu_policy *most = cpu_policy_get(POLICY_PV_MAX);

    *err_leaf = *err_sub = *err_msr = ~0U;
    if (p->basic[0].a > most->basic[0].a) return incompatible(err_leaf, 0);
    if (p->feat[0].a > most->feat[0].a) {
        *err_sub = 0;
        return incompatible(err_leaf, 7);
    }
    if (p->extd[0].a > most->extd[0].a) return incompatible(err_leaf, 0x80000000U);
    if (p->platform_info & ~most->platform_info) return incompatible(err_msr, MSR_PLATFORM_INFO);
    if (p->arch_caps & ~most->arch_caps) return incompatible(err_msr, MSR_ARCH_CAPABILITIES);
    return 0;
}
