/* SPDX-License-Identifier: MIT */
/* Records of domains: introduction, shutdown, death, and what they use. */
#include "domain.h"

#include "conn.h"
#include "rate.h"
#include "ring.h"
#include "store.h"
#include "tree.h"
#include "watch.h"
#include "xen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

const struct xen_ops *xen;
struct list domains = {&domains, &domains};
bool keep_orphans;

static struct hmap by_id, by_port;
/* Its record is always there, and is what most look-ups are for. */
static struct domain *dom0;

static uint64_t hash_u32(uint32_t v) { return hash_bytes(&v, sizeof(v)); }

struct domain *domain_find(uint32_t domid) {
    struct hlink *l;

    if (domid == 0) return dom0;
    for (l = hmap_first(&by_id, hash_u32(domid)); l; l = hmap_next(l))
        if (container_of(l, struct domain, by_id)->domid == domid)
            return container_of(l, struct domain, by_id);
    return NULL;
}

struct domain *domain_by_port(uint32_t port) {
    struct hlink *l = hmap_first(&by_port, hash_u32(port));

    for (; l; l = hmap_next(l))
        if (container_of(l, struct domain, by_port)->port == port)
            return container_of(l, struct domain, by_port);
    return NULL;
}

static struct domain *new_domain(uint32_t domid) {
    struct domain *d = xzalloc(sizeof(*d));

    d->domid = domid;
    d->gen = ++tree_generation;
    snprintf(d->home, sizeof(d->home), "/local/domain/%u", domid);
    rate_new_domain(d);
    hmap_add(&by_id, &d->by_id, hash_u32(domid));
    list_add_tail(&domains, &d->all);
    return d;
}

static int state_of(uint32_t domid, struct xen_domain_state *st) {
    *st = (struct xen_domain_state){0};
    if (domid >= DOMID_LIMIT) return -ESRCH;
    return xen ? xen->domain_state(domid, st) : 0;
}

struct domain *domain_known(uint32_t domid) {
    struct domain *d = domain_find(domid);
    struct xen_domain_state st;

    if (d || state_of(domid, &st)) return d;
    return new_domain(domid);
}

void domains_init(void) {
    dom0 = new_domain(0);
    dom0->gen = 0;
}

void domains_fini(void) {
    dom0 = NULL;
    while (!list_empty(&domains)) {
        struct domain *d = list_entry(domains.next, struct domain, all);

        hmap_del(&by_id, &d->by_id);
        list_del(&d->all);
        free(d);
    }
    hmap_free(&by_id);
    hmap_free(&by_port);
}

static void set_port(struct domain *d, uint32_t port) {
    if (d->port) {
        hmap_del(&by_port, &d->by_port);
        xen->unbind(d->port);
    }
    d->port = port;
    if (port) hmap_add(&by_port, &d->by_port, hash_u32(port));
}

/* Takes back a record that was made for an introduction that failed. */
static int undo(struct domain *d, bool fresh, int err) {
    if (fresh) {
        hmap_del(&by_id, &d->by_id);
        list_del(&d->all);
        free(d);
    }
    return err;
}

static int connect_ring(struct domain *d, uint64_t gfn, uint32_t remote_port, bool fresh) {
    int port;

    d->page = xen->map(d->domid, gfn);
    if (!d->page) return undo(d, fresh, errno ? -errno : -EINVAL);
    port = xen->bind(d->domid, remote_port);
    if (port < 0) {
        xen->unmap(d->domid, d->page);
        d->page = NULL;
        return undo(d, fresh, port);
    }
    set_port(d, (uint32_t)port);
    d->introduced = true;
    d->shutdown = false;
    d->conn = conn_new_ring(d);
    return 0;
}

static void fire_special(const char *name) {
    struct node *n;
    char path[32];

    snprintf(path, sizeof(path), "/%s", name);
    n = tree_find(store_root, path);
    watch_fire(name, true, &(struct watch_perms){.node = n ? n->perms : NULL}, NULL);
}

