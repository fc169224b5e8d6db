/* SPDX-License-Identifier: MIT */
/* Operations on the store. */
#include "store.h"

#include "conn.h"
#include "domain.h"
#include "quota.h"
#include "rate.h"
#include "tree.h"
#include "txn.h"
#include "util.h"
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* What stock's node record takes besides names, permissions and value: part of node-size. */
#define RECORD_HEADER 24

struct node *store_root;

static const char *const initial_nodes[] = {
    "/tool",
    "/tool/xenstored",
    "/local",
    "/local/domain",
    "/local/domain/0",
    /* Special watches: the permissions of these nodes say who may have them. */
    "/@introduceDomain",
    "/@releaseDomain",
};

static bool is_special(const char *path) { return path[0] == '/' && path[1] == '@'; }

uint32_t node_owner(const struct node *n) { return n->perms->e[0].id; }

static int64_t cost_of(size_t namelen, size_t value_len, unsigned int nperms) {
    return (int64_t)(sizeof(struct node) + namelen + value_len +
                     nperms * sizeof(struct perm_entry));
}

int64_t node_cost(const struct node *n) {
    return cost_of(n->namelen, n->value ? n->value->len : 0, n->perms->num);
}

void store_account(const struct node *n, int sign) {
    struct domain *d = domain_find(node_owner(n));

    if (!d) return;
    d->nodes += (unsigned int)sign;
    domain_memory(d->domid, sign * node_cost(n));
}

static struct node **root_of(const struct view *v) { return v->txn ? &v->txn->root : &store_root; }

static struct domain *limited(const struct view *v) {
    return conn_is_privileged(v->conn) ? NULL : v->conn->dom;
}

/* The length of "/local/domain/<id>/" at the beginning, or 0. */
static size_t home_length(const char *path) {
    static const char home[] = "/local/domain/";
    size_t at = sizeof(home) - 1, digits;

    if (strncmp(path, home, at)) return 0;
    digits = strspn(path + at, "0123456789");
    return digits && digits <= 5 && path[at + digits] == '/' ? at + digits + 1 : 0;
}

bool store_path_valid(const char *path) {
    static const bool allowed[256] = {
        ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['0' ... '9'] = true, ['-'] = true,
        ['/'] = true,         ['_'] = true,         ['@'] = true,
    };
    size_t len;

    if (path[0] != '/') return false;
    for (len = 1; path[len]; len++)
        if (!allowed[(unsigned char)path[len]] || (path[len] == '/' && path[len - 1] == '/'))
            return false;
    if (len > 1 && path[len - 1] == '/') return false;
    return len <= quota[QUOTA_PATH].limit || len <= home_length(path) + quota[QUOTA_PATH].limit;
}

/* The nearest existing parent; *len is the length of its path. The root always exists. */
static struct node *nearest_parent(struct node *root, const char *path, size_t *len) {
    const char *end = path; /* of n's path */
    struct node *n = root, *child = root;

    while (child) {
        size_t namelen = strcspn(end + 1, "/");

        n = child;
        *len = end > path ? (size_t)(end - path) : 1;
        child = end[1 + namelen] ? node_child(n, end + 1, namelen) : NULL;
        end += 1 + namelen;
    }
    return n;
}

/* Who may not see the parent does not learn whether the node exists. */
static int hide_from_strangers(const struct view *v, const char *path, unsigned int need, int err) {
    size_t len;
    struct node *parent;
    char *prefix;

    if (!limited(v)) return err;
    parent = nearest_parent(*root_of(v), path, &len);
    if (v->txn) {
        prefix = xstrdup(path);
        prefix[len] = 0;
        if (!txn_touch(v->txn, prefix, TXN_READ)) err = -ENOSPC;
        free(prefix);
    }
    return perms_of(parent->perms, v->conn) & need ? err : -EACCES;
}

