/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share among themselves. */
#pragma once

#include <hv/hypercall.h>

#define PT_ENTRIES      512
#define L4_SLOT_OURS(i) ((i) >= HV_SLOT_FIRST && (i) <= HV_SLOT_LAST)

/* An owner as frame records have it. */
#define OWNER_NONE 0u
#define OWNER_IO   (DOMID_IO + 1u)
static inline uint32_t owner_tag(const struct domain *d) { return d->id + 1u; }
/* No reference; NULL: none. */
static inline struct domain *owner_domain(uint32_t tag) { return domain_by_id(tag - 1); }
static inline uint64_t pte_mfn(uint64_t e) { return (e & PTE_ADDR) >> PAGE_SHIFT; }

/* The record of a frame number from anywhere; NULL: not below max_frame. */
static inline struct frame *frame_of(uint64_t mfn) {
    return unlikely(mfn >= max_frame) ? NULL : &frame_table[array_index_nospec(mfn, max_frame)];
}

static inline uint64_t frame_nr(const struct frame *f) { return (uint64_t)(f - frame_table); }

static inline void *mfn_virt(uint64_t mfn) {
    return (void *)(DIRECTMAP_START + (mfn << PAGE_SHIFT));
}

static inline void *frame_virt(const struct frame *f) { return mfn_virt(frame_nr(f)); }

/* The order of a block for so many bytes. */
static inline unsigned int order_for(size_t n) {
    return n <= PAGE_SIZE ? 0 : fls64((n - 1) >> PAGE_SHIFT) + 1;
}

