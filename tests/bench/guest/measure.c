/* SPDX-License-Identifier: MIT */
/*
 * How many instructions operations take, under QEMU's -icount, where the TSC counts them (a
 * hypervisor that emulates RDTSC gives nanoseconds, which are as many). Each is a line,
 * BENCH median least most name; the first of a list has nothing between its two readings of the
 * TSC, and its median is subtracted from the others.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* With the same instructions around every operation. */
static __attribute__((noinline)) uint64_t sample(const struct operation *op, unsigned int at) {
    uint32_t low, high, end_low, end_high;

    mark(MARK_START);
    asm volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    op->run(at);
    asm volatile("rdtsc" : "=a"(end_low), "=d"(end_high)::"memory");
    mark(MARK_END);
    return ((uint64_t)end_high << 32 | end_low) - ((uint64_t)high << 32 | low);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void measure(const struct operation *op, bool first) {
    static uint64_t samples[MOST], overhead;

    if (op->prepare) op->prepare();
    for (unsigned int i = 0; i < op->samples; i++) samples[i] = sample(op, i);
    mark(MARK_REPORT);
    if (op->finish) op->finish();
    qsort(samples, op->samples, sizeof(*samples), compare);
    if (first) overhead = samples[op->samples / 2];
    printf("BENCH %ld %ld %ld %s\n", (long)(samples[op->samples / 2] - overhead),
           (long)(samples[0] - overhead), (long)(samples[op->samples - 1] - overhead), op->name);
    fflush(stdout);
}

void no_operation(unsigned int at) { (void)at; }

void measure_all(const struct operation *operations, size_t count, const char *only) {
    for (size_t i = 0; i < count; i++)
        if (!only || i == 0 || !strcmp(only, operations[i].name)) measure(&operations[i], i == 0);
}

void die(const char *what) {
    perror(what);
    exit(1);
}
