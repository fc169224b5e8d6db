/* SPDX-License-Identifier: MIT */
/*
 * A vcpu's timers: single-shot and periodic (both raise VIRQ_TIMER), and the end of a poll. And
 * HYPERVISOR_vcpu_op (public/vcpu.h), which acts on vcpus of the caller's own domain.
 */
#include <hv/hypercall.h>

#define PERIOD_MAX     ((1UL << 62) - 1)
#define DEFAULT_PERIOD MILLISECS(10) /* of a PV vcpu until its kernel chooses */

static void singleshot_fired(void *data) { send_guest_vcpu_virq(data, VIRQ_TIMER); }

static void periodic_fired(void *data) {
    struct vcpu *v = data;
    uint64_t period = READ_ONCE(v->sched.periodic_period), now = now_ns();

    if (!period) return;
    if (now >= v->sched.periodic_next) {
        send_guest_vcpu_virq(v, VIRQ_TIMER);
        v->sched.periodic_next = now + period;
    }
    if (v->is_running) timer_set(&v->sched.periodic, v->sched.periodic_next);
}

static void poll_timed_out(void *data) {
    struct vcpu *v = data;

    if (test_and_clear_bit(v->id, v->domain->event.poll_mask)) vcpu_unblock(v);
}

void vcpu_timers_init(struct vcpu *v) {
    timer_init(&v->sched.singleshot, singleshot_fired, v, v->sched.cpu);
    timer_init(&v->sched.periodic, periodic_fired, v, v->sched.cpu);
    timer_init(&v->sched.poll, poll_timed_out, v, v->sched.cpu);
    v->sched.periodic_period = DEFAULT_PERIOD;
}

void vcpu_timers_kill(struct vcpu *v) {
    v->sched.periodic_period = 0;
    timer_kill(&v->sched.singleshot);
    timer_kill(&v->sched.periodic);
    timer_kill(&v->sched.poll);
}

void periodic_timer_pause(struct vcpu *v) {
    if (v->sched.periodic_period) timer_stop(&v->sched.periodic);
}

void periodic_timer_resume(struct vcpu *v) {
    if (v->sched.periodic_period) periodic_fired(v);
}

static void periodic_timer_set(struct vcpu *v, uint64_t period_ns) {
    timer_stop(&v->sched.periodic);
    v->sched.periodic_next = now_ns() + period_ns;
    WRITE_ONCE(v->sched.periodic_period, period_ns);
    if (period_ns && v->is_running) timer_set(&v->sched.periodic, v->sched.periodic_next);
}

static void arm_singleshot(struct vcpu *v, uint64_t timeout) {
    timer_migrate(&v->sched.singleshot, smp_cpu_id());
    timer_set(&v->sched.singleshot, timeout);
}

long do_set_timer_op(int64_t timeout) {
    struct vcpu *v = current;
    int64_t delta = timeout - (int64_t)now_ns();

    if (timeout == 0) {
        timer_stop(&v->sched.singleshot);
        return 0;
    }
    /* Old kernels ask for absurd times both when they are late and when they have no timer at all
     * (public/xen.h); 100 ms serves either. */
    if (timeout < 0 || (delta > 0 && delta >> 50)) timeout = (int64_t)(now_ns() + MILLISECS(100));
    arm_singleshot(v, (uint64_t)timeout);
    return 0;
}

/* The context is too large for a CPU's stack. Its tables may take long: another that comes for this
 * vcpu meanwhile tries again, instead of waiting with interrupts off. */
