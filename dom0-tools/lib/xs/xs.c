/* SPDX-License-Identifier: MIT */
/* The calls of the xenstore client library. */
#include "xs.h"

#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STR(s)                                                                                     \
    { (s), strlen(s) + 1 }

const char *xs_daemon_socket(void) {
    const char *path = getenv("XENSTORED_PATH");

    return path ? path : "/run/xenstored/socket";
}

static int open_socket(void) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *path = xs_daemon_socket();
    int fd, err;

    if (strlen(path) >= sizeof(addr.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr))) return fd;
    err = errno;
    close(fd);
    errno = err;
    return -1;
}

/* Inside a guest, or in dom0 when the daemon runs elsewhere: through the kernel. */
static int open_device(void) {
    const char *path = getenv("XENSTORED_PATH");
    int fd;

    if (path) return -1;
    fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
    return fd >= 0 ? fd : open("/proc/xen/xenbus", O_RDWR | O_CLOEXEC);
}

static int add_to_poll(struct xs_handle *h, int fd) {
    struct epoll_event ev = {.events = EPOLLIN};

    return epoll_ctl(h->poll_fd, EPOLL_CTL_ADD, fd, &ev);
}

struct xs_handle *xs_open(unsigned long flags) {
    struct xs_handle *h = calloc(1, sizeof(*h));
    int err;

    if (!h) return NULL;
    pthread_mutex_init(&h->lock, NULL);
    h->last = &h->first;
    h->poll_fd = h->pending = -1;
    h->unwatch_filter = flags & XS_UNWATCH_FILTER;
    h->fd = open_socket();
    h->is_socket = h->fd >= 0;
    if (h->fd < 0) {
        err = errno;
        h->fd = open_device();
        errno = h->fd < 0 ? err : errno; /* what is wrong with the socket matters more */
    }
    if (h->fd < 0) goto fail;
    h->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    h->pending = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->poll_fd < 0 || h->pending < 0 || add_to_poll(h, h->fd) || add_to_poll(h, h->pending) ||
        fcntl(h->fd, F_SETFL, O_NONBLOCK))
        goto fail;
    return h;
fail:
    err = errno;
    xs_close(h);
    errno = err;
    return NULL;
}

void xs_close(struct xs_handle *h) {
    struct event *e;

    if (!h) return;
    while ((e = h->first) != NULL) {
        h->first = e->next;
        free(e);
    }
    if (h->poll_fd >= 0) close(h->poll_fd);
    if (h->pending >= 0) close(h->pending);
    if (h->fd >= 0) close(h->fd);
    pthread_mutex_destroy(&h->lock);
    free(h);
}

void xs_daemon_destroy_postfork(struct xs_handle *h) { xs_close(h); }

static void *talk_string(struct xs_handle *h, uint32_t type, xs_transaction_t t, const char *s,
                         size_t *len) {
    struct part p = STR(s);

    return xs_talk(h, type, t, &p, 1, len);
}

/* For requests whose reply says no more than that it was done. */
static bool done(void *reply) {
    free(reply);
    return reply != NULL;
}

static bool do_string(struct xs_handle *h, uint32_t type, xs_transaction_t t, const char *s) {
    struct part p = STR(s);

    return xs_tell(h, type, t, &p, 1);
}

/*
 * A directory too long for one message, in parts: each begins with the generation of the list.
 * If that changes the list did too, and reading begins again.
 */
static char *directory_in_parts(struct xs_handle *h, xs_transaction_t t, const char *path,
                                size_t *total) {
    char *list = NULL, *bigger, *part, gen[24] = "";
    size_t have = 0, len, skip;

    for (;;) {
        char offset[24];
        struct part p[] = {STR(path), {offset, 0}};

        p[1].len = (size_t)snprintf(offset, sizeof(offset), "%zu", have) + 1;
        part = xs_talk(h, XS_DIRECTORY_PART, t, p, 2, &len);
        if (!part) break;
        skip = strlen(part) + 1;
        if (skip > len || skip > sizeof(gen)) {
            errno = EIO;
            break;
        }
        if (have && strcmp(gen, part)) {
            have = 0;
            free(part);
            continue;
        }
        strcpy(gen, part);
        len -= skip;
        bigger = realloc(list, have + len + 1);
        if (!bigger) break;
        list = bigger;
        memcpy(list + have, part + skip, len);
        have += len;
        free(part);
        /* The last part ends with an empty name. */
        if (len && !list[have - 1] && (have == 1 || !list[have - 2])) {
            *total = have - 1;
            return list;
        }
        if (!len) {
            errno = EIO;
            free(list);
            return NULL;
        }
    }
    free(part);
    free(list);
    return NULL;
}

