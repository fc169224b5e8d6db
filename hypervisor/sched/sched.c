/* SPDX-License-Identifier: MIT */
/*
 * Choosing which vcpu runs on which CPU. Every vcpu belongs to the run queue of sched.cpu; that
 * queue's lock protects its membership, virtual time and run state. The policy is policy.c; this
 * file is the mechanism: wake-up, sleep, preemption, placement, stealing, and the only caller of
 * context_switch().
 *
 * A vcpu that leaves a CPU stays is_running until its registers are in its struct, which happens
 * after the queue lock was dropped; nobody may choose it until then.
 *
 * A pause that waits for the vcpu to leave its CPU must not be asked for with a lock held that the
 * vcpu's current hypercall may want.
 */
#include <hv/guest_access.h>
#include <x86/spec.h>

#include "policy.h"

static bool vcpu_runnable(const struct vcpu *v) {
    return !(READ_ONCE(v->pause_flags) | (unsigned int)READ_ONCE(v->pause_count) |
             (unsigned int)READ_ONCE(v->domain->pause_count));
}

static bool is_idle(const struct vcpu *v) { return v->domain == &idle_domain; }

static bool cpu_allowed(const struct vcpu *v, unsigned int cpu) {
    if (v->sched.pinned_cpu) return cpu == v->sched.pinned_cpu - 1;
    return test_bit(cpu, v->sched.hard_affinity.bits);
}

static struct sched_pcpu *vcpu_lock_queue(const struct vcpu *v) {
    for (;;) {
        uint32_t cpu = READ_ONCE(v->sched.cpu);
        struct sched_pcpu *q = &pcpus[cpu]->sched;

        spin_lock(&q->lock);
        if (likely(v->sched.cpu == cpu)) return q;
        spin_unlock(&q->lock);
    }
}

/* How long a vcpu spent running, runnable, blocked, offline (public/vcpu.h). Queue lock held (or
 * the vcpu is not yet visible). */
static void runstate_set(struct vcpu *v, int state, uint64_t now) {
    struct vcpu_runstate_info *r = &v->sched.runstate;

    if (now > r->state_entry_time) {
        r->time[r->state] += now - r->state_entry_time;
        r->state_entry_time = now;
    }
    r->state = state;
}

static int runstate_when_off(const struct vcpu *v) {
    return (v->pause_flags & BIT(VPF_BLOCKED)) && !v->pause_count && !v->domain->pause_count
               ? RUNSTATE_blocked
               : RUNSTATE_offline;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out) {
    struct sched_pcpu *q = vcpu_lock_queue(v);
    uint64_t now;

    *out = v->sched.runstate;
    spin_unlock(&q->lock);
    now = now_ns();
    if (now > out->state_entry_time) out->time[out->state] += now - out->state_entry_time;
}

static void queue_add(struct sched_pcpu *q, struct vcpu *v) {
    list_add_tail(&v->sched.run, &q->queue);
    v->sched.queued = true;
    q->nr_queued++;
}

static void queue_del(struct sched_pcpu *q, struct vcpu *v) {
    list_del(&v->sched.run);
    v->sched.queued = false;
    q->nr_queued--;
}

static struct vcpu *entity_vcpu(struct sched_vcpu *s) {
    return container_of(s, struct vcpu, sched);
}

/* The best queued vcpu that this CPU may run now. own, which this CPU runs, need not be saved. */
static struct vcpu *queue_best(struct sched_pcpu *q, unsigned int cpu, const struct vcpu *own) {
    struct sched_vcpu *s, *best = NULL;

    list_for_each(s, &q->queue, run) {
        struct vcpu *v = entity_vcpu(s);

        if (!cpu_allowed(v, cpu) || (v != own && __atomic_load_n(&v->is_running, __ATOMIC_ACQUIRE)))
            continue;
        if (!best || policy_before(q, s, best)) best = s;
    }
    return best ? entity_vcpu(best) : NULL;
}

