/* SPDX-License-Identifier: MIT */
/*
 * Entries for granted frames. The grant table checked the grant and took the references; here they
 * move into an L1 entry of current's domain, and back.
 */
#include "mm_local.h"

/* An L1 entry of v's domain, its table held by a frame and a type reference. */
static uint64_t *entry_hold(struct vcpu *v, uint64_t addr, bool is_pte, struct frame **table) {
    uint64_t *slot, type;

    if (is_pte) {
        *table = frame_of(addr >> PAGE_SHIFT);
        if (!*table || (addr & 7)) return NULL;
        slot = (uint64_t *)((char *)frame_virt(*table) + (addr & ~PAGE_MASK));
    } else {
        slot = walk_tables(v->domain, v->arch.guest_table, addr, table, NULL);
        if (!slot) return NULL;
    }
    type = table_hold(v->domain, *table);
    if (type == FT_L1) return slot;
    if (type != FT_NONE) frame_put_typed(*table);
    return NULL;
}

int mm_map_grant(uint64_t addr, bool contains_pte, mfn_t mfn, uint64_t flags) {
    struct frame *table, *f = frame_of(mfn_x(mfn));
    uint64_t *slot = entry_hold(current, addr, contains_pte, &table), e;

    if (!slot) return -EINVAL;
    e = mfn_to_paddr(mfn) | PTE_P | flags;
    e |= flags & PTE_USER ? PTE_G : PTE_GUEST_KERNEL | PTE_USER;
    if (f && (flags & PTE_RW)) note_foreign(f, current->domain);
    l1_put(__atomic_exchange_n(slot, e, __ATOMIC_SEQ_CST));
    frame_put_typed(table);
    return 0;
}

/* The entry at new_addr, taken out of its place; 0 if there is none. */
static int take_entry(uint64_t new_addr, uint64_t *val) {
    struct frame *table;
    uint64_t *slot;

    *val = 0;
    if (!new_addr) return 0;
    slot = entry_hold(current, new_addr, false, &table);
    if (!slot) return -EINVAL;
    *val = __atomic_exchange_n(slot, 0, __ATOMIC_SEQ_CST);
    frame_put_typed(table);
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

int mm_unmap_grant(uint64_t addr, bool contains_pte, mfn_t mfn, bool writable, uint64_t new_addr) {
    struct frame *table;
    uint64_t *slot = entry_hold(current, addr, contains_pte, &table), val;
    int rc;

    if (!slot) return -EINVAL;
    rc = take_entry(new_addr, &val);
    if (!rc && !replace(slot, mfn, writable, val)) {
        l1_put(val); /* a guest that names the wrong address loses the entry that it offered */
        rc = -EINVAL;
    }
    frame_put_typed(table);
    return rc;
}
