/* SPDX-License-Identifier: MIT */
/*
 * events: event channels from port to upcall, first in the 2-level form and then in the FIFO form:
 * channels between two ends of one domain, IPIs, the timer, interrupt lines; masks; blocking and
 * polling; moving to another vcpu; priorities; resets; and every refusal.
 * Run with: --smp 2
 */
#include <public/physdev.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include "event.h"
#include "mm.h"

static unsigned int a, b; /* two ends of a channel */

static void channel(void) {
    struct evtchn_status status;

    /* A new channel's second end is pending: what was sent to the first is not lost. */
    events_off();
    event_pair(&a, &b);
    expect(event_pending(b));
    expect(!event_pending(a));
    event_unmask(a);
    event_unmask(b);
    events_on();
    events_off();
    expect(!event_pending(b));
    event_counts[b] = 0;
    expect_eq(event_send(a), 0);
    expect(event_pending(b));
    expect(!event_pending(a));
    expect_eq(event_counts[b], 0);
    events_on();
    expect_eq(event_counts[b], 1);
    expect(!event_pending(b));
    expect_eq(event_send(b), 0);
    expect_eq(event_counts[a], 1);
    /* Masked: pending, but no upcall until unmasked. Several sends are one event. */
    event_mask(b);
    expect_eq(event_send(a), 0);
    expect_eq(event_send(a), 0);
    expect_eq(event_counts[b], 1);
    expect(event_pending(b));
    expect_eq(event_unmask(b), 0);
    expect_eq(event_counts[b], 2);
    expect(!event_pending(b));
    expect(!event_masked(b));
    expect_eq(event_status(a, &status), 0);
    expect_eq(status.status, EVTCHNSTAT_interdomain);
    expect_eq(status.u.interdomain.dom, 0);
    expect_eq(status.u.interdomain.port, b);
    expect_eq(status.vcpu, 0);
    events_off();
}

static void closing(void) {
    struct evtchn_status status;
    unsigned int c, d;

    event_pair(&c, &d);
    expect_eq(event_close(c), 0);
    expect_eq(event_status(c, &status), 0);
    expect_eq(status.status, EVTCHNSTAT_closed);
    expect_eq(event_status(d, &status), 0);
    expect_eq(status.status, EVTCHNSTAT_unbound);
    expect_eq(status.u.unbound.dom, 0);
    /* Nobody hears it. */
    expect_eq(event_send(d), 0);
    expect_eq(event_send(c), -XEN_EINVAL);
    expect_eq(event_close(c), -XEN_EINVAL);
    /* A closed port is given out again. */
    expect_eq(event_alloc(DOMID_SELF), c);
    expect_eq(event_close(c), 0);
    expect_eq(event_close(d), 0);
}

static long bind_virq(unsigned int virq, unsigned int vcpu) {
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};

    return HV_event_channel_op(EVTCHNOP_bind_virq, &op);
}

static long bind_vcpu(unsigned int port, unsigned int vcpu) {
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return HV_event_channel_op(EVTCHNOP_bind_vcpu, &op);
}

static long bind_interdomain(uint32_t domain, unsigned int port) {
    struct evtchn_bind_interdomain op = {.remote_dom = (domid_t)domain, .remote_port = port};

    return HV_event_channel_op(EVTCHNOP_bind_interdomain, &op);
}

