/* SPDX-License-Identifier: MIT */
/*
 * Scheduling. One stack per CPU, none per vcpu: a vcpu's guest registers are copied between its
 * struct and the CPU's stack frame when another vcpu is chosen, on the way back to the guest. So a
 * hypercall never sleeps; a long one continues by restarting (hv/hypercall.h).
 *
 * A vcpu is runnable when pause_flags is 0. It is 'running' from the moment a CPU chooses it until
 * its state has been saved in its struct again.
 */
#pragma once

#include <hv/list.h>
#include <hv/spinlock.h>
#include <hv/timer.h>
#include <public/sched.h>
#include <public/vcpu.h>

/* Reasons not to run; bits in vcpu.pause_flags, changed atomically. */
enum pause_flag {
    VPF_BLOCKED, /* waits for an event (SCHEDOP_block, SCHEDOP_poll) */
    VPF_DOWN,    /* never initialised, or VCPUOP_down */
    VPF_PAUSED,  /* vcpu.pause_count or domain.pause_count above 0 */
};

struct sched_vcpu {
    struct list run;        /* on a CPU's run queue; protected by that queue's lock */
    bool queued;
    uint32_t cpu;           /* whose run queue it belongs to */
    uint64_t vruntime;      /* weighted ns */
    uint64_t deadline;
    uint64_t last_start;    /* system time at which it last began to run */
    struct vcpu_runstate_info runstate; /* our own copy; time[] in ns */
    unsigned long *hard_affinity;       /* bitmap of nr_cpus bits, NULL: all */
    unsigned long *soft_affinity;
    struct timer singleshot, periodic, poll;
    uint64_t periodic_period; /* ns, 0: off */
    struct timer *set_timer;
};

struct sched_domain {
    uint16_t weight; /* 1..65535, default 256 */
    uint16_t cap;    /* percent of one CPU, 0: none */
    struct timer watchdog[2];
    uint32_t watchdog_inuse;
};

struct sched_pcpu {
    spinlock_t lock;
    struct list queue;      /* runnable vcpus that are not running, by deadline */
    uint32_t nr_queued;
    uint64_t min_vruntime;
    struct timer slice;
    uint64_t idle_ns;       /* total time spent idle */
};

struct domain;
struct vcpu;
struct sched_remote_shutdown;

void sched_init(void);
void sched_init_cpu(unsigned int cpu);
int sched_init_vcpu(struct vcpu *v);       /* -ENOMEM; vcpu starts with VPF_DOWN */
void sched_destroy_vcpu(struct vcpu *v);   /* v is not running and never will again */
int sched_init_domain(struct domain *d);
void sched_destroy_domain(struct domain *d);

void vcpu_wake(struct vcpu *v);            /* queue it if it became runnable */
void vcpu_sleep_nosync(struct vcpu *v);    /* a pause flag was set: leave the CPU soon */
void vcpu_sleep_sync(struct vcpu *v);      /* the same, and wait until it is descheduled */
void vcpu_block(void);                     /* current vcpu; not if an event is already pending */
void vcpu_unblock(struct vcpu *v);
void vcpu_yield(void);
void vcpu_pause(struct vcpu *v);           /* counted; waits until v is off its CPU; v != current */
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void domain_pause(struct domain *d);       /* counted; waits for every vcpu; d != current's */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
void domain_pause_by_tools(struct domain *d);   /* counted apart: XEN_DOMINF_paused */
int domain_unpause_by_tools(struct domain *d);
/* Sends v's CPU a reason to leave the guest, so that it looks at pending events soon. */
void vcpu_kick(struct vcpu *v);
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);
void sched_softirq(void);                  /* SOFTIRQ_SCHEDULE */
__attribute__((noreturn)) void sched_start_cpu(void); /* enter idle on this CPU for the first time */
void sched_idle(void);                     /* wait for work, interrupts open, then return */
