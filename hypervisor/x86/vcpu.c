/* SPDX-License-Identifier: MIT */
/* The x86 part of making and freeing vcpus. */
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/mm.h>
#include <x86/context.h>
#include <x86/cpu.h>
#include <x86/debugreg.h>

_Static_assert(GUEST_TRAP_VECTORS * sizeof(struct trap_info) <= PAGE_SIZE, "one page");

int arch_vcpu_init(struct vcpu *v) {
    v->arch.traps = alloc_page_hv();
    if (!v->arch.traps) return -ENOMEM;
    v->arch.kernel_mode = true;
    v->arch.cr4 = guest_cr4_fixup(v, 0);
    debugreg_reset(v);
    return fpu_init_vcpu(v);
}

void arch_vcpu_free(struct vcpu *v) {
    fpu_destroy_vcpu(v);
    if (v->arch.traps) free_page_hv(v->arch.traps);
    v->arch.traps = NULL;
}
