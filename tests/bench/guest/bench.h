/* SPDX-License-Identifier: MIT */
/* The program of the suites boot and guest: what its files share. */
#pragma once

/* In the order of plugin/phases.c. MARKS is the Makefile's; marks.S is linked there. */
enum mark { MARK_CREATE, MARK_INIT, MARK_START, MARK_END, MARK_REPORT };
static inline void mark(enum mark which) { ((void (*)(void))(MARKS + 16ul * which))(); }

/* Measures all operations, or the one of this name, and prints them; the program's own path. */
int run_operations(const char *only, const char *program);

/* Measures requests to xenstored, and prints which. */
int run_store(void);
