/* SPDX-License-Identifier: MIT */
/* The client library against the real daemon, run without a hypervisor on a socket of its own. */
#include "harness.h"

#include "xs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/xenstored-test-XXXXXX", pid_file[64], socket_file[64];

/* Forks as in real life: when the command returns the socket must serve. */
static bool start(const char *daemon) {
    char command[512];

    if (!mkdtemp(dir)) return false;
    snprintf(pid_file, sizeof(pid_file), "%s/pid", dir);
    snprintf(socket_file, sizeof(socket_file), "%s/socket", dir);
    setenv("XENSTORED_PATH", socket_file, 1);
    snprintf(command, sizeof(command), "%s --no-domain-init --pid-file %s", daemon, pid_file);
    return system(command) == 0;
}

static int daemon_pid(void) {
    FILE *f = fopen(pid_file, "r");
    int pid = -1;

    if (f && fscanf(f, "%d", &pid) != 1) pid = -1;
    if (f) fclose(f);
    return pid;
}

static bool waits(struct xs_handle *h, int ms) {
    struct pollfd p = {.fd = xs_fileno(h), .events = POLLIN};

    return poll(&p, 1, ms) == 1;
}

static void test_nodes(struct xs_handle *h) {
    struct xs_permissions perms[2] = {{0, XS_PERM_NONE}, {5, XS_PERM_READ | XS_PERM_WRITE}};
    struct xs_permissions *got;
    unsigned int n;
    char *val, **list;

    CHECK(xs_write(h, XBT_NULL, "/lib/a",
                   "12\0"
                   "4",
                   4));
    val = xs_read(h, XBT_NULL, "/lib/a", &n);
    CHECK(val && n == 4 &&
          !memcmp(val,
                  "12\0"
                  "4",
                  5));
    free(val);
    CHECK(xs_mkdir(h, XBT_NULL, "/lib/b"));
    list = xs_directory(h, XBT_NULL, "/lib", &n);
    CHECK(list && n == 2 && !strcmp(list[0], "a") && !strcmp(list[1], "b"));
    free(list);
    list = xs_directory(h, XBT_NULL, "/lib/b", &n);
    CHECK(list && n == 0);
    free(list);
    CHECK(xs_set_permissions(h, XBT_NULL, "/lib/b", perms, 2));
    got = xs_get_permissions(h, XBT_NULL, "/lib/b", &n);
    CHECK(got && n == 2 && got[1].id == 5 && got[1].perms == 3 && got[0].perms == 0);
    free(got);
    errno = 0;
    CHECK(!xs_read(h, XBT_NULL, "/lib/none", &n) && errno == ENOENT);
    CHECK(!xs_read(h, XBT_NULL, "bad//path", &n) && errno == EINVAL);
    CHECK(xs_rm(h, XBT_NULL, "/lib/b"));
    val = xs_get_domain_path(h, 3);
    CHECK(val && !strcmp(val, "/local/domain/3"));
    free(val);
    CHECK(xs_is_domain_introduced(h, 0) == false);
    val = xs_control_command(h, "check", NULL, 0);
    CHECK(val && !strcmp(val, "OK"));
    free(val);
    CHECK(!xs_write(h, XBT_NULL, "/lib/a", pid_file, 5000) && errno == E2BIG);
}

static void test_long_directory(struct xs_handle *h) {
    char path[64], **list;
    unsigned int n;
    bool good = true;

    for (int i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "/long/some-longer-name-%d", i);
        good = good && xs_mkdir(h, XBT_NULL, path);
    }
    CHECK(good);
    list = xs_directory(h, XBT_NULL, "/long", &n);
    CHECK(list && n == 1000 && !strcmp(list[0], "some-longer-name-0") &&
          !strcmp(list[999], "some-longer-name-999"));
    free(list);
}

static void test_transactions(struct xs_handle *h, struct xs_handle *other) {
    xs_transaction_t t = xs_transaction_start(h);

    CHECK(t != XBT_NULL);
    CHECK(xs_write(h, t, "/lib/t", "1", 1));
    CHECK(xs_write(other, XBT_NULL, "/lib/t", "2", 1));
    CHECK(!xs_transaction_end(h, t, false) && errno == EAGAIN);
    t = xs_transaction_start(h);
    CHECK(xs_rm(h, t, "/lib/t"));
    CHECK(xs_transaction_end(h, t, false));
    CHECK(!xs_read(other, XBT_NULL, "/lib/t", NULL) && errno == ENOENT);
    CHECK(!xs_transaction_end(h, t, false) && errno == ENOENT);
}

