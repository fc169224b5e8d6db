/* SPDX-License-Identifier: MIT */
/* What guests read and write of the CPU besides its general registers: MSRs (x86/msr.c), debug
 * registers (x86/debugreg.c), I/O ports (entry/pio.c). */
#pragma once

#include <hv/types.h>

struct domain;
struct vcpu;

/* v is current. False: #GP. */
bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);

/* -ENODEV: no such register; -EINVAL: reserved bits; -EPERM: not for guests, whose breakpoints must
 * be at addresses of theirs. v is current, or is not running. */
int debugreg_set(struct vcpu *v, unsigned int reg, uint64_t value);
int debugreg_get(const struct vcpu *v, unsigned int reg, uint64_t *value);
void debugreg_reset(struct vcpu *v);
/* Context switch. */
void debugreg_save(struct vcpu *v);
void debugreg_load(const struct vcpu *v);
/* #DB: merges DR6 into current's and clears the hardware's. */
void debugreg_trap(struct vcpu *v);
void debugreg_discard(void);

/* bytes: 1, 2 or 4. What the domain may not touch reads as ones and ignores writes. */
void pio_access(struct domain *d, uint16_t port, unsigned int bytes, bool write, uint32_t *v);
