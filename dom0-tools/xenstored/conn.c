/* SPDX-License-Identifier: MIT */
/* Connections: buffers, queues, and when a client is held back. */
#include "conn.h"

#include "domain.h"
#include "quota.h"
#include "rate.h"
#include "request.h"
#include "ring.h"
#include "txn.h"
#include "watch.h"
#include "xen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

/* How far back to look for the same event, unread, of an unprivileged client. */
#define DUPLICATE_SCAN 64
/* Requests of dom0 that came together are handled in one turn, so many at most, and their answers
 * leave together. A domain has one a turn: none makes the others wait for its heap of them. */
#define MOST_A_TURN 16
/* A reader that keeps pace with us must not keep us: so much of a ring's queue goes in one turn. */
#define RING_A_TURN (16 * XENSTORE_RING_SIZE)
/* With so much unread by dom0's kernel all domains wait: what one request can cause still fits
 * below OUT_LIMIT, so that no backend misses an event. For one that has read nothing for
 * event_timeout_ms nobody waits. */
#define KERNEL_BEHIND (OUT_LIMIT / 4)

struct list conns = {&conns, &conns};
struct list ready_conns = {&ready_conns, &ready_conns};
void (*conn_poll_out)(struct conn *c, bool on);

/* Whether conn_reap() has anything to do. */
static bool any_dead;

/* Events that count against a domain, oldest first: all wait equally long. */
static struct list caused_events = {&caused_events, &caused_events};

static struct conn *conn_new(void) {
    struct conn *c = xzalloc(sizeof(*c));

    list_init(&c->ready);
    list_init(&c->out);
    list_init(&c->watches);
    list_init(&c->txns);
    c->next_txn = 1;
    c->fd = -1;
    list_add_tail(&conns, &c->all);
    return c;
}

struct conn *conn_new_socket(int fd) {
    struct conn *c = conn_new();

    c->fd = fd;
    return c;
}

struct conn *conn_new_ring(struct domain *d) {
    struct conn *c = conn_new();

    c->dom = d;
    c->domid = d->domid;
    return c;
}

bool conn_is_privileged(const struct conn *c) { return !c || c->domid == 0; }

const char *conn_home(const struct conn *c) { return c->dom ? c->dom->home : "/local/domain/0"; }

void conn_ready(struct conn *c) {
    if (list_empty(&c->ready) && !c->dead) list_add_tail(&ready_conns, &c->ready);
}

static void outstanding_dec(uint32_t domid) {
    struct domain *d = domain_find(domid);

    if (!d || !d->outstanding) return;
    d->outstanding--;
    if (d->conn) conn_ready(d->conn); /* it may have been held back */
}

static void uncause(struct msg *m) {
    if (list_empty(&m->caused)) return;
    list_del(&m->caused);
    outstanding_dec(m->cause);
}

/* When dom0's kernel last read something, or came to be behind. */
static uint64_t kernel_read_ms;

static bool kernel_is_behind(const struct conn *c) {
    return c->dom && c->domid == 0 && c->out_bytes >= KERNEL_BEHIND;
}

/* For how long domains wait for dom0's kernel if it reads nothing; 0: they do not. */
static int kernel_wait_ms(void) {
    const struct domain *dom0 = domain_find(0);
    uint64_t passed;

    if (!dom0 || !dom0->conn || !kernel_is_behind(dom0->conn)) return 0;
    passed = now_ms() - kernel_read_ms;
    return passed < event_timeout_ms ? (int)(event_timeout_ms - passed) : 0;
}

static void kernel_falls_behind(void) {
    static uint64_t logged;

    kernel_read_ms = now_ms();
    if (logged && kernel_read_ms - logged < QUOTA_LOG_MS) return;
    logged = kernel_read_ms;
    xlog(LOG_WARNING, "dom0's kernel has %u bytes of events to read: domains wait for it",
         KERNEL_BEHIND);
}

static void free_msg(struct conn *c, struct msg *m) {
    if (kernel_is_behind(c)) kernel_read_ms = now_ms();
    uncause(m);
    if (c->dom && ((struct xsd_sockmsg *)m->data)->type != XS_WATCH_EVENT)
        outstanding_dec(c->domid);
    domain_memory(c->domid, -(int64_t)(sizeof(*m) + m->len));
    c->out_bytes -= m->len;
    list_del(&m->link);
    free(m);
}