static void test_watches(struct xs_handle *h, struct xs_handle *other) {
    unsigned int n;
    char **e;

    CHECK(!waits(h, 0));
    CHECK(!xs_check_watch(h) && errno == EAGAIN);
    CHECK(xs_watch(h, "/lib/w", "tok"));
    /* The event came with the reply: a poll must still see it. */
    CHECK(waits(h, 1000));
    e = xs_read_watch(h, &n);
    CHECK(e && n == 2 && !strcmp(e[XS_WATCH_PATH], "/lib/w") && !strcmp(e[XS_WATCH_TOKEN], "tok"));
    free(e);
    CHECK(!waits(h, 0));
    for (int i = 0; i < 3; i++) xs_write(other, XBT_NULL, "/lib/w/x", "1", 1);
    /* A request in between leaves the events and their order. */
    xs_write(h, XBT_NULL, "/lib/w/y", "1", 1);
    for (int i = 0; i < 4; i++) {
        CHECK(waits(h, 1000));
        e = xs_check_watch(h);
        CHECK(e && !strcmp(e[XS_WATCH_PATH], i < 3 ? "/lib/w/x" : "/lib/w/y"));
        free(e);
    }
    CHECK(!xs_check_watch(h) && errno == EAGAIN);
    CHECK(!xs_watch(h, "/lib/w", "tok") && errno == EEXIST);
    xs_write(other, XBT_NULL, "/lib/w/x", "1", 1);
    CHECK(xs_unwatch(h, "/lib/w", "tok"));
    CHECK(!waits(h, 0)); /* opened with XS_UNWATCH_FILTER */
    CHECK(!xs_unwatch(h, "/lib/w", "tok") && errno == ENOENT);
}

static void test_text(void) {
    struct xs_permissions p[2];

    CHECK(xs_path_is_subpath("/a", "/a/b") && xs_path_is_subpath("/a", "/a"));
    CHECK(!xs_path_is_subpath("/a", "/ab") && !xs_path_is_subpath("/a/b", "/a"));
    CHECK(xs_path_is_subpath("/", "/a"));
    CHECK(xs_strings_to_perms(p, 2, "w7\0n0") && p[0].id == 7 && p[0].perms == XS_PERM_WRITE);
    CHECK(!xs_strings_to_perms(p, 1, "q7") && !xs_strings_to_perms(p, 1, "r"));
}

/* The daemon goes: calls fail, and do not hang or signal. */
static void test_loss(struct xs_handle *h) {
    struct pollfd p = {.fd = xs_fileno(h), .events = POLLIN};

    kill(daemon_pid(), SIGTERM);
    poll(&p, 1, 10000);
    CHECK(!xs_check_watch(h) && errno != EAGAIN);
    CHECK(!xs_read(h, XBT_NULL, "/", NULL) && errno == EIO);
    CHECK(!xs_open(0));
}

void test_client(const char *daemon) {
    struct xs_handle *h, *other;
    char command[512];

    CHECK(!xs_open(0));
    if (!start(daemon)) {
        CHECK(!"the daemon starts");
        return;
    }
    snprintf(command, sizeof(command), "%s --no-domain-init 2>/dev/null", daemon);
    CHECK(system(command) != 0); /* one is enough */
    snprintf(command, sizeof(command), "%s --bad-option 2>/dev/null", daemon);
    CHECK(WEXITSTATUS(system(command)) == 2);
    h = xs_open(XS_UNWATCH_FILTER);
    other = xs_open(0);
    CHECK(h && other);
    if (h && other) {
        test_nodes(h);
        test_long_directory(h);
        test_transactions(h, other);
        test_watches(h, other);
        test_text();
        test_loss(h);
    }
    xs_close(h);
    xs_close(other);
    /* It has taken its files with it. */
    CHECK(access(socket_file, F_OK) && access(pid_file, F_OK));
    rmdir(dir);
}