static int get(const struct view *v, const char *path, unsigned int need, unsigned int flags,
               const struct node **out) {
    const struct node *n;

    if (!store_path_valid(path)) return -EINVAL;
    if (v->txn && !txn_touch(v->txn, path, flags)) return -ENOSPC;
    n = tree_find(*root_of(v), path);
    if (!n) return hide_from_strangers(v, path, need, -ENOENT);
    if ((perms_of(n->perms, v->conn) & need) != need)
        return hide_from_strangers(v, path, need, -EACCES);
    *out = n;
    return 0;
}

int store_get(const struct view *v, const char *path, unsigned int need, const struct node **n) {
    return get(v, path, need, TXN_READ, n);
}

int store_get_children(const struct view *v, const char *path, const struct node **n) {
    return get(v, path, PERM_READ, TXN_READ | TXN_CHILDREN, n);
}

static const struct perms *parent_perms(const char *path) {
    char *parent = xstrdup(path);
    const struct node *n;

    parent[path_parent_len(path)] = 0;
    n = tree_find(store_root, parent);
    free(parent);
    return n ? n->perms : NULL;
}

void store_fire(const char *path, bool exact, const struct node *n, const struct perms *old,
                struct conn *cause) {
    struct watch_perms p = {n ? n->perms : NULL, old, parent_perms};

    watch_fire(path, exact, &p, cause);
}

/* After a change of a node: at once outside a transaction, noted for the commit inside. */
static void changed(const struct view *v, const char *path, const struct node *n, bool exact,
                    const struct perms *old) {
    struct txn_rec *r;

    if (!v->txn) {
        if (txn_open_count && v->conn) rate_debit(v->conn->dom);
        store_fire(path, exact, n, old, v->conn);
        txn_squeeze();
        return;
    }
    r = txn_touch(v->txn, path, TXN_MODIFIED);
    if (!r) return;
    r->exact = r->fire ? r->exact && exact : exact;
    r->fire = true;
}

static int check_size(struct domain *d, size_t value, size_t childbytes, unsigned int nperms) {
    if (d && RECORD_HEADER + value + childbytes + nperms * sizeof(struct perm_entry) >=
                 quota[QUOTA_NODE_SIZE].limit) {
        quota_hit(d, QUOTA_NODE_SIZE);
        return -ENOSPC;
    }
    return 0;
}

/* Every check that making path, `levels` new nodes deep below parent, needs. */
static int check_create(const struct view *v, const struct node *parent, const char *rest,
                        uint32_t len) {
    struct domain *d = limited(v);
    unsigned int levels = 1, nperms = parent->perms->num;
    int64_t cost;
    int err;

    if (!d) return 0;
    for (const char *p = rest; *p; p++) levels += *p == '/';
    if (d->nodes + levels > quota[QUOTA_NODES].limit) {
        quota_hit(d, QUOTA_NODES);
        return -ENOSPC;
    }
    err = check_size(d, parent->value ? parent->value->len : 0,
                     parent->childbytes + strcspn(rest, "/") + 1, nperms);
    if (!err) err = check_size(d, len, 0, nperms);
    if (err) return err;
    cost = levels * cost_of(0, 0, nperms) + (int64_t)strlen(rest) + len;
    return domain_memory_check(d, cost);
}

/* Records for the new nodes; in a transaction this is the last thing that can fail. */
static int touch_new(const struct view *v, const char *path, size_t parent_len) {
    char *p = xstrdup(path);
    size_t len = strlen(path);
    int err = 0;

    for (size_t i = parent_len; i <= len && !err; i++) {
        char saved = p[i];

        if (i == parent_len || saved == '/' || !saved) {
            p[i] = 0;
            if (!txn_touch(v->txn, p, i == parent_len ? TXN_READ : TXN_READ | TXN_MODIFIED))
                err = -ENOSPC;
            p[i] = saved;
        }
    }
    free(p);
    return err;
}

static uint32_t owner_of_new(const struct view *v, const struct node *parent) {
    uint32_t owner = limited(v) ? v->conn->domid : node_owner(parent);

    return domain_known(owner) ? owner : 0;
}

