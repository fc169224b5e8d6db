/* SPDX-License-Identifier: MIT */
/*
 * sched: four vcpus up and down, all running at once; runstates, by call and in registered memory;
 * a time area; vcpu_info in a page of the guest's own; yield; watchdogs, affinity; timers that all
 * vcpus change at once; shares after one ran alone; what is refused.
 * Run with: --smp 4
 */
#include <public/domctl.h>
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

static long register_info(unsigned int vcpu, void *page) {
    struct vcpu_register_vcpu_info info = {.mfn = virt_to_mfn(page)};

    return HV_vcpu_op(VCPUOP_register_vcpu_info, vcpu, &info);
}

static void all_up(void) {
    arrived = go = finished = 0;
    for (unsigned int i = 1; i < 4; i++) expect_eq(vcpu_start(i, meet), 0);
    expect(wait_for(arrived == 3, 30000));
    for (unsigned int i = 0; i < 4; i++) expect_eq(HV_vcpu_op(VCPUOP_is_up, i, NULL), 1);
    /* Another vcpu's is moved only while that is down. */
    expect_eq(register_info(1, page_alloc()), -XEN_EINVAL);
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
    /* Room, but no place for words that are changed in one access (XSA-327). */
    for (info.offset = 1; info.offset < 8; info.offset++)
        expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 3, &info), -XEN_ENXIO);
    info.offset = PAGE_SIZE - sizeof(struct vcpu_info) - 4;
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 3, &info), -XEN_ENXIO);
    info.offset = ~0U;
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 3, &info), -XEN_ENXIO);
    info.offset = 0;
    info.mfn = 0xfffffff;
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_info, 3, &info), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_get_runstate_info, 99, &runstate), -XEN_ENOENT);
    expect_eq(HV_vcpu_op(VCPUOP_set_singleshot_timer, 1, &runstate), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_send_nmi, 0, &runstate), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_get_physid, 0, &runstate), -XEN_EINVAL); /* not pinned */
    expect_eq(HV_sched_op(99, NULL), -XEN_ENOSYS);
    /* Into user mode, with no tables for it: by 0, and by what is not quite 0. */
    vcpu_fill_context(&context, 3);
    context.flags = 0;
    context.user_regs.ds = FLAT_KERNEL_SS;
    for (unsigned int i = 0; i < 4; i++) {
        context.ctrlreg[1] = i * 0x555UL;
        expect_eq(HV_vcpu_op(VCPUOP_initialise, 3, &context), -XEN_EINVAL);
    }
    expect_eq(HV_vcpu_op(VCPUOP_up, 3, NULL), -XEN_EINVAL);
    /* More descriptors than a guest may have. */
    vcpu_fill_context(&context, 3);
    context.gdt_ents = FIRST_RESERVED_GDT_ENTRY + 1;
    expect_eq(HV_vcpu_op(VCPUOP_initialise, 3, &context), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_up, 3, NULL), -XEN_EINVAL);
}

/* An L4 like the running one, with an L2 below of so many entries that nobody looked at yet. */
static uint64_t *fresh_l2, *fresh_l4;

static void make_fresh_tables(void) {
    uint64_t *l1 = page_alloc(), *l3 = page_alloc(), *l2 = page_alloc(), *l4 = page_alloc();

    for (unsigned int i = 0; i < 512; i++) l2[i] = MFN_PTE(virt_to_mfn(l1), PTE_TABLE);
    l3[0] = MFN_PTE(virt_to_mfn(l2), PTE_TABLE);
    memcpy(l4, l4_table(), PAGE_SIZE);
    memset(l4 + 256, 0, 16 * sizeof(*l4)); /* the hypervisor's own */
    l4[300] = MFN_PTE(virt_to_mfn(l3), PTE_TABLE);
    require_eq(set_readonly(l1), 0);
    require_eq(set_readonly(l3), 0);
    require_eq(set_readonly(l4), 0);
    fresh_l2 = l2;
    fresh_l4 = l4;
}

static struct vcpu_guest_context its_context;
static volatile unsigned int racing;
static volatile long told[2];

static void initialise_it(void) {
    __atomic_fetch_add(&racing, 1, __ATOMIC_SEQ_CST);
    while (racing < 2) relax();
    told[this_vcpu()->id] = HV_vcpu_op(VCPUOP_initialise, 2, &its_context);
}