/* min_vruntime follows the slowest runnable vcpu, and never goes back. */
static void queue_advance(struct sched_pcpu *q, const struct vcpu *running) {
    const struct sched_vcpu *s, *slowest = NULL;

    if (!is_idle(running) && vcpu_runnable(running)) slowest = &running->sched;
    list_for_each(s, &q->queue, run)
        if (!slowest || (int64_t)(s->vruntime - slowest->vruntime) < 0) slowest = s;
    if (slowest && (int64_t)(slowest->vruntime - q->min_vruntime) > 0)
        q->min_vruntime = slowest->vruntime;
}

/* A hint: read without locks. */
static bool cpu_is_free(const struct vcpu *v, unsigned int cpu) {
    const struct sched_pcpu *q = &pcpus[cpu]->sched;

    return cpu_allowed(v, cpu) && is_idle(READ_ONCE(q->chosen)) && !READ_ONCE(q->nr_queued);
}

/* Where v should rather be: an idle CPU that it may use, its own first; else any that it may use if
 * it may not stay. -1: it stays. */
static int better_cpu(const struct vcpu *v) {
    unsigned int own = v->sched.cpu;
    int any = -1;

    if (cpu_is_free(v, own)) return (int)own;
    for (unsigned int c = 0; c < nr_cpus; c++) {
        if (cpu_is_free(v, c) && !test_bit(SOFTIRQ_SCHEDULE, &pcpus[c]->softirqs)) return (int)c;
        if (any < 0 && cpu_allowed(v, c)) any = (int)c;
    }
    return cpu_allowed(v, own) ? -1 : any;
}

static spinlock_t *queue_lock(unsigned int cpu) { return &pcpus[cpu]->sched.lock; }

/* v changes queues. Its relative lag goes with it. Both locks held, v not running. */
static void move_locked(struct vcpu *v, unsigned int from, unsigned int to) {
    struct sched_pcpu *qf = &pcpus[from]->sched, *qt = &pcpus[to]->sched;
    bool queued = v->sched.queued;

    if (queued) queue_del(qf, v);
    v->sched.vruntime += qt->min_vruntime - qf->min_vruntime;
    v->sched.deadline += qt->min_vruntime - qf->min_vruntime;
    WRITE_ONCE(v->sched.cpu, to);
    if (queued) queue_add(qt, v);
}

/* Moves a vcpu that is not running to another CPU's queue; does nothing if it got chosen. */
static void vcpu_move(struct vcpu *v, unsigned int to) {
    unsigned int from;

    for (;;) {
        from = READ_ONCE(v->sched.cpu);
        if (from == to) return;
        spin_lock_two(queue_lock(from), queue_lock(to));
        if (v->sched.cpu == from) break;
        spin_unlock_two(queue_lock(from), queue_lock(to));
    }
    if (!__atomic_load_n(&v->is_running, __ATOMIC_ACQUIRE)) move_locked(v, from, to);
    spin_unlock_two(queue_lock(from), queue_lock(to));
}

void vcpu_wake(struct vcpu *v) {
    struct sched_pcpu *q;
    unsigned int cpu;
    bool resched = false;

    for (;;) {
        if (!vcpu_runnable(v) || is_idle(v)) return;
        if (!READ_ONCE(v->is_running) && !READ_ONCE(v->sched.queued)) {
            int target = better_cpu(v);

            if (target >= 0) vcpu_move(v, (unsigned int)target);
        }
        q = vcpu_lock_queue(v);
        cpu = v->sched.cpu;
        /* If it was leaving a CPU that it may not use any more, only that CPU could move it on. */
        if (v->is_running || v->sched.queued || cpu_allowed(v, cpu)) break;
        spin_unlock(&q->lock);
    }
    if (vcpu_runnable(v) && !v->sched.queued && q->chosen != v) {
        struct vcpu *curr = q->chosen;

        runstate_set(v, RUNSTATE_runnable, now_ns());
        policy_place(q, &v->sched, v->domain->sched.weight);
        queue_add(q, v);
        /* The first to wait: the slice of who runs is not being timed yet. */
        resched = is_idle(curr) || q->nr_queued == 1 || policy_before(q, &v->sched, &curr->sched);
    }
    spin_unlock(&q->lock);
    if (resched) softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
}

