/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share among themselves. */
#pragma once

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/list.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/softirq.h>
#include <hv/string.h>
#include <x86/layout.h>

#define PT_ENTRIES      512
#define L4_SLOT_OURS(i) ((i) >= HV_SLOT_FIRST && (i) <= HV_SLOT_LAST)
#define INVALID_M2P     (~0UL)

/* An owner as frame records have it. */
#define OWNER_NONE 0u
#define OWNER_IO   (DOMID_IO + 1u)
static inline uint32_t owner_tag(const struct domain *d) { return d->id + 1u; }

static inline uint64_t pte_mfn(uint64_t e) { return (e & PTE_ADDR) >> PAGE_SHIFT; }

/* The record of a frame number from anywhere; NULL: not below max_frame. */
static inline struct frame *frame_of(uint64_t mfn) {
    if (unlikely(mfn >= max_frame)) return NULL;
    return &frame_table[array_index_nospec(mfn, max_frame)];
}

static inline uint64_t frame_nr(const struct frame *f) { return (uint64_t)(f - frame_table); }

static inline void *frame_virt(const struct frame *f) {
    return (void *)(DIRECTMAP_START + (frame_nr(f) << PAGE_SHIFT));
}

static inline void *mfn_virt(uint64_t mfn) {
    return (void *)(DIRECTMAP_START + (mfn << PAGE_SHIFT));
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

/* The first present entry from i on; end: none. Four at a time: most tables are sparse. */
static inline unsigned int next_present(const uint64_t *t, unsigned int i, unsigned int end) {
    const volatile uint64_t *e = t;

    if (i < end && (e[i] & PTE_P)) return i;
    while (i + 4 <= end && !((e[i] | e[i + 1] | e[i + 2] | e[i + 3]) & PTE_P)) i += 4;
    while (i < end && !(e[i] & PTE_P)) i++;
    return i;
}

/* The last present entry below i, plus 1; first: none. */
static inline unsigned int prev_present(const uint64_t *t, unsigned int i, unsigned int first) {
    const volatile uint64_t *e = t;

    while (i >= first + 4 && !((e[i - 1] | e[i - 2] | e[i - 3] | e[i - 4]) & PTE_P)) i -= 4;
    while (i > first && !(e[i - 1] & PTE_P)) i--;
    return i;
}

static inline void clear_frame(void *p) {
    uint64_t n = PAGE_SIZE / 8;

    __asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(0) : "memory");
}

