/* SPDX-License-Identifier: MIT */
/* The operations on nodes, from a tool of dom0 and from a domain. */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

static void test_read_write(struct client *t) {
    CHECK_STR(ask_write(t, 0, "/a/b/c", "hello"), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, "/a/b/c"), "hello");
    CHECK(t->reply.hdr.len == 5);
    CHECK_STR(ask1(t, XS_READ, 0, "/a/b"), "");
    CHECK_STR(ask_write(t, 0, "/a/b/c", ""), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, "/a/b/c"), "");
    CHECK_STR(ask(t, XS_WRITE, 0, P("/a/bin\0x\0\xff")), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, "/a/bin"), "x");
    CHECK(t->reply.hdr.len == 4 && !memcmp(t->reply.data, "x\0\xff", 4));
    CHECK_STR(ask1(t, XS_READ, 0, "/nope"), "ENOENT");
    CHECK(t->reply.hdr.type == XS_ERROR && t->reply.hdr.len == 7);
    CHECK_STR(ask1(t, XS_READ, 0, "/a/b/c/d"), "ENOENT");
    /* Relative to the client's home, which is dom0's for a socket. */
    CHECK_STR(ask_write(t, 0, "name", "Domain-0"), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, "/local/domain/0/name"), "Domain-0");
}

static void test_directory(struct client *t) {
    CHECK_STR(names(t, 0, "/"), "tool local @introduceDomain @releaseDomain a");
    CHECK_STR(names(t, 0, "/a"), "b bin");
    CHECK_STR(names(t, 0, "/a/b/c"), "");
    CHECK(t->reply.hdr.type == XS_DIRECTORY && t->reply.hdr.len == 0);
    CHECK_STR(names(t, 0, "/none"), "ENOENT");
    CHECK_STR(ask1(t, XS_MKDIR, 0, "/m/n"), "OK");
    CHECK_STR(ask_write(t, 0, "/m/n", "kept"), "OK");
    CHECK_STR(ask1(t, XS_MKDIR, 0, "/m/n"), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, "/m/n"), "kept");
}

static void test_rm(struct client *t) {
    ask_write(t, 0, "/r/x/y", "1");
    ask_write(t, 0, "/r/z", "2");
    CHECK_STR(ask1(t, XS_RM, 0, "/r/none"), "OK");
    CHECK_STR(ask1(t, XS_RM, 0, "/r/none/none"), "ENOENT");
    CHECK_STR(ask1(t, XS_RM, 0, "/r/x"), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, "/r/x/y"), "ENOENT");
    CHECK_STR(names(t, 0, "/r"), "z");
    CHECK_STR(ask1(t, XS_RM, 0, "/"), "EINVAL");
    CHECK_STR(ask1(t, XS_RM, 0, "/@releaseDomain"), "EACCES");
    CHECK_STR(ask1(t, XS_RM, 0, "/r"), "OK");
    CHECK_STR(names(t, 0, "/r"), "ENOENT");
}

static void test_bad_paths(struct client *t) {
    static const char *const bad[] = {"/a/", "//", "/a//b", "/a b", "/\xc3\xa4", "/a.b", "@x", ""};
    char longest[XENSTORE_PAYLOAD_MAX];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_STR(ask1(t, XS_READ, 0, bad[i]), "EINVAL");
        CHECK_STR(ask1(t, XS_MKDIR, 0, bad[i]), "EINVAL");
        CHECK_STR(ask1(t, XS_RM, 0, bad[i]), "EINVAL");
        CHECK_STR(ask1(t, XS_DIRECTORY, 0, bad[i]), "EINVAL");
        CHECK_STR(ask_write(t, 0, bad[i], "v"), "EINVAL");
    }
    memset(longest, 'a', sizeof(longest));
    longest[0] = '/';
    longest[2048] = 0;
    CHECK_STR(ask1(t, XS_MKDIR, 0, longest), "OK");
    longest[2048] = 'a';
    longest[2049] = 0;
    CHECK_STR(ask1(t, XS_MKDIR, 0, longest), "EINVAL");
    /* Below a domain's home the limit counts from there. */
    memcpy(longest, "/local/domain/7/", 16);
    longest[2049] = 'a';
    longest[2064] = 0;
    CHECK_STR(ask1(t, XS_MKDIR, 0, longest), "OK");
    longest[2064] = 'a';
    longest[2065] = 0;
    CHECK_STR(ask1(t, XS_MKDIR, 0, longest), "EINVAL");
}