static void refusals(unsigned int ipi, unsigned int timer) {
    struct evtchn_alloc_unbound alloc = {.dom = 5, .remote_dom = DOMID_SELF};
    struct evtchn_bind_ipi bind_ipi = {.vcpu = 99};
    struct evtchn_bind_pirq pirq = {.pirq = 5000};
    struct evtchn_unmask unmask = {.port = 4000};
    struct evtchn_reset reset = {.dom = 5};
    struct evtchn_status status = {.dom = DOMID_SELF, .port = 10000000};

    expect_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_ESRCH);
    expect_eq(bind_interdomain(5, 1), -XEN_ESRCH);
    expect_eq(bind_interdomain(DOMID_SELF, 10000000), -XEN_EINVAL);
    expect_eq(bind_interdomain(DOMID_SELF, a), -XEN_EINVAL);
    expect_eq(bind_interdomain(DOMID_SELF, 0), -XEN_EINVAL);
    expect_eq(bind_virq(VIRQ_TIMER, 0), -XEN_EEXIST);
    expect_eq(bind_virq(NR_VIRQS, 0), -XEN_EINVAL);
    expect_eq(bind_virq(VIRQ_TIMER, 99), -XEN_ENOENT);
    expect_eq(bind_virq(VIRQ_DOM_EXC, 1), -XEN_EINVAL);
    expect_eq(HV_event_channel_op(EVTCHNOP_bind_ipi, &bind_ipi), -XEN_ENOENT);
    expect_eq(HV_event_channel_op(EVTCHNOP_bind_pirq, &pirq), -XEN_EINVAL);
    expect_eq(bind_vcpu(a, 99), -XEN_ENOENT);
    expect_eq(bind_vcpu(10000000, 0), -XEN_EINVAL);
    expect_eq(bind_vcpu(ipi, 0), -XEN_EINVAL);
    expect_eq(bind_vcpu(timer, 0), -XEN_EINVAL);
    expect_eq(event_send(timer), -XEN_EINVAL);
    expect_eq(event_send(0), -XEN_EINVAL);
    expect_eq(event_send(10000000), -XEN_EINVAL);
    expect_eq(event_close(0), -XEN_EINVAL);
    expect_eq(HV_event_channel_op(EVTCHNOP_unmask, &unmask), -XEN_EINVAL);
    expect_eq(HV_event_channel_op(EVTCHNOP_status, &status), -XEN_EINVAL);
    status.dom = 5;
    expect_eq(HV_event_channel_op(EVTCHNOP_status, &status), -XEN_ESRCH);
    expect_eq(HV_event_channel_op(EVTCHNOP_reset, &reset), -XEN_ESRCH);
    expect_eq(HV_event_channel_op(EVTCHNOP_send, NULL), -XEN_EFAULT);
    expect_eq(HV_event_channel_op(99, &reset), -XEN_ENOSYS);
}

static long map_line(int line, int number) {
    struct physdev_map_pirq op = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = line, .pirq = number};
    long rc = HV_physdev_op(PHYSDEVOP_map_pirq, &op);

    if (!rc) expect_eq(op.pirq, number);
    return rc;
}

static long unmap_line(int number) {
    struct physdev_unmap_pirq op = {.domid = DOMID_SELF, .pirq = number};

    return HV_physdev_op(PHYSDEVOP_unmap_pirq, &op);
}

/* Interrupt lines that no device of the machine has. */
static void lines(void) {
    struct evtchn_bind_pirq bind = {.pirq = 20};
    struct physdev_pirq_eoi_gmfn eoi_map = {.gmfn = virt_to_mfn(page_alloc())};
    struct physdev_setup_gsi setup = {.gsi = 20, .triggering = 1, .polarity = 1};

    expect_eq(HV_event_channel_op(EVTCHNOP_bind_pirq, &bind), -XEN_EPERM); /* not mapped yet */
    expect_eq(unmap_line(20), -XEN_EINVAL);
    expect_eq(map_line(20, 20), 0);
    expect_eq(map_line(20, 20), 0);
    expect_eq(map_line(20, 21), -XEN_EEXIST);
    expect_eq(map_line(22, 100000), -XEN_EINVAL);
    expect_eq(map_line(21, 20), 0); /* and nothing comes of it */
    expect_eq(map_line(21, 21), 0);
    expect_eq(unmap_line(21), 0);
    expect_eq(HV_physdev_op(PHYSDEVOP_setup_gsi, &setup), 0);
    require_eq(HV_event_channel_op(EVTCHNOP_bind_pirq, &bind), 0);
    expect_eq(HV_event_channel_op(EVTCHNOP_bind_pirq, &bind), -XEN_EEXIST);
    expect_eq(event_close(bind.port), 0);
    expect_eq(unmap_line(20), 0);
    expect_eq(unmap_line(20), -XEN_EINVAL);
    expect_eq(HV_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &eoi_map), 0);
    expect_eq(HV_physdev_op(PHYSDEVOP_pirq_eoi_gmfn_v2, &eoi_map), -XEN_EBUSY);
}

