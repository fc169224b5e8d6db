/* SPDX-License-Identifier: MIT */
/* The smallest harness: count what passed, say what failed and where. */
#pragma once

#include <stdbool.h>
#include <string.h>

extern unsigned tests_passed, tests_failed;

void check_true(bool ok, const char *what, const char *file, int line);
/* Prints both texts when they differ. */
void check_text(const char *got, const char *want, const char *what, const char *file, int line);

#define CHECK(cond)           check_true(cond, #cond, __FILE__, __LINE__)
#define CHECK_TEXT(got, want) check_text(got, want, #got, __FILE__, __LINE__)

void test_parse(void);
void test_limits(void);
void test_commands(void);
/* Every CASES/x.cfg against CASES/x.out; write makes the .out files. */
void test_cases(const char *dir, bool write);
