/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls about the calling vcpu: where Hospes enters its kernel (trap table, callbacks, kernel
 * stack), registers, vm_assist. Addresses are canonical; that they are mapped and executable is the
 * guest's business. The code selector of a trap is not used by 64-bit guests: handlers run with the
 * flat one.
 */
#include "entry.h"

#include <hv/hypercall.h>
#include <public/nmi.h>
#include <x86/guest_regs.h>

#define PREEMPT_EVERY 32 /* traps */

static int set_one_trap(struct vcpu *v, struct trap_info *t) {
    if (!is_canonical(t->address)) return -EINVAL;
    t->cs = ring3_selector(t->cs);
    v->arch.traps[t->vector] = *t;
    return 0;
}

long do_set_trap_table(uint64_t traps) {
    struct vcpu *v = current;
    struct trap_info t;

    if (!traps) {
        memset(v->arch.traps, 0, GUEST_TRAP_VECTORS * sizeof(v->arch.traps[0]));
        return 0;
    }
    for (unsigned int done = 1;; done++, traps += sizeof(t)) {
        int rc;

        if (done % PREEMPT_EVERY == 0 && preempt_check()) return hypercall_continue(1, traps);
        if (copy_from_guest(&t, traps, sizeof(t))) return -EFAULT;
        if (!t.address) return 0;
        rc = set_one_trap(v, &t);
        if (rc) return rc;
    }
}

static int register_nmi(struct vcpu *v, uint64_t address) {
    struct trap_info t = {.vector = TRAP_NMI, .cs = SEL_USER_CS64, .address = address};

    TI_SET_IF(&t, 1);
    return set_one_trap(v, &t);
}

static void unregister_nmi(struct vcpu *v) {
    memset(&v->arch.traps[TRAP_NMI], 0, sizeof(v->arch.traps[TRAP_NMI]));
}

#define CALLBACKS                                                                                  \
    (BIT(CALLBACKTYPE_event) | BIT(CALLBACKTYPE_failsafe) | BIT(CALLBACKTYPE_syscall) |            \
     BIT(CALLBACKTYPE_sysenter) | BIT(CALLBACKTYPE_syscall32))

static bool is_callback(uint16_t type) { return type < 64 && (CALLBACKS & BIT(type)); }

static int register_callback(struct vcpu *v, const struct callback_register *r) {
    if (!is_canonical(r->address)) return -EINVAL;
    if (r->type == CALLBACKTYPE_nmi) return register_nmi(v, r->address);
    if (!is_callback(r->type)) return -ENOSYS;
    v->arch.callback[r->type] =
        (struct guest_callback){r->address, r->flags & CALLBACKF_mask_events};
    return 0;
}

static int unregister_callback(struct vcpu *v, uint16_t type) {
    if (type != CALLBACKTYPE_nmi) return is_callback(type) ? -EINVAL : -ENOSYS;
    unregister_nmi(v);
    return 0;
}

long do_callback_op(int cmd, uint64_t arg) {
    switch (cmd) {
    case CALLBACKOP_register: WITH_ARG(callback_register, register_callback(current, &a))
    case CALLBACKOP_unregister: WITH_ARG(callback_unregister, unregister_callback(current, a.type))
    default: return -ENOSYS;
    }
}

/* The old form ignores bad addresses one by one and never fails. */
long do_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall) {
    const uint64_t address[] = {event, failsafe, syscall}; /* types 0, 1, 2 */

    for (uint16_t type = 0; type < ARRAY_SIZE(address); type++)
        (void)register_callback(
            current, &(struct callback_register){.type = type, .address = address[type]});
    return 0;
}

long do_nmi_op(uint32_t cmd, uint64_t arg) {
    switch (cmd) {
    case XENNMI_register_callback:
        WITH_ARG(xennmi_callback, register_nmi(current, a.handler_address))
    case XENNMI_unregister_callback: unregister_nmi(current); return 0;
    default: return -ENOSYS;
    }
}

long do_stack_switch(uint64_t ss, uint64_t sp) {
    current->arch.kernel_ss = ring3_selector((uint16_t)ss);
    current->arch.kernel_sp = sp;
    return 0;
}

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
