/* SPDX-License-Identifier: MIT */
/*
 * Making the CPU policies, and answering guests' CPUID from them. A policy is the hardware's leaves
 * with features masked by cpuid_features.h, and with everything dropped that describes the host
 * rather than the guest (topology, power, thermal, performance monitoring, virtualisation).
 */
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <hv/string.h>
#include <public/arch-x86/cpuid.h>
#include <x86/context.h>
#include <x86/cpuid.h>
#include <x86/extable.h>

#define FEATURE_BIT(name) (1U << (XEN_X86_FEATURE_##name % 32))

#define MSR_PLATFORM_INFO         0xce
#define MSR_ARCH_CAPABILITIES     0x10a
#define MSR_MISC_FEATURES_ENABLES 0x140
#define MSR_DE_CFG                0xc0011029
#define DE_CFG_LFENCE_SERIALISES  (1UL << 1)
#define PLATFORM_INFO_FAULTING    (1UL << 31)

static struct cpu_policy policies[NR_POLICIES];
static bool initialised;

static uint32_t mask_default[NR_FEATURE_WORDS], mask_optional[NR_FEATURE_WORDS];

const struct cpu_policy *cpu_policy_get(enum policy_kind kind) { return &policies[kind]; }

/* Where the words of a featureset lie. NULL: words of no leaf here. */
static uint32_t *word_place(struct cpu_policy *p, unsigned int word) {
    switch (word) {
    case 0: return &p->basic[1].d;
    case 1: return &p->basic[1].c;
    case 2: return &p->extd[1].d;
    case 3: return &p->extd[1].c;
    case 4: return &p->xstate[1].a;
    case 5: return &p->feat[0].b;
    case 6: return &p->feat[0].c;
    case 7: return &p->extd[7].d;
    case 8: return &p->extd[8].b;
    case 9: return &p->feat[0].d;
    case 10: return &p->feat[1].a;
    case 11: return &p->extd[0x21].a;
    case 12: return &p->feat[1].b;
    case 13: return &p->feat[2].d;
    case 14: return &p->feat[1].c;
    case 15: return &p->feat[1].d;
    case 16: return (uint32_t *)&p->arch_caps;
    case 17: return (uint32_t *)&p->arch_caps + 1;
    case 18: return &p->extd[0x21].c;
    default: return NULL;
    }
}

uint32_t policy_word(const struct cpu_policy *p, unsigned int word) {
    const uint32_t *w = word_place((struct cpu_policy *)p, word);

    return w ? *w : 0;
}

