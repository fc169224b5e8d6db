/* SPDX-License-Identifier: MIT */
/*
 * Software timers: one pairing heap per CPU. Nothing is allocated, so arming never fails. A timer's
 * function runs from SOFTIRQ_TIMER on its CPU with no lock held and may arm the timer again.
 */
#include <hv/pcpu.h>
#include <hv/irq.h>
#include <hv/softirq.h>
#include <hv/timer.h>
#include <x86/apic.h>

/* Links two roots; returns the earlier, the other as its first child. */
static struct timer *heap_meld(struct timer *a, struct timer *b) {
    if (!a) return b;
    if (!b) return a;
    if (b->expires < a->expires) {
        struct timer *t = a;

        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next) b->next->prev = b;
    b->prev = a;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* Makes one heap of a list of siblings, pairing left to right and then melding right to left. */
static struct timer *heap_merge_siblings(struct timer *list) {
    struct timer *pairs = NULL, *root = NULL;

    while (list) {
        struct timer *a = list, *b = a->next;

        list = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b) b->next = b->prev = NULL;
        a = heap_meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct timer *next = pairs->next;

        pairs->next = NULL;
        root = heap_meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void heap_insert(struct timer_pcpu *tp, struct timer *t) {
    t->child = t->next = t->prev = NULL;
    t->active = true;
    tp->root = heap_meld(tp->root, t);
}

static void heap_unlink(struct timer_pcpu *tp, struct timer *t) {
    struct timer *kids = heap_merge_siblings(t->child);

    if (t == tp->root) {
        tp->root = kids;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next) t->next->prev = t->prev;
        tp->root = heap_meld(tp->root, kids);
    }
    t->child = t->next = t->prev = NULL;
}

static void heap_remove(struct timer_pcpu *tp, struct timer *t) {
    heap_unlink(tp, t);
    t->active = false;
}

/* The heap lock of the CPU that t belongs to; t->cpu cannot change while it is held. */
static struct timer_pcpu *timer_lock(struct timer *t) {
    for (;;) {
        uint32_t cpu = READ_ONCE(t->cpu);
        struct timer_pcpu *tp = &pcpus[cpu]->timers;

        spin_lock(&tp->lock);
        if (likely(t->cpu == cpu)) return tp;
        spin_unlock(&tp->lock);
    }
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu) {
    *t = (struct timer){.fn = fn, .data = data, .cpu = cpu};
}

void timer_init_cpu(unsigned int cpu) { spin_lock_init(&pcpus[cpu]->timers.lock, ORDER_TIMER); }

/* The earliest timer of a CPU changed: its clock event must follow. */
static void timer_reprogram(unsigned int cpu, uint64_t expires) {
    if (cpu == smp_cpu_id())
        apic_timer_set(expires);
    else
        softirq_raise_on(cpu, SOFTIRQ_TIMER);
}

void timer_set(struct timer *t, uint64_t expires) {
    struct timer_pcpu *tp = timer_lock(t);
    bool first;

    if (t->active) heap_remove(tp, t);
    t->expires = expires;
    heap_insert(tp, t);
    first = tp->root == t;
    if (first) timer_reprogram(t->cpu, expires);
    spin_unlock(&tp->lock);
}

static void timer_remove(struct timer *t) {
    struct timer_pcpu *tp = timer_lock(t);

    if (t->active) heap_remove(tp, t);
    spin_unlock(&tp->lock);
}

void timer_stop(struct timer *t) {
    if (READ_ONCE(t->active)) timer_remove(t);
}

/*
 * Under the lock, so that a CPU that has just taken t off its heap shows it as running. That need
 * not be t's CPU: t may have been migrated while its function ran, which may also arm it again.
 */
void timer_kill(struct timer *t) {
    timer_remove(t);
    for (unsigned int c = 0; c < nr_cpus; c++)
        while (c != smp_cpu_id() &&
               __atomic_load_n(&pcpus[c]->timers.running, __ATOMIC_ACQUIRE) == t)
            smp_poll();
    timer_remove(t);
}

void timer_migrate(struct timer *t, unsigned int cpu) {
    uint32_t from;

    for (;;) {
        from = READ_ONCE(t->cpu);
        if (from == cpu) return;
        spin_lock(&pcpus[min(from, cpu)]->timers.lock);
        spin_lock(&pcpus[max(from, cpu)]->timers.lock);
        if (likely(t->cpu == from)) break;
        spin_unlock(&pcpus[from]->timers.lock);
        spin_unlock(&pcpus[cpu]->timers.lock);
    }
    /* Never seen inactive in between: a timer_stop() would pass over it. */
    WRITE_ONCE(t->cpu, cpu);
    if (t->active) {
        heap_unlink(&pcpus[from]->timers, t);
        heap_insert(&pcpus[cpu]->timers, t);
        if (pcpus[cpu]->timers.root == t) timer_reprogram(cpu, t->expires);
    }
    spin_unlock(&pcpus[from]->timers.lock);
    spin_unlock(&pcpus[cpu]->timers.lock);
}

void timer_interrupt(void) { softirq_raise(SOFTIRQ_TIMER); }

void timer_softirq(void) {
    struct timer_pcpu *tp = &this_pcpu()->timers;

    spin_lock(&tp->lock);
    while (tp->root && tp->root->expires <= now_ns()) {
        struct timer *t = tp->root;

        heap_remove(tp, t);
        tp->running = t;
        spin_unlock(&tp->lock);
        t->fn(t->data);
        spin_lock(&tp->lock);
        __atomic_store_n(&tp->running, NULL, __ATOMIC_RELEASE);
    }
    if (tp->root) apic_timer_set(tp->root->expires);
    spin_unlock(&tp->lock);
}
