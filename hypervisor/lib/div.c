/* SPDX-License-Identifier: MIT */
/* 128-bit division, which compilers call and leave to a library that is not here. */
#include <hv/types.h>

#if !__STDC_HOSTED__

typedef unsigned __int128 u128;

u128 __udivti3(u128 n, u128 d);

/* n / d by the CPU's instruction; the quotient must fit: n's upper half is below d. */
static uint64_t div_narrow(u128 n, uint64_t d, uint64_t *rest) {
    uint64_t q;

    __asm__("divq %4"
            : "=a"(q), "=d"(*rest)
            : "a"((uint64_t)n), "d"((uint64_t)(n >> 64)), "r"(d)
            : "cc");
    return q;
}

u128 __udivti3(u128 n, u128 d) {
    uint64_t high, rest;
    u128 q = 0;

    if (d >> 64 == 0) {
        high = (uint64_t)(n >> 64) / (uint64_t)d;
        rest = (uint64_t)(n >> 64) % (uint64_t)d;
        q = div_narrow((u128)rest << 64 | (uint64_t)n, (uint64_t)d, &rest);
        return (u128)high << 64 | q;
    }
    /* The quotient has at most 64 bits: bit by bit. */
    for (int i = 63; i >= 0; i--) {
        if ((n >> i) >= d) {
            n -= d << i;
            q |= (u128)1 << i;
        }
    }
    return q;
}

#endif
