/* SPDX-License-Identifier: MIT */
/*
 * A domain's grant table, shared among the files of grant/.
 *
 * shared[] and status[] are frames that the guest writes: entries are read once and changed by
 * compare-exchange, and nothing in them is believed again later. What has been granted is kept in
 * active[], which the guest cannot see: while an entry has pins, its grantee and frame are those
 * recorded there, whatever the guest writes. README.md has the locks.
 */
#pragma once

#include <hv/domain.h>

#define GRANT_FRAMES_DEFAULT    64u
#define MAPTRACK_FRAMES_DEFAULT 1024u
#define GRANT_FRAMES_LIMIT      1024u
#define MAPTRACK_FRAMES_LIMIT   16384u
#define PIN_MAX                 0xffffu /* of each sort: enough, and cannot wrap */

/* An entry in use. Pins keep it; each pin of a mapping or copy is counted once by its right. */
struct active {
    uint16_t readers, writers;
    domid_t domid;          /* the grantee */
    bool copy_only;         /* part of a page, or transitive: not to be mapped */
    bool transitive;        /* names another domain's entry: start is the domain, mfn the entry */
    uint16_t start, length; /* the part of the frame that is granted */
    uint64_t mfn;
};

/*
 * A handle of a grantee. flags are GNTMAP_*; the sorts of mapping that an unmap is just taking away
 * are shifted left by MAPPING_LEAVING. 0: free, and ref links the free ones; or one mapping's that
 * is being made, whose the rest is without the lock until flags come, last. The granter may be
 * gone before it, if the grantee wrote over the page-table entry instead of unmapping it, or mapped
 * what was Hospes's own; and its id may be another's then, of another incarnation.
 */
#define MAPPING_SORTS   (GNTMAP_host_map | GNTMAP_device_map)
#define MAPPING_KEPT    (MAPPING_SORTS | GNTMAP_readonly | GNTMAP_contains_pte)
#define MAPPING_LEAVING 13
struct mapping {
    uint32_t ref;
    uint16_t flags;
    domid_t domid; /* the granter */
    uint32_t mfn, incarnation;
};

#define ACTIVE_PER_PAGE  (PAGE_SIZE / sizeof(struct active))
#define MAPPING_PER_PAGE (PAGE_SIZE / sizeof(struct mapping))
#define V1_PER_PAGE      (PAGE_SIZE / sizeof(grant_entry_v1_t))
#define V2_PER_PAGE      (PAGE_SIZE / sizeof(grant_entry_v2_t))
#define STATUS_PER_PAGE  (PAGE_SIZE / sizeof(grant_status_t))
#define NO_HANDLE        (~0u)

struct grant_table {
    spinlock_t lock;  /* ORDER_GRANT */
    uint32_t version; /* 1 or 2 */
    uint32_t max_version;
    uint32_t nr_frames, max_frames;
    uint32_t nr_status;
    void **shared; /* max_frames pointers, as many for status */
    void **status;
    struct active **active;
    uint32_t nr_active; /* pages of active[] */

    spinlock_t maptrack_lock; /* ORDER_MAPTRACK */
    struct mapping **maptrack;
    uint32_t nr_maptrack, max_maptrack; /* pages */
    uint32_t free_handle;               /* NO_HANDLE: none */
    uint32_t release_next;              /* progress of grant_release_mappings() */
};

static inline struct grant_table *grants_of(const struct domain *d) { return d->grants; }

/* lock held for all of these */
static inline uint32_t table_entries(const struct grant_table *t) {
    return (uint32_t)(t->nr_frames * (t->version == 2 ? V2_PER_PAGE : V1_PER_PAGE));
}

static inline struct active *active_of(const struct grant_table *t, uint32_t ref) {
    ref = (uint32_t)array_index_nospec(ref, t->nr_active * ACTIVE_PER_PAGE);
    return &t->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
}

static inline grant_entry_v1_t *entry_v1(const struct grant_table *t, uint32_t ref) {
    return (grant_entry_v1_t *)t->shared[ref / V1_PER_PAGE] + ref % V1_PER_PAGE;
}

static inline grant_entry_v2_t *entry_v2(const struct grant_table *t, uint32_t ref) {
    return (grant_entry_v2_t *)t->shared[ref / V2_PER_PAGE] + ref % V2_PER_PAGE;
}

static inline bool is_pinned(const struct active *a) { return a->readers | a->writers; }

/* The mark of a version 2 entry's use. */
static inline grant_status_t *status_of(const struct grant_table *t, uint32_t ref) {
    return (grant_status_t *)t->status[ref / STATUS_PER_PAGE] + ref % STATUS_PER_PAGE;
}

/* References for one mapping or copy of rd's frame. No lock. GNTST_bad_page: it is not rd's;
 * GNTST_general_error: it is not for this use. */
static inline int16_t granted_frame_get(struct domain *rd, uint64_t mfn, bool readonly,
                                        struct frame **f) {
    if (mfn >= max_frame) return GNTST_bad_page;
    *f = mfn_to_frame(_mfn(array_index_nospec(mfn, max_frame)));
    if (likely(readonly ? frame_get(*f, rd) : frame_get_writable(*f, rd))) return GNTST_okay;
    if (readonly || !frame_get(*f, rd)) return GNTST_bad_page;
    frame_put(*f);
    return GNTST_general_error;
}

/* Gives back what granted_frame_get() took. */
static inline void frame_refs_put(struct frame *f, bool readonly) {
    if (readonly)
        frame_put(f);
    else
        frame_put_writable(f);
}

/* active.c. GNTST_*. The granter's lock is held, but for unpin(). */
/* Pins entry ref of rd for ld: checks it, marks it in the guest's entry, records what it grants. */
int16_t access_begin(struct domain *rd, uint32_t ref, domid_t ld, bool readonly, bool for_map);
/* Drops one pin; takes the marks away when nobody needs them. */
void access_end(struct domain *rd, uint32_t ref, bool readonly);
void unpin(struct domain *rd, uint32_t ref, bool readonly, unsigned int times);

/* Operations on the caller's copy of an array's element: map.c, copy.c. */
void map_op(void *map_grant_ref);
void copy_op(void *copy);
void swap_op(void *swap_grant_ref);
/* The guest's array of unmap_grant_ref, or of unmap_and_replace: 0, -EFAULT, -ERESTART. */
long unmap_batch(uint64_t arg, uint32_t count, bool replace, uint32_t *done);

#define MARKS             (GTF_reading | GTF_writing)
#define FRAME_ADDRESS_MAX ((1ULL << 40) - 1)
