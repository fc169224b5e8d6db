/* SPDX-License-Identifier: MIT */
/* Answering CPUID of a vcpu: its domain's policy, what depends on registers, and Xen's leaves. */
#include <hv/pcpu.h>
#include <public/arch-x86/cpuid.h>
#include <x86/cpuid.h>
#include <x86/trap.h>

#define VERSION_4_17 (4U << 16 | 17)

static void time_leaf(const struct domain *d, uint32_t subleaf, struct cpuid_regs *r) {
    uint32_t khz = d->is_control ? 0 : tsc_khz; /* dom0 is not told */
    int8_t shift;

    switch (subleaf) {
    case 0:
        r->a = (uint32_t)tsc_is_stable << 1 | (uint32_t)cpu_has.rdtscp << 2;
        r->b = d->arch.tsc_mode;
        r->c = khz;
        r->d = d->arch.tsc_incarnation;
        break;
    case 1: /* no offset: guests see the counter itself */
        if (!khz) break;
        time_scale_from_khz(khz, &r->c, &shift);
        r->d = (uint32_t)(int32_t)shift;
        break;
    case 2: r->a = tsc_khz; break;
    }
}

static void hypervisor_leaf(const struct domain *d, uint32_t idx, uint32_t subleaf,
                            struct cpuid_regs *r) {
    uint32_t limit = d->arch.policy->hv[0].a;

    limit =
        limit ? min(max(limit, 2U), (uint32_t)XEN_CPUID_MAX_NUM_LEAVES) : XEN_CPUID_MAX_NUM_LEAVES;
    if (idx > limit) return;
    switch (idx) {
    case 0:
        r->a = XEN_CPUID_FIRST_LEAF + limit;
        r->b = XEN_CPUID_SIGNATURE_EBX;
        r->c = XEN_CPUID_SIGNATURE_ECX;
        r->d = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1: r->a = VERSION_4_17; break;
    case 2:
        r->a = 1;          /* hypercall pages */
        r->b = 0x40000000; /* the MSR that fills one */
        r->c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case 3: time_leaf(d, subleaf, r); break;
    case 5:
        if (subleaf == 0) r->b = fls64(max_frame ? max_frame - 1 : 0) + 1 + PAGE_SHIFT;
        break;
    }
}

/* OSXSAVE of the emulated CPUID shows Hospes's CR4 to kernels besides their own, and dom0's kernel
 * sees MTRR and EIST of the hardware: both became part of the PV ABI by accident and are relied on.
 */
static void adjust_features(const struct vcpu *v, struct cpuid_regs *r) {
    bool kernel = v->arch.kernel_mode, forced = guest_regs()->entry_vector == TRAP_UD;
    const struct cpuid_regs *host = &cpu_policy_get(POLICY_HOST)->basic[1];

    if ((v->arch.cr4 & CR4_OSXSAVE) || (kernel && forced && (r->c & FEATURE_BIT(XSAVE))))
        r->c |= FEATURE_BIT(OSXSAVE);
    if (!v->domain->is_control || !kernel) return;
    r->c |= host->c & FEATURE_BIT(EIST);
    if (!forced) r->c |= host->c & FEATURE_BIT(MONITOR);
    r->d |= host->d & FEATURE_BIT(MTRR);
}

void guest_cpuid(const struct vcpu *v, uint32_t leaf, uint32_t subleaf, struct cpuid_regs *r) {
    struct cpu_policy *p = v->domain->arch.policy;
    const struct cpuid_regs *from;
    uint32_t nr;

    *r = (struct cpuid_regs){0};
    if (leaf >= XEN_CPUID_FIRST_LEAF && leaf < XEN_CPUID_FIRST_LEAF + 0x100) {
        hypervisor_leaf(v->domain, leaf - XEN_CPUID_FIRST_LEAF, subleaf, r);
        return;
    }
    if (leaf > (leaf >= 0x80000000U ? p->extd[0].a : p->basic[0].a)) return;
    if (leaf == 7 && subleaf > p->feat[0].a) return;
    if (leaf == 0xd && !policy_has(p, XEN_X86_FEATURE_XSAVE)) return;
    from = policy_leaf(p, leaf, policy_subleaves(p, leaf, &nr) ? subleaf : XEN_CPUID_NO_SUBLEAF);
    if (!from) return;
    *r = *from;
    if (leaf == 0x80000001U && cpu_has.amd && v->domain->is_control && v->arch.kernel_mode)
        r->d |= cpu_policy_get(POLICY_HOST)->extd[1].d & FEATURE_BIT(MTRR);
    if (v != current) return;
    if (leaf == 1)
        adjust_features(v, r);
    else if (leaf == 0xd && (subleaf == 0 || (subleaf == 1 && r->a & FEATURE_BIT(XSAVEC))))
        r->b = cpuid(0xd, subleaf).b; /* by XCR0, which is the guest's */
}
