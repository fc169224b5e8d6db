/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames. A handle of the grantee remembers the granter, the reference and which
 * sorts of mapping exist. References on the frame: one of the host mapping belongs to the
 * page-table entry (so that tearing down the tables of a dying grantee drops it), one of a device
 * mapping to the handle.
 *
 * Unmapping works in batches: all entries of a batch are cleared, one flush of the grantee's CPUs
 * follows, and only then are the references given back.
 */
#include "table.h"

#include <hv/hypercall.h>

#define UNMAP_BATCH 32

/* Handles. maptrack_lock held. */

static struct mapping *mapping_of(const struct grant_table *t, uint32_t handle) {
    if (handle / MAPPING_PER_PAGE >= t->nr_maptrack) return NULL;
    handle = (uint32_t)array_index_nospec(handle, t->nr_maptrack * MAPPING_PER_PAGE);
    return &t->maptrack[handle / MAPPING_PER_PAGE][handle % MAPPING_PER_PAGE];
}

static void maptrack_grow(struct grant_table *t) {
    uint32_t first = (uint32_t)(t->nr_maptrack * MAPPING_PER_PAGE);
    struct mapping *page;

    if (t->nr_maptrack >= t->max_maptrack) return;
    page = alloc_page_hv();
    if (!page) return;
    for (uint32_t i = 0; i < MAPPING_PER_PAGE; i++)
        page[i].ref = i + 1 < MAPPING_PER_PAGE ? first + i + 1 : NO_HANDLE;
    t->maptrack[t->nr_maptrack++] = page;
    t->free_handle = first;
}

/* *m is the caller's until its flags say what it maps. */
static uint32_t handle_take(struct grant_table *t, struct mapping **m) {
    uint32_t handle;

    SPIN_SCOPE(&t->maptrack_lock);
    if (t->free_handle == NO_HANDLE) maptrack_grow(t);
    handle = t->free_handle;
    if (handle == NO_HANDLE) return handle;
    *m = mapping_of(t, handle);
    t->free_handle = (*m)->ref;
    return handle;
}

static void handle_free(struct grant_table *t, uint32_t handle) {
    struct mapping *m = mapping_of(t, handle);

    m->flags = 0;
    m->ref = t->free_handle;
    t->free_handle = handle;
}

/* How many mappings of a frame these flags stand for, each with its own pin and reference. */
static unsigned int sorts_of(uint32_t flags) {
    return !!(flags & GNTMAP_host_map) + !!(flags & GNTMAP_device_map);
}

/* Mapping. */

static uint64_t entry_flags(uint32_t flags) {
    uint64_t e = PTE_P | PTE_A | PTE_D | PTE_NX;

    if (flags & GNTMAP_application_map) e |= PTE_USER;
    if (!(flags & GNTMAP_readonly)) e |= PTE_RW;
    return e | ((uint64_t)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL);
}

/* Pins ref as often as the flags ask for and tells the frame. */
static int16_t pin_for_map(struct domain *rd, uint32_t ref, domid_t ld, uint32_t flags,
                           uint64_t *mfn) {
    struct grant_table *t = grants_of(rd);
    bool ro = flags & GNTMAP_readonly;
    int16_t rc;

    SPIN_SCOPE(&t->lock);
    rc = access_begin(rd, ref, ld, ro, true);
    if (!rc && sorts_of(flags) == 2 && (rc = access_begin(rd, ref, ld, ro, true)))
        access_end(rd, ref, ro);
    if (!rc) *mfn = active_of(t, ref)->mfn;
    return rc;
}

/* Takes a reference for each mapping that the flags ask for. */
static int16_t map_frame(struct domain *rd, struct gnttab_map_grant_ref *op, uint64_t mfn) {
    unsigned int n = sorts_of(op->flags), got = 0;
    bool ro = op->flags & GNTMAP_readonly;
    struct frame *f = NULL;
    int16_t rc = 0;

    while (got < n && !(rc = granted_frame_get(rd, mfn, ro, &f))) got++;
    if (!rc && (op->flags & GNTMAP_host_map) &&
        mm_map_grant(op->host_addr, op->flags & GNTMAP_contains_pte, _mfn(mfn),
                     entry_flags(op->flags)))
        rc = GNTST_general_error;
    while (rc && got--) frame_refs_put(f, ro);
    return rc;
}

