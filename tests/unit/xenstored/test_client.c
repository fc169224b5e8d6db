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

#define MANY 100

static void read_many(struct xs_handle *h, xs_transaction_t t, size_t size) {
    char *paths[MANY + 1], *values[MANY + 1];

    for (int i = 0; i < MANY; i++) {
        paths[i] = malloc(64);
        snprintf(paths[i], 64, "/together/%d", i);
    }
    paths[MANY] = strdup("/together/none");
    CHECK(xs_read_all(h, t, (const char *const *)paths, MANY + 1, values));
    for (int i = 0; i < MANY; i++)
        CHECK(values[i] && strlen(values[i]) == size && values[i][0] == 'a' + i % 26);
    CHECK(!values[MANY]);
    for (int i = 0; i <= MANY; i++) {
        free(paths[i]);
        free(values[i]);
    }
}

static void write_many(struct xs_handle *h, xs_transaction_t t, size_t size) {
    char path[64], value[3000];

    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "/together/%d", i);
        memset(value, 'a' + i % 26, size);
        CHECK(xs_write(h, t, path, value, (unsigned int)size));
    }
}

static void test_together(struct xs_handle *h, struct xs_handle *other) {
    static const size_t sizes[] = {1, 3000};
    xs_transaction_t t;
    unsigned int n;
    char **list, *value;

    for (size_t i = 0; i < 2; i++) {
        xs_together(h);
        CHECK(xs_rm(h, XBT_NULL, "/together") && xs_rm(h, XBT_NULL, "/no/such/parent"));
        write_many(h, XBT_NULL, sizes[i]);
        CHECK(xs_mkdir(h, XBT_NULL, "/together/last"));
        /* A request that waits comes after those that did not. */
        list = xs_directory(h, XBT_NULL, "/together", &n);
        CHECK(list && n == MANY + 1);
        free(list);
        read_many(h, XBT_NULL, sizes[i]);
        CHECK(xs_settle(h));
        read_many(other, XBT_NULL, sizes[i]);
    }
    /* The first failure is told, and the others are done; then it is forgotten. */
    xs_together(h);
    CHECK(xs_write(h, XBT_NULL, "bad//path", "1", 1) && xs_mkdir(h, 77, "/together/no"));
    CHECK(xs_write(h, XBT_NULL, "/together/0", "z", 1));
    CHECK(!xs_settle(h) && errno == EINVAL);
    value = xs_read(other, XBT_NULL, "/together/0", NULL);
    CHECK(value && !strcmp(value, "z"));
    free(value);
    CHECK(xs_settle(h));
    CHECK(!xs_write(h, XBT_NULL, "bad//path", "1", 1) && errno == EINVAL);
    t = xs_transaction_start(h);
    xs_together(h);
    write_many(h, t, 1);
    read_many(h, t, 1);
    CHECK(xs_settle(h) && xs_transaction_end(h, t, false));
    read_many(other, XBT_NULL, 1);
    CHECK(xs_rm(h, XBT_NULL, "/together"));
}

/* Events come in their order in between. */
static void test_together_watched(struct xs_handle *h) {
    char **e;

    CHECK(xs_watch(h, "/together", "tok"));
    xs_together(h);
    write_many(h, XBT_NULL, 1);
    for (int i = 0; i <= MANY; i++) {
        char path[64];

        snprintf(path, sizeof(path), i ? "/together/%d" : "/together", i - 1);
        e = xs_check_watch(h);
        CHECK(e && !strcmp(e[XS_WATCH_PATH], path));
        free(e);
    }
    CHECK(xs_settle(h) && xs_unwatch(h, "/together", "tok") && xs_rm(h, XBT_NULL, "/together"));
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
        test_together(h, other);
        test_together_watched(h);
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
