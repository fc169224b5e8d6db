/* SPDX-License-Identifier: MIT */
/*
 * Walks guest page tables through the direct map. Other CPUs may change the tables meanwhile, so
 * what is found is a hint: each frame number is checked before it is used, and the caller takes a
 * reference on the L1 table before it relies on it.
 */
#include "mm_local.h"

static struct frame *next_table(const struct frame *t, unsigned int index, uint32_t tag) {
    uint64_t e = READ_ONCE(((uint64_t *)frame_virt(t))[index]);
    struct frame *f = frame_of(pte_mfn(e));

    if (unlikely(!(e & PTE_P) || !f || f->owner != tag)) return NULL;
    return f;
}

uint64_t *walk_tables(const struct domain *d, mfn_t l4, uint64_t va, struct frame **l1) {
    uint32_t tag = owner_tag(d);
    struct frame *t = frame_of(mfn_x(l4));

    if (unlikely(!t || !guest_va(va))) return NULL;
    t = next_table(t, (va >> 39) & 511, tag);
    if (unlikely(!t)) return NULL;
    t = next_table(t, (va >> 30) & 511, tag);
    if (unlikely(!t)) return NULL;
    t = next_table(t, (va >> 21) & 511, tag);
    if (unlikely(!t)) return NULL;
    *l1 = t;
    return (uint64_t *)frame_virt(t) + ((va >> 12) & 511);
}
