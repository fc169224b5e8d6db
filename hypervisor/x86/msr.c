/* SPDX-License-Identifier: MIT */
/*
 * MSRs of PV guests, after stock Xen 4.17: a few live registers, constants for those that kernels
 * read without care, hardware values for dom0 where its drivers need them, #GP for the rest.
 */
#include <hv/hypercall.h>
#include <x86/cpuid.h>
#include <x86/extable.h>
#include <x86/guest_regs.h>
#include <x86/trap.h>

#define MSR_PLATFORM_ID        0x17
#define MSR_FEATURE_CONTROL    0x3a
#define MSR_PRED_CMD           0x49
#define MSR_UCODE_REV          0x8b
#define MSR_MPERF              0xe7
#define MSR_APERF              0xe8
#define MSR_MCG_CAP            0x179
#define MSR_MCG_STATUS         0x17a
#define MSR_MCG_CTL            0x17b
#define MSR_PERF_STATUS        0x198
#define MSR_PERF_CTL           0x199
#define MSR_THERM_CONTROL      0x19a
#define MSR_THERM_STATUS       0x19c
#define MSR_ENERGY_PERF_BIAS   0x1b0
#define MSR_MC_CTL2_FIRST      0x280
#define MSR_MC_CTL2_LAST       0x29f
#define MSR_PERF_CAPABILITIES  0x345
#define MSR_XEN_HYPERCALL_PAGE 0x40000000
#define MSR_K8_SYSCFG          0xc0010010
#define MSR_K7_HWCR            0xc0010015
#define MSR_K8_IORR_FIRST      0xc0010016
#define MSR_K8_IORR_LAST       0xc0010019
#define MSR_K8_TOP_MEM1        0xc001001a
#define MSR_K8_TOP_MEM2        0xc001001d
#define MSR_NB_CFG             0xc001001f
#define MSR_FIDVID_CTL         0xc0010041
#define MSR_FIDVID_STATUS      0xc0010042
#define MSR_MMIO_CONF_BASE     0xc0010058
#define MSR_PSTATE_FIRST       0xc0010061
#define MSR_PSTATE_LAST        0xc001006b
#define MSR_TSEG_BASE          0xc0010112
#define MSR_TSEG_MASK          0xc0010113

#define APIC_BASE_DEFAULT 0xfee00000UL
#define APIC_BASE_BSP     (1UL << 8)
#define APIC_BASE_ENABLED (1UL << 11)

#define GUEST_MC_BANKS 2
#define MCG_SER_P      (1UL << 24)
#define MCG_TES_P      (1UL << 11)
#define SYSCFG_VISIBLE 0x00740000UL /* DRAM and MTRR enables, not memory encryption */

#define MISC_ENABLE_PERF_AVAIL   (1UL << 7)
#define MISC_ENABLE_BTS_UNAVAIL  (1UL << 11)
#define MISC_ENABLE_PEBS_UNAVAIL (1UL << 12)
#define MISC_ENABLE_MONITOR      (1UL << 18)
#define MISC_ENABLE_XTPR_DISABLE (1UL << 23)

/* Performance counters: there are none, but kernels probe them unguarded. */
static bool is_counter(uint32_t msr) {
    if (cpu_has.intel)
        return (msr >= 0xc1 && msr <= 0xc8) || (msr >= 0x186 && msr <= 0x18d) ||
               (msr >= 0x309 && msr <= 0x30b) || (msr >= 0x38d && msr <= 0x390);
    return cpu_has.amd &&
           ((msr >= 0xc0010000 && msr <= 0xc0010007) || (msr >= 0xc0010200 && msr <= 0xc001020b));
}

/* Machine-check banks: two, always empty; more of them are there and read as nothing. */
static bool is_mc_bank(uint32_t msr) { return msr >= 0x400 && msr <= 0x47f; }

static uint64_t read_mc_bank(uint32_t msr) {
    return (msr & 3) == 0 && (msr - 0x400) / 4 < GUEST_MC_BANKS ? ~0UL : 0;
}