void vcpu_sleep_nosync(struct vcpu *v) {
    struct sched_pcpu *q = vcpu_lock_queue(v);
    unsigned int cpu = v->sched.cpu;
    bool off = !vcpu_runnable(v), leave = off && q->chosen == v;

    if (off && v->sched.queued) {
        queue_del(q, v);
        if (!leave) runstate_set(v, runstate_when_off(v), now_ns());
    }
    spin_unlock(&q->lock);
    if (leave) softirq_raise_on(cpu, SOFTIRQ_SCHEDULE);
}

/* The same, and waits until it has left its CPU. */
static void vcpu_sleep_sync(struct vcpu *v) {
    vcpu_sleep_nosync(v);
    while (!vcpu_runnable(v) && __atomic_load_n(&v->is_running, __ATOMIC_ACQUIRE)) {
        smp_poll();
        park_if_asked(); /* its CPU may stand still already */
    }
}

void vcpu_kick(struct vcpu *v) {
    unsigned int cpu = READ_ONCE(v->sched.cpu);

    if (READ_ONCE(v->is_running) && cpu != smp_cpu_id()) smp_send_kick(cpu);
}

static bool steal_from(unsigned int cpu, unsigned int victim) {
    struct vcpu *v;

    spin_lock_two(queue_lock(cpu), queue_lock(victim));
    v = queue_best(&pcpus[victim]->sched, cpu, NULL);
    if (v) move_locked(v, victim, cpu);
    spin_unlock_two(queue_lock(cpu), queue_lock(victim));
    return v;
}

/* Takes a waiting vcpu from the most loaded other CPU, or from any whose vcpus are not all bound
 * elsewhere. Own queue lock not held. */
static void steal(unsigned int cpu) {
    unsigned int busiest = cpu, most = 0;

    for (unsigned int c = 0; c < nr_cpus; c++) {
        unsigned int n = READ_ONCE(pcpus[c]->sched.nr_queued);

        if (c != cpu && n > most) {
            most = n;
            busiest = c;
        }
    }
    if (busiest == cpu || steal_from(cpu, busiest)) return;
    for (unsigned int c = 0; c < nr_cpus; c++)
        if (c != cpu && c != busiest && READ_ONCE(pcpus[c]->sched.nr_queued) && steal_from(cpu, c))
            return;
}

/* The copy of its run state that a guest may register at one of its virtual addresses. It is
 * written only while the vcpu's own page tables are loaded, just before it leaves its CPU and after
 * it came; an address that is no longer mapped is silently passed over. */
static void publish(const struct vcpu *v) {
    struct vcpu_runstate_info r = v->sched.runstate;
    uint64_t va = v->runstate_va;
    uint64_t time_field = va + offsetof(struct vcpu_runstate_info, state_entry_time);
    bool flag = v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag);

    if (flag) {
        r.state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (copy_to_guest(time_field, &r.state_entry_time, sizeof(r.state_entry_time))) return;
    }
    if (copy_to_guest(va, &r, sizeof(r)) || !flag) return;
    r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    (void)!copy_to_guest(time_field, &r.state_entry_time, sizeof(r.state_entry_time));
}

/* The area is a guest-kernel address: a vcpu in user mode needs its kernel base for the moment. */
static void runstate_publish(struct vcpu *v, bool leaving) {
    bool kernel = v->arch.kernel_mode;

    if (!v->runstate_va) return;
    use_tables(v, true);
    publish(v);
    if (leaving)
        v->arch.kernel_mode = kernel; /* whoever runs next loads its own */
    else
        use_tables(v, kernel);
}

