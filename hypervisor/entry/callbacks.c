/* SPDX-License-Identifier: MIT */
/*
 * Where the hypervisor enters a guest's kernel: trap table, callbacks, kernel stack. Addresses are
 * canonical; that they are mapped and executable is the guest's business. The code selector of a
 * trap is not used by 64-bit guests: handlers run with the flat one.
 */
#include "entry.h"

#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/softirq.h>
#include <hv/string.h>
#include <public/callback.h>
#include <public/nmi.h>
#include <x86/context.h>
#include <x86/layout.h>

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

static int register_callback(struct vcpu *v, const struct callback_register *r) {
    bool mask = r->flags & CALLBACKF_mask_events;

    if (!is_canonical(r->address)) return -EINVAL;
    switch (r->type) {
    case CALLBACKTYPE_event: v->arch.event_callback = r->address; return 0;
    case CALLBACKTYPE_failsafe:
        v->arch.failsafe_callback = r->address;
        v->arch.failsafe_disables_events = mask;
        return 0;
    case CALLBACKTYPE_syscall:
        v->arch.syscall_callback = r->address;
        v->arch.syscall_disables_events = mask;
        return 0;
    case CALLBACKTYPE_syscall32:
        v->arch.syscall32_callback = r->address;
        v->arch.syscall32_disables_events = mask;
        return 0;
    case CALLBACKTYPE_sysenter:
        v->arch.sysenter_callback = r->address;
        v->arch.sysenter_disables_events = mask;
        return 0;
    case CALLBACKTYPE_nmi: return register_nmi(v, r->address);
    default: return -ENOSYS;
    }
}

static int unregister_callback(struct vcpu *v, uint16_t type) {
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter: return -EINVAL;
    case CALLBACKTYPE_nmi: unregister_nmi(v); return 0;
    default: return -ENOSYS;
    }
}

long do_callback_op(int cmd, uint64_t arg) {
    struct callback_register reg;
    struct callback_unregister unreg;

    switch (cmd) {
    case CALLBACKOP_register:
        if (copy_from_guest(&reg, arg, sizeof(reg))) return -EFAULT;
        return register_callback(current, &reg);
    case CALLBACKOP_unregister:
        if (copy_from_guest(&unreg, arg, sizeof(unreg))) return -EFAULT;
        return unregister_callback(current, unreg.type);
    default: return -ENOSYS;
    }
}

/* The old form ignores bad addresses one by one and never fails. */
long do_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall) {
    const struct callback_register r[] = {
        {.type = CALLBACKTYPE_event, .address = event},
        {.type = CALLBACKTYPE_failsafe, .address = failsafe},
        {.type = CALLBACKTYPE_syscall, .address = syscall},
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(r); i++) (void)register_callback(current, &r[i]);
    return 0;
}

long do_nmi_op(uint32_t cmd, uint64_t arg) {
    struct xennmi_callback cb;

    switch (cmd) {
    case XENNMI_register_callback:
        if (copy_from_guest(&cb, arg, sizeof(cb))) return -EFAULT;
        return register_nmi(current, cb.handler_address);
    case XENNMI_unregister_callback: unregister_nmi(current); return 0;
    default: return -ENOSYS;
    }
}

long do_stack_switch(uint64_t ss, uint64_t sp) {
    current->arch.kernel_ss = ring3_selector((uint16_t)ss);
    current->arch.kernel_sp = sp;
    return 0;
}
