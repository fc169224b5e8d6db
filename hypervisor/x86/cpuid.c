/* SPDX-License-Identifier: MIT */
/*
 * Making the CPU policies. A policy is the hardware's leaves with features masked by
 * cpuid_features.h, and with everything dropped that describes the host rather than the guest
 * (topology, power, thermal, performance monitoring, virtualisation).
 */
#include <public/arch-x86/cpuid.h>
#include <x86/cpuid.h>
#include <x86/extable.h>
#include <x86/spec.h>

/* In the order of the list: bases before what is built on them. */
static const struct {
    uint16_t feature, base;
    bool by_default;
} visible[] = {
#define F(name)               XEN_X86_FEATURE_##name
#define PV(name)              {F(name), F(name), true},
#define PV_ON(base, name)     {F(name), F(base), true},
#define PV_OPT(name)          {F(name), F(name), false},
#define PV_OPT_ON(base, name) {F(name), F(base), false},
#include "cpuid_features.h"
};

/* Where the words of a featureset lie. */
static const uint16_t word_at[NR_FEATURE_WORDS] = {
#define W(field) offsetof(struct cpu_policy, field)
    W(basic[1].d), W(basic[1].c),   W(extd[1].d),     W(extd[1].c),    W(xstate[1].a),
    W(feat[0].b),  W(feat[0].c),    W(extd[7].d),     W(extd[8].b),    W(feat[0].d),
    W(feat[1].a),  W(extd[0x21].a), W(feat[1].b),     W(feat[2].d),    W(feat[1].c),
    W(feat[1].d),  W(arch_caps),    W(arch_caps) + 4, W(extd[0x21].c),
};

static struct cpu_policy policies[NR_POLICIES];

const struct cpu_policy *cpu_policy_get(enum policy_kind kind) { return &policies[kind]; }

static uint32_t *word_of(struct cpu_policy *p, unsigned int word) {
    return (uint32_t *)((char *)p + word_at[word]);
}

uint32_t policy_word(const struct cpu_policy *p, unsigned int word) {
    return *word_of((struct cpu_policy *)p, word);
}

static void set_feature(struct cpu_policy *p, unsigned int feature, bool on) {
    uint32_t *word = word_of(p, feature / 32), bit = 1U << (feature % 32);

    *word = on ? *word | bit : *word & ~bit;
}

struct cpuid_regs *policy_subleaves(struct cpu_policy *p, uint32_t leaf, uint32_t *nr) {
    switch (leaf) {
    case 4: *nr = POLICY_NR_CACHE; return p->cache;
    case 7: *nr = POLICY_NR_FEAT; return p->feat;
    case 0xb: *nr = POLICY_NR_TOPO; return p->topo;
    case 0xd: *nr = POLICY_NR_XSTATE; return p->xstate;
    default: return NULL;
    }
}

struct cpuid_regs *policy_leaf(struct cpu_policy *p, uint32_t leaf, uint32_t sub) {
    uint32_t nr, i = sub;
    struct cpuid_regs *array = policy_subleaves(p, leaf, &nr);

    if (!array) {
        if (sub != XEN_CPUID_NO_SUBLEAF) return NULL;
        if (leaf == XEN_CPUID_FIRST_LEAF) return &p->hv[0];
        if (leaf == XEN_CPUID_FIRST_LEAF + 0x100) return &p->hv[1];
        array = leaf >= 0x80000000U ? p->extd : p->basic;
        nr = leaf >= 0x80000000U ? POLICY_NR_EXTD : POLICY_NR_BASIC;
        i = leaf & 0x7fffffff;
    }
    return i < nr ? &array[array_index_nospec(i, nr)] : NULL;
}

uint64_t policy_xcr0(const struct cpu_policy *p) {
    uint64_t x = 3;

    if (!policy_has(p, XEN_X86_FEATURE_XSAVE)) return 0;
    if (policy_has(p, XEN_X86_FEATURE_AVX)) x |= 4;
    if (policy_has(p, XEN_X86_FEATURE_AVX512F)) x |= 0xe0;
    return x & fpu_host_xcr0;
}

static bool is_amd(const struct cpu_policy *p) {
    return p->basic[0].b == 0x68747541 || p->basic[0].b == 0x6f677948; /* "Auth", "Hygo" */
}