static void fifo_refusals_before(void) {
    struct evtchn_set_priority priority = {.port = a, .priority = 3};
    struct evtchn_expand_array expand = {.array_gfn = virt_to_mfn(page_alloc())};

    expect_eq(HV_event_channel_op(EVTCHNOP_set_priority, &priority), -XEN_ENOSYS);
    expect_eq(HV_event_channel_op(EVTCHNOP_expand_array, &expand), -XEN_EOPNOTSUPP);
}

static long single_shot(uint64_t when, uint32_t flags) {
    struct vcpu_set_singleshot_timer op = {.timeout_abs_ns = when, .flags = flags};

    return HV_vcpu_op(VCPUOP_set_singleshot_timer, this_vcpu()->id, &op);
}

static long periodic(uint64_t period) {
    struct vcpu_set_periodic_timer op = {.period_ns = period};

    return HV_vcpu_op(VCPUOP_set_periodic_timer, this_vcpu()->id, &op);
}

static void timers(unsigned int timer) {
    uint64_t start, count;

    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    event_unmask(timer);
    events_on();
    event_counts[timer] = 0;
    start = now();
    expect_eq(HV_set_timer_op(start + 5 * MS), 0);
    expect(wait_for(READ_ONCE(event_counts[timer]) == 1, 5000));
    expect(now() >= start + 5 * MS);
    start = now();
    expect_eq(single_shot(start + 5 * MS, 0), 0);
    expect(wait_for(READ_ONCE(event_counts[timer]) == 2, 5000));
    expect(now() >= start + 5 * MS);
    /* In the past: at once. The flag that once refused it is ignored. */
    expect_eq(single_shot(start, VCPU_SSHOTTMR_future), 0);
    expect(wait_for(READ_ONCE(event_counts[timer]) == 3, 5000));
    expect_eq(single_shot(start, 0), 0);
    expect(wait_for(READ_ONCE(event_counts[timer]) == 4, 5000));
    /* Stopped, it does not come. */
    expect_eq(single_shot(now() + 20 * MS, 0), 0);
    expect_eq(HV_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    expect_eq(HV_set_timer_op(now() + 20 * MS), 0);
    expect_eq(HV_set_timer_op(0), 0);
    start = now();
    wait_for(false, 30);
    expect_eq(event_counts[timer], 4);
    expect_eq(periodic(1000), -XEN_EINVAL);
    expect_eq(periodic(2 * MS), 0);
    expect(wait_for(READ_ONCE(event_counts[timer]) >= 8, 10000));
    expect_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    count = event_counts[timer];
    wait_for(false, 10);
    expect(event_counts[timer] <= count + 1);
    events_off();
}

/* By set_timer_op, or as a single shot. */
static long set_timer(bool shot, uint64_t when) {
    return shot ? single_shot(when, 0) : HV_set_timer_op(when);
}

/* A poll that is to end then, and before that by the timer. */
static void poll_until(unsigned int timer, uint64_t when) {
    evtchn_port_t port = timer;
    struct sched_poll poll = {.nr_ports = 1, .timeout = when};
    bool past = when == 1 || (int64_t)when < 0; /* by the clock's sign */
    uint64_t start, wait = past ? 60 * SECOND : 200 * MS;

    set_xen_guest_handle(poll.ports, &port);
    events_off();
    event_mask(timer);
    event_clear(timer);
    start = now();
    expect_eq(single_shot(start + wait, 0), 0);
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), 0);
    expect_eq(now() < start + wait, past);
    expect_eq(HV_vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
    event_clear(timer);
    event_unmask(timer);
    events_on();
}

