/* SPDX-License-Identifier: MIT */
/*
 * Base pointers: which L4 a vcpu's CPU walks. Each of v->arch.guest_table and guest_table_user that
 * is not INVALID_MFN holds a frame and an FT_L4 reference. A new table is loaded before the old
 * one's references go; a vcpu that is not running has none of its tables loaded anywhere, since
 * whatever runs next has loaded CR3 (the idle loop loads Hospes's own).
 */
#include <hv/boot.h>
#include <x86/smp.h>

#include "mm_local.h"

/* Whose translations a CPU may hold, besides Hospes's own; own CPU only. */
static struct domain *loaded[MAX_CPUS];

/* This CPU's translations change to those of d. Its bit is set before and cleared after CR3. */
static void load_for(struct domain *d, uint64_t cr3) {
    struct pcpu *p = this_pcpu();
    struct domain *old = loaded[p->id];

    p->arch.cr3_loaded = cr3;
    if (likely(old == d)) {
        tlb_load_cr3(cr3);
        return;
    }
    if (d) set_bit(p->id, d->arch.dirty_cpus);
    tlb_load_cr3(cr3);
    loaded[p->id] = d;
    if (old) clear_bit(p->id, old->arch.dirty_cpus);
}

void mm_load_base(struct vcpu *v) {
    mfn_t l4 = v->arch.kernel_mode ? v->arch.guest_table : v->arch.guest_table_user;

    if (unlikely(mfn_eq(l4, INVALID_MFN))) {
        domain_crash(v->domain, "vcpu %u has no %s page tables", v->id,
                     v->arch.kernel_mode ? "kernel" : "user");
        mm_load_idle_base();
        return;
    }
    v->arch.cr3 = mfn_to_paddr(l4);
    load_for(v->domain, v->arch.cr3);
}

void mm_load_idle_base(void) { load_for(NULL, virt_to_paddr(boot_l4)); }

/* Takes the references for a base pointer. */
static int l4_get(struct domain *d, uint64_t mfn, struct frame **out) {
    struct frame *f = frame_of(mfn);
    int rc;

    if (unlikely(!f || !frame_try_get(f, owner_tag(d)))) return -EINVAL;
    rc = type_get_more(f, FT_L4);
    if (unlikely(rc)) frame_drop(f);
    *out = f;
    return rc;
}

/* Gives them back. -ERESTART: v has a pending teardown. */
static int l4_put(mfn_t l4) {
    struct frame *f;

    if (mfn_eq(l4, INVALID_MFN)) return 0;
    f = frame_of(mfn_x(l4));
    if (unlikely(type_put_more(f))) {
        pending_add(f); /* with our frame reference */
        return current->mm.pending ? -ERESTART : 0;
    }
    frame_drop(f);
    return 0;
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
    rc = l4_get(v->domain, mfn, &f);
    if (unlikely(rc)) return rc;
    if (unlikely(v->mm.ldt_mapped)) ldt_unmap(v);
    show_m2p(f);
    v->arch.guest_table = _mfn(mfn);
    mm_load_base(v);
    return l4_put(old);
}

int new_user_base(struct vcpu *v, uint64_t mfn) {
    mfn_t old = v->arch.guest_table_user, new = mfn ? _mfn(mfn) : INVALID_MFN;
    struct frame *f;
    int rc;

    if (mfn_eq(old, new)) return 0;
    if (likely(mfn)) {
        rc = l4_get(v->domain, mfn, &f);
        if (unlikely(rc)) return rc;
        if (m2p_strict(v->domain)) WRITE_ONCE(*m2p_slot(f), 0);
    }
    v->arch.guest_table_user = new;
    return l4_put(old);
}

/* v is not running and has no base pointers yet, or loses them: the tools' and VCPUOP_initialise.
 */
int mm_set_base(struct vcpu *v, mfn_t kernel_l4, mfn_t user_l4) {
    struct frame *k, *u;
    int rc = l4_get(v->domain, mfn_x(kernel_l4), &k);

    if (rc) return rc;
    if (!mfn_eq(user_l4, INVALID_MFN) && mfn_x(user_l4)) {
        rc = l4_get(v->domain, mfn_x(user_l4), &u);
        if (rc) {
            l4_put(kernel_l4);
            return rc;
        }
        if (m2p_strict(v->domain)) WRITE_ONCE(*m2p_slot(u), 0);
    } else {
        user_l4 = INVALID_MFN;
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

    if (!rc && !mfn_eq(v->arch.guest_table, INVALID_MFN)) rc = drop_base(&v->arch.guest_table);
    if (!rc && !mfn_eq(v->arch.guest_table_user, INVALID_MFN))
        rc = drop_base(&v->arch.guest_table_user);
    return rc;
}
