/* SPDX-License-Identifier: MIT */
/*
 * The slow path of ticket locks, and the debug build's checks of order and owner. A spinning CPU
 * serves its flush and call mailboxes, because the holder may be waiting for exactly that.
 */
#include <hv/irq.h>
#include <hv/spinlock.h>

void spin_lock_slow(spinlock_t *l, uint16_t ticket) {
    while (__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != ticket) {
        __builtin_ia32_pause();
        smp_poll();
    }
}

#ifdef HOSPES_DEBUG
#include <hv/pcpu.h>

#define MAX_HELD 16

/* Locks held by each CPU, in order of taking; only that CPU touches its row. */
static struct held {
    unsigned int nr;
    const spinlock_t *lock[MAX_HELD];
} held_by_cpu[MAX_CPUS];

void spin_debug_lock(spinlock_t *l) {
    unsigned int cpu = smp_cpu_id();
    struct held *h = &held_by_cpu[cpu];

    BUG_ON(h->nr >= MAX_HELD);
    /* Two locks of one order are allowed (two run queues, two domains): their users order them. */
    if (h->nr > 0 && h->lock[h->nr - 1]->order > l->order) {
        unsigned int above = h->lock[h->nr - 1]->order;

        h->nr = 0; /* the panic path takes the console's lock */
        panic("lock order: %u taken while %u is held", l->order, above);
    }
    h->lock[h->nr++] = l;
    l->owner = (uint16_t)(cpu + 1);
}

void spin_debug_unlock(spinlock_t *l) {
    unsigned int cpu = smp_cpu_id();
    struct held *h = &held_by_cpu[cpu];
    unsigned int i = h->nr;

    BUG_ON(l->owner != cpu + 1);
    l->owner = 0;
    while (i > 0 && h->lock[i - 1] != l) i--;
    BUG_ON(i == 0);
    for (h->nr--; i <= h->nr; i++) h->lock[i - 1] = h->lock[i];
}

/* Only what others try for, and do not wait for, may be held for as long as a guest likes. */
void spin_debug_preempt(void) {
    const struct held *h = &held_by_cpu[smp_cpu_id()];

    BUG_ON(h->nr > 0 && h->lock[h->nr - 1]->order > ORDER_DOMCTL);
}
#endif