/*
 * Times that no clock reaches (XSA-20): the machine goes on, and an ordinary time is kept after
 * each. What set_timer_op takes for a sum that went wrong comes after 100 ms, for kernels that are
 * late.
 */
static void absurd_times(unsigned int timer) {
    const uint64_t far = now() + (1UL << 50) + 100 * SECOND,
                   times[] = {1, 1UL << 49, far, 1UL << 62, INT64_MAX, 1UL << 63, ~0UL};
    static const uint64_t periods[] = {0, 1, MS - 1, 1UL << 62, INT64_MAX, 1UL << 63, ~0UL};

    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    event_unmask(timer);
    events_on();
    for (unsigned int i = 0; i < 2 * ARRAY_SIZE(times); i++) {
        uint64_t when = times[i / 2], start = now();
        bool shot = i & 1;

        event_counts[timer] = 0;
        expect_eq(set_timer(shot, when), 0);
        if (when == 1 || (shot && (int64_t)when < 0)) { /* past, by the clock's sign */
            expect(wait_for(READ_ONCE(event_counts[timer]) == 1, 5000));
        } else if (!shot && when >= far) {
            expect(wait_for(READ_ONCE(event_counts[timer]) == 1, 5000));
            expect(now() >= start + 100 * MS);
        } else {
            expect(!wait_for(READ_ONCE(event_counts[timer]), 20));
        }
        event_counts[timer] = 0;
        start = now();
        expect_eq(set_timer(!shot, start + 3 * MS), 0);
        expect(wait_for(READ_ONCE(event_counts[timer]) == 1, 5000));
        expect(now() >= start + 3 * MS);
        poll_until(timer, when);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(periods); i++)
        expect_eq(periodic(periods[i]), -XEN_EINVAL);
    event_counts[timer] = 0;
    expect_eq(periodic((1UL << 62) - 1), 0);
    expect(!wait_for(READ_ONCE(event_counts[timer]), 20));
    expect_eq(periodic(2 * MS), 0);
    expect(wait_for(READ_ONCE(event_counts[timer]) >= 2, 5000));
    expect_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    events_off();
}

static void blocking(unsigned int timer) {
    evtchn_port_t ports[1] = {b};
    struct sched_poll poll = {.nr_ports = 1};
    uint64_t start = now();

    /* block unmasks, sleeps, and the upcall is taken before it returns. */
    event_counts[timer] = 0;
    expect_eq(single_shot(start + 5 * MS, 0), 0);
    expect_eq(HV_sched_op(SCHEDOP_block, NULL), 0);
    expect_eq(event_counts[timer], 1);
    expect(now() >= start + 5 * MS);
    expect_eq(this_vcpu()->info->evtchn_upcall_mask, 0);
    events_off();

    set_xen_guest_handle(poll.ports, ports);
    event_mask(b);
    event_send(a);
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), 0);
    expect(event_clear(b));
    start = now();
    poll.timeout = start + 5 * MS;
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), 0);
    expect(now() >= start + 5 * MS);
    poll.timeout = start;
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), 0);
    poll.nr_ports = 129;
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    poll.nr_ports = 1;
    ports[0] = 10000000;
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    ports[0] = event_alloc(DOMID_SELF);
    event_close(ports[0]);
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    ports[0] = 0;
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), -XEN_EINVAL);
    expect_eq(HV_sched_op(SCHEDOP_poll, NULL), -XEN_EFAULT);
    set_xen_guest_handle(poll.ports, (evtchn_port_t *)0xffff830000000000);
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), -XEN_EFAULT);
    set_xen_guest_handle(poll.ports, (evtchn_port_t *)0x1000);
    expect_eq(HV_sched_op(SCHEDOP_poll, &poll), -XEN_EFAULT);
    event_unmask(b);
}

static unsigned int ipi0, ipi1;
static volatile unsigned int rounds;
#define ROUNDS 300

