/* SPDX-License-Identifier: MIT */
/* Time and vcpus: timers until their handler, blocking and waking, an event to another vcpu. */
#include <public/sched.h>
#include <public/vcpu.h>
#include "bench.h"

static unsigned int timer_port;

/* System time at a reading of the TSC, by what the hypervisor publishes. */
static uint64_t time_at(uint64_t tsc) { return now() - (rdtsc() - tsc); }

static void open_vcpu(void) { WRITE_ONCE(shared->vcpu_info[0].evtchn_upcall_mask, 0); }

static void due_at_once(void) { HV_set_timer_op(1); }

static uint64_t due;

/* The end is made the time since the timer was due: added to the start that is taken off. */
static void lateness(uint64_t start) { sample_end = start + (time_at(sample_end) - due); }

static void running(void) {
    uint64_t start = rdtsc();

    due = now() + MS / 10;
    HV_set_timer_op(due);
    while (!sample_end) relax();
    lateness(start);
}

static void blocked(void) {
    uint64_t start = rdtsc();

    due = now() + MS / 10;
    HV_set_timer_op(due);
    while (!sample_end) HV_sched_op(SCHEDOP_block, NULL);
    lateness(start);
}

void bench_timers(void) {
    timer_port = event_bind_virq(VIRQ_TIMER, 0);
    event_unmask(timer_port);
    set_event_entry(upcall_stamped);
    open_vcpu();
    measure_to_end("timer already due: set to handler", NULL, due_at_once, NULL);
    measure_to_end("timer: due to handler, running", NULL, running, NULL);
    measure_to_end("timer: due to handler, blocked", NULL, blocked, NULL);
    events_off();
    set_event_entry(entry_event);
    event_close(timer_port);
}

static struct evtchn_send ping, pong;
static volatile bool stop;

/*
 * Both keep events masked but while they block, which opens and looks in one step: a call that came
 * before would be missed otherwise.
 */
static void send_masked(struct evtchn_send *op) {
    events_off();
    HV_event_channel_op(EVTCHNOP_send, op);
}

/* vcpu 1 is called, answers, and blocks again. */
static void answer(void) {
    set_event_entry(upcall_stamped_1);
    while (!stop) {
        HV_sched_op(SCHEDOP_block, NULL);
        send_masked(&pong);
    }
}

static void send_and_block(void) {
    send_masked(&ping);
    HV_sched_op(SCHEDOP_block, NULL);
}

/* Time for vcpu 1 to block. */
static void let_other_block(void) {
    events_off();
    for (unsigned int i = 0; i < 8; i++) HV_sched_op(SCHEDOP_yield, NULL);
}

void bench_two_vcpus(void) {
    ping.port = event_bind_ipi(1);
    pong.port = event_bind_ipi(0);
    event_unmask(ping.port);
    event_unmask(pong.port);
    set_event_entry(upcall);
    require_eq(vcpu_start(1, answer), 0);
    /* Until it blocks; its first answer is to this. */
    send_and_block();
    measure_to_end("event to another vcpu, blocked, on this CPU: send to handler", let_other_block,
                   send_and_block, NULL);
    measure("event to another vcpu, blocked, on this CPU: round trip", let_other_block,
            send_and_block, NULL);
    stop = true;
    send_and_block();
    events_off();
    set_event_entry(entry_event);
    vcpu_wait_down(1);
}
