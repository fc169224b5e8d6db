/* SPDX-License-Identifier: MIT */
/* Bytes: messages in pieces and in heaps, garbage, and rings with impossible indices. */
#include "harness.h"

#include "conn.h"
#include "domain.h"
#include "ring.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void test_pieces(struct client *c) {
    struct xsd_sockmsg hdr = {XS_READ, 42, 0, 6};
    char m[sizeof(hdr) + 6];

    memcpy(m, &hdr, sizeof(hdr));
    memcpy(m + sizeof(hdr), "/tool", 6);
    for (size_t i = 0; i < sizeof(m); i++) {
        CHECK(!next_msg(c));
        send_raw(c, m + i, 1);
    }
    CHECK(next_msg(c) && c->reply.hdr.req_id == 42 && c->reply.hdr.type == XS_READ);
}

#define HEAP 100

static void test_heap(struct client *c) {
    struct xsd_sockmsg hdr = {XS_READ, 0, 0, 6};
    char heap[HEAP * (sizeof(hdr) + 6)];

    for (uint32_t i = 0; i < HEAP; i++) {
        hdr.req_id = i;
        memcpy(heap + i * (sizeof(hdr) + 6), &hdr, sizeof(hdr));
        memcpy(heap + i * (sizeof(hdr) + 6) + sizeof(hdr), "/tool", 6);
    }
    send_raw(c, heap, sizeof(heap));
    for (uint32_t i = 0; i < HEAP; i++) CHECK(next_msg(c) && c->reply.hdr.req_id == i);
}

/* Of many requests that are there dom0's are handled some in a turn, a domain's one. */
static void test_turns(void) {
    struct xsd_sockmsg hdr = {XS_READ, 0, 0, 0};
    struct client *t = connect_tool(), *d = connect_domain(14);
    struct conn *domain = list_entry(conns.prev, struct conn, all);
    struct conn *tool = list_entry(domain->all.prev, struct conn, all);
    int wait = -1;

    CHECK(domain->domid == 14 && tool->fd >= 0);
    for (unsigned int i = 0; i < 20; i++)
        CHECK(send(t->fd, &hdr, sizeof(hdr), 0) == (ssize_t)sizeof(hdr));
    CHECK(conn_work(tool, &wait) && tool->in_len == 4 * sizeof(hdr));
    CHECK(!conn_work(tool, &wait) && tool->in_len == 0);
    for (unsigned int i = 0; i < 20; i++) memcpy(d->page->req + i * sizeof(hdr), &hdr, sizeof(hdr));
    d->page->req_prod = 20 * sizeof(hdr);
    CHECK(conn_work(domain, &wait) && domain->in_len == 19 * sizeof(hdr));
    for (unsigned int i = 0; i < 20; i++) CHECK(next_msg(t) && t->reply.hdr.type == XS_ERROR);
    for (unsigned int i = 0; i < 20; i++) CHECK(next_msg(d) && d->reply.hdr.type == XS_ERROR);
    disconnect(t);
    disconnect(d);
    hv_destroy(14);
    hv_exception();
}

static void test_largest(struct client *c) {
    char data[XENSTORE_PAYLOAD_MAX];

    memset(data, 0, sizeof(data));
    CHECK_STR(ask(c, XS_WATCH, 0, data, sizeof(data)), "EINVAL");
    CHECK_STR(ask(c, XS_SET_PERMS, 0, data, sizeof(data)), "EINVAL");
    CHECK_STR(ask(c, XS_DIRECTORY_PART, 0, data, sizeof(data)), "EINVAL");
    CHECK_STR(ask(c, XS_INTRODUCE, 0, data, sizeof(data)), c->domid ? "EACCES" : "EINVAL");
    CHECK_STR(ask(c, XS_CONTROL, 0, data, sizeof(data)), c->domid ? "EACCES" : "EINVAL");
    memset(data, 'a', sizeof(data));
    for (uint32_t type = 0; type < XS_TYPE_COUNT; type++) {
        const char *text = ask(c, type, 0, data, sizeof(data));

        CHECK(text[0] == 'E' || type == XS_TRANSACTION_START || type == XS_RESET_WATCHES);
    }
    CHECK_STR(ask(c, XS_RESET_WATCHES, 0, P("")), "OK");
}

static void test_too_long(void) {
    struct xsd_sockmsg hdr = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
    struct client *c = connect_tool(), *d = connect_domain(11);

    send_raw(c, &hdr, sizeof(hdr));
    CHECK_STR(ask1(c, XS_READ, 0, "/tool"), "(none)"); /* closed */
    disconnect(c);
    send_raw(d, &hdr, sizeof(hdr));
    CHECK(d->page->error == XENSTORE_ERROR_PROTO);
    CHECK_STR(ask1(d, XS_READ, 0, "/"), "(none)");
    CHECK(domain_find(11)->introduced); /* its death must still be seen */
    CHECK(domain_introduce(11, 0, 1) == 0);
    CHECK(d->page->error == 0 && d->page->req_prod == 0);
    CHECK_STR(ask1(d, XS_READ, 0, "/"), "EACCES");
    disconnect(d);
}

