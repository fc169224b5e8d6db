/* SPDX-License-Identifier: MIT */
/*
 * The frame heap: a buddy allocator over all RAM that Hospes manages. Free blocks are kept by zone
 * (the number of bits of their frame number) and order; a block never straddles zones, as it is
 * aligned to its size and frame 0 is never free. A request that must be addressable with n bits
 * looks at the zones up to n only; others take the highest memory first, so that low memory lasts.
 *
 * Invariants, under heap_lock: a free block's first frame has FC_FREE and its order in 'count' and
 * is linked by next/prev; all its frames have reference count 0, no owner and no type. FC_DIRTY
 * says of each frame that it may hold old data; others were cleared. Every frame has the clock of
 * its last use in tlb_stamp, and is flushed for when it is allocated (DESIGN 2.3, XSA-286).
 */
#include "mm_local.h"

#define MAX_ORDER 18
#define NR_ZONES  32
#define LOW_ZONE  20 /* frame numbers of 20 bits: below 4 GiB */

static spinlock_t heap_lock = SPINLOCK_INIT(ORDER_HEAP);
static uint32_t heads[NR_ZONES + 1][MAX_ORDER + 1]; /* first free block, 0: none */
static uint64_t zone_free[NR_ZONES + 1];
static uint64_t total_free, total_pages, claimed, low_reserve;

static unsigned int zone_of(uint64_t mfn) { return fls64(mfn) + 1; }

static void block_push(uint64_t mfn, unsigned int order) {
    struct frame *f = &frame_table[mfn];

    f->count = (f->count & FC_DIRTY) | FC_FREE | (uint64_t)order << FC_ORDER_SHIFT;
    frame_link(&heads[zone_of(mfn)][order], f);
}

static void block_remove(uint64_t mfn, unsigned int order) {
    frame_unlink(&heads[zone_of(mfn)][order], &frame_table[mfn]);
    frame_table[mfn].count &= FC_DIRTY;
}

static bool free_block_at(uint64_t mfn, unsigned int order) {
    return mfn && mfn < max_frame &&
           (frame_table[mfn].count & ~FC_DIRTY) == (FC_FREE | (uint64_t)order << FC_ORDER_SHIFT);
}

void heap_free(struct frame *f, unsigned int order) {
    uint64_t mfn = frame_nr(f);
    uint32_t now = __atomic_load_n(&tlb_flush_clock, __ATOMIC_SEQ_CST);

    for (uint64_t i = 0; i < BIT(order); i++) {
        f[i].count &= FC_DIRTY;
        f[i].owner = OWNER_NONE;
        f[i].tlb_stamp = now;
    }
    SPIN_SCOPE(&heap_lock);
    zone_free[zone_of(mfn)] += BIT(order);
    total_free += BIT(order);
    while (order < MAX_ORDER && free_block_at(mfn ^ BIT(order), order) &&
           zone_of(mfn ^ BIT(order)) == zone_of(mfn)) {
        block_remove(mfn ^ BIT(order), order);
        mfn &= ~BIT(order);
        order++;
    }
    block_push(mfn, order);
}

/* Takes 2^order frames from a free block of 'from' of this zone, returning the rest. */
static struct frame *take(unsigned int zone, unsigned int from, unsigned int order) {
    uint64_t mfn = heads[zone][from];

    block_remove(mfn, from);
    while (from > order) {
        from--;
        block_push(mfn, from); /* the lower half goes back: high memory is used first */
        mfn += BIT(from);
    }
    zone_free[zone] -= BIT(order);
    total_free -= BIT(order);
    return &frame_table[mfn];
}

static uint64_t free_between(unsigned int lowest, unsigned int highest) {
    uint64_t n = 0;

    for (unsigned int z = lowest; z <= highest; z++) n += READ_ONCE(zone_free[z]);
    return n;
}

static struct frame *find(unsigned int order, unsigned int lowest, unsigned int highest) {
    for (unsigned int z = highest + 1; z-- > lowest;)
        for (unsigned int o = order; o <= MAX_ORDER; o++)
            if (heads[z][o]) return take(z, o, order);
    return NULL;
}

/* Under heap_lock. */
static struct frame *find_for(const struct domain *d, unsigned int order, unsigned int highest) {
    uint64_t n = BIT(order);
    struct frame *f = NULL;

    if (total_free < n) return NULL;
    /* What others claimed is not for d. */
    if (claimed + n > total_free && !(d && d->mm.outstanding_claim >= n)) return NULL;
    if (highest > LOW_ZONE) f = find(order, LOW_ZONE + 1, highest);
    if (f || (d && !d->is_control && free_between(0, LOW_ZONE) < low_reserve + n)) return f;
    return find(order, 0, min(highest, (unsigned int)LOW_ZONE));
}

