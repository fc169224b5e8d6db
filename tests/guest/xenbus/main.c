/* SPDX-License-Identifier: MIT */
/*
 * xenbus: xenstore as an ordinary domain meets it, through its ring page: its own part of the tree,
 * what it may not touch, transactions, watches, permissions, quotas; then what no honest domain
 * sends. The daemon must go on serving dom0 after that, which the runner looks at. The daemon is
 * ours on Hospes and Debian's own on stock Xen.
 * Run with: --domu
 */
#include <public/io/xs_wire.h>
#include "xenbus/store.h"
#include "lib.h"
#include "mm.h"
#include "pv.h"
#include "vcpu.h"

static struct xenstore_domain_interface *page;
static struct guest_port port;
static struct store store;
static char path[XENSTORE_PAYLOAD_MAX + 64];

static unsigned int events;
static char event_path[256], event_token[256];

static void on_event(struct store *s, const char *where, const char *token) {
    (void)s;
    events++;
    format(event_path, sizeof(event_path), "%s", where);
    format(event_token, sizeof(event_token), "%s", token);
}

static long ask(uint32_t type, const char *first, const char *second) {
    return store_ask(&store, type, 0, first, second);
}

static long value_is(uint32_t tx, const char *where, const char *want) {
    long n = store_ask(&store, XS_READ, tx, where, NULL);

    if (n < 0) return n;
    return n == (long)strlen(want) && !memcmp(store.body, want, (size_t)n);
}

/* Whether the reply, a list of texts, has this one. */
static bool listed(long n, const char *name) {
    const char *at = store.body, *end = store.body + n;

    for (; n > 0 && at < end; at += strlen(at) + 1)
        if (!strcmp(at, name)) return true;
    return false;
}

static char self[16];

static void own_tree(void) {
    char home[32];

    expect(ask(XS_READ, "domid", NULL) > 0);
    format(self, sizeof(self), "%s", store.body);
    format(home, sizeof(home), "/local/domain/%s", self);
    expect(ask(XS_GET_DOMAIN_PATH, self, NULL) > 0);
    expect(!strcmp(store.body, home));

    expect(store_write(&store, 0, "data/a", "one") >= 0);
    expect_eq(value_is(0, "data/a", "one"), 1);
    format(path, sizeof(path), "%s/data/a", home);
    expect_eq(value_is(0, path, "one"), 1);
    expect(store_write(&store, 0, "data/a", "") >= 0);
    expect_eq(value_is(0, "data/a", ""), 1);
    expect(ask(XS_MKDIR, "data/dir", NULL) >= 0);
    expect(ask(XS_MKDIR, "data/dir", NULL) >= 0);
    expect(store_write(&store, 0, "data/made/on/the/way", "x") >= 0);
    expect(listed(ask(XS_DIRECTORY, "data", NULL), "dir"));
    expect(listed(ask(XS_DIRECTORY, "data", NULL), "a"));
    expect(listed(ask(XS_DIRECTORY, "data", NULL), "made"));
    expect_eq(value_is(0, "data/made", ""), 1);
    expect(ask(XS_RM, "data/made", NULL) >= 0);
    expect_eq(ask(XS_READ, "data/made/on", NULL), -XEN_ENOENT);
    expect(ask(XS_RM, "data/made", NULL) >= 0); /* its parent is there */
    expect_eq(ask(XS_RM, "data/no/such", NULL), -XEN_ENOENT);
}

static void refused(void) {
    static const char *const foreign[] = {"/local/domain/0/name", "/local/domain/0/data", "/tool/x",
                                          "/x", "/local/domain/9999/x"};
    static const char *const invalid[] = {"data//a",   "data/a/", "data/a b",
                                          "data/\x01", "//",      "data/a?"};
    struct store_part unended = {"data/a", 6}, nothing = {"", 0};

    for (unsigned int i = 0; i < ARRAY_SIZE(foreign); i++)
        expect_eq(store_write(&store, 0, foreign[i], "mine"), -XEN_EACCES);
    for (unsigned int i = 0; i < ARRAY_SIZE(invalid); i++)
        expect_eq(store_write(&store, 0, invalid[i], "x"), -XEN_EINVAL);
    expect_eq(ask(XS_READ, "data/absent", NULL), -XEN_ENOENT);
    expect_eq(ask(XS_DIRECTORY, "data/absent", NULL), -XEN_ENOENT);
    expect_eq(ask(XS_GET_PERMS, "data/absent", NULL), -XEN_ENOENT);
    expect_eq(store_request(&store, XS_READ, 0, &unended, 1), -XEN_EINVAL);
    expect_eq(store_request(&store, XS_READ, 0, &nothing, 1), -XEN_EINVAL);
    expect_eq(store_request(&store, XS_WATCH, 0, &unended, 1), -XEN_EINVAL);
    expect_eq(ask(XS_SET_PERMS, "/local/domain/0/name", "b0"), -XEN_EACCES);
    expect_eq(ask(XS_RM, "/local/domain/0", NULL), -XEN_EACCES);
    expect(ask(XS_RM, "/", NULL) < 0);

    /* A path that is too long, and one that just fits into a message. */
    memset(path, 'p', sizeof(path));
    path[XENSTORE_REL_PATH_MAX + 1] = '\0';
    expect_eq(ask(XS_READ, path, NULL), -XEN_EINVAL);
    path[0] = '/';
    path[XENSTORE_REL_PATH_MAX + 1] = 'p';
    path[XENSTORE_PAYLOAD_MAX - 1] = '\0';
    expect_eq(ask(XS_READ, path, NULL), -XEN_EINVAL);
    path[XENSTORE_PAYLOAD_MAX - 1] = 'p';
    path[XENSTORE_PAYLOAD_MAX] = '\0';
    expect_eq(ask(XS_READ, path, NULL), -XEN_E2BIG); /* by our own half */

    /* What only dom0's tools may ask for. */
    expect_eq(ask(XS_RELEASE, self, NULL), -XEN_EACCES);
    expect_eq(ask(XS_RESUME, self, NULL), -XEN_EACCES);
    expect_eq(ask(XS_SET_TARGET, self, "0"), -XEN_EACCES);
}