static void test_indices(void) {
    static const struct {
        uint32_t req_cons, req_prod, rsp_cons, rsp_prod;
    } bad[] = {
        {0, 1025, 0, 0}, {1, 0, 0, 0},          {0, 0xffffffff, 0, 0},    {0, 0, 0, 1025},
        {0, 0, 1, 0},    {0x80000000, 0, 0, 0}, {0, 1024, 0, 0xfffffff0},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct client *d = connect_domain(12), *t = connect_tool();

        ask(d, XS_WATCH, 0, P("/\0w"));
        ask1(t, XS_MKDIR, 0, "/local/domain/12");
        ask_perms(t, 0, "/local/domain/12", "n12");
        d->page->req_cons = bad[i].req_cons;
        d->page->req_prod = bad[i].req_prod;
        d->page->rsp_cons = bad[i].rsp_cons;
        d->page->rsp_prod = bad[i].rsp_prod;
        conn_ready(domain_find(12)->conn);
        pump();
        ask_write(t, 0, "/local/domain/12/x", "event"); /* something to write to it */
        CHECK(domain_find(12)->conn->ignored && d->page->error != 0);
        CHECK_STR(ask1(t, XS_READ, 0, "/local/domain/12/x"), "event");
        hv_destroy(12);
        hv_exception();
        CHECK_STR(ask1(t, XS_READ, 0, "/local/domain/12/x"), "ENOENT");
        disconnect(t);
        disconnect(d);
    }
}

static void test_ring_wrap(void) {
    struct xenstore_domain_interface page = {0};
    char in[1024], out[1024];

    page.req_cons = page.req_prod = page.rsp_cons = page.rsp_prod = 0xfffffe00;
    for (int i = 0; i < 1024; i++) in[i] = (char)(i * 7);
    CHECK(ring_write(&page, in, 1024) == 1024 && page.rsp_prod == 0x200);
    CHECK(ring_write(&page, in, 1) == 0);
    memcpy(page.req, page.rsp, 1024);
    page.req_prod = 0x200;
    CHECK(ring_read(&page, out, 700) == 700 && ring_read(&page, out + 700, 1000) == 324);
    CHECK(!memcmp(in, out, 1024) && ring_read(&page, out, 1) == 0);
}

/* Whatever comes, the daemon lives and answers others. */
static void test_garbage(struct client *t) {
    char noise[600];
    uint32_t seed = 99;

    for (int round = 0; round < 3000; round++) {
        struct client *c = round % 2 ? connect_tool() : connect_domain(13);
        struct xsd_sockmsg hdr;

        for (size_t i = 0; i < sizeof(noise); i++) {
            seed = seed * 1664525 + 1013904223;
            noise[i] = "/ab\0@n1TF\xff"[(seed >> 16) % 10];
        }
        /* Half of them with a header that makes sense. */
        if (round & 2) {
            hdr = (struct xsd_sockmsg){(seed >> 8) % (XS_TYPE_COUNT + 1), 1, (seed >> 20) % 3,
                                       (seed >> 12) % 500};
            memcpy(noise, &hdr, sizeof(hdr));
        }
        send_raw(c, noise, sizeof(noise));
        while (next_msg(c))
            ;
        if (c->fd < 0) {
            hv_destroy(13);
            hv_exception();
        }
        disconnect(c);
    }
    CHECK_STR(ask1(t, XS_READ, 0, "/tool/xenstored"), "");
    CHECK_STR(ask(t, XS_CONTROL, 0, P("check")), "OK");
}

/* A line of the trace is one line, whatever bytes a domain sends. */
static void test_trace(struct client *d) {
    char name[] = "/tmp/hospes-trace-XXXXXX", text[1024] = "";
    int fd = mkstemp(name), lines = 0;
    ssize_t n;

    CHECK(fd >= 0 && trace_open(name) == 0);
    ask(d, XS_READ, 0, P("\x1b[2J\n20261128 OUT\x80\xff"));
    trace_open(NULL);
    n = read(fd, text, sizeof(text) - 1);
    CHECK(n > 0 && strstr(text, " READ ?[2J?20261128 OUT??\n"));
    for (ssize_t i = 0; i < n; i++) lines += text[i] == '\n';
    CHECK(lines == 2);
    close(fd);
    unlink(name);
}

void test_wire(void) {
    struct client *t, *d;

    daemon_start();
    t = connect_tool();
    d = connect_domain(10);
    ask_perms(t, 0, "/tool", "r0");
    test_trace(d);
    test_pieces(t);
    test_pieces(d);
    test_heap(t);
    test_heap(d);
    test_largest(t);
    test_largest(d);
    test_turns();
    test_too_long();
    test_indices();
    test_ring_wrap();
    test_garbage(t);
    disconnect(t);
    disconnect(d);
    daemon_stop();
}
