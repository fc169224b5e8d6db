/* SPDX-License-Identifier: MIT */
/*
 * Limits for unprivileged domains, with stock's names and defaults, and what happens when one is
 * hit: the request fails with the documented error, a counter of the domain goes up, and a line
 * is logged (the first time and then at most one a minute for each domain).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A line about the same thing is logged so seldom. */
#define QUOTA_LOG_MS 60000

enum quota {
    QUOTA_NODES,
    QUOTA_NODE_SIZE,
    QUOTA_WATCHES,
    QUOTA_TRANSACTIONS,
    QUOTA_PERMS,
    QUOTA_PATH,
    QUOTA_TXN_NODES,
    QUOTA_OUTSTANDING,
    QUOTA_MEMORY,
    QUOTA_MEMORY_SOFT,
    QUOTA_COUNT
};

struct quota_info {
    const char *name;
    unsigned int limit; /* 0 means none where the name is memory or outstanding */
    const char *help;
};

extern struct quota_info quota[QUOTA_COUNT];
/* How long an unread watch event counts against the domain whose request caused it. */
extern unsigned int event_timeout_ms;

struct domain;

void quota_hit(struct domain *d, enum quota q);
/* The quota of that name, QUOTA_COUNT if there is none. */
enum quota quota_by_name(const char *name, size_t len);
