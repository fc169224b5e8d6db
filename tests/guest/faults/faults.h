/* SPDX-License-Identifier: MIT */
/* Making the hypervisor's nth allocation fail, and what it says of the time until then. */
#pragma once

#include "lib.h"

struct injected {
    unsigned long allocations, failed;
    /* What it has of each, in use or not: the same whenever the same things exist. */
    unsigned long frames, objects;
};

/* Finds out whether the hypervisor was built for it; if not, nothing fails. */
void inject_init(void);
extern bool can_inject;
/* The nth allocation from now on fails; 0: none. */
void inject(unsigned long n);
struct injected inject_end(void);
/* No frame's references differ from what holds them. */
bool audit(void);

/*
 * Calls run() with its first allocation failing, then with its second, and so on until it makes
 * fewer: each time it must say no_memory, and at last good, as it must where nothing fails.
 */
void every_failure(const char *name, long (*run)(void), long no_memory, long good);

/* createdomain, of the domain whose life main.c is about. */
long domain_new(domid_t id);
/* What dom0 asks for itself. */
void own_calls(void);
