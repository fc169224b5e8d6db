/* SPDX-License-Identifier: MIT */
/*
 * The store: one tree, and the operations on it as a client sees them, inside or outside a
 * transaction.  Here meet permissions, quotas, counting, conflict records and watches; each
 * operation checks everything first and then does the part that cannot fail.
 */
#pragma once

#include "perms.h"

#include <stdbool.h>
#include <stdint.h>

struct conn;
struct node;
struct txn;

/* For whom, and in which version: txn NULL is the store itself. */
struct view {
    struct conn *conn; /* NULL: the daemon, which may everything */
    struct txn *txn;
};

extern struct node *store_root;

/* Makes the nodes that exist from the beginning. */
void store_init(void);
void store_free(void);

bool store_path_valid(const char *path);

/* The node, if the client has all rights in need. -ENOENT, -EACCES, -EINVAL, -ENOSPC. */
int store_get(const struct view *v, const char *path, unsigned int need, const struct node **n);
/* The same for reading, with the promise to the transaction that the children stay too. */
int store_get_children(const struct view *v, const char *path, const struct node **n);
int store_write(const struct view *v, const char *path, const void *data, uint32_t len);
int store_mkdir(const struct view *v, const char *path);
int store_rm(const struct view *v, const char *path);
int store_set_perms(const struct view *v, const char *path, const struct perm_entry *e,
                    unsigned int num);

/* A node's owner and its cost to the owner's memory quota. */
uint32_t node_owner(const struct node *n);
int64_t node_cost(const struct node *n);
/* Counts a node of the store to its owner (sign 1) or no more (-1). */
void store_account(const struct node *n, int sign);

/* Fires the watches for a change of path; n is the node there, now or before its removal. */
void store_fire(const char *path, bool exact, const struct node *n, const struct perms *old,
                struct conn *cause);

/* Removes every node the domain owns, or gives it to dom0. */
void store_forget_domain(uint32_t domid, bool give_to_dom0);
/* For the control command: walks the tree; false and a log line if something does not add up. */
bool store_check(void);
