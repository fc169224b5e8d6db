/* SPDX-License-Identifier: MIT */
/*
 * Guests' consoles: see guest.h.
 *
 * A guest may write anything at any time: every ring access goes through ring.c, the work done for
 * one event is bounded, and a guest that raises events faster than RATE_EVENTS in RATE_PERIOD_MS
 * is not listened to until the period is over.
 */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <termios.h>
#include <unistd.h>

#include <public/grant_table.h>

#include "foreign.h"
#include "sysctl.h"

#define RATE_EVENTS    30u
#define RATE_PERIOD_MS 200
#define TAKE_ROUNDS    8u /* ring fulls read for one event */
#define LINGER_MS      2000
#define LINGER_STEP_MS 50
#define LIMIT_DEFAULT  (1u << 20)
#define LIMIT_MIN      (4u << 10)
#define LIMIT_MAX      (16u << 20)

/* xenstore: nodes below the guest's directory. */

static char *read_node(struct daemon *d, const struct guest *g, const char *node) {
    char path[80];

    snprintf(path, sizeof(path), "/local/domain/%u/%s", g->domid, node);
    return d->xs ? xs_read(d->xs, XBT_NULL, path, NULL) : NULL;
}

/* A decimal node; false if it is absent or not a number up to max. */
static bool read_number(struct daemon *d, const struct guest *g, const char *node,
                        unsigned long max, unsigned long *value) {
    char *text = read_node(d, g, node), *end;
    bool good;

    if (!text) return false;
    errno = 0;
    *value = strtoul(text, &end, 10);
    good = end != text && !*end && !errno && *value <= max;
    free(text);
    return good;
}

static void publish_tty(struct daemon *d, const struct guest *g) {
    char path[80], name[64];

    if (g->slave < 0 || !d->xs || ttyname_r(g->slave, name, sizeof(name))) return;
    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", g->domid);
    if (!xs_write(d->xs, XBT_NULL, path, name, (unsigned int)strlen(name)))
        syslog(LOG_ERR, "domain %u: cannot write %s: %s", g->domid, path, strerror(errno));
}

/* Only of nodes that the guest may not write, nor anything below them: with all of the console's
 * (backend-id is its own) it would choose how many events we get. What else is read of a console
 * comes in one transaction with these. */
static void watch_nodes(struct daemon *d, const struct guest *g, bool on) {
    static const char *const nodes[] = {"port", "ring-ref"};
    char path[80], token[32];
    size_t i;

    if (!d->xs) return;
    snprintf(token, sizeof(token), GUEST_TOKEN "%u", g->domid);
    for (i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
        snprintf(path, sizeof(path), "/local/domain/%u/console/%s", g->domid, nodes[i]);
        if (on && !xs_watch(d->xs, path, token))
            syslog(LOG_ERR, "domain %u: cannot watch %s: %s", g->domid, path, strerror(errno));
        if (!on) xs_unwatch(d->xs, path, token);
    }
}

/* Log: opened as soon as the guest has a name, at the latest when it has said something. */

static void open_log(struct daemon *d, struct guest *g, bool force) {
    char *name, stem[256];

    if (g->log_open || !d->opt.log_guest) return;
    name = read_node(d, g, "name");
    if (name && *name)
        snprintf(stem, sizeof(stem), "guest-%.200s.log", name);
    else if (force)
        snprintf(stem, sizeof(stem), "guest-%u.log", g->domid);
    if ((name && *name) || force) {
        logfile_open(&g->log, &d->opt.log, stem, d->opt.stamp_guest);
        g->log_open = true;
    }
    free(name);
}

static void output(struct daemon *d, struct guest *g, uint8_t *data, size_t size) {
    size_t i;

    if (d->opt.replace_escape)
        for (i = 0; i < size; i++)
            if (data[i] == 0x1b) data[i] = '.';
    open_log(d, g, true);
    if (g->log_open) logfile_write(&g->log, data, size);
    backlog_add(&g->backlog, data, size);
}

