/* SPDX-License-Identifier: MIT */
/*
 * Entries of page tables: what each level may contain, validation and teardown of whole tables, the
 * update of one entry, and walking. The rules of references and preemption stand in frame.c; L1
 * entries are in l1.c. A table of level n (2 to 4) refers to tables of level n - 1 of the same
 * domain, or read-only to one of its own level (linear). Superpages are refused. L4 slots 256 to
 * 271 are Hospes's: what a guest has there is neither read nor kept.
 */
#include "mm_local.h"

/* Flags that guests may set above L1; the rest (PWT, PCD, PSE, G) gives -EINVAL. */
#define TABLE_FLAGS                                                                                \
    (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HIGH | PTE_NX | PTE_ADDR)

static unsigned int level_of(uint64_t type) { return (unsigned int)(type >> FT_SHIFT); }

static uint64_t adjust(uint64_t e, unsigned int level) {
    return e | PTE_USER | (level == 4 ? PTE_A : 0);
}

int absent_entry_judge(struct domain *d, unsigned int level, uint64_t e) {
    uint64_t at = e & d->arch.l1tf_mask;

    if ((!at || at >= d->arch.l1tf_end) && (level == 1 || !(e & PTE_PSE))) return 0;
    domain_crash(d, "L1TF-vulnerable L%ue %016lx", level, e);
    return -EINVAL;
}

bool mm_linear_seen;

/* An entry that makes an L4 an L3 is about to be written: below it are Hospes's own tables, which a
 * guest may not read, but we could for it. After the flush no CPU is in a copy that did not look.
 */
static void note_linear_l4(struct domain *d, unsigned int slot) {
    set_bit(slot, d->mm.linear_slots);
    WRITE_ONCE(mm_linear_seen, true);
    flush_domain(d, FLUSH_ALL_VA);
}

/* Takes what entry e, for this slot of table, needs. Errors as type_get. */
static int entry_get(struct frame *table, unsigned int level, unsigned int slot, uint64_t e) {
    struct frame *child = frame_of(pte_mfn(e));
    int rc;

    if (e & ~TABLE_FLAGS) return -EINVAL;
    if (!child || !frame_try_get(child, table->owner)) return -EINVAL;
    rc = type_get(child, (uint64_t)(level - 1) << FT_SHIFT);
    if (rc == -EINVAL && !(e & PTE_RW)) /* perhaps it is linear */
        rc = child == table ? 0 : frame_linear_get(table, child, (uint64_t)level << FT_SHIFT);
    if (!rc && level == 4 && (READ_ONCE(child->type) & FT_TYPE_MASK) == FT_L4)
        note_linear_l4(owner_domain(table->owner), slot);
    if (rc || child == table) frame_drop(child); /* a table's entry for itself holds nothing */
    return rc;
}

/* Gives it back. True: the child is left partial, and our frame reference on it with the caller. */
static bool entry_put(struct frame *table, unsigned int level, uint64_t e) {
    struct frame *child = frame_of(pte_mfn(e));

    if (child == table) return false;
    if (level_of(READ_ONCE(child->type) & FT_TYPE_MASK) == level ? frame_linear_put(table, child)
                                                                 : type_put(child, 1))
        return true;
    frame_drop(child);
    return false;
}

int table_validate(struct frame *f, uint64_t type) {
    unsigned int level = level_of(type), i = f->nr_validated, first = i;
    uint64_t *t = frame_virt(f), e;
    struct domain *d = owner_domain(f->owner);
    int rc;

    if (!d) return -EINVAL; /* what Hospes shares becomes nobody's table */
    for (unsigned int n = 0; unlikely(d->arch.l1tf_mask) && n < PT_ENTRIES; n++)
        if (!(t[n] & PTE_P) && !(level == 4 && L4_SLOT_OURS(n)) &&
            absent_entry_check(d, level, t[n]))
            return -EINVAL;
    if (level == 1) return l1_validate(f);
    for (; (i = next_present(t, i, PT_ENTRIES)) < PT_ENTRIES; i++) {
        if (level == 4 && L4_SLOT_OURS(i)) continue;
        e = READ_ONCE(t[i]); /* nobody writes it now */
        rc = i != first && preempt_check() ? -ERESTART : entry_get(f, level, i, e);
        if (rc) {
            f->nr_validated = (uint16_t)i;
            f->partial = rc == -ERESTART || rc == -EINTR;
            return rc == -EINTR ? -EINVAL : rc;
        }
        if (adjust(e, level) != e) WRITE_ONCE(t[i], adjust(e, level));
    }
    if (level == 4) mm_fill_l4(d, t, false);
    return 0;
}