static int reconnect_port(struct domain *d, uint32_t remote_port) {
    int port;

    set_port(d, 0);
    port = xen->bind(d->domid, remote_port);
    if (port < 0) {
        xlog(LOG_WARNING, "domain %u: cannot bind to its event channel %u again: %s", d->domid,
             remote_port, strerror(-port));
        return port;
    }
    set_port(d, (uint32_t)port);
    return 0;
}

int domain_introduce(uint32_t domid, uint64_t gfn, uint32_t remote_port) {
    struct domain *d = domain_find(domid);
    bool fresh = !d;
    int err;

    if (!xen) return -ENOSYS;
    if (fresh) d = domain_known(domid);
    if (!d) return -ENOENT;
    if (d->introduced) {
        err = reconnect_port(d, remote_port);
        if (err) return err;
    } else {
        err = connect_ring(d, gfn, remote_port, fresh);
        if (err) return err;
        fire_special("@introduceDomain");
    }
    conn_reset(d->conn);
    ring_reset(d->page);
    d->page->error = XENSTORE_ERROR_NONE;
    d->page->server_features |= XENSTORE_SERVER_FEATURE_ERROR;
    if (d->page->connection == XENSTORE_RECONNECT) d->page->connection = XENSTORE_CONNECTED;
    xen->notify(d->port);
    conn_ready(d->conn);
    return 0;
}

int domain_introduce_dom0(uint32_t port) {
    struct domain *d = domain_find(0);
    int err = connect_ring(d, 0, port, false);

    if (err) return err;
    conn_ready(d->conn); /* requests may wait since before we started */
    xen->notify(d->port);
    return 0;
}

static void drop_targets(const struct domain *d) {
    for (struct list *l = conns.next; l != &conns; l = l->next) {
        struct conn *c = list_entry(l, struct conn, all);

        if (c->target == d) c->target = NULL;
    }
}

static void disconnect(struct domain *d) {
    struct conn *c = d->conn;

    if (!c) return;
    conn_reset(c);
    conn_kill(c);
    c->dom = NULL; /* it is freed later, after the record */
    d->conn = NULL;
    drop_targets(d);
    set_port(d, 0);
    if (d->page) xen->unmap(d->domid, d->page);
    d->page = NULL;
}

void domain_release(struct domain *d) {
    bool was_introduced = d->introduced;

    disconnect(d);
    if (d->nodes) store_forget_domain(d->domid, keep_orphans);
    hmap_del(&by_id, &d->by_id);
    list_del(&d->all);
    free(d);
    if (was_introduced) fire_special("@releaseDomain");
}

/* Announced once for each shutdown; the record goes when the domain is dying or gone. */
static bool check_one(struct domain *d) {
    struct xen_domain_state st;
    bool alive = state_of(d->domid, &st) == 0;

    if (d->introduced ? alive && !st.dying : alive) {
        if (!d->introduced || !st.shutdown || d->shutdown) return false;
        d->shutdown = true;
        return true;
    }
    domain_release(d);
    return false;
}

void domains_check(void) {
    struct list *l, *tmp;
    bool announce = false;

    list_for_each_safe(l, tmp, &domains) {
        struct domain *d = list_entry(l, struct domain, all);

        if (d->domid != 0 && check_one(d)) announce = true;
    }
    if (announce) fire_special("@releaseDomain");
}

void domain_memory(uint32_t domid, int64_t delta) {
    struct domain *d = domain_find(domid);
    int64_t before;

    if (!d) return;
    before = d->memory;
    d->memory += delta;
    if (domid == 0) return;
    if (delta > 0 && before < quota[QUOTA_MEMORY_SOFT].limit &&
        d->memory >= quota[QUOTA_MEMORY_SOFT].limit && quota[QUOTA_MEMORY_SOFT].limit)
        quota_hit(d, QUOTA_MEMORY_SOFT);
    if (d->conn && before >= quota[QUOTA_MEMORY].limit && d->memory < quota[QUOTA_MEMORY].limit)
        conn_ready(d->conn);
}

int domain_memory_check(struct domain *d, int64_t delta) {
    if (!quota[QUOTA_MEMORY].limit || d->memory + delta < quota[QUOTA_MEMORY].limit) return 0;
    quota_hit(d, QUOTA_MEMORY);
    return -ENOMEM;
}
