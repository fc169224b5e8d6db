/* SPDX-License-Identifier: MIT */
/*
 * Permission lists of nodes: immutable, counted, shared between nodes and versions of the tree.
 *
 * Entry 0 is the owner and what everybody else may do; the others are exceptions for one domain
 * each.  A list carries the generation at which it was made: an entry counts for a domain only
 * if the domain was known by then, so that a new domain never inherits the rights of a dead one
 * that had its number.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERM_NONE  0u
#define PERM_READ  1u
#define PERM_WRITE 2u
#define PERM_OWNER 4u /* only asked for, never stored */

struct perm_entry {
    uint32_t id;
    uint32_t bits;
};

struct perms {
    unsigned int refs;
    unsigned int num; /* at least 1 */
    uint64_t gen;
    struct perm_entry e[];
};

struct conn;

struct perms *perms_new(const struct perm_entry *e, unsigned int num, uint64_t gen);
struct perms *perms_get(struct perms *p);
void perms_put(struct perms *p);

/*
 * Parses num texts like "n0", "r5" that lie end to end, each with its NUL, in exactly len bytes.
 * -EINVAL if any is malformed.
 */
int perms_parse(const char *s, size_t len, struct perm_entry *e, unsigned int num);
/* The same texts for the entries that still count; *out is malloc'ed. */
size_t perms_format(const struct perms *p, char **out);

/* For a new child: the parent's entries that still count, owned by owner instead. */
struct perms *perms_inherit(const struct perms *parent, uint32_t owner, uint64_t gen);

/* What the connection may do: PERM_READ, PERM_WRITE, PERM_OWNER. */
unsigned int perms_of(const struct perms *p, const struct conn *c);
