/* SPDX-License-Identifier: MIT */
/* Persistent tree of nodes; the invariant stands in tree.h. */
#include "tree.h"

#include "perms.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

/* Up to this many children a scan is as fast as a table, and a list not worth keeping. */
#define INDEX_MIN 8

uint64_t tree_generation;
size_t tree_bytes;

static struct value *value_alloc(uint32_t len) {
    struct value *v = xmalloc(sizeof(*v) + len);

    v->refs = 1;
    v->len = len;
    tree_bytes += sizeof(*v) + len;
    return v;
}

struct value *value_new(const void *data, uint32_t len) {
    struct value *v;

    if (!len) return NULL;
    v = value_alloc(len);
    memcpy(v->data, data, len);
    return v;
}

static struct value *value_get(struct value *v) {
    if (v) v->refs++;
    return v;
}

void value_put(struct value *v) {
    if (!v || --v->refs) return;
    tree_bytes -= sizeof(*v) + v->len;
    free(v);
}

static size_t index_bytes(uint32_t size) {
    return sizeof(struct child_index) + size * sizeof(uint32_t);
}

static void drop_list(struct node *n) {
    if (!n->index) return;
    value_put(n->index->list);
    n->index->list = NULL;
}

static size_t node_bytes(const struct node *n) {
    return sizeof(*n) + n->namelen + n->nchild * sizeof(*n->child);
}

struct node *node_new(const char *name, size_t namelen, struct perms *perms) {
    struct node *n = xzalloc(sizeof(*n) + namelen + 1);

    n->refs = 1;
    n->namelen = (uint32_t)namelen;
    n->hash = hash_bytes(name, namelen);
    n->gen = n->cgen = ++tree_generation;
    n->perms = perms;
    memcpy(n->name, name, namelen);
    tree_bytes += node_bytes(n);
    return n;
}

struct node *node_get(struct node *n) {
    n->refs++;
    return n;
}

void node_put(struct node *n) {
    if (!n || --n->refs) return;
    tree_bytes -= node_bytes(n);
    for (uint32_t i = 0; i < n->nchild; i++) node_put(n->child[i]);
    perms_put(n->perms);
    value_put(n->value);
    drop_list(n);
    free(n->child);
    free(n->index);
    free(n);
}

static struct node *node_copy(const struct node *n) {
    struct node *c = xmemdup(n, sizeof(*n) + n->namelen + 1);

    c->refs = 1;
    tree_bytes += node_bytes(c);
    perms_get(c->perms);
    value_get(c->value);
    c->child = n->cap ? xmalloc(n->cap * sizeof(*c->child)) : NULL;
    for (uint32_t i = 0; i < n->nchild; i++) c->child[i] = node_get(n->child[i]);
    if (n->index) {
        c->index = xmemdup(n->index, index_bytes(n->index->size));
        value_get(c->index->list);
    }
    return c;
}

static uint32_t index_size(const struct node *n) { return n->index ? n->index->size : 0; }

static void index_put(struct node *n, uint32_t pos) {
    struct child_index *x = n->index;
    uint32_t i = (uint32_t)n->child[pos]->hash & (x->size - 1);

    while (x->slot[i]) i = (i + 1) & (x->size - 1);
    x->slot[i] = pos + 1;
}

/* At most half full, so that a search always meets a free slot soon. No list is kept now. */
static void index_rebuild(struct node *n) {
    uint32_t size = 0;

    if (n->nchild > INDEX_MIN)
        for (size = 4 * INDEX_MIN; size < 2 * n->nchild; size *= 2)
            ;
    if (size != index_size(n)) {
        free(n->index);
        n->index = size ? xmalloc(index_bytes(size)) : NULL;
    }
    if (!size) return;
    memset(n->index, 0, index_bytes(size));
    n->index->size = size;
    for (uint32_t i = 0; i < n->nchild; i++) index_put(n, i);
}

static bool is_named(const struct node *n, const char *name, size_t len) {
    return n->namelen == len && !memcmp(n->name, name, len);
}

/* Position of the child, or nchild if there is none. */
static uint32_t child_pos(const struct node *n, const char *name, size_t len) {
    const struct child_index *x = n->index;
    uint64_t hash;
    uint32_t i;

    if (!x) {
        for (i = 0; i < n->nchild; i++)
            if (is_named(n->child[i], name, len)) break;
        return i;
    }
    hash = hash_bytes(name, len);
    for (i = (uint32_t)hash & (x->size - 1); x->slot[i]; i = (i + 1) & (x->size - 1))
        if (is_named(n->child[x->slot[i] - 1], name, len)) return x->slot[i] - 1;
    return n->nchild;
}

struct node *node_child(const struct node *n, const char *name, size_t len) {
    uint32_t pos = child_pos(n, name, len);