/* Deep paths must not use more stack than there is. */
static void test_deep(struct client *t) {
    char path[2048];

    for (int i = 0; i < 1023; i++) memcpy(path + 2 * i, "/d", 2);
    path[2046] = 0;
    CHECK_STR(ask_write(t, 0, path, "deep"), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, path), "deep");
    path[1000] = 0;
    strcat(path, "/new/x");
    CHECK_STR(ask_write(t, 0, path, "below"), "OK");
    CHECK_STR(ask1(t, XS_READ, 0, path), "below");
    path[1000] = 0;
    CHECK_STR(names(t, 0, path), "d new");
    CHECK_STR(ask1(t, XS_MKDIR, 0, "/d/d/only/one"), "OK");
    CHECK_STR(names(t, 0, "/d/d"), "d only");
    CHECK_STR(ask1(t, XS_RM, 0, "/d"), "OK");
}

static void test_bad_payloads(struct client *t) {
    CHECK_STR(ask(t, XS_READ, 0, "/tool", 5), "EINVAL");
    CHECK_STR(ask(t, XS_READ, 0, "", 0), "EINVAL");
    CHECK_STR(ask(t, XS_READ, 0, P("/tool\0x")), "EINVAL");
    CHECK_STR(ask(t, XS_WRITE, 0, "/tool", 5), "EINVAL");
    CHECK_STR(ask(t, XS_WRITE, 0, "", 0), "EINVAL");
    CHECK_STR(ask(t, XS_WATCH, 0, P("/tool")), "EINVAL");
    CHECK_STR(ask(t, XS_WATCH, 0, P("/tool\0t\0more")), "EINVAL");
    CHECK_STR(ask(t, XS_SET_PERMS, 0, P("/tool")), "EINVAL");
    CHECK_STR(ask(t, XS_TRANSACTION_END, 0, P("T")), "ENOENT");
    CHECK_STR(ask(t, XS_TRANSACTION_END, 0, P("X")), "EINVAL");
    CHECK_STR(ask(t, XS_READ, 77, P("/tool")), "ENOENT");
    CHECK_STR(ask(t, XS_WATCH_EVENT, 0, P("/tool")), "ENOSYS");
    CHECK_STR(ask(t, XS_ERROR, 0, P("/tool")), "ENOSYS");
    CHECK_STR(ask(t, 20, 0, P("/tool")), "ENOSYS");
    CHECK_STR(ask(t, XS_TYPE_COUNT, 0, P("/tool")), "ENOSYS");
    CHECK_STR(ask(t, 0x80000000u, 0, P("/tool")), "ENOSYS");
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("1\0001")), "EINVAL");
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("1\0001\0000")), "EINVAL");
    CHECK_STR(ask(t, XS_INTRODUCE, 0, P("99999\0001\0001")), "EINVAL");
    CHECK_STR(ask1(t, XS_RELEASE, 0, "0"), "EINVAL");
    CHECK_STR(ask1(t, XS_RELEASE, 0, "7"), "ENOENT");
    CHECK_STR(ask1(t, XS_GET_DOMAIN_PATH, 0, "x"), "EINVAL");
    CHECK_STR(ask1(t, XS_GET_DOMAIN_PATH, 0, "7"), "/local/domain/7");
}

