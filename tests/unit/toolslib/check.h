/* SPDX-License-Identifier: MIT */
/* Smallest possible test harness: counts, prints failures with their place. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

extern unsigned int checks_passed, checks_failed;

static inline bool check_result(bool good, const char *file, int line, const char *what) {
    if (good) {
        checks_passed++;
    } else {
        checks_failed++;
        printf("FAILED %s:%d: %s\n", file, line, what);
    }
    return good;
}

#define CHECK(cond) check_result((cond), __FILE__, __LINE__, #cond)

/* text must contain part; shows text if not. */
#define CHECK_TEXT(text, part)                                                                     \
    do {                                                                                           \
        if (!CHECK(strstr((text), (part)) != NULL))                                                \
            printf("  wanted '%s' in '%s'\n", (part), (text));                                     \
    } while (0)

void test_image(void);
void test_unpack(void);
void test_layout(void);
void test_ring(void);
void test_logfile(void);
void test_cache(void);
void test_cached_kernel(const char *path);
void test_kernel(const char *path);
