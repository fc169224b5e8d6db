/* SPDX-License-Identifier: MIT */
/* x86 state of a domain. */
#pragma once

#include <hv/types.h>

struct cpu_policy; /* x86/cpuid.h: leaves and MSRs that its vcpus see */

struct arch_domain {
    struct cpu_policy *policy;
    uint64_t dirty_cpus[4]; /* CPUs whose TLB may hold entries of this domain; atomic bits */
    uint64_t tsc_khz;
    uint32_t tsc_mode, tsc_incarnation; /* as the tools set them */
    bool is_32bit;                      /* never true yet */
    struct {                            /* PIT channel 2 as a domU sees it; entry/pio.c, its lock */
        uint64_t start_ns; /* system time at which the count was loaded or the gate opened */
        uint32_t reload;   /* 1..65536 */
        uint16_t latch, write_low;
        uint8_t mode, access; /* access: 1 low byte, 2 high byte, 3 both */
        bool gate, speaker, latched, second_read, second_write;
    } pit;
    uint32_t pci_cf8;
};

struct domain;
int arch_domain_init(struct domain *d); /* -ENOMEM */
void arch_domain_free(struct domain *d);