/* Two vcpus initialise a third at once, on tables that take long: one of them does. */
static void initialised_once(void) {
    make_fresh_tables();
    vcpu_fill_context(&its_context, 2);
    its_context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(fresh_l4));
    /* The L2 is writable: it is no table, and nothing is left of the attempt. */
    expect_eq(HV_vcpu_op(VCPUOP_initialise, 2, &its_context), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_up, 2, NULL), -XEN_EINVAL);
    require_eq(set_readonly(fresh_l2), 0);
    expect_eq(vcpu_start(1, initialise_it), 0);
    initialise_it();
    vcpu_wait_down(1);
    expect_eq(told[0] + told[1], -XEN_EEXIST); /* and a 0, whosever it is */
}

/* Arguments that are not there, and addresses in them that are the hypervisor's. */
static void bad_addresses(void) {
    static const uint8_t ops[] = {VCPUOP_set_periodic_timer, VCPUOP_set_singleshot_timer,
                                  VCPUOP_register_vcpu_info, VCPUOP_register_runstate_memory_area,
                                  VCPUOP_register_vcpu_time_memory_area};
    struct vcpu_register_runstate_memory_area area = {.addr.p = 0xffff830000000000};

    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++)
        expect_eq(HV_vcpu_op(ops[i], 0, NULL), -XEN_EFAULT);
    expect_eq(HV_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area), -XEN_EFAULT);
    expect_eq(HV_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &area), -XEN_EFAULT);
}

static long watchdog(uint32_t id, uint32_t seconds) {
    struct sched_watchdog op = {.id = id, .timeout = seconds};

    return HV_sched_op(SCHEDOP_watchdog, &op);
}

static void watchdogs(void) {
    expect_eq(watchdog(1, 0), -XEN_EINVAL);
    expect_eq(watchdog(0, 1000), 1);
    expect_eq(watchdog(0, 1000), 2);
    expect_eq((int)watchdog(0, 1000), -XEN_ENOSPC); /* as the kernel reads it: an int */
    expect_eq(watchdog(3, 1000), -XEN_EINVAL);
    expect_eq(watchdog(2, 2000), 0);
    expect_eq(watchdog(1, 0), 0);
    expect_eq(watchdog(2, 0), 0);
    expect_eq(watchdog(2, 1000), -XEN_EINVAL);
}

static long pin_to(int cpu) {
    struct sched_pin_override op = {.pcpu = cpu};

    return HV_sched_op(SCHEDOP_pin_override, &op);
}

static void pinning(void) {
    expect_eq(HV_sched_op(SCHEDOP_pin_override, NULL), -XEN_EFAULT);
    expect_eq(pin_to(-1), -XEN_EINVAL); /* it is not pinned */
    expect_eq(pin_to(4), -XEN_EINVAL);
    expect_eq(pin_to(0x7fffffff), -XEN_EINVAL);
    expect_eq(pin_to(2), 0);
    expect_eq(pin_to(1), -XEN_EBUSY);
    expect_eq(pin_to(-1), 0);
    expect_eq(pin_to(-1), -XEN_EINVAL);
}

static long domctl(struct xen_domctl *op, unsigned int cmd) {
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_domctl, op);
}

/* What the tools ask of the scheduler, about this very domain. */
static void by_the_tools(void) {
    static struct xen_domctl op;
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;
    struct sched_remote_shutdown shutdown = {.domain_id = 5};
    uint64_t none[4] = {0}, before = 0;
    char *edge;

    page_at_edge(&edge);
    a->flags = XEN_VCPUAFFINITY_HARD;
    a->cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)&before);
    expect_eq(domctl(&op, XEN_DOMCTL_getvcpuaffinity), 0);
    set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)none);
    expect_eq(domctl(&op, XEN_DOMCTL_setvcpuaffinity), -XEN_EINVAL); /* nowhere to run */
    expect_eq(domctl(&op, XEN_DOMCTL_getvcpuaffinity), 0);
    expect_eq(none[0], before);
    /* Room that is promised and not there. */
    require_eq(map_mfn(edge, virt_to_mfn(page_alloc()), PTE_RW), 0);
    a->cpumap_hard.nr_bits = 4096;
    set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)edge + PAGE_SIZE - 64);
    expect_eq(domctl(&op, XEN_DOMCTL_getvcpuaffinity), -XEN_EFAULT);
    expect_eq(domctl(&op, XEN_DOMCTL_unpausedomain), -XEN_EINVAL); /* it is not paused */
    expect_eq(HV_sched_op(SCHEDOP_remote_shutdown, &shutdown), -XEN_ESRCH);
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

/* The timers of one vcpu from all sides: it sets single shots and sleeps on them, two others start
 * and stop its periodic one, and it is moved from CPU to CPU. It always wakes. */