static inline void copy_frame(void *d, const void *s) {
    uint64_t n = PAGE_SIZE / 8;

    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

/* frame.c: a type reference on, or off, a frame that has others of that type; else the long way. */
static inline int type_get_more(struct frame *f, uint64_t type) {
    uint64_t x = READ_ONCE(f->type);

    if (likely((x & (FT_TYPE_MASK | FT_VALIDATED)) == (type | FT_VALIDATED) &&
               (x & FT_COUNT_MASK)) &&
        likely(cas64(&f->type, &x, x + 1)))
        return 0;
    return frame_get_type(f, type);
}

static inline int type_put_more(struct frame *f) {
    uint64_t x = READ_ONCE(f->type);

    if (likely((x & FT_COUNT_MASK) > 1) && likely(cas64(&f->type, &x, x - 1))) return 0;
    return frame_put_type_preemptible(f);
}

/* frame.c: writable type, quick for frames that are of that type already. A count can not overflow:
 * each reference stands for 8 bytes of memory somewhere. */
static inline int frame_type_writable(struct frame *f) {
    uint64_t x = READ_ONCE(f->type);

    if (likely((x & (FT_TYPE_MASK | FT_VALIDATED)) == (FT_WRITABLE | FT_VALIDATED)) &&
        likely(cas64(&f->type, &x, x + 1)))
        return 0;
    return frame_get_type(f, FT_WRITABLE);
}

void frame_drop_writable_type(struct frame *f);

/* frame.c: a type reference on a frame that is a valid page table now; its FT_*, or FT_NONE. */
uint64_t frame_ref_table(struct frame *f);
/* Gives it back. May leave a teardown to mm_finish_pending(current). */
void frame_drop_table(struct frame *f);
/* The inner forms, for tables inside tables. type_get's -EINTR: failed, and the undoing was
 * preempted, so the frame is PARTIAL and must be finished. sub: 1, or 1 + FT_LINEAR_ONE. */
int type_get(struct frame *f, uint64_t type);
int type_put(struct frame *f, uint64_t sub, bool preemptible);
bool frame_pin(struct frame *f);   /* the caller holds a type reference, which becomes the pin's */
bool frame_unpin(struct frame *f); /* true: the caller now holds the pin's references */
int frame_linear_get(struct frame *user, struct frame *used, uint64_t type);
int frame_linear_put(struct frame *user, struct frame *used, bool preemptible);
/* Leaves the teardown of a PARTIAL frame to current, taking over a frame reference. */
void pending_add(struct frame *f);
void frame_forget_type(struct frame *f); /* count is 0 */

/* tables.c: called by frame.c only. */
int table_validate(struct frame *f, uint64_t type);
int table_devalidate(struct frame *f, uint64_t type, bool preemptible);
/* tables.c, for a table that the caller holds at its type. pg_owner is the owner of the frame that
 * an L1 entry maps; other levels only take frames of pt_owner. */
int table_update(struct frame *table, unsigned int level, uint64_t *slot, uint64_t val,
                 struct domain *pt_owner, bool preserve_ad);

/* l1.c */
int l1_validate(struct frame *f);
void l1_devalidate(struct frame *f, unsigned int entries);
/* Takes the references that an entry needs. *val is adjusted (bits that we add; RW taken away). */
int l1_get(uint64_t *val, struct domain *pt_owner, struct domain *pg_owner);
void l1_put(uint64_t val);
int l1_update(uint64_t *slot, uint64_t val, struct domain *pt_owner, struct domain *pg_owner,
              bool preserve_ad);
int l1_cmpxchg(uint64_t *slot, uint64_t *old, uint64_t val, struct domain *d);

/* descriptors.c */
int segdesc_validate(struct frame *f);
void gdt_window_clear(struct vcpu *v);
void ldt_unmap(struct vcpu *v);
bool ldt_map_page(struct vcpu *v, unsigned int page);

/* alloc.c: blocks of frames without an owner, count 0. */
struct frame *heap_alloc(unsigned int order, unsigned int bits, struct domain *d);
void heap_free(struct frame *f, unsigned int order);
void heap_init(uint64_t pages);
void frame_scrub(struct frame *f);

/* domain_frames.c */
void domain_frame_release(struct frame *f); /* the last reference of an owned frame went */
/* Makes 2^order frames of the heap d's; -ENOMEM over its limit, -EINVAL if it dies. uncounted:
 * they replace frames that still count (exchange). */
#define ALLOC_NO_OWNER                                                                             \
    0x100u /* for alloc_domain_frames: d's limits apply, but it gets them later */
int domain_assign(struct domain *d, struct frame *f, unsigned int order, bool uncounted);
int domain_set_claim(struct domain *d, uint64_t pages); /* alloc.c */
void claim_used(struct domain *d, uint64_t n);          /* alloc.c */
/* Takes a frame nobody else holds from d, count 0 and no owner; it stays counted. */
int domain_steal(struct domain *d, struct frame *f);
void domain_uncount(struct domain *d, uint64_t pages);
struct domain *owner_domain(uint32_t tag);
int owner_set(uint32_t tag, struct domain *d); /* -ENOMEM */
/* The first frame of the list, with a reference; NULL: none, or it is just going. */
struct frame *domain_first_frame(struct domain *d);
void domain_keep_frame(struct domain *d, struct frame *f); /* to the list of kept ones */

/* map.c */
extern char image_start[]; /* linker script */
uint64_t m2p_chunk(uint64_t i);

/* walk.c: the L1 table and entry that map va from an L4; NULL: none. Only hints: nothing is held.
 */
uint64_t *walk_tables(const struct domain *d, mfn_t l4, uint64_t va, struct frame **l1);
static inline bool guest_va(uint64_t va) /* canonical, and not ours */
{
    return (int64_t)(va << 16) >> 16 == (int64_t)va && !(va >= HV_START && va < HV_END);
}

/* guest_frame.c */
struct mapped_frame {
    struct list list; /* in domain.mm.mapped */
    struct frame *frame;
};
void vcpu_info_drop(struct vcpu *v);

/* flush.c: which CPUs, for guests' requests. */
void flush_domain(struct domain *d, uint64_t va);
int flush_vcpus(struct domain *d, uint64_t bitmap_va, uint64_t va);
void flush_all_mask(struct flush_mask *m);
void flush_since(struct flush_mask *m, uint32_t stamp); /* those of m that did not since */
void flush_stale(const struct frame *f, const struct domain *owner, bool everywhere);

/* memory_op's parts. */
struct memop {
    struct domain *d;
    uint64_t list;     /* guest address of the extents, 0: none */
    uint64_t nr, done; /* extents */
    unsigned int order, bits;
    bool preempted;
};
/* max_order for extents that the caller may ask for. */
long memory_exchange(uint64_t arg);
long memory_map_op(unsigned int op, uint64_t arg);
unsigned int memop_max_order(const struct domain *d);

/* Owner of frames named in a hypercall: DOMID_SELF, DOMID_IO and DOMID_XEN included. With a
 * reference; NULL: none. */
struct domain *frames_owner_get(domid_t id);
void frames_owner_put(struct domain *d);
/* base.c. With m2p_strict, an L4 loses the M2P when it becomes a user base pointer; without, it
 * gets it when it becomes a kernel's. As Xen. */
static inline bool m2p_strict(const struct domain *d) {
    return d->vm_assist & (1UL << VMASST_TYPE_m2p_strict);
}
int new_base(struct vcpu *v, uint64_t mfn);
int new_user_base(struct vcpu *v, uint64_t mfn);
