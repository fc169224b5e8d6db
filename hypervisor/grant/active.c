/* SPDX-License-Identifier: MIT */
/*
 * Taking and ending the use of a grant. The order that keeps both sides safe: mark the use in the
 * guest's entry, by a compare-exchange over flags and grantee together (version 1) or in the status
 * word followed by a second look at the flags (version 2), and only then believe the frame number.
 */
#include "table.h"

#include <hv/pcpu.h>

#define RETRIES 5 /* a guest may legally change an entry under us a few times, not for ever */

union header {
    struct {
        uint16_t flags;
        domid_t domid;
    };
    uint32_t raw;
};

static uint16_t type_of(uint16_t flags, bool for_map) {
    return flags & (GTF_type_mask | (for_map ? GTF_sub_page : 0));
}

static bool permits(const struct grant_table *t, union header h, domid_t ld, bool for_map) {
    uint16_t type = type_of(h.flags, for_map);

    if (h.domid != ld) return false;
    return type == GTF_permit_access ||
           (t->version == 2 && !for_map && (type & GTF_type_mask) == GTF_transitive) ||
           (!for_map && (type & GTF_type_mask) == GTF_permit_access);
}

static int16_t mark_v1(struct grant_table *t, uint32_t ref, const struct active *a, domid_t ld,
                       bool readonly, bool for_map) {
    uint32_t *word = (uint32_t *)entry_v1(t, ref);
    union header h = {.raw = __atomic_load_n(word, __ATOMIC_ACQUIRE)}, new;

    for (unsigned int i = 0; i < RETRIES; i++) {
        if (!is_pinned(a) && !permits(t, h, ld, for_map)) return GNTST_general_error;
        new = h;
        new.flags |= GTF_reading;
        if (!readonly) {
            if (h.flags & GTF_readonly) return GNTST_general_error;
            new.flags |= GTF_writing;
        }
        if (__atomic_compare_exchange_n(word, &h.raw, new.raw, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_ACQUIRE))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

static grant_status_t *status_of(struct grant_table *t, uint32_t ref) {
    return &t->status[ref / STATUS_PER_PAGE][ref % STATUS_PER_PAGE];
}

static void clear_marks(struct grant_table *t, uint32_t ref, uint16_t marks) {
    uint16_t *word = t->version == 2 ? status_of(t, ref) : &entry_v1(t, ref)->flags;

    __atomic_fetch_and(word, (uint16_t)~marks, __ATOMIC_SEQ_CST);
}

static int16_t mark_v2(struct grant_table *t, uint32_t ref, const struct active *a, domid_t ld,
                       bool readonly, bool for_map) {
    uint32_t *word = (uint32_t *)&entry_v2(t, ref)->hdr;
    union header h = {.raw = __atomic_load_n(word, __ATOMIC_ACQUIRE)};
    uint16_t marks = GTF_reading | (readonly ? 0 : GTF_writing), added;

    if ((!is_pinned(a) && !permits(t, h, ld, for_map)) || (!readonly && (h.flags & GTF_readonly)))
        return GNTST_general_error;
    added = marks & ~__atomic_fetch_or(status_of(t, ref), marks, __ATOMIC_SEQ_CST);
    h.raw = __atomic_load_n(word, __ATOMIC_ACQUIRE);
    if ((!is_pinned(a) && !permits(t, h, ld, for_map)) || (!readonly && (h.flags & GTF_readonly))) {
        if (!is_pinned(a)) added = marks;
        clear_marks(t, ref, added);
        return GNTST_general_error;
    }
    return GNTST_okay;
}

/* What the entry grants, read once now that it is marked. */
static int16_t record(struct grant_table *t, uint32_t ref, struct active *a) {
    uint64_t mfn;

    a->start = 0;
    a->length = PAGE_SIZE;
    a->sub_page = false;
    if (t->version == 1) {
        mfn = READ_ONCE(entry_v1(t, ref)->frame);
    } else {
        grant_entry_v2_t *e = entry_v2(t, ref);
        uint16_t flags = READ_ONCE(e->hdr.flags);

        if ((flags & GTF_type_mask) == GTF_transitive) {
            a->mfn = mfn_x(INVALID_MFN);
            return GNTST_okay;
        }
        if (flags & GTF_sub_page) {
            a->sub_page = true;
            a->start = READ_ONCE(e->sub_page.page_off);
            a->length = READ_ONCE(e->sub_page.length);
            mfn = READ_ONCE(e->sub_page.frame);
        } else {
            mfn = READ_ONCE(e->full_page.frame);
        }
    }
    if (mfn > FRAME_ADDRESS_MAX) return GNTST_bad_page;
    a->mfn = mfn;
    return GNTST_okay;
}

int16_t access_begin(struct domain *rd, uint32_t ref, domid_t ld, bool readonly, bool for_map) {
    struct grant_table *t = grants_of(rd);
    struct active *a;
    int16_t rc;

    if (ref >= table_entries(t)) return GNTST_bad_gntref;
    ref = (uint32_t)array_index_nospec(ref, table_entries(t));
    a = active_of(t, ref);
    if (is_pinned(a) && (a->domid != ld || (for_map && a->sub_page) ||
                         (readonly ? a->readers : a->writers) == PIN_MAX))
        return GNTST_general_error;
    if (!is_pinned(a) || (!readonly && !a->writers)) {
        rc = t->version == 2 ? mark_v2(t, ref, a, ld, readonly, for_map)
                             : mark_v1(t, ref, a, ld, readonly, for_map);
        if (rc) return rc;
    }
    if (!is_pinned(a)) {
        rc = record(t, ref, a);
        if (!rc && for_map && a->sub_page)
            rc = GNTST_general_error; /* it became one since it was looked at */
        if (rc) {
            clear_marks(t, ref, GTF_reading | GTF_writing);
            return rc;
        }
        a->domid = ld;
    }
    if (readonly)
        a->readers++;
    else
        a->writers++;
    return GNTST_okay;
}

void access_end(struct domain *rd, uint32_t ref, bool readonly) {
    struct grant_table *t = grants_of(rd);
    struct active *a = active_of(t, ref);
    uint16_t marks = 0;

    if (readonly)
        a->readers--;
    else
        a->writers--;
    if (!a->writers) marks |= GTF_writing;
    if (!is_pinned(a)) marks |= GTF_reading;
    if (marks && t->nr_frames && ref < table_entries(t)) /* the frames of a dead domain are gone */
        clear_marks(t, ref, marks);
}

bool entry_is_transitive(const struct grant_table *t, uint32_t ref, domid_t *td, uint32_t *tref) {
    grant_entry_v2_t *e;

    if (t->version != 2 || ref >= table_entries(t)) return false;
    e = entry_v2(t, ref);
    if ((READ_ONCE(e->hdr.flags) & GTF_type_mask) != GTF_transitive) return false;
    *td = READ_ONCE(e->transitive.trans_domid);
    *tref = READ_ONCE(e->transitive.gref);
    return true;
}
