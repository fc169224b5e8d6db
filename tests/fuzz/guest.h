/* SPDX-License-Identifier: MIT */
/*
 * The memory of the guest whose hypercalls are fuzzed. It lies low, so that a few bytes of input
 * make a good pointer into it, and is all that a guest address reaches: elsewhere copies fault.
 */
#pragma once

#include <sys/mman.h>

#include "fuzz.h"

#define GUEST_BASE 0x10000UL
#define GUEST_SIZE 0x10000UL

/* Of the host fakes. */
extern uint64_t guest_start, guest_size;

static inline void guest_init(void) {
    void *p = mmap((void *)GUEST_BASE, GUEST_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

    MUST(p == (void *)GUEST_BASE);
    guest_start = GUEST_BASE;
    guest_size = GUEST_SIZE;
}

/* Only the first page, where the inputs put what they make, is cleared between runs. */
static inline void guest_clear(void) { memset((void *)GUEST_BASE, 0, 4096); }

/* Up to 255 bytes of input to an offset below 4 KiB. */
static inline void guest_write(struct input *in, unsigned int offset) {
    uint8_t bytes[255], n = take8(in);

    offset %= 4096 - sizeof(bytes);
    take(in, bytes, n);
    memcpy((void *)(GUEST_BASE + offset), bytes, n);
}
