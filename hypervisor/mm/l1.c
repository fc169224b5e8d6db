/* SPDX-License-Identifier: MIT */
/*
 * L1 entries: what a guest maps. A present entry for RAM holds a frame reference on its frame, and
 * a writable type reference if it has RW; so a table or descriptor frame can only be mapped
 * read-only, and mapping another domain's frame needs that domain as pg_owner, which the callers
 * allow to privileged domains and for grants only. An entry for a frame outside RAM holds nothing;
 * it needs the frame in iomem_caps. Which of the two a frame is never changes.
 *
 * Bits that we add, and that the guest reads back, as Xen has them: entries without USER get USER
 * and PTE_GUEST_KERNEL, others G. CR4.PGE stays off while a guest runs, so that G does nothing.
 */
#include "mm_local.h"

#define L1_FLAGS                                                                                   \
    (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_G | PTE_AVAIL | PTE_AVAIL_HIGH | PTE_NX |     \
     PTE_ADDR)
#define L1_CACHE_FLAGS (PTE_PWT | PTE_PCD | PTE_PAT) /* for devices */

struct rangeset *mmio_ro_ranges;

static uint64_t adjust(uint64_t e) {
    if (!(e & PTE_USER))
        e |= PTE_GUEST_KERNEL | PTE_USER;
    else if (!(e & PTE_GUEST_KERNEL))
        e |= PTE_G;
    return e;
}

bool owns_devices(const struct domain *d) {
    return d->is_control || !rangeset_is_empty(d->iomem_caps) || !rangeset_is_empty(d->ioport_caps);
}

/* RAM that is not cached as others cache it need not be what they saw in it when it becomes a table
 * or somebody else's (XSA-402): only dom0's kernel is trusted with that. */
static ALWAYS_INLINE bool may_choose_caching(const struct domain *d, uint64_t mfn) {
    const struct frame *f = frame_of(mfn);

    return d->is_control || (owns_devices(d) && (!f || READ_ONCE(f->owner) == OWNER_IO));
}

static bool bad_flags(uint64_t e, const struct domain *d) {
    uint64_t bad = e & ~L1_FLAGS;

    return unlikely(bad) && ((bad & ~L1_CACHE_FLAGS) || !may_choose_caching(d, pte_mfn(e)));
}

/* A frame outside RAM. */
static int io_get(uint64_t *val, struct domain *pt_owner, struct domain *pg_owner) {
    uint64_t mfn = pte_mfn(*val);

    if (pg_owner == &dom_io) pg_owner = current->domain;
    if (!rangeset_contains(pg_owner->iomem_caps, mfn, mfn) ||
        !rangeset_contains(pt_owner->iomem_caps, mfn, mfn))
        return mfn == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
    if ((*val & PTE_RW) && rangeset_contains(mmio_ro_ranges, mfn, mfn)) *val &= ~PTE_RW;
    return 0;
}

static void note_foreign(struct frame *f, const struct domain *pt_owner) {
    if (f->owner != owner_tag(pt_owner) && !(READ_ONCE(f->count) & FC_FOREIGN))
        __atomic_fetch_or(&f->count, FC_FOREIGN, __ATOMIC_SEQ_CST);
}

/* References for a present entry with good flags. A frame that pg_owner does not own may still be
 * allowed: it is outside RAM, or pg_owner, named as foreign owner, is itself privileged over the
 * real owner. */
static int get_refs(uint64_t *val, struct domain *pt_owner, struct domain *pg_owner) {
    struct frame *f = frame_of(pte_mfn(*val));
    struct domain *owner;
    uint32_t tag;

    if (unlikely(!f || !frame_try_get(f, owner_tag(pg_owner)))) {
        if (!f || READ_ONCE(f->owner) == OWNER_IO) return io_get(val, pt_owner, pg_owner);
        tag = READ_ONCE(f->owner);
        owner = owner_domain(tag); /* stays once we hold a frame, which others may not even try */
        if (!owner || pg_owner == pt_owner || policy_check(pg_owner, owner, POL_MMU_FOREIGN, 0) ||
            !frame_try_get(f, tag))
            return -EBUSY;
    }
    if ((*val & PTE_RW) && unlikely(type_get_more(f, FT_WRITABLE))) {
        frame_drop(f);
        return -EBUSY;
    }
    if (unlikely(pg_owner != pt_owner)) note_foreign(f, pt_owner);
    return 0;
}

/* Checks an entry and takes its references. *val is adjusted (bits that we add; RW taken away). */
static int l1_get(uint64_t *val, struct domain *d) {
    if (bad_flags(*val, d)) return -EINVAL;
    *val = adjust(*val);
    return get_refs(val, d, d);
}

static inline void l1_put(uint64_t val) {
    struct frame *f = frame_of(pte_mfn(val));

    if (!(val & PTE_P) || unlikely(!f || f->owner == OWNER_IO)) return;
    if (val & PTE_RW) frame_drop_writable_type(f);
    frame_drop(f);
}

int l1_validate(struct frame *f) {
    struct domain *d = owner_domain(f->owner);
    uint64_t *t = frame_virt(f), e, n;
    int rc;

    for (unsigned int i = 0; (i = next_present(t, i, PT_ENTRIES)) < PT_ENTRIES; i++) {
        e = n = READ_ONCE(t[i]);
        rc = l1_get(&n, d);
        if (unlikely(rc)) {
            f->nr_validated = (uint16_t)i;
            return rc;
        }
        if (n != e) WRITE_ONCE(t[i], n);
    }
    return 0;
}