static int16_t map_into(struct domain *ld, struct domain *rd, struct gnttab_map_grant_ref *op) {
    struct grant_table *lt = grants_of(ld);
    struct mapping *m;
    uint32_t handle = handle_take(lt, &m);
    uint64_t mfn = 0;
    int16_t rc;

    if (handle == NO_HANDLE) return GNTST_no_space;
    rc = pin_for_map(rd, op->ref, ld->id, op->flags, &mfn);
    if (!rc) {
        rc = map_frame(rd, op, mfn);
        if (rc) unpin(rd, op->ref, op->flags & GNTMAP_readonly, sorts_of(op->flags));
    }
    if (unlikely(rc)) {
        SPIN_SCOPE(&lt->maptrack_lock);
        handle_free(lt, handle);
        return rc;
    }
    m->domid = rd->id;
    m->incarnation = rd->incarnation;
    m->ref = op->ref;
    m->mfn = (uint32_t)mfn;
    /* Nobody else looks at a handle without flags: no lock (claim()). */
    __atomic_store_n(&m->flags, (uint16_t)(op->flags & MAPPING_KEPT), __ATOMIC_RELEASE);
    op->handle = handle;
    op->dev_bus_addr = mfn << PAGE_SHIFT;
    return GNTST_okay;
}

void map_op(void *arg) {
    struct gnttab_map_grant_ref *op = arg;
    bool sorts = op->flags & MAPPING_SORTS;
    struct domain *rd DOMAIN_PUT_AT_END = sorts ? domain_get(op->dom) : NULL;

    op->status = likely(rd) ? map_into(current->domain, rd, op)
                 : sorts    ? GNTST_bad_domain
                            : GNTST_bad_gntref;
}

/* Unmapping. */

struct unmap {
    uint64_t host_addr, dev_bus_addr, new_addr;
    uint32_t handle;
    int16_t status;
    uint16_t gone;      /* MAPPING_SORTS: mappings that were taken away */
    struct mapping was; /* what the handle stood for */
};

/* Claims the mappings to be removed from the handle, so that no other vcpu removes them too. They
 * are leaving until settle(), and the handle is not freed as long as any is. */
static int16_t claim(struct grant_table *lt, struct unmap *u) {
    struct mapping *m;
    uint16_t want =
        (u->host_addr ? GNTMAP_host_map : 0) | (u->dev_bus_addr ? GNTMAP_device_map : 0);

    SPIN_SCOPE(&lt->maptrack_lock);
    m = mapping_of(lt, u->handle);
    /* Its flags come last where it is made, without the lock, and are looked at first. */
    if (!m || !(__atomic_load_n(&m->flags, __ATOMIC_ACQUIRE) & MAPPING_SORTS))
        return GNTST_bad_handle;
    u->was = *m;
    u->gone = m->flags & want;
    m->flags = (uint16_t)((m->flags & ~u->gone) | u->gone << MAPPING_LEAVING);
    return GNTST_okay;
}

/* What was claimed of a handle is gone, or could not be unmapped and stays. */
static void settle(struct grant_table *lt, uint32_t handle, uint16_t claimed, bool stays) {
    struct mapping *m;

    SPIN_SCOPE(&lt->maptrack_lock);
    m = mapping_of(lt, handle);
    m->flags &= (uint16_t) ~(claimed << MAPPING_LEAVING);
    if (stays) m->flags |= claimed;
    if (!(m->flags & (MAPPING_SORTS | MAPPING_SORTS << MAPPING_LEAVING))) handle_free(lt, handle);
}

static void keep(struct grant_table *lt, struct unmap *u, int16_t why) {
    settle(lt, u->handle, u->gone, true);
    u->gone = 0;
    u->status = why;
}

/* If the granter is still the one that the handle meant. */
static void unpin_mapping(const struct mapping *m, unsigned int times) {
    struct domain *rd DOMAIN_PUT_AT_END = domain_get(m->domid);

    if (rd && rd->incarnation == m->incarnation)
        unpin(rd, m->ref, m->flags & GNTMAP_readonly, times);
}

