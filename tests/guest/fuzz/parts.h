/* SPDX-License-Identifier: MIT */
/* The lists of generators, by subject. */
#pragma once

#include "fuzz.h"

extern const struct generator memory_calls[], memory_acts[], frame_calls[], store_acts[],
    event_calls[], event_acts[], grant_calls[], grant_acts[], cpu_calls[], cpu_entry[], cpu_iret[],
    cpu_acts[], sched_calls[], misc_calls[], instruction_acts[], debug_acts[];
extern const unsigned int nr_memory_calls, nr_memory_acts, nr_frame_calls, nr_store_acts,
    nr_event_calls, nr_event_acts, nr_grant_calls, nr_grant_acts, nr_cpu_calls, nr_cpu_entry,
    nr_cpu_iret, nr_cpu_acts, nr_sched_calls, nr_misc_calls, nr_instruction_acts, nr_debug_acts;
