/* SPDX-License-Identifier: MIT */
/* What the files of sched/ share: run-state accounting, vcpu timers. */
#pragma once

#include <hv/vcpu.h>

/* Queue lock held (or the vcpu is not yet visible). */
void runstate_set(struct vcpu *v, int state, uint64_t now);
int runstate_when_off(const struct vcpu *v); /* blocked or offline */
/* The guest's registered copy, written while its page tables are loaded: just before v leaves its
 * CPU, or after it came. */
void runstate_publish(struct vcpu *v, bool leaving);
/* The queue that v belongs to, locked. */
struct sched_pcpu *vcpu_lock_queue(const struct vcpu *v);

void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_kill(struct vcpu *v);
void periodic_timer_pause(struct vcpu *v); /* v leaves its CPU: no ticks until it is back */
void periodic_timer_resume(struct vcpu *v);
void periodic_timer_set(struct vcpu *v, uint64_t period_ns);
