/* SPDX-License-Identifier: MIT */
/* What is done against speculation that leaks. Chosen at boot, then read-only. x86/spec.c */
#pragma once

/* Bits of spec_on; the first three as MSR SPEC_CTRL has them, for good on each CPU. */
#define SPEC_IBRS      1
#define SPEC_STIBP     2
#define SPEC_SSBD      4
#define SPEC_CTRL      7
#define SPEC_IBPB      8   /* before another vcpu runs than the last */
#define SPEC_VERW      16  /* before a guest runs, and before idling */
#define SPEC_RSB       32  /* the return stack is filled on the way in from a guest */
#define SPEC_XPTI      64  /* guests have page tables of their own: x86/xpti.c */
#define SPEC_L1TF      128 /* the CPU follows entries that are not present */
#define SPEC_RETPOLINE 256 /* what calls through pointers become: one of these three */
#define SPEC_LFENCE    512
#define SPEC_JMP       1024
#define SPEC_THUNK     (SPEC_RETPOLINE | SPEC_LFENCE | SPEC_JMP)

#ifndef __ASSEMBLY__
#include <hv/pcpu.h>

extern unsigned int spec_on;
extern const uint16_t verw_selector;

void spec_init(void);     /* boot CPU, after cpu_policy_init() */
void spec_init_cpu(void); /* each CPU, when it starts to work */
void spec_init_domain(struct domain *d);
void spec_barrier(void); /* what was trained so far predicts nothing any more */

/* An option that is chosen by domain, or a boolean for all. */
struct spec_choice {
    bool dom0, domu;
};
struct spec_choice spec_choose(const char *option, bool dom0, bool domu);
static inline bool spec_chosen(struct spec_choice c, const struct domain *d) {
    return d->is_control ? c.dom0 : c.domu;
}

/* x86/xpti.c. Boot CPU, before code is patched: makes SPEC_XPTI what xpti= says, if it is given. */
void xpti_init(void);
int xpti_init_cpu(struct arch_pcpu *a); /* whose entry page is mapped; -ENOMEM */
uint64_t xpti_base(uint64_t cr3);       /* what CR3 gets for this base, or, for a flush, itself */
uint64_t xpti_entry_slot(const struct domain *d); /* arch_domain.entry_slot */

static inline void spec_verw(void) {
    if (unlikely(spec_on & SPEC_VERW)) __asm__ volatile("verw %0" : : "m"(verw_selector) : "cc");
}
#endif
