/* SPDX-License-Identifier: MIT */
/* The scheduling policy over one simulated run queue: shares by weight, how long one waits. */
#include "policy.h"
#include "test.h"

#define NR 4

static struct {
    struct sched_vcpu s;
    unsigned int weight;
    uint64_t ran;
    bool runnable;
} e[NR];
static struct sched_pcpu q;

static void advance_min(void) {
    uint64_t low = 0;
    bool any = false;

    for (unsigned int i = 0; i < NR; i++)
        if (e[i].runnable && (!any || (int64_t)(e[i].s.vruntime - low) < 0)) {
            low = e[i].s.vruntime;
            any = true;
        }
    if (any && (int64_t)(low - q.min_vruntime) > 0) q.min_vruntime = low;
}

static unsigned int choose(void) {
    unsigned int best = NR;

    advance_min();
    for (unsigned int i = 0; i < NR; i++)
        if (e[i].runnable && (best == NR || policy_before(&q, &e[i].s, &e[best].s))) best = i;
    return best;
}

static void run(unsigned int i, uint64_t ns) {
    policy_charge(&e[i].s, ns, e[i].weight);
    e[i].ran += ns;
}

static void start(uint64_t base) {
    q.min_vruntime = base;
    for (unsigned int i = 0; i < NR; i++) {
        e[i].s.vruntime = base;
        e[i].weight = 256;
        e[i].ran = 0;
        e[i].runnable = true;
        policy_place(&q, &e[i].s, 256);
    }
}

static void shares(uint64_t base) {
    static const unsigned int weight[NR] = {256, 512, 1024, 128};
    uint64_t total = 0;

    start(base);
    for (unsigned int i = 0; i < NR; i++) e[i].weight = weight[i];
    for (unsigned int slice = 0; slice < 20000; slice++) {
        unsigned int i = choose();

        CHECK(i < NR);
        run(i, POLICY_SLICE_NS);
        total += POLICY_SLICE_NS;
    }
    for (unsigned int i = 0; i < NR; i++) {
        uint64_t want = total / 1920 * weight[i];

        CHECK(e[i].ran > want - want / 50 && e[i].ran < want + want / 50);
    }
}

/* Who sleeps is not paid for it: it runs soon after it wakes, and then for no more than a slice
 * before the others get on. */
static void sleeper(void) {
    unsigned int wait = 0;
    uint64_t before;

    start(1000);
    e[0].runnable = false;
    for (unsigned int slice = 0; slice < 1000; slice++) run(choose(), POLICY_SLICE_NS);
    e[0].runnable = true;
    policy_place(&q, &e[0].s, 256);
    while (choose() != 0 && wait++ < 100) run(choose(), POLICY_SLICE_NS);
    CHECK(wait <= 1);
    before = e[1].ran + e[2].ran + e[3].ran;
    for (unsigned int slice = 0; slice < 40; slice++) run(choose(), POLICY_SLICE_NS);
    CHECK(e[1].ran + e[2].ran + e[3].ran >= before + 27 * POLICY_SLICE_NS);
}

/* A vcpu from a queue whose time is far ahead does not wait that long here. */
static void newcomer(void) {
    unsigned int wait = 0;

    start(0);
    e[0].s.vruntime = SECONDS(1000);
    policy_place(&q, &e[0].s, 256);
    while (choose() != 0 && wait++ < 1000) run(choose(), POLICY_SLICE_NS);
    CHECK(wait <= 20);
}

/* Who shares its CPU with two others that compute is never off it for longer than a tick of
 * Linux's: a kernel that is stopped within its timer interrupt would find the next one due already.
 */
static void longest_wait(void) {
    uint64_t now = 0, last[NR] = {0};

    start(0);
    e[3].runnable = false;
    for (unsigned int slice = 0; slice < 1000; slice++) {
        unsigned int i = choose();

        CHECK(now - last[i] <= MILLISECS(4));
        run(i, POLICY_SLICE_NS);
        now += POLICY_SLICE_NS;
        last[i] = now;
    }
}

/* Who had a CPU for itself, all of which is charged when somebody comes, need not give it back. */
static void alone_before(void) {
    uint64_t before;

    start(0);
    for (unsigned int i = 1; i < NR; i++) e[i].runnable = false;
    advance_min();
    e[1].runnable = true;
    policy_place(&q, &e[1].s, 256);
    run(0, SECONDS(1000));
    before = e[1].ran;
    for (unsigned int wait = 0; choose() != 0 && wait < 100; wait++) run(1, POLICY_SLICE_NS);
    CHECK(choose() == 0);
    CHECK(e[1].ran - before <= 5 * POLICY_SLICE_NS);
}

void policy_tests(void) {
    CHECK_EQ(policy_virtual(1000, 256), 1000);
    CHECK_EQ(policy_virtual(1000, 512), 500);
    CHECK_EQ(policy_virtual(1000, 1), 256000);
    shares(0);
    shares(~0ul - SECONDS(2)); /* across the wrap */
    sleeper();
    newcomer();
    longest_wait();
    alone_before();
}
