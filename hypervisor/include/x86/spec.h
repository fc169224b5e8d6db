/* SPDX-License-Identifier: MIT */
/* What is done against speculation that leaks. Chosen at boot, read-only afterwards. x86/spec.c */
#pragma once

#include <x86/cpu.h>

enum {
    SPEC_IBRS = 1, /* these three as MSR SPEC_CTRL has them, on each CPU for good */
    SPEC_STIBP = 2,
    SPEC_SSBD = 4,
    SPEC_CTRL = SPEC_IBRS | SPEC_STIBP | SPEC_SSBD,
    SPEC_IBPB = 8,                       /* before a vcpu of another domain runs */
    SPEC_VERW = 16,                      /* before a guest runs, and before idling */
    SPEC_RSB = 32,                       /* the return stack is filled on the way in from a guest */
    SPEC_GUARDED = SPEC_VERW | SPEC_RSB, /* entry/guarded.S is in use */
    SPEC_RETPOLINE = 256, /* one of these three: what calls through pointers become */
    SPEC_LFENCE = 512,
    SPEC_JMP = 1024,
    SPEC_THUNK = SPEC_RETPOLINE | SPEC_LFENCE | SPEC_JMP,
};
extern unsigned int spec_on;

void spec_init(void);     /* boot CPU, after cpu_policy_init() */
void spec_init_cpu(void); /* each CPU, when it starts to work */
void spec_barrier(void);  /* what was trained so far predicts nothing any more */

extern const uint16_t verw_selector;

static inline void spec_verw(void) {
    if (unlikely(spec_on & SPEC_VERW)) __asm__ volatile("verw %0" : : "m"(verw_selector) : "cc");
}
