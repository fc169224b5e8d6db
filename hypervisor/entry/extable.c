/* SPDX-License-Identifier: MIT */
/* Faults of Hospes's own that are expected: see x86/extable.h. */
#include <x86/extable.h>

struct extable_entry {
    int32_t at, to;
};

extern const struct extable_entry ex_table_start[], ex_table_end[];

static uint64_t target(const int32_t *field) {
    return (uint64_t)(uintptr_t)field + (uint64_t)(int64_t)*field;
}

uint64_t extable_find(uint64_t rip) {
    for (const struct extable_entry *e = ex_table_start; e < ex_table_end; e++)
        if (target(&e->at) == rip) return target(&e->to);
    return 0;
}

bool rdmsr_safe(uint32_t msr, uint64_t *v) {
    uint32_t lo = 0, hi = 0, failed = 1;

    __asm__ volatile("1: rdmsr\n\t"
                     "xor %[failed], %[failed]\n"
                     "2:\n\t" EXTABLE(1b, 2b)
                     : "+a"(lo), "+d"(hi), [failed] "+r"(failed)
                     : "c"(msr));
    *v = failed ? 0 : (lo | (uint64_t)hi << 32);
    return !failed;
}

bool wrmsr_safe(uint32_t msr, uint64_t v) {
    uint32_t failed = 1;

    __asm__ volatile("1: wrmsr\n\t"
                     "xor %[failed], %[failed]\n"
                     "2:\n\t" EXTABLE(1b, 2b)
                     : [failed] "+r"(failed)
                     : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
                     : "memory");
    return !failed;
}
