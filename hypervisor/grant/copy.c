/* SPDX-License-Identifier: MIT */
/*
 * Copying between frames that are granted, or one's own, and swapping two entries. A copy pins both
 * ends like a mapping would, moves the bytes through the direct map, and lets go again.
 */
#include "table.h"

#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/pcpu.h>
#include <hv/softirq.h>
#include <hv/string.h>

/* One end of a copy, held. */
struct end {
    struct domain *d;       /* the granter, or the frame's owner; reference held */
    struct frame *f;        /* reference held, writable type too for the destination */
    uint16_t start, length; /* part that may be touched */
    bool readonly;
    bool pinned;
    uint32_t ref;
    /* A transitive entry pins the entry it names as well. */
    struct domain *via;
    uint32_t via_ref;
};

static void end_release(struct end *e) {
    if (e->f) {
        if (e->readonly)
            frame_put(e->f);
        else
            frame_put_writable(e->f);
    }
    if (e->pinned) {
        spin_lock(&grants_of(e->d)->lock);
        access_end(e->d, e->ref, e->readonly);
        spin_unlock(&grants_of(e->d)->lock);
    }
    if (e->via) {
        spin_lock(&grants_of(e->via)->lock);
        access_end(e->via, e->via_ref, e->readonly);
        spin_unlock(&grants_of(e->via)->lock);
        domain_put(e->via);
    }
    if (e->d) domain_put(e->d);
    *e = (struct end){0};
}

static int16_t take_frame(struct end *e, uint64_t mfn) {
    struct frame *f;

    if (!mfn_valid(_mfn(mfn))) return GNTST_bad_page;
    f = mfn_to_frame(_mfn(mfn));
    if (!frame_get(f, e->d)) return GNTST_bad_page;
    if (!e->readonly) {
        bool writable = frame_get_writable(f, e->d);

        frame_put(f);
        if (!writable) return GNTST_general_error;
    }
    e->f = f;
    return GNTST_okay;
}

/* Pins e->ref of e->d for ld; for a transitive entry tells what it stands for. */
static int16_t pin_entry(struct end *e, domid_t ld, bool *transitive, domid_t *td, uint32_t *tref) {
    struct grant_table *t = grants_of(e->d);
    int16_t rc;

    spin_lock(&t->lock);
    rc = access_begin(e->d, e->ref, ld, e->readonly, false);
    if (!rc) {
        struct active *a = active_of(t, e->ref);

        e->pinned = true;
        e->start = a->start;
        e->length = a->length;
        *transitive = a->mfn == mfn_x(INVALID_MFN) && entry_is_transitive(t, e->ref, td, tref);
    }
    spin_unlock(&t->lock);
    return rc;
}

static uint64_t entry_mfn(const struct end *e) {
    struct grant_table *t = grants_of(e->d);
    uint64_t mfn;

    spin_lock(&t->lock);
    mfn = active_of(t, e->ref)->mfn;
    spin_unlock(&t->lock);
    return mfn;
}

/* The entry passes on a grant that e->d itself received: follow it, one step. */
static int16_t follow(struct end *e, domid_t td, uint32_t tref) {
    struct domain *first = e->d;
    bool again = false;
    domid_t td2;
    uint32_t tref2;

    if (td == first->id) return GNTST_general_error;
    e->via = first;
    e->via_ref = e->ref;
    e->pinned = false;
    e->d = domain_get(td);
    if (!e->d) return GNTST_general_error;
    e->ref = tref;
    int16_t rc = pin_entry(e, first->id, &again, &td2, &tref2);
    return rc ? rc : again ? GNTST_general_error : GNTST_okay;
}

static int16_t end_by_ref(struct end *e, uint32_t ref, domid_t ld) {
    bool transitive = false;
    domid_t td = 0;
    uint32_t tref = 0;
    int16_t rc;

    e->ref = ref;
    rc = pin_entry(e, ld, &transitive, &td, &tref);
    if (!rc && transitive) rc = follow(e, td, tref);
    return rc ? rc : take_frame(e, entry_mfn(e));
}

