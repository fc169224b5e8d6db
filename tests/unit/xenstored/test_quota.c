/* SPDX-License-Identifier: MIT */
/* Limits of unprivileged domains: each is reached, reported, counted, and harmless to others. */
#include "harness.h"

#include "conn.h"
#include "domain.h"
#include "quota.h"
#include "rate.h"
#include "txn.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

static void home(struct client *t, uint32_t domid) {
    char path[32], perms[8];

    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    snprintf(perms, sizeof(perms), "n%u", domid);
    ask1(t, XS_MKDIR, 0, path);
    ask_perms(t, 0, path, perms);
}

static void test_nodes(struct client *t, struct client *d) {
    struct domain *rec = domain_find(d->domid);
    char path[32];
    uint32_t x;
    int made = 0;

    /* In two levels, for the list of one node's children is limited too. */
    for (int i = 0; i < 1100; i++) {
        snprintf(path, sizeof(path), "n/%d/%d", i / 100, i % 100);
        if (strcmp(ask_write(d, 0, path, ""), "OK")) break;
        made++;
    }
    CHECK_STR(ask_write(d, 0, "one-more", ""), "ENOSPC");
    CHECK(rec->nodes == 1000 && rec->hits[QUOTA_NODES] >= 1 && made > 980);
    CHECK_STR(ask_write(d, 0, "n/0/0", "still"), "OK");
    CHECK_STR(ask_write(t, 0, "/local/domain/8/tool", "may"), "OK");
    CHECK(rec->nodes == 1001);
    CHECK_STR(ask1(d, XS_RM, 0, "n/0"), "OK");
    CHECK(rec->nodes == 900);
    x = begin(d);
    for (int i = 0; i < 105; i++) {
        snprintf(path, sizeof(path), "m/%d", i);
        ask_write(d, x, path, "");
    }
    CHECK_STR(commit(d, x), "ENOSPC");
    CHECK(rec->nodes == 900);
    CHECK_STR(ask1(d, XS_READ, 0, "m"), "ENOENT");
    CHECK_STR(ask1(d, XS_RM, 0, "n"), "OK");
    CHECK_STR(ask1(t, XS_RM, 0, "/local/domain/8/tool"), "OK");
    CHECK(rec->nodes == 1);
    CHECK(strstr(ask(t, XS_CONTROL, 0, P("quota\0008")), "nodes quota was reached") != NULL);
}

static void test_sizes(struct client *d) {
    struct domain *rec = domain_find(d->domid);
    char value[2050];

    memset(value, 'x', sizeof(value));
    value[2048 - 24 - 8 - 1] = 0;
    CHECK_STR(ask_write(d, 0, "v", value), "OK");
    value[2048 - 24 - 8 - 1] = 'x';
    value[2048 - 24 - 8] = 0;
    CHECK_STR(ask_write(d, 0, "v", value), "ENOSPC");
    CHECK_STR(ask_write(d, 0, "w", value), "ENOSPC");
    CHECK(rec->hits[QUOTA_NODE_SIZE] == 2);
    CHECK_STR(ask_perms(d, 0, "v", "n8 r0 r0 r0 r0"), "ENOSPC");
    CHECK_STR(ask_write(d, 0, "v", ""), "OK");
    CHECK_STR(ask_perms(d, 0, "v", "n8 r0 r0 r0 r0"), "OK");
    CHECK_STR(ask_perms(d, 0, "v", "n8 r0 r0 r0 r0 r0"), "ENOSPC");
    ask1(d, XS_RM, 0, "v");
}

static void test_counts(struct client *d) {
    struct domain *rec = domain_find(d->domid);
    char data[32];
    uint32_t x;

    for (int i = 0; i < 128; i++)
        CHECK_STR(ask(d, XS_WATCH, 0, data, (size_t)sprintf(data, "p%c%d", 0, i) + 1), "OK");
    CHECK_STR(ask(d, XS_WATCH, 0, P("p\0x")), "E2BIG");
    CHECK(rec->watches == 128 && rec->hits[QUOTA_WATCHES] == 1);
    CHECK_STR(ask(d, XS_UNWATCH, 0, P("p\0005")), "OK");
    CHECK_STR(ask(d, XS_WATCH, 0, P("p\0x")), "OK");
    CHECK_STR(ask(d, XS_RESET_WATCHES, 0, P("")), "OK");
    CHECK(rec->watches == 0);
    for (int i = 0; i < 10; i++) CHECK(begin(d) != 0);
    CHECK_STR(ask(d, XS_TRANSACTION_START, 0, P("")), "ENOSPC");
    ask(d, XS_RESET_WATCHES, 0, P(""));
    quota[QUOTA_TXN_NODES].limit = 20;
    x = begin(d);
    /* The nearest parent, which decides what a stranger learns, is the twentieth. */
    for (int i = 0; i < 19; i++) {
        snprintf(data, sizeof(data), "t%d", i);
        CHECK_STR(ask1(d, XS_READ, x, data), "ENOENT");
    }
    CHECK_STR(ask1(d, XS_READ, x, "t0"), "ENOENT");
    CHECK_STR(ask1(d, XS_READ, x, "t20"), "ENOSPC");
    CHECK_STR(commit(d, x), "ENOMEM");
}

