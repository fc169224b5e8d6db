/* SPDX-License-Identifier: MIT */
/* Watches: first event, subtree, relative paths, permissions, transactions, specials. */
#include "harness.h"

#include <stdlib.h>

static void test_basic(struct client *t) {
    CHECK_STR(ask(t, XS_WATCH, 0, P("/w\0tok")), "OK");
    CHECK_STR(events(t), "/w=tok");
    CHECK_STR(ask(t, XS_WATCH, 0, P("/w\0tok")), "EEXIST");
    CHECK_STR(ask(t, XS_WATCH, 0, P("/w\0other")), "OK");
    CHECK_STR(events(t), "/w=other");
    CHECK_STR(ask(t, XS_UNWATCH, 0, P("/w\0other")), "OK");
    CHECK_STR(ask(t, XS_UNWATCH, 0, P("/w\0other")), "ENOENT");
    CHECK_STR(ask(t, XS_UNWATCH, 0, P("/v\0tok")), "ENOENT");
    ask_write(t, 0, "/w", "1");
    ask_write(t, 0, "/w/x/y", "1");
    ask_write(t, 0, "/wx", "1");
    ask1(t, XS_MKDIR, 0, "/w/x");
    ask1(t, XS_READ, 0, "/w");
    CHECK_STR(events(t), "");
}

/* ask() drops events: a second client makes the changes. */
static void test_changes(struct client *t, struct client *b) {
    events(t);
    ask_write(b, 0, "/w", "2");
    CHECK_STR(events(t), "/w=tok");
    ask_write(b, 0, "/w/deep/er", "2");
    CHECK_STR(events(t), "/w/deep/er=tok");
    ask1(b, XS_MKDIR, 0, "/w/deep");
    CHECK_STR(events(t), "");
    ask1(b, XS_MKDIR, 0, "/w/dir");
    CHECK_STR(events(t), "/w/dir=tok");
    ask_perms(b, 0, "/w/dir", "r0");
    CHECK_STR(events(t), "/w/dir=tok");
    ask1(b, XS_RM, 0, "/w/none");
    CHECK_STR(events(t), "");
    /* Removal: the top to all above it, what was below only to its own watches. */
    ask(t, XS_WATCH, 0, P("/w/deep/er\0low"));
    events(t);
    ask1(b, XS_RM, 0, "/w/deep");
    CHECK_STR(events(t), "/w/deep/er=low /w/deep=tok");
    ask1(b, XS_RM, 0, "/w");
    CHECK_STR(events(t), "/w=tok");
    ask(t, XS_WATCH, 0, P("/\0root"));
    events(t);
    ask_write(b, 0, "/somewhere", "1");
    CHECK_STR(events(t), "/somewhere=root");
    CHECK_STR(ask(t, XS_RESET_WATCHES, 0, P("")), "OK");
    ask_write(b, 0, "/w", "1");
    CHECK_STR(events(t), "");
}

static void test_relative(struct client *t, struct client *d) {
    ask1(t, XS_MKDIR, 0, "/local/domain/4");
    ask_perms(t, 0, "/local/domain/4", "n4");
    CHECK_STR(ask(d, XS_WATCH, 0, P("device\0rel")), "OK");
    CHECK_STR(events(d), "device=rel");
    CHECK_STR(ask(d, XS_WATCH, 0, P("/local/domain/4/device\0abs")), "OK");
    CHECK_STR(events(d), "/local/domain/4/device=abs");
    ask_write(t, 0, "/local/domain/4/device/vif", "1");
    CHECK_STR(events(d), "device/vif=rel /local/domain/4/device/vif=abs");
    CHECK_STR(ask(d, XS_UNWATCH, 0, P("device\0abs")), "OK");
    CHECK_STR(ask(d, XS_UNWATCH, 0, P("/local/domain/4/device\0rel")), "OK");
    CHECK_STR(ask(d, XS_WATCH, 0, P("dev//x\0t")), "EINVAL");
}

static void test_permitted(struct client *t, struct client *d) {
    ask1(t, XS_MKDIR, 0, "/secret");
    CHECK_STR(ask(d, XS_WATCH, 0, P("/secret\0s")), "OK");
    CHECK_STR(events(d), "/secret=s"); /* the first tells nothing */
    ask_write(t, 0, "/secret/a", "1");
    CHECK_STR(events(d), "");
    ask_perms(t, 0, "/secret", "n0 r4");
    CHECK_STR(events(d), "/secret=s");
    ask_write(t, 0, "/secret/b", "1");
    CHECK_STR(events(d), "/secret/b=s");
    /* Losing the right is the last thing one hears. */
    ask_perms(t, 0, "/secret", "n0");
    CHECK_STR(events(d), "/secret=s");
    ask_write(t, 0, "/secret", "2");
    CHECK_STR(events(d), "");
    /* A node one may not read in a directory that one may. */
    ask_perms(t, 0, "/secret", "n0 r4");
    ask_perms(t, 0, "/secret/a", "n0");
    events(d);
    ask_write(t, 0, "/secret/a", "2");
    CHECK_STR(events(d), "/secret/a=s");
    ask1(t, XS_RM, 0, "/secret");
    events(d);
    ask(d, XS_UNWATCH, 0, P("/secret\0s"));
}

static void test_in_txn(struct client *t, struct client *b) {
    uint32_t x;

    ask(t, XS_WATCH, 0, P("/t\0tok"));
    events(t);
    x = begin(b);
    ask_write(b, x, "/t/1", "a");
    ask_write(b, x, "/t/1", "b");
    ask_write(b, x, "/t/2/3", "c");
    CHECK_STR(events(t), "");
    commit(b, x);
    CHECK_STR(events(t), "/t/1=tok /t/2/3=tok");
    x = begin(b);
    ask_write(b, x, "/t/1", "c");
    ask(b, XS_TRANSACTION_END, x, P("F"));
    CHECK_STR(events(t), "");
    x = begin(b);
    ask1(b, XS_RM, x, "/t/2");
    ask_write(b, 0, "/elsewhere", "");
    commit(b, x);
    CHECK_STR(events(t), "/t/2=tok");
    ask(t, XS_RESET_WATCHES, 0, P(""));
}

static void test_special_names(struct client *t, struct client *d) {
    CHECK_STR(ask(t, XS_WATCH, 0, P("@introduceDomain\0i")), "OK");
    CHECK_STR(events(t), "@introduceDomain=i");
    CHECK_STR(ask(t, XS_WATCH, 0, P("@releaseDomain\0r")), "OK");
    CHECK_STR(events(t), "@releaseDomain=r");
    CHECK_STR(ask(d, XS_WATCH, 0, P("@introduceDomain\0i")), "OK");
    CHECK_STR(events(d), "@introduceDomain=i");
    free(connect_domain(6));
    CHECK_STR(events(t), "@introduceDomain=i");
    CHECK_STR(events(d), "");
    ask_perms(t, 0, "@introduceDomain", "n0 r4");
    free(connect_domain(7));
    CHECK_STR(events(d), "@introduceDomain=i");
    CHECK_STR(events(t), "@introduceDomain=i");
}

void test_watch(void) {
    struct client *t, *b, *d;

    daemon_start();
    t = connect_tool();
    b = connect_tool();
    test_basic(t);
    test_changes(t, b);
    d = connect_domain(4);
    test_relative(t, d);
    test_permitted(t, d);
    test_in_txn(t, b);
    test_special_names(t, d);
    disconnect(t);
    disconnect(b);
    disconnect(d);
    daemon_stop();
}
