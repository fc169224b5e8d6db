/* SPDX-License-Identifier: MIT */
/* The messages of the xenstore client library. */
#include "transport.h"

#include "xs.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct {
    const char *text;
    int number;
} errors[] = {
    {"EINVAL", EINVAL}, {"EACCES", EACCES},       {"EEXIST", EEXIST}, {"EISDIR", EISDIR},
    {"ENOENT", ENOENT}, {"ENOMEM", ENOMEM},       {"ENOSPC", ENOSPC}, {"EIO", EIO},
    {"EROFS", EROFS},   {"ENOTEMPTY", ENOTEMPTY}, {"ENOSYS", ENOSYS}, {"EBUSY", EBUSY},
    {"EAGAIN", EAGAIN}, {"EISCONN", EISCONN},     {"E2BIG", E2BIG},   {"EPERM", EPERM},
};

static int error_number(const char *text) {
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        if (!strcmp(errors[i].text, text)) return errors[i].number;
    return EINVAL;
}

/* Once out of step with the daemon a connection is of no use any more. */
static int lost(struct xs_handle *h, int err) {
    h->broken = true;
    errno = err;
    return -1;
}

static int wait_for(int fd, short events) {
    struct pollfd p = {.fd = fd, .events = events};

    while (poll(&p, 1, -1) < 0)
        if (errno != EINTR) return -1;
    return 0;
}

