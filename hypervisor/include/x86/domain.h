/* SPDX-License-Identifier: MIT */
/* x86 state of a domain. */
#pragma once

#include <hv/types.h>

struct cpu_policy; /* x86/cpuid.h: leaves and MSRs that its vcpus see */

struct arch_domain {
    struct cpu_policy *policy;
    uint64_t dirty_cpus[4];   /* CPUs whose TLB may hold entries of this domain; atomic bits */
    uint64_t tsc_khz;
    uint32_t tsc_mode, tsc_incarnation; /* as the tools set them */
    bool is_32bit;            /* never true yet */
    uint64_t pit_dummy;
    struct {                  /* PIT channel 2 as PV guests see it; entry/emul_pit.c */
        uint32_t mode, reload;
        uint64_t start_ns;
        bool gate, speaker;
        uint8_t latch_state, write_state;
        uint16_t latch;
    } pit;
    uint32_t pci_cf8;
};

struct domain;
int arch_domain_init(struct domain *d); /* -ENOMEM */
void arch_domain_free(struct domain *d);