static int create(const struct view *v, const char *path, const void *data, uint32_t len) {
    size_t plen;
    struct node *parent = nearest_parent(*root_of(v), path, &plen), *n;
    const char *rest = path + plen + (plen > 1);
    char *prefix;
    int err;

    err = check_create(v, parent, rest, len);
    if (!err && v->txn) err = touch_new(v, path, plen);
    if (err) return err;
    prefix = xstrdup(path);
    prefix[plen] = 0;
    parent = tree_edit_known(root_of(v), prefix);
    free(prefix);
    while (*rest) {
        size_t nlen = strcspn(rest, "/");

        n = node_new(rest, nlen,
                     perms_inherit(parent->perms, owner_of_new(v, parent), tree_generation));
        node_add_child(parent, n);
        rest += nlen + (rest[nlen] == '/');
        if (!*rest && len) node_set_value(n, value_new(data, len));
        if (!v->txn) store_account(n, 1);
        parent = n;
    }
    if (v->txn) txn_charge(v->txn, txn_touch(v->txn, path, 0), len);
    changed(v, path, parent, false, NULL);
    return 0;
}

static int overwrite(const struct view *v, const char *path, const struct node *old,
                     const void *data, uint32_t len) {
    struct domain *d = limited(v);
    int64_t growth = (int64_t)len - (old->value ? old->value->len : 0);
    struct node *n;
    int err;

    err = check_size(d, len, old->childbytes, old->perms->num);
    if (!err && d && growth > 0) err = domain_memory_check(d, growth);
    if (err) return err;
    n = tree_edit_known(root_of(v), path);
    if (v->txn)
        txn_charge(v->txn, txn_touch(v->txn, path, TXN_MODIFIED), len);
    else
        domain_memory(node_owner(n), growth);
    node_set_value(n, value_new(data, len));
    changed(v, path, n, false, NULL);
    return 0;
}

int store_write(const struct view *v, const char *path, const void *data, uint32_t len) {
    const struct node *n;
    int err = store_get(v, path, PERM_WRITE, &n);

    if (err == -ENOENT) return create(v, path, data, len);
    return err ? err : overwrite(v, path, n, data, len);
}

int store_mkdir(const struct view *v, const char *path) {
    const struct node *n;
    int err = store_get(v, path, PERM_WRITE, &n);

    return err == -ENOENT ? create(v, path, NULL, 0) : err;
}

struct removal {
    const struct view *v;
    const char *top;
    int err;
};

static void remove_one(const struct node *n, const char *path, void *arg) {
    struct removal *r = arg;
    bool exact = strcmp(path, r->top) != 0;

    if (r->v->txn) {
        if (!txn_touch(r->v->txn, path, TXN_READ | TXN_CHILDREN | TXN_MODIFIED))
            r->err = -ENOSPC;
        else
            changed(r->v, path, n, exact, NULL);
        return;
    }
    store_account(n, -1);
    store_fire(path, exact, n, NULL, r->v->conn);
}

/* The node exists and is not the root. */
static int remove_subtree(const struct view *v, const char *path) {
    struct removal r = {.v = v, .top = path};

    /* Events are only queued: nobody reads the store before this is done. */
    tree_walk(tree_find(*root_of(v), path), path, remove_one, &r);
    if (r.err) return r.err;
    tree_remove(root_of(v), path);
    if (!v->txn && txn_open_count && v->conn) rate_debit(v->conn->dom);
    return 0;
}

/* Nothing to remove: that is fine where the parent exists, and the answer depends on it. */
static int rm_missing(const struct view *v, const char *path) {
    char *parent = xstrdup(path);
    int err = 0;

    parent[path_parent_len(path)] = 0;
    if (v->txn && !txn_touch(v->txn, parent, TXN_READ))
        err = -ENOSPC;
    else if (!tree_find(*root_of(v), parent))
        err = -ENOENT;
    free(parent);
    return err;
}

int store_rm(const struct view *v, const char *path) {
    const struct node *n;
    int err = store_get(v, path, PERM_WRITE, &n);

    if (err == -ENOENT) return rm_missing(v, path);
    if (err) return err;
    if (!path[1]) return -EINVAL;
    if (is_special(path)) return -EACCES;
    err = remove_subtree(v, path);
    txn_squeeze();
    return err;
}