static volatile bool timers_race;
static unsigned int timer_port;

static void sleep_on_single_shots(void) {
    struct vcpu_set_singleshot_timer timer = {0};

    while (timers_race) {
        events_off();
        timer.timeout_abs_ns = now() + MS / 10;
        require_eq(HV_vcpu_op(VCPUOP_set_singleshot_timer, 1, &timer), 0);
        HV_sched_op(SCHEDOP_block, NULL);
    }
    events_off();
}

static void start_and_stop(void) {
    struct vcpu_set_periodic_timer timer = {.period_ns = this_vcpu()->id * MS};

    while (timers_race) {
        require_eq(HV_vcpu_op(VCPUOP_set_periodic_timer, 1, &timer), 0);
        require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL), 0);
    }
}

/* The periodic one ticks for a vcpu that runs. */
static void run_on_periodic(void) {
    struct vcpu_set_periodic_timer timer = {.period_ns = MS};
    unsigned int before = event_counts[timer_port];

    require_eq(HV_vcpu_op(VCPUOP_set_periodic_timer, 1, &timer), 0);
    events_on();
    expect(wait_for(READ_ONCE(event_counts[timer_port]) >= before + 5, 60000));
    events_off();
    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL), 0);
}

static void keep_on(unsigned int vcpu, uint64_t cpus) {
    static struct xen_domctl op;
    struct xen_domctl_vcpuaffinity *a = &op.u.vcpuaffinity;

    a->flags = XEN_VCPUAFFINITY_HARD;
    a->vcpu = vcpu;
    a->cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(a->cpumap_hard.bitmap, (uint8_t *)&cpus);
    require_eq(domctl(&op, XEN_DOMCTL_setvcpuaffinity), 0);
}

static void timers_from_all_sides(void) {
    timer_port = event_bind_virq(VIRQ_TIMER, 1);
    event_unmask(timer_port);
    timers_race = true;
    require_eq(vcpu_start(1, sleep_on_single_shots), 0);
    require_eq(vcpu_start(2, start_and_stop), 0);
    require_eq(vcpu_start(3, start_and_stop), 0);
    for (unsigned int i = 0; i < 100; i++) {
        unsigned int before = READ_ONCE(event_counts[timer_port]);

        keep_on(1, 1U << i % 4);
        if (!wait_for(READ_ONCE(event_counts[timer_port]) != before, 60000))
            die("no timer after %u moves", i);
    }
    keep_on(1, 0xf);
    timers_race = false;
    for (unsigned int i = 1; i < 4; i++) vcpu_wait_down(i);
    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL), 0);
    require_eq(vcpu_start(1, run_on_periodic), 0);
    vcpu_wait_down(1);
    event_close(timer_port);
}

/* One computes alone on its CPU for long; who comes then does not have it alone for as long. */
static volatile uint64_t loops;
static volatile bool computing;
static uint64_t ran_alone;

static uint64_t has_run(unsigned int vcpu) {
    struct vcpu_runstate_info info;

    require_eq(HV_vcpu_op(VCPUOP_get_runstate_info, vcpu, &info), 0);
    return info.time[RUNSTATE_running];
}

static void compute(void) {
    while (computing) loops++;
}

static void come_late(void) {
    uint64_t begin = has_run(2), before = loops;

    do ran_alone = has_run(2) - begin;
    while (loops == before && ran_alone < 10 * SECOND);
}

static void alone_before(void) {
    uint64_t begin = has_run(1);

    computing = true;
    keep_on(1, 1U << 3);
    keep_on(2, 1U << 3);
    require_eq(vcpu_start(1, compute), 0);
    expect(wait_for(has_run(1) > begin + 3 * SECOND, 100000));
    require_eq(vcpu_start(2, come_late), 0);
    vcpu_wait_down(2);
    computing = false;
    vcpu_wait_down(1);
    expect(ran_alone < SECOND);
    keep_on(1, 0xf);
    keep_on(2, 0xf);
}

void test_main(void) {
    require_eq(nr_vcpus(), 4);
    HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    refusals();
    bad_addresses();
    watchdogs();
    pinning();
    by_the_tools();
    initialised_once();
    all_up();
    all_up();
    runstates();
    time_area();
    vcpu_info_area();
    for (unsigned int i = 0; i < 100; i++) expect_eq(HV_sched_op(SCHEDOP_yield, NULL), 0);
    time_between_vcpus();
    timers_from_all_sides();
    alone_before();
}
