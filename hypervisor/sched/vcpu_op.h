/* SPDX-License-Identifier: MIT */
/* Among the files of sched/: acting on a vcpu's own timers. */
#pragma once

#include <hv/types.h>

struct vcpu;

int vcpu_set_singleshot(struct vcpu *v, uint64_t timeout);