/* A guest may have mapped these frames before, and CPUs may hold that still. Neighbours were free
 * for any time: it is their ages that can be compared. */
static void flush_last_users(const struct frame *f, uint64_t n) {
    uint32_t now = __atomic_load_n(&tlb_flush_clock, __ATOMIC_SEQ_CST), age = now - f->tlb_stamp;

    for (uint64_t i = 1; i < n; i++) age = min(age, now - f[i].tlb_stamp);
    flush_since(NULL, now - age);
}

struct frame *heap_alloc(unsigned int order, unsigned int bits, const struct domain *d) {
    unsigned int highest = NR_ZONES;
    struct frame *f;

    if (order > MAX_ORDER || (bits && bits <= PAGE_SHIFT)) return NULL;
    if (IS_DEBUG && alloc_fails()) return NULL;
    if (bits && bits - PAGE_SHIFT < NR_ZONES) highest = bits - PAGE_SHIFT;
    spin_lock(&heap_lock);
    f = find_for(d, order, highest);
    spin_unlock(&heap_lock);
    if (!f) return NULL;
    flush_last_users(f, BIT(order));
    for (uint64_t i = 0; i < BIT(order); i++) {
        /* Until the flush a guest could write to a frame that had been cleared when it was freed.
         * Another guest's does no harm; what Hospes trusts to be zero is cleared now. dom0 is built
         * of what the machine had in its memory; its builder clears what it needs. */
        if (!d || ((f[i].count & FC_DIRTY) && !(d->is_control && d->state < DOM_LIVE)))
            clear_frame(frame_virt(&f[i]));
        f[i].count = 0;
    }
    return f;
}

/* After boot memory has been freed to the heap. pages: of RAM that the machine has. */
void heap_init(uint64_t pages) {
    total_pages = pages;
    /* dom0's drivers exchange frames for ones below 4 GiB; keep some where not all are. */
    if (max_frame > BIT(LOW_ZONE))
        low_reserve = min(free_between(0, LOW_ZONE) / 4, (uint64_t)(128UL << 20 >> PAGE_SHIFT));
}

/* What d was promised shrinks as it gets frames. Under d->mm.lock. */
static void claim_reduce(struct domain *d, uint64_t n) {
    n = min(n, d->mm.outstanding_claim);
    d->mm.outstanding_claim -= n;
    claimed -= n;
}

void claim_used(struct domain *d, uint64_t n) {
    if (likely(!READ_ONCE(d->mm.outstanding_claim))) return;
    SPIN_SCOPE(&heap_lock);
    claim_reduce(d, n);
}

int domain_set_claim(struct domain *d, uint64_t pages) {
    SPIN_SCOPE(&d->mm.lock);
    SPIN_SCOPE(&heap_lock);
    if (!pages) {
        claim_reduce(d, d->mm.outstanding_claim);
        return 0;
    }
    if (d->state >= DOM_DYING || d->mm.outstanding_claim || d->mm.tot_pages >= pages ||
        pages > d->mm.max_pages)
        return -EINVAL;
    if (pages - d->mm.tot_pages > total_free - min(claimed, total_free)) return -ENOMEM;
    d->mm.outstanding_claim = pages - d->mm.tot_pages;
    claimed += d->mm.outstanding_claim;
    return 0;
}

void *alloc_pages_hv(unsigned int order) {
    struct frame *f = heap_alloc(order, 0, NULL);

    return f ? frame_virt(f) : NULL;
}

void free_pages_hv(void *p, unsigned int order) {
    struct frame *f;

    if (!p) return;
    if (IS_DEBUG) memset(p, 0x5a, PAGE_SIZE << order);
    f = mfn_to_frame(virt_to_mfn(p));
    for (uint64_t i = 0; i < BIT(order); i++) f[i].count = FC_DIRTY;
    heap_free(f, order);
}

uint64_t mm_total_pages(void) { return total_pages; }
uint64_t mm_free_pages(void) { return READ_ONCE(total_free); }

uint64_t mm_free_pages_between(unsigned int min_bits, unsigned int max_bits) {
    unsigned int lo = max(min_bits, (unsigned int)PAGE_SHIFT) - PAGE_SHIFT;
    unsigned int hi = max(max_bits, (unsigned int)PAGE_SHIFT) - PAGE_SHIFT;

    return free_between(lo, !max_bits ? NR_ZONES : min(hi, (unsigned int)NR_ZONES));
}

uint64_t mm_outstanding_claims(void) { return READ_ONCE(claimed); }