void policy_set_word(struct cpu_policy *p, unsigned int word, uint32_t v) {
    uint32_t *w = word_place(p, word);

    if (w) *w = v;
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

static bool is_intel(const struct cpu_policy *p) {
    return p->basic[0].b == 0x756e6547; /* "Genu" */
}

/* Each CPU. Before family 10h, and in 11h, LFENCE always did; elsewhere an MSR bit says so. */
static bool amd_lfence_serialises(void) {
    uint64_t v;

    if (cpu_has.family < 0x10 || cpu_has.family == 0x11) return true;
    if (!rdmsr_safe(MSR_DE_CFG, &v)) return false;
    if (!(v & DE_CFG_LFENCE_SERIALISES)) (void)wrmsr_safe(MSR_DE_CFG, v | DE_CFG_LFENCE_SERIALISES);
    return rdmsr_safe(MSR_DE_CFG, &v) && (v & DE_CFG_LFENCE_SERIALISES);
}

static void read_raw(struct cpu_policy *p) {
    uint32_t max = min(cpuid(0, 0).a, POLICY_NR_BASIC - 1);
    uint32_t max_ext = cpuid(0x80000000, 0).a;

    for (uint32_t i = 0; i <= max; i++)
        if (i != 4 && i != 7 && i != 0xb && i != 0xd) p->basic[i] = cpuid(i, 0);
    for (uint32_t i = 0; max >= 4 && i < POLICY_NR_CACHE; i++) p->cache[i] = cpuid(4, i);
    if (max >= 7) {
        p->feat[0] = cpuid(7, 0);
        for (uint32_t i = 1; i < POLICY_NR_FEAT && i <= p->feat[0].a; i++) p->feat[i] = cpuid(7, i);
    }
    for (uint32_t i = 0; max >= 0xb && i < POLICY_NR_TOPO; i++) p->topo[i] = cpuid(0xb, i);
    for (uint32_t i = 0; max >= 0xd && i < POLICY_NR_XSTATE; i++) p->xstate[i] = cpuid(0xd, i);
    for (uint32_t i = 0; (max_ext >> 16) == 0x8000 && i < POLICY_NR_EXTD && i <= (max_ext & 0xffff);
         i++)
        p->extd[i] = cpuid(0x80000000 + i, 0);
    /* OSXSAVE and OSPKE mirror CR4: never part of a policy. */
    p->basic[1].c &= ~FEATURE_BIT(OSXSAVE);
    p->feat[0].c &= ~FEATURE_BIT(OSPKE);
    p->xstate[0].b = p->xstate[1].b = 0;
    if (is_intel(p) && rdmsr_safe(MSR_PLATFORM_INFO, &p->platform_info))
        p->platform_info &= PLATFORM_INFO_FAULTING;
    else
        p->platform_info = 0;
    if (p->feat[0].d & FEATURE_BIT(ARCH_CAPS))
        (void)rdmsr_safe(MSR_ARCH_CAPABILITIES, &p->arch_caps);
}

static void clamp_leaves(struct cpu_policy *p) {
    p->basic[0].a = min(p->basic[0].a, POLICY_NR_BASIC - 1);
    p->feat[0].a = min(p->feat[0].a, POLICY_NR_FEAT - 1);
    p->extd[0].a = 0x80000000U | min(p->extd[0].a & 0xffff, POLICY_NR_EXTD - 1);
}

/* LFENCE waits for what is before it: told in a leaf that older CPUs lack. */
static void add_lfence(struct cpu_policy *p) {
    if (!is_amd(p) || !amd_lfence_serialises()) return;
    p->extd[0].a = max(p->extd[0].a, 0x80000021U);
    p->extd[0x21].a |= FEATURE_BIT(LFENCE_DISPATCH);
}

static void zero(struct cpuid_regs *leaf, unsigned int n) { memset(leaf, 0, n * sizeof(*leaf)); }

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
    static const struct {
        uint16_t on, feature;
    } deps[] = {
#define D(on, f) {XEN_X86_FEATURE_##on, XEN_X86_FEATURE_##f}
        D(XSAVE, XSAVEOPT),
        D(XSAVE, XSAVEC),
        D(XSAVE, XGETBV1),
        D(XSAVE, AVX),
        D(AVX, FMA),
        D(AVX, F16C),
        D(AVX, FMA4),
        D(AVX, XOP),
        D(AVX, AVX2),
        D(AVX, VAES),
        D(AVX, VPCLMULQDQ),
        D(AVX2, AVX512F),
        D(AVX2, AVX_VNNI),
        D(AVX512F, AVX512DQ),
        D(AVX512F, AVX512_IFMA),
        D(AVX512F, AVX512PF),
        D(AVX512F, AVX512ER),
        D(AVX512F, AVX512CD),
        D(AVX512F, AVX512BW),
        D(AVX512F, AVX512VL),
        D(AVX512F, AVX512_4VNNIW),
        D(AVX512F, AVX512_4FMAPS),
        D(AVX512F, AVX512_VNNI),
        D(AVX512F, AVX512_VPOPCNTDQ),
        D(AVX512F, AVX512_VP2INTERSECT),
        D(AVX512BW, AVX512_VBMI),
        D(AVX512BW, AVX512_VBMI2),
        D(AVX512BW, AVX512_BITALG),
        D(AVX512BW, AVX512_BF16),
#undef D
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(deps); i++)
        if (!policy_has(p, deps[i].on) && policy_has(p, deps[i].feature))
            policy_set_word(p, deps[i].feature / 32,
                            policy_word(p, deps[i].feature / 32) & ~(1U << (deps[i].feature % 32)));
    if (!policy_has(p, XEN_X86_FEATURE_ARCH_CAPS)) p->arch_caps = 0;
}

