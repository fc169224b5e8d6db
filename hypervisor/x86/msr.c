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

enum { MSR_PLATFORM_ID = 0x17, MSR_FEATURE_CONTROL = 0x3a, MSR_PRED_CMD = 0x49 };
enum { MSR_UCODE_REV = 0x8b, MSR_MCG_CAP = 0x179, MSR_MC_BANKS_FIRST = 0x400 };
enum { MSR_MC_BANKS_LAST = 0x47f, MSR_XEN_HYPERCALL_PAGE = 0x40000000, MSR_K8_SYSCFG = 0xc0010010 };
enum { MSR_MMIO_CONF_BASE = 0xc0010058 };

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

enum { ANY, INTEL, AMD };
enum { ZERO = 1, DROP = 2, DOM0 = 4 }; /* reads as 0, drops writes, dom0 reads the hardware's */

/* What needs no code. Kernels probe performance counters unguarded, of which there are none.
 * Machine-check banks are two, always empty; more of them are there and read as nothing. */
static const struct {
    uint32_t first, last;
    uint8_t vendor, access;
} plain[] = {
    {MSR_UCODE_REV, MSR_UCODE_REV, INTEL, DROP},
    {0xc1, 0xc8, INTEL, ZERO | DROP}, /* counters */
    {0xe7, 0xe8, ANY, DROP},          /* MPERF, APERF */
    {MSR_MISC_FEATURES_ENABLES, MSR_MISC_FEATURES_ENABLES, ANY, ZERO},
    {MSR_MCG_CAP, MSR_MCG_CAP, ANY, DROP},
    {0x17a, 0x17b, ANY, ZERO | DROP},   /* MCG_STATUS, MCG_CTL */
    {0x186, 0x18d, INTEL, ZERO | DROP}, /* counters */
    {0x198, 0x198, INTEL, ZERO},        /* PERF_STATUS */
    {0x199, 0x199, INTEL, ZERO | DROP}, /* PERF_CTL */
    {0x19a, 0x19a, INTEL, DROP},        /* THERM_CONTROL */
    {0x19c, 0x19c, INTEL, ZERO},        /* THERM_STATUS */
    {0x1b0, 0x1b0, INTEL, DROP},        /* ENERGY_PERF_BIAS */
    {0x280, 0x29f, ANY, ZERO | DROP},   /* MC_CTL2 */
    {0x309, 0x30b, INTEL, ZERO | DROP}, /* counters */
    {0x345, 0x345, ANY, ZERO},          /* PERF_CAPABILITIES */
    {0x38d, 0x390, INTEL, ZERO | DROP}, /* counters */
    {MSR_MC_BANKS_FIRST, MSR_MC_BANKS_LAST, ANY, ZERO | DROP},
    {MSR_XEN_HYPERCALL_PAGE, MSR_XEN_HYPERCALL_PAGE, ANY, ZERO},
    {0xc0010000, 0xc0010007, AMD, ZERO | DROP}, /* counters */
    {0xc0010015, 0xc0010015, AMD, ZERO | DROP}, /* HWCR */
    {0xc0010016, 0xc001001a, AMD, DOM0},        /* IORR, TOP_MEM1 */
    {0xc001001d, 0xc001001d, AMD, DOM0},        /* TOP_MEM2 */
    {0xc001001f, 0xc001001f, AMD, ZERO | DROP}, /* NB_CFG */
    {0xc0010041, 0xc0010042, AMD, ZERO | DROP}, /* FIDVID */
    {0xc0010061, 0xc001006b, AMD, ZERO | DROP}, /* P-states */
    {0xc0010112, 0xc0010113, AMD, DOM0},        /* TSEG */
    {0xc0010200, 0xc001020b, AMD, ZERO | DROP}, /* counters */
    {MSR_DE_CFG, MSR_DE_CFG, AMD, DROP},
};

