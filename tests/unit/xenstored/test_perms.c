/* SPDX-License-Identifier: MIT */
/* Who may do what: owners, lists, inheritance, strangers, reused domain numbers. */
#include "harness.h"

#include "domain.h"

#include <stdlib.h>

static const char *perms(struct client *c, const char *path) {
    const char *text = ask1(c, XS_GET_PERMS, 0, path);
    static char out[256];
    uint32_t len = c->reply.hdr.len;

    snprintf(out, sizeof(out), "%s", text);
    if (c->reply.hdr.type != XS_ERROR && len < sizeof(out))
        for (uint32_t i = 0; i < len; i++)
            out[i] = i == len - 1 ? 0 : c->reply.data[i] ? c->reply.data[i] : ' ';
    return out;
}

static void test_home(struct client *t, struct client *d1, struct client *d2) {
    ask1(t, XS_MKDIR, 0, "/local/domain/1");
    CHECK_STR(ask_perms(t, 0, "/local/domain/1", "n0 r1"), "OK");
    CHECK_STR(ask1(t, XS_MKDIR, 0, "/local/domain/1/data"), "OK");
    CHECK_STR(perms(t, "/local/domain/1/data"), "n0 r1");
    CHECK_STR(ask_perms(t, 0, "/local/domain/1/data", "n1"), "OK");
    CHECK_STR(ask_write(d1, 0, "data/mine", "1"), "OK");
    CHECK_STR(perms(d1, "data/mine"), "n1");
    CHECK_STR(ask1(t, XS_READ, 0, "/local/domain/1/data/mine"), "1");
    CHECK_STR(ask_write(d1, 0, "name", "evil"), "EACCES");
    CHECK_STR(ask1(d1, XS_RM, 0, "/local/domain/1"), "EACCES");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/mine"), "EACCES");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/none"), "EACCES");
    CHECK_STR(ask1(d1, XS_READ, 0, "data/none"), "ENOENT");
    CHECK_STR(ask_write(d2, 0, "/local/domain/1/data/mine", "2"), "EACCES");
    CHECK_STR(ask1(d2, XS_RM, 0, "/local/domain/1/data/none"), "EACCES");
}

static void test_lists(struct client *t, struct client *d1, struct client *d2) {
    CHECK_STR(ask_perms(d1, 0, "data/mine", "n1 r2"), "OK");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/mine"), "1");
    CHECK_STR(ask_write(d2, 0, "/local/domain/1/data/mine", "2"), "EACCES");
    CHECK_STR(ask_perms(d1, 0, "data/mine", "n1 w2"), "OK");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/mine"), "EACCES");
    CHECK_STR(ask_write(d2, 0, "/local/domain/1/data/mine", "2"), "OK");
    CHECK_STR(ask_perms(d1, 0, "data/mine", "b1"), "OK");
    CHECK_STR(ask_write(d2, 0, "/local/domain/1/data/mine", "3"), "OK");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/mine"), "3");
    /* The first entry for a domain counts. */
    CHECK_STR(ask_perms(d1, 0, "data/mine", "b1 n2 b2"), "OK");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/mine"), "EACCES");
    CHECK_STR(ask_perms(d2, 0, "/local/domain/1/data/mine", "n2"), "EACCES");
    CHECK_STR(ask_perms(d1, 0, "data/mine", "n2"), "EPERM");
    CHECK_STR(ask_perms(t, 0, "/local/domain/1/data/mine", "n2"), "OK");
    CHECK_STR(ask1(d1, XS_READ, 0, "data/mine"), "EACCES");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/mine"), "3");
    CHECK_STR(ask_perms(t, 0, "/tool", "x1"), "EINVAL");
    CHECK_STR(ask_perms(t, 0, "/tool", "n"), "EINVAL");
    CHECK_STR(ask_perms(t, 0, "/tool", "n1x"), "EINVAL");
    CHECK_STR(ask_perms(t, 0, "/tool", "n99999"), "EINVAL");
    CHECK_STR(ask_perms(t, 0, "/tool", "n40"), "ENOENT");
    CHECK_STR(ask(t, XS_SET_PERMS, 0, "/tool\0n0", 8), "EINVAL");
    CHECK_STR(ask_perms(t, 0, "/none", "n0"), "ENOENT");
}

/* A child of a node that a domain may write is the domain's own, with the parent's other rights. */
static void test_inherit(struct client *t, struct client *d1) {
    ask1(t, XS_MKDIR, 0, "/shared");
    ask_perms(t, 0, "/shared", "n0 b1 r2");
    CHECK_STR(ask_write(d1, 0, "/shared/x/y", "1"), "OK");
    CHECK_STR(perms(t, "/shared/x"), "n1 b1 r2");
    CHECK_STR(perms(t, "/shared/x/y"), "n1 b1 r2");
    CHECK_STR(ask1(t, XS_MKDIR, 0, "/shared/x/z"), "OK");
    CHECK_STR(perms(t, "/shared/x/z"), "n1 b1 r2");
}

/* The number of a dead domain comes back as another domain: it has none of the old rights. */
static void test_reuse(struct client *t) {
    struct client *d;

    ask1(t, XS_MKDIR, 0, "/reuse");
    d = connect_domain(9);
    ask_perms(t, 0, "/reuse", "n0 b9");
    CHECK_STR(ask_write(d, 0, "/reuse/a", "1"), "OK");
    hv_destroy(9);
    hv_exception();
    CHECK_STR(names(t, 0, "/reuse"), "");
    free(d);
    d = connect_domain(9);
    CHECK_STR(ask_write(d, 0, "/reuse/a", "1"), "EACCES");
    CHECK_STR(perms(t, "/reuse"), "n0");
    CHECK_STR(ask1(t, XS_MKDIR, 0, "/reuse/child"), "OK");
    ask_perms(t, 0, "/reuse", "n0 b9");
    CHECK_STR(ask_write(d, 0, "/reuse/a", "1"), "OK");
    CHECK_STR(ask_write(d, 0, "/reuse/child", "1"), "EACCES");
    disconnect(d);
}

/* A device model has the rights of the domain it serves. */
static void test_target(struct client *t, struct client *d1, struct client *d2) {
    CHECK_STR(ask_write(d1, 0, "data/secret", "s"), "OK");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/secret"), "EACCES");
    CHECK_STR(ask(t, XS_SET_TARGET, 0, P("2\00033")), "ENOENT");
    CHECK_STR(ask(t, XS_SET_TARGET, 0, P("2\0001")), "OK");
    CHECK_STR(ask1(d2, XS_READ, 0, "/local/domain/1/data/secret"), "s");
}

static void test_special(struct client *t, struct client *d1) {
    CHECK_STR(perms(t, "@releaseDomain"), "n0");
    CHECK_STR(perms(t, "@other"), "EINVAL");
    CHECK_STR(ask_perms(d1, 0, "@releaseDomain", "n1"), "EACCES");
    CHECK_STR(ask_perms(t, 0, "@releaseDomain", "n0 r1"), "OK");
    CHECK_STR(perms(t, "@releaseDomain"), "n0 r1");
    CHECK_STR(ask_perms(t, 0, "@releaseDomain", "n0"), "OK");
}

void test_perms(void) {
    struct client *t, *d1, *d2;

    daemon_start();
    t = connect_tool();
    d1 = connect_domain(1);
    d2 = connect_domain(2);
    test_home(t, d1, d2);
    test_lists(t, d1, d2);
    test_inherit(t, d1);
    test_reuse(t);
    test_special(t, d1);
    test_target(t, d1, d2);
    disconnect(d1);
    disconnect(d2);
    disconnect(t);
    daemon_stop();
}