int l1_devalidate(struct frame *f, unsigned int entries) {
    const uint64_t *t = frame_virt(f);

    for (unsigned int i = 0; (i = next_present(t, i, entries)) < entries; i++)
        l1_put(READ_ONCE(t[i]));
    return 0;
}

int l1_update(uint64_t *slot, uint64_t val, struct domain *pt_owner, struct domain *pg_owner,
              bool preserve_ad) {
    int rc;

    if (val & PTE_P) {
        if (bad_flags(val, pt_owner)) return -EINVAL;
        val = adjust(val);
        if (entry_quick(slot, val, preserve_ad)) return 0;
        rc = get_refs(&val, pt_owner, pg_owner);
    } else {
        rc = absent_entry_check(pt_owner, 1, val);
    }
    if (unlikely(rc)) return rc;
    l1_put(entry_exchange(slot, val, preserve_ad));
    return 0;
}

int l1_cmpxchg(uint64_t *slot, uint64_t *old, uint64_t val, struct domain *d) {
    int rc = val & PTE_P ? l1_get(&val, d) : absent_entry_check(d, 1, val);

    if (rc) return rc;
    if (!cas64(slot, old, val)) {
        l1_put(val);
        return 1;
    }
    l1_put(*old);
    return 0;
}

/* Entries for granted frames: the grant table checked and took the references; here they move into
 * an L1 entry of current's domain, and back. */

void mm_release_l1(struct vcpu *v) {
    if (v->mm.l1) frame_put_typed(v->mm.l1);
    v->mm.l1 = NULL;
}

#define SERVES_PTES BIT(63) /* a table found by its own address, not by one that it maps */

/* Holds the table of addr in v->mm.l1. False: there is no valid L1 table of v's domain. */
static bool hold_l1(struct vcpu *v, uint64_t addr, uint64_t serves) {
    struct frame *table = NULL;
    uint64_t type;

    mm_release_l1(v);
    if (serves & SERVES_PTES)
        table = frame_of(addr >> PAGE_SHIFT);
    else
        walk_tables(v->domain, v->arch.guest_table, addr, &table);
    type = likely(table) ? table_hold(v->domain, table) : FT_NONE;
    if (unlikely(type != FT_L1)) {
        if (type != FT_NONE) frame_put_typed(table);
        return false;
    }
    v->mm.l1 = table;
    v->mm.l1_for = serves;
    return true;
}

/* An L1 entry of v's domain, in v->mm.l1. To go on with the table of the operation before is as
 * good as walking again: tables above it that changed since might as well have changed later. */
static inline uint64_t *entry_of(struct vcpu *v, uint64_t addr, bool is_pte) {
    uint64_t serves = is_pte ? SERVES_PTES | addr >> PAGE_SHIFT : addr >> 21;
    uint64_t offset = is_pte ? addr & ~PAGE_MASK : (addr >> 12 & 511) * 8;

    if ((!v->mm.l1 || v->mm.l1_for != serves) && !hold_l1(v, addr, serves)) return NULL;
    return offset & 7 ? NULL : (uint64_t *)((char *)frame_virt(v->mm.l1) + offset);
}

int mm_map_grant(uint64_t addr, bool contains_pte, mfn_t mfn, uint64_t flags) {
    struct frame *f = frame_of(mfn_x(mfn));
    uint64_t *slot = entry_of(current, addr, contains_pte), e;

    if (!slot) return -EINVAL;
    e = mfn_to_paddr(mfn) | PTE_P | flags;
    e |= flags & PTE_USER ? PTE_G : PTE_GUEST_KERNEL | PTE_USER;
    if (f && (flags & PTE_RW)) note_foreign(f, current->domain);
    l1_put(__atomic_exchange_n(slot, e, __ATOMIC_SEQ_CST));
    return 0;
}

static bool replace(uint64_t *slot, mfn_t mfn, bool writable, uint64_t val) {
    uint64_t old = READ_ONCE(*slot);

    do {
        if (!(old & PTE_P) || pte_mfn(old) != mfn_x(mfn) || !(old & PTE_RW) == writable)
            return false;
    } while (!cas64(slot, &old, val));
    return true;
}

/* Takes away what maps addr, with its references; the table that is held stays so. */
static bool take_entry(struct vcpu *v, uint64_t addr, uint64_t *val) {
    struct frame *l1 = v->mm.l1;
    uint64_t l1_for = v->mm.l1_for, *slot;

    v->mm.l1 = NULL;
    slot = entry_of(v, addr, false);
    if (slot) *val = __atomic_exchange_n(slot, 0, __ATOMIC_SEQ_CST);
    mm_release_l1(v);
    v->mm.l1 = l1;
    v->mm.l1_for = l1_for;
    return slot;
}

int mm_unmap_grant(uint64_t addr, bool contains_pte, mfn_t mfn, bool writable, uint64_t new_addr) {
    uint64_t *slot = entry_of(current, addr, contains_pte), val = 0;

    if (!slot || (new_addr && (contains_pte || !take_entry(current, new_addr, &val))))
        return -EINVAL;
    if (replace(slot, mfn, writable, val)) return 0;
    l1_put(val); /* a guest that names the wrong address loses the entry that it offered */
    return -EINVAL;
}
