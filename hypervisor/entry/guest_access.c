/* SPDX-License-Identifier: MIT */
/*
 * Copies between Hospes and the current vcpu's address space. Only this file opens SMAP's window.
 * A guest address is never dereferenced elsewhere.
 */
#include <hv/guest_access.h>
#include <hv/pcpu.h>
#include <x86/extable.h>

#define LARGEST (1UL << 40) /* nobody copies more; the non-canonical hole is larger */

bool guest_range_ok(uint64_t va, size_t n) {
    uint64_t end = va + n;

    if (end < va) return va >= HV_END && end == 0; /* ends exactly at the top */
    return end <= LOW_HALF_END || va >= HV_END;
}

/* By a guest's L4 that names an L4 the guest's addresses reach the tables of Hospes itself, all of
 * which are supervisor's: the CPU would keep the guest from them, but not us (mm/tables.c). */
static uint64_t shows_tables(uint64_t va) {
    return test_bit((va >> 39) & 511, current->domain->mm.linear_slots);
}

/* Enough before a copy: one that begins in the lower half and leaves it reaches non-canonical
 * addresses and faults; one that begins in the upper part can only wrap into the lower half. */
static inline bool may_start(uint64_t *va, size_t n) {
    uint64_t ours; /* all ones: not for guests. As data too, for CPUs that guess what we decide */

    if (unlikely(READ_ONCE(mm_linear_seen)))
        *va ^= (*va ^ LOW_HALF_END) & -(shows_tables(*va) | shows_tables(*va + n - 1));
    __asm__("cmp %[size], %[at]; sbb %[ours], %[ours]"
            : [ours] "=r"(ours)
            : [at] "r"(*va - LOW_HALF_END), [size] "r"(HV_END - LOW_HALF_END)
            : "cc");
    *va |= ours;
    return likely(!ours && n < LARGEST);
}

/* A fault leaves in n how many were not copied. */
#define REP_MOVS(size, dst, src, n)                                                                \
    __asm__ volatile("1: rep movs" size "\n"                                                       \
                     "2:\n\t" EXTABLE(1b, 2b)                                                      \
                     : "+D"(dst), "+S"(src), "+c"(n)                                               \
                     :                                                                             \
                     : "memory")

static inline bool copy(void *dst, const void *src, size_t words, size_t bytes) {
    guest_access_begin();
    REP_MOVS("q", dst, src, words);
    if (!__builtin_constant_p(bytes) && !words) REP_MOVS("b", dst, src, bytes);
    guest_access_end();
    return likely(!(words | bytes));
}

int copy_bytes_from_guest(void *dst, uint64_t va, size_t n) {
    return may_start(&va, n) && copy(dst, (const void *)(uintptr_t)va, n / 8, n % 8) ? 0 : -EFAULT;
}

int copy_bytes_to_guest(uint64_t va, const void *src, size_t n) {
    return may_start(&va, n) && copy((void *)(uintptr_t)va, src, n / 8, n % 8) ? 0 : -EFAULT;
}

int copy_words_from_guest(void *dst, uint64_t va, uint32_t n) {
    return may_start(&va, n * 8UL) && copy(dst, (const void *)(uintptr_t)va, n, 0) ? 0 : -EFAULT;
}

int copy_words_to_guest(uint64_t va, const void *src, uint32_t n) {
    return may_start(&va, n * 8UL) && copy((void *)(uintptr_t)va, src, n, 0) ? 0 : -EFAULT;
}

int copy_u32_from_guest(void *dst, uint64_t va) {
    uint64_t v = ~0UL; /* stays so if there is a fault */

    if (!may_start(&va, 4)) return -EFAULT;
    guest_access_begin();
    __asm__ volatile("1: movl (%[va]), %k[v]\n"
                     "2:\n\t" EXTABLE(1b, 2b)
                     : [v] "+r"(v)
                     : [va] "r"(va)
                     : "memory");
    guest_access_end();
    if (unlikely(v == ~0UL)) return -EFAULT;
    *(uint32_t *)dst = (uint32_t)v;
    return 0;
}

int clear_guest(uint64_t va, size_t n) {
    static const char zeros[256];

    for (size_t at = 0; at < n; at += sizeof(zeros))
        if (copy_to_guest(va + at, zeros, min(n - at, sizeof(zeros)))) return -EFAULT;
    return 0;
}
