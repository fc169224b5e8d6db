/* SPDX-License-Identifier: MIT */
/*
 * Frames of domains: giving them to an owner, the owner's list and counts, those that Hospes itself
 * maps, and how a dying domain gives its frames back. A domain that owns frames holds one reference
 * to its own shell for them together, so that it outlives what others still map. Hospes's frames
 * shared with a domain do not keep it: they become dom_xen's when they are taken back (frame.c).
 */
#include "mm_local.h"

static void list_remove(struct domain *d, struct frame *f) {
    SPIN_SCOPE(&d->mm.lock);
    frame_unlink(&d->mm.first_frame, f);
}

void domain_uncount(struct domain *d, uint64_t pages) {
    bool empty;

    spin_lock(&d->mm.lock);
    d->mm.tot_pages -= pages;
    empty = pages && !d->mm.tot_pages;
    spin_unlock(&d->mm.lock);
    if (empty) domain_put(d);
}

/* The frame's count is 0: nobody can find it any more. */
void domain_frame_release(struct frame *f) {
    struct domain *d = owner_domain(f->owner);
    bool ours = f->count & FC_HYPERVISOR;

    if (!ours) list_remove(d, f);
    clear_frame(frame_virt(f));
    f->count = 0;
    heap_free(f, 0);
    if (!ours) domain_uncount(d, 1);
}

/* d->mm.lock. One that comes back (exchange) has its last type and FC_FOREIGN, to flush for. */
static void give(struct domain *d, struct frame *f) {
    f->owner = owner_tag(d);
    frame_link(&d->mm.first_frame, f);
    __atomic_store_n(&f->count, (f->count & FC_FOREIGN) | FC_ALLOCATED | 1, __ATOMIC_SEQ_CST);
}

bool domain_assign(struct domain *d, struct frame *f, unsigned int order, bool uncounted) {
    uint64_t n = BIT(order);

    SPIN_SCOPE(&d->mm.lock);
    if (d->state >= DOM_DYING || (!uncounted && d->mm.tot_pages + n > d->mm.max_pages))
        return false;
    if (!uncounted) {
        if (!d->mm.tot_pages) domain_ref(d);
        d->mm.tot_pages += n;
        claim_used(d, n);
    }
    for (uint64_t i = n; i-- > 0;) give(d, &f[i]);
    return true;
}

void m2p_set_extent(struct frame *f, unsigned int order, uint64_t pfn) {
    for (uint64_t i = 0; i < BIT(order); i++)
        m2p_set(frame_to_mfn(&f[i]), pfn == INVALID_M2P ? pfn : pfn + i);
}

struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits,
                                  uint64_t pfn) {
    struct frame *f;

    if (READ_ONCE(d->mm.tot_pages) + BIT(order) > d->mm.max_pages) return NULL;
    f = heap_alloc(order, bits, d);
    if (!f) return NULL;
    m2p_set_extent(f, order, pfn);
    if (domain_assign(d, f, order, false)) return f;
    heap_free(f, order);
    return NULL;
}

void free_domain_frame(struct frame *f) {
    if (__atomic_fetch_and(&f->count, ~FC_ALLOCATED, __ATOMIC_SEQ_CST) & FC_ALLOCATED)
        frame_drop(f);
}

bool domain_steal(struct domain *d, struct frame *f) {
    uint64_t x;

    if (!frame_try_get(f, owner_tag(d))) return false;
    x = READ_ONCE(f->count);
    do {
        if ((x & ~FC_FOREIGN) != (FC_ALLOCATED | 2)) { /* the owner's and ours */
            frame_drop(f);
            return false;
        }
    } while (!cas64(&f->count, &x, x & FC_FOREIGN)); /* nobody can get a reference from now on */
    list_remove(d, f);
    f->owner = OWNER_NONE;
    return true;
}

/* Guest frames that Hospes itself writes: vcpu_info, event FIFO pages. They are reached by the
 * direct map and held by a frame and a writable type reference, so they stay with their owner and
 * never become tables. For a PV guest a gfn is a machine frame number. FC_MAPPED can not overflow:
 * there are some for each vcpu, and 128 pages of event words. */
