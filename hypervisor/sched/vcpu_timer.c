/* SPDX-License-Identifier: MIT */
/* A vcpu's timers: single-shot and periodic (both raise VIRQ_TIMER), and the end of a poll. */
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/hypercall.h>
#include <hv/pcpu.h>
#include <hv/printk.h>

#include "runstate.h"
#include "vcpu_op.h"

/* What a PV vcpu starts with until its kernel chooses. */
#define DEFAULT_PERIOD MILLISECS(10)

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

void periodic_timer_set(struct vcpu *v, uint64_t period_ns) {
    timer_stop(&v->sched.periodic);
    v->sched.periodic_next = now_ns() + period_ns;
    WRITE_ONCE(v->sched.periodic_period, period_ns);
    if (period_ns && v->is_running) timer_set(&v->sched.periodic, v->sched.periodic_next);
}

/* A timer that fires at once still goes through the event, so that the guest sees one. */
int vcpu_set_singleshot(struct vcpu *v, uint64_t timeout) {
    if (timeout < now_ns()) {
        timer_stop(&v->sched.singleshot);
        send_guest_vcpu_virq(v, VIRQ_TIMER);
        return 0;
    }
    timer_migrate(&v->sched.singleshot, smp_cpu_id());
    timer_set(&v->sched.singleshot, timeout);
    return 0;
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
    timer_migrate(&v->sched.singleshot, smp_cpu_id());
    timer_set(&v->sched.singleshot, (uint64_t)timeout);
    return 0;
}
