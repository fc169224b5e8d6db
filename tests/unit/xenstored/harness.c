/* SPDX-License-Identifier: MIT */
/* Daemon, clients and hypervisor for the tests. */
#include "harness.h"

#include "conn.h"
#include "domain.h"
#include "quota.h"
#include "ring.h"
#include "store.h"
#include "tree.h"
#include "txn.h"
#include "xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_DOMAINS 64

unsigned int passed, failed;

static struct hv_domain {
    bool exists;
    struct xen_domain_state st;
    struct xenstore_domain_interface *page;
    unsigned int mapped, bound;
} hv[MAX_DOMAINS];
static struct quota_info saved_quota[QUOTA_COUNT];
static bool notified; /* the daemon rang a domain */

void check_str(const char *file, int line, const char *got, const char *want) {
    if (!strcmp(got, want)) {
        passed++;
        return;
    }
    failed++;
    printf("%s:%d: got '%s', want '%s'\n", file, line, got, want);
}

static int fake_state(uint32_t domid, struct xen_domain_state *st) {
    if (domid && (domid >= MAX_DOMAINS || !hv[domid].exists)) return -ESRCH;
    *st = hv[domid].st;
    return 0;
}

static struct xenstore_domain_interface *fake_map(uint32_t domid, uint64_t gfn) {
    (void)gfn;
    if (domid >= MAX_DOMAINS || !hv[domid].page) {
        errno = EINVAL;
        return NULL;
    }
    hv[domid].mapped++;
    return hv[domid].page;
}

static void fake_unmap(uint32_t domid, struct xenstore_domain_interface *page) {
    CHECK(hv[domid].page == page && hv[domid].mapped == 1);
    hv[domid].mapped--;
}

static int fake_bind(uint32_t domid, uint32_t port) {
    if (port == 999) return -EINVAL;
    hv[domid].bound++;
    return (int)domid + 100;
}

static void fake_unbind(uint32_t port) {
    CHECK(hv[port - 100].bound == 1);
    hv[port - 100].bound--;
}

static void fake_notify(uint32_t port) {
    (void)port;
    notified = true;
}

static const struct xen_ops fake_ops = {
    .domain_state = fake_state,
    .map = fake_map,
    .unmap = fake_unmap,
    .bind = fake_bind,
    .unbind = fake_unbind,
    .notify = fake_notify,
};

void hv_create(uint32_t domid) {
    free(hv[domid].page);
    hv[domid] = (struct hv_domain){.exists = true};
    hv[domid].page = calloc(1, sizeof(*hv[domid].page));
}

void hv_set(uint32_t domid, bool shutdown, bool dying) {
    hv[domid].st = (struct xen_domain_state){shutdown, dying};
}

void hv_destroy(uint32_t domid) { hv[domid].exists = false; }

void hv_exception(void) {
    domains_check();
    pump();
}

struct xenstore_domain_interface *hv_page(uint32_t domid) {
    return hv[domid].page;
}

void daemon_start(void) {
    memcpy(saved_quota, quota, sizeof(quota));
    fake_now_ms = 1000000;
    xen = &fake_ops;
    domains_init();
    store_init();
}

void daemon_stop(void) {
    struct list *l;

    for (l = conns.next; l != &conns; l = l->next)
        if (list_entry(l, struct conn, all)->fd >= 0) conn_kill(list_entry(l, struct conn, all));
    pump();
    for (uint32_t i = 1; i < MAX_DOMAINS; i++) hv_destroy(i);
    hv_exception();
    CHECK(store_check());
    CHECK(txn_open_count == 0);
    for (l = domains.next; l != &domains; l = l->next)
        CHECK(list_entry(l, struct domain, all)->domid == 0);
    for (uint32_t i = 1; i < MAX_DOMAINS; i++) {
        CHECK(!hv[i].mapped && !hv[i].bound);
        free(hv[i].page);
        hv[i].page = NULL;
    }
    store_free();
    CHECK(tree_bytes == 0);
    domains_fini();
    memcpy(quota, saved_quota, sizeof(quota));
    keep_orphans = false;
}

void pump(void) {
    bool more = true;

    for (int rounds = 0; more && rounds < 10000; rounds++) {
        struct list *l, *tmp;

        more = false;
        conn_expire_events();
        list_for_each_safe(l, tmp, &conns) {
            int wait = -1;

            if (conn_work(list_entry(l, struct conn, all), &wait)) more = true;
        }
        conn_reap();
    }
}

struct client *connect_tool(void) {
    struct client *c = calloc(1, sizeof(*c));
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds)) abort();
    c->fd = fds[0];
    conn_new_socket(fds[1]);
    return c;
}

struct client *connect_domain(uint32_t domid) {
    struct client *c = calloc(1, sizeof(*c));

    hv_create(domid);
    CHECK(domain_introduce(domid, 0, 1) == 0);
    c->fd = -1;
    c->domid = domid;
    c->page = hv[domid].page;
    return c;
}

void disconnect(struct client *c) {
    if (c->fd >= 0) close(c->fd);
    pump();
    free(c);
}

struct client *connect_kernel(void) {
    struct client *c = calloc(1, sizeof(*c));

    hv_create(0);
    CHECK(domain_introduce_dom0(1) == 0);
    c->fd = -1;
    c->page = hv[0].page;
    return c;
}