static int16_t end_begin(struct end *e, const struct gnttab_copy_ptr *p, bool is_ref,
                         bool readonly) {
    struct domain *ld = current->domain;

    e->readonly = readonly;
    if (!is_ref && p->domid != DOMID_SELF)
        return GNTST_permission_denied; /* somebody else's frame without a grant */
    e->d = domain_get_self_or(p->domid);
    if (!e->d) return GNTST_bad_domain;
    if (is_ref) return end_by_ref(e, p->u.ref, ld->id);
    e->length = PAGE_SIZE;
    return take_frame(e, p->u.gmfn);
}

static bool part_allowed(const struct end *e, uint32_t offset, uint32_t len) {
    return offset >= e->start && offset + len <= (uint32_t)e->start + e->length &&
           offset + len <= PAGE_SIZE;
}

static int16_t copy_one(const struct gnttab_copy *op) {
    struct end src = {0}, dst = {0};
    int16_t rc;

    if (op->source.offset + (uint32_t)op->len > PAGE_SIZE ||
        op->dest.offset + (uint32_t)op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    rc = end_begin(&src, &op->source, op->flags & GNTCOPY_source_gref, true);
    if (!rc) rc = end_begin(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, false);
    if (!rc && (!part_allowed(&src, op->source.offset, op->len) ||
                !part_allowed(&dst, op->dest.offset, op->len)))
        rc = GNTST_general_error;
    if (!rc)
        memmove((uint8_t *)mfn_to_virt(frame_to_mfn(dst.f)) + op->dest.offset,
                (uint8_t *)mfn_to_virt(frame_to_mfn(src.f)) + op->source.offset, op->len);
    end_release(&dst);
    end_release(&src);
    return rc;
}

long copy_batch(uint64_t arg, uint32_t count, uint32_t *done) {
    struct gnttab_copy op;

    for (; *done < count; ++*done) {
        if (*done && preempt_check()) return -ERESTART;
        if (copy_from_guest_idx(&op, arg, *done)) return -EFAULT;
        op.status = copy_one(&op);
        if (copy_to_guest(arg + *done * sizeof(op) + offsetof(struct gnttab_copy, status),
                          &op.status, sizeof(op.status)))
            return -EFAULT;
    }
    return 0;
}

/* Exchanges two of the caller's entries, neither in use. */
static int16_t swap_one(uint32_t a, uint32_t b) {
    struct grant_table *t = grants_of(current->domain);
    int16_t rc = GNTST_okay;

    spin_lock(&t->lock);
    if (a >= table_entries(t) || b >= table_entries(t)) {
        rc = GNTST_bad_gntref;
    } else if (a != b) {
        a = (uint32_t)array_index_nospec(a, table_entries(t));
        b = (uint32_t)array_index_nospec(b, table_entries(t));
        if (is_pinned(active_of(t, a)) || is_pinned(active_of(t, b))) {
            rc = GNTST_eagain;
        } else if (t->version == 2) {
            grant_entry_v2_t x = *entry_v2(t, a);

            *entry_v2(t, a) = *entry_v2(t, b);
            *entry_v2(t, b) = x;
        } else {
            grant_entry_v1_t x = *entry_v1(t, a);

            *entry_v1(t, a) = *entry_v1(t, b);
            *entry_v1(t, b) = x;
        }
    }
    spin_unlock(&t->lock);
    return rc;
}

long swap_batch(uint64_t arg, uint32_t count, uint32_t *done) {
    struct gnttab_swap_grant_ref op;

    for (; *done < count; ++*done) {
        if (*done && preempt_check()) return -ERESTART;
        if (copy_from_guest_idx(&op, arg, *done)) return -EFAULT;
        op.status = swap_one(op.ref_a, op.ref_b);
        if (copy_to_guest_idx(arg, *done, &op)) return -EFAULT;
    }
    return 0;
}
