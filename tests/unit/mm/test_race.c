/* SPDX-License-Identifier: MIT */
/* Two vcpus of one guest, as threads, race on the same frames. */
#include "fakes.h"

#include <pthread.h>

#define ROUNDS 3000

static struct domain *d;
static struct tables t;
static uint64_t contested;
static pthread_barrier_t barrier;
static long pin_rc, map_rc;

static void *mapper(void *unused) {
    (void)unused;
    run_as(d, 1);
    fake_current = d->vcpu[1];
    for (unsigned int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        map_rc = mmu_update(at(t.l1, 30), pte(contested, RWP));
        pthread_barrier_wait(&barrier);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

/* A pin and a writable map of the same frame: never both. */
static void pin_against_map(void) {
    unsigned int pins = 0, maps = 0, both = 0;
    pthread_t other;

    pthread_create(&other, NULL, mapper, NULL);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        pthread_barrier_wait(&barrier);
        if (i & 1) sched_yield();
        pin_rc = mmuext(MMUEXT_PIN_L1_TABLE, contested);
        pthread_barrier_wait(&barrier);
        pins += !pin_rc;
        maps += !map_rc;
        both += !pin_rc && !map_rc;
        if (theorem_violations()) both++;
        if (!pin_rc) CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, contested), 0);
        CHECK_EQ(mmu_update(at(t.l1, 30), 0), 0);
        pthread_barrier_wait(&barrier);
    }
    pthread_join(other, NULL);
    CHECK_EQ(both, 0);
    CHECK_EQ(pins + maps >= ROUNDS, true);
    SOUND();
}

static uint64_t shared_l4, shared_l3;

static void *churn(void *arg) {
    unsigned int seed = (unsigned int)(uintptr_t)arg;

    run_as(d, seed);
    fake_current = d->vcpu[seed];
    for (unsigned int i = 0; i < ROUNDS * 2; i++) {
        uint64_t e = at(t.l4, 20 + (unsigned int)rand_r(&seed) % 4);

        preempt_at = 1 + rand_r(&seed) % 6;
        switch (rand_r(&seed) % 6) {
        case 0: mmuext(MMUEXT_PIN_L4_TABLE, shared_l4); break;
        case 1: mmuext(MMUEXT_UNPIN_TABLE, shared_l4); break;
        case 2: mmu_update(e, pte(shared_l3, RWP)); break;
        case 3: mmu_update(e, 0); break;
        case 4: mmu_update(at(t.l1, 40), pte(shared_l3, RWP)); break;
        default: mmu_update(at(t.l1, 40), pte(t.data[rand_r(&seed) % 8], RWP));
        }
    }
    preempt_at = 0;
    while (mm_finish_pending(current))
        ;
    return NULL;
}

/* Pins, unpins, entries and maps of one tree from three vcpus, preempted at random. */
static void churn_one_tree(void) {
    pthread_t th[3];
    struct tables s = make_tables(d);

    shared_l4 = s.l4;
    shared_l3 = s.l3;
    for (uintptr_t i = 0; i < 3; i++) pthread_create(&th[i], NULL, churn, (void *)i);
    for (unsigned int i = 0; i < 3; i++) pthread_join(th[i], NULL);
    SOUND();
}

static void add_vcpu(uint32_t id) {
    d->vcpu[id] = calloc(1, sizeof(struct vcpu));
    d->vcpu[id]->domain = d;
    d->vcpu[id]->id = id;
    d->vcpu[id]->info = &dummy_vcpu_info;
    d->vcpu[id]->arch.kernel_mode = true;
    CHECK_EQ(mm_init_vcpu(d->vcpu[id]), 0);
}

void race_tests(void) {
    uint64_t free_before = mm_free_pages();

    d = make_domain(11, false);
    d->vcpu = realloc(d->vcpu, 3 * sizeof(d->vcpu[0]));
    d->max_vcpus = 3;
    add_vcpu(1);
    add_vcpu(2);
    run_as(d, 0);
    t = make_tables(d);
    contested = new_frame(d);
    pthread_barrier_init(&barrier, NULL, 2);
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    pin_against_map();
    churn_one_tree();
    run_as(dom0, 3);
    for (uint32_t i = 1; i < 3; i++) mm_destroy_vcpu(d->vcpu[i]);
    destroy_domain(d);
    SOUND();
    CHECK_EQ(mm_free_pages(), free_before);
}