/* Terminal side. */

static void close_tty(struct guest *g) {
    if (g->master >= 0) close(g->master);
    if (g->slave >= 0) close(g->slave);
    g->master = g->slave = -1;
    g->watched = 0; /* who closes a file is no longer told of it */
}

/* The slave stays open here, so that a terminal that leaves does not hang the master up. */
static void open_tty(struct daemon *d, struct guest *g) {
    struct termios raw;

    if (g->master >= 0) return;
    if (openpty(&g->master, &g->slave, NULL, NULL, NULL)) {
        g->master = g->slave = -1;
        syslog(LOG_ERR, "domain %u: no pty for its console: %s", g->domid, strerror(errno));
        return;
    }
    if (!tcgetattr(g->slave, &raw)) {
        cfmakeraw(&raw);
        tcsetattr(g->slave, TCSANOW, &raw);
    }
    fcntl(g->master, F_SETFD, FD_CLOEXEC);
    fcntl(g->slave, F_SETFD, FD_CLOEXEC);
    fcntl(g->master, F_SETFL, O_NONBLOCK);
    publish_tty(d, g);
}

static void flush_tty(struct guest *g) {
    ssize_t done;

    while (g->master >= 0 && g->backlog.len) {
        done = write(g->master, backlog_head(&g->backlog), g->backlog.len);
        if (done <= 0) return;
        backlog_drop(&g->backlog, (size_t)done);
    }
}

static void read_tty(struct daemon *d, struct guest *g) {
    uint8_t buf[RING_IN_SIZE];
    size_t room = g->ring.page ? ring_room(&g->ring) : 0;
    ssize_t got;

    if (!room) return;
    got = read(g->master, buf, room);
    if (got <= 0) return;
    ring_put(&g->ring, buf, (size_t)got);
    evtchn_notify(d->ev, (uint32_t)g->port);
}

/* Ring side. */

static bool may_take(const struct daemon *d, const struct guest *g) {
    return !d->opt.keep_overflow || g->backlog.len + RING_OUT_SIZE <= g->backlog.max;
}

static void take_output(struct daemon *d, struct guest *g) {
    uint8_t buf[RING_OUT_SIZE];
    unsigned int round;
    bool bad, any = false;
    size_t size;

    for (round = 0; round < TAKE_ROUNDS && may_take(d, g); round++) {
        size = ring_take(&g->ring, buf, &bad);
        if (bad && !g->index_reported) {
            syslog(LOG_WARNING, "domain %u: console ring index is impossible, output skipped",
                   g->domid);
            g->index_reported = true;
        }
        if (!size) break;
        output(d, g, buf, size);
        any = true;
    }
    if (any && g->port >= 0) evtchn_notify(d->ev, (uint32_t)g->port);
    flush_tty(g);
}

static void disconnect_ring(struct daemon *d, struct guest *g) {
    if (g->port >= 0) evtchn_unbind(d->ev, (uint32_t)g->port);
    g->port = -1;
    g->masked = false;
    if (!g->ring.page) return;
    if (g->ring_granted)
        gnttab_unmap(d->gt, g->ring.page, 1);
    else
        hv_unmap(g->ring.page, 1);
    g->ring.page = NULL;
}

/* By grant if the domain's builder made the reserved entry, else by frame number. */
static struct xencons_interface *map_ring(struct daemon *d, struct guest *g) {
    uint32_t ref = GNTTAB_RESERVED_CONSOLE;
    void *page = d->gt ? gnttab_map(d->gt, g->domid, &ref, 1, 1) : NULL;

    g->ring_granted = page != NULL;
    return page ? page : hv_map_foreign(d->hv, g->domid, &g->ring_ref, 1);
}

