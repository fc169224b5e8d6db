/* SPDX-License-Identifier: MIT */
/*
 * Small objects for Hospes itself. Sizes up to a quarter page are rounded to a class; a page of a
 * class starts with a header and is cut into objects. Larger ones are whole pages: page-aligned,
 * which no small object is, with their order in the frame record's 'prev' (unused for our frames).
 * Pages with free objects are on their class's list; an empty page goes back to the heap unless it
 * is the last of its class.
 */

#include "mm_local.h"

#define MIN_SHIFT  4
#define NR_CLASSES 7 /* 16 .. 1024 */
#define MAX_SIZE   (1UL << 30)

struct object {
    struct object *next;
};

struct slab {
    struct list list; /* on classes[] while it has free objects */
    struct object *free;
    uint16_t used, class;
    uint32_t pad;
} __aligned(16);

static spinlock_t pool_lock = SPINLOCK_INIT(ORDER_POOL);
static struct list classes[NR_CLASSES];
static bool ready;

static void pool_init(void) {
    for (unsigned int i = 0; i < NR_CLASSES; i++) list_init(&classes[i]);
    ready = true;
}

static void *large_alloc(size_t n) {
    unsigned int order = order_for(n);
    void *p = alloc_pages_hv(order);

    if (p) mfn_to_frame(virt_to_mfn(p))->prev = order;
    return p;
}

static void large_free(void *p) {
    struct frame *f = mfn_to_frame(virt_to_mfn(p));
    unsigned int order = f->prev;

    f->prev = 0;
    free_pages_hv(p, order);
}

/* Cuts a page into objects; not yet on a list. */
static struct slab *slab_make(void *page, unsigned int class) {
    size_t size = 1UL << (class + MIN_SHIFT);
    size_t first = ROUND_UP(sizeof(struct slab), size);
    struct slab *s = page;

    s->class = (uint16_t) class;
    for (size_t at = first; at + size <= PAGE_SIZE; at += size) {
        struct object *o = (struct object *)((char *)page + at);

        o->next = s->free;
        s->free = o;
    }
    return s;
}

static void *slab_take(unsigned int class) {
    struct object *o = NULL;
    struct slab *s;

    if (!list_empty(&classes[class])) {
        s = list_first(&classes[class], struct slab, list);
        o = s->free;
        s->free = o->next;
        s->used++;
        if (!s->free) list_del(&s->list);
    }
    return o;
}

void *hv_alloc(size_t n) {
    unsigned int class = n <= 16 ? 0 : fls64(n - 1) + 1 - MIN_SHIFT;
    void *page, *o;

    if (n > MAX_SIZE) return NULL;
    if (class >= NR_CLASSES) return large_alloc(n);
    spin_lock(&pool_lock);
    if (unlikely(!ready)) pool_init();
    while (!(o = slab_take(class))) {
        spin_unlock(&pool_lock);
        page = alloc_page_hv();
        if (!page) return NULL;
        spin_lock(&pool_lock);
        list_add(&slab_make(page, class)->list, &classes[class]);
    }
    spin_unlock(&pool_lock);
    memset(o, 0, 1UL << (class + MIN_SHIFT));
    return o;
}

static void slab_give(struct slab *s, struct object *o, void **empty) {
    struct list *head = &classes[s->class];

    if (!s->free) list_add(&s->list, head);
    o->next = s->free;
    s->free = o;
    if (--s->used == 0 && !(head->next == &s->list && head->prev == &s->list)) {
        list_del(&s->list);
        *empty = s;
    }
}

void hv_free(void *p) {
    void *empty = NULL;

    if (!p) return;
    if (!((uintptr_t)p & ~PAGE_MASK)) {
        large_free(p);
        return;
    }
    spin_lock(&pool_lock);
    slab_give((struct slab *)((uintptr_t)p & PAGE_MASK), p, &empty);
    spin_unlock(&pool_lock);
    free_page_hv(empty);
}
