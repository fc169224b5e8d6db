/* SPDX-License-Identifier: MIT */
/*
 * PV x86-64 domain builder.
 *
 * Use: builder_new() before the domain is created (reads and checks kernel and ramdisk, computes
 * the layout, fails without having touched the hypervisor); create the domain; builder_run();
 * builder_free(). builder_run() leaves vcpu 0 ready to start and the domain paused as createdomain
 * made it. If it fails the caller destroys the domain; nothing else is left behind.
 * What the caller still does: tsc mode, cpu policy, affinity, xenstore (nodes, introduce), devices.
 */
#pragma once

#include <stdbool.h>

#include "errtext.h"
#include "hypercall.h"

struct builder_params {
    const char *kernel;
    const char *ramdisk; /* NULL: none */
    const char *cmdline; /* NULL: empty; at most MAX_GUEST_CMDLINE - 1 bytes */
    uint64_t memory_kib; /* what the guest gets at start */
    uint64_t maxmem_kib; /* limit of its memory map; 0: as memory_kib */
    unsigned int max_vcpus;
    uint32_t start_flags;          /* SIF_* in start_info.flags */
    domid_t console_domid;         /* usually 0 */
    domid_t store_domid;           /* usually 0 */
    bool no_claim;                 /* do not claim memory first (claims are the default) */
    void (*log)(const char *line); /* NULL: silent; progress for verbose modes */
};

struct builder_result {
    xen_pfn_t store_mfn, console_mfn;
    uint32_t store_port, console_port; /* in the guest, bindable by the domids above */
};

struct builder;

int builder_new(struct builder **builder, const struct builder_params *params, struct err *err);

/* Steps: max_vcpus, max_mem, memory map, event channels, memory, image, page tables, vcpu 0. */
int builder_run(struct builder *builder, struct hv *hv, domid_t domid,
                struct builder_result *result, struct err *err);
void builder_free(struct builder *builder);

/* KiB the domain's hypervisor-side limit exceeds memory_kib by, as stock tools set it. */
#define BUILDER_MAXMEM_SLACK_KIB 1024
