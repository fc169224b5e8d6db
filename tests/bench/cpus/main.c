/* SPDX-License-Identifier: MIT */
/*
 * cpus: operations of the hypervisor with more than one CPU, each with a vcpu of dom0's. What the
 * hypervisor executes for them on all CPUs is counted by tests/bench/plugin/cpus.c, between the
 * marks of vcpu 0. For each operation and each number of vcpus that do it at a time, with the
 * others down, a line: CPUS vcpus operations-in-a-sample name.
 *
 * Between the marks all are told to begin and have ended, and then each is seen in guest mode
 * again: what came late in the hypervisor is in the sample.
 */
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "cpus.h"
#include "domctl.h"

#define SAMPLES 33

unsigned int active;
volatile unsigned long beats[MAX_VCPUS];
static const struct operation *volatile current;
/* Each is counted up by vcpu 0; the others follow. */
static volatile unsigned long order;
static volatile unsigned long obeyed[MAX_VCPUS];

/* Vcpu n stays on CPU n. */
static void pin(unsigned int vcpu) {
    static uint64_t map[2];

    map[0] = 1UL << vcpu;
    domctl_op.u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){
        .vcpu = vcpu, .flags = XEN_VCPUAFFINITY_HARD, .cpumap_hard.nr_bits = 64};
    set_xen_guest_handle(domctl_op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)map);
    require_eq(domctl(XEN_DOMCTL_setvcpuaffinity, 0), 0);
}

static bool is_blocked(unsigned int vcpu) {
    domctl_op.u.getvcpuinfo.vcpu = vcpu;
    require_eq(domctl(XEN_DOMCTL_getvcpuinfo, 0), 0);
    return domctl_op.u.getvcpuinfo.blocked;
}

static bool is_second(unsigned int me) { return me % 2; }

static bool takes_part(enum who who, unsigned int me) {
    return who == EVERYONE || (who == PAIRS ? !is_second(me) : me == 0);
}

/*
 * Orders come in twos: get ready, then do it. Who is to block before the sample has said that it is
 * ready, blocks, and is called by the first of its pair while that does it.
 */
static void obey(unsigned int me, unsigned long number) {
    const struct operation *what = current;

    if (number % 2) {
        obeyed[me] = number;
        if (what->second && is_second(me)) what->second(me);
        return;
    }
    if (takes_part(what->who, me))
        for (unsigned int i = 0; i < what->times; i++) what->run(me);
    obeyed[me] = number;
}

static void wait_in_guest(unsigned int me) {
    beats[me]++;
    relax();
}

static void follow(void) {
    unsigned int me = this_vcpu()->id;
    unsigned long last = order;

    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, me, NULL), 0);
    events_on();
    obeyed[me] = last;
    for (;;) {
        while (order == last) wait_in_guest(me);
        obey(me, ++last);
    }
}

static void command(void) {
    obey(0, ++order);
    for (unsigned int i = 1; i < active; i++)
        while (obeyed[i] != order) wait_in_guest(0);
}

static void see_in_guest(unsigned int vcpu) {
    unsigned long beat = beats[vcpu];

    while (beats[vcpu] - beat < 2) wait_in_guest(0);
}

static void see_all_in_guest(void) {
    for (unsigned int i = 1; i < active; i++) see_in_guest(i);
}

static void see_all_ready(void) {
    for (unsigned int i = 1; i < active; i++)
        if (current->second && is_second(i))
            while (!is_blocked(i)) relax();
        else
            see_in_guest(i);
}

static __attribute__((noinline)) void start_sample(void) { asm volatile("mark_start: nop"); }
static __attribute__((noinline)) void end_sample(void) { asm volatile("mark_end: nop"); }

static __attribute__((noinline)) void report(const struct operation *what) {
    unsigned int doing = 0;

    asm volatile("mark_report: nop");
    for (unsigned int i = 0; i < active; i++) doing += takes_part(what->who, i);
    count_check();
    printk("CPUS %u %u %s\n", active, doing * what->times, what->name);
}

static void measure(const struct operation *what) {
    current = what;
    /* One more, to begin with, is not measured: it has the page faults of first use. */
    for (unsigned int i = 0; i <= SAMPLES; i++) {
        command();
        see_all_ready();
        if (i) start_sample();
        command();
        see_all_in_guest();
        if (i) end_sample();
    }
    report(what);
}

static void measure_all(void) {
    for (unsigned int i = 0; i < nr_own_operations; i++) measure(&own_operations[i]);
    for (unsigned int i = 0; active > 1 && i < nr_pair_operations; i++)
        measure(&pair_operations[i]);
}

/* What was bound in passing is closed, so that low ports are free for who asks for one. */
unsigned int port_of(unsigned int vcpu) {
    static unsigned int passed[64 * (MAX_VCPUS + 1)];
    unsigned int nr = 0, port;

    while ((port = event_bind_ipi(vcpu)) < 64 * (vcpu + 1)) passed[nr++] = port;
    while (nr) require_eq(event_close(passed[--nr]), 0);
    return port;
}

static void start(unsigned int vcpu) {
    own_prepare(vcpu);
    pairs_prepare(vcpu);
    pin(vcpu);
    if (!vcpu) return;
    obeyed[vcpu] = order - 1;
    require_eq(vcpu_start(vcpu, follow), 0);
    while (obeyed[vcpu] != order) relax();
}

static void name_compiler(void) {
    struct xen_compile_info info;

    require_eq(HV_xen_version(XENVER_compile_info, &info), 0);
    printk("COMPILER %s\n", info.compiler);
}

void test_main(void) {
    unsigned int most = nr_vcpus();

    require(most <= MAX_VCPUS);
    name_compiler();
    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    events_on();
    for (unsigned int n = 1; n <= most; n *= 2) {
        for (; active < n; active++) start(active);
        measure_all();
    }
}
