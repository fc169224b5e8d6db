/* SPDX-License-Identifier: MIT */
/*
 * The scheduler itself with threads as CPUs: vcpus pass tokens to each other and block without one,
 * while others are paused, bound to CPUs and set free again. Tokens must keep moving (no wake-up is
 * lost), a vcpu runs on one CPU at a time, and who was paused has been saved.
 */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "test.h"

#include <hv/irq.h>
#include <x86/apic.h>
#include <x86/context.h>
#include <x86/spec.h>

#define NR_CPUS   3
#define NR_VCPUS  8
#define NR_TOKENS 3
#define PASSES    40000
/* A stall: so long in time and, since the machine may be busy, in work of each CPU. */
#define STALLED_S      20
#define STALLED_ROUNDS 1000000
#define HUNG_S         600 /* a CPU does nothing at all */

unsigned int spec_on;
const uint16_t verw_selector;
uint64_t fake_now, fake_deadline[4];
bool real_time;

static struct domain *d;
static struct {
    int tokens;
    unsigned long passed;
    bool saved; /* its registers are in its struct */
    int cpus;   /* that run it */
} vs[NR_VCPUS];
static unsigned long passes, rounds[NR_CPUS];
static bool stop;
static unsigned int quiet; /* CPUs that run no guest code any more */
static pthread_mutex_t domctl = PTHREAD_MUTEX_INITIALIZER;

uint64_t now_ns(void) {
    struct timespec t;

    if (!real_time) return __atomic_load_n(&fake_now, __ATOMIC_SEQ_CST);
    clock_gettime(CLOCK_MONOTONIC, &t);
    return SECONDS(t.tv_sec) + (uint64_t)t.tv_nsec;
}

void apic_timer_set(uint64_t ns) { fake_deadline[this_pcpu()->id] = ns; }

void domain_reclaim_softirq(void) {}

void console_softirq(void) {}

void smp_send_kick(unsigned int cpu) { (void)cpu; }

void use_tables(struct vcpu *v, bool kernel) { v->arch.kernel_mode = kernel; }

void time_update_vcpu(struct vcpu *v) { (void)v; }

void vcpu_timers_init(struct vcpu *v) {
    timer_init(&v->sched.singleshot, NULL, NULL, v->sched.cpu);
    timer_init(&v->sched.periodic, NULL, NULL, v->sched.cpu);
}

void vcpu_timers_kill(struct vcpu *v) {
    timer_kill(&v->sched.singleshot);
    timer_kill(&v->sched.periodic);
}

void periodic_timer_pause(struct vcpu *v) { (void)v; }

void periodic_timer_resume(struct vcpu *v) { (void)v; }

static void maybe_yield(void) {
    static __thread unsigned int n;

    if (++n % 3 == 0) sched_yield();
}

static void (*while_switching)(void); /* runs once */

/* As slow as the real one, so that others come in between. */
void context_switch(struct vcpu *prev, struct vcpu *next) {
    void (*fn)(void) = while_switching;

    if (unlikely(fn)) {
        while_switching = NULL;
        fn();
    }
    maybe_yield();
    if (prev->domain == d) {
        CHECK_EQ(__atomic_sub_fetch(&vs[prev->id].cpus, 1, __ATOMIC_SEQ_CST), 0);
        __atomic_store_n(&vs[prev->id].saved, true, __ATOMIC_SEQ_CST);
    }
    maybe_yield();
    if (next->domain == d) {
        CHECK_EQ(__atomic_add_fetch(&vs[next->id].cpus, 1, __ATOMIC_SEQ_CST), 1);
        CHECK(__atomic_exchange_n(&vs[next->id].saved, false, __ATOMIC_SEQ_CST));
    }
    this_pcpu()->curr = fake_current = next;
    maybe_yield();
}

static void give_token(struct vcpu *to) {
    __atomic_fetch_add(&vs[to->id].tokens, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_exchange_n(&to->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST)) {
        vcpu_unblock(to);
        vcpu_kick(to);
    }
}

static uint32_t next_random(void) {
    static __thread uint32_t s;

    if (!s) s = this_pcpu()->id * 77 + 1;
    s ^= s << 13;
    s ^= s >> 17;
    s ^= s << 5;
    return s;
}

