/* SPDX-License-Identifier: MIT */
/* Transactions: isolation, conflicts node by node, commit, abort. */
#include "harness.h"

#include "tree.h"
#include "txn.h"

#include <stdlib.h>
#include <string.h>

static void test_isolation(struct client *a, struct client *b) {
    uint32_t x = begin(a);

    CHECK(x != 0);
    ask_write(a, x, "/i/one", "1");
    CHECK_STR(ask1(a, XS_READ, x, "/i/one"), "1");
    CHECK_STR(ask1(a, XS_READ, 0, "/i/one"), "ENOENT");
    CHECK_STR(ask1(b, XS_READ, 0, "/i/one"), "ENOENT");
    CHECK_STR(ask1(b, XS_READ, x, "/i/one"), "ENOENT"); /* not b's transaction */
    CHECK_STR(commit(a, x), "OK");
    CHECK_STR(ask1(b, XS_READ, 0, "/i/one"), "1");
    CHECK_STR(commit(a, x), "ENOENT");
    x = begin(a);
    ask1(a, XS_RM, x, "/i");
    CHECK_STR(names(a, x, "/i"), "ENOENT");
    CHECK_STR(names(b, 0, "/i"), "one");
    CHECK_STR(ask(a, XS_TRANSACTION_END, x, P("F")), "OK");
    CHECK_STR(names(a, 0, "/i"), "one");
    x = begin(a);
    CHECK_STR(ask(a, XS_TRANSACTION_START, x, P("")), "EBUSY");
    CHECK_STR(commit(a, x), "OK");
}

/* In x, a does `inside`; then b does `outside`; what does the commit say? */
static const char *race(struct client *a, struct client *b, uint32_t type_a, const char *path_a,
                        uint32_t type_b, const char *path_b) {
    uint32_t x = begin(a);

    if (type_a == XS_WRITE)
        ask_write(a, x, path_a, "a");
    else
        ask1(a, type_a, x, path_a);
    if (type_b == XS_WRITE)
        ask_write(b, 0, path_b, "b");
    else
        ask1(b, type_b, 0, path_b);
    return commit(a, x);
}

static void test_conflicts(struct client *a, struct client *b) {
    ask_write(a, 0, "/c/v", "0");
    ask_write(a, 0, "/c/w", "0");
    CHECK_STR(race(a, b, XS_READ, "/c/v", XS_WRITE, "/c/v"), "EAGAIN");
    CHECK_STR(race(a, b, XS_WRITE, "/c/v", XS_WRITE, "/c/v"), "EAGAIN");
    CHECK_STR(ask1(a, XS_READ, 0, "/c/v"), "b");
    CHECK_STR(race(a, b, XS_READ, "/c/v", XS_WRITE, "/c/w"), "OK");
    CHECK_STR(race(a, b, XS_WRITE, "/c/v", XS_WRITE, "/c/w"), "OK");
    CHECK_STR(ask1(a, XS_READ, 0, "/c/v"), "a");
    CHECK_STR(ask1(a, XS_READ, 0, "/c/w"), "b");
    CHECK_STR(race(a, b, XS_READ, "/c/x", XS_WRITE, "/c/x"), "EAGAIN");
    CHECK_STR(race(a, b, XS_DIRECTORY, "/c", XS_WRITE, "/c/y"), "EAGAIN");
    CHECK_STR(race(a, b, XS_DIRECTORY, "/c", XS_WRITE, "/c/v"), "OK");
    CHECK_STR(race(a, b, XS_READ, "/c", XS_WRITE, "/c/z"), "OK");
    CHECK_STR(race(a, b, XS_WRITE, "/c/m", XS_WRITE, "/c/n"), "OK");
    CHECK_STR(names(a, 0, "/c"), "v w x y z n m");
    CHECK_STR(race(a, b, XS_WRITE, "/c/q", XS_WRITE, "/c/q"), "EAGAIN");
    CHECK_STR(race(a, b, XS_WRITE, "/c/v/deep", XS_RM, "/c/v"), "EAGAIN");
    CHECK_STR(race(a, b, XS_RM, "/c/w", XS_WRITE, "/c/w/new"), "EAGAIN");
    CHECK_STR(ask1(a, XS_READ, 0, "/c/w/new"), "b");
    CHECK_STR(race(a, b, XS_RM, "/c/w", XS_WRITE, "/c/other"), "OK");
    CHECK_STR(ask1(a, XS_READ, 0, "/c/w/new"), "ENOENT");
    CHECK_STR(race(a, b, XS_RM, "/c/x", XS_RM, "/c/x"), "EAGAIN");
    /* Away and back is a change too. */
    ask_write(a, 0, "/c/aba", "a");
    CHECK_STR(race(a, b, XS_READ, "/c/aba", XS_RM, "/c/aba"), "EAGAIN");
}