static void drop_state(struct conn *c) {
    watch_del_all(c);
    txn_drop_all(c);
    while (!list_empty(&c->out)) free_msg(c, list_entry(c->out.next, struct msg, link));
    c->out_sent = 0;
    c->in_at = c->in_len = 0;
}

void conn_kill(struct conn *c) {
    c->dead = any_dead = true;
    list_del(&c->ready);
}

void conn_reap(void) {
    struct list *l, *tmp;

    if (!any_dead) return;
    any_dead = false;
    list_for_each_safe(l, tmp, &conns) {
        struct conn *c = list_entry(l, struct conn, all);

        if (!c->dead) continue;
        drop_state(c);
        list_del(&c->ready);
        list_del(&c->all);
        if (c->fd >= 0) close(c->fd);
        free(c);
    }
}

void conn_reset(struct conn *c) {
    drop_state(c);
    c->ignored = false;
}

/* A ring that breaks the protocol stays connected, or its domain's death would go unseen. */
static void give_up(struct conn *c, uint32_t reason) {
    if (c->fd >= 0) {
        conn_kill(c);
        return;
    }
    xlog(LOG_WARNING, "domain %u broke the xenstore protocol (reason %u): its ring is ignored",
         c->domid, reason);
    drop_state(c);
    c->ignored = true;
    c->dom->page->error = reason;
}

static struct msg *queue_msg(struct conn *c, const struct xsd_sockmsg *hdr) {
    struct msg *m = xmalloc(sizeof(*m) + sizeof(*hdr) + hdr->len);
    bool was_behind = kernel_is_behind(c);

    list_init(&m->caused);
    m->len = (uint32_t)sizeof(*hdr) + hdr->len;
    memcpy(m->data, hdr, sizeof(*hdr));
    list_add_tail(&c->out, &m->link);
    c->out_bytes += m->len;
    if (!was_behind && kernel_is_behind(c)) kernel_falls_behind();
    domain_memory(c->domid, (int64_t)(sizeof(*m) + m->len));
    conn_ready(c);
    return m;
}

void conn_reply(struct conn *c, uint32_t type, const void *data, uint32_t len) {
    struct xsd_sockmsg hdr = c->req;
    struct msg *m;

    if (len > XENSTORE_PAYLOAD_MAX) {
        conn_reply_error(c, E2BIG);
        return;
    }
    hdr.type = type;
    hdr.len = len;
    m = queue_msg(c, &hdr);
    if (len) memcpy(m->data + sizeof(hdr), data, len);
    if (c->dom) c->dom->outstanding++;
    if (trace_on())
        xtrace("OUT %u req %u %s %.*s", c->domid, hdr.req_id, request_name(type),
               len < 200 ? (int)len : 200, (const char *)data);
}

/* The errors the protocol has words for. */
static const struct {
    int number;
    const char *text;
} error_names[] = {
    {EINVAL, "EINVAL"}, {EACCES, "EACCES"},       {EEXIST, "EEXIST"}, {EISDIR, "EISDIR"},
    {ENOENT, "ENOENT"}, {ENOMEM, "ENOMEM"},       {ENOSPC, "ENOSPC"}, {EIO, "EIO"},
    {EROFS, "EROFS"},   {ENOTEMPTY, "ENOTEMPTY"}, {ENOSYS, "ENOSYS"}, {EBUSY, "EBUSY"},
    {EAGAIN, "EAGAIN"}, {EISCONN, "EISCONN"},     {E2BIG, "E2BIG"},   {EPERM, "EPERM"},
};

void conn_reply_error(struct conn *c, int err) {
    const char *text = "EINVAL";

    for (size_t i = 0; i < ARRAY_SIZE(error_names); i++)
        if (error_names[i].number == err) text = error_names[i].text;
    conn_reply(c, XS_ERROR, text, (uint32_t)strlen(text) + 1);
}

static bool is_pending(const struct conn *c, const char *payload, uint32_t len) {
    unsigned int scan = DUPLICATE_SCAN;

    for (const struct list *l = c->out.prev; l != &c->out && scan--; l = l->prev) {
        const struct msg *m = list_entry(l, struct msg, link);
        const struct xsd_sockmsg *hdr = (const struct xsd_sockmsg *)m->data;

        /* The first may be half sent: then the reader has not seen the later change. */
        if (l == c->out.next && c->out_sent) return false;
        if (hdr->type == XS_WATCH_EVENT && hdr->len == len &&
            !memcmp(m->data + sizeof(*hdr), payload, len))
            return true;
    }
    return false;
}