/* One block: the pointers, then the names they point to. */
static char **to_array(const char *list, size_t len, unsigned int *num) {
    unsigned int n = 0, i = 0;
    char **array, *names;

    for (size_t off = 0; off < len; off++) n += !list[off];
    array = malloc((n + 1) * sizeof(*array) + len + 1);
    if (!array) return NULL;
    names = (char *)(array + n + 1);
    memcpy(names, list, len);
    names[len] = 0;
    for (; i < n; i++, names += strlen(names) + 1) array[i] = names;
    array[n] = NULL;
    *num = n;
    return array;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num) {
    size_t len;
    char *list = talk_string(h, XS_DIRECTORY, t, path, &len), **array;

    if (!list && errno == E2BIG) list = directory_in_parts(h, t, path, &len);
    if (!list) return NULL;
    array = to_array(list, len, num);
    free(list);
    return array;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len) {
    size_t n;
    void *data = talk_string(h, XS_READ, t, path, &n);

    if (data && len) *len = (unsigned int)n;
    return data;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
              unsigned int len) {
    struct part p[] = {STR(path), {data, len}};

    return xs_tell(h, XS_WRITE, t, p, 2);
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path) {
    return do_string(h, XS_MKDIR, t, path);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path) {
    return do_string(h, XS_RM, t, path);
}

static bool text_to_perm(const char *s, struct xs_permissions *p) {
    char *end;
    unsigned long id;

    switch (s[0]) {
    case 'n': p->perms = XS_PERM_NONE; break;
    case 'r': p->perms = XS_PERM_READ; break;
    case 'w': p->perms = XS_PERM_WRITE; break;
    case 'b': p->perms = XS_PERM_READ | XS_PERM_WRITE; break;
    default: return false;
    }
    id = strtoul(s + 1, &end, 10);
    p->id = (unsigned int)id;
    return s[1] >= '0' && s[1] <= '9' && !*end && id <= UINT16_MAX;
}

bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num, const char *strings) {
    for (unsigned int i = 0; i < num; i++, strings += strlen(strings) + 1) {
        if (!text_to_perm(strings, &perms[i])) {
            errno = EINVAL;
            return false;
        }
    }
    return true;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                                          unsigned int *num) {
    struct xs_permissions *perms;
    unsigned int n = 0;
    size_t len;
    char *text = talk_string(h, XS_GET_PERMS, t, path, &len);

    if (!text) return NULL;
    for (size_t i = 0; i < len; i++) n += !text[i];
    perms = malloc((n + 1) * sizeof(*perms));
    if (perms && !xs_strings_to_perms(perms, n, text)) {
        free(perms);
        perms = NULL;
        errno = EIO;
    }
    free(text);
    *num = n;
    return perms;
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                        struct xs_permissions *perms, unsigned int num_perms) {
    struct part p[2] = {STR(path)};
    char text[XENSTORE_PAYLOAD_MAX];
    size_t len = 0;

    for (unsigned int i = 0; i < num_perms; i++) {
        if (sizeof(text) - len < 16) {
            errno = ENOSPC;
            return false;
        }
        if (perms[i].perms > (XS_PERM_READ | XS_PERM_WRITE)) {
            errno = EINVAL;
            return false;
        }
        len += (size_t)sprintf(text + len, "%c%u", "nrwb"[perms[i].perms], perms[i].id) + 1;
    }
    p[1] = (struct part){text, len};
    return xs_tell(h, XS_SET_PERMS, t, p, 2);
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token) {
    struct part p[] = {STR(path), STR(token)};
    size_t len;

    return done(xs_talk(h, XS_WATCH, XBT_NULL, p, 2, &len));
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token) {
    struct part p[] = {STR(path), STR(token)};
    size_t len;

    if (!done(xs_talk(h, XS_UNWATCH, XBT_NULL, p, 2, &len))) return false;
    if (h->unwatch_filter) {
        pthread_mutex_lock(&h->lock);
        xs_drop_events(h, path, token);
        pthread_mutex_unlock(&h->lock);
    }
    return true;
}