static int send_all(struct xs_handle *h, const char *data, size_t len) {
    while (len) {
        ssize_t n = h->is_socket ? send(h->fd, data, len, MSG_NOSIGNAL) : write(h->fd, data, len);

        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            if (wait_for(h->fd, POLLOUT)) return lost(h, EIO);
            continue;
        }
        if (n < 0) return lost(h, errno);
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* 1: something came; 0: nothing there; -1: errno. */
static int receive(struct xs_handle *h) {
    ssize_t n;

    do {
        n = read(h->fd, h->in + h->in_len, sizeof(h->in) - 1 - h->in_len);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n <= 0) return lost(h, n ? errno : EIO);
    h->in_len += (uint32_t)n;
    return 1;
}

/* Is a whole message in the buffer?  -1 if it can never be one. */
static int have_message(struct xs_handle *h, struct xsd_sockmsg *hdr) {
    if (h->in_len < sizeof(*hdr)) return 0;
    memcpy(hdr, h->in, sizeof(*hdr));
    if (hdr->len > XENSTORE_PAYLOAD_MAX) return lost(h, EIO);
    return h->in_len >= sizeof(*hdr) + hdr->len;
}

static void consume(struct xs_handle *h, uint32_t payload) {
    uint32_t used = (uint32_t)sizeof(struct xsd_sockmsg) + payload;

    h->in_len -= used;
    memmove(h->in, h->in + used, h->in_len);
}

static int queue_event(struct xs_handle *h, uint32_t len) {
    struct event *e = malloc(sizeof(*e) + len + 1);

    if (!e) return lost(h, ENOMEM);
    e->next = NULL;
    e->len = len;
    memcpy(e->data, h->in + sizeof(struct xsd_sockmsg), len);
    e->data[len] = 0;
    if (!h->first && eventfd_write(h->pending, 1)) {
        free(e);
        return lost(h, errno);
    }
    *h->last = e;
    h->last = &e->next;
    return 0;
}

/* Moves events from the buffer to the queue, up to the first other message or an incomplete one:
 * 1 if such a message is there (in *hdr), 0 if not, -1 on error. */
static int sort_out(struct xs_handle *h, struct xsd_sockmsg *hdr) {
    int ret;

    while ((ret = have_message(h, hdr)) > 0 && hdr->type == XS_WATCH_EVENT) {
        if (queue_event(h, hdr->len)) return -1;
        consume(h, hdr->len);
    }
    return ret;
}

static void settle(struct xs_handle *h) {
    eventfd_t n;

    if (!h->first) {
        h->last = &h->first;
        eventfd_read(h->pending, &n);
    }
}

struct event *xs_next_event(struct xs_handle *h) {
    struct event *e = h->first;

    if (e) {
        h->first = e->next;
        settle(h);
    }
    return e;
}

void xs_drop_events(struct xs_handle *h, const char *path, const char *token) {
    struct event **p = &h->first, *e;
    bool any = h->first != NULL;

    while ((e = *p) != NULL) {
        const char *etoken = e->data + strlen(e->data) + 1;

        if (etoken < e->data + e->len && !strcmp(etoken, token) &&
            xs_path_is_subpath(path, e->data)) {
            *p = e->next;
            free(e);
        } else {
            p = &e->next;
        }
    }
    h->last = p;
    if (any) settle(h);
}

static void *read_reply(struct xs_handle *h, uint32_t id, uint32_t type, size_t *len) {
    struct xsd_sockmsg hdr, next;
    char *data;
    int ret;

    while ((ret = sort_out(h, &hdr)) == 0) {
        ret = receive(h);
        if (ret == 0) ret = wait_for(h->fd, POLLIN) ? lost(h, EIO) : 1;
        if (ret < 0) break;
    }
    if (ret < 0) return NULL;
    if (hdr.req_id != id || (hdr.type != type && hdr.type != XS_ERROR)) {
        lost(h, EIO);
        return NULL;
    }
    data = malloc(hdr.len + 1u);
    if (!data) {
        lost(h, ENOMEM);
        return NULL;
    }
    memcpy(data, h->in + sizeof(hdr), hdr.len);
    data[hdr.len] = 0;
    consume(h, hdr.len);
    *len = hdr.len;
    /* Events that came along must show on the user's descriptor: the connection will not. */
    if (sort_out(h, &next) < 0) {
        free(data);
        return NULL;
    }
    if (hdr.type != XS_ERROR) return data;
    ret = error_number(data);
    free(data);
    errno = ret;
    return NULL;
}

static int flush(struct xs_handle *h) {
    uint32_t len = h->out_len;

    h->out_len = 0;
    return len ? send_all(h, h->out, len) : 0;
}

/* Puts a request where flush() sends it from. */
static int post(struct xs_handle *h, uint32_t type, uint32_t tx, const struct part *parts,
                unsigned int nparts) {
    struct xsd_sockmsg hdr = {.type = type, .req_id = h->next_id, .tx_id = tx};

    if (h->broken) return lost(h, EIO);
    for (unsigned int i = 0; i < nparts; i++) {
        if (parts[i].len > XENSTORE_PAYLOAD_MAX - hdr.len) {
            errno = E2BIG;
            return -1;
        }
        hdr.len += (uint32_t)parts[i].len;
    }
    if (sizeof(h->out) - h->out_len < sizeof(hdr) + hdr.len && flush(h)) return -1;
    memcpy(h->out + h->out_len, &hdr, sizeof(hdr));
    h->out_len += (uint32_t)sizeof(hdr);
    for (unsigned int i = 0; i < nparts; i++) {
        if (parts[i].len) memcpy(h->out + h->out_len, parts[i].data, parts[i].len);
        h->out_len += (uint32_t)parts[i].len;
    }
    h->asked[h->next_id++ % XS_AT_ONCE] = (uint8_t)type;
    return 0;
}

/* Waits for the answers that nobody waited for. -1: the connection is lost. */
static int catch_up(struct xs_handle *h) {
    size_t len;

    if (!h->unanswered) return 0;
    if (flush(h)) return -1;
    while (h->unanswered) {
        uint32_t id = h->next_id - h->unanswered--;
        uint8_t type = h->asked[id % XS_AT_ONCE];
        void *reply = read_reply(h, id, type, &len);

        if (h->broken) return -1;
        /* What was to be removed and is not there, is removed. */
        if (!reply && !h->failed && (type != XS_RM || errno != ENOENT)) h->failed = errno;
        free(reply);
    }
    return 0;
}

int xs_take_in(struct xs_handle *h) {
    struct xsd_sockmsg hdr;
    int ret;

    if (h->broken) return lost(h, EIO);
    if (catch_up(h)) return -1;
    do {
        ret = sort_out(h, &hdr);
        if (ret > 0) return lost(h, EIO); /* a reply that nobody asked for */
    } while (!ret && (ret = receive(h)) > 0);
    return ret;
}

void *xs_talk(struct xs_handle *h, uint32_t type, uint32_t tx, const struct part *parts,
              unsigned int nparts, size_t *len) {
    void *reply = NULL;

    pthread_mutex_lock(&h->lock);
    if (!catch_up(h) && !post(h, type, tx, parts, nparts) && !flush(h))
        reply = read_reply(h, h->next_id - 1, type, len);
    pthread_mutex_unlock(&h->lock);
    return reply;
}

bool xs_tell(struct xs_handle *h, uint32_t type, uint32_t tx, const struct part *parts,
             unsigned int nparts) {
    void *reply = NULL;
    size_t len;
    bool ok;

    pthread_mutex_lock(&h->lock);
    if (h->together && h->is_socket) {
        ok = (h->unanswered < XS_AT_ONCE || !catch_up(h)) && !post(h, type, tx, parts, nparts);
        h->unanswered += ok;
        pthread_mutex_unlock(&h->lock);
        return ok;
    }
    pthread_mutex_unlock(&h->lock);
    reply = xs_talk(h, type, tx, parts, nparts, &len);
    free(reply);
    return reply != NULL;
}

void xs_together(struct xs_handle *h) {
    pthread_mutex_lock(&h->lock);
    h->together = true;
    pthread_mutex_unlock(&h->lock);
}

bool xs_settle(struct xs_handle *h) {
    int err;

    pthread_mutex_lock(&h->lock);
    err = catch_up(h) ? EIO : h->failed;
    h->together = false;
    h->failed = 0;
    pthread_mutex_unlock(&h->lock);
    if (err) errno = err;
    return !err;
}

/* Asks for several before the first answer; the device takes one request at a time. */
static unsigned int read_some(struct xs_handle *h, uint32_t tx, const char *const *paths,
                              unsigned int num, char **values) {
    unsigned int most = h->is_socket ? XS_AT_ONCE : 1, posted = 0, i;
    uint32_t first = h->next_id;
    size_t len;

    while (posted < num && posted < most) {
        struct part p = {paths[posted], strlen(paths[posted]) + 1};

        if (post(h, XS_READ, tx, &p, 1)) break;
        posted++;
    }
    if (flush(h)) return 0;
    for (i = 0; i < posted && !h->broken; i++) values[i] = read_reply(h, first + i, XS_READ, &len);
    return h->broken ? 0 : posted;
}

bool xs_read_all(struct xs_handle *h, xs_transaction_t t, const char *const *paths,
                 unsigned int num, char **values) {
    unsigned int done = 0, now = 1;

    for (unsigned int i = 0; i < num; i++) values[i] = NULL;
    pthread_mutex_lock(&h->lock);
    if (catch_up(h)) now = 0;
    while (done < num && now) {
        now = read_some(h, t, paths + done, num - done, values + done);
        done += now;
    }
    pthread_mutex_unlock(&h->lock);
    if (done == num) return true;
    for (unsigned int i = 0; i < num; i++) {
        free(values[i]);
        values[i] = NULL;
    }
    return false;
}
