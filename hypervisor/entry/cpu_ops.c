/* SPDX-License-Identifier: MIT */
/* Small hypercalls about the registers of the calling vcpu, and vm_assist. */
#include "entry.h"

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/hypercall.h>
#include <x86/context.h>
#include <x86/debugreg.h>

long do_fpu_taskswitch(int set) {
    fpu_set_ts(current, set);
    return 0;
}

long do_set_debugreg(int reg, uint64_t value) {
    return debugreg_set(current, (unsigned int)reg, value);
}

long do_get_debugreg(int reg) {
    uint64_t value;

    return debugreg_get(current, (unsigned int)reg, &value) ? -ENODEV : (long)value;
}

/* The caller is in kernel mode: its GS base is in the CPU, the user's in the vcpu. */
long do_set_segment_base(uint32_t which, uint64_t base) {
    struct vcpu *v = current;

    if (which == SEGBASE_GS_USER_SEL) {
        (void)load_user_gs(v, (uint16_t)base); /* the ABI has no error for a bad selector */
        return 0;
    }
    if (which > SEGBASE_GS_USER_SEL || !is_canonical(base)) return -EINVAL;
    if (which == SEGBASE_FS)
        write_fs_base(base);
    else if (which == SEGBASE_GS_KERNEL)
        write_gs_base(base);
    else
        v->arch.gs_base_user = base;
    return 0;
}

long do_vm_assist(uint32_t cmd, uint32_t type) {
    struct domain *d = current->domain;

    if (type >= 64 || !(VM_ASSIST_VALID & BIT(type))) return -EINVAL;
    switch (cmd) {
    case VMASST_CMD_enable: set_bit(type, &d->vm_assist); return 0;
    case VMASST_CMD_disable: clear_bit(type, &d->vm_assist); return 0;
    default: return -ENOSYS;
    }
}