void *mm_map_guest_frame(struct domain *d, uint64_t gfn) {
    struct frame *f;

    if (frame_get_typed(d, gfn, FT_WRITABLE, &f)) return NULL;
    __atomic_fetch_add(&f->count, FC_MAPPED_ONE, __ATOMIC_SEQ_CST);
    return frame_virt(f);
}

void mm_unmap_guest_frame(void *va) {
    struct frame *f = mfn_to_frame(virt_to_mfn(va));

    __atomic_fetch_sub(&f->count, FC_MAPPED_ONE, __ATOMIC_SEQ_CST);
    frame_put_writable(f);
}

/* Registers, once. Pending events of the old place count for the new one: all are marked. The dummy
 * may hold what other domains' vcpus put there. */
int mm_map_vcpu_info(struct vcpu *v, uint64_t gfn, uint32_t offset) {
    struct vcpu_info *new;
    char *page;

    if (offset > PAGE_SIZE - sizeof(*new) || (offset & 7)) return -ENXIO;
    if (!mfn_eq(v->info_mfn, INVALID_MFN)) return -EINVAL;
    if (v != current && !test_bit(VPF_DOWN, &v->pause_flags)) return -EINVAL;
    page = mm_map_guest_frame(v->domain, gfn);
    if (!page) return -EINVAL;
    new = (struct vcpu_info *)(page + offset);
    *new = v->info == &dummy_vcpu_info ? (struct vcpu_info){.evtchn_upcall_mask = 1} : *v->info;
    v->info_mfn = virt_to_mfn(page);
    __atomic_store_n(&v->info, new, __ATOMIC_SEQ_CST);
    /* Events sent to the old place while it was copied must not be lost. */
    __atomic_store_n(&new->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
    vcpu_mark_events_pending(v);
    return 0;
}

/* v never runs again. Its base pointers have been dropped by mm_drop_vcpu_pagetables(); what still
 * sends events to it finds the dummy. */
void mm_destroy_vcpu(struct vcpu *v) {
    struct frame *f = v->mm.pending;
    mfn_t info = v->info_mfn;

    v->mm.pending = NULL;
    if (f) frame_drop(f); /* whoever destroys its domain finishes it */
    mm_set_ldt(v, 0, 0);
    mm_drop_gdt(v);
    if (mfn_eq(info, INVALID_MFN)) return;
    __atomic_store_n(&v->info, &dummy_vcpu_info, __ATOMIC_SEQ_CST);
    v->info_mfn = INVALID_MFN;
    mm_unmap_guest_frame(mfn_to_virt(info));
}

/* The first frame of the list, with a reference; NULL: none, or its last reference is just being
 * put, and it will leave the list. */
static struct frame *first_frame(struct domain *d) {
    struct frame *f;

    SPIN_SCOPE(&d->mm.lock);
    f = &frame_table[d->mm.first_frame];
    return d->mm.first_frame && frame_try_get(f, owner_tag(d)) ? f : NULL;
}

/* f, which has a reference of ours, loses its pin, its partial state and its owner's reference, in
 * that order, and leaves the list: it goes now, or when the tables that map it are torn down, or
 * with the last reference of whoever still holds it. */
static int give_up(struct domain *d, struct frame *f) {
    if (frame_unpin(f)) {
        (void)type_put(f, 1); /* what is left to do is partial: next */
        frame_drop(f);
    }
    while (frame_finish_partial(f, FT_TYPE_MASK))
        if (preempt_check()) return -ERESTART;
    free_domain_frame(f);
    list_remove(d, f);
    return 0;
}

/* After the vcpus of d let go of their frames. It is DYING, so no frame comes and no pin stays. */
int mm_relinquish_domain(struct domain *d) {
    int rc = mm_finish_pending(current);
    struct frame *f;

    if (rc) return rc;
    domain_set_claim(d, 0);
    while (READ_ONCE(d->mm.first_frame)) {
        f = first_frame(d);
        if (f) {
            rc = give_up(d, f);
            frame_drop(f);
            if (rc) return rc;
        } else {
            smp_poll();
        }
        if (preempt_check()) return -ERESTART;
    }
    return 0;
}