/* Leaf 0xd for what the policy allows; the features in subleaf 1 stay. */
static void compute_xstate(struct cpu_policy *p) {
    uint64_t xcr0 = policy_xcr0(p);
    uint32_t features = p->xstate[1].a, size = 0;

    zero(p->xstate, POLICY_NR_XSTATE);
    if (!xcr0) return;
    size = 512 + 64;
    for (unsigned int i = 2; i < POLICY_NR_XSTATE; i++) {
        if (!((xcr0 >> i) & 1)) continue;
        p->xstate[i] = policies[POLICY_RAW].xstate[i];
        p->xstate[i].c = p->xstate[i].d = 0;
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

static void mask_features(struct cpu_policy *p, const uint32_t *mask) {
    for (unsigned int w = 0; w < NR_FEATURE_WORDS; w++)
        policy_set_word(p, w, policy_word(p, w) & mask[w]);
}

static void add_feature(struct cpu_policy *p, unsigned int feature) {
    policy_set_word(p, feature / 32, policy_word(p, feature / 32) | 1U << (feature % 32));
}

static void expand_masks(void) {
    static const uint16_t always[] = {
#define PV(name) XEN_X86_FEATURE_##name,
#define PV_OPT(name)
#include "cpuid_features.h"
#undef PV
#undef PV_OPT
    };
    static const uint16_t optional[] = {
#define PV(name)
#define PV_OPT(name) XEN_X86_FEATURE_##name,
#include "cpuid_features.h"
#undef PV
#undef PV_OPT
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(always); i++)
        mask_default[always[i] / 32] |= 1U << (always[i] % 32);
    memcpy(mask_optional, mask_default, sizeof(mask_optional));
    for (unsigned int i = 0; i < ARRAY_SIZE(optional); i++)
        mask_optional[optional[i] / 32] |= 1U << (optional[i] % 32);
}

static void make_max(struct cpu_policy *p) {
    const struct cpu_policy *host = &policies[POLICY_HOST];

    *p = *host;
    hide_host(p);
    mask_features(p, mask_optional);
    add_feature(p, XEN_X86_FEATURE_HYPERVISOR);
    add_feature(p, XEN_X86_FEATURE_HTT);
    add_feature(p, XEN_X86_FEATURE_CMP_LEGACY);
    add_feature(p, XEN_X86_FEATURE_ERMS);
    if (host->feat[0].d & FEATURE_BIT(IBRSB)) /* the same command by AMD's name */
        add_feature(p, XEN_X86_FEATURE_IBPB);
    finish(p);
    p->basic[0].a = POLICY_NR_BASIC - 1;
    p->feat[0].a = POLICY_NR_FEAT - 1;
    p->extd[0].a = 0x80000000U + POLICY_NR_EXTD - 1;
}

static void make_default(struct cpu_policy *p) {
    static const uint16_t as_host[] = {XEN_X86_FEATURE_HTT, XEN_X86_FEATURE_CMP_LEGACY,
                                       XEN_X86_FEATURE_ERMS};
    const struct cpu_policy *host = &policies[POLICY_HOST];

    *p = policies[POLICY_PV_MAX];
    mask_features(p, mask_default);
    for (unsigned int i = 0; i < ARRAY_SIZE(as_host); i++)
        if (!policy_has(host, as_host[i]))
            policy_set_word(p, as_host[i] / 32,
                            policy_word(p, as_host[i] / 32) & ~(1U << (as_host[i] % 32)));
    finish(p);
    p->basic[0].a = host->basic[0].a;
    p->feat[0].a = host->feat[0].a;
    p->extd[0].a = host->extd[0].a;
}

void cpu_policy_init(void) {
    if (initialised) return;
    initialised = true;
    expand_masks();
    read_raw(&policies[POLICY_RAW]);
    policies[POLICY_HOST] = policies[POLICY_RAW];
    clamp_leaves(&policies[POLICY_HOST]);
    add_lfence(&policies[POLICY_HOST]);
    make_max(&policies[POLICY_PV_MAX]);
    make_default(&policies[POLICY_PV_DEFAULT]);
}

void cpu_policy_init_cpu(void) {
    uint64_t v;

    if (cpu_has.amd) (void)amd_lfence_serialises();
    if ((policies[POLICY_HOST].platform_info & PLATFORM_INFO_FAULTING) &&
        rdmsr_safe(MSR_MISC_FEATURES_ENABLES, &v))
        (void)wrmsr_safe(MSR_MISC_FEATURES_ENABLES, v | 1);
}

void policy_set_domain(struct domain *d, const struct cpu_policy *p) {
    struct cpu_policy *to = d->arch.policy;

    *to = *p;
    clamp_leaves(to);
    for (unsigned int w = 0; w < NR_FEATURE_WORDS; w++)
        policy_set_word(to, w, policy_word(to, w) & policy_word(&policies[POLICY_PV_MAX], w));
    finish(to);
    to->platform_info &= policies[POLICY_PV_MAX].platform_info;
}

int arch_domain_init(struct domain *d) {
    cpu_policy_init();
    d->arch.policy = hv_new(struct cpu_policy);
    if (!d->arch.policy) return -ENOMEM;
    *d->arch.policy = policies[POLICY_PV_DEFAULT];
    /* dom0 never moves to another machine. */
    if (d->is_control && policy_has(&policies[POLICY_HOST], XEN_X86_FEATURE_ITSC))
        add_feature(d->arch.policy, XEN_X86_FEATURE_ITSC);
    return 0;
}

void arch_domain_free(struct domain *d) {
    hv_free(d->arch.policy);
    d->arch.policy = NULL;
}
