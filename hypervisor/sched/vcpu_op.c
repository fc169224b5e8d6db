/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_vcpu_op: public/vcpu.h. Acts on vcpus of the caller's own domain. */
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <x86/context.h>

#include "runstate.h"
#include "vcpu_op.h"

#define PERIOD_MAX (1UL << 62)

/* The context is too large for a CPU's stack. */
static long op_initialise(struct vcpu *v, uint64_t arg) {
    struct vcpu_guest_context *ctxt;
    long rc;

    if (v->info == &dummy_vcpu_info) return -EINVAL;
    ctxt = hv_new(struct vcpu_guest_context);
    if (!ctxt) return -ENOMEM;
    rc = copy_from_guest(ctxt, arg, sizeof(*ctxt));
    if (!rc) {
        spin_lock(&v->domain->lock);
        rc = v->initialised ? -EEXIST : vcpu_set_context(v, ctxt);
        spin_unlock(&v->domain->lock);
    }
    hv_free(ctxt);
    return rc == -ERESTART
               ? hypercall_continue(3, (uint64_t)VCPUOP_initialise, (uint64_t)v->id, arg)
               : rc;
}

static long op_up(struct vcpu *v) {
    bool wake = false;
    long rc = 0;

    spin_lock(&v->domain->lock);
    if (!v->initialised)
        rc = -EINVAL;
    else
        wake = test_and_clear_bit(VPF_DOWN, &v->pause_flags);
    spin_unlock(&v->domain->lock);
    if (wake) vcpu_wake(v);
    return rc;
}

static long op_down(struct vcpu *v) {
    struct vcpu *o;
    bool others = false;

    for_each_vcpu(v->domain, o) others |= o != v && !test_bit(VPF_DOWN, &o->pause_flags);
    if (!others) {
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
        return 0;
    }
    if (!test_and_set_bit(VPF_DOWN, &v->pause_flags)) vcpu_sleep_nosync(v);
    return 0;
}

static long op_get_runstate(struct vcpu *v, uint64_t arg) {
    struct vcpu_runstate_info r;

    vcpu_runstate_get(v, &r);
    return copy_to_guest(arg, &r, sizeof(r));
}

static long op_set_periodic(struct vcpu *v, uint64_t arg) {
    struct vcpu_set_periodic_timer set;

    if (copy_from_guest(&set, arg, sizeof(set))) return -EFAULT;
    if (set.period_ns < MILLISECS(1) || set.period_ns > PERIOD_MAX) return -EINVAL;
    periodic_timer_set(v, set.period_ns);
    return 0;
}

static long op_set_singleshot(struct vcpu *v, uint64_t arg) {
    struct vcpu_set_singleshot_timer set;

    if (v != current) return -EINVAL;
    if (copy_from_guest(&set, arg, sizeof(set))) return -EFAULT;
    return vcpu_set_singleshot(v, set.timeout_abs_ns);
}

static long op_register_info(struct vcpu *v, uint64_t arg) {
    struct vcpu_register_vcpu_info info;
    long rc;

    if (copy_from_guest(&info, arg, sizeof(info))) return -EFAULT;
    spin_lock(&v->domain->lock);
    rc = mm_map_vcpu_info(v, info.mfn, info.offset);
    spin_unlock(&v->domain->lock);
    time_update_vcpu(v);
    return rc;
}

static long op_register_runstate(struct vcpu *v, uint64_t arg) {
    struct vcpu_register_runstate_memory_area area;
    struct vcpu_runstate_info r;
    uint64_t va;

    if (copy_from_guest(&area, arg, sizeof(area))) return -EFAULT;
    va = handle_addr(area.addr.h);
    if (!guest_range_ok(va, sizeof(r))) return -EFAULT;
    v->runstate_va = va;
    vcpu_runstate_get(v, &r);
    /* An address not mapped yet is not an error: the guest may map it before it looks. */
    (void)!copy_to_guest(va, &r, sizeof(r));
    return 0;
}

static long op_register_time(struct vcpu *v, uint64_t arg) {
    struct vcpu_register_time_memory_area area;
    uint64_t va;

    if (copy_from_guest(&area, arg, sizeof(area))) return -EFAULT;
    va = handle_addr(area.addr.h);
    if (!guest_range_ok(va, sizeof(struct vcpu_time_info))) return -EFAULT;
    v->time_va = va;
    time_update_vcpu(v);
    return 0;
}

static long op_send_nmi(struct vcpu *v, uint64_t arg) {
    if (arg) return -EINVAL;
    if (!__atomic_exchange_n(&v->arch.nmi_pending, true, __ATOMIC_SEQ_CST)) {
        vcpu_unblock(v);
        vcpu_kick(v);
    }
    return 0;
}

long do_vcpu_op(int cmd, uint32_t vcpuid, uint64_t arg) {
    struct vcpu *v = domain_vcpu(current->domain, vcpuid);

    if (!v) return -ENOENT;
    switch (cmd) {
    case VCPUOP_initialise: return op_initialise(v, arg);
    case VCPUOP_up: return op_up(v);
    case VCPUOP_down: return op_down(v);
    case VCPUOP_is_up: return !test_bit(VPF_DOWN, &v->pause_flags);
    case VCPUOP_get_runstate_info: return op_get_runstate(v, arg);
    case VCPUOP_register_runstate_memory_area: return op_register_runstate(v, arg);
    case VCPUOP_set_periodic_timer: return op_set_periodic(v, arg);
    case VCPUOP_stop_periodic_timer: periodic_timer_set(v, 0); return 0;
    case VCPUOP_set_singleshot_timer: return op_set_singleshot(v, arg);
    case VCPUOP_stop_singleshot_timer:
        if (v != current) return -EINVAL;
        timer_stop(&v->sched.singleshot);
        return 0;
    case VCPUOP_register_vcpu_info: return op_register_info(v, arg);
    case VCPUOP_send_nmi: return op_send_nmi(v, arg);
    case VCPUOP_get_physid:
        return -EINVAL; /* only for pinned dom0 vcpus, which Hospes does not have */
    case VCPUOP_register_vcpu_time_memory_area: return op_register_time(v, arg);
    default: return -ENOSYS;
    }
}