/* A ring stays, whatever it misses, for its domain's death must be seen. */
static void too_much_out(struct conn *c) {
    if (c->fd < 0) return;
    xlog(LOG_WARNING, "a client does not read its watch events (%u bytes wait): closed", OUT_LIMIT);
    conn_kill(c);
}

void conn_event(struct conn *c, const char *path, const char *token, struct conn *cause) {
    char payload[XENSTORE_PAYLOAD_MAX];
    size_t plen = strlen(path) + 1, tlen = strlen(token) + 1;
    struct xsd_sockmsg hdr = {.type = XS_WATCH_EVENT};
    struct msg *m;

    if (c->dead || c->ignored || plen + tlen > sizeof(payload)) return;
    memcpy(payload, path, plen);
    memcpy(payload + plen, token, tlen);
    hdr.len = (uint32_t)(plen + tlen);
    if (!conn_is_privileged(c) &&
        (is_pending(c, payload, hdr.len) ||
         domain_memory_check(c->dom, (int64_t)(sizeof(*m) + sizeof(hdr) + hdr.len))))
        return;
    if (c->out_bytes + hdr.len > OUT_LIMIT) {
        too_much_out(c);
        return;
    }
    m = queue_msg(c, &hdr);
    memcpy(m->data + sizeof(hdr), payload, hdr.len);
    if (cause && !conn_is_privileged(cause)) {
        m->cause = cause->domid;
        m->deadline = now_ms() + event_timeout_ms;
        list_add_tail(&caused_events, &m->caused);
        cause->dom->outstanding++;
    }
}

int conn_expire_events(void) {
    uint64_t now;

    if (list_empty(&caused_events)) return -1;
    now = now_ms();
    while (!list_empty(&caused_events)) {
        struct msg *m = list_entry(caused_events.next, struct msg, caused);

        if (m->deadline > now) return (int)(m->deadline - now);
        uncause(m);
    }
    return -1;
}

