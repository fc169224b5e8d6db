/* SPDX-License-Identifier: MIT */
/*
 * A guest's connection to xenstore: messages of public/io/xs_wire.h over the ring page. One request
 * at a time; events that come meanwhile are handed on at once, from inside the call.
 *
 * A daemon that sends what cannot be (an impossible index, a message that is too long) makes the
 * connection unusable: this call and all later ones give -XEN_EIO.
 */
#pragma once

#include <stdbool.h>

#include <public/io/xs_wire.h>

#include "../port.h"
#include "../stream/stream.h"

struct store {
    struct pv_port *port;
    /* A watch fired. The texts are valid during the call, which may not make requests. */
    void (*event)(struct store *s, const char *path, const char *token);
    struct stream_out req;
    struct stream_in rsp;
    uint32_t next_id;
    bool broken;
    /* The message that is coming in: `have` bytes of head and body are here. */
    struct xsd_sockmsg head;
    uint32_t have;
    /* The last reply, with a NUL behind it; valid until the next call. */
    char body[XENSTORE_PAYLOAD_MAX + 1];
};

/* page: start_info's store_mfn, mapped. port: its store_evtchn. event may be NULL. */
void store_init(struct store *s, struct xenstore_domain_interface *page, struct pv_port *port,
                void (*event)(struct store *s, const char *path, const char *token));

/* A part of a request's payload. */
struct store_part {
    const void *data;
    size_t len;
};

/*
 * Sends a request and waits for its reply, whose payload is then in s->body. Returns its length,
 * or a negative error: the one that the reply names (s->body has the name; -XEN_EINVAL if it is
 * none of the ABI's), -XEN_E2BIG for parts longer than XENSTORE_PAYLOAD_MAX, -XEN_EIO.
 */
long store_request(struct store *s, uint32_t type, uint32_t tx, const struct store_part *parts,
                   unsigned int nr);
/* The same with texts, each with its NUL, which is how most requests look; NULL ends them. */
long store_ask(struct store *s, uint32_t type, uint32_t tx, const char *first, const char *second);

/* A value is not followed by a NUL on the wire. */
long store_write(struct store *s, uint32_t tx, const char *path, const char *value);
/* Starts a transaction: its id, or an error. */
long store_begin(struct store *s);
/* Ends it. -XEN_EAGAIN: somebody changed what it saw; do it all again. */
long store_end(struct store *s, uint32_t tx, bool commit);

/* Takes in the events that have come, without waiting. 0 or -XEN_EIO. */
long store_poll(struct store *s);
