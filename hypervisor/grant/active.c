/* SPDX-License-Identifier: MIT */
/*
 * Taking and ending the use of a grant. The order that keeps both sides safe: mark the use in the
 * guest's entry, by a compare-exchange over flags and grantee together (version 1) or in the status
 * word followed by a second look at the flags (version 2), and only then believe the frame number.
 */
#include "table.h"

#define RETRIES 5 /* a guest may legally change an entry under us a few times, not for ever */

static uint16_t *pins_of(struct active *a, bool readonly) {
    return readonly ? &a->readers : &a->writers;
}

union header {
    struct {
        uint16_t flags;
        domid_t domid;
    };
    uint32_t raw;
};

/* Who wants to use which entry, and how. */
struct use {
    struct grant_table *t;
    uint32_t ref;
    const struct active *a;
    domid_t ld;
    bool readonly, for_map;
};

/* Part of a page, and what is only passed on, can be copied but not mapped. */
static inline bool permits(const struct use *u, union header h) {
    uint16_t type = h.flags & GTF_type_mask;

    if (!u->readonly && (h.flags & GTF_readonly)) return false;
    if (is_pinned(u->a)) return true;
    if (h.domid != u->ld) return false;
    if (u->for_map) return type == GTF_permit_access && !(h.flags & GTF_sub_page);
    return type == GTF_permit_access || (type == GTF_transitive && u->t->version == 2);
}

static uint16_t marks_of(bool readonly) { return GTF_reading | (readonly ? 0 : GTF_writing); }

static void clear_marks(struct grant_table *t, uint32_t ref, uint16_t marks) {
    uint16_t *word = t->version == 2 ? status_of(t, ref) : &entry_v1(t, ref)->flags;

    __atomic_fetch_and(word, (uint16_t)~marks, __ATOMIC_SEQ_CST);
}

static bool mark_v1(const struct use *u) {
    uint32_t *word = (uint32_t *)entry_v1(u->t, u->ref);
    union header h = {.raw = __atomic_load_n(word, __ATOMIC_ACQUIRE)}, new;

    for (unsigned int i = 0; i < RETRIES && permits(u, h); i++) {
        new = h;
        new.flags |= marks_of(u->readonly);
        if (__atomic_compare_exchange_n(word, &h.raw, new.raw, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_ACQUIRE))
            return true;
    }
    return false;
}

static bool mark_v2(const struct use *u) {
    uint32_t *word = (uint32_t *)&entry_v2(u->t, u->ref)->hdr;
    union header h = {.raw = __atomic_load_n(word, __ATOMIC_ACQUIRE)};
    uint16_t marks = marks_of(u->readonly), added;

    if (!permits(u, h)) return false;
    added = marks & ~__atomic_fetch_or(status_of(u->t, u->ref), marks, __ATOMIC_SEQ_CST);
    h.raw = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if (permits(u, h)) return true;
    clear_marks(u->t, u->ref, is_pinned(u->a) ? added : marks);
    return false;
}

/* What the entry grants, read once now that it is marked. */
static int16_t record(const struct grant_table *t, uint32_t ref, struct active *a) {
    grant_entry_v2_t *e = t->version == 2 ? entry_v2(t, ref) : NULL;
    uint16_t flags = e ? READ_ONCE(e->hdr.flags) : 0;

    a->start = 0;
    a->length = PAGE_SIZE;
    a->transitive = (flags & GTF_type_mask) == GTF_transitive;
    a->copy_only = a->transitive || (flags & GTF_sub_page);
    if (a->transitive) {
        a->start = READ_ONCE(e->transitive.trans_domid);
        a->mfn = READ_ONCE(e->transitive.gref);
    } else if (a->copy_only) {
        a->start = READ_ONCE(e->sub_page.page_off);
        a->length = READ_ONCE(e->sub_page.length);
        a->mfn = READ_ONCE(e->sub_page.frame);
    } else {
        a->mfn = e ? READ_ONCE(e->full_page.frame) : READ_ONCE(entry_v1(t, ref)->frame);
    }
    return a->mfn > FRAME_ADDRESS_MAX ? GNTST_bad_page : GNTST_okay;
}

int16_t access_begin(struct domain *rd, uint32_t ref, domid_t ld, bool readonly, bool for_map) {
    struct grant_table *t = grants_of(rd);
    struct use u = {t, ref, NULL, ld, readonly, for_map};
    struct active *a;
    int16_t rc;

    if (ref >= table_entries(t)) return GNTST_bad_gntref;
    u.ref = ref = (uint32_t)array_index_nospec(ref, table_entries(t));
    u.a = a = active_of(t, ref);
    if (is_pinned(a) &&
        (a->domid != ld || (for_map && a->copy_only) || *pins_of(a, readonly) == PIN_MAX))
        return GNTST_general_error;
    if ((!is_pinned(a) || (!readonly && !a->writers)) &&
        !(t->version == 2 ? mark_v2(&u) : mark_v1(&u)))
        return GNTST_general_error;
    if (!is_pinned(a)) {
        rc = record(t, ref, a);
        if (!rc && for_map && a->copy_only)
            rc = GNTST_general_error; /* it became one since it was looked at */
        if (rc) {
            clear_marks(t, ref, MARKS);
            return rc;
        }
        a->domid = ld;
    }
    ++*pins_of(a, readonly);
    return GNTST_okay;
}

void access_end(struct domain *rd, uint32_t ref, bool readonly) {
    struct grant_table *t = grants_of(rd);
    struct active *a = active_of(t, ref);
    uint16_t marks = 0;

    --*pins_of(a, readonly);
    if (!a->writers) marks |= GTF_writing;
    if (!is_pinned(a)) marks |= GTF_reading;
    if (marks && t->nr_frames && ref < table_entries(t)) /* the frames of a dead domain are gone */
        clear_marks(t, ref, marks);
}

void unpin(struct domain *rd, uint32_t ref, bool readonly, unsigned int times) {
    SPIN_SCOPE(&grants_of(rd)->lock);
    while (times--) access_end(rd, ref, readonly);
}