/* A directory too long for one message comes in parts, each with the generation before it. */
static void test_parts(struct client *t) {
    char path[32], arg[32], first[64], gen[32];
    size_t off = 0;
    int found = 0;
    bool last = false;

    for (int i = 0; i < 600; i++) {
        snprintf(path, sizeof(path), "/big/number-%04d", i);
        ask1(t, XS_MKDIR, 0, path);
    }
    CHECK_STR(names(t, 0, "/big"), "E2BIG");
    for (int part = 0; !last && part < 10; part++) {
        const char *p, *end;
        size_t n = (size_t)sprintf(arg, "/big%c%zu", 0, off) + 1;

        ask(t, XS_DIRECTORY_PART, 0, arg, n);
        CHECK(t->reply.hdr.type == XS_DIRECTORY_PART);
        if (!part) snprintf(gen, sizeof(gen), "%.31s", t->reply.data);
        CHECK_STR(t->reply.data, gen);
        end = t->reply.data + t->reply.hdr.len;
        for (p = t->reply.data + strlen(t->reply.data) + 1; p < end && *p; p += strlen(p) + 1) {
            snprintf(first, sizeof(first), "number-%04d", found++);
            CHECK_STR(p, first);
            off += strlen(p) + 1;
        }
        last = p < end;
    }
    CHECK(last && found == 600);
    CHECK_STR(ask(t, XS_DIRECTORY_PART, 0, P("/big\000999999")), gen);
    CHECK(t->reply.hdr.len == strlen(gen) + 2);
    CHECK_STR(ask(t, XS_DIRECTORY_PART, 0, P("/big\0x")), "EINVAL");
    ask1(t, XS_RM, 0, "/big/number-0000");
    ask(t, XS_DIRECTORY_PART, 0, P("/big\0000"));
    CHECK(strcmp(t->reply.data, gen) != 0);
}

static void test_control(struct client *t, struct client *d) {
    CHECK_STR(ask(t, XS_CONTROL, 0, P("check")), "OK");
    CHECK_STR(ask(t, XS_CONTROL, 0, P("print\0hello")), "OK");
    CHECK(!strncmp(ask(t, XS_CONTROL, 0, P("quota\0000")), "Domain 0:\nnodes", 15));
    CHECK(!strncmp(ask(t, XS_CONTROL, 0, P("help")), "Supported", 9));
    CHECK_STR(ask(t, XS_CONTROL, 0, P("quota\0set\0nodes\0x")), "EINVAL");
    CHECK_STR(ask(t, XS_CONTROL, 0, P("quota\0set\0nodes\0001000")), "OK");
    CHECK_STR(ask(t, XS_CONTROL, 0, P("nonsense")), "EINVAL");
    CHECK_STR(ask(t, XS_CONTROL, 0, "check", 5), "EINVAL");
    CHECK_STR(ask(t, XS_CONTROL, 0, "", 0), "EINVAL");
    CHECK_STR(ask(d, XS_CONTROL, 0, P("check")), "EACCES");
    CHECK_STR(ask(d, XS_INTRODUCE, 0, P("5\0001\0001")), "EACCES");
    CHECK_STR(ask1(d, XS_RELEASE, 0, "3"), "EACCES");
    CHECK_STR(ask1(d, XS_RESUME, 0, "3"), "EACCES");
    CHECK_STR(ask1(d, XS_IS_DOMAIN_INTRODUCED, 0, "3"), "EACCES");
    CHECK_STR(ask(d, XS_SET_TARGET, 0, P("3\0000")), "EACCES");
    CHECK_STR(ask1(d, XS_GET_DOMAIN_PATH, 0, "9"), "/local/domain/9");
}

void test_ops(void) {
    struct client *t, *d;

    daemon_start();
    t = connect_tool();
    test_read_write(t);
    test_directory(t);
    test_rm(t);
    test_bad_paths(t);
    test_deep(t);
    test_bad_payloads(t);
    test_parts(t);
    d = connect_domain(3);
    test_control(t, d);
    disconnect(t);
    disconnect(d);
    daemon_stop();
}
