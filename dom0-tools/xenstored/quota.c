/* SPDX-License-Identifier: MIT */
/* The table of limits and the record of hits. */
#include "quota.h"

#include "domain.h"
#include "util.h"

#include <string.h>
#include <syslog.h>

struct quota_info quota[QUOTA_COUNT] = {
    [QUOTA_NODES] = {"nodes", 1000, "nodes owned by a domain"},
    [QUOTA_NODE_SIZE] = {"node-size", 2048, "bytes of one node with permissions and child names"},
    [QUOTA_WATCHES] = {"watches", 128, "watches of a domain"},
    [QUOTA_TRANSACTIONS] = {"transactions", 10, "open transactions of a domain"},
    [QUOTA_PERMS] = {"node-permissions", 5, "permission entries of one node"},
    [QUOTA_PATH] = {"path-max", 2048, "length of a path relative to a domain's home"},
    [QUOTA_TXN_NODES] = {"transaction-nodes", 1024, "nodes accessed in one transaction"},
    [QUOTA_OUTSTANDING] = {"outstanding", 20,
                           "replies and events a domain has caused and "
                           "nobody has read"},
    [QUOTA_MEMORY] = {"memory", 2560 * 1024, "bytes used on behalf of a domain"},
    [QUOTA_MEMORY_SOFT] = {"memory-soft", 2048 * 1024, "bytes at which a warning is logged"},
};

unsigned int event_timeout_ms = 20000;

void quota_hit(struct domain *d, enum quota q) {
    uint64_t now = now_ms();

    if (!d) return;
    d->hits[q]++;
    if (d->hit_logged[q] && now - d->hit_logged[q] < QUOTA_LOG_MS) return;
    d->hit_logged[q] = now ? now : 1;
    xlog(LOG_WARNING, "domain %u reached its quota of %s (%u %s), %llu times so far", d->domid,
         quota[q].name, quota[q].limit, quota[q].help, (unsigned long long)d->hits[q]);
}

enum quota quota_by_name(const char *name, size_t len) {
    unsigned int q = 0;

    while (q < QUOTA_COUNT && (strlen(quota[q].name) != len || memcmp(quota[q].name, name, len)))
        q++;
    return (enum quota)q;
}
