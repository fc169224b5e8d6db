/* SPDX-License-Identifier: MIT */
/*
 * Entries of page tables: what each level may contain, validation and teardown of whole tables, and
 * the update of one entry. The rules of references and preemption stand in frame.c; L1 entries are
 * in l1.c. A table of level n (2 to 4) refers to tables of level n - 1 of the same domain, or
 * read-only to one of its own level (linear). Superpages are refused. L4 slots 256 to 271 are
 * Hospes's: what a guest has there is neither read nor kept.
 */
#include "mm_local.h"

/* Flags that guests may set above L1; the rest (PWT, PCD, PSE, G) gives -EINVAL. */
#define TABLE_FLAGS                                                                                \
    (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D | PTE_AVAIL | PTE_AVAIL_HIGH | PTE_NX | PTE_ADDR)
/* Changing only these leaves the references as they are. RW is not among them: XSA-182. */
#define TABLE_QUICK (PTE_NX | PTE_AVAIL_HIGH | PTE_AVAIL | PTE_G | PTE_D | PTE_A | PTE_USER)

static unsigned int level_of(uint64_t type) { return (unsigned int)(type >> FT_SHIFT); }

static uint64_t adjust(uint64_t e, unsigned int level) {
    return e | PTE_USER | (level == 4 ? PTE_A : 0);
}

/* An entry whose frame can not be had as a table of the next level: perhaps it is linear. */
static int linear_get(struct frame *table, unsigned int level, uint64_t e, struct frame *child) {
    if (e & PTE_RW) return -EINVAL;
    if (child == table) return 0;
    if (!frame_try_get(child, table->owner)) return -EINVAL;
    if (!frame_linear_get(table, child, (uint64_t)level << FT_SHIFT)) return 0;
    frame_drop(child);
    return -EINVAL;
}

/* Takes what entry e of table needs. Errors as type_get. */
static int entry_get(struct frame *table, unsigned int level, uint64_t e) {
    struct frame *child = frame_of(pte_mfn(e));
    int rc;

    if (e & ~TABLE_FLAGS) return -EINVAL;
    if (!child || !frame_try_get(child, table->owner)) return -EINVAL;
    rc = type_get(child, (uint64_t)(level - 1) << FT_SHIFT);
    if (!rc) return 0;
    frame_drop(child);
    return rc == -EINVAL ? linear_get(table, level, e, child) : rc;
}

/* Gives it back. -ERESTART: the child is left partial; *left then has a frame reference more. */
static int entry_put(struct frame *table, unsigned int level, uint64_t e, bool preemptible,
                     struct frame **left) {
    struct frame *child = frame_of(pte_mfn(e));
    int rc;

    if (child == table) return 0;
    if (level_of(READ_ONCE(child->type) & FT_TYPE_MASK) == level)
        rc = frame_linear_put(table, child, preemptible);
    else
        rc = type_put(child, 1, preemptible);
    if (rc && left) {
        *left = child; /* with our frame reference */
        return rc;
    }
    frame_drop(child);
    return rc;
}

/* The first present entry from i on that is a guest's; PT_ENTRIES: none. */
static unsigned int next_guest_entry(const uint64_t *t, unsigned int level, unsigned int i) {
    if (level == 4 && i < HV_SLOT_FIRST) {
        i = next_present(t, i, HV_SLOT_FIRST);
        if (i == HV_SLOT_FIRST)
            i = HV_SLOT_LAST + 1;
        else
            return i;
    }
    return next_present(t, i, PT_ENTRIES);
}

/* The last one below i, plus 1; 0: none. */
static unsigned int prev_guest_entry(const uint64_t *t, unsigned int level, unsigned int i) {
    if (level == 4 && i > HV_SLOT_LAST) {
        i = prev_present(t, i, HV_SLOT_LAST + 1);
        if (i == HV_SLOT_LAST + 1)
            i = HV_SLOT_FIRST;
        else
            return i;
    }
    return prev_present(t, i, 0);
}