static long op_initialise(struct vcpu *v, uint64_t arg) {
    struct vcpu_guest_context *ctxt HV_FREE_AT_END = NULL;
    long rc;

    if (v->info == &dummy_vcpu_info) return -EINVAL;
    ctxt = hv_new(struct vcpu_guest_context);
    if (!ctxt) return -ENOMEM;
    rc = copy_from_guest(ctxt, arg, sizeof(*ctxt));
    if (!rc && __atomic_exchange_n(&v->initialising, true, __ATOMIC_ACQUIRE)) {
        rc = -ERESTART;
    } else if (!rc) {
        rc = v->initialised ? -EEXIST : vcpu_set_context(v, ctxt);
        __atomic_store_n(&v->initialising, false, __ATOMIC_RELEASE);
    }
    return rc == -ERESTART
               ? hypercall_continue(3, (uint64_t)VCPUOP_initialise, (uint64_t)v->id, arg)
               : rc;
}

static long op_up(struct vcpu *v) {
    if (!__atomic_load_n(&v->initialised, __ATOMIC_ACQUIRE)) return -EINVAL;
    spin_lock(&v->domain->lock); /* op_register_info relies on its being down */
    clear_bit(VPF_DOWN, &v->pause_flags);
    spin_unlock(&v->domain->lock);
    vcpu_wake(v);
    return 0;
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

static long op_set_periodic(struct vcpu *v, uint64_t period_ns) {
    if (period_ns < MILLISECS(1) || period_ns > PERIOD_MAX) return -EINVAL;
    periodic_timer_set(v, period_ns);
    return 0;
}

static long op_set_singleshot(struct vcpu *v, uint64_t timeout) {
    if ((int64_t)timeout >= (int64_t)now_ns()) {
        arm_singleshot(v, timeout);
    } else { /* at once, and yet by an event */
        timer_stop(&v->sched.singleshot);
        send_guest_vcpu_virq(v, VIRQ_TIMER);
    }
    return 0;
}

static long op_register_info(struct vcpu *v, const struct vcpu_register_vcpu_info *info) {
    long rc;

    spin_lock(&v->domain->lock);
    rc = mm_map_vcpu_info(v, info->mfn, info->offset);
    spin_unlock(&v->domain->lock);
    time_update_vcpu(v);
    return rc;
}

static long op_register_runstate(struct vcpu *v, uint64_t va) {
    struct vcpu_runstate_info r;

    if (!guest_range_ok(va, sizeof(r))) return -EFAULT;
    v->runstate_va = va;
    vcpu_runstate_get(v, &r);
    /* An address not mapped yet is not an error: the guest may map it before it looks. */
    (void)!copy_to_guest(va, &r, sizeof(r));
    return 0;
}

static long op_register_time(struct vcpu *v, uint64_t va) {
    if (!guest_range_ok(va, sizeof(struct vcpu_time_info))) return -EFAULT;
    v->time_va = va;
    time_update_vcpu(v);
    return 0;
}

long vcpu_send_nmi(struct vcpu *v) {
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
    case VCPUOP_register_runstate_memory_area:
        WITH_ARG(vcpu_register_runstate_memory_area, op_register_runstate(v, handle_addr(a.addr.h)))
    case VCPUOP_set_periodic_timer:
        WITH_ARG(vcpu_set_periodic_timer, op_set_periodic(v, a.period_ns))
    case VCPUOP_stop_periodic_timer: periodic_timer_set(v, 0); return 0;
    case VCPUOP_set_singleshot_timer:
        if (v != current) return -EINVAL;
        WITH_ARG(vcpu_set_singleshot_timer, op_set_singleshot(v, a.timeout_abs_ns))
    case VCPUOP_stop_singleshot_timer:
        if (v != current) return -EINVAL;
        timer_stop(&v->sched.singleshot);
        return 0;
    case VCPUOP_register_vcpu_info: WITH_ARG(vcpu_register_vcpu_info, op_register_info(v, &a))
    case VCPUOP_send_nmi: return arg ? -EINVAL : vcpu_send_nmi(v);
    case VCPUOP_get_physid:
        return -EINVAL; /* only for pinned dom0 vcpus, which Hospes does not have */
    case VCPUOP_register_vcpu_time_memory_area:
        WITH_ARG(vcpu_register_time_memory_area, op_register_time(v, handle_addr(a.addr.h)))
    default: return -ENOSYS;
    }
}