static void permissions(void) {
    char owner[16];

    format(owner, sizeof(owner), "n%s", self);
    expect(listed(ask(XS_GET_PERMS, "data/a", NULL), owner));
    owner[0] = 'b';
    expect(ask(XS_SET_PERMS, "data/a", owner) >= 0);
    expect(listed(ask(XS_GET_PERMS, "data/a", NULL), owner));
    expect_eq(ask(XS_SET_PERMS, "data/a", "rubbish"), -XEN_EINVAL);
    expect_eq(ask(XS_SET_PERMS, "data/a", ""), -XEN_EINVAL);
    expect(listed(ask(XS_GET_PERMS, "data/a", NULL), owner));
}

static void transactions(void) {
    long tx = store_begin(&store), other;

    require(tx > 0);
    expect(store_write(&store, (uint32_t)tx, "data/t", "inside") >= 0);
    expect_eq(value_is((uint32_t)tx, "data/t", "inside"), 1);
    expect_eq(value_is(0, "data/t", "inside"), -XEN_ENOENT);
    expect_eq(store_end(&store, (uint32_t)tx, false), 0);
    expect_eq(value_is(0, "data/t", "inside"), -XEN_ENOENT);
    expect(store_end(&store, (uint32_t)tx, true) < 0); /* there is no such one any more */

    require((tx = store_begin(&store)) > 0);
    expect(store_write(&store, (uint32_t)tx, "data/t", "committed") >= 0);
    expect_eq(store_end(&store, (uint32_t)tx, true), 0);
    expect_eq(value_is(0, "data/t", "committed"), 1);

    /* What it read has changed: nothing of it is done. */
    require((tx = store_begin(&store)) > 0);
    expect_eq(value_is((uint32_t)tx, "data/t", "committed"), 1);
    expect(store_write(&store, 0, "data/t", "changed") >= 0);
    expect(store_write(&store, (uint32_t)tx, "data/u", "never") >= 0);
    expect_eq(store_end(&store, (uint32_t)tx, true), -XEN_EAGAIN);
    expect_eq(value_is(0, "data/u", "never"), -XEN_ENOENT);

    /* Two that touch different nodes do not disturb each other. */
    require((tx = store_begin(&store)) > 0 && (other = store_begin(&store)) > 0);
    expect(store_write(&store, (uint32_t)tx, "data/dir", "1") >= 0);
    expect(store_write(&store, (uint32_t)other, "data/a", "2") >= 0);
    expect_eq(store_end(&store, (uint32_t)tx, true), 0);
    expect_eq(store_end(&store, (uint32_t)other, true), 0);
    expect_eq(value_is(0, "data/dir", "1") & value_is(0, "data/a", "2"), 1);
}

static bool event_came(unsigned int count) {
    return wait_for(store_poll(&store) < 0 || events >= count, 10000) && events == count;
}

static void watches(void) {
    events = 0;
    expect(ask(XS_WATCH, "data/w", "a token / of mine") >= 0);
    expect(event_came(1)); /* each watch fires when it is made */
    expect(!strcmp(event_path, "data/w") && !strcmp(event_token, "a token / of mine"));
    expect(store_write(&store, 0, "data/w/below", "x") >= 0);
    expect(event_came(2));
    expect(!strcmp(event_path, "data/w/below") && !strcmp(event_token, "a token / of mine"));
    expect(store_write(&store, 0, "data/v", "x") >= 0);
    expect(ask(XS_READ, "data/v", NULL) >= 0);
    expect_eq(events, 2);
    expect_eq(ask(XS_WATCH, "data/w", "a token / of mine"), -XEN_EEXIST);
    expect_eq(ask(XS_UNWATCH, "data/w", "another"), -XEN_ENOENT);
    expect_eq(ask(XS_WATCH, "data//w", "t"), -XEN_EINVAL);
    expect(ask(XS_RM, "data/w", NULL) >= 0);
    expect(event_came(3));
    expect(ask(XS_UNWATCH, "data/w", "a token / of mine") >= 0);
    expect_eq(ask(XS_UNWATCH, "data/w", "a token / of mine"), -XEN_ENOENT);
    expect(store_write(&store, 0, "data/w", "x") >= 0);
    expect_eq(events, 3);
}

