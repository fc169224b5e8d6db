/* SPDX-License-Identifier: MIT */
/*
 * Copying between frames that are granted, or one's own, and swapping two entries. A copy pins both
 * ends like a mapping would, moves the bytes through the direct map, and lets go again.
 */
#include "table.h"

#include <hv/pcpu.h>

/* One end of a copy, held. */
struct end {
    struct domain *d; /* the granter, or the frame's owner; reference held */
    struct frame *f;  /* reference held, writable type too for the destination */
    struct active is; /* what was granted, or the own frame as if it were */
    bool readonly, pinned;
    uint32_t ref;
    /* A transitive entry pins the entry it names as well. */
    struct domain *via;
    uint32_t via_ref;
};

static void end_release(struct end *e) {
    if (e->f) frame_refs_put(e->f, e->readonly);
    if (e->pinned) unpin(e->d, e->ref, e->readonly, 1);
    if (e->via) {
        unpin(e->via, e->via_ref, e->readonly, 1);
        domain_put(e->via);
    }
    if (e->d) domain_put(e->d);
}

/* Pins e->ref of e->d for ld. */
static int16_t pin_entry(struct end *e, domid_t ld) {
    struct grant_table *t = grants_of(e->d);
    int16_t rc;

    SPIN_SCOPE(&t->lock);
    rc = access_begin(e->d, e->ref, ld, e->readonly, false);
    if (!rc) e->is = *active_of(t, e->ref);
    e->pinned = !rc;
    return rc;
}

/* An entry may pass on a grant that its owner itself received: that is followed one step. */
static int16_t end_by_ref(struct end *e, domid_t ld) {
    domid_t td;
    int16_t rc = pin_entry(e, ld);

    if (rc || !e->is.transitive) return rc;
    td = e->is.start;
    if (td == e->d->id) return GNTST_general_error;
    e->via = e->d;
    e->via_ref = e->ref;
    e->pinned = false;
    e->ref = (uint32_t)e->is.mfn;
    e->d = domain_get(td);
    if (!e->d) return GNTST_general_error;
    rc = pin_entry(e, e->via->id);
    return !rc && e->is.transitive ? GNTST_general_error : rc;
}

static int16_t end_begin(struct end *e, const struct gnttab_copy_ptr *p, bool is_ref,
                         bool readonly) {
    struct frame *f;
    int16_t rc;

    *e = (struct end){.readonly = readonly, .is.length = PAGE_SIZE};
    if (!is_ref && p->domid != DOMID_SELF)
        return GNTST_permission_denied; /* somebody else's frame without a grant */
    e->d = domain_get_self_or(p->domid);
    if (!e->d) return GNTST_bad_domain;
    e->ref = p->u.ref;
    e->is.mfn = p->u.gmfn;
    rc = is_ref ? end_by_ref(e, current->domain->id) : GNTST_okay;
    if (!rc) rc = granted_frame_get(e->d, e->is.mfn, readonly, &f);
    if (!rc) e->f = f;
    return rc;
}

static bool part_allowed(const struct end *e, uint32_t offset, uint32_t len) {
    return offset >= e->is.start && offset + len <= (uint32_t)e->is.start + e->is.length &&
           offset + len <= PAGE_SIZE;
}

void copy_op(void *arg) {
    struct gnttab_copy *op = arg;
    struct end src = {0}, dst = {0};
    int16_t rc = end_begin(&src, &op->source, op->flags & GNTCOPY_source_gref, true);

    if (!rc) rc = end_begin(&dst, &op->dest, op->flags & GNTCOPY_dest_gref, false);
    if (!rc && (op->source.offset + (uint32_t)op->len > PAGE_SIZE ||
                op->dest.offset + (uint32_t)op->len > PAGE_SIZE))
        rc = GNTST_bad_copy_arg;
    if (!rc && (!part_allowed(&src, op->source.offset, op->len) ||
                !part_allowed(&dst, op->dest.offset, op->len)))
        rc = GNTST_general_error;
    if (!rc)
        memmove((uint8_t *)mfn_to_virt(frame_to_mfn(dst.f)) + op->dest.offset,
                (uint8_t *)mfn_to_virt(frame_to_mfn(src.f)) + op->source.offset, op->len);
    end_release(&dst);
    end_release(&src);
    op->status = rc;
}

/* Exchanges two entries, neither in use. */
static int16_t swap(struct grant_table *t, uint32_t a, uint32_t b) {
    grant_entry_v2_t was;
    void *x, *y;
    size_t size;

    SPIN_SCOPE(&t->lock);
    if (a >= table_entries(t) || b >= table_entries(t)) return GNTST_bad_gntref;
    if (a == b) return GNTST_okay;
    a = (uint32_t)array_index_nospec(a, table_entries(t));
    b = (uint32_t)array_index_nospec(b, table_entries(t));
    if (is_pinned(active_of(t, a)) || is_pinned(active_of(t, b))) return GNTST_eagain;
    size = t->version == 2 ? sizeof(grant_entry_v2_t) : sizeof(grant_entry_v1_t);
    x = t->version == 2 ? (void *)entry_v2(t, a) : entry_v1(t, a);
    y = t->version == 2 ? (void *)entry_v2(t, b) : entry_v1(t, b);
    memcpy(&was, x, size);
    memcpy(x, y, size);
    memcpy(y, &was, size);
    return GNTST_okay;
}

void swap_op(void *arg) {
    struct gnttab_swap_grant_ref *op = arg;

    op->status = swap(grants_of(current->domain), op->ref_a, op->ref_b);
}
