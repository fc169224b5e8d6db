/* SPDX-License-Identifier: MIT */
/* Transactions: records, conflict check, commit. */
#include "txn.h"

#include "conn.h"
#include "domain.h"
#include "quota.h"
#include "rate.h"
#include "store.h"
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Old versions may take this much, and as much again as the store itself.  Of that again the lists
 * that the store keeps take a part, never all: a node with its share of a list takes less than
 * twice what its owner is charged.
 */
#define OLD_VERSIONS_FREE (32u << 20)

unsigned int txn_open_count;
static struct list all_txns = {&all_txns, &all_txns};

struct txn *txn_find(struct conn *c, uint32_t id) {
    for (struct list *l = c->txns.next; l != &c->txns; l = l->next) {
        struct txn *t = list_entry(l, struct txn, of_conn);

        if (t->id == id) return t;
    }
    return NULL;
}

int txn_start(struct conn *c, uint32_t *id) {
    struct txn *t;

    if (!conn_is_privileged(c) && c->ntxns >= quota[QUOTA_TRANSACTIONS].limit) {
        quota_hit(c->dom, QUOTA_TRANSACTIONS);
        return -ENOSPC;
    }
    t = xzalloc(sizeof(*t));
    t->conn = c;
    t->base = node_get(store_root);
    t->root = node_get(store_root);
    list_init(&t->recs);
    while (!c->next_txn || txn_find(c, c->next_txn)) c->next_txn++;
    *id = t->id = c->next_txn++;
    list_add_tail(&c->txns, &t->of_conn);
    list_add_tail(&all_txns, &t->all);
    c->ntxns++;
    txn_open_count++;
    domain_memory(c->domid, sizeof(*t));
    return 0;
}

static void drop_content(struct txn *t) {
    while (!list_empty(&t->recs)) {
        struct txn_rec *r = list_entry(t->recs.next, struct txn_rec, order);

        domain_memory(t->conn->domid, -r->charged);
        list_del(&r->order);
        free(r);
    }
    hmap_free(&t->by_path);
    node_put(t->base);
    node_put(t->root);
    t->base = t->root = NULL;
    t->nrecs = 0;
}

static void txn_free(struct txn *t) {
    drop_content(t);
    list_del(&t->of_conn);
    list_del(&t->all);
    t->conn->ntxns--;
    txn_open_count--;
    domain_memory(t->conn->domid, -(int64_t)sizeof(*t));
    free(t);
}

void txn_drop_all(struct conn *c) {
    while (!list_empty(&c->txns)) txn_free(list_entry(c->txns.next, struct txn, of_conn));
}

static struct txn_rec *find_rec(struct txn *t, const char *path, uint64_t hash) {
    struct hlink *l = hmap_first(&t->by_path, hash);

    for (; l; l = hmap_next(l)) {
        struct txn_rec *r = container_of(l, struct txn_rec, link);

        if (!strcmp(r->path, path)) return r;
    }
    return NULL;
}

struct txn_rec *txn_touch(struct txn *t, const char *path, unsigned int flags) {
    size_t len = strlen(path);
    uint64_t hash = hash_bytes(path, len);
    struct txn_rec *r = find_rec(t, path, hash);

    if (r) {
        r->flags |= flags;
        return r;
    }
    if (!conn_is_privileged(t->conn) && t->nrecs >= quota[QUOTA_TXN_NODES].limit) {
        quota_hit(t->conn->dom, QUOTA_TXN_NODES);
        t->failed = true;
        return NULL;
    }
    r = xzalloc(sizeof(*r) + len + 1);
    r->flags = flags;
    memcpy(r->path, path, len + 1);
    hmap_add(&t->by_path, &r->link, hash);
    list_add_tail(&t->recs, &r->order);
    t->nrecs++;
    txn_charge(t, r, 0);
    return r;
}

void txn_charge(struct txn *t, struct txn_rec *r, int64_t len) {
    int64_t cost = (int64_t)(sizeof(*r) + strlen(r->path)) + len;

    domain_memory(t->conn->domid, cost - r->charged);
    r->charged = cost;
}

static bool has_conflict(const struct txn *t, const struct txn_rec *r) {
    const struct node *was = tree_find(t->base, r->path);
    const struct node *is = tree_find(store_root, r->path);

    if (was == is) return false;
    if ((r->flags & TXN_READ) && (!was || !is || was->gen != is->gen)) return true;
    return (r->flags & TXN_CHILDREN) && (!was || !is || was->cgen != is->cgen);
}

/* A domain whose node count the commit changes; few, so a list does. */
struct delta {
    uint32_t domid;
    int nodes;
    int64_t memory;
};

struct deltas {
    struct delta *d;
    size_t n;
};

static void add_delta(struct deltas *ds, const struct node *n, int sign) {
    uint32_t owner;
    size_t i;

    if (!n) return;
    owner = node_owner(n);
    for (i = 0; i < ds->n && ds->d[i].domid != owner; i++)
        ;
    if (i == ds->n) {
        ds->d = xrealloc(ds->d, ++ds->n * sizeof(*ds->d));
        ds->d[i] = (struct delta){.domid = owner};
    }
    ds->d[i].nodes += sign;
    ds->d[i].memory += sign * node_cost(n);
}

