/* SPDX-License-Identifier: MIT */
/* x86 state of a CPU. */
#pragma once

#include <hv/types.h>

struct tss64;

struct arch_pcpu {
    void *stack;   /* STACK_SIZE bytes */
    uint64_t *gdt; /* one page, mapped at page 14 of the running vcpu's GDT window */
    mfn_t gdt_mfn;
    struct tss64 *tss;
    uint32_t tlb_stamp; /* flush clock at this CPU's last full flush */
    uint64_t cr3_loaded;
    struct flush_mailbox {
        uint32_t pending; /* requests not yet acknowledged; atomic */
    } flush;
    /* What the registers hold, so that equal values need no write. x86/context.c, x86/fpu.c */
    uint64_t cr4;
    uint64_t xcr0;
    uint32_t tsc_aux;
};