static inline void clear_frame(void *p) {
    uint64_t n = PAGE_SIZE / 8;

    __asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

/* Lists of frames: a domain's, free blocks, an exchange's. */
static inline void frame_link(uint32_t *head, struct frame *f) {
    f->prev = 0;
    f->next = *head;
    *head = (uint32_t)frame_nr(f);
    if (f->next) frame_table[f->next].prev = *head;
}

/* A frame that is on no list has no neighbours and is not the head. */
static inline void frame_unlink(uint32_t *head, struct frame *f) {
    if (f->prev)
        frame_table[f->prev].next = f->next;
    else if (*head == frame_nr(f))
        *head = f->next;
    if (f->next) frame_table[f->next].prev = f->prev;
    f->next = f->prev = 0;
}

/* On failure *old is the present value. */
static inline bool cas64(uint64_t *p, uint64_t *old, uint64_t val) {
    return __atomic_compare_exchange_n(p, old, val, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* frame.c: references, quick. frame_try_get takes one if the frame's owner is tag. */
void frame_last_put(struct frame *f);

static inline void frame_drop(struct frame *f) {
    if (unlikely(((__atomic_fetch_sub(&f->count, 1, __ATOMIC_SEQ_CST) - 1) & FC_COUNT_MASK) == 0))
        frame_last_put(f);
}

static inline bool frame_try_get(struct frame *f, uint32_t tag) {
    uint64_t x = READ_ONCE(f->count);

    if (unlikely(READ_ONCE(f->owner) != tag)) return false;
    do {
        if (unlikely(!(x & FC_COUNT_MASK))) return false;
    } while (unlikely(!cas64(&f->count, &x, x + 1)));
    if (likely(READ_ONCE(f->owner) == tag)) return true;
    frame_drop(f); /* changed hands in between */
    return false;
}

/* Another reference for one who holds one. */
static inline void frame_ref(struct frame *f) {
    __atomic_fetch_add(&f->count, 1, __ATOMIC_SEQ_CST);
}

/* frame.c: type references. For type_get the caller holds a frame reference. 0; -ERESTART:
 * preempted, ask again later (nothing is held by the caller); -EINVAL, -EBUSY, -EPERM: it can not
 * have that type now; -EINTR: the same, and the undoing was preempted, so the frame is PARTIAL and
 * must be finished. type_get_now leaves that to current and says -EINVAL. */
int type_get(struct frame *f, uint64_t type);
int type_get_now(struct frame *f, uint64_t type);
/* sub: 1, or 1 + FT_LINEAR_ONE; given up in either case. -ERESTART: the table is still being torn
 * down; the caller sees to it that frame_finish_partial(f) is called until it returns 0. */
int type_put(struct frame *f, uint64_t sub);
int frame_finish_partial(struct frame *f, uint64_t most); /* of no higher type; holding f */
/* Leaves the teardown of a PARTIAL frame to current, taking over a frame reference. */
void pending_add(struct frame *f);
void frame_drop_writable_type(struct frame *f);

/* Quick where the frame has references of that type already. A count can not overflow: each
 * reference stands for 8 bytes of memory somewhere. */
static inline int type_get_more(struct frame *f, uint64_t type) {
    uint64_t x = READ_ONCE(f->type);

    if (likely((x & (FT_TYPE_MASK | FT_VALIDATED)) == (type | FT_VALIDATED) &&
               (type == FT_WRITABLE || (x & FT_COUNT_MASK))) &&
        likely(cas64(&f->type, &x, x + 1)))
        return 0;
    return type_get_now(f, type);
}

/* A frame of d with a frame and a type reference in *out; or an error, and nothing is held. */
static inline int frame_get_typed(const struct domain *d, uint64_t mfn, uint64_t type,
                                  struct frame **out) {
    struct frame *f = frame_of(mfn);
    int rc;

    if (unlikely(!f || !frame_try_get(f, owner_tag(d)))) return -EINVAL;
    rc = type_get_more(f, type);
    if (unlikely(rc)) frame_drop(f);
    *out = f;
    return rc;
}

/* Gives both back. May leave a teardown to mm_finish_pending(current). */
static inline void frame_put_typed(struct frame *f) {
    if (unlikely(type_put(f, 1)))
        pending_add(f); /* with our frame reference */
    else
        frame_drop(f);
}

/* frame.c: both references on a frame of d that is a valid page table now; its FT_*. FT_NONE: it is
 * not one, and nothing is held. They are given back by frame_put_typed(). */
uint64_t table_hold(const struct domain *d, struct frame *f);
bool frame_pin(struct frame *f);   /* the caller holds a type reference, which becomes the pin's */
bool frame_unpin(struct frame *f); /* true: the caller now holds the pin's references */
int frame_linear_get(struct frame *user, struct frame *used, uint64_t type);
int frame_linear_put(struct frame *user, struct frame *used);
void frame_forget_type(struct frame *f); /* count is 0 */

/* tables.c: called by frame.c only; the latter 0 or -ERESTART. */
int table_validate(struct frame *f, uint64_t type);
int table_devalidate(struct frame *f, uint64_t type, uint64_t most_helped);
/* For a table of level 2 to 4 that the caller holds at its type; it takes frames of its owner. */
int table_update(struct frame *table, unsigned int level, uint64_t *slot, uint64_t val,
                 bool preserve_ad);
/* The L1 table and entry that map va from an L4; NULL: none. Only hints: nothing is held. rights
 * loses what the tables above take away: PTE_RW, or PTE_NX for being executable. */
uint64_t *walk_tables(const struct domain *d, mfn_t l4, uint64_t va, struct frame **l1);
uint64_t *walk_with_rights(const struct domain *d, mfn_t l4, uint64_t va, uint64_t *rights);

/* The first present entry from i on; end: none. Four at a time: most tables are sparse. */
static inline unsigned int next_present(const uint64_t *t, unsigned int i, unsigned int end) {
    const volatile uint64_t *e = t;

    if (i < end && (e[i] & PTE_P)) return i;
    while (i + 4 <= end && !((e[i] | e[i + 1] | e[i + 2] | e[i + 3]) & PTE_P)) i += 4;
    while (i < end && !(e[i] & PTE_P)) i++;
    return i;
}

/* A CPU with L1TF (XSA-273) reads what its first-level cache has of the address in an entry that is
 * not present; with PSE it takes the entry for 2 MiB or 1 GiB, from 0 on too. Kernels that know of
 * it name no memory there; who does is crashed. e is not present. 0 or -EINVAL. */
int absent_entry_judge(struct domain *d, unsigned int level, uint64_t e); /* tables.c */
static inline int absent_entry_check(struct domain *d, unsigned int level, uint64_t e) {
    return likely(!e || !d->arch.l1tf_mask) ? 0 : absent_entry_judge(d, level, e);
}

/* Changing only these leaves an entry's references as they are. RW is not among them: XSA-182. */
#define PTE_QUICK (PTE_NX | PTE_AVAIL_HIGH | PTE_AVAIL | PTE_G | PTE_D | PTE_A | PTE_USER)

/* True: val is stored, as it differs from the present entry in such bits at most. PRESERVE_AD keeps
 * accessed and dirty bits. */
static inline bool entry_quick(uint64_t *slot, uint64_t val, bool preserve_ad) {
    uint64_t old = READ_ONCE(*slot);

    do {
        if (((old ^ val) & ~PTE_QUICK) || !(old & PTE_P)) return false;
    } while (unlikely(!cas64(slot, &old, preserve_ad ? val | (old & (PTE_A | PTE_D)) : val)));
    return true;
}

/* Stores val; returns the entry that it replaced. */
static inline uint64_t entry_exchange(uint64_t *slot, uint64_t val, bool preserve_ad) {
    uint64_t old;

    if (likely(!preserve_ad)) return __atomic_exchange_n(slot, val, __ATOMIC_SEQ_CST);
    old = READ_ONCE(*slot);
    while (!cas64(slot, &old, val | (old & (PTE_A | PTE_D))))
        ;
    return old;
}

/* l1.c */
int l1_validate(struct frame *f);
int l1_devalidate(struct frame *f, unsigned int entries); /* 0 */
/* pg_owner is the owner of the frame that the entry maps. */
int l1_update(uint64_t *slot, uint64_t val, struct domain *pt_owner, struct domain *pg_owner,
              bool preserve_ad);
int l1_cmpxchg(uint64_t *slot, uint64_t *old, uint64_t val, struct domain *d);
bool owns_devices(const struct domain *d);

/* descriptors.c */
int segdesc_validate(struct frame *f);
void ldt_unmap(struct vcpu *v);
bool ldt_map_page(struct vcpu *v, unsigned int page);

/* alloc.c: blocks of frames without an owner, count 0. For d, as far as claims and the low reserve
 * go, or NULL: for Hospes. bits: address bits, 0: any. Zero when they come. */
struct frame *heap_alloc(unsigned int order, unsigned int bits, const struct domain *d);
void heap_free(struct frame *f, unsigned int order);
void heap_init(uint64_t pages);
int domain_set_claim(struct domain *d, uint64_t pages); /* in all, with what d has; 0: no claim */
void claim_used(struct domain *d, uint64_t n);          /* d->mm.lock */

/* With DEBUG=1: this allocation is to fail (inject.c); pages cut into objects, objects in use. */
bool alloc_fails(void);
extern uint64_t pool_pages, pool_objects;

/* domain_frames.c */
void domain_frame_release(struct frame *f); /* the last reference of an owned frame went */
void free_domain_frame(struct frame *f);    /* drops the owner's reference */
/* Makes 2^order frames of the heap d's, unless it is over its limit or dies. uncounted: they
 * replace frames that still count (exchange). */
bool domain_assign(struct domain *d, struct frame *f, unsigned int order, bool uncounted);
/* M2P entries of 2^order frames from f on: pfn and those after it, or all INVALID_M2P. */
void m2p_set_extent(struct frame *f, unsigned int order, uint64_t pfn);
/* Takes a frame nobody else holds from d, count 0 and no owner; it stays counted. */
bool domain_steal(struct domain *d, struct frame *f);
void domain_uncount(struct domain *d, uint64_t pages);

/* map.c: the machine frame of the i-th 2 MiB of the M2P; 0: a hole. */
uint64_t m2p_chunk(uint64_t i);

/* base.c: which CPUs flush, and for guests' requests. */
int flush_vcpus(struct domain *d, uint64_t bitmap_va, uint64_t va);
/* Those of d's, or of all if it is NULL, that did not flush since. */
void flush_since(const struct domain *d, uint32_t stamp);
int new_user_base(struct vcpu *v, uint64_t mfn);
/* With m2p_strict, an L4 loses the M2P when it becomes a user base pointer; without, it gets it
 * when it becomes a kernel's. As Xen. */
static inline bool m2p_strict(const struct domain *d) {
    return d->vm_assist & (1UL << VMASST_TYPE_m2p_strict);
}

/* Parts of memory_op. */
long memory_exchange(uint64_t arg);
unsigned int memop_max_order(const struct domain *d); /* for extents that the caller may ask for */
