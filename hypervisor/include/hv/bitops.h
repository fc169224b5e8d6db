/* SPDX-License-Identifier: MIT */
/* Bits and bitmaps over unsigned long arrays. The atomic ones are full barriers on x86. */
#pragma once

#include <hv/types.h>

#define BITS_PER_LONG    64
#define BITS_TO_LONGS(n) DIV_ROUND_UP(n, BITS_PER_LONG)
#define BIT(n)           (1UL << (n))

static inline bool test_bit(unsigned long nr, const void *p) {
    const volatile unsigned long *w = (const volatile unsigned long *)p + nr / 64;
    return (*w >> (nr % 64)) & 1;
}

static inline void set_bit(unsigned long nr, void *p) {
    __atomic_fetch_or((unsigned long *)p + nr / 64, BIT(nr % 64), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned long nr, void *p) {
    __atomic_fetch_and((unsigned long *)p + nr / 64, ~BIT(nr % 64), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned long nr, void *p) {
    return __atomic_fetch_or((unsigned long *)p + nr / 64, BIT(nr % 64), __ATOMIC_SEQ_CST) &
           BIT(nr % 64);
}

static inline bool test_and_clear_bit(unsigned long nr, void *p) {
    return __atomic_fetch_and((unsigned long *)p + nr / 64, ~BIT(nr % 64), __ATOMIC_SEQ_CST) &
           BIT(nr % 64);
}

static inline void __set_bit(unsigned long nr, void *p) {
    ((unsigned long *)p)[nr / 64] |= BIT(nr % 64);
}

static inline void __clear_bit(unsigned long nr, void *p) {
    ((unsigned long *)p)[nr / 64] &= ~BIT(nr % 64);
}

/* Number of the lowest and of the highest set bit; x != 0. */
static inline unsigned int ffs64(uint64_t x) { return (unsigned int)__builtin_ctzll(x); }
static inline unsigned int fls64(uint64_t x) { return 63U - (unsigned int)__builtin_clzll(x); }

/* First set bit at or above start; size when there is none. */
static inline unsigned long find_next_bit(const unsigned long *p, unsigned long size,
                                          unsigned long start) {
    while (start < size) {
        unsigned long w = READ_ONCE(p[start / 64]) >> (start % 64);

        if (w) return min(start + ffs64(w), size);
        start = (start | 63) + 1;
    }
    return size;
}

#define for_each_set_bit(b, p, size)                                                               \
    for ((b) = find_next_bit((p), (size), 0); (b) < (size);                                        \
         (b) = find_next_bit((p), (size), (b) + 1))

#define MAX_CPUS 256

/* A set of CPUs. */
typedef struct {
    unsigned long bits[MAX_CPUS / 64];
} cpumask_t;