static int transport_read(struct conn *c, void *buf, size_t len) {
    ssize_t n;

    if (c->fd < 0) return ring_read(c->dom->page, buf, len);
    do {
        n = recv(c->fd, buf, len, MSG_DONTWAIT);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EAGAIN ? 0 : -errno;
    return n ? (int)n : -EPIPE;
}

/* What of the queue one write takes; *offered: how many bytes that would be. */
static int transport_write(struct conn *c, size_t *offered) {
    struct iovec part[MOST_A_TURN];
    struct msghdr msg = {.msg_iov = part};
    uint32_t sent = c->out_sent;
    ssize_t n;

    *offered = 0;
    for (struct list *l = c->out.next; l != &c->out && msg.msg_iovlen < MOST_A_TURN; l = l->next) {
        struct msg *m = list_entry(l, struct msg, link);

        if (c->fd < 0) {
            *offered = m->len - sent;
            return ring_write(c->dom->page, m->data + sent, *offered);
        }
        part[msg.msg_iovlen++] = (struct iovec){m->data + sent, m->len - sent};
        *offered += m->len - sent;
        sent = 0;
    }
    do {
        n = sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EAGAIN ? 0 : -errno;
    return (int)n;
}

/* So many bytes of the queue have gone. */
static void forget_sent(struct conn *c, uint32_t n) {
    c->out_sent += n;
    while (!list_empty(&c->out)) {
        struct msg *m = list_entry(c->out.next, struct msg, link);

        if (c->out_sent < m->len) break;
        c->out_sent -= m->len;
        free_msg(c, m);
    }
}

/* Bytes written, or negative if the connection broke and was given up. */
static int flush_out(struct conn *c) {
    int total = 0, n;
    size_t offered;

    while (!list_empty(&c->out)) {
        n = transport_write(c, &offered);
        if (n < 0) {
            give_up(c, XENSTORE_ERROR_RINGIDX);
            return n;
        }
        total += n;
        forget_sent(c, (uint32_t)n);
        /* A ring may have room again. */
        if ((size_t)n < offered && (n == 0 || c->fd >= 0)) break;
        if (c->fd < 0 && total >= RING_A_TURN) break;
    }
    if (c->fd >= 0 && c->polled_out == list_empty(&c->out)) {
        c->polled_out = !c->polled_out;
        if (conn_poll_out) conn_poll_out(c, c->polled_out);
    }
    return total;
}

static bool whole_message(const struct conn *c, struct xsd_sockmsg *hdr) {
    uint32_t have = c->in_len - c->in_at;

    if (have < sizeof(*hdr)) return false;
    memcpy(hdr, c->in + c->in_at, sizeof(*hdr));
    return have - sizeof(*hdr) >= hdr->len;
}

/* Bytes read, or negative if the connection broke and was given up. Nothing of in[] is handled. */
static int fill_in(struct conn *c) {
    struct xsd_sockmsg hdr;
    int n = transport_read(c, c->in + c->in_len, sizeof(c->in) - 1 - c->in_len);

    if (n < 0) {
        give_up(c, XENSTORE_ERROR_RINGIDX);
        return n;
    }
    c->in_len += (uint32_t)n;
    if (c->in_len >= sizeof(hdr)) {
        memcpy(&hdr, c->in, sizeof(hdr));
        if (hdr.len > XENSTORE_PAYLOAD_MAX) {
            give_up(c, XENSTORE_ERROR_PROTO);
            return -EPROTO;
        }
    }
    return n;
}

/* Must this client wait before the next request?  *wait_ms: for how long, if time will tell. */
static bool held_back(struct conn *c, int *wait_ms) {
    struct domain *d = c->dom;
    int ms;

    if (!d || conn_is_privileged(c)) return false;
    if (quota[QUOTA_OUTSTANDING].limit && d->outstanding >= quota[QUOTA_OUTSTANDING].limit) {
        quota_hit(d, QUOTA_OUTSTANDING);
        return true;
    }
    if (quota[QUOTA_MEMORY].limit && d->memory >= (int64_t)quota[QUOTA_MEMORY].limit) {
        quota_hit(d, QUOTA_MEMORY);
        return true;
    }
    ms = kernel_wait_ms();
    if (!ms) ms = rate_wait_ms(d);
    if (ms && (*wait_ms < 0 || ms < *wait_ms)) *wait_ms = ms;
    return ms != 0;
}

/* The payload is copied to its own size, so that the sanitizers see who reads beyond it. */
static bool handle_one(struct conn *c) {
    struct xsd_sockmsg hdr;
    char *data;

    if (c->dead || c->ignored || !whole_message(c, &hdr)) return false;
    data = xmalloc(hdr.len + 1u);
    memcpy(data, c->in + c->in_at + sizeof(hdr), hdr.len);
    data[hdr.len] = 0;
    /* Before it is handled, which may reset the connection. */
    c->in_at += (uint32_t)sizeof(hdr) + hdr.len;
    c->req = hdr;
    request_handle(c, data);
    free(data);
    return true;
}

/* Whether there was any. */
static bool handle_some(struct conn *c) {
    unsigned int most = conn_is_privileged(c) ? MOST_A_TURN : 1, n = 0;

    while (n < most && handle_one(c)) n++;
    c->in_len -= c->in_at;
    memmove(c->in, c->in + c->in_at, c->in_len);
    c->in_at = 0;
    return n != 0;
}

bool conn_work(struct conn *c, int *wait_ms) {
    struct xsd_sockmsg hdr;
    bool handled = false;
    int moved = 0, n;

    if (c->dead || c->ignored || (c->fd < 0 && !c->dom->page)) return false;
    n = flush_out(c);
    moved += n > 0 ? n : 0;
    if (n >= 0 && !held_back(c, wait_ms)) {
        n = whole_message(c, &hdr) ? 0 : fill_in(c);
        moved += n > 0 ? n : 0;
        if (n >= 0) handled = handle_some(c);
    }
    if (handled && !c->dead && !c->ignored) {
        n = flush_out(c);
        moved += n > 0 ? n : 0;
    }
    if (c->fd < 0 && moved && c->dom->port) xen->notify(c->dom->port);
    if (c->dead || c->ignored) return false;
    if (c->fd >= 0) return whole_message(c, &hdr);
    return handled || moved;
}
