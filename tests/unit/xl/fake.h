/* SPDX-License-Identifier: MIT */
/* A hypervisor and a xenstore in memory, enough for the commands that only look. */
#pragma once

#include <stddef.h>

#include "xl.h"

struct fake_node {
    const char *path, *value;
};

extern struct xen_domctl_getdomaininfo fake_domains[8];
extern unsigned fake_num_domains;
extern const struct fake_node *fake_nodes; /* ends with a NULL path */
extern struct xen_sysctl_physinfo fake_phys;
extern struct xen_domctl_getvcpuinfo fake_vcpu;
extern uint8_t fake_hard[64];
extern char fake_written[512]; /* the last xs_write, "path=value" */
extern domid_t fake_paused;
