/* SPDX-License-Identifier: MIT */
/*
 * The scheduling policy as pure code over one run queue: earliest eligible virtual deadline first.
 * Each vcpu's virtual time runs at 256/weight of real time; a vcpu is eligible when its virtual
 * time is not ahead of the queue's, and of those the earliest deadline (virtual start of its slice
 * plus the slice at its rate) runs. No locks, no hardware: unit tests drive it on the host.
 */
#pragma once

#include <hv/sched.h>

#define POLICY_SLICE_NS MILLISECS(2) /* two others of them are no more than a Linux tick, 4 ms */

uint64_t policy_virtual(uint64_t ns, unsigned int weight);
/* Gives who was off the queue a fair place, without credit for sleeping beyond one slice. */
void policy_place(struct sched_pcpu *q, struct sched_vcpu *s, unsigned int weight);
/* s ran for ns, of which four slices count: nobody waited for more. */
void policy_charge(struct sched_vcpu *s, uint64_t ns, unsigned int weight);
/* True if a should run before b. */
bool policy_before(const struct sched_pcpu *q, const struct sched_vcpu *a,
                   const struct sched_vcpu *b);
