/* SPDX-License-Identifier: MIT */
/* Bits and bitmaps over unsigned long arrays. The atomic ones are full barriers on x86. */
#pragma once

#include <hv/types.h>

#define BITS_PER_LONG    64
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)
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

static inline unsigned int ffs64(uint64_t x) /* x != 0; number of the lowest set bit */
{
    return (unsigned int)__builtin_ctzll(x);
}

static inline unsigned int fls64(uint64_t x) /* x != 0; number of the highest set bit */
{
    return 63U - (unsigned int)__builtin_clzll(x);
}

/* First set (or clear) bit at or above start; size when there is none. */
unsigned long find_next_bit(const unsigned long *p, unsigned long size, unsigned long start);
unsigned long find_next_zero_bit(const unsigned long *p, unsigned long size, unsigned long start);

#define for_each_set_bit(b, p, size)                                                               \
    for ((b) = find_next_bit((p), (size), 0); (b) < (size);                                        \
         (b) = find_next_bit((p), (size), (b) + 1))