int xs_fileno(struct xs_handle *h) { return h->poll_fd; }

char **xs_check_watch(struct xs_handle *h) {
    struct event *e;
    unsigned int n;
    char **array;

    pthread_mutex_lock(&h->lock);
    e = xs_next_event(h);
    if (!e && !xs_take_in(h)) {
        e = xs_next_event(h);
        errno = EAGAIN;
    }
    pthread_mutex_unlock(&h->lock);
    if (!e) return NULL;
    array = to_array(e->data, e->len, &n);
    free(e);
    if (array && n < 2) {
        free(array);
        array = NULL;
        errno = EIO;
    }
    return array;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num) {
    struct pollfd p = {.fd = h->poll_fd, .events = POLLIN};
    char **event;

    while (!(event = xs_check_watch(h)) && errno == EAGAIN)
        if (poll(&p, 1, -1) < 0 && errno != EINTR) return NULL;
    *num = 2;
    return event;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h) {
    size_t len;
    char *text = talk_string(h, XS_TRANSACTION_START, XBT_NULL, "", &len);
    xs_transaction_t t;

    if (!text) return XBT_NULL;
    t = (xs_transaction_t)strtoul(text, NULL, 10);
    free(text);
    if (t == XBT_NULL) errno = EIO;
    return t;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort) {
    size_t len;

    return done(talk_string(h, XS_TRANSACTION_END, t, abort ? "F" : "T", &len));
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long mfn,
                         unsigned int eventchn) {
    char id[16], frame[24], port[16];
    struct part p[] = {{id, 0}, {frame, 0}, {port, 0}};
    size_t len;

    p[0].len = (size_t)sprintf(id, "%u", domid) + 1;
    p[1].len = (size_t)sprintf(frame, "%lu", mfn) + 1;
    p[2].len = (size_t)sprintf(port, "%u", eventchn) + 1;
    return done(xs_talk(h, XS_INTRODUCE, XBT_NULL, p, 3, &len));
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target) {
    char id[16], tid[16];
    struct part p[] = {{id, 0}, {tid, 0}};
    size_t len;

    p[0].len = (size_t)sprintf(id, "%u", domid) + 1;
    p[1].len = (size_t)sprintf(tid, "%u", target) + 1;
    return done(xs_talk(h, XS_SET_TARGET, XBT_NULL, p, 2, &len));
}

static char *talk_domid(struct xs_handle *h, uint32_t type, unsigned int domid) {
    char id[16];
    size_t len;

    sprintf(id, "%u", domid);
    return talk_string(h, type, XBT_NULL, id, &len);
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid) {
    return done(talk_domid(h, XS_RESUME, domid));
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid) {
    return done(talk_domid(h, XS_RELEASE, domid));
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid) {
    char *reply = talk_domid(h, XS_IS_DOMAIN_INTRODUCED, domid);
    bool is = reply && reply[0] == 'T';

    free(reply);
    return is;
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid) {
    return talk_domid(h, XS_GET_DOMAIN_PATH, domid);
}

bool xs_path_is_subpath(const char *parent, const char *child) {
    size_t len = strlen(parent);

    if (!strcmp(parent, "/")) return child[0] == '/';
    return !strncmp(parent, child, len) && (child[len] == '/' || !child[len]);
}

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len) {
    struct part p[] = {STR(cmd), {data, len}};
    size_t n;

    return xs_talk(h, XS_CONTROL, XBT_NULL, p, 2, &n);
}
