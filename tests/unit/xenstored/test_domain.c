/* SPDX-License-Identifier: MIT */
/* Introduction, shutdown, death and release of domains. */
#include "harness.h"

#include "conn.h"
#include "domain.h"
#include "store.h"
#include "tree.h"

#include <stdlib.h>

static struct client *watcher(void) {
    struct client *t = connect_tool();

    ask(t, XS_WATCH, 0, P("@introduceDomain\0i"));
    ask(t, XS_WATCH, 0, P("@releaseDomain\0r"));
    events(t);
    return t;
}

static void test_life(struct client *t, struct client *w) {
    struct client *d;

    hv_create(20);
    CHECK_STR(ask1(t, XS_IS_DOMAIN_INTRODUCED, 0, "20"), "F");
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("20\0001234\0007")), "OK");
    CHECK_STR(ask1(t, XS_IS_DOMAIN_INTRODUCED, 0, "20"), "T");
    CHECK_STR(ask1(t, XS_IS_DOMAIN_INTRODUCED, 0, "32752"), "T");
    CHECK_STR(events(w), "@introduceDomain=i");
    /* Again: only the event channel, and a ring as new. */
    hv_page(20)->req_prod = 5;
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("20\0001234\0008")), "OK");
    CHECK(hv_page(20)->req_prod == 0);
    CHECK_STR(events(w), "");
    d = calloc(1, sizeof(*d));
    *d = (struct client){.fd = -1, .domid = 20, .page = hv_page(20)};
    ask1(t, XS_MKDIR, 0, "/local/domain/20");
    ask_perms(t, 0, "/local/domain/20", "n20");
    CHECK_STR(ask_write(d, 0, "a/b", "1"), "OK");
    hv_exception();
    CHECK_STR(events(w), "");
    hv_set(20, true, false);
    hv_exception();
    CHECK_STR(events(w), "@releaseDomain=r");
    hv_exception();
    CHECK_STR(events(w), "");
    CHECK_STR(ask1(t, XS_READ, 0, "/local/domain/20/a/b"), "1");
    CHECK_STR(ask1(t, XS_RESUME, 0, "20"), "OK");
    hv_exception();
    CHECK_STR(events(w), "@releaseDomain=r");
    hv_set(20, true, true);
    hv_exception();
    CHECK_STR(events(w), "@releaseDomain=r");
    CHECK_STR(ask1(t, XS_READ, 0, "/local/domain/20"), "ENOENT");
    CHECK_STR(ask1(t, XS_IS_DOMAIN_INTRODUCED, 0, "20"), "F");
    hv_destroy(20);
    hv_exception();
    CHECK_STR(events(w), "");
    free(d);
}

static void test_release(struct client *t, struct client *w) {
    struct client *d = connect_domain(21);

    events(w);
    ask(d, XS_WATCH, 0, P("/\0w"));
    begin(d);
    CHECK_STR(ask1(t, XS_RELEASE, 0, "21"), "OK");
    CHECK_STR(events(w), "@releaseDomain=r");
    CHECK_STR(ask1(d, XS_READ, 0, "/tool"), "(none)");
    CHECK_STR(ask1(t, XS_RELEASE, 0, "21"), "ENOENT");
    CHECK(domain_find(21) == NULL);
    disconnect(d);
}

static void test_failures(struct client *t) {
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("22\0001\0001")), "ENOENT");
    hv_create(22);
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("22\0001\000999")), "EINVAL");
    CHECK(domain_find(22) == NULL);
    CHECK_STR(ask1(t, XS_IS_DOMAIN_INTRODUCED, 0, "22"), "F");
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("22\0001\0001")), "OK");
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("22\0001\000999")), "EINVAL");
    hv_destroy(22);
    hv_exception();
}

/* Nodes of a domain that was never introduced go with it too, and everything below them. */
static void test_orphans(struct client *t) {
    ask1(t, XS_MKDIR, 0, "/o/a");
    hv_create(23);
    hv_create(24);
    CHECK_STR(ask_perms(t, 0, "/o/a", "n23"), "OK");
    ask_write(t, 0, "/o/a/b/c", "1");
    ask_write(t, 0, "/o/k", "1");
    ask_perms(t, 0, "/o/k", "n24");
    CHECK(domain_find(23)->nodes == 3 && !domain_find(23)->introduced);
    hv_destroy(23);
    hv_exception();
    CHECK_STR(names(t, 0, "/o"), "k");
    CHECK(domain_find(23) == NULL);
    keep_orphans = true;
    hv_destroy(24);
    hv_exception();
    CHECK_STR(ask1(t, XS_GET_PERMS, 0, "/o/k"), "n0");
    keep_orphans = false;
}

/* The owner of nodes in an open transaction dies: they do not come back. */
static void test_death_in_txn(struct client *t) {
    struct client *d = connect_domain(25);
    uint32_t x;

    ask1(t, XS_MKDIR, 0, "/dt");
    x = begin(t);
    ask_write(t, x, "/dt/n", "1");
    CHECK_STR(ask_perms(t, x, "/dt/n", "n25"), "OK");
    hv_destroy(25);
    hv_exception();
    CHECK_STR(commit(t, x), "EAGAIN");
    CHECK_STR(names(t, 0, "/dt"), "");
    disconnect(d);
}

void test_domain(void) {
    struct client *t, *w;

    daemon_start();
    t = connect_tool();
    w = watcher();
    test_life(t, w);
    test_release(t, w);
    test_failures(t);
    test_orphans(t);
    test_death_in_txn(t);
    disconnect(t);
    disconnect(w);
    daemon_stop();
}
