/* SPDX-License-Identifier: MIT */
/*
 * Instructions of ours that may fault, and where to go on when they do: pairs of 32-bit distances,
 * each from its own place, collected by the linker. Everything else that faults in Hospes panics.
 */
#pragma once

#include <hv/types.h>

/* Inside an asm statement: a fault at label 'at' continues at label 'to'. */
#define EXTABLE(at, to)                                                                            \
    ".pushsection .ex_table, \"a\", @progbits\n\t"                                                 \
    ".balign 4\n\t"                                                                                \
    ".long " #at " - ., " #to " - .\n\t"                                                           \
    ".popsection\n\t"

/* 0: no fixup for this address. */
uint64_t extable_find(uint64_t rip);

/* MSR accesses that the CPU may refuse. False: it did, and *v is 0. */
bool rdmsr_safe(uint32_t msr, uint64_t *v);
bool wrmsr_safe(uint32_t msr, uint64_t v);