/* How many of these are granted before one is refused; 0 if none ever is, up to limit. */
static unsigned int until_refused(long (*one)(unsigned int n), unsigned int limit) {
    for (unsigned int n = 0; n < limit; n++)
        if (one(n) < 0) return n;
    return 0;
}

static long one_node(unsigned int n) {
    char name[32];

    format(name, sizeof(name), "data/q/%u", n);
    return store_write(&store, 0, name, "x");
}

static long one_watch(unsigned int n) {
    char name[32];

    format(name, sizeof(name), "data/watched/%u", n);
    return ask(XS_WATCH, name, "t");
}

static long opened[64];

static long one_transaction(unsigned int n) { return opened[n] = store_begin(&store); }

/* The numbers are the daemon's business; that there is an end, and a way back, is not. */
static void quotas(void) {
    unsigned int n = until_refused(one_transaction, ARRAY_SIZE(opened));

    expect(n > 0);
    while (n) expect_eq(store_end(&store, (uint32_t)opened[--n], false), 0);
    expect(until_refused(one_watch, 1000) > 0);
    expect(ask(XS_RESET_WATCHES, "", NULL) >= 0);
    expect(one_watch(0) >= 0);
    expect(ask(XS_RESET_WATCHES, "", NULL) >= 0);

    memset(path, 'v', sizeof(path));
    path[XENSTORE_PAYLOAD_MAX - 100] = '\0';
    expect(store_write(&store, 0, "data/big", path) < 0);
    expect(until_refused(one_node, 8000) > 0);
    expect(ask(XS_READ, "domid", NULL) > 0);
    expect(ask(XS_RM, "data/q", NULL) >= 0);
    expect(one_node(0) >= 0);
}

/* A request a byte at a time is a request. */
static void in_pieces(void) {
    struct xsd_sockmsg head = {.type = XS_READ, .req_id = 77, .len = 6}, reply;
    char message[sizeof(head) + 6], body[16];
    long n;

    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), "domid", 6);
    for (size_t i = 0; i < sizeof(message); i++) {
        while (stream_put(&store.req, message + i, 1) == 0) port.pv.wait(&port.pv);
        port.pv.notify(&port.pv);
        for (int turns = 0; turns < 20; turns++) port.pv.wait(&port.pv);
    }
    expect(wait_for(READ_ONCE(page->rsp_prod) - store.rsp.at >= sizeof(reply), 10000));
    expect_eq(stream_take(&store.rsp, &reply, sizeof(reply)), sizeof(reply));
    expect_eq(reply.req_id, 77);
    require(reply.len < sizeof(body));
    expect(wait_for(READ_ONCE(page->rsp_prod) - store.rsp.at >= reply.len, 10000));
    n = stream_take(&store.rsp, body, reply.len);
    expect(n == (long)strlen(self) && !memcmp(body, self, (size_t)n));
}

/*
 * Nothing that follows has an answer that the protocol promises; the daemon may stop listening to
 * this domain. What it may not do is stop, hang, or answer another domain wrongly.
 */
static void rubbish(void) {
    struct xsd_sockmsg head = {.type = XS_WRITE, .req_id = 1, .len = 0x7fffffff};
    uint64_t random = 88172645463325252;

    stream_put(&store.req, &head, sizeof(head));
    port.pv.notify(&port.pv);
    for (int turns = 0; turns < 100; turns++) port.pv.wait(&port.pv);
    for (int i = 0; i < 3000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        switch (random >> 60 & 7) {
        case 0: WRITE_ONCE(page->req_prod, (uint32_t)random); break;
        case 1: WRITE_ONCE(page->req_cons, (uint32_t)random); break;
        case 2: WRITE_ONCE(page->rsp_prod, (uint32_t)random); break;
        case 3: WRITE_ONCE(page->rsp_cons, (uint32_t)random); break;
        case 4: WRITE_ONCE(page->connection, (uint32_t)random & 3); break;
        case 5: WRITE_ONCE(page->error, (uint32_t)random & 7); break;
        case 6:
            for (unsigned int at = 0; at < sizeof(page->req); at += 8)
                memcpy(page->req + at, &random, 8);
            break;
        default: WRITE_ONCE(page->req_prod, page->req_cons + ((uint32_t)random & 1023)); break;
        }
        port.pv.notify(&port.pv);
        if (i % 16 == 0) port.pv.wait(&port.pv);
    }
    count_check();
}

void test_main(void) {
    require(!in_dom0());
    page = mfn_to_virt(si->store_mfn);
    port = guest_port(si->store_evtchn);
    store_init(&store, page, &port.pv, on_event);
    own_tree();
    refused();
    permissions();
    transactions();
    watches();
    quotas();
    in_pieces();
    rubbish();
}