static void answer(unsigned int port) {
    (void)port;
    event_send(ipi0);
}

static void count_round(unsigned int port) {
    (void)port;
    rounds++;
    if (rounds < ROUNDS) event_send(ipi1);
}

static volatile bool stop;

static void other_vcpu(void) {
    if (event_fifo) require_eq(event_use_fifo(1), 0);
    ipi1 = event_bind_ipi(1);
    event_handlers[ipi1] = answer;
    event_unmask(ipi1);
    events_on();
    while (!stop) HV_sched_op(SCHEDOP_block, NULL);
    events_off();
    event_close(ipi1);
    ipi1 = 0;
}

/* A ball thrown between two vcpus, both asleep between throws: none may be lost. */
static void interrupts_between_vcpus(void) {
    uint64_t end = now() + 100 * SECOND;

    stop = false;
    rounds = 0;
    ipi0 = event_bind_ipi(0);
    event_handlers[ipi0] = count_round;
    event_unmask(ipi0);
    require_eq(vcpu_start(1, other_vcpu), 0);
    if (!wait_for(READ_ONCE(ipi1) != 0, 20000)) die("vcpu 1 did not come up");
    events_on();
    event_send(ipi1);
    while (rounds < ROUNDS && now() < end) {
        single_shot(now() + 100 * MS, 0);
        HV_sched_op(SCHEDOP_block, NULL);
    }
    expect_eq(rounds, ROUNDS);
    expect_eq(event_last_vcpu[ipi0], 0);
    expect_eq(event_last_vcpu[ipi1], 1);
    /* A channel moves to the other vcpu, and back. */
    expect_eq(bind_vcpu(b, 1), 0);
    event_counts[b] = 0;
    event_send(a);
    expect(wait_for(READ_ONCE(event_counts[b]) == 1, 20000));
    expect_eq(event_last_vcpu[b], 1);
    expect_eq(bind_vcpu(b, 0), 0);
    event_send(a);
    expect(wait_for(READ_ONCE(event_counts[b]) == 2, 20000));
    expect_eq(event_last_vcpu[b], 0);
    stop = true;
    event_handlers[ipi1] = NULL;
    event_send(ipi1);
    events_off();
    vcpu_wait_down(1);
    event_close(ipi0);
}

static unsigned int order[16], nr_ordered;

static void note_order(unsigned int port) { order[nr_ordered++] = port; }

static long set_priority(unsigned int port, unsigned int priority) {
    struct evtchn_set_priority op = {.port = port, .priority = priority};

    return HV_event_channel_op(EVTCHNOP_set_priority, &op);
}

static void priorities(void) {
    static const unsigned int levels[] = {15, 7, 0, 3, 12};
    unsigned int ports[5], peers[5], closed;

    for (unsigned int i = 0; i < 5; i++) {
        event_pair(&peers[i], &ports[i]);
        events_on(); /* for the first event, which has the usual priority */
        events_off();
        expect_eq(set_priority(ports[i], levels[i]), 0);
        event_handlers[ports[i]] = note_order;
    }
    expect_eq(set_priority(ports[0], 16), -XEN_EINVAL);
    expect_eq(set_priority(10000000, 1), -XEN_EINVAL);
    closed = event_alloc(DOMID_SELF);
    event_close(closed);
    expect_eq(set_priority(closed, 0), -XEN_EACCES);
    expect_eq(set_priority(0, 16), -XEN_EACCES);
    events_off();
    nr_ordered = 0;
    for (unsigned int i = 0; i < 5; i++) event_send(peers[i]);
    events_on();
    expect_eq(nr_ordered, 5);
    expect_eq(order[0], ports[2]);
    expect_eq(order[1], ports[3]);
    expect_eq(order[2], ports[1]);
    expect_eq(order[3], ports[4]);
    expect_eq(order[4], ports[0]);
    events_off();
    for (unsigned int i = 0; i < 5; i++) {
        event_close(peers[i]);
        event_close(ports[i]);
    }
}

