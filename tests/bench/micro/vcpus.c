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

/* vcpu 1 is called, answers, and blocks again. */
static void answer(void) {
    set_event_entry(upcall_stamped_1);
    while (!stop) {
        HV_sched_op(SCHEDOP_block, NULL);
        HV_event_channel_op(EVTCHNOP_send, &pong);
    }
}

static void send_and_block(void) {
    HV_event_channel_op(EVTCHNOP_send, &ping);
    HV_sched_op(SCHEDOP_block, NULL);
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
    measure_to_end("event to another vcpu, blocked, on this CPU: send to handler", NULL,
                   send_and_block, NULL);
    measure("event to another vcpu, blocked, on this CPU: round trip", NULL, send_and_block, NULL);
    stop = true;
    send_and_block();
    set_event_entry(entry_event);
    vcpu_wait_down(1);
}