int table_validate(struct frame *f, uint64_t type) {
    unsigned int level = level_of(type), i = f->nr_validated, first = i;
    uint64_t *t = frame_virt(f), e;
    int rc;

    if (level == 1) return l1_validate(f);
    for (; (i = next_guest_entry(t, level, i)) < PT_ENTRIES; i++) {
        e = READ_ONCE(t[i]); /* nobody writes it now */
        rc = i != first && preempt_check() ? -ERESTART : entry_get(f, level, e);
        if (rc) {
            f->nr_validated = (uint16_t)i;
            f->partial = rc == -ERESTART || rc == -EINTR;
            return rc == -EINTR ? -EINVAL : rc;
        }
        if (adjust(e, level) != e) WRITE_ONCE(t[i], adjust(e, level));
    }
    if (level == 4) mm_fill_l4(frame_owner(f), t, frame_to_mfn(f));
    return 0;
}

/* The table behind entry nr_validated may be partial because of us. 0 or -ERESTART. */
static int help_partial_child(struct frame *f, const uint64_t *t) {
    struct frame *child;
    int rc = 0;

    if (!f->partial || f->nr_validated >= PT_ENTRIES) return 0;
    child = frame_of(pte_mfn(READ_ONCE(t[f->nr_validated])));
    if (child && child != f && frame_try_get(child, f->owner)) {
        rc = frame_finish_partial(child);
        frame_drop(child);
    }
    if (!rc) f->partial = 0;
    return rc;
}

int table_devalidate(struct frame *f, uint64_t type, bool preemptible) {
    unsigned int level = level_of(type), i = f->nr_validated;
    uint64_t *t = frame_virt(f), e;

    if (level == 1) {
        l1_devalidate(f, i);
        return 0;
    }
    while (help_partial_child(f, t))
        if (preemptible) return -ERESTART;
    while ((i = prev_guest_entry(t, level, i)) > 0) {
        e = READ_ONCE(t[--i]);
        f->nr_validated = (uint16_t)i;
        if (entry_put(f, level, e, preemptible, NULL)) {
            f->partial = 1;
            return -ERESTART;
        }
        if (preemptible && i > 0 && preempt_check()) return -ERESTART;
    }
    f->nr_validated = 0;
    return 0;
}

/* Stores val; PRESERVE_AD keeps accessed and dirty bits. Returns the entry it replaced. */
static uint64_t entry_exchange(uint64_t *slot, uint64_t val, bool preserve_ad) {
    uint64_t old;

    if (likely(!preserve_ad)) return __atomic_exchange_n(slot, val, __ATOMIC_SEQ_CST);
    old = READ_ONCE(*slot);
    while (!cas64(slot, &old, val | (old & (PTE_A | PTE_D))))
        ;
    return old;
}

/* Only flags that mean nothing for references change. */
static bool entry_quick(uint64_t *slot, uint64_t val, bool preserve_ad) {
    uint64_t old = READ_ONCE(*slot);

    do {
        if (((old ^ val) & ~TABLE_QUICK) || !(old & PTE_P)) return false;
    } while (!cas64(slot, &old, preserve_ad ? val | (old & (PTE_A | PTE_D)) : val));
    return true;
}

/* Takes the references of a new entry from outside a validation. */
static int entry_get_now(struct frame *table, unsigned int level, uint64_t e) {
    int rc = entry_get(table, level, e);
    struct frame *child;

    if (rc != -EINTR) return rc;
    child = frame_of(pte_mfn(e)); /* its undoing was preempted: leave that to current */
    if (frame_try_get(child, table->owner)) pending_add(child);
    return -EINVAL;
}

int table_update(struct frame *table, unsigned int level, uint64_t *slot, uint64_t val,
                 struct domain *pt_owner, bool preserve_ad) {
    struct frame *left = NULL;
    uint64_t old;
    int rc;

    if (level == 1) return l1_update(slot, val, pt_owner, pt_owner, preserve_ad);
    if (level == 4 && L4_SLOT_OURS((unsigned int)(slot - (uint64_t *)frame_virt(table))))
        return -EINVAL;
    if (val & PTE_P) {
        if (val & ~TABLE_FLAGS) return -EINVAL;
        val = adjust(val, level);
        if (entry_quick(slot, val, preserve_ad)) return 0;
        rc = entry_get_now(table, level, val);
        if (rc) return rc;
    }
    old = entry_exchange(slot, val, preserve_ad);
    if ((old & PTE_P) && entry_put(table, level, old, true, &left)) pending_add(left);
    return 0;
}
