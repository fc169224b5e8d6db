/* SPDX-License-Identifier: MIT */
/* The timer heaps against a model (a plain array), and timers killed and moved while they fire. */
#include <pthread.h>
#include <sched.h>

#include "test.h"

#include <hv/irq.h>
#include <x86/apic.h>

#define NR_TIMERS 200

static uint32_t next_random(uint32_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static struct {
    struct timer t;
    uint64_t due; /* 0: not armed */
    unsigned int fired;
} model[NR_TIMERS];
static uint64_t last_due;

static void model_fired(void *data) {
    size_t i = (size_t)data;

    CHECK(model[i].due && model[i].due <= fake_now);
    CHECK(model[i].due >= last_due); /* in order */
    last_due = model[i].due;
    model[i].due = 0;
    model[i].fired++;
}

/* After all CPUs have served their timers nothing that is due is left, and nothing else went. */
static void advance(uint64_t to) {
    fake_now = to;
    for (unsigned int c = 0; c < nr_cpus; c++) {
        last_due = 0;
        fake_pcpu = pcpus[c];
        timer_softirq();
    }
    fake_pcpu = pcpus[0];
    for (unsigned int i = 0; i < NR_TIMERS; i++) {
        CHECK(!model[i].due || model[i].due > to);
        CHECK_EQ(model[i].t.active, model[i].due != 0);
    }
}

static void against_model(void) {
    uint32_t seed = 1234567;

    for (size_t i = 0; i < NR_TIMERS; i++)
        timer_init(&model[i].t, model_fired, (void *)i, i % nr_cpus);
    for (unsigned int step = 0; step < 40000; step++) {
        uint32_t i = next_random(&seed) % NR_TIMERS, r = next_random(&seed);

        switch (r % 8) {
        case 0:
            timer_stop(&model[i].t);
            model[i].due = 0;
            break;
        case 1:
            timer_migrate(&model[i].t, (r >> 8) % nr_cpus);
            CHECK_EQ(model[i].t.cpu, (r >> 8) % nr_cpus);
            break;
        case 2:
            timer_kill(&model[i].t);
            model[i].due = 0;
            break;
        default:
            model[i].due = fake_now + 1 + (r >> 8) % 1000;
            timer_set(&model[i].t, model[i].due);
        }
        if (r >> 24 < 12) advance(fake_now + r % 300);
    }
    advance(fake_now + 2000);
    for (unsigned int c = 0; c < nr_cpus; c++) CHECK(!pcpus[c]->timers.root);
}

/* The clock event follows the earliest timer of this CPU. */
static void nothing(void *data) { (void)data; }

static void clock_event(void) {
    struct timer a, b;

    timer_init(&a, nothing, NULL, 0);
    timer_init(&b, nothing, NULL, 0);
    timer_set(&a, fake_now + 500);
    CHECK_EQ(fake_deadline[0], fake_now + 500);
    timer_set(&b, fake_now + 300);
    CHECK_EQ(fake_deadline[0], fake_now + 300);
    timer_set(&a, fake_now + 400);
    CHECK_EQ(fake_deadline[0], fake_now + 300);
    timer_migrate(&b, 1);
    CHECK(test_bit(SOFTIRQ_TIMER, &pcpus[1]->softirqs));
    timer_softirq();
    CHECK_EQ(fake_deadline[0], fake_now + 400);
    timer_kill(&a);
    timer_kill(&b);
}

/* A timer that arms itself and moves, on two CPUs, killed by a third: its memory is freed at once.
 */
static bool stop;

struct victim {
    struct timer t;
    uint64_t canary;
};

static void victim_fired(void *data) {
    struct victim *v = data;

    CHECK_EQ(v->canary, 42);
    timer_migrate(&v->t, !this_pcpu()->id); /* as a vcpu that is chosen elsewhere takes it along */
    for (unsigned int i = 0; i < 3; i++) sched_yield();
    CHECK_EQ(v->canary, 42);
}

static void *timer_cpu(void *arg) {
    fake_pcpu = pcpus[(uintptr_t)arg];
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        timer_softirq();
        sched_yield();
    }
    return NULL;
}

static void kill_race(void) {
    pthread_t cpu[2];

    stop = false;
    for (uintptr_t i = 0; i < 2; i++) pthread_create(&cpu[i], NULL, timer_cpu, (void *)i);
    fake_pcpu = pcpus[2];
    for (unsigned int i = 0; i < 3000; i++) {
        struct victim *v = malloc(sizeof(*v));

        v->canary = 42;
        timer_init(&v->t, victim_fired, v, i & 1);
        timer_set(&v->t, fake_now);
        for (unsigned int k = 0; k < i % 5; k++) sched_yield();
        timer_kill(&v->t);
        CHECK(!v->t.active);
        v->canary = 0;
        free(v); /* the sanitizer looks for later users */
    }
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (unsigned int i = 0; i < 2; i++) pthread_join(cpu[i], NULL);
    fake_pcpu = pcpus[0];
}

void timer_tests(void) {
    fake_now = 1000;
    against_model();
    clock_event();
    kill_race();
}
