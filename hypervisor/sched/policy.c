/* SPDX-License-Identifier: MIT */
#include "policy.h"

#define NORMAL_WEIGHT 256

/* Virtual times wrap after centuries; compare by difference all the same. */
static bool vtime_before(uint64_t a, uint64_t b) { return (int64_t)(a - b) < 0; }

uint64_t policy_virtual(uint64_t ns, unsigned int weight) {
    return weight == NORMAL_WEIGHT ? ns : ns * NORMAL_WEIGHT / weight;
}

void policy_place(struct sched_pcpu *q, struct sched_vcpu *s, unsigned int weight) {
    uint64_t slice = policy_virtual(POLICY_SLICE_NS, weight);

    if (vtime_before(s->vruntime, q->min_vruntime - slice))
        s->vruntime = q->min_vruntime - slice;
    else if (vtime_before(q->min_vruntime + 4 * slice, s->vruntime))
        s->vruntime = q->min_vruntime + 4 * slice; /* came from a queue that was further on */
    s->deadline = s->vruntime + slice;
}

void policy_charge(struct sched_vcpu *s, uint64_t ns, unsigned int weight) {
    s->vruntime += policy_virtual(min(ns, (uint64_t)4 * POLICY_SLICE_NS), weight);
    if (!vtime_before(s->vruntime, s->deadline))
        s->deadline = s->vruntime + policy_virtual(POLICY_SLICE_NS, weight);
}

bool policy_before(const struct sched_pcpu *q, const struct sched_vcpu *a,
                   const struct sched_vcpu *b) {
    bool ea = !vtime_before(q->min_vruntime, a->vruntime);
    bool eb = !vtime_before(q->min_vruntime, b->vruntime);

    return ea != eb ? ea : vtime_before(a->deadline, b->deadline);
}
