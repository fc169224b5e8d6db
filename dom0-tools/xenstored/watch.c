/* SPDX-License-Identifier: MIT */
/* Watches and their events. */
#include "watch.h"

#include "conn.h"
#include "domain.h"
#include "perms.h"
#include "quota.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct watch {
    struct list of_conn;
    struct list of_path;
    struct watched *watched;
    struct conn *conn;
    size_t skip; /* what a relative watch leaves off the front of reported paths */
    char token[];
};

/* All watches on one path. */
struct watched {
    struct hlink link;
    struct list watches;
    size_t len;
    char path[];
};

static struct hmap index_by_path;

static struct watched *find_path(const char *path, size_t len) {
    struct hlink *l = hmap_first(&index_by_path, hash_bytes(path, len));

    for (; l; l = hmap_next(l)) {
        struct watched *w = container_of(l, struct watched, link);

        if (w->len == len && !memcmp(w->path, path, len)) return w;
    }
    return NULL;
}

static struct watched *find_or_add_path(const char *path) {
    size_t len = strlen(path);
    struct watched *w = find_path(path, len);

    if (w) return w;
    w = xmalloc(sizeof(*w) + len + 1);
    list_init(&w->watches);
    w->len = len;
    memcpy(w->path, path, len + 1);
    hmap_add(&index_by_path, &w->link, hash_bytes(path, len));
    return w;
}

static struct watch *find_watch(struct conn *c, const char *path, const char *token) {
    struct watched *on = find_path(path, strlen(path));

    if (!on) return NULL;
    for (struct list *l = on->watches.next; l != &on->watches; l = l->next) {
        struct watch *w = list_entry(l, struct watch, of_path);

        if (w->conn == c && !strcmp(w->token, token)) return w;
    }
    return NULL;
}

static int64_t watch_cost(const struct watched *on, const char *token) {
    return (int64_t)(sizeof(struct watch) + on->len + strlen(token) + 1);
}

static void report(struct watch *w, const char *path, struct conn *cause) {
    size_t len = strlen(path);

    conn_event(w->conn, len < w->skip ? "" : path + w->skip, w->token, cause);
}

int watch_add(struct conn *c, const char *path, const char *token, bool relative) {
    size_t toklen = strlen(token) + 1;
    struct watched *on;
    struct watch *w;
    int err;

    if (find_watch(c, path, token)) return -EEXIST;
    if (!conn_is_privileged(c)) {
        if (c->dom->watches >= quota[QUOTA_WATCHES].limit) {
            quota_hit(c->dom, QUOTA_WATCHES);
            return -E2BIG;
        }
        err = domain_memory_check(c->dom, (int64_t)(sizeof(*w) + strlen(path) + toklen));
        if (err) return err;
    }
    on = find_or_add_path(path);
    w = xmalloc(sizeof(*w) + toklen);
    w->watched = on;
    w->conn = c;
    w->skip = relative ? strlen(conn_home(c)) + 1 : 0;
    memcpy(w->token, token, toklen);
    list_add_tail(&on->watches, &w->of_path);
    list_add_tail(&c->watches, &w->of_conn);
    if (c->dom) c->dom->watches++;
    domain_memory(c->domid, watch_cost(on, token));
    return 0;
}

static void free_watch(struct watch *w) {
    struct watched *on = w->watched;

    domain_memory(w->conn->domid, -watch_cost(on, w->token));
    if (w->conn->dom) w->conn->dom->watches--;
    list_del(&w->of_conn);
    list_del(&w->of_path);
    if (list_empty(&on->watches)) {
        hmap_del(&index_by_path, &on->link);
        free(on);
    }
    if (!index_by_path.count) hmap_free(&index_by_path);
    free(w);
}

int watch_del(struct conn *c, const char *path, const char *token) {
    struct watch *w = find_watch(c, path, token);

    if (!w) return -ENOENT;
    free_watch(w);
    return 0;
}

void watch_del_all(struct conn *c) {
    while (!list_empty(&c->watches)) free_watch(list_entry(c->watches.next, struct watch, of_conn));
}

static bool may_know(const struct conn *c, const struct watch_perms *p, const char *path) {
    const struct perms *parent;

    if (conn_is_privileged(c) || (p->node && (perms_of(p->node, c) & PERM_READ)) ||
        (p->old && (perms_of(p->old, c) & PERM_READ)))
        return true;
    parent = p->parent_of ? p->parent_of(path) : NULL;
    return parent && (perms_of(parent, c) & PERM_READ);
}

/* Queues events only: neither a watch nor a connection goes away in here. */
static void fire_on(const char *on_path, size_t len, const char *path,
                    const struct watch_perms *perms, struct conn *cause) {
    struct watched *on = find_path(on_path, len);

    if (!on) return;
    for (struct list *l = on->watches.next; l != &on->watches; l = l->next) {
        struct watch *w = list_entry(l, struct watch, of_path);

        if (may_know(w->conn, perms, path)) report(w, path, cause);
    }
}

void watch_fire(const char *path, bool exact, const struct watch_perms *perms, struct conn *cause) {
    size_t len = strlen(path);

    fire_on(path, len, path, perms, cause);
    if (exact || path[0] != '/' || len == 1) return;
    for (len--; len > 0; len--)
        if (path[len] == '/') fire_on(path, len, path, perms, cause);
    fire_on("/", 1, path, perms, cause);
}
