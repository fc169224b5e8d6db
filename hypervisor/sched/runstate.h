/* SPDX-License-Identifier: MIT */
/* Run-state accounting, vcpu timers: shared among the files of sched/. */
#pragma once

#include <hv/vcpu.h>

/* Queue lock held (or the vcpu is not yet visible). */
void runstate_set(struct vcpu *v, int state, uint64_t now);
int runstate_when_off(const struct vcpu *v); /* blocked or offline */
/* The guest's registered copy, written while its page tables are loaded. */
void runstate_publish_before_switch(struct vcpu *prev);
void runstate_publish_after_switch(struct vcpu *next);

void vcpu_timers_init(struct vcpu *v);
void vcpu_timers_kill(struct vcpu *v);
void periodic_timer_pause(struct vcpu *v); /* v leaves its CPU: no ticks until it is back */
void periodic_timer_resume(struct vcpu *v);
void periodic_timer_set(struct vcpu *v, uint64_t period_ns);