int store_set_perms(const struct view *v, const char *path, const struct perm_entry *e,
                    unsigned int num) {
    struct domain *d = limited(v);
    struct perms *p, *old;
    const struct node *was;
    struct node *n;
    int err;

    if (d && num > quota[QUOTA_PERMS].limit) {
        quota_hit(d, QUOTA_PERMS);
        return -ENOSPC;
    }
    for (unsigned int i = num; i-- > 0;)
        if (!domain_known(e[i].id) && i == 0) return -ENOENT;
    err = store_get(v, path, PERM_WRITE | PERM_OWNER, &was);
    if (err) return err;
    if (d && e[0].id != node_owner(was)) return -EPERM;
    err = check_size(d, was->value ? was->value->len : 0, was->childbytes, num);
    if (err) return err;
    n = tree_edit_known(root_of(v), path);
    if (!v->txn) store_account(n, -1);
    old = perms_get(n->perms);
    p = perms_new(e, num, tree_generation);
    node_set_perms(n, p);
    if (!v->txn) store_account(n, 1);
    changed(v, path, n, false, old);
    perms_put(old);
    return 0;
}

struct orphans {
    uint32_t domid;
    char **paths;
    size_t n;
};

/* Children come before parents: paths below one that is removed later are found gone then. */
static void note_orphan(const struct node *n, const char *path, void *arg) {
    struct orphans *o = arg;

    if (node_owner(n) != o->domid) return;
    o->paths = xrealloc(o->paths, (o->n + 1) * sizeof(*o->paths));
    o->paths[o->n++] = xstrdup(path);
}

static void give_away(const char *path) {
    struct node *n = tree_edit(&store_root, path);

    store_account(n, -1);
    node_set_perms(n, perms_inherit(n->perms, 0, tree_generation));
    store_account(n, 1);
}

void store_forget_domain(uint32_t domid, bool give_to_dom0) {
    struct view v = {0};
    struct orphans o = {.domid = domid};

    tree_walk(store_root, "/", note_orphan, &o);
    while (o.n) {
        char *path = o.paths[--o.n]; /* from the end: parents first */

        if (tree_find(store_root, path)) {
            if (give_to_dom0 || !path[1] || is_special(path))
                give_away(path);
            else
                remove_subtree(&v, path);
        }
        free(path);
    }
    free(o.paths);
}

struct tally {
    unsigned int nodes[2]; /* counted, without an owner that is known */
    unsigned int wrong_lists;
};

static void tally_one(const struct node *n, const char *path, void *arg) {
    struct tally *t = arg;

    t->nodes[domain_find(node_owner(n)) ? 0 : 1]++;
    if (node_list_true(n)) return;
    t->wrong_lists++;
    xlog(LOG_ERR, "store check: the kept list of %s does not have its children's names", path);
}

bool store_check(void) {
    struct tally t = {0};
    unsigned int counted = 0;

    tree_walk(store_root, "/", tally_one, &t);
    for (struct list *l = domains.next; l != &domains; l = l->next)
        counted += list_entry(l, struct domain, all)->nodes;
    xlog(LOG_INFO, "store check: %u nodes, %u counted to domains, %u without owner, %zu bytes",
         t.nodes[0] + t.nodes[1], counted, t.nodes[1], tree_bytes);
    return counted == t.nodes[0] && !t.nodes[1] && !t.wrong_lists;
}

void store_init(void) {
    struct perm_entry dom0 = {.id = 0, .bits = PERM_NONE};
    struct view v = {0};

    store_root = node_new("", 0, perms_new(&dom0, 1, 0));
    store_account(store_root, 1);
    for (size_t i = 0; i < ARRAY_SIZE(initial_nodes); i++) store_mkdir(&v, initial_nodes[i]);
}

void store_free(void) {
    node_put(store_root);
    store_root = NULL;
}
