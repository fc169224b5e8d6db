/* SPDX-License-Identifier: MIT */
/*
 * sched: four vcpus up and down, all running at once; runstates, by call and in registered memory;
 * a time area; vcpu_info in a page of the guest's own; yield; what is refused.
 * Run with: --smp 4
 */
#include <public/sched.h>
#include <public/vcpu.h>
#include "event.h"
#include "mm.h"

static volatile unsigned int arrived, go, finished;

static void meet(void) {
    __atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
    while (!go) relax();
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

static void all_up(void) {
    arrived = go = finished = 0;
    for (unsigned int i = 1; i < 4; i++) expect_eq(vcpu_start(i, meet), 0);
    expect(wait_for(arrived == 3, 30000));
    for (unsigned int i = 0; i < 4; i++) expect_eq(HV_vcpu_op(VCPUOP_is_up, i, NULL), 1);
    go = 1;
    for (unsigned int i = 1; i < 4; i++) vcpu_wait_down(i);
    expect_eq(finished, 3);
    expect_eq(HV_vcpu_op(VCPUOP_is_up, 3, NULL), 0);
}

static void refusals(void) {
    static struct vcpu_guest_context context;
    struct vcpu_register_vcpu_info info = {.mfn = virt_to_mfn(page_alloc()), .offset = 4092};
    struct vcpu_runstate_info runstate;

    expect_eq(HV_vcpu_op(VCPUOP_is_up, 99, NULL), -XEN_ENOENT);
    expect_eq(HV_vcpu_op(VCPUOP_up, 99, NULL), -XEN_ENOENT);
    /* Not initialised; already so; nothing to initialise from; a bad table. */
    expect_eq(HV_vcpu_op(VCPUOP_up, 3, NULL), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_initialise, 0, &context), -XEN_EEXIST);
    expect_eq(HV_vcpu_op(VCPUOP_initialise, 3, HYPERVISOR_VIRT_START), -XEN_EFAULT);
    expect_eq(HV_vcpu_op(VCPUOP_initialise, 3, &context) < 0, true);
    expect_eq(HV_vcpu_op(99, 0, NULL), -XEN_ENOSYS);
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 3, &info), -XEN_ENXIO);
    info.offset = 0;
    info.mfn = 0xfffffff;
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 3, &info), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_get_runstate_info, 99, &runstate), -XEN_ENOENT);
    expect_eq(HV_vcpu_op(VCPUOP_set_singleshot_timer, 1, &runstate), -XEN_EINVAL);
    expect_eq(HV_sched_op(99, NULL), -XEN_ENOSYS);
}

/* Sleeping is seen in the area: from some time after the timer was armed until it was due, and no
 * further. On a busy machine it may be due before the vcpu is asleep; then it is tried again. */
static void sleeping(const struct vcpu_runstate_info *area) {
    struct vcpu_set_singleshot_timer timer;
    unsigned int port = event_bind_virq(VIRQ_TIMER, 0);
    uint64_t slept = 0, before, start;

    event_unmask(port);
    for (uint64_t ms = 10; !slept && ms < 20000; ms *= 2) {
        events_off();
        event_counts[port] = 0;
        before = READ_ONCE(area->time[RUNSTATE_blocked]);
        start = now();
        timer.timeout_abs_ns = start + ms * MS;
        require_eq(HV_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer), 0);
        while (!READ_ONCE(event_counts[port])) HV_sched_op(SCHEDOP_block, NULL);
        slept = READ_ONCE(area->time[RUNSTATE_blocked]) - before;
        expect(slept < now() - start);
    }
    expect(slept > 0);
    /* Runnable, and then running, only since the timer was due. */
    expect(READ_ONCE(area->state_entry_time) >= timer.timeout_abs_ns);
    events_off();
    event_close(port);
}

static void runstates(void) {
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area reg = {.addr.v = &area};
    struct vcpu_runstate_info info;
    uint64_t sum = 0, end = now() + 60 * SECOND;

    expect_eq(HV_vcpu_op(VCPUOP_get_runstate_info, 0, &info), 0);
    expect_eq(info.state, RUNSTATE_running);
    expect(info.state_entry_time <= now());
    /* It is down, but may still be on its way off its CPU. */
    do expect_eq(HV_vcpu_op(VCPUOP_get_runstate_info, 2, &info), 0);
    while (info.state == RUNSTATE_running && now() < end);
    expect_eq(info.state, RUNSTATE_offline);
    expect_eq(HV_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &reg), 0);
    expect_eq(area.state, RUNSTATE_running);
    sleeping(&area);
    expect_eq(READ_ONCE(area.state), RUNSTATE_running);
    for (unsigned int i = 0; i < 4; i++) sum += area.time[i];
    expect(sum <= now());
}

static void vcpu_info_area(void) {
    char *page = page_alloc();
    struct vcpu_register_vcpu_info reg = {.mfn = virt_to_mfn(page), .offset = 192};
    struct vcpu_info *old = vcpus[0].info, *new = (struct vcpu_info *)(page + 192);
    unsigned int a, b;

    /* What is pending and masked goes along. */
    events_off();
    event_pair(&a, &b);
    event_unmask(a);
    event_unmask(b);
    event_send(a);
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg), 0);
    vcpus[0].info = new;
    expect_eq(new->evtchn_upcall_mask, 1);
    expect_eq(new->evtchn_upcall_pending, 1);
    expect(new->time.tsc_timestamp != 0);
    event_counts[b] = 0;
    events_on();
    expect_eq(event_counts[b], 1);
    event_send(a);
    expect_eq(event_counts[b], 2);
    events_off();
    old->evtchn_upcall_mask = 0;
    event_send(a);
    expect_eq(event_counts[b], 2);
    events_on();
    expect_eq(event_counts[b], 3);
    events_off();
    /* Once only; and the frame stays writable, no table. */
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 0, &reg), -XEN_EINVAL);
    require_eq(set_readonly(page), 0);
    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, reg.mfn, 0), -XEN_EINVAL);
    require_eq(set_writable(page), 0);
}

static void time_area(void) {
    static struct vcpu_time_info area;
    struct vcpu_register_time_memory_area reg = {.addr.v = &area};

    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &reg), 0);
    expect_eq(area.version & 1, 0);
    expect_eq(area.tsc_to_system_mul, vcpus[0].info->time.tsc_to_system_mul);
}

/* Each vcpu sees time that is not before what the one before it saw. */
static volatile uint64_t latest;
static volatile unsigned int turn, back_steps;

static void watch_time(void) {
    unsigned int id = this_vcpu()->id;
    uint64_t end = now() + 60 * SECOND;

    for (unsigned int i = 0; i < 50 && now() < end; i++) {
        uint64_t t;

        while (turn != id - 1 && now() < end) relax();
        t = now();
        /* A tick of the TSC's rounding is not a step back. */
        if (t + 10 < latest) back_steps++;
        latest = t;
        turn = id % 3;
    }
}

static void time_between_vcpus(void) {
    for (unsigned int i = 1; i < 4; i++) expect_eq(vcpu_start(i, watch_time), 0);
    for (unsigned int i = 1; i < 4; i++) vcpu_wait_down(i);
    expect(latest != 0);
    if (back_steps) printk("time went back %u times between vcpus\n", back_steps);
}

void test_main(void) {
    require_eq(nr_vcpus(), 4);
    HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    refusals();
    all_up();
    all_up();
    runstates();
    time_area();
    vcpu_info_area();
    for (unsigned int i = 0; i < 100; i++) expect_eq(HV_sched_op(SCHEDOP_yield, NULL), 0);
    time_between_vcpus();
}