static void test_memory(struct client *t, struct client *d) {
    struct domain *rec = domain_find(d->domid);
    int64_t before = rec->memory;
    char path[32], value[1001];
    int i;

    memset(value, 'x', 1000);
    value[1000] = 0;
    quota[QUOTA_MEMORY].limit = 64 * 1024;
    quota[QUOTA_MEMORY_SOFT].limit = 32 * 1024;
    for (i = 0; i < 100; i++) {
        snprintf(path, sizeof(path), "m/%d", i);
        if (strcmp(ask_write(d, 0, path, value), "OK")) break;
    }
    CHECK(i > 40 && i < 64);
    CHECK_STR(ask_write(d, 0, "m/x", value), "ENOMEM");
    CHECK(rec->memory < 64 * 1024 && rec->hits[QUOTA_MEMORY] == 2 &&
          rec->hits[QUOTA_MEMORY_SOFT] == 1);
    CHECK_STR(ask_write(t, 0, "/local/domain/8/m/x", value), "OK");
    CHECK_STR(ask1(t, XS_RM, 0, "/local/domain/8/m"), "OK");
    CHECK(rec->memory == before);
}

/* A domain that does not read its replies is not read either; nor one whose events pile up. */
static void test_outstanding(struct client *t, struct client *d) {
    struct domain *rec = domain_find(d->domid);
    struct client *slow = connect_tool();
    uint32_t cons;

    ask(slow, XS_WATCH, 0, P("/local/domain/8\0w"));
    events(slow);
    /* The slow one's socket is full of other things first. */
    for (int i = 0; i < 20000; i++) ask_write(t, 0, "/local/domain/8/tool", "");
    CHECK(rec->outstanding == 0);
    for (int i = 0; i < 20; i++) CHECK_STR(ask_write(d, 0, "x", "1"), "OK");
    CHECK(rec->outstanding == 20);
    cons = d->page->req_cons;
    send_msg(d, XS_WRITE, 0, P("x\0002"));
    CHECK(d->page->req_cons == cons && rec->hits[QUOTA_OUTSTANDING] >= 1);
    /* After the timeout the pending events do not count any more. */
    fake_now_ms += event_timeout_ms + 1;
    pump();
    CHECK(rec->outstanding <= 1 && d->page->req_cons == d->page->req_prod);
    next_msg(d);
    disconnect(slow);
    CHECK(rec->outstanding == 0);
}

/* dom0's programs are bounded by the size of the queue alone. */
static void test_deaf_tool(struct client *t) {
    struct client *deaf = connect_tool();
    char path[1024];

    memset(path, 'p', sizeof(path));
    memcpy(path, "/deaf/", 6);
    path[1000] = 0;
    ask(deaf, XS_WATCH, 0, P("/deaf\0w"));
    for (int i = 0; i < 20000; i++) ask_write(t, 0, path, "");
    while (next_msg(deaf))
        ;
    CHECK_STR(ask1(deaf, XS_READ, 0, "/tool"), "(none)");
    disconnect(deaf);
}

/* Takes what is in the ring, and lets the daemon do only what that makes it do. */
static uint32_t drink(struct client *kernel) {
    uint32_t n = kernel->page->rsp_prod - kernel->page->rsp_cons;
    int wait = -1;

    kernel->page->rsp_cons = kernel->page->rsp_prod;
    conn_work(domain_find(0)->conn, &wait);
    return n;
}

/* Lets so many bytes of events wait for dom0's kernel; returns how many. */
static uint32_t fall_behind(struct client *t, uint32_t bytes) {
    const uint32_t size = sizeof(struct xsd_sockmsg) + 2000 + sizeof("w");
    uint32_t caused = 0;
    char path[2000];

    memset(path, 'p', sizeof(path));
    memcpy(path, "/local/domain/8/", 16);
    path[sizeof(path) - 1] = 0;
    for (; caused < bytes; caused += size) ask_write(t, 0, path, "");
    return caused;
}