static void connect_ring(struct daemon *d, struct guest *g) {
    struct xencons_interface *page = map_ring(d, g);

    if (!page) {
        syslog(LOG_ERR, "domain %u: cannot map its console ring: %s", g->domid, hv_context(d->hv));
        return;
    }
    ring_attach(&g->ring, page);
    g->port = evtchn_bind_interdomain(d->ev, g->domid, g->remote_port);
    if (g->port < 0) {
        syslog(LOG_ERR, "domain %u: cannot bind its console port %u: %s", g->domid, g->remote_port,
               strerror(-g->port));
        g->port = -1;
        disconnect_ring(d, g);
        return;
    }
    open_tty(d, g);
    open_log(d, g, false);
    take_output(d, g); /* what it said before we came */
}

/* Reads the nodes; connects if they are complete and differ from what is connected. */
static void update_ring(struct daemon *d, struct guest *g) {
    unsigned long port, ref, limit;
    char *type;
    bool other;

    if (g->dead || !read_number(d, g, "console/port", UINT32_MAX, &port) ||
        !read_number(d, g, "console/ring-ref", ~0ul, &ref))
        return;
    type = read_node(d, g, "console/type");
    other = type && strcmp(type, "xenconsoled"); /* another backend's, QEMU's for example */
    free(type);
    if (other) return;
    if (g->ring.page && g->remote_port == port && g->ring_ref == ref) return;
    if (!read_number(d, g, "console/limit", LIMIT_MAX, &limit)) limit = LIMIT_DEFAULT;
    g->backlog.max = limit < LIMIT_MIN ? LIMIT_MIN : limit;
    disconnect_ring(d, g);
    g->remote_port = (uint32_t)port;
    g->ring_ref = ref;
    connect_ring(d, g);
}

bool guest_event(struct daemon *d, uint32_t port) {
    struct guest *g;

    for (g = d->guests; g && g->port != (int)port; g = g->next)
        ;
    if (!g) return false;
    take_output(d, g);
    g->masked = true;
    if (++g->events <= RATE_EVENTS && may_take(d, g)) {
        evtchn_unmask(d->ev, port);
        g->masked = false;
    }
    return true;
}

static uint32_t wanted(const struct guest *g) {
    uint32_t events = 0;

    if (g->master < 0) return 0;
    if (g->backlog.len) events |= EPOLLOUT;
    if (!g->dead && g->ring.page && ring_room(&g->ring)) events |= EPOLLIN;
    return events;
}

/* The kernel hears only of changes, which are rare: most ptys wait for input all the time. */
static void watch_tty(struct daemon *d, struct guest *g) {
    struct epoll_event e = {.events = wanted(g), .data.ptr = g};

    if (e.events == g->watched) return;
    if (!epoll_ctl(d->ttys,
                   !g->watched ? EPOLL_CTL_ADD
                   : e.events  ? EPOLL_CTL_MOD
                               : EPOLL_CTL_DEL,
                   g->master, &e))
        g->watched = e.events;
    else
        syslog(LOG_ERR, "domain %u: cannot wait for its pty: %s", g->domid, strerror(errno));
}

void guest_tty_ready(struct daemon *d, struct guest *g, uint32_t events) {
    if (events & (EPOLLERR | EPOLLHUP)) {
        close_tty(g);
        if (!g->dead) open_tty(d, g);
        return;
    }
    if (events & EPOLLOUT) flush_tty(g);
    if (events & EPOLLIN) read_tty(d, g);
}

/* Life and death. */

static void guest_new(struct daemon *d, const struct xen_domctl_getdomaininfo *info) {
    struct guest *g = calloc(1, sizeof(*g));

    if (!g) {
        syslog(LOG_ERR, "domain %u: no memory for its console", info->domain);
        return;
    }
    g->domid = info->domain;
    memcpy(g->handle, info->handle, sizeof(g->handle));
    g->seen = true;
    g->port = g->master = g->slave = -1;
    g->log.fd = -1;
    g->backlog.max = LIMIT_DEFAULT;
    g->period_start = now_ms();
    g->next = d->guests;
    d->guests = g;
    watch_nodes(d, g, true); /* its first event leads to update_ring */
}

