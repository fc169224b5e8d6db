/* SPDX-License-Identifier: MIT */
/* Model-specific registers of guests: one place says what each reads as and takes. x86/msr.c */
#pragma once

#include <hv/types.h>

struct vcpu;

/* v is current. False: #GP. */
bool guest_rdmsr(struct vcpu *v, uint32_t msr, uint64_t *value);
bool guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t value);