/* v, which need not exist any more, goes to another queue if it is still in this one. */
static void move_if_queued(const struct vcpu *v, unsigned int from, unsigned int to) {
    struct sched_vcpu *s;

    spin_lock_two(queue_lock(from), queue_lock(to));
    list_for_each(s, &pcpus[from]->sched.queue, run)
        if (s == &v->sched) {
            move_locked(entity_vcpu(s), from, to);
            break;
        }
    spin_unlock_two(queue_lock(from), queue_lock(to));
}

/* prev's registers are in its struct. If it still wants to run, another CPU may be for it. */
static void finish_switch(struct pcpu *p, struct vcpu *prev) {
    bool allowed = true;
    int target = -1;

    if (is_idle(prev)) {
        prev->is_running = false;
        return;
    }
    spin_lock(&p->sched.lock);
    if (prev->sched.queued) {
        allowed = cpu_allowed(prev, p->id);
        target = better_cpu(prev); /* it will come and steal */
    }
    /* From here on prev may be destroyed at any time, unless it is on a queue. */
    __atomic_store_n(&prev->is_running, false, __ATOMIC_RELEASE);
    spin_unlock(&p->sched.lock);
    if (target < 0) return;
    if (!allowed) move_if_queued(prev, p->id, (unsigned int)target);
    softirq_raise_on((unsigned int)target, SOFTIRQ_SCHEDULE);
}

void sched_softirq(void) {
    struct pcpu *p = this_pcpu();
    struct sched_pcpu *q = &p->sched;
    struct vcpu *prev = p->curr, *next;
    uint64_t now;

    if (!q->nr_queued && (is_idle(prev) || !vcpu_runnable(prev))) steal(p->id);

    spin_lock(&q->lock);
    now = now_ns();
    policy_charge(&prev->sched, now - prev->sched.last_start, prev->domain->sched.weight);
    prev->sched.last_start = now;
    if (!is_idle(prev) && vcpu_runnable(prev) && !prev->sched.queued) queue_add(q, prev);
    queue_advance(q, prev);
    next = queue_best(q, p->id, prev);
    if (next)
        queue_del(q, next);
    else
        next = &p->idle;
    if (is_idle(next) || !q->nr_queued)
        timer_stop(&q->slice);
    else
        timer_set(&q->slice, now + POLICY_SLICE_NS);
    if (next == prev) {
        spin_unlock(&q->lock);
        return;
    }
    runstate_set(prev, prev->sched.queued ? RUNSTATE_runnable : runstate_when_off(prev), now);
    /* From here on a wake-up of prev queues it, although its registers are still being saved. */
    q->chosen = next;
    next->is_running = true;
    next->sched.last_start = now;
    runstate_set(next, RUNSTATE_running, now);
    spin_unlock(&q->lock);

    periodic_timer_pause(prev);
    runstate_publish(prev, true);
    context_switch(prev, next);
    runstate_publish(next, false);
    finish_switch(p, prev);
    if (!is_idle(next)) {
        timer_migrate(&next->sched.singleshot, p->id);
        timer_migrate(&next->sched.periodic, p->id);
        periodic_timer_resume(next);
        time_update_vcpu(next);
    }
}