/* What dom0 does to others; one at a time, as the domctl lock has it. */
static void meddle(struct vcpu *me) {
    struct vcpu *v = d->vcpu[next_random() % NR_VCPUS];
    cpumask_t mask = {{next_random() & BIT(next_random() % NR_CPUS)}};

    if (v == me || pthread_mutex_trylock(&domctl)) return;
    if (next_random() % 2) {
        vcpu_pause(v);
        CHECK(__atomic_load_n(&vs[v->id].saved, __ATOMIC_SEQ_CST));
        maybe_yield();
        CHECK(__atomic_load_n(&vs[v->id].saved, __ATOMIC_SEQ_CST));
        vcpu_unpause(v);
    } else {
        CHECK_EQ(vcpu_set_affinity(v, &mask, NULL), mask.bits[0] ? 0 : -EINVAL);
        if (next_random() % 2) {
            mask.bits[0] = ~0ul;
            CHECK_EQ(vcpu_set_affinity(v, &mask, NULL), 0);
        }
    }
    pthread_mutex_unlock(&domctl);
}

/* What the audit does, at a debug key's softirq: all other CPUs stand still, whatever they wait
 * for, and this one's vcpu has not left it. */
static void stop_all(void) {
    unsigned long before[NR_CPUS];

    if (!park_other_cpus()) return;
    for (unsigned int c = 0; c < NR_CPUS; c++)
        before[c] = __atomic_load_n(&rounds[c], __ATOMIC_SEQ_CST);
    maybe_yield();
    for (unsigned int c = 0; c < NR_CPUS; c++)
        CHECK(c == this_pcpu()->id || before[c] == __atomic_load_n(&rounds[c], __ATOMIC_SEQ_CST));
    unpark_cpus();
}

/* Some guest code, ending in a hypercall or an interrupt. */
static void guest_step(struct vcpu *v) {
    int had = __atomic_load_n(&vs[v->id].tokens, __ATOMIC_SEQ_CST);

    CHECK_EQ(vs[v->id].cpus, 1);
    if (had > 0) {
        __atomic_fetch_sub(&vs[v->id].tokens, 1, __ATOMIC_SEQ_CST);
        vs[v->id].passed++;
        __atomic_fetch_add(&passes, 1, __ATOMIC_SEQ_CST);
        give_token(d->vcpu[next_random() % NR_VCPUS]);
        if (next_random() % 16 == 0) meddle(v);
        return;
    }
    if (v->id == NR_VCPUS - 1) { /* never blocks */
        if (next_random() % 4 == 0) vcpu_yield();
        sched_yield();
        return;
    }
    WRITE_ONCE(v->info->evtchn_upcall_pending, 0);
    if (__atomic_load_n(&vs[v->id].tokens, __ATOMIC_SEQ_CST) == 0) vcpu_block();
}

static void *cpu(void *arg) {
    struct pcpu *p = pcpus[(uintptr_t)arg];
    unsigned long bits;
    bool ending = false;

    fake_pcpu = p;
    fake_current = p->curr;
    /* Another CPU may still wait for a vcpu to leave this one. */
    while (__atomic_load_n(&quiet, __ATOMIC_SEQ_CST) < NR_CPUS) {
        if (!ending && next_random() % 256 == 0) stop_all();
        if (!ending && __atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
            ending = true;
            __atomic_fetch_add(&quiet, 1, __ATOMIC_SEQ_CST);
        }
        __atomic_fetch_add(&rounds[p->id], 1, __ATOMIC_SEQ_CST);
        if (now_ns() >= fake_deadline[p->id]) {
            fake_deadline[p->id] = ~0ul;
            softirq_raise(SOFTIRQ_TIMER);
        }
        bits = __atomic_exchange_n(&p->softirqs, 0, __ATOMIC_SEQ_CST);
        if (bits & BIT(SOFTIRQ_TIMER)) timer_softirq();
        if (bits & BIT(SOFTIRQ_PARK)) park_if_asked();
        if (bits & BIT(SOFTIRQ_SCHEDULE))
            sched_softirq();
        else if (p->curr != &p->idle && !ending)
            guest_step(p->curr);
        else
            sched_yield();
    }
    return NULL;
}

/* True: the tokens did not move for long. */
static bool wait_for_passes(void) {
    unsigned long last = 0, now, before[NR_CPUS] = {0};
    uint64_t since = now_ns();

    while ((now = __atomic_load_n(&passes, __ATOMIC_SEQ_CST)) < PASSES) {
        bool worked = true;

        for (unsigned int c = 0; c < NR_CPUS; c++) {
            unsigned long n = __atomic_load_n(&rounds[c], __ATOMIC_SEQ_CST);

            if (now != last) before[c] = n;
            worked &= n - before[c] > STALLED_ROUNDS;
        }
        if (now != last) since = now_ns();
        last = now;
        if (now_ns() - since > SECONDS(worked ? STALLED_S : HUNG_S)) return true;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL); /* a sampling period */
    }
    return false;
}

