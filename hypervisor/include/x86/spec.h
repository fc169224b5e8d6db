/* SPDX-License-Identifier: MIT */
/* What is done against speculation that leaks. Chosen at boot, read-only afterwards. x86/spec.c */
#pragma once

enum {
    SPEC_IBRS = 1, /* these three as MSR SPEC_CTRL has them, on each CPU for good */
    SPEC_STIBP = 2,
    SPEC_SSBD = 4,
    SPEC_CTRL = SPEC_IBRS | SPEC_STIBP | SPEC_SSBD,
    SPEC_RETPOLINE = 256, /* one of these three: what calls through pointers become */
    SPEC_LFENCE = 512,
    SPEC_JMP = 1024,
    SPEC_THUNK = SPEC_RETPOLINE | SPEC_LFENCE | SPEC_JMP,
};
extern unsigned int spec_on;

void spec_init(void);     /* boot CPU, after cpu_policy_init() */
void spec_init_cpu(void); /* each CPU, when it starts to work */
