/* SPDX-License-Identifier: MIT */
/* Software timers: one skew heap per CPU. Arming, which their functions may do, never fails. */
#include <hv/pcpu.h>
#include <x86/apic.h>

/* Puts the heap made of a and b at *at, below 'up'. Swapping children on the way keeps all
 * operations logarithmic on average over any sequence of them. */
static void heap_meld(struct timer **at, struct timer *up, struct timer *a, struct timer *b) {
    while (a && b) {
        struct timer *first = b->expires < a->expires ? b : a, *right = first->right;

        b = first == a ? b : a;
        *at = first;
        first->up = up;
        first->right = first->left;
        at = &first->left;
        up = first;
        a = right;
    }
    *at = a ? a : b;
    if (*at) (*at)->up = up;
}

static void heap_insert(struct timer_pcpu *tp, struct timer *t) {
    t->left = t->right = NULL;
    t->active = true;
    heap_meld(&tp->root, NULL, tp->root, t);
}

static void heap_unlink(struct timer_pcpu *tp, struct timer *t) {
    struct timer **at = !t->up ? &tp->root : t->up->left == t ? &t->up->left : &t->up->right;

    heap_meld(at, t->up, t->left, t->right);
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

/* The earliest timer of a CPU changed: its clock event must follow. */
static void timer_reprogram(unsigned int cpu, uint64_t expires) {
    if (cpu == smp_cpu_id())
        apic_timer_set(expires);
    else
        softirq_raise_on(cpu, SOFTIRQ_TIMER);
}

void timer_set(struct timer *t, uint64_t expires) {
    struct timer_pcpu *tp = timer_lock(t);

    if (t->active) heap_unlink(tp, t);
    t->expires = expires;
    heap_insert(tp, t);
    if (tp->root == t) timer_reprogram(t->cpu, expires);
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

/* Under the lock, so that a CPU that has just taken t off its heap shows it as running. That need
 * not be t's CPU: t may have been migrated while its function ran, which may also arm it again. */
void timer_kill(struct timer *t) {
    timer_remove(t);
    for (unsigned int c = 0; c < nr_cpus; c++)
        while (c != smp_cpu_id() &&
               __atomic_load_n(&pcpus[c]->timers.running, __ATOMIC_ACQUIRE) == t)
            smp_poll();
    timer_remove(t);
}

void timer_migrate(struct timer *t, unsigned int cpu) {
    struct timer_pcpu *old, *new;
    uint32_t from;

    for (;;) {
        from = READ_ONCE(t->cpu);
        if (likely(from == cpu)) return;
        old = &pcpus[from]->timers;
        new = &pcpus[cpu]->timers;
        spin_lock_two(&old->lock, &new->lock);
        if (likely(t->cpu == from)) break;
        spin_unlock_two(&old->lock, &new->lock);
    }
    /* Never seen inactive in between: a timer_stop() would pass over it. */
    WRITE_ONCE(t->cpu, cpu);
    if (t->active) {
        heap_unlink(old, t);
        heap_insert(new, t);
        if (new->root == t) timer_reprogram(cpu, t->expires);
    }
    spin_unlock_two(&old->lock, &new->lock);
}

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
