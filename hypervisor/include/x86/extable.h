/* SPDX-License-Identifier: MIT */
/*
 * Instructions of ours that may fault, and where to go on when they do: pairs of 32-bit distances,
 * each from its own place, collected by the linker. Everything else that faults in Hospes panics.
 * entry/traps.c
 */
#pragma once

#include <hv/types.h>

/* Inside an asm statement: a fault at label 'at' continues at label 'to'. */
#define EXTABLE(at, to)                                                                            \
    ".pushsection .ex_table, \"a\", @progbits\n\t"                                                 \
    ".balign 4\n\t"                                                                                \
    ".long " #at " - ., " #to " - .\n\t"                                                           \
    ".popsection\n\t"

/* Executes an instruction that may fault, with these inputs. False: it did. */
#define ASM_OK(insn, ...)                                                                          \
    ({                                                                                             \
        uint32_t ok_ = 0;                                                                          \
        __asm__ volatile("1: " insn "\n\t"                                                         \
                         "mov $1, %[ok]\n"                                                         \
                         "2:\n\t" EXTABLE(1b, 2b)                                                  \
                         : [ok] "+r"(ok_)                                                          \
                         : __VA_ARGS__                                                             \
                         : "memory");                                                              \
        ok_ != 0;                                                                                  \
    })

/* MSR accesses that the CPU may refuse. False: it did, and *v is 0. */
static inline bool rdmsr_safe(uint32_t msr, uint64_t *v) {
    uint32_t lo = 0, hi = 0, failed = 1;

    __asm__ volatile("1: rdmsr\n\t"
                     "xor %[failed], %[failed]\n"
                     "2:\n\t" EXTABLE(1b, 2b)
                     : "+a"(lo), "+d"(hi), [failed] "+r"(failed)
                     : "c"(msr));
    *v = failed ? 0 : (lo | (uint64_t)hi << 32);
    return !failed;
}

static inline bool wrmsr_safe(uint32_t msr, uint64_t v) {
    return ASM_OK("wrmsr", "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}