static void unmap_one(struct grant_table *lt, struct unmap *u) {
    mfn_t mfn;

    u->status = claim(lt, u);
    if (u->status) return;
    mfn = _mfn(u->was.mfn);
    if ((u->gone & GNTMAP_device_map) && u->dev_bus_addr != mfn_to_paddr(mfn))
        keep(lt, u, GNTST_bad_dev_addr);
    if ((u->gone & GNTMAP_host_map) &&
        mm_unmap_grant(u->host_addr, u->was.flags & GNTMAP_contains_pte, mfn,
                       !(u->was.flags & GNTMAP_readonly), u->new_addr))
        keep(lt, u, GNTST_general_error);
}

/* After the flush: nothing can reach the frame through this mapping any more. */
static void unmap_finish(struct grant_table *lt, struct unmap *u) {
    struct frame *f = mfn_to_frame(_mfn(u->was.mfn));
    unsigned int n = sorts_of(u->gone);

    if (!n) return;
    for (unsigned int i = 0; i < n; i++) frame_refs_put(f, u->was.flags & GNTMAP_readonly);
    unpin_mapping(&u->was, n);
    settle(lt, u->handle, u->gone, false);
}

/* Both operations' structures have one shape: new_addr is where the other has dev_bus_addr. */
_Static_assert(sizeof(struct gnttab_unmap_and_replace) == sizeof(struct gnttab_unmap_grant_ref) &&
                   offsetof(struct gnttab_unmap_and_replace, new_addr) ==
                       offsetof(struct gnttab_unmap_grant_ref, dev_bus_addr) &&
                   offsetof(struct gnttab_unmap_and_replace, status) ==
                       offsetof(struct gnttab_unmap_grant_ref, status),
               "read as the other");

long unmap_batch(uint64_t arg, uint32_t count, bool replace, uint32_t *done) {
    struct grant_table *lt = grants_of(current->domain);
    struct gnttab_unmap_grant_ref op;
    struct unmap u[UNMAP_BATCH];

    while (*done < count) {
        unsigned int n = 0, max = min(count - *done, (uint32_t)UNMAP_BATCH);
        bool flush = false;
        long rc = 0;

        if (*done && preempt_check()) return -ERESTART;
        for (; n < max && !(rc = copy_from_guest_idx(&op, arg, *done + n)); n++) {
            u[n] = (struct unmap){.host_addr = op.host_addr, .handle = op.handle};
            *(replace ? &u[n].new_addr : &u[n].dev_bus_addr) = op.dev_bus_addr;
            unmap_one(lt, &u[n]);
            flush |= u[n].gone & GNTMAP_host_map;
        }
        if (flush) flush_domain(current->domain, FLUSH_ALL_VA);
        for (unsigned int i = 0; i < n; i++, ++*done) {
            unmap_finish(lt, &u[i]);
            if (copy_to_guest(arg + *done * sizeof(op) + offsetof(typeof(op), status), &u[i].status,
                              sizeof(u[i].status)))
                rc = -EFAULT;
        }
        if (rc) return rc;
    }
    return 0;
}

/* A dying grantee: pins go now; page-table entries drop their own references when the tables do. */
static void release_one(struct grant_table *lt, uint32_t handle) {
    struct mapping m;

    spin_lock(&lt->maptrack_lock);
    m = *mapping_of(lt, handle);
    if (m.flags) handle_free(lt, handle);
    spin_unlock(&lt->maptrack_lock);
    if (!(m.flags & MAPPING_SORTS)) return;
    if (m.flags & GNTMAP_device_map)
        frame_refs_put(mfn_to_frame(_mfn(m.mfn)), m.flags & GNTMAP_readonly);
    unpin_mapping(&m, sorts_of(m.flags));
}

int grant_release_mappings(struct domain *d) {
    struct grant_table *t = grants_of(d);

    if (!t) return 0;
    for (; t->release_next < t->nr_maptrack * MAPPING_PER_PAGE; t->release_next++) {
        if (t->release_next % 64 == 63 && preempt_check()) return -ERESTART;
        release_one(t, t->release_next);
    }
    return 0;
}

/* For the audit: the frames that d's device mappings hold. */
void grant_held_frames(const struct domain *d, void (*hold)(uint64_t mfn, bool writable)) {
    const struct grant_table *t = grants_of(d);

    for (uint32_t n = 0; t && n < t->nr_maptrack * MAPPING_PER_PAGE; n++) {
        const struct mapping *m = mapping_of(t, n);

        if (m->flags & GNTMAP_device_map) hold(m->mfn, !(m->flags & GNTMAP_readonly));
    }
}