/* The table behind entry nr_validated may be partial because of us. 0 or -ERESTART. */
static int help_partial_child(struct frame *f, const uint64_t *t, uint64_t most) {
    struct frame *child;
    int rc = 0;

    if (!f->partial || f->nr_validated >= PT_ENTRIES) return 0;
    child = frame_of(pte_mfn(READ_ONCE(t[f->nr_validated])));
    if (child && child != f && frame_try_get(child, f->owner)) {
        rc = frame_finish_partial(child, most);
        frame_drop(child);
    }
    if (!rc) f->partial = 0;
    return rc;
}

int table_devalidate(struct frame *f, uint64_t type, uint64_t most_helped) {
    unsigned int level = level_of(type), i = f->nr_validated;
    uint64_t *t = frame_virt(f), e;

    if (level == 1) return l1_devalidate(f, i);
    if (help_partial_child(f, t, most_helped)) return -ERESTART;
    while (i-- > 0) {
        e = READ_ONCE(t[i]);
        if (!(e & PTE_P) || (level == 4 && L4_SLOT_OURS(i))) continue;
        f->nr_validated = (uint16_t)i;
        if (entry_put(f, level, e)) {
            frame_drop(frame_of(pte_mfn(e))); /* it has the state's own */
            f->partial = 1;
            return -ERESTART;
        }
        if (i > 0 && preempt_check()) return -ERESTART;
    }
    f->nr_validated = 0;
    return 0;
}

/* With XPTI CPUs in Hospes walk copies of L4s, which a full flush renews. 0. */
static int updated(const struct frame *table, unsigned int level) {
    struct domain *d = level == 4 ? owner_domain(table->owner) : NULL;

    if (unlikely(d && d->arch.entry_slot)) flush_domain(d, FLUSH_ALL_VA);
    return 0;
}

int table_update(struct frame *table, unsigned int level, uint64_t *slot, uint64_t val,
                 bool preserve_ad) {
    struct frame *child = frame_of(pte_mfn(val));
    unsigned int i = (unsigned int)(slot - (uint64_t *)frame_virt(table));
    uint64_t old;
    int rc;

    if (level == 4 && L4_SLOT_OURS(i)) return -EINVAL;
    if (val & PTE_P) {
        if (val & ~TABLE_FLAGS) return -EINVAL;
        val = adjust(val, level);
        if (entry_quick(slot, val, preserve_ad)) return updated(table, level);
        rc = entry_get(table, level, i, val);
        if (rc == -EINTR) { /* its undoing was preempted: leave that to current */
            if (frame_try_get(child, table->owner)) pending_add(child);
            rc = -EINVAL;
        }
    } else {
        rc = absent_entry_check(owner_domain(table->owner), level, val);
    }
    if (rc) return rc;
    old = entry_exchange(slot, val, preserve_ad);
    if ((old & PTE_P) && entry_put(table, level, old)) pending_add(frame_of(pte_mfn(old)));
    return updated(table, level);
}

/* Walks through the direct map. Other CPUs may change the tables meanwhile, so each frame number is
 * checked before it is used, and the caller holds the L1 table before it relies on it. */
static ALWAYS_INLINE uint64_t *walk(const struct domain *d, mfn_t l4, uint64_t va,
                                    struct frame **l1, uint64_t *rights) {
    uint64_t mfn = array_index_nospec(mfn_x(l4), max_frame), e, *t = mfn_virt(mfn);
    uint32_t tag = owner_tag(d);

    if (unlikely(mfn_x(l4) >= max_frame || !guest_va_ok(va))) return NULL;
    for (unsigned int shift = 39; shift > 12; shift -= 9) {
        e = READ_ONCE(t[(va >> shift) & 511]);
        mfn = pte_mfn(e);
        if (unlikely(!(e & PTE_P) || mfn >= max_frame)) return NULL;
        mfn = array_index_nospec(mfn, max_frame);
        if (unlikely(frame_table[mfn].owner != tag)) return NULL;
        if (rights) *rights &= e ^ PTE_NX;
        t = mfn_virt(mfn);
    }
    *l1 = &frame_table[mfn];
    return t + ((va >> 12) & 511);
}

uint64_t *walk_tables(const struct domain *d, mfn_t l4, uint64_t va, struct frame **l1) {
    return walk(d, l4, va, l1, NULL);
}

uint64_t *walk_with_rights(const struct domain *d, mfn_t l4, uint64_t va, uint64_t *rights) {
    return walk(d, l4, va, &(struct frame *){NULL}, rights);
}
