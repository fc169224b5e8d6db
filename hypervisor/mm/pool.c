/* SPDX-License-Identifier: MIT */
/*
 * Small objects for Hospes itself. Sizes up to nearly half a page are rounded to a class; a page of
 * a class starts with a header and is cut into objects. Larger ones are whole pages: page-aligned,
 * which no small object is, with their order in the frame record's 'prev' (unused for our frames).
 * Pages with free objects are on their class's list; an empty page goes back to the heap unless it
 * is the last of its class.
 */
#include "mm_local.h"

#define MIN_SHIFT  4
#define NR_CLASSES 8 /* 16 .. 1024, and half of what a page has behind struct slab */
#define HALF_PAGE  ((PAGE_SIZE - sizeof(struct slab)) / 2)
#define MAX_SIZE   (1UL << 30)

struct object {
    struct object *next;
};

struct slab {
    struct list list; /* on classes[] while it has free objects */
    struct object *free;
    uint32_t used, class;
} __aligned(16);

static spinlock_t pool_lock = SPINLOCK_INIT(ORDER_POOL);
_Static_assert(HALF_PAGE % 16 == 0, "objects are aligned");
static struct list classes[NR_CLASSES]; /* each is made with its first page */
uint64_t pool_pages, pool_objects;      /* counted with DEBUG=1; pool_lock */

static size_t class_size(unsigned int class) {
    return class < NR_CLASSES - 1 ? 1UL << (class + MIN_SHIFT) : HALF_PAGE;
}

/* Cuts a page into objects. */
static void slab_add(struct slab *s, unsigned int class) {
    size_t size = class_size(class);

    s->class = class;
    for (size_t end = PAGE_SIZE; end >= sizeof(*s) + size; end -= size) {
        struct object *o = (struct object *)((char *)s + end - size);

        o->next = s->free;
        s->free = o;
    }
    if (!classes[class].next) list_init(&classes[class]);
    list_add(&s->list, &classes[class]);
    pool_pages += IS_DEBUG;
}

void *hv_alloc(size_t n) {
    unsigned int class = n <= 16 ? 0 : fls64(n - 1) + 1 - MIN_SHIFT;
    struct slab *s;
    struct object *o;
    void *page;

    if (n > MAX_SIZE || (IS_DEBUG && alloc_fails())) return NULL;
    if (class >= NR_CLASSES || n > class_size(class)) {
        page = alloc_pages_hv(order_for(n));
        if (page) mfn_to_frame(virt_to_mfn(page))->prev = order_for(n);
        return page;
    }
    spin_lock(&pool_lock);
    while (!classes[class].next || list_empty(&classes[class])) {
        spin_unlock(&pool_lock);
        page = alloc_page_hv();
        if (!page) return NULL;
        spin_lock(&pool_lock);
        slab_add(page, class);
    }
    s = list_first(&classes[class], struct slab, list);
    o = s->free;
    s->free = o->next;
    s->used++;
    if (!s->free) list_del(&s->list);
    pool_objects += IS_DEBUG;
    spin_unlock(&pool_lock);
    memset(o, 0, class_size(class));
    return o;
}

void hv_free(void *p) {
    struct slab *s = (struct slab *)((uintptr_t)p & PAGE_MASK);
    struct object *o = p;
    struct list *head;
    uint32_t order;
    bool empty;

    if (!p) return;
    if (p == s) {
        order = mfn_to_frame(virt_to_mfn(p))->prev;
        mfn_to_frame(virt_to_mfn(p))->prev = 0;
        free_pages_hv(p, order);
        return;
    }
    spin_lock(&pool_lock);
    if (IS_DEBUG) memset(p, 0x5a, class_size(s->class)); /* what is used after this is noticed */
    head = &classes[s->class];
    if (!s->free) list_add(&s->list, head);
    o->next = s->free;
    s->free = o;
    empty = --s->used == 0 && !(head->next == &s->list && head->prev == &s->list);
    if (empty) list_del(&s->list);
    pool_objects -= IS_DEBUG;
    pool_pages -= IS_DEBUG && empty;
    spin_unlock(&pool_lock);
    if (empty) free_page_hv(s);
}