static int check_deltas(const struct txn *t, const struct deltas *ds) {
    for (size_t i = 0; i < ds->n; i++) {
        struct domain *d = domain_find(ds->d[i].domid);

        if (!d) return -EAGAIN; /* an owner died meanwhile: its nodes must not come back */
        if (conn_is_privileged(t->conn) || d->domid == 0) continue;
        if (ds->d[i].nodes > 0 &&
            d->nodes + (unsigned int)ds->d[i].nodes > quota[QUOTA_NODES].limit) {
            quota_hit(d, QUOTA_NODES);
            return -ENOSPC;
        }
        if (ds->d[i].memory > 0 && domain_memory_check(d, ds->d[i].memory)) return -ENOMEM;
    }
    return 0;
}

static int check_commit(struct txn *t, struct deltas *ds) {
    struct list *l;

    if (t->failed) return -ENOMEM;
    if (!t->root) return -EAGAIN;
    if (store_root != t->base)
        for (l = t->recs.next; l != &t->recs; l = l->next)
            if (has_conflict(t, list_entry(l, struct txn_rec, order))) return -EAGAIN;
    for (l = t->recs.next; l != &t->recs; l = l->next) {
        const struct txn_rec *r = list_entry(l, struct txn_rec, order);

        if (!(r->flags & TXN_MODIFIED)) continue;
        add_delta(ds, tree_find(store_root, r->path), -1);
        add_delta(ds, tree_find(t->root, r->path), 1);
    }
    return check_deltas(t, ds);
}

/* A node with what the transaction's node has, and no children. */
static struct node *node_like(const struct node *from) {
    struct node *n = node_new(from->name, from->namelen, perms_get(from->perms));

    if (from->value) node_set_value(n, value_new(from->value->data, from->value->len));
    return n;
}

/*
 * Makes the store's node at path as the transaction's is.  Parents that the store lacks are ones
 * this transaction made too, whatever the order of the records.
 */
static void graft(struct txn *t, const char *path) {
    const struct node *from = tree_find(t->root, path);
    struct node *to = tree_edit(&store_root, path);
    char *parent;

    if (to) {
        node_set_value(to, from->value ? value_new(from->value->data, from->value->len) : NULL);
        node_set_perms(to, perms_get(from->perms));
        return;
    }
    parent = xstrdup(path);
    parent[path_parent_len(path)] = 0;
    if (!tree_find(store_root, parent)) graft(t, parent);
    node_add_child(tree_edit(&store_root, parent), node_like(from));
    free(parent);
}

static void merge(struct txn *t) {
    struct list *l;

    for (l = t->recs.next; l != &t->recs; l = l->next) {
        struct txn_rec *r = list_entry(l, struct txn_rec, order);

        if ((r->flags & TXN_MODIFIED) && !tree_find(t->root, r->path))
            tree_remove(&store_root, r->path);
    }
    for (l = t->recs.next; l != &t->recs; l = l->next) {
        struct txn_rec *r = list_entry(l, struct txn_rec, order);

        if ((r->flags & TXN_MODIFIED) && tree_find(t->root, r->path)) graft(t, r->path);
    }
}

static void fire_all(struct txn *t) {
    for (struct list *l = t->recs.next; l != &t->recs; l = l->next) {
        struct txn_rec *r = list_entry(l, struct txn_rec, order);
        const struct node *was = tree_find(t->base, r->path);
        const struct node *is = tree_find(store_root, r->path);

        if (r->fire && (was || is))
            store_fire(r->path, r->exact, is ? is : was, was ? was->perms : NULL, t->conn);
    }
}

static void apply(struct txn *t, const struct deltas *ds) {
    if (store_root == t->base) {
        node_put(store_root);
        store_root = node_get(t->root);
    } else {
        merge(t);
    }
    for (size_t i = 0; i < ds->n; i++) {
        domain_find(ds->d[i].domid)->nodes += (unsigned int)ds->d[i].nodes;
        domain_memory(ds->d[i].domid, ds->d[i].memory);
    }
    if (txn_open_count > 1) rate_debit(t->conn->dom);
    fire_all(t);
}

int txn_end(struct txn *t, bool commit) {
    struct deltas ds = {0};
    int err = 0;

    if (commit) {
        err = check_commit(t, &ds);
        if (!err) apply(t, &ds);
        free(ds.d);
    }
    txn_free(t);
    txn_squeeze();
    return err;
}

void txn_squeeze(void) {
    size_t live = 0;
    struct list *l, *tmp;

    if (tree_bytes <= OLD_VERSIONS_FREE) return;
    for (l = domains.next; l != &domains; l = l->next)
        live += (size_t)list_entry(l, struct domain, all)->memory;
    list_for_each_safe(l, tmp, &all_txns) {
        struct txn *t = list_entry(l, struct txn, all);

        if (tree_bytes <= OLD_VERSIONS_FREE + 2 * live) return;
        if (!conn_is_privileged(t->conn)) drop_content(t);
    }
}
