/* SPDX-License-Identifier: MIT */
/* Counting of checks, a port for threads, and numbers that are the same in every run. */
#pragma once

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <public/errno.h>

#include "port.h"

extern atomic_uint passed, failed;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (cond) {                                                                                \
            passed++;                                                                              \
        } else {                                                                                   \
            failed++;                                                                              \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #cond);                                      \
        }                                                                                          \
    } while (0)

/* The other end is a thread, or this one's `turn`, which then plays the other end. */
struct test_port {
    struct pv_port pv;
    void (*turn)(void);
    unsigned int notified, waited;
};

struct test_port test_port(void (*turn)(void));

static inline uint32_t random32(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

void test_stream(void);
void test_console(void);
void test_store(void);