static uint8_t plain_access(uint32_t msr) {
    uint8_t vendor = cpu_has.intel ? INTEL : cpu_has.amd ? AMD : ANY;

    for (unsigned int i = 0; i < ARRAY_SIZE(plain); i++)
        if (msr >= plain[i].first && msr <= plain[i].last &&
            (plain[i].vendor == ANY || plain[i].vendor == vendor))
            return plain[i].access;
    return 0;
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

static bool has_tsc_aux(const struct vcpu *v) {
    const struct cpu_policy *p = v->domain->arch.policy;

    return policy_has(p, XEN_X86_FEATURE_RDTSCP) || policy_has(p, XEN_X86_FEATURE_RDPID);
}

static bool read_dom0(const struct vcpu *v, uint32_t msr, uint64_t *val) {
    return cpu_has.amd && v->domain->is_control && rdmsr_safe(msr, val);
}

static bool read_plain(const struct vcpu *v, uint32_t msr, uint64_t *val) {
    uint8_t access = plain_access(msr);

    *val = 0;
    return access & DOM0 ? read_dom0(v, msr, val) : access & ZERO;
}

static bool read_known(struct vcpu *v, uint32_t msr, uint64_t *val) {
    const struct cpu_policy *p = v->domain->arch.policy;

    switch (msr) {
    case MSR_TSC: *val = rdtsc(); return true;
    case MSR_FS_BASE: *val = read_fs_base(); return true;
    case MSR_GS_BASE: *val = read_gs_base(); return true;
    case MSR_KERNEL_GS_BASE: *val = v->arch.gs_base_user; return true;
    case MSR_EFER: *val = guest_efer(); return true;
    case MSR_PAT: *val = HV_PAT; return true;
    case MSR_APIC_BASE:
        *val = APIC_BASE_DEFAULT | APIC_BASE_ENABLED | (v->id ? 0 : APIC_BASE_BSP);
        return true;
    case MSR_TSC_AUX: *val = v->arch.msr_tsc_aux; return has_tsc_aux(v);
    case MSR_MCG_CAP:
        *val = GUEST_MC_BANKS | (cpu_has.intel ? MCG_SER_P | MCG_TES_P : 0);
        return true;
    case MSR_MC_BANKS_FIRST ... MSR_MC_BANKS_LAST: /* four registers each, control first */
        *val = (msr & 3) == 0 && (msr - MSR_MC_BANKS_FIRST) / 4 < GUEST_MC_BANKS ? ~0UL : 0;
        return true;
    case MSR_UCODE_REV: return (cpu_has.intel || cpu_has.amd) && rdmsr_safe(msr, val);
    case MSR_PLATFORM_INFO: *val = p->platform_info; return true;
    case MSR_ARCH_CAPABILITIES:
        *val = p->arch_caps;
        return policy_has(p, XEN_X86_FEATURE_ARCH_CAPS);
    case MSR_MISC_ENABLE: return read_misc_enable(val);
    case MSR_PLATFORM_ID: return cpu_has.intel && rdmsr_safe(msr, val);
    case MSR_FEATURE_CONTROL: *val = 1; return cpu_has.intel; /* locked, nothing on */
    case MSR_DE_CFG: *val = DE_CFG_LFENCE_SERIALISES; return cpu_has.amd;
    case MSR_MMIO_CONF_BASE:
        return cpu_has.family >= 0x10 && cpu_has.family < 0x17 && read_dom0(v, msr, val);
    case MSR_K8_SYSCFG:
        if (!read_dom0(v, msr, val)) return false;
        *val &= SYSCFG_VISIBLE;
        return true;
    default: return read_plain(v, msr, val);
    }
}

bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value) {
    uint64_t unused;

    if (read_known(v, msr, value)) return true;
    /* A kernel that cannot take a #GP yet is not killed for reading a register that exists. */
    *value = 0;
    return (!v->arch.traps[TRAP_GP].address || v->domain->arch.msr_relaxed) &&
           (msr >> 16) != 0x4000 && rdmsr_safe(msr, &unused);
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
    return !(value & ~PAGE_MASK) && !hypercall_page_init(v->domain, value >> PAGE_SHIFT);
}

static bool write_tsc_aux(struct vcpu *v, uint64_t value) {
    if (value != (uint32_t)value || !has_tsc_aux(v)) return false;
    v->arch.msr_tsc_aux = value;
    tsc_aux_load(v);
    return true;
}

bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value) {
    const struct cpu_policy *p = v->domain->arch.policy;
    uint64_t old;

    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE: return write_base(v, msr, value);
    case MSR_EFER: return value == guest_efer(); /* Linux writes back what it read */
    case MSR_TSC_AUX: return write_tsc_aux(v, value);
    case MSR_XEN_HYPERCALL_PAGE: return write_hypercall_page(v, value);
    case MSR_MISC_ENABLE: return read_misc_enable(&old); /* a change is dropped */
    case MSR_MISC_FEATURES_ENABLES: return value == 0;
    case MSR_PRED_CMD:
        return policy_has(p, XEN_X86_FEATURE_IBPB) &&
               !(value & ~(policy_has(p, XEN_X86_FEATURE_SBPB) ? 0x81UL : 1UL)) &&
               wrmsr_safe(msr, value);
    default:
        if (plain_access(msr) & DROP) return true;
        return v->domain->arch.msr_relaxed && msr >> 16 != 0x4000 && rdmsr_safe(msr, &old);
    }
}