/* Events that dom0's kernel has not read are not dropped for what guests cause: guests wait. */
static void test_kernel_behind(struct client *t, struct client *d) {
    struct client *kernel = connect_kernel();
    struct conn *dc = domain_find(8)->conn;
    uint32_t caused, got = 0, cons, n;
    int wait = -1;

    CHECK_STR(ask(kernel, XS_WATCH, 0, P("/local/domain/8\0w")), "OK");
    while (next_msg(kernel))
        ;
    caused = fall_behind(t, OUT_LIMIT / 4 + 16 * XENSTORE_RING_SIZE);
    cons = d->page->req_cons;
    send_msg(d, XS_WRITE, 0, P("x\0001"));
    CHECK(d->page->req_cons == cons);
    fake_now_ms += event_timeout_ms / 2;
    got += drink(kernel) + drink(kernel) + drink(kernel);
    fake_now_ms += event_timeout_ms - 1;
    CHECK(!conn_work(dc, &wait) && wait == 1 && d->page->req_cons == cons);
    while ((n = drink(kernel)) != 0) got += n;
    CHECK(next_msg(d) && !strcmp(d->reply.data, "OK"));
    while ((n = drink(kernel)) != 0) got += n;
    CHECK(got == caused + sizeof(struct xsd_sockmsg) + sizeof("/local/domain/8/x") + sizeof("w"));
    /* For one that reads nothing they wait so long and no longer. */
    fall_behind(t, OUT_LIMIT / 4 + 16 * XENSTORE_RING_SIZE);
    cons = d->page->req_cons;
    send_msg(d, XS_WRITE, 0, P("x\0002"));
    CHECK(d->page->req_cons == cons);
    fake_now_ms += event_timeout_ms;
    CHECK(next_msg(d) && !strcmp(d->reply.data, "OK"));
    disconnect_kernel(kernel);
}

/* Whose reader takes what is written to its ring at once; or NULL. */
static struct xenstore_domain_interface *fast_reader;

/* The linker puts this in ring_write()'s place. */
int __real_ring_write(struct xenstore_domain_interface *page, const void *buf, size_t len);
int __wrap_ring_write(struct xenstore_domain_interface *page, const void *buf, size_t len);

int __wrap_ring_write(struct xenstore_domain_interface *page, const void *buf, size_t len) {
    int n = __real_ring_write(page, buf, len);

    if (page == fast_reader) page->rsp_cons = page->rsp_prod;
    return n;
}

/* A reader that is as fast as the daemon gets part of its queue in a turn. */
static void test_fast_reader(struct client *t) {
    struct client *kernel = connect_kernel();
    struct conn *k = domain_find(0)->conn;
    size_t before;
    int wait = -1;

    CHECK_STR(ask(kernel, XS_WATCH, 0, P("/local/domain/8\0w")), "OK");
    fall_behind(t, 1u << 20);
    kernel->page->rsp_cons = kernel->page->rsp_prod;
    before = k->out_bytes;
    fast_reader = kernel->page;
    CHECK(conn_work(k, &wait));
    CHECK(k->out_bytes < before && before - k->out_bytes <= 32 * XENSTORE_RING_SIZE);
    pump();
    CHECK(k->out_bytes == 0);
    fast_reader = NULL;
    disconnect_kernel(kernel);
}

static void test_rate(struct client *t, struct client *d) {
    uint32_t x = begin(t), cons;
    int wait = -1;

    fake_now_ms += 60000;
    for (int i = 0; i <= RATE_BURST; i++) CHECK_STR(ask_write(d, 0, "x", "1"), "OK");
    cons = d->page->req_cons;
    send_msg(d, XS_WRITE, 0, P("x\0002"));
    CHECK(d->page->req_cons == cons);
    conn_work(domain_find(d->domid)->conn, &wait);
    CHECK(wait > 0 && wait <= 1000);
    fake_now_ms += (uint64_t)wait;
    CHECK(next_msg(d) && !strcmp(d->reply.data, "OK"));
    CHECK_STR(commit(t, x), "OK");
    /* Nobody's transaction can suffer: no limit. */
    fake_now_ms += 60000;
    for (int i = 0; i < 100; i++) CHECK_STR(ask_write(d, 0, "x", "1"), "OK");
}

void test_quota(void) {
    struct client *t, *d;

    daemon_start();
    t = connect_tool();
    d = connect_domain(8);
    home(t, 8);
    test_nodes(t, d);
    test_sizes(d);
    test_memory(t, d);
    daemon_stop();
    free(t);
    free(d);
    daemon_start();
    t = connect_tool();
    d = connect_domain(8);
    home(t, 8);
    test_counts(d);
    test_outstanding(t, d);
    test_rate(t, d);
    test_kernel_behind(t, d);
    test_fast_reader(t);
    test_deaf_tool(t);
    disconnect(t);
    disconnect(d);
    daemon_stop();
}
