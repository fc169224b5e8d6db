/* SPDX-License-Identifier: MIT */
/* Searching in bitmaps. Bits at or above size are never looked at as results. */
#include <hv/bitops.h>

static unsigned long find_next(const unsigned long *p, unsigned long size, unsigned long start,
                               unsigned long invert) {
    while (start < size) {
        unsigned long w = (READ_ONCE(p[start / 64]) ^ invert) >> (start % 64);

        if (w) {
            start += ffs64(w);
            return start < size ? start : size;
        }
        start = (start | 63) + 1;
    }
    return size;
}

unsigned long find_next_bit(const unsigned long *p, unsigned long size, unsigned long start) {
    return find_next(p, size, start, 0);
}

unsigned long find_next_zero_bit(const unsigned long *p, unsigned long size, unsigned long start) {
    return find_next(p, size, start, ~0UL);
}
