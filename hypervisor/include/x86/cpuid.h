/* SPDX-License-Identifier: MIT */
/*
 * CPU policies: the CPUID leaves and feature MSRs that vcpus see, as plain data. 'raw' is what the
 * hardware says, 'host' what Hospes leaves of it, 'pv_max' the most that a PV guest may have,
 * 'pv_default' what it gets unless a tool sets another. x86/cpuid.c, x86/policy_io.c
 */
#pragma once

#include <hv/types.h>
#include <public/arch-x86/cpufeatureset.h>
#include <public/xen.h>
#include <x86/cpu.h>

struct domain;
struct vcpu;

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
    struct cpuid_regs xstate[POLICY_NR_XSTATE];
    struct cpuid_regs extd[POLICY_NR_EXTD];
    uint32_t hv_limit, hv2_limit; /* tools' limit of hypervisor leaves; 0: all */
    uint64_t platform_info;       /* MSR 0xce: bit 31 CPUID faulting */
    uint64_t arch_caps;           /* MSR 0x10a */
};

enum policy_kind { POLICY_RAW, POLICY_HOST, POLICY_PV_MAX, POLICY_PV_DEFAULT, NR_POLICIES };

void cpu_policy_init(void); /* boot CPU, after fpu_init(). A second call does nothing */
const struct cpu_policy *cpu_policy_get(enum policy_kind kind);

/* Features by number (XEN_X86_FEATURE_*), gathered from and spread over the leaves. */
uint32_t policy_word(const struct cpu_policy *p, unsigned int word);
void policy_set_word(struct cpu_policy *p, unsigned int word, uint32_t v);
static inline bool policy_has(const struct cpu_policy *p, unsigned int feature) {
    return (policy_word(p, feature / 32) >> (feature % 32)) & 1;
}
/* XCR0 bits that the policy's features allow. */
uint64_t policy_xcr0(const struct cpu_policy *p);

/* What a vcpu reads; dynamic parts only for current. */
void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *res);

/*
 * Exchange with tools. to_*: *nr is the room and becomes the number written; -ENOBUFS. from_*:
 * changes *p by the entries given; -ERANGE names the bad one in *err (and *err_sub).
 */
int policy_to_leaves(const struct cpu_policy *p, struct xen_cpuid_leaf *out, uint32_t *nr);
int policy_to_msrs(const struct cpu_policy *p, struct xen_msr_entry *out, uint32_t *nr);
int policy_from_leaves(struct cpu_policy *p, const struct xen_cpuid_leaf *in, uint32_t nr,
                       uint32_t *err, uint32_t *err_sub);
int policy_from_msrs(struct cpu_policy *p, const struct xen_msr_entry *in, uint32_t nr,
                     uint32_t *err);
/* Can a vcpu with this policy run here? -EINVAL names the first thing that cannot be. */
int policy_compatible(const struct cpu_policy *p, uint32_t *err_leaf, uint32_t *err_sub,
                      uint32_t *err_msr);
/* Gives a domain that has not run this policy, cut to what pv_max has. */
void policy_set_domain(struct domain *d, const struct cpu_policy *p);

/* Each CPU: what policies promise. CPUID faulting makes guests' plain cpuid a #GP, too. */
void cpu_policy_init_cpu(void);
