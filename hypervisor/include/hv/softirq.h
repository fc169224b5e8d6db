/* SPDX-License-Identifier: MIT */
/*
 * Deferred work of one CPU. Interrupt handlers and other CPUs set a bit; the bits are served, with
 * no lock held, on the way back to the guest and in idle (entry/exit.c).
 */
#pragma once

#include <hv/types.h>

enum softirq {
    SOFTIRQ_TIMER,    /* expired software timers; sched/timer.c */
    SOFTIRQ_SCHEDULE, /* choose another vcpu; sched/sched.c. Must be served last */
    SOFTIRQ_RECLAIM,  /* finish the destruction of domains without references; domain/domain.c */
    SOFTIRQ_KEYS,     /* debug keys and console input; console/ */
    SOFTIRQ_PARK,     /* another CPU wants this one to stand still; sched/softirq.c */
    NR_SOFTIRQS
};

void softirq_raise(enum softirq nr);                      /* on this CPU */
void softirq_raise_on(unsigned int cpu, enum softirq nr); /* sends an IPI when it is another CPU */
void softirq_run(void); /* serves all pending bits once, lowest first */

/* Stops every other CPU where it holds nothing, until unpark_cpus(). No lock that another CPU might
 * wait for without giving way may be held. False: somebody else is doing it. */
bool park_other_cpus(void);
void unpark_cpus(void);

/* Opens a short interrupt window, then tells whether this CPU has something better to do than the
 * current long operation: a softirq, or an event for the current vcpu. No lock may be held. */
bool preempt_check(void);
