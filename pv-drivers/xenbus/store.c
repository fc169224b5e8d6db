/* SPDX-License-Identifier: MIT */
/* A guest's connection to xenstore: see store.h. */
#include "store.h"

#include <public/errno.h>

#define NO_REPLY UINT32_MAX /* next_id never takes it */

static size_t length(const char *text) {
    size_t n = 0;

    while (text[n]) n++;
    return n;
}

void store_init(struct store *s, struct xenstore_domain_interface *page, struct pv_port *port,
                void (*event)(struct store *s, const char *path, const char *token)) {
    s->port = port;
    s->event = event;
    s->req = (struct stream_out){.data = page->req,
                                 .size = sizeof(page->req),
                                 .cons = &page->req_cons,
                                 .prod = &page->req_prod};
    s->rsp = (struct stream_in){.data = page->rsp,
                                .size = sizeof(page->rsp),
                                .prod = &page->rsp_prod,
                                .cons = &page->rsp_cons};
    stream_out_attach(&s->req);
    stream_in_attach(&s->rsp);
    s->next_id = 0;
    s->broken = false;
    s->have = 0;
}

static long give_up(struct store *s) {
    s->broken = true;
    return -XEN_EIO;
}

/* Takes a part of the incoming message up to its byte `end`; true once that is here. */
static long take_until(struct store *s, void *to, uint32_t start, uint32_t end) {
    while (s->have < end) {
        long n = stream_take(&s->rsp, (char *)to + (s->have - start), end - s->have);

        if (n <= 0) return n;
        s->have += (uint32_t)n;
        s->port->notify(s->port);
    }
    return 1;
}

/* 1: a whole message is in head and body; 0: not yet. */
static long take_message(struct store *s) {
    long rc = take_until(s, &s->head, 0, sizeof(s->head));

    if (rc > 0 && s->head.len > XENSTORE_PAYLOAD_MAX) rc = -XEN_EIO;
    if (rc > 0) rc = take_until(s, s->body, sizeof(s->head), sizeof(s->head) + s->head.len);
    if (rc > 0) {
        s->have = 0;
        s->body[s->head.len] = '\0';
    }
    return rc;
}

/* Path and token, both ended by a NUL; the one that we put behind the body ends the worst case. */
static void hand_on(struct store *s) {
    size_t path = length(s->body);

    if (s->event && path < s->head.len) s->event(s, s->body, s->body + path + 1);
}

/*
 * Takes messages until the reply to request `id` is here (1) or nothing more is (0). A message that
 * is neither an event nor that reply breaks the protocol: there is one request at a time.
 */
static long take_reply(struct store *s, uint32_t id) {
    long rc;

    while ((rc = take_message(s)) > 0) {
        if (s->head.type == XS_WATCH_EVENT)
            hand_on(s);
        else if (s->head.req_id == id)
            return 1;
        else
            return give_up(s);
    }
    return rc < 0 ? give_up(s) : 0;
}

static long put_all(struct store *s, const void *data, size_t n) {
    for (size_t done = 0; done < n;) {
        long now = stream_put(&s->req, (const char *)data + done, n - done);

        if (now < 0) return give_up(s);
        done += (size_t)now;
        s->port->notify(s->port);
        if (done == n) break;
        /* The daemon may be waiting for room for an event; it stops reading until it has it. */
        now = take_reply(s, NO_REPLY);
        if (now < 0) return now;
        s->port->wait(s->port);
    }
    return 0;
}

static long error_by_name(const struct store *s) {
    static const struct {
        const char *name;
        long value;
    } errors[] = {
#define XEN_ERRNO(name, value) {#name, value},
#include <public/errno.h>
    };

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        size_t n = length(errors[i].name);

        if (n <= s->head.len && !__builtin_memcmp(s->body, errors[i].name, n + 1))
            return -errors[i].value;
    }
    return -XEN_EINVAL;
}

long store_request(struct store *s, uint32_t type, uint32_t tx, const struct store_part *parts,
                   unsigned int nr) {
    struct xsd_sockmsg head = {.type = type, .req_id = s->next_id, .tx_id = tx};
    size_t size = 0;
    unsigned int i;
    long rc;

    if (s->broken) return -XEN_EIO;
    for (i = 0; i < nr; i++) {
        size += parts[i].len;
        if (parts[i].len > XENSTORE_PAYLOAD_MAX || size > XENSTORE_PAYLOAD_MAX) return -XEN_E2BIG;
    }
    head.len = (uint32_t)size;
    s->next_id = (s->next_id + 1) % NO_REPLY;
    rc = put_all(s, &head, sizeof(head));
    for (i = 0; i < nr && !rc; i++) rc = put_all(s, parts[i].data, parts[i].len);
    if (rc) return rc;
    while (!(rc = take_reply(s, head.req_id))) s->port->wait(s->port);
    if (rc < 0) return rc;
    if (s->head.type == XS_ERROR) return error_by_name(s);
    return s->head.type == type ? (long)s->head.len : give_up(s);
}

long store_ask(struct store *s, uint32_t type, uint32_t tx, const char *first, const char *second) {
    struct store_part parts[2];
    unsigned int nr = 0;

    if (first) parts[nr++] = (struct store_part){first, length(first) + 1};
    if (second) parts[nr++] = (struct store_part){second, length(second) + 1};
    return store_request(s, type, tx, parts, nr);
}

long store_write(struct store *s, uint32_t tx, const char *path, const char *value) {
    struct store_part parts[] = {{path, length(path) + 1}, {value, length(value)}};

    return store_request(s, XS_WRITE, tx, parts, 2);
}

long store_begin(struct store *s) {
    long rc = store_ask(s, XS_TRANSACTION_START, 0, "", NULL), tx = 0;

    if (rc < 0) return rc;
    for (const char *c = s->body; *c >= '0' && *c <= '9' && tx <= UINT32_MAX; c++)
        tx = 10 * tx + (*c - '0');
    return tx && tx <= UINT32_MAX ? tx : give_up(s);
}

long store_end(struct store *s, uint32_t tx, bool commit) {
    long rc = store_ask(s, XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL);

    return rc < 0 ? rc : 0;
}

long store_poll(struct store *s) { return s->broken ? -XEN_EIO : take_reply(s, NO_REPLY); }