/* Each CPU. Before family 10h, and in 11h, LFENCE always did; elsewhere an MSR bit says so. */
static bool amd_lfence_serialises(void) {
    uint64_t v;

    if (cpu_has.family < 0x10 || cpu_has.family == 0x11) return true;
    if (!rdmsr_safe(MSR_DE_CFG, &v)) return false;
    if (!(v & DE_CFG_LFENCE_SERIALISES)) (void)wrmsr_safe(MSR_DE_CFG, v | DE_CFG_LFENCE_SERIALISES);
    return rdmsr_safe(MSR_DE_CFG, &v) && (v & DE_CFG_LFENCE_SERIALISES);
}

/* A test looks for the symbol. */
static __attribute__((noinline)) void set_msr_bit(uint32_t msr, unsigned int bit) {
    uint64_t v;

    if (rdmsr_safe(msr, &v)) (void)wrmsr_safe(msr, v | BIT(bit));
}

/* Each CPU: what AMD's errata want, whether firmware and microcode did it or not. */
static void stop_amd_errata(void) {
    unsigned int group = cpu_has.model >> 4;

    if (cpu_has.family == 0x0f) set_msr_bit(MSR_HWCR, 6); /* loads of CR3 flush all: 63, 122 */
    if (cpu_has.family == 0x16 && !group) set_msr_bit(MSR_LS_CFG, 15); /* LOCK hangs it: XSA-82 */
    /* Zen 2: XSA-433 */
    if (cpu_has.family == 0x17 && (0x6d8 >> group & 1)) set_msr_bit(MSR_DE_CFG, 9);
}

static void read_leaf(struct cpu_policy *p, uint32_t leaf) {
    uint32_t nr = 1;
    struct cpuid_regs *to = policy_subleaves(p, leaf, &nr);

    if (!to) to = policy_leaf(p, leaf, XEN_CPUID_NO_SUBLEAF);
    to[0] = cpuid(leaf, 0);
    if (leaf == 7) nr = min(nr - 1, to[0].a) + 1;
    for (uint32_t i = 1; i < nr; i++) to[i] = cpuid(leaf, i);
}

static void read_raw(struct cpu_policy *p) {
    uint32_t max = min(cpu_has.max_leaf, POLICY_NR_BASIC - 1), max_ext = cpu_has.max_ext_leaf;

    for (uint32_t i = 0; i <= max; i++) read_leaf(p, i);
    if (max_ext >> 16 == 0x8000)
        for (uint32_t i = 0; i <= min(max_ext & 0xffff, POLICY_NR_EXTD - 1); i++)
            read_leaf(p, 0x80000000 + i);
    /* OSXSAVE and OSPKE mirror CR4: never part of a policy. */
    set_feature(p, XEN_X86_FEATURE_OSXSAVE, false);
    set_feature(p, XEN_X86_FEATURE_OSPKE, false);
    p->xstate[0].b = p->xstate[1].b = 0;
    if (cpu_has.intel && rdmsr_safe(MSR_PLATFORM_INFO, &p->platform_info))
        p->platform_info &= PLATFORM_INFO_FAULTING;
    if (policy_has(p, XEN_X86_FEATURE_ARCH_CAPS))
        (void)rdmsr_safe(MSR_ARCH_CAPABILITIES, &p->arch_caps);
}

static void clamp_leaves(struct cpu_policy *p) {
    p->basic[0].a = min(p->basic[0].a, POLICY_NR_BASIC - 1);
    p->feat[0].a = min(p->feat[0].a, POLICY_NR_FEAT - 1);
    p->extd[0].a = 0x80000000U | min(p->extd[0].a & 0xffff, POLICY_NR_EXTD - 1);
}

static void zero(struct cpuid_regs *leaf, unsigned int n) { memset(leaf, 0, n * sizeof(*leaf)); }

#define XSTATE_ALIGNED                                                                             \
    2U /* a component's ECX: where the compacted format has it at a multiple of 64 */
#define COMMON_1D 0x0183f3ffU /* bits of leaf 1 EDX that AMD repeats in 0x80000001 EDX */

