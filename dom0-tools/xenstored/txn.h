/* SPDX-License-Identifier: MIT */
/*
 * Transactions.  Starting one takes a reference to the store's root, twice: `base` stays as it
 * was, `root` takes the changes.  For each node used there is a record, which says what an
 * outsider must not have changed meanwhile:
 *   TXN_READ      existence, value, permissions  (node.gen equal in base and in the store)
 *   TXN_CHILDREN  the set of children            (node.cgen equal)
 *   TXN_MODIFIED  the node is changed, made or removed here
 * Two transactions that make different children of one node do not conflict.
 *
 * Commit checks all records, then the quotas, and only then changes the store, which cannot fail.
 *
 * A snapshot pins old nodes.  When all versions together take far more than the store itself,
 * the oldest transactions of unprivileged domains are ended early: their next use is EAGAIN.
 */
#pragma once

#include "util.h"

#include <stdbool.h>
#include <stdint.h>

#define TXN_READ     1u
#define TXN_CHILDREN 2u
#define TXN_MODIFIED 4u

struct conn;
struct node;

struct txn_rec {
    struct hlink link;
    struct list order;
    unsigned int flags;
    bool fire, exact; /* watches to fire at commit */
    int64_t charged;  /* memory counted to the client */
    char path[];
};

struct txn {
    struct list of_conn;
    struct list all; /* oldest first */
    struct conn *conn;
    uint32_t id;
    struct node *base, *root; /* NULL: ended early */
    struct hmap by_path;
    struct list recs;
    unsigned int nrecs;
    bool failed; /* a quota was hit half way: it cannot be committed */
};

/* Transactions open in the whole store. */
extern unsigned int txn_open_count;

/* -ENOSPC: too many. */
int txn_start(struct conn *c, uint32_t *id);
struct txn *txn_find(struct conn *c, uint32_t id);
/* Ends it, with its changes if commit. -EAGAIN: conflict; -ENOSPC, -ENOMEM: quota. */
int txn_end(struct txn *t, bool commit);
void txn_drop_all(struct conn *c);

/* The record of path with these flags added; NULL (and the transaction failed) over quota. */
struct txn_rec *txn_touch(struct txn *t, const char *path, unsigned int flags);
/* Counts len bytes of value written for the record. */
void txn_charge(struct txn *t, struct txn_rec *r, int64_t len);
/* Ends old transactions early while old versions take too much memory. */
void txn_squeeze(void);