/* The store has moved on, so the commit is a merge; and parents come after children in it. */
static void test_merge(struct client *a, struct client *b) {
    uint32_t x = begin(a);

    ask1(a, XS_READ, x, "/m/p/q");
    ask1(a, XS_MKDIR, x, "/m/p");
    ask_write(a, x, "/m/p/q", "v");
    ask_write(a, x, "/m2/r/s/t", "v2");
    ask_perms(a, x, "/m2/r", "r0");
    ask_write(b, 0, "/unrelated", "1");
    CHECK_STR(commit(a, x), "OK");
    CHECK_STR(ask1(b, XS_READ, 0, "/m/p/q"), "v");
    CHECK_STR(ask1(b, XS_READ, 0, "/m2/r/s/t"), "v2");
    CHECK_STR(ask1(b, XS_GET_PERMS, 0, "/m2/r"), "r0");
    CHECK_STR(ask1(b, XS_READ, 0, "/unrelated"), "1");
    /* Removed and made again, smaller. */
    x = begin(a);
    ask1(a, XS_RM, x, "/m2");
    ask_write(a, x, "/m2/r/u", "v3");
    ask_write(b, 0, "/unrelated", "2");
    CHECK_STR(commit(a, x), "OK");
    CHECK_STR(names(a, 0, "/m2/r"), "u");
    CHECK_STR(ask1(b, XS_GET_PERMS, 0, "/m2/r"), "n0");
    /* Made and removed again: nothing. */
    x = begin(a);
    ask_write(a, x, "/m3/a", "1");
    ask1(a, XS_RM, x, "/m3");
    ask_write(b, 0, "/unrelated", "3");
    CHECK_STR(commit(a, x), "OK");
    CHECK_STR(names(a, 0, "/m3"), "ENOENT");
}

static void test_many_open(struct client *a, struct client *b) {
    uint32_t x[50];

    for (int i = 0; i < 50; i++) {
        char path[32];

        x[i] = begin(i & 1 ? a : b);
        snprintf(path, sizeof(path), "/open/%d", i);
        ask_write(i & 1 ? a : b, x[i], path, "1");
    }
    CHECK(txn_open_count == 50);
    /* The first makes /open, which the others saw missing. */
    for (int i = 0; i < 50; i++) CHECK_STR(commit(i & 1 ? a : b, x[i]), i ? "EAGAIN" : "OK");
    CHECK(txn_open_count == 0);
    begin(a);
    begin(a);
    CHECK_STR(ask(a, XS_RESET_WATCHES, 0, P("")), "OK");
    CHECK(txn_open_count == 0);
    begin(b);
}

/* Snapshots pin old versions; an unprivileged client cannot pin without bound. */
static void test_squeeze(struct client *t, struct client *d) {
    char value[2001], path[32];
    uint32_t x = begin(d), y = begin(t);
    size_t most = 0;

    memset(value, 'v', sizeof(value));
    value[2000] = 0;
    ask1(d, XS_READ, x, "/tool");
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 12000; i++) {
            value[0] = (char)('a' + round);
            snprintf(path, sizeof(path), "/fill/%d/%d", i / 100, i % 100);
            ask_write(t, 0, path, value);
            most = tree_bytes > most ? tree_bytes : most;
        }
    }
    CHECK(most < 130u << 20); /* the store alone is about 26 MiB */
    CHECK_STR(ask1(d, XS_READ, x, "/tool"), "EACCES");
    CHECK_STR(commit(d, x), "OK");
    /* dom0 holds 12000 nodes of the store; shrinking it makes an old version stand out. */
    x = begin(d);
    y = begin(t);
    ask1(t, XS_RM, 0, "/fill");
    for (int i = 0; i < 20000; i++) {
        snprintf(path, sizeof(path), "/fill/%d/%d", i / 100, i % 100);
        ask_write(t, 0, path, value);
    }
    ask1(t, XS_RM, 0, "/fill");
    CHECK_STR(ask_write(d, x, "/local/domain/5/x", "1"), "EACCES");
    CHECK_STR(commit(d, x), "OK");
    CHECK_STR(commit(t, y), "OK");
}

void test_txn(void) {
    struct client *a, *b, *d;

    daemon_start();
    a = connect_tool();
    b = connect_tool();
    test_isolation(a, b);
    test_conflicts(a, b);
    test_merge(a, b);
    test_many_open(a, b);
    d = connect_domain(5);
    test_squeeze(a, d);
    disconnect(a);
    disconnect(b);
    disconnect(d);
    daemon_stop();
}