static void hide_host_amd(struct cpu_policy *p) {
    zero(&p->basic[2], 2);
    zero(p->cache, POLICY_NR_CACHE);
    zero(&p->basic[9], 2);
    p->extd[1].a = p->basic[1].a;
    p->extd[1].b &= 0xff00ffff;
    p->extd[8].a &= 0x0000ffff;
    p->extd[8].c &= 0x0003f0ff;
    zero(&p->extd[9], 1);
    zero(&p->extd[0xb], 0x18 - 0xb + 1);
    zero(&p->extd[0x1b], 2); /* IBS, LWP */
    zero(&p->extd[0x1f], 2); /* memory encryption, platform QoS */
}

static void hide_host_intel(struct cpu_policy *p) {
    p->basic[2].a = (p->basic[2].a & ~0xffU) | 1; /* one query tells all */
    p->extd[0].b = p->extd[0].c = p->extd[0].d = 0;
    p->extd[1].a = p->extd[1].b = 0;
    zero(&p->extd[5], 1);
    p->extd[6].a = p->extd[6].b = p->extd[6].d = 0;
    p->extd[8].a &= 0xffff;
    p->extd[8].c = 0;
}

/* What describes the machine, and is not a feature. */
static void hide_host(struct cpu_policy *p) {
    p->basic[1].a &= 0x0fff0fff;
    p->basic[1].b &= 0x00ffffff;
    zero(&p->basic[5], 2);
    zero(&p->basic[8], 1);
    zero(&p->basic[0xa], 1);
    zero(&p->basic[0xc], 1);
    zero(p->topo, POLICY_NR_TOPO);
    p->extd[7].a = p->extd[7].b = p->extd[7].c = 0;
    p->extd[8].d = 0;
    zero(&p->extd[0xa], 1); /* SVM */
    if (is_amd(p))
        hide_host_amd(p);
    else
        hide_host_intel(p);
}

/* A feature goes with the one it is built on. */
static void drop_dependents(struct cpu_policy *p) {
    for (unsigned int i = 0; i < ARRAY_SIZE(visible); i++)
        if (!policy_has(p, visible[i].base)) set_feature(p, visible[i].feature, false);
    if (!policy_has(p, XEN_X86_FEATURE_ARCH_CAPS)) p->arch_caps = 0;
}

/* Leaf 0xd for what the policy allows; the features in subleaf 1 stay. */
static void compute_xstate(struct cpu_policy *p) {
    uint64_t xcr0 = policy_xcr0(p);
    uint32_t features = p->xstate[1].a, size = 512 + 64;

    zero(p->xstate, POLICY_NR_XSTATE);
    if (!xcr0) return;
    for (unsigned int i = 2; i < POLICY_NR_XSTATE; i++) {
        if (!((xcr0 >> i) & 1)) continue;
        p->xstate[i] = policies[POLICY_RAW].xstate[i];
        p->xstate[i].c &= XSTATE_ALIGNED;
        p->xstate[i].d = 0;
        size = max(size, p->xstate[i].a + p->xstate[i].b);
    }
    p->xstate[0].a = (uint32_t)xcr0;
    p->xstate[0].d = (uint32_t)(xcr0 >> 32);
    p->xstate[0].c = size;
    p->xstate[1].a =
        features & (FEATURE_BIT(XSAVEOPT) | FEATURE_BIT(XSAVEC) | FEATURE_BIT(XGETBV1));
}

static void finish(struct cpu_policy *p) {
    drop_dependents(p);
    if (is_amd(p)) /* its long mode has no SYSENTER */
        p->basic[1].d &= ~FEATURE_BIT(SEP);
    p->extd[8].a = (p->extd[8].a & 0xff) | 48U << 8; /* no 5-level paging */
    p->extd[1].d &= ~COMMON_1D;
    if (is_amd(p)) p->extd[1].d |= p->basic[1].d & COMMON_1D;
    compute_xstate(p);
}

static void mask_features(struct cpu_policy *p, bool optional_too) {
    uint32_t mask[NR_FEATURE_WORDS] = {0};

    for (unsigned int i = 0; i < ARRAY_SIZE(visible); i++)
        if (optional_too || visible[i].by_default)
            mask[visible[i].feature / 32] |= 1U << (visible[i].feature % 32);
    for (unsigned int w = 0; w < NR_FEATURE_WORDS; w++) *word_of(p, w) &= mask[w];
}

