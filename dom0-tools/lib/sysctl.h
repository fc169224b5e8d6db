/* SPDX-License-Identifier: MIT */
/*
 * Typed wrappers of sysctl (interface version 0x15). Returns and contexts: see hypercall.h.
 * Structures are those of public/sysctl.h.
 */
#pragma once

#include <stdbool.h>

#include "hypercall.h"

#include <public/domctl.h>
#include <public/sysctl.h>

int hv_physinfo(struct hv *hv, struct xen_sysctl_physinfo *info);

/* Up to max domains with ids from first on, in order. Returns how many. */
int hv_domain_list(struct hv *hv, domid_t first, struct xen_domctl_getdomaininfo *info,
                   unsigned int max);

/*
 * All domains in one malloc'ed array (free it), however many; returns the count. The array is
 * gathered in several calls, so a domain may die or appear between two of them.
 */
int hv_domain_list_all(struct hv *hv, struct xen_domctl_getdomaininfo **info);

/*
 * Reads the hypervisor's console ring. *index: where to start if incremental, then where to go
 * on. Returns the number of bytes.
 */
int hv_console_read(struct hv *hv, char *buf, size_t size, bool clear, bool incremental,
                    uint32_t *index);

int hv_debug_keys(struct hv *hv, const char *keys);
int hv_sched_id(struct hv *hv, uint32_t *id);

/* Up to max entries; return how many were filled. NULL arrays: how many there are. */
int hv_cpu_topology(struct hv *hv, struct xen_sysctl_cputopo *topo, unsigned int max);
int hv_numa_info(struct hv *hv, struct xen_sysctl_meminfo *mem, uint32_t *distance,
                 unsigned int max);

/* Idle time of each CPU; returns how many were filled. */
int hv_cpu_info(struct hv *hv, struct xen_sysctl_cpuinfo *info, unsigned int max);

/* Free bytes with addresses of min_width..max_width bits (0: any) on node (-1: all). */
int hv_avail_heap(struct hv *hv, unsigned int min_width, unsigned int max_width, int node,
                  uint64_t *bytes);

/*
 * The pool with the smallest id at or above pool, returned in info; -ENOENT past the end. cpus
 * (bytes long, may be NULL) gets its CPU map.
 */
struct hv_cpupool {
    uint32_t id, sched_id, domains;
};
int hv_cpupool_info(struct hv *hv, uint32_t pool, struct hv_cpupool *info, uint8_t *cpus,
                    size_t bytes);

/* Global credit2 parameter. */
int hv_sched_credit2_ratelimit(struct hv *hv, uint32_t pool, uint32_t *ratelimit_us);
