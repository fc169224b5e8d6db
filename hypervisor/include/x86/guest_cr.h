/* SPDX-License-Identifier: MIT */
/* Control registers as guests see them. entry/emul_cr.c */
#pragma once

#include <hv/types.h>

struct vcpu;

/* What v's CR4 becomes when it, or a tool, asks for this value. */
uint64_t guest_cr4_fixup(const struct vcpu *v, uint64_t cr4);
/* False: there is no such register, or the value is refused: #GP. */
bool guest_cr_read(struct vcpu *v, unsigned int cr, uint64_t *value);
bool guest_cr_write(struct vcpu *v, unsigned int cr, uint64_t value);
