/* SPDX-License-Identifier: MIT */
/* The program of all suites but micro: what its files share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* In the order of plugin/phases.c. MARKS is the Makefile's; marks.S is linked there. */
enum mark { MARK_CREATE, MARK_INIT, MARK_START, MARK_END, MARK_REPORT };
static inline void mark(enum mark which) { ((void (*)(void))(MARKS + 16ul * which))(); }

/* Samples of an operation, at most. */
#define MOST 65

struct operation {
    const char *name;
    unsigned int samples;
    void (*prepare)(void);        /* before all samples */
    void (*run)(unsigned int at); /* one sample; `at` counts them */
    void (*finish)(void);         /* after all */
};

/* What every list begins with: two readings of the TSC and nothing between them. */
void no_operation(unsigned int at);
#define NO_OPERATION                                                                               \
    { "(two readings of the TSC)", MOST, NULL, no_operation, NULL }

/* Measures all, or the first and the one of this name, and prints them. */
void measure_all(const struct operation *operations, size_t count, const char *only);

_Noreturn void die(const char *what);
/* Of a guest's busybox; false if it did not succeed. */
bool shell(const char *script);

/* A kernel's operations; the program's own path. */
int run_operations(const char *only, const char *program);
/* A xenstored's, through its socket. */
int run_xenstore(const char *socket, const char *only);
/* In a guest: its disks' and its network's, towards the peer in dom0. */
int run_devices(const char *only);
int run_peer(void);
