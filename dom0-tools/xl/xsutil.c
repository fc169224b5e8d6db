/* SPDX-License-Identifier: MIT */
/* Shorthands over the xenstore client. */
#include "xsutil.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char *vformat(const char *fmt, va_list ap) {
    char *s;

    if (vasprintf(&s, fmt, ap) < 0) {
        fputs("xl: out of memory\n", stderr);
        exit(3);
    }
    return s;
}

char *xsu_read(struct xs_handle *xs, xs_transaction_t t, const char *fmt, ...) {
    char *path, *value;
    va_list ap;

    va_start(ap, fmt);
    path = vformat(fmt, ap);
    va_end(ap);
    value = xs_read(xs, t, path, NULL);
    free(path);
    return value;
}

long long xsu_read_number(struct xs_handle *xs, long long def, const char *fmt, ...) {
    char *path, *value;
    long long n = def;
    va_list ap;

    va_start(ap, fmt);
    path = vformat(fmt, ap);
    va_end(ap);
    value = xs_read(xs, XBT_NULL, path, NULL);
    if (!value || !parse_long(value, &n)) n = def;
    free(value);
    free(path);
    return n;
}

bool xsu_write(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *value) {
    return xs_write(xs, t, path, value, (unsigned)strlen(value));
}

bool xsu_writef(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *fmt, ...) {
    char *value;
    va_list ap;
    bool ok;

    va_start(ap, fmt);
    value = vformat(fmt, ap);
    va_end(ap);
    ok = xsu_write(xs, t, path, value);
    free(value);
    return ok;
}

bool xsu_perms(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned owner,
               unsigned reader) {
    struct xs_permissions perms[2] = {
        {.id = owner, .perms = XS_PERM_NONE},
        {.id = reader, .perms = XS_PERM_READ},
    };

    return xs_set_permissions(xs, t, path, perms, owner == reader ? 1 : 2);
}

bool xsu_mkdir(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned owner,
               unsigned reader) {
    return xs_mkdir(xs, t, path) && xsu_perms(xs, t, path, owner, reader);
}

bool xsu_settle(struct xs_handle *xs, bool ok) {
    int why = errno;
    bool settled = xs_settle(xs);

    if (!ok) errno = why;
    return ok && settled;
}

void xsu_prune(struct xs_handle *xs, const char *path, const char *stop) {
    char *node = xstrdup(path), *slash, **names;
    unsigned num;

    xs_rm(xs, XBT_NULL, node);
    while ((slash = strrchr(node, '/')) && slash != node) {
        *slash = '\0';
        if (!strcmp(node, stop)) break;
        names = xs_directory(xs, XBT_NULL, node, &num);
        free(names);
        if (names && num) break;
        if (names) xs_rm(xs, XBT_NULL, node);
    }
    free(node);
}

int64_t now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Takes events until one of our watch came (true) or none is left. */
static bool drain(struct xs_handle *xs, const char *token) {
    bool mine = false;
    char **event;

    while ((event = xs_check_watch(xs))) {
        mine |= !strcmp(event[XS_WATCH_TOKEN], token);
        free(event);
    }
    return mine;
}

int xsu_wait(struct xs_handle *xs, const char *path, int timeout_ms, bool (*check)(void *arg),
             void *arg) {
    static unsigned serial;
    char token[24];
    int64_t end = now_ms() + timeout_ms, left;
    struct pollfd fd = {.fd = xs_fileno(xs), .events = POLLIN};
    int rc = -ETIMEDOUT;

    if (check(arg)) return 0;
    snprintf(token, sizeof(token), "xl-wait-%u", serial++);
    if (!xs_watch(xs, path, token)) return -errno;
    do {
        drain(xs, token);
        if (check(arg)) {
            rc = 0;
            break;
        }
        if (errno == EBADF || errno == EIO) {
            rc = -errno;
            break;
        }
        left = end - now_ms();
        if (left > 0 && poll(&fd, 1, (int)left) < 0 && errno != EINTR) break;
    } while (left > 0);
    xs_unwatch(xs, path, token);
    return rc;
}