static uint64_t guest_efer(void) {
    return rdmsr(MSR_EFER) & (EFER_SCE | EFER_LME | EFER_LMA | EFER_NX | EFER_FFXSR);
}

static bool read_misc_enable(uint64_t *v) {
    if (!rdmsr_safe(MSR_MISC_ENABLE, v)) return false;
    *v &= ~(MISC_ENABLE_PERF_AVAIL | MISC_ENABLE_MONITOR);
    *v |= MISC_ENABLE_BTS_UNAVAIL | MISC_ENABLE_PEBS_UNAVAIL | MISC_ENABLE_XTPR_DISABLE;
    return true;
}

static bool constant(uint64_t *v, uint64_t is, bool exists) {
    *v = is;
    return exists;
}

static bool read_amd(const struct vcpu *v, uint32_t msr, uint64_t *val) {
    *val = 0;
    if (!cpu_has.amd) return false;
    switch (msr) {
    case MSR_K7_HWCR:
    case MSR_NB_CFG:
    case MSR_FIDVID_CTL:
    case MSR_FIDVID_STATUS:
    case MSR_PSTATE_FIRST ... MSR_PSTATE_LAST: return true;
    case MSR_DE_CFG: *val = DE_CFG_LFENCE_SERIALISES; return true;
    case MSR_K8_SYSCFG:
    case MSR_K8_IORR_FIRST ... MSR_K8_IORR_LAST:
    case MSR_K8_TOP_MEM1:
    case MSR_K8_TOP_MEM2:
    case MSR_TSEG_BASE:
    case MSR_TSEG_MASK:
    case MSR_MMIO_CONF_BASE:
        if (msr == MSR_MMIO_CONF_BASE && (cpu_has.family < 0x10 || cpu_has.family >= 0x17))
            return false;
        if (!v->domain->is_control || !rdmsr_safe(msr, val)) return false;
        if (msr == MSR_K8_SYSCFG) *val &= SYSCFG_VISIBLE;
        return true;
    default: return false;
    }
}

static bool read_known(struct vcpu *v, uint32_t msr, uint64_t *val) {
    const struct cpu_policy *p = v->domain->arch.policy;

    switch (msr) {
    case MSR_TSC: return constant(val, rdtsc(), true);
    case MSR_FS_BASE: return constant(val, read_fs_base(), true);
    case MSR_GS_BASE: return constant(val, read_gs_base(), true);
    case MSR_KERNEL_GS_BASE: return constant(val, v->arch.gs_base_user, true);
    case MSR_EFER: return constant(val, guest_efer(), true);
    case MSR_PAT: return constant(val, HV_PAT, true);
    case MSR_APIC_BASE:
        return constant(val, APIC_BASE_DEFAULT | APIC_BASE_ENABLED | (v->id ? 0 : APIC_BASE_BSP),
                        true);
    case MSR_TSC_AUX:
        return constant(val, v->arch.msr_tsc_aux,
                        policy_has(p, XEN_X86_FEATURE_RDTSCP) ||
                            policy_has(p, XEN_X86_FEATURE_RDPID));
    case MSR_MCG_CAP:
        return constant(val, GUEST_MC_BANKS | (cpu_has.intel ? MCG_SER_P | MCG_TES_P : 0), true);
    case MSR_MCG_STATUS:
    case MSR_MCG_CTL:
    case MSR_PERF_CAPABILITIES:
    case MSR_MC_CTL2_FIRST ... MSR_MC_CTL2_LAST: return constant(val, 0, true);
    case MSR_UCODE_REV: return (cpu_has.intel || cpu_has.amd) && rdmsr_safe(msr, val);
    case MSR_PLATFORM_INFO: return constant(val, p->platform_info, true);
    case MSR_MISC_FEATURES_ENABLES: return constant(val, 0, true);
    case MSR_ARCH_CAPABILITIES:
        return constant(val, p->arch_caps, policy_has(p, XEN_X86_FEATURE_ARCH_CAPS));
    case MSR_MISC_ENABLE: return read_misc_enable(val);
    case MSR_PLATFORM_ID: return cpu_has.intel && rdmsr_safe(msr, val);
    case MSR_FEATURE_CONTROL: return constant(val, 1, cpu_has.intel); /* locked, nothing on */
    case MSR_PERF_STATUS:
    case MSR_PERF_CTL:
    case MSR_THERM_STATUS: return constant(val, 0, cpu_has.intel);
    case MSR_XEN_HYPERCALL_PAGE: return constant(val, 0, true);
    default:
        if (is_mc_bank(msr)) return constant(val, read_mc_bank(msr), true);
        if (is_counter(msr)) return constant(val, 0, true);
        return read_amd(v, msr, val);
    }
}

bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value) {
    uint64_t unused;

    if (read_known(v, msr, value)) return true;
    /* A kernel that cannot take a #GP yet is not killed for reading a register that exists. */
    *value = 0;
    return !v->arch.traps[TRAP_GP].address && (msr >> 16) != 0x4000 && rdmsr_safe(msr, &unused);
}

static bool write_base(struct vcpu *v, uint32_t msr, uint64_t value) {
    if (!is_canonical(value)) return false;
    if (msr == MSR_FS_BASE)
        write_fs_base(value);
    else if (msr == MSR_GS_BASE)
        write_gs_base(value);
    else
        v->arch.gs_base_user = value;
    return true;
}

static bool write_hypercall_page(struct vcpu *v, uint64_t value) {
    void *page;
    int err;

    if (value & ~PAGE_MASK) return false;
    page = mm_map_guest_frame(v->domain, value >> PAGE_SHIFT, &err);
    if (!page) return false;
    hypercall_page_init(page);
    mm_unmap_guest_frame(page);
    return true;
}

static bool write_tsc_aux(struct vcpu *v, uint64_t value) {
    const struct cpu_policy *p = v->domain->arch.policy;

    if (value != (uint32_t)value ||
        (!policy_has(p, XEN_X86_FEATURE_RDTSCP) && !policy_has(p, XEN_X86_FEATURE_RDPID)))
        return false;
    v->arch.msr_tsc_aux = value;
    tsc_aux_load(v);
    return true;
}

/* Writes to power and northbridge registers are taken and dropped. */
static bool ignored_amd(uint32_t msr) {
    switch (msr) {
    case MSR_K7_HWCR:
    case MSR_NB_CFG:
    case MSR_FIDVID_CTL:
    case MSR_FIDVID_STATUS:
    case MSR_PSTATE_FIRST ... MSR_PSTATE_LAST:
    case MSR_DE_CFG: return cpu_has.amd;
    default: return false;
    }
}

bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value) {
    uint64_t old;

    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE: return write_base(v, msr, value);
    case MSR_EFER: return value == guest_efer(); /* Linux writes back what it read */
    case MSR_TSC_AUX: return write_tsc_aux(v, value);
    case MSR_XEN_HYPERCALL_PAGE: return write_hypercall_page(v, value);
    case MSR_MISC_ENABLE: return read_misc_enable(&old); /* a change is dropped */
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
    case MSR_MCG_CTL:
    case MSR_MC_CTL2_FIRST ... MSR_MC_CTL2_LAST:
    case MSR_MPERF:
    case MSR_APERF: return true;
    case MSR_UCODE_REV:
    case MSR_THERM_CONTROL:
    case MSR_ENERGY_PERF_BIAS: return cpu_has.intel;
    case MSR_MISC_FEATURES_ENABLES: return value == 0;
    case MSR_PRED_CMD:
        return policy_has(v->domain->arch.policy, XEN_X86_FEATURE_IBPB) && !(value & ~1UL) &&
               wrmsr_safe(msr, value);
    default: return is_mc_bank(msr) || is_counter(msr) || ignored_amd(msr);
    }
}
