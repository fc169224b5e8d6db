/* SPDX-License-Identifier: MIT */
/*
 * Scheduling. sched/
 *
 * A vcpu is runnable when its pause_flags and pause_count and its domain's pause_count are all 0.
 * It is 'running' (is_running) from the moment a CPU chooses it until its state has been saved in
 * its struct again. Run-queue locks protect queued, cpu, vruntime, deadline and runstate.
 */
#pragma once

#include <hv/bitops.h>
#include <hv/timer.h>
#include <public/sched.h>
#include <public/vcpu.h>

/* Reasons not to run; bits in vcpu.pause_flags, changed atomically. */
enum pause_flag {
    VPF_BLOCKED, /* waits for an event (SCHEDOP_block, SCHEDOP_poll) */
    VPF_DOWN,    /* never initialised, or VCPUOP_down */
};

struct sched_vcpu {
    struct list run; /* on a CPU's run queue; protected by that queue's lock */
    bool queued;
    uint32_t cpu;      /* whose run queue it belongs to */
    uint64_t vruntime; /* weighted ns */
    uint64_t deadline;
    uint64_t last_start;                /* system time at which it last began to run */
    struct vcpu_runstate_info runstate; /* our own copy; time[] in ns */
    cpumask_t hard_affinity, soft_affinity;
    uint32_t pinned_cpu; /* + 1 while SCHEDOP_pin_override holds; else 0 */
    struct timer singleshot, periodic, poll;
    uint64_t periodic_period; /* ns, 0: off */
    uint64_t periodic_next;   /* system time of the next tick */
};

struct sched_domain {
    uint16_t weight; /* 1..65535, default 256 */
    uint16_t cap;    /* percent of one CPU, 0: none */
    struct timer watchdog[2];
    uint32_t watchdog_inuse; /* bit per timer; d->lock */
};

struct sched_pcpu {
    spinlock_t lock;
    struct list queue;   /* runnable vcpus that are not running, by deadline */
    struct vcpu *chosen; /* who runs, or is about to: pcpu.curr follows without the lock */
    uint32_t nr_queued;
    uint64_t min_vruntime; /* never goes back; where a vcpu that wakes is placed */
    struct timer slice;    /* end of the running vcpu's slice, when somebody else waits */
};

struct domain;
struct vcpu;

void sched_init_cpu(unsigned int cpu);
void sched_init_vcpu(struct vcpu *v);    /* it starts with VPF_DOWN */
void sched_destroy_vcpu(struct vcpu *v); /* v is not running and never will again */
void sched_init_domain(struct domain *d);
void sched_destroy_domain(struct domain *d);

void vcpu_wake(struct vcpu *v);         /* queue it if it became runnable */
void vcpu_sleep_nosync(struct vcpu *v); /* a pause flag was set: leave the CPU soon */
void vcpu_block(void);                  /* current vcpu; not if an event is already pending */
void vcpu_unblock(struct vcpu *v);
void vcpu_yield(void);
void vcpu_pause(struct vcpu *v); /* counted; waits until v is off its CPU; v != current */
void vcpu_unpause(struct vcpu *v);
void domain_pause(struct domain *d); /* counted; waits for every vcpu; d != current's */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
int domain_unpause_by_tools(struct domain *d); /* counted apart: XEN_DOMINF_paused. -EINVAL */
/* Sends v's CPU a reason to leave the guest, so that it looks at pending events soon. */
void vcpu_kick(struct vcpu *v);
long vcpu_send_nmi(struct vcpu *v); /* 0 */
/* Sets the affinity; moves the vcpu if need be. -EINVAL if no online CPU is in it. */
int vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
uint64_t sched_idle_ns(unsigned int cpu); /* time the CPU has spent without a vcpu */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);
void sched_softirq(void);

/* A vcpu's timers, for the scheduler alone. sched/vcpu_op.c */
void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_kill(struct vcpu *v);
void periodic_timer_pause(struct vcpu *v); /* v leaves its CPU: no ticks until it is back */
void periodic_timer_resume(struct vcpu *v);

void sched_idle(void); /* wait for work, interrupts open, then return */

/* Deferred work of one CPU. Interrupt handlers and other CPUs set a bit; the bits are served, with
 * no lock held, on the way back to the guest and in idle (entry/exit.c). sched/softirq.c */
enum softirq {
    SOFTIRQ_TIMER,    /* expired software timers; sched/timer.c */
    SOFTIRQ_SCHEDULE, /* choose another vcpu; sched/sched.c. Must be served last */
    SOFTIRQ_RECLAIM,  /* finish the destruction of domains without references; domain/domain.c */
    SOFTIRQ_KEYS,     /* debug keys and console input; console/ */
    SOFTIRQ_PARK,     /* another CPU wants this one to stand still; sched/softirq.c */
};

void softirq_raise(enum softirq nr);                      /* on this CPU */
void softirq_raise_on(unsigned int cpu, enum softirq nr); /* sends an IPI when it is another CPU */
void softirq_run(void); /* serves all pending bits once, lowest first */

/* Stops every other CPU where it holds nothing, until unpark_cpus(). No lock that another CPU might
 * wait for without giving way may be held. False: somebody else is doing it. */
bool park_other_cpus(void);
void unpark_cpus(void);
void park_if_asked(void); /* stands still while they are stopped */

/* Opens a short interrupt window, then tells whether this CPU has something better to do than the
 * current long operation: a softirq, or an event for the current vcpu. No lock may be held but
 * domctl's. */
bool preempt_check(void);