static void fifo_refusals(void) {
    struct evtchn_init_control control = {.vcpu = 0};
    struct evtchn_expand_array expand = {.array_gfn = 0xfffffff};

    expect_eq(HV_event_channel_op(EVTCHNOP_expand_array, &expand), -XEN_EINVAL);
    control.control_gfn = virt_to_mfn(page_alloc());
    expect_eq(HV_event_channel_op(EVTCHNOP_init_control, &control), -XEN_EINVAL);
    control.vcpu = 99;
    expect_eq(HV_event_channel_op(EVTCHNOP_init_control, &control), -XEN_ENOENT);
    control.vcpu = 1;
    control.offset = 4092;
    expect_eq(HV_event_channel_op(EVTCHNOP_init_control, &control), -XEN_EINVAL);
    control.offset = 4;
    expect_eq(HV_event_channel_op(EVTCHNOP_init_control, &control), -XEN_EINVAL);
}

/* More ports than one page of event words holds. */
static void many_ports(void) {
    unsigned int last = 0, count = 0;

    while (last < 1100 && count < 1200) {
        last = event_alloc(DOMID_SELF);
        if (++count == 900) expect_eq(event_fifo_expand(), 0);
    }
    expect(last >= 1100);
    expect_eq(event_close(last), 0);
}

/* As many event words as there can be ports, and no more. */
static void all_words(void) {
    struct evtchn_expand_array expand = {.array_gfn = virt_to_mfn(page_alloc())};
    unsigned int arrays = 2;
    long rc;

    while ((rc = HV_event_channel_op(EVTCHNOP_expand_array, &expand)) == 0 && arrays < 1000)
        arrays++;
    expect_eq(rc, -XEN_ENOSPC);
    expect_eq(arrays, EVTCHN_FIFO_NR_CHANNELS / (PAGE_SIZE / sizeof(event_word_t)));
}

static void open_ports(void) {
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

    while (!stop) HV_event_channel_op(EVTCHNOP_alloc_unbound, &op);
}

/* A reset while another vcpu opens ports has not closed them all, and says so. */
static void reset_in_vain(void) {
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    uint64_t end = now() + 100 * SECOND;
    long rc;

    stop = false;
    require_eq(vcpu_start(1, open_ports), 0);
    do rc = HV_event_channel_op(EVTCHNOP_reset, &reset);
    while (rc == 0 && now() < end);
    expect_eq(rc, -XEN_EAGAIN);
    stop = true;
    vcpu_wait_down(1);
    expect_eq(HV_event_channel_op(EVTCHNOP_reset, &reset), 0);
}

void test_main(void) {
    unsigned int timer = event_bind_virq(VIRQ_TIMER, 0), ipi = event_bind_ipi(1);
    struct evtchn_reset reset = {.dom = DOMID_SELF};

    require_eq(nr_vcpus(), 2);
    HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    channel();
    closing();
    refusals(ipi, timer);
    lines();
    fifo_refusals_before();
    timers(timer);
    absurd_times(timer);
    blocking(timer);
    interrupts_between_vcpus();

    /* What is pending when the form changes is delivered in the new one. */
    event_counts[b] = 0;
    event_send(a);
    expect(event_pending(b));
    require_eq(event_use_fifo(0), 0);
    events_on();
    expect_eq(event_counts[b], 1);
    events_off();
    event_counts[a] = event_counts[b] = 0;
    event_close(a);
    event_close(b);
    channel();
    closing();
    refusals(ipi, timer);
    fifo_refusals();
    priorities();
    timers(timer);
    blocking(timer);
    interrupts_between_vcpus();
    many_ports();
    all_words();

    /* Back to the beginning. */
    expect_eq(HV_event_channel_op(EVTCHNOP_reset, &reset), 0);
    event_fifo = false;
    expect_eq(event_send(a), -XEN_EINVAL);
    expect_eq(event_alloc(DOMID_SELF), 1);
    reset_in_vain();
}
