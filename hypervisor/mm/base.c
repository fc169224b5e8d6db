/* SPDX-License-Identifier: MIT */
/*
 * Base pointers: which L4 a vcpu's CPU walks. Each of v->arch.guest_table and guest_table_user that
 * is not INVALID_MFN holds a frame and an FT_L4 reference. A new table is loaded before the old
 * one's references go; a vcpu that is not running has none of its tables loaded anywhere, since
 * whatever runs next has loaded CR3 (the idle loop loads Hospes's own).
 */
#include <hv/boot.h>
#include <x86/desc.h>

#include "mm_local.h"

/* This CPU's translations change to those of d. Its bit is set before and cleared after CR3. */
static __attribute__((noinline)) void change_domain(struct pcpu *p, struct domain *d,
                                                    uint64_t cr3) {
    struct domain *old = p->loaded;

    if (d) set_bit(p->id, d->arch.dirty_cpus);
    tlb_load_cr3(cr3);
    p->loaded = d;
    if (old) clear_bit(p->id, old->arch.dirty_cpus);
}

static inline void load_for(struct domain *d, uint64_t cr3) {
    struct pcpu *p = this_pcpu();

    if (likely(p->loaded == d))
        tlb_load_cr3(cr3);
    else
        change_domain(p, d, cr3);
}

static __attribute__((noinline)) void load_none(struct vcpu *v) {
    domain_crash(v->domain, "vcpu %u has no %s page tables", v->id,
                 v->arch.kernel_mode ? "kernel" : "user");
    gdt_load_own(&this_pcpu()->arch); /* the idle tables have no window */
    mm_load_idle_base();
}

void mm_load_base(struct vcpu *v) {
    mfn_t l4 = v->arch.kernel_mode ? v->arch.guest_table : v->arch.guest_table_user;

    if (likely(!mfn_eq(l4, INVALID_MFN)))
        load_for(v->domain, mfn_to_paddr(l4));
    else
        load_none(v);
}

void mm_load_idle_base(void) { load_for(NULL, virt_to_paddr(boot_l4)); }

/* Gives a base pointer's references back. -ERESTART: v has a pending teardown. */
static int l4_put(mfn_t l4) {
    if (mfn_eq(l4, INVALID_MFN)) return 0;
    frame_put_typed(frame_of(mfn_x(l4)));
    return unlikely(current->mm.pending) ? -ERESTART : 0;
}

static uint64_t *m2p_slot(const struct frame *l4) {
    return (uint64_t *)frame_virt(l4) + HV_SLOT_FIRST;
}

/* A kernel's table shows the M2P even if it served user mode before. */
static void show_m2p(const struct frame *l4) {
    if (unlikely(!READ_ONCE(*m2p_slot(l4)))) WRITE_ONCE(*m2p_slot(l4), boot_l4[HV_SLOT_FIRST]);
}

int new_base(struct vcpu *v, uint64_t mfn) {
    mfn_t old = v->arch.guest_table;
    struct frame *f;
    int rc;

    if (mfn_x(old) == mfn) { /* also when continued after the teardown of the former one */
        mm_load_base(v);
        return 0;
    }
    rc = frame_get_typed(v->domain, mfn, FT_L4, &f);
    if (unlikely(rc)) return rc;
    if (unlikely(v->mm.ldt_mapped)) ldt_unmap(v);
    show_m2p(f);
    v->arch.guest_table = _mfn(mfn);
    mm_load_base(v);
    return l4_put(old);
}

/* References for the base pointer of user mode. */
static int user_l4_get(const struct domain *d, uint64_t mfn) {
    struct frame *f;
    int rc = frame_get_typed(d, mfn, FT_L4, &f);

    if (!rc && m2p_strict(d)) WRITE_ONCE(*m2p_slot(f), 0);
    return rc;
}

int new_user_base(struct vcpu *v, uint64_t mfn) {
    mfn_t old = v->arch.guest_table_user, new = mfn ? _mfn(mfn) : INVALID_MFN;
    int rc;

    if (mfn_eq(old, new)) return 0;
    if (likely(mfn)) {
        rc = user_l4_get(v->domain, mfn);
        if (unlikely(rc)) return rc;
    }
    v->arch.guest_table_user = new;
    return l4_put(old);
}

/* v is not running and has no base pointers yet, or loses them: a context is set. */
int mm_set_base(struct vcpu *v, mfn_t kernel_l4, mfn_t user_l4) {
    struct frame *k;
    int rc = frame_get_typed(v->domain, mfn_x(kernel_l4), FT_L4, &k);

    if (rc) return rc;
    if (!mfn_eq(user_l4, INVALID_MFN)) rc = user_l4_get(v->domain, mfn_x(user_l4));
    if (rc) {
        frame_put_typed(k);
        return rc;
    }
    show_m2p(k);
    l4_put(v->arch.guest_table);
    l4_put(v->arch.guest_table_user);
    v->arch.guest_table = kernel_l4;
    v->arch.guest_table_user = user_l4;
    return 0;
}

static int drop_base(mfn_t *base) {
    mfn_t old = *base;

    *base = INVALID_MFN;
    return l4_put(old);
}

int mm_drop_vcpu_pagetables(struct vcpu *v) {
    int rc = mm_finish_pending(current);

    if (!rc) rc = drop_base(&v->arch.guest_table);
    return rc ? rc : drop_base(&v->arch.guest_table_user);
}

/* Flushes. */

static void cpus_of(const struct domain *d, cpumask_t *m) {
    for (unsigned int i = 0; i < ARRAY_SIZE(m->bits); i++)
        m->bits[i] = __atomic_load_n(&d->arch.dirty_cpus[i], __ATOMIC_SEQ_CST);
}

void flush_since(const struct domain *d, uint32_t stamp) {
    cpumask_t m = {{0}};

    if (d) cpus_of(d, &m);
    for (unsigned int i = 0; !d && i < nr_cpus; i++) __set_bit(i, m.bits);
    tlb_filter(&m, stamp);
    smp_flush_tlb(&m, FLUSH_ALL_VA);
}

void flush_domain(struct domain *d, uint64_t va) {
    cpumask_t m;

    cpus_of(d, &m);
    smp_flush_tlb(&m, va);
}

/* The vcpus of d set in a bitmap in guest memory. A vcpu that is not running has nothing cached,
 * and loads CR3 before it runs; one that moves meanwhile loads it too. */
int flush_vcpus(struct domain *d, uint64_t bitmap_va, uint64_t va) {
    uint64_t set[MAX_VCPUS / 64] = {0};
    cpumask_t m = {{0}};
    struct vcpu *v;

    if (copy_from_guest(set, bitmap_va, DIV_ROUND_UP(d->max_vcpus, 8))) return -EFAULT;
    for_each_vcpu(d, v)
        if (test_bit(v->id, set) && READ_ONCE(v->is_running))
            __set_bit(READ_ONCE(v->sched.cpu), m.bits);
    smp_flush_tlb(&m, va);
    return 0;
}
