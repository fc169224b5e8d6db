/* SPDX-License-Identifier: MIT */
/*
 * Guests' debug registers. Their breakpoints stay in the hardware while they run, and fire in
 * Hospes only on data that it touches for them: addresses are checked to be theirs. x86/debugreg.c
 */
#pragma once

#include <hv/types.h>

struct vcpu;

/* -ENODEV: no such register; -EINVAL: reserved bits; -EPERM: not for guests. v is current, or is
 * not running. */
int debugreg_set(struct vcpu *v, unsigned int reg, uint64_t value);
int debugreg_get(const struct vcpu *v, unsigned int reg, uint64_t *value);
void debugreg_reset(struct vcpu *v);
/* Context switch. */
void debugreg_save(struct vcpu *v);
void debugreg_load(const struct vcpu *v);
/* #DB: merges DR6 into current's and clears the hardware's. */
void debugreg_trap(struct vcpu *v);
void debugreg_discard(void);
