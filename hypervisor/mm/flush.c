/* SPDX-License-Identifier: MIT */
/*
 * Which CPUs to flush. A CPU loads CR3 whenever it changes vcpu, and CR4.PGE is off, so only CPUs
 * that run a vcpu now hold translations of its tables; arch.dirty_cpus of a domain has those.
 */
#include <hv/guest_access.h>

#include "mm_local.h"

static bool mask_empty(const struct flush_mask *m) {
    return !(m->bits[0] | m->bits[1] | m->bits[2] | m->bits[3]);
}

void flush_all_mask(struct flush_mask *m) {
    memset(m, 0, sizeof(*m));
    for (unsigned int i = 0; i < nr_cpus; i++) m->bits[i / 64] |= BIT(i % 64);
}

static void domain_mask(const struct domain *d, struct flush_mask *m) {
    for (unsigned int i = 0; i < ARRAY_SIZE(m->bits); i++)
        m->bits[i] = __atomic_load_n(&d->arch.dirty_cpus[i], __ATOMIC_SEQ_CST);
}

void flush_since(struct flush_mask *m, uint32_t stamp) {
    tlb_filter(m, stamp);
    if (unlikely(!mask_empty(m))) smp_flush_tlb(m, FLUSH_ALL_VA);
}

void flush_stale(const struct frame *f, const struct domain *owner, bool everywhere) {
    struct flush_mask m;

    if (everywhere || !owner)
        flush_all_mask(&m);
    else
        domain_mask(owner, &m);
    flush_since(&m, f->tlb_stamp);
}

static void flush_mask_va(const struct flush_mask *m, uint64_t va) {
    if (!mask_empty(m)) smp_flush_tlb(m, va);
}

void flush_domain(struct domain *d, uint64_t va) {
    struct flush_mask m;

    domain_mask(d, &m);
    flush_mask_va(&m, va);
}

/* The vcpus of d set in a bitmap in guest memory. A vcpu that is not running has nothing cached,
 * and loads CR3 before it runs; one that moves meanwhile loads it too. */
int flush_vcpus(struct domain *d, uint64_t bitmap_va, uint64_t va) {
    uint64_t set[MAX_VCPUS / 64] = {0};
    struct flush_mask m = {{0}};
    struct vcpu *v;
    uint32_t cpu;

    if (copy_from_guest(set, bitmap_va, DIV_ROUND_UP(d->max_vcpus, 8))) return -EFAULT;
    for_each_vcpu(d, v) {
        if (!(set[v->id / 64] & BIT(v->id % 64)) || !READ_ONCE(v->is_running)) continue;
        cpu = READ_ONCE(v->sched.cpu);
        m.bits[cpu / 64] |= BIT(cpu % 64);
    }
    flush_mask_va(&m, va);
    return 0;
}
