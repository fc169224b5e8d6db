/* SPDX-License-Identifier: MIT */
/* Grant tables, versions 1 and 2. grant/ owns the structure. */
#pragma once

#include <hv/types.h>

struct domain;
struct grant_table;

struct grant_domain {
    struct grant_table *table;
};

int grant_init_domain(struct domain *d, int max_frames, int max_maptrack, int max_version);
/* Drops every mapping that d itself holds; preemptible: -ERESTART. */
int grant_release_mappings(struct domain *d);
void grant_drop_frames(struct domain *d); /* the guest-visible table, once d has no page tables */
/* Frees the table; frames still mapped by others stay with the shell. */
void grant_destroy_domain(struct domain *d);
/* dom0's first entries, for the dom0 builder: none needed today. */
long do_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count);
/* memory_op acquire_resource, XENMEM_resource_grant_table: fills mfns; -EINVAL, -ENOMEM. */
int grant_acquire_resource(struct domain *d, uint32_t id, uint64_t frame, uint32_t nr,
                           uint64_t *mfns);
int grant_resource_max_frames(struct domain *d, uint32_t id); /* size query */
void grant_dump(struct domain *d);                            /* debug key 'g' */
