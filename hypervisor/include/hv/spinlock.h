/* SPDX-License-Identifier: MIT */
/*
 * Spinlocks (tickets). The order stands in hypervisor/README.md, outer locks having lower values;
 * debug builds check that no lock is taken while one of a higher order is held.
 */
#pragma once

#include <hv/types.h>

typedef struct spinlock {
    uint16_t head; /* ticket now served */
    uint16_t tail; /* next ticket to hand out */
    uint16_t order;
    uint16_t owner; /* cpu + 1 while held */
} spinlock_t;

#define SPINLOCK_INIT(ord)                                                                         \
    { 0, 0, (ord), 0 }

enum lock_order {
    ORDER_DOMCTL = 10,     /* serialises domctl/sysctl operations that change global state */
    ORDER_DOMLIST = 20,    /* the list of domains */
    ORDER_DOMAIN = 30,     /* d->lock: life-cycle fields of one domain */
    ORDER_GRANT = 40,      /* a domain's grant table */
    ORDER_MAPTRACK = 45,   /* a domain's grant mappings */
    ORDER_EVENT_DOM = 50,  /* a domain's port table */
    ORDER_EVENT_PORT = 55, /* one port */
    ORDER_EVENT_FIFO = 57, /* a domain's FIFO queues */
    ORDER_MSI = 58,        /* list of devices with MSI or MSI-X set up; maps their tables */
    ORDER_PT = 60,         /* Hospes's own mappings of device memory */
    ORDER_PAGE_ALLOC = 70, /* d's list of frames */
    ORDER_HEAP = 75,       /* frame allocator */
    ORDER_POOL = 76,       /* small-object allocator */
    ORDER_IRQ_DESC = 85,
    ORDER_SHUTDOWN = 88, /* d->shutdown_lock: a crash may be declared under most locks */
    ORDER_SCHED = 90,    /* a CPU's run queue */
    ORDER_TIMER = 95,    /* a CPU's timer heap */
    ORDER_CONSOLE = 110,
    ORDER_LEAF = 120, /* nothing is taken below it */
};

static inline void spin_lock_init(spinlock_t *l, enum lock_order order) {
    *l = (spinlock_t)SPINLOCK_INIT((uint16_t)order);
}

void spin_lock_slow(spinlock_t *l, uint16_t ticket); /* lib/spinlock.c */
#ifdef HOSPES_DEBUG
void spin_debug_lock(spinlock_t *l);
void spin_debug_unlock(spinlock_t *l);
void spin_debug_preempt(void); /* interrupts may come in here */
#else
static inline void spin_debug_preempt(void) {}
static inline void spin_debug_lock(spinlock_t *l) { (void)l; }
static inline void spin_debug_unlock(spinlock_t *l) { (void)l; }
#endif

static inline void spin_lock(spinlock_t *l) {
    uint16_t t = __atomic_fetch_add(&l->tail, 1, __ATOMIC_ACQUIRE);

    if (unlikely(__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != t)) spin_lock_slow(l, t);
    spin_debug_lock(l);
}

static inline bool spin_trylock(spinlock_t *l) {
    uint16_t t = __atomic_load_n(&l->head, __ATOMIC_RELAXED);

    if (!__atomic_compare_exchange_n(&l->tail, &t, (uint16_t)(t + 1), false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    spin_debug_lock(l);
    return true;
}

static inline void spin_unlock(spinlock_t *l) {
    spin_debug_unlock(l);
    __atomic_store_n(&l->head, (uint16_t)(l->head + 1), __ATOMIC_RELEASE);
}

static inline spinlock_t *spin_scope_begin(spinlock_t *l) {
    spin_lock(l);
    return l;
}

static inline void spin_scope_end(spinlock_t **l) { spin_unlock(*l); }

/* From here to the end of the block, however that is left, l is held. */
#define SPIN_SCOPE(l)     SPIN_SCOPE1(l, __COUNTER__)
#define SPIN_SCOPE1(l, n) SPIN_SCOPE2(l, n)
#define SPIN_SCOPE2(l, n)                                                                          \
    spinlock_t *scope_##n __attribute__((cleanup(spin_scope_end), unused)) = spin_scope_begin(l)

/* Two locks of one order, or one and the same. */
static inline void spin_lock_two(spinlock_t *a, spinlock_t *b) {
    spin_lock(a < b ? a : b);
    if (a != b) spin_lock(a < b ? b : a);
}

static inline void spin_unlock_two(spinlock_t *a, spinlock_t *b) {
    spin_unlock(a);
    if (a != b) spin_unlock(b);
}