/* LFENCE waits for what is before it: told in a leaf that older CPUs lack. */
static void make_host(struct cpu_policy *p) {
    *p = policies[POLICY_RAW];
    clamp_leaves(p);
    if (!cpu_has.amd || !amd_lfence_serialises()) return;
    p->extd[0].a = max(p->extd[0].a, 0x80000021U);
    set_feature(p, XEN_X86_FEATURE_LFENCE_DISPATCH, true);
}

/* Guests may have these, or be told so, whatever the host has. */
static const uint16_t harmless[] = {XEN_X86_FEATURE_HTT, XEN_X86_FEATURE_CMP_LEGACY,
                                    XEN_X86_FEATURE_ERMS};

static void make_max(struct cpu_policy *p) {
    const struct cpu_policy *host = &policies[POLICY_HOST];

    *p = *host;
    p->platform_info = 0; /* CPUID faulting is not for guests to switch */
    hide_host(p);
    mask_features(p, true);
    for (unsigned int i = 0; i < ARRAY_SIZE(harmless); i++) set_feature(p, harmless[i], true);
    set_feature(p, XEN_X86_FEATURE_HYPERVISOR, true);
    if (policy_has(host, XEN_X86_FEATURE_IBRSB)) /* the same command by AMD's name */
        set_feature(p, XEN_X86_FEATURE_IBPB, true);
    finish(p);
    p->basic[0].a = POLICY_NR_BASIC - 1;
    p->feat[0].a = POLICY_NR_FEAT - 1;
    p->extd[0].a = 0x80000000U + POLICY_NR_EXTD - 1;
}

static void make_default(struct cpu_policy *p) {
    const struct cpu_policy *host = &policies[POLICY_HOST];

    *p = policies[POLICY_PV_MAX];
    mask_features(p, false);
    for (unsigned int i = 0; i < ARRAY_SIZE(harmless); i++)
        if (!policy_has(host, harmless[i])) set_feature(p, harmless[i], false);
    finish(p);
    p->basic[0].a = host->basic[0].a;
    p->feat[0].a = host->feat[0].a;
    p->extd[0].a = host->extd[0].a;
}

void cpu_policy_init(void) {
    read_raw(&policies[POLICY_RAW]);
    make_host(&policies[POLICY_HOST]);
    make_max(&policies[POLICY_PV_MAX]);
    make_default(&policies[POLICY_PV_DEFAULT]);
}

void cpu_policy_init_cpu(void) {
    uint64_t v;

    if (cpu_has.amd) {
        (void)amd_lfence_serialises();
        stop_amd_errata();
    }
    if ((policies[POLICY_HOST].platform_info & PLATFORM_INFO_FAULTING) &&
        rdmsr_safe(MSR_MISC_FEATURES_ENABLES, &v))
        (void)wrmsr_safe(MSR_MISC_FEATURES_ENABLES, v | 1);
}

void policy_set_domain(struct domain *d, const struct cpu_policy *p) {
    struct cpu_policy *to = d->arch.policy;

    *to = *p;
    clamp_leaves(to);
    for (unsigned int w = 0; w < NR_FEATURE_WORDS; w++)
        *word_of(to, w) &= policy_word(&policies[POLICY_PV_MAX], w);
    finish(to);
    to->platform_info &= policies[POLICY_PV_MAX].platform_info;
    for (unsigned int i = 0; i < ARRAY_SIZE(to->hv); i++)
        to->hv[i] = (struct cpuid_regs){.a = to->hv[i].a};
}

int arch_domain_init(struct domain *d) {
    if (cpu_has.guests_hang && !d->is_control) {
        printk(KERN_ERR "No guests on this CPU: they can hang it (XSA-9); see allow_unsafe\n");
        return -EPERM;
    }
    d->arch.policy = hv_new(struct cpu_policy);
    if (!d->arch.policy) return -ENOMEM;
    *d->arch.policy = policies[POLICY_PV_DEFAULT];
    spec_init_domain(d);
    /* dom0 never moves to another machine. */
    if (d->is_control && policy_has(&policies[POLICY_HOST], XEN_X86_FEATURE_ITSC))
        set_feature(d->arch.policy, XEN_X86_FEATURE_ITSC, true);
    return 0;
}

void arch_domain_free(struct domain *d) { hv_free(d->arch.policy); }