static void slice_expired(void *data) {
    (void)data;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

uint64_t sched_idle_ns(unsigned int cpu) {
    struct vcpu_runstate_info r;

    vcpu_runstate_get(&pcpus[cpu]->idle, &r);
    return r.time[RUNSTATE_running];
}

void sched_init_cpu(unsigned int cpu) {
    struct pcpu *p = pcpus[cpu];

    spin_lock_init(&p->sched.lock, ORDER_SCHED);
    list_init(&p->sched.queue);
    spin_lock_init(&p->timers.lock, ORDER_TIMER);
    timer_init(&p->sched.slice, slice_expired, NULL, cpu);
    idle_domain.sched.weight = 256;
    p->idle.domain = &idle_domain;
    p->idle.id = cpu;
    p->idle.sched.cpu = cpu;
    p->idle.info = &dummy_vcpu_info;
    p->idle.is_running = true;
    list_init(&p->idle.sched.run);
    p->curr = p->sched.chosen = &p->idle;
}

void sched_idle(void) {
    spec_verw();
    if (!READ_ONCE(this_pcpu()->softirqs)) __asm__ volatile("sti; hlt; cli" ::: "memory");
}

void sched_init_vcpu(struct vcpu *v) {
    v->pause_flags = BIT(VPF_DOWN);
    v->sched.cpu = (v->domain->id + v->id) % nr_cpus;
    list_init(&v->sched.run);
    memset(&v->sched.hard_affinity, 0xff, sizeof(v->sched.hard_affinity));
    memset(&v->sched.soft_affinity, 0xff, sizeof(v->sched.soft_affinity));
    v->sched.runstate.state = RUNSTATE_offline;
    v->sched.runstate.state_entry_time = now_ns();
    v->sched.vruntime = pcpus[v->sched.cpu]->sched.min_vruntime;
    vcpu_timers_init(v);
}

void sched_destroy_vcpu(struct vcpu *v) {
    vcpu_timers_kill(v);
    vcpu_sleep_sync(v);
}

int vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft) {
    struct sched_pcpu *q;
    bool any = false;

    for (unsigned int c = 0; hard && c < nr_cpus; c++) any |= test_bit(c, hard->bits);
    if (hard && !any) return -EINVAL;
    q = vcpu_lock_queue(v);
    if (hard) v->sched.hard_affinity = *hard;
    if (soft) v->sched.soft_affinity = *soft;
    spin_unlock(&q->lock);
    if (!cpu_allowed(v, v->sched.cpu)) {
        int target = better_cpu(v);

        if (target >= 0) vcpu_move(v, (unsigned int)target);
    }
    /* One that it may use again may have passed it over a moment ago, and now be idle. */
    softirq_raise_on(v->sched.cpu, SOFTIRQ_SCHEDULE);
    return 0;
}

void vcpu_yield(void) {
    struct vcpu *v = current;
    struct sched_pcpu *q = vcpu_lock_queue(v);

    /* Gives up the rest of the slice: back of the line among equals. */
    if (q->nr_queued) v->sched.deadline += policy_virtual(POLICY_SLICE_NS, v->domain->sched.weight);
    spin_unlock(&q->lock);
    if (q->nr_queued) softirq_raise(SOFTIRQ_SCHEDULE);
}

void vcpu_block(void) {
    struct vcpu *v = current;

    set_bit(VPF_BLOCKED, &v->pause_flags);
    /* An event sent before the bit was set does not wake us: look again now that it is. */
    if (vcpu_event_pending(v))
        clear_bit(VPF_BLOCKED, &v->pause_flags);
    else
        softirq_raise(SOFTIRQ_SCHEDULE);
}

void vcpu_unblock(struct vcpu *v) {
    if (!test_and_clear_bit(VPF_BLOCKED, &v->pause_flags)) return;
    if (unlikely(v->event.poll_port)) {
        v->event.poll_port = 0;
        if (test_and_clear_bit(v->id, v->domain->event.poll_mask))
            clear_bit(VPF_BLOCKED, &v->pause_flags);
    }
    vcpu_wake(v);
}

void vcpu_pause(struct vcpu *v) {
    ASSERT(v != current);
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v) {
    if (__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST) == 0) vcpu_wake(v);
}

void domain_pause_nosync(struct domain *d) {
    struct vcpu *v;

    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, v) vcpu_sleep_nosync(v);
}

void domain_pause(struct domain *d) {
    struct vcpu *v;

    domain_pause_nosync(d);
    for_each_vcpu(d, v) vcpu_sleep_sync(v);
}

void domain_unpause(struct domain *d) {
    struct vcpu *v;

    if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST) == 0)
        for_each_vcpu(d, v) vcpu_wake(v);
}

int domain_unpause_by_tools(struct domain *d) {
    if (!d->tools_pause_count) return -EINVAL;
    d->tools_pause_count--;
    domain_unpause(d);
    return 0;
}
