/* SPDX-License-Identifier: MIT */
/*
 * Fault injection, with DEBUG=1 only, by debug keys: digits make a number n, and 'N' has the nth
 * allocation from then on fail (0: none) and tells of the time since its last use. All allocations
 * are counted, whoever's they are: of frames and of small objects, each of which may take a frame.
 */
#ifdef HOSPES_DEBUG
#include <hv/console.h>

#include "mm_local.h"

static uint64_t typed, fail_at;
static uint64_t seen; /* atomic */

bool alloc_fails(void) {
    unsigned long here = (unsigned long)__builtin_frame_address(0);
    uint64_t n = __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);

    if (n != READ_ONCE(fail_at)) return false;
    printk("injection: allocation %lu fails\n", n);
    show_backtrace(0, here, here);
    return true;
}

#define DIGITS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9)
#define DIGIT(n)                                                                                   \
    static void digit##n(void) { typed = typed * 10 + (n); }
DIGITS(DIGIT)

/* Neither sum changes by itself: what is missing after all was given back has leaked. */
static void inject(void) {
    printk("injection: %lu allocations, %d failed; %lu frames, %lu objects\n", seen,
           fail_at && seen >= fail_at, mm_free_pages() + pool_pages, pool_objects);
    WRITE_ONCE(fail_at, typed);
    __atomic_store_n(&seen, 0, __ATOMIC_RELAXED);
    typed = 0;
}

void inject_register_keys(void) {
#define REGISTER(n) register_key(#n[0], digit##n, "a digit of n, for N");
    DIGITS(REGISTER)
    register_key('N', inject, "fail the nth allocation from now on");
}
#endif