static struct vcpu *leaving;

static void has_left(void) {
    leaving->is_running = false;
    spin_unlock(&pcpus[leaving->sched.cpu]->sched.lock);
}

/* A vcpu is woken while it leaves a CPU that it may not use any more, just after that CPU has seen
 * it asleep and so has not moved it on. */
static void woken_while_leaving(struct vcpu *v) {
    cpumask_t mask = {{BIT(1)}};

    leaving = v;
    v->sched.cpu = 0;
    v->is_running = true;
    CHECK_EQ(vcpu_set_affinity(v, &mask, NULL), 0);
    CHECK_EQ(v->sched.cpu, 0);
    clear_bit(VPF_DOWN, &v->pause_flags);
    spin_lock(&pcpus[0]->sched.lock);
    while_waiting = has_left;
    vcpu_wake(v);
    CHECK(!while_waiting && v->sched.queued);
    CHECK_EQ(v->sched.cpu, 1);
    set_bit(VPF_DOWN, &v->pause_flags);
    vcpu_sleep_nosync(v);
    CHECK(!v->sched.queued);
    mask.bits[0] = ~0ul;
    CHECK_EQ(vcpu_set_affinity(v, &mask, NULL), 0);
}

static void may_go_anywhere(void) {
    CHECK_EQ(vcpu_set_affinity(leaving, &(cpumask_t){{~0ul}}, NULL), 0);
}

/* A vcpu that wants to run leaves a CPU that it may not use; before it has left it may again, and
 * no other CPU is free for it. */
static void allowed_while_leaving(struct vcpu *v) {
    cpumask_t mask = {{BIT(0)}};

    leaving = v;
    CHECK_EQ(vcpu_set_affinity(v, &mask, NULL), 0);
    clear_bit(VPF_DOWN, &v->pause_flags);
    vcpu_wake(v);
    sched_softirq();
    CHECK(v->is_running && fake_current == v);
    mask.bits[0] = BIT(1);
    CHECK_EQ(vcpu_set_affinity(v, &mask, NULL), 0);
    for (unsigned int c = 0; c < NR_CPUS; c++) pcpus[c]->softirqs = c ? BIT(SOFTIRQ_SCHEDULE) : 0;
    while_switching = may_go_anywhere;
    sched_softirq();
    CHECK(!while_switching && !v->is_running && v->sched.queued);
    CHECK_EQ(v->sched.cpu, 0);
    CHECK(test_bit(SOFTIRQ_SCHEDULE, &pcpus[0]->softirqs));
    set_bit(VPF_DOWN, &v->pause_flags);
    vcpu_sleep_nosync(v);
    for (unsigned int c = 0; c < NR_CPUS; c++) pcpus[c]->softirqs = 0;
}

void smp_tests(void) {
    pthread_t t[NR_CPUS];

    real_time = true;
    nr_cpus = NR_CPUS;
    d = make_domain(1, false, NR_VCPUS);
    d->sched.weight = 256;
    for (unsigned int c = 0; c < NR_CPUS; c++) {
        memset(pcpus[c], 0, sizeof(*pcpus[c]));
        pcpus[c]->id = c;
        sched_init_cpu(c);
        fake_deadline[c] = ~0ul;
    }
    fake_pcpu = pcpus[0];
    fake_current = &pcpus[0]->idle;
    for (unsigned int i = 0; i < NR_VCPUS; i++) {
        sched_init_vcpu(d->vcpu[i]);
        vs[i].saved = true;
    }
    woken_while_leaving(d->vcpu[0]);
    allowed_while_leaving(d->vcpu[0]);
    for (unsigned int i = 0; i < NR_VCPUS; i++) {
        clear_bit(VPF_DOWN, &d->vcpu[i]->pause_flags);
        vcpu_wake(d->vcpu[i]);
    }
    for (unsigned int i = 0; i < NR_TOKENS; i++) give_token(d->vcpu[i]);
    for (uintptr_t c = 0; c < NR_CPUS; c++) pthread_create(&t[c], NULL, cpu, (void *)c);
    CHECK(!wait_for_passes());
    if (failed) /* the CPUs may be stuck for good */
        exit(report());
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (unsigned int c = 0; c < NR_CPUS; c++) pthread_join(t[c], NULL);
    for (unsigned int i = 0; i < NR_VCPUS; i++) CHECK(vs[i].passed > PASSES / NR_VCPUS / 20);
}

int main(void) {
    world_init();
    policy_tests();
    timer_tests();
    smp_tests();
    return report();
}