static void guest_died(struct daemon *d, struct guest *g) {
    if (g->dead) return;
    if (g->ring.page) take_output(d, g);
    disconnect_ring(d, g);
    watch_nodes(d, g, false);
    if (g->log_open) logfile_close(&g->log);
    g->log_open = false;
    g->dead = true;
    g->close_at = now_ms() + LINGER_MS;
}

static void guest_free(struct guest *g) {
    close_tty(g);
    backlog_free(&g->backlog);
    free(g);
}

/* Whether a terminal may still have something to read from a dead guest's pty. */
static bool tty_unread(const struct guest *g) {
    int waiting = 0;

    if (g->slave < 0) return false;
    return g->backlog.len || (!ioctl(g->slave, FIONREAD, &waiting) && waiting);
}

static struct guest *find_guest(struct daemon *d, domid_t domid) {
    struct guest *g;

    for (g = d->guests; g; g = g->next)
        if (g->domid == domid && !g->dead) return g;
    return NULL;
}

void guest_nodes_changed(struct daemon *d, domid_t domid) {
    struct guest *g = find_guest(d, domid);

    if (g) update_ring(d, g);
}

static void scan_one(struct daemon *d, const struct xen_domctl_getdomaininfo *info) {
    struct guest *g = find_guest(d, info->domain);

    if (g && memcmp(g->handle, info->handle, sizeof(g->handle))) {
        guest_died(d, g);
        g = NULL;
    }
    if (info->flags & XEN_DOMINF_dying) return; /* stays unseen, so that it counts as dead */
    if (g)
        g->seen = true;
    else
        guest_new(d, info);
}

void guests_scan(struct daemon *d) {
    struct xen_domctl_getdomaininfo *list;
    struct guest *g;
    int count = hv_domain_list_all(d->hv, &list), i;

    if (count < 0) {
        syslog(LOG_ERR, "cannot list domains: %s", hv_context(d->hv));
        return;
    }
    for (g = d->guests; g; g = g->next) g->seen = false;
    for (i = 0; i < count; i++)
        if (list[i].domain != 0) scan_one(d, &list[i]);
    free(list);
    for (g = d->guests; g; g = g->next)
        if (!g->seen) guest_died(d, g);
}

static void end_period(struct daemon *d, struct guest *g) {
    g->events = 0;
    g->period_start = now_ms();
    if (!g->masked || !g->ring.page) return;
    take_output(d, g);
    if (!may_take(d, g)) return;
    g->masked = false;
    evtchn_unmask(d->ev, (uint32_t)g->port);
}

static void sooner(int *timeout, int64_t ms) {
    if (ms < 0) ms = 0;
    if (*timeout < 0 || ms < *timeout) *timeout = (int)ms;
}

int guests_tick(struct daemon *d) {
    struct guest **link = &d->guests, *g;
    int64_t now = now_ms();
    int timeout = -1;

    while ((g = *link)) {
        if (g->dead && (!tty_unread(g) || now >= g->close_at)) {
            *link = g->next;
            guest_free(g);
            continue;
        }
        if (g->dead) sooner(&timeout, LINGER_STEP_MS);
        if (now - g->period_start >= RATE_PERIOD_MS) end_period(d, g);
        if (g->masked) sooner(&timeout, g->period_start + RATE_PERIOD_MS - now);
        watch_tty(d, g);
        link = &g->next;
    }
    return timeout;
}

void guests_forget_all(struct daemon *d) {
    struct guest *g;

    while ((g = d->guests)) {
        d->guests = g->next;
        guest_died(d, g);
        guest_free(g);
    }
}

void guests_republish(struct daemon *d) {
    struct guest *g;

    for (g = d->guests; g; g = g->next)
        if (!g->dead) {
            watch_nodes(d, g, true);
            publish_tty(d, g);
        }
}

void guests_reopen_logs(struct daemon *d) {
    struct guest *g;

    for (g = d->guests; g; g = g->next)
        if (g->log_open) logfile_reopen(&g->log);
}
