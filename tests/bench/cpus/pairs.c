/* SPDX-License-Identifier: MIT */
/* Operations on another CPU: events to a vcpu that runs there or is blocked, flushes of its TLB. */
#include <public/sched.h>
#include "cpus.h"

static struct evtchn_send to[MAX_VCPUS];
/* Events that came, by vcpu. */
static volatile unsigned long came[MAX_VCPUS];
static char *window;
static uint64_t pte;
static const uint64_t second_vcpu[2] = {2};

static void count(unsigned int port) {
    (void)port;
    came[this_vcpu()->id]++;
}

static void send(unsigned int vcpu) { HV_event_channel_op(EVTCHNOP_send, &to[vcpu]); }

/* Blocking opens the vcpu for events and looks, in one step. */
static void block_until_called(unsigned int me, unsigned long before) {
    events_off();
    while (came[me] == before) {
        HV_sched_op(SCHEDOP_block, NULL);
        events_off();
    }
    events_on();
}

/* To the vcpu that waits in guest mode, or to one that is blocked: until its handler has ended. */
static void one_way(unsigned int me) {
    unsigned long before = came[me + 1], beat;

    send(me + 1);
    while (came[me + 1] == before) relax();
    beat = beats[me + 1];
    while (beats[me + 1] == beat) relax();
}

static void block(unsigned int me) { block_until_called(me, came[me]); }

/* Both block until they are called. */
static void round_trip(unsigned int me) {
    unsigned long before = came[me];

    send(me + 1);
    block_until_called(me, before);
}

static void answer(unsigned int me) {
    block(me);
    send(me - 1);
}

static void ext(unsigned int cmd, uint64_t arg1, const void *vcpus) {
    struct mmuext_op op = {.cmd = cmd, .arg1.linear_addr = arg1};

    set_xen_guest_handle(op.arg2.vcpumask, vcpus);
    HV_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static void flush_one(unsigned int me) {
    (void)me;
    ext(MMUEXT_TLB_FLUSH_MULTI, 0, second_vcpu);
}
static void flush_page_of_one(unsigned int me) {
    (void)me;
    ext(MMUEXT_INVLPG_MULTI, (uint64_t)window, second_vcpu);
}
static void flush_all(unsigned int me) {
    (void)me;
    ext(MMUEXT_TLB_FLUSH_ALL, 0, NULL);
}
static void map_and_unmap(unsigned int me) {
    (void)me;
    HV_update_va_mapping(window, pte, UVMF_INVLPG | UVMF_ALL);
    HV_update_va_mapping(window, 0, UVMF_INVLPG | UVMF_ALL);
}

const struct operation pair_operations[] = {
    {"event (IPI) to a running vcpu", one_way, PAIRS, 1, NULL},
    {"event (IPI) to a blocked vcpu", one_way, PAIRS, 1, block},
    {"event round trip, both block", round_trip, PAIRS, 1, answer},
    {"TLB flush of one other running vcpu", flush_one, FIRST, 1, NULL},
    {"INVLPG for one other running vcpu", flush_page_of_one, FIRST, 1, NULL},
    {"TLB flush of all vcpus, which run", flush_all, FIRST, 1, NULL},
    {"update_va_mapping, INVLPG for all: map and unmap", map_and_unmap, FIRST, 1, NULL},
};
const unsigned int nr_pair_operations = ARRAY_SIZE(pair_operations);

void pairs_prepare(unsigned int vcpu) {
    if (!window) {
        window = window_alloc(1);
        pte = MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW);
    }
    to[vcpu].port = port_of(vcpu);
    event_handlers[to[vcpu].port] = count;
    event_unmask(to[vcpu].port);
}