    return pos < n->nchild ? n->child[pos] : NULL;
}

/* Steps over the next component: sets *name, returns its length, 0 at the end. */
static size_t next_part(const char **path, const char **name) {
    size_t len;

    while (**path == '/') (*path)++;
    *name = *path;
    len = (size_t)(strchrnul(*path, '/') - *path);
    *path += len;
    return len;
}

struct node *tree_find(struct node *root, const char *path) {
    struct node *n = root;
    const char *name;
    size_t len;

    while (n && (len = next_part(&path, &name)) != 0) n = node_child(n, name, len);
    return n;
}

static struct node *make_private(struct node **slot) {
    struct node *n = *slot;

    if (n->refs > 1) {
        *slot = node_copy(n);
        n->refs--;
    }
    return *slot;
}

/* The node at the first prefix bytes of path, which must exist, made private; 1 is the root. */
static struct node *edit_prefix(struct node **root, const char *path, size_t prefix) {
    struct node *n = make_private(root);
    const char *end = prefix > 1 ? path + prefix : path, *name;
    size_t len;

    while (path < end && (len = next_part(&path, &name)) != 0)
        n = make_private(&n->child[child_pos(n, name, len)]);
    return n;
}

struct node *tree_edit(struct node **root, const char *path) {
    return tree_find(*root, path) ? tree_edit_known(root, path) : NULL;
}

struct node *tree_edit_known(struct node **root, const char *path) {
    return edit_prefix(root, path, strlen(path));
}

static void children_changed(struct node *n) {
    n->cgen = ++tree_generation;
    drop_list(n);
}

void node_add_child(struct node *parent, struct node *child) {
    if (parent->nchild == parent->cap) {
        parent->cap = parent->cap ? parent->cap * 2 : 4;
        parent->child = xrealloc(parent->child, parent->cap * sizeof(*parent->child));
    }
    parent->child[parent->nchild++] = child;
    parent->childbytes += child->namelen + 1;
    tree_bytes += sizeof(*parent->child);
    children_changed(parent);
    if (parent->nchild > INDEX_MIN && 2 * parent->nchild > index_size(parent))
        index_rebuild(parent);
    else if (parent->index)
        index_put(parent, parent->nchild - 1);
}

bool tree_remove(struct node **root, const char *path) {
    struct node *parent, *child;
    uint32_t pos;

    if (!tree_find(*root, path)) return false;
    parent = edit_prefix(root, path, path_parent_len(path));
    pos = child_pos(parent, path_base(path), strlen(path_base(path)));
    child = parent->child[pos];
    parent->nchild--;
    memmove(&parent->child[pos], &parent->child[pos + 1],
            (parent->nchild - pos) * sizeof(*parent->child));
    parent->childbytes -= child->namelen + 1;
    tree_bytes -= sizeof(*parent->child);
    children_changed(parent);
    index_rebuild(parent);
    node_put(child);
    return true;
}

void node_set_value(struct node *n, struct value *v) {
    value_put(n->value);
    n->value = v;
    n->gen = ++tree_generation;
}

void node_set_perms(struct node *n, struct perms *p) {
    perms_put(n->perms);
    n->perms = p;
    n->gen = ++tree_generation;
}

struct value *node_list(const struct node *n, bool keep) {
    struct value *list = n->index ? value_get(n->index->list) : NULL;
    char *p;

    if (list) return list;
    list = value_alloc(n->childbytes);
    p = list->data;
    for (uint32_t i = 0; i < n->nchild; i++) {
        memcpy(p, n->child[i]->name, n->child[i]->namelen + 1);
        p += n->child[i]->namelen + 1;
    }
    if (keep && n->index) n->index->list = value_get(list);
    return list;
}

bool node_list_true(const struct node *n) {
    const struct value *list = n->index ? n->index->list : NULL;
    uint32_t at = 0, len;

    if (!list) return true;
    for (uint32_t i = 0; i < n->nchild; i++, at += len) {
        len = n->child[i]->namelen + 1;
        if (len > list->len - at || memcmp(list->data + at, n->child[i]->name, len)) return false;
    }
    return at == list->len && at == n->childbytes;
}

size_t path_parent_len(const char *path) {
    size_t len = (size_t)(strrchr(path, '/') - path);

    return len ? len : 1;
}

const char *path_base(const char *path) { return strrchr(path, '/') + 1; }

void tree_walk(const struct node *n, const char *path,
               void (*fn)(const struct node *n, const char *path, void *arg), void *arg) {
    for (uint32_t i = 0; i < n->nchild; i++) {
        char *sub = xasprintf("%s/%s", path[1] ? path : "", n->child[i]->name);

        tree_walk(n->child[i], sub, fn, arg);
        free(sub);
    }
    fn(n, path, arg);
}
