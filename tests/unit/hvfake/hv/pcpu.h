/* SPDX-License-Identifier: MIT */
/* Host tests: a CPU is a thread. */
#pragma once

#include_next <hv/pcpu.h>

extern __thread struct pcpu *fake_pcpu;
extern __thread struct vcpu *fake_current;
#undef this_pcpu
#undef current
#define this_pcpu() (fake_pcpu)
#define current     (fake_current)
