/* SPDX-License-Identifier: MIT */
/*
 * Control registers as a PV kernel sees them: CR0 as Hospes runs it with the guest's own TS, CR3
 * the kernel's base pointer, CR4 a few bits of the guest's and a few of the hardware's.
 */
#include <hv/domain.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <x86/context.h>
#include <x86/cpu.h>
#include <x86/cpuid.h>
#include <x86/guest_cr.h>

/* Bits that guests choose, within their CPU policy, and that they see of the hardware's. */
#define CR4_CHOSEN  (CR4_TSD | CR4_DE | CR4_FSGSBASE | CR4_OSXSAVE)
#define CR4_VISIBLE (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

uint64_t guest_cr4_fixup(const struct vcpu *v, uint64_t cr4) {
    const struct cpu_policy *p = v->domain->arch.policy;
    uint64_t allowed = CR4_TSD | CR4_DE;

    if (policy_has(p, XEN_X86_FEATURE_FSGSBASE)) allowed |= CR4_FSGSBASE;
    if (policy_has(p, XEN_X86_FEATURE_XSAVE)) allowed |= CR4_OSXSAVE;
    return (cr4 & CR4_CHOSEN & allowed) | (cpu_cr4 & CR4_VISIBLE);
}

bool guest_cr_read(struct vcpu *v, unsigned int cr, uint64_t *value) {
    switch (cr) {
    case 0: *value = (read_cr0() & ~CR0_TS) | v->arch.cr0; return true;
    case 2: *value = v->info->arch.cr2; return true;
    case 3: *value = xen_pfn_to_cr3(mfn_x(v->arch.guest_table)); return true;
    case 4: *value = v->arch.cr4; return true;
    default: return false;
    }
}

bool guest_cr_write(struct vcpu *v, unsigned int cr, uint64_t value) {
    switch (cr) {
    case 0:
        if ((value ^ read_cr0()) & ~CR0_TS) return false;
        fpu_set_ts(v, value & CR0_TS);
        return true;
    case 2: v->info->arch.cr2 = value; return true;
    case 4:
        v->arch.cr4 = guest_cr4_fixup(v, value);
        cr4_load(v);
        return true;
    default: return false;
    }
}
