/* SPDX-License-Identifier: MIT */
/*
 * Frames of domains: giving them to an owner, the owner's list and counts, and what happens when
 * the last reference goes. A domain that owns frames holds one reference to its own shell for them
 * together, so that it outlives what others still map. Hospes's frames shared with a domain do not
 * keep it: they become dom_xen's when they are taken back (frame.c).
 */
#include "mm_local.h"

/* Domains by id, for frame.owner. Entries are set while no frame of theirs exists. */
#define OWNERS_PER_PAGE 512
static struct domain **owners[0x8000 / OWNERS_PER_PAGE];

struct domain *owner_domain(uint32_t tag) {
    uint32_t id = tag - 1;
    struct domain **page;

    if (!tag || id >= 0x8000) return NULL;
    page = READ_ONCE(owners[id / OWNERS_PER_PAGE]);
    return page ? READ_ONCE(page[id % OWNERS_PER_PAGE]) : NULL;
}

int owner_set(uint32_t tag, struct domain *d) {
    uint32_t id = tag - 1;
    struct domain **page = READ_ONCE(owners[id / OWNERS_PER_PAGE]), **seen = NULL;

    if (!page) {
        page = alloc_page_hv();
        if (!page) return -ENOMEM;
        if (!__atomic_compare_exchange_n(&owners[id / OWNERS_PER_PAGE], &seen, page, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            free_page_hv(page);
            page = seen;
        }
    }
    WRITE_ONCE(page[id % OWNERS_PER_PAGE], d);
    return 0;
}

/* d->mm.lock */
static void list_insert(uint32_t *head, struct frame *f) {
    f->prev = 0;
    f->next = *head;
    if (*head) frame_table[*head].prev = (uint32_t)frame_nr(f);
    *head = (uint32_t)frame_nr(f);
}

static void list_remove(struct domain *d, struct frame *f) {
    uint32_t n = (uint32_t)frame_nr(f);

    if (f->prev)
        frame_table[f->prev].next = f->next;
    else if (d->mm.first_frame == n)
        d->mm.first_frame = f->next;
    else
        d->mm.first_kept = f->next;
    if (f->next) frame_table[f->next].prev = f->prev;
    f->next = f->prev = 0;
}

struct frame *domain_first_frame(struct domain *d) {
    struct frame *f = NULL;

    spin_lock(&d->mm.lock);
    if (d->mm.first_frame) {
        f = &frame_table[d->mm.first_frame];
        if (!frame_try_get(f, owner_tag(d)))
            f = NULL; /* its last reference is just being put: it will leave the list */
    }
    spin_unlock(&d->mm.lock);
    return f;
}

void domain_keep_frame(struct domain *d, struct frame *f) {
    spin_lock(&d->mm.lock);
    list_remove(d, f);
    list_insert(&d->mm.first_kept, f);
    spin_unlock(&d->mm.lock);
}

/* The frame's count is 0: nobody can find it any more. */
void domain_frame_release(struct frame *f) {
    struct domain *d;
    bool empty;

    if (f->count & FC_HYPERVISOR) {
        f->count = FC_DIRTY;
        heap_free(f, 0);
        return;
    }
    d = owner_domain(f->owner);
    spin_lock(&d->mm.lock);
    list_remove(d, f);
    empty = --d->mm.tot_pages == 0;
    spin_unlock(&d->mm.lock);
    f->count = 0;
    frame_scrub(f);
    heap_free(f, 0);
    if (empty) domain_put(d);
}

/* d->mm.lock. A frame that comes back (exchange) has its last type and FC_FOREIGN still, and will
 * be flushed for. */
static void give(struct domain *d, struct frame *f) {
    f->owner = owner_tag(d);
    list_insert(&d->mm.first_frame, f);
    __atomic_store_n(&f->count, (f->count & FC_FOREIGN) | FC_ALLOCATED | 1, __ATOMIC_SEQ_CST);
}

int domain_assign(struct domain *d, struct frame *f, unsigned int order, bool uncounted) {
    uint64_t n = BIT(order);
    bool first = false;
    int rc = 0;

    spin_lock(&d->mm.lock);
    if (d->state >= DOM_DYING)
        rc = -EINVAL;
    else if (!uncounted && (d->mm.tot_pages + n > d->mm.max_pages || d->mm.tot_pages + n < n))
        rc = -E2BIG;
    if (!rc) {
        if (!uncounted) {
            first = !d->mm.tot_pages;
            d->mm.tot_pages += n;
            claim_used(d, n);
        }
        for (uint64_t i = n; i-- > 0;) give(d, &f[i]);
    }
    spin_unlock(&d->mm.lock);
    if (first) domain_ref(d);
    return rc;
}

static void make_presentable(struct frame *f, uint64_t n, bool scrub) {
    for (uint64_t i = 0; i < n; i++) {
        if (scrub && (f[i].count & FC_DIRTY)) frame_scrub(&f[i]);
        f[i].count = 0;
    }
}

struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int bits,
                                  unsigned int flags) {
    struct frame *f;

    if ((flags & ALLOC_LOW) && (!bits || bits > 32)) bits = 32;
    if (d && !(flags & ALLOC_NO_OWNER) && READ_ONCE(d->mm.tot_pages) + BIT(order) > d->mm.max_pages)
        return NULL;
    f = heap_alloc(order, bits, d);
    if (!f) return NULL;
    make_presentable(f, BIT(order), !(flags & ALLOC_NO_SCRUB));
    if (d && !(flags & ALLOC_NO_OWNER) && domain_assign(d, f, order, false)) {
        heap_free(f, order);
        return NULL;
    }
    return f;
}

void free_domain_frame(struct frame *f) {
    if (__atomic_fetch_and(&f->count, ~FC_ALLOCATED, __ATOMIC_SEQ_CST) & FC_ALLOCATED)
        frame_drop(f);
}

int domain_steal(struct domain *d, struct frame *f) {
    uint64_t x;

    if (!frame_try_get(f, owner_tag(d))) return -EINVAL;
    x = READ_ONCE(f->count);
    do {
        if ((x & ~FC_FOREIGN) != (FC_ALLOCATED | 2)) { /* the owner's and ours */
            frame_drop(f);
            return -EINVAL;
        }
    } while (!cas64(&f->count, &x, x & FC_FOREIGN)); /* nobody can get a reference from now on */
    spin_lock(&d->mm.lock);
    list_remove(d, f);
    spin_unlock(&d->mm.lock);
    f->owner = OWNER_NONE;
    return 0;
}

void domain_uncount(struct domain *d, uint64_t pages) {
    bool empty;

    spin_lock(&d->mm.lock);
    d->mm.tot_pages -= pages;
    empty = pages && !d->mm.tot_pages;
    spin_unlock(&d->mm.lock);
    if (empty) domain_put(d);
}
