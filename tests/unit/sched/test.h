/* SPDX-License-Identifier: MIT */
#pragma once

#include "fakes.h"

#include <hv/timer.h>

extern uint64_t fake_now; /* what now_ns() says, unless real_time is set */
extern bool real_time;
extern uint64_t fake_deadline[4]; /* last apic_timer_set() of each CPU */

void timer_tests(void);
void policy_tests(void);
void smp_tests(void);