void disconnect_kernel(struct client *c) {
    struct domain *dom0 = domain_find(0);

    conn_kill(dom0->conn);
    dom0->conn = NULL;
    dom0->introduced = false;
    pump();
    free(c);
}

/* The guest's side of the ring. */
static size_t ring_put(struct xenstore_domain_interface *page, const char *data, size_t len) {
    size_t n = 0;

    while (n < len && page->req_prod - page->req_cons < XENSTORE_RING_SIZE) {
        page->req[MASK_XENSTORE_IDX(page->req_prod)] = data[n++];
        page->req_prod++;
    }
    return n;
}

static size_t ring_take(struct xenstore_domain_interface *page, char *data, size_t len) {
    size_t n = 0;

    while (n < len && page->rsp_cons != page->rsp_prod) {
        data[n++] = page->rsp[MASK_XENSTORE_IDX(page->rsp_cons)];
        page->rsp_cons++;
    }
    return n;
}

void send_raw(struct client *c, const void *data, size_t len) {
    const char *p = data;

    while (len) {
        ssize_t n =
            c->fd < 0 ? (ssize_t)ring_put(c->page, p, len) : send(c->fd, p, len, MSG_NOSIGNAL);

        pump();
        if (n <= 0) return; /* held back, or closed on us: the test looks at what comes of it */
        p += n;
        len -= (size_t)n;
    }
}

void send_msg(struct client *c, uint32_t type, uint32_t tx, const void *data, size_t len) {
    struct xsd_sockmsg hdr = {type, ++c->next_id, tx, (uint32_t)len};
    char *m = malloc(sizeof(hdr) + len);

    memcpy(m, &hdr, sizeof(hdr));
    memcpy(m + sizeof(hdr), data, len);
    send_raw(c, m, sizeof(hdr) + len);
    free(m);
}

static bool take(struct client *c, void *data, size_t len) {
    size_t have = 0;

    for (int tries = 0; have < len && tries < 100; tries++) {
        ssize_t n = c->fd < 0 ? (ssize_t)ring_take(c->page, (char *)data + have, len - have)
                              : recv(c->fd, (char *)data + have, len - have, 0);

        if (n > 0) have += (size_t)n;
        pump();
    }
    return have == len;
}

bool next_msg(struct client *c) {
    pump();
    if (!take(c, &c->reply.hdr, sizeof(c->reply.hdr))) return false;
    if (c->reply.hdr.len > XENSTORE_PAYLOAD_MAX) return false;
    c->reply.data[c->reply.hdr.len] = 0;
    return take(c, c->reply.data, c->reply.hdr.len);
}

const char *ask(struct client *c, uint32_t type, uint32_t tx, const void *data, size_t len) {
    send_msg(c, type, tx, data, len);
    while (next_msg(c)) {
        if (c->reply.hdr.type == XS_WATCH_EVENT) continue;
        CHECK(c->reply.hdr.req_id == c->next_id && c->reply.hdr.tx_id == tx);
        CHECK(c->reply.hdr.type == type || c->reply.hdr.type == XS_ERROR);
        return c->reply.data;
    }
    return "(none)";
}

const char *ask1(struct client *c, uint32_t type, uint32_t tx, const char *path) {
    return ask(c, type, tx, path, strlen(path) + 1);
}

const char *ask_write(struct client *c, uint32_t tx, const char *path, const char *value) {
    char data[XENSTORE_PAYLOAD_MAX];
    size_t n = strlen(path) + 1;

    memcpy(data, path, n);
    memcpy(data + n, value, strlen(value));
    return ask(c, XS_WRITE, tx, data, n + strlen(value));
}

/* perms: the entries with spaces between. */
const char *ask_perms(struct client *c, uint32_t tx, const char *path, const char *perms) {
    char data[XENSTORE_PAYLOAD_MAX];
    size_t n = strlen(path) + 1, len = n + strlen(perms) + 1;

    memcpy(data, path, n);
    strcpy(data + n, perms);
    for (size_t i = n; i < len; i++)
        if (data[i] == ' ') data[i] = 0;
    return ask(c, XS_SET_PERMS, tx, data, len);
}

uint32_t begin(struct client *c) { return (uint32_t)atoi(ask(c, XS_TRANSACTION_START, 0, P(""))); }

const char *commit(struct client *c, uint32_t tx) { return ask(c, XS_TRANSACTION_END, tx, P("T")); }

const char *names(struct client *c, uint32_t tx, const char *path) {
    const char *text = ask1(c, XS_DIRECTORY, tx, path);
    static char out[XENSTORE_PAYLOAD_MAX + 1];
    uint32_t len = c->reply.hdr.len;

    if (c->reply.hdr.type == XS_ERROR) return text;
    memcpy(out, text, len);
    out[len ? len - 1 : 0] = 0;
    for (uint32_t i = 0; i + 1 < len; i++)
        if (!out[i]) out[i] = ' ';
    return out;
}

const char *events(struct client *c) {
    static char out[65536];
    size_t len = 0;

    out[0] = 0;
    while (next_msg(c)) {
        CHECK(c->reply.hdr.type == XS_WATCH_EVENT);
        len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s=%s", len ? " " : "",
                                c->reply.data, c->reply.data + strlen(c->reply.data) + 1);
    }
    return out;
}
