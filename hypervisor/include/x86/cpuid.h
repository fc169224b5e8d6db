/* SPDX-License-Identifier: MIT */
/*
 * CPU policies: the CPUID leaves and feature MSRs that vcpus see, as plain data. 'raw' is what the
 * hardware says, 'host' what Hospes leaves of it, 'pv_max' the most that a PV guest may have,
 * 'pv_default' what it gets unless a tool sets another. x86/cpuid.c, x86/guest_cpuid.c. And what
 * else tools are told of the processors: x86/policy_ops.c
 */
#pragma once

#include <public/arch-x86/cpufeatureset.h>
#include <public/xen.h>
#include <x86/cpu.h>

struct domain;
struct vcpu;
struct xen_sysctl_cpu_featureset;
struct xen_sysctl_cpu_policy;

#define POLICY_NR_BASIC  0xeU  /* leaves 0..0xd */
#define POLICY_NR_CACHE  6U    /* leaf 4 */
#define POLICY_NR_FEAT   3U    /* leaf 7 */
#define POLICY_NR_TOPO   2U    /* leaf 0xb */
#define POLICY_NR_XSTATE 63U   /* leaf 0xd */
#define POLICY_NR_EXTD   0x22U /* leaves 0x80000000.. */
#define POLICY_MAX_LEAVES                                                                          \
    (POLICY_NR_BASIC - 4 + POLICY_NR_CACHE + POLICY_NR_FEAT + POLICY_NR_TOPO + POLICY_NR_XSTATE +  \
     POLICY_NR_EXTD + 2 /* hypervisor leaves */)
#define POLICY_MAX_MSRS 2U

#define NR_FEATURE_WORDS 19

struct cpu_policy {
    struct cpuid_regs basic[POLICY_NR_BASIC]; /* 4, 7, 0xb, 0xd unused: below */
    struct cpuid_regs cache[POLICY_NR_CACHE], feat[POLICY_NR_FEAT], topo[POLICY_NR_TOPO];
    struct cpuid_regs xstate[POLICY_NR_XSTATE], extd[POLICY_NR_EXTD];
    struct cpuid_regs hv[2]; /* EAX: tools' limit of hypervisor leaves, Xen's and others; 0: all */
    uint64_t platform_info;  /* MSR 0xce: bit 31 CPUID faulting */
    uint64_t arch_caps;      /* MSR 0x10a */
};

enum policy_kind { POLICY_RAW, POLICY_HOST, POLICY_PV_MAX, POLICY_PV_DEFAULT, NR_POLICIES };

#define PLATFORM_INFO_FAULTING (1UL << 31)

#define FEATURE_BIT(name) (1U << (XEN_X86_FEATURE_##name % 32))

void cpu_policy_init(void); /* boot CPU, after fpu_init() */
const struct cpu_policy *cpu_policy_get(enum policy_kind kind);

/* Features by number (XEN_X86_FEATURE_*), gathered from the leaves. */
uint32_t policy_word(const struct cpu_policy *p, unsigned int word);
static inline bool policy_has(const struct cpu_policy *p, unsigned int feature) {
    return (policy_word(p, feature / 32) >> (feature % 32)) & 1;
}
/* The array of a leaf that has subleaves, and its size; NULL: the leaf has none. */
struct cpuid_regs *policy_subleaves(struct cpu_policy *p, uint32_t leaf, uint32_t *nr);
/* sub is XEN_CPUID_NO_SUBLEAF for leaves without. NULL: policies have no such leaf. */
struct cpuid_regs *policy_leaf(struct cpu_policy *p, uint32_t leaf, uint32_t sub);
/* XCR0 bits that the policy's features allow. */
uint64_t policy_xcr0(const struct cpu_policy *p);

/* What a vcpu reads; dynamic parts only for current. */
void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *res);

/* Gives a domain that has not run this policy, cut to what pv_max has. */
void policy_set_domain(struct domain *d, const struct cpu_policy *p);

/* Each CPU: what policies promise. CPUID faulting makes guests' plain cpuid a #GP, too. */
void cpu_policy_init_cpu(void);

uint32_t sysinfo_threads_per_core(void);
uint32_t sysinfo_cores_per_socket(void);
void sysinfo_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket);
void sysinfo_feature_words(uint32_t words[8]); /* as 4.17 orders them in hw_cap */

/* Copy themselves to the caller's buffers; -ENOBUFS when those are too small. */
long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f);
long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p);
