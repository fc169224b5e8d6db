/* SPDX-License-Identifier: MIT */
/*
 * Connections: a socket of a dom0 program or the ring of a domain, and their messages.
 *
 * Everything behind a connection is bounded: requests are read into a fixed buffer;
 * a domain's replies and the events its requests cause count against its quotas and stop its
 * ring from being read; a socket that does not read its events is closed at OUT_LIMIT; while
 * dom0's kernel has much to read no domain's ring is read.
 *
 * A connection is freed only by conn_reap(), from the main loop: code that finds it broken calls
 * conn_kill(), which takes away watches and transactions at once and leaves the memory.
 */
#pragma once

#include "util.h"

#include <stdbool.h>
#include <stdint.h>
#include <public/io/xs_wire.h>

#define OUT_LIMIT (16u << 20)

struct domain;

struct msg {
    struct list link;   /* in conn.out */
    struct list caused; /* in the list of events that count against cause */
    uint32_t cause;     /* domain */
    uint64_t deadline;  /* when it stops counting */
    uint32_t len;       /* of data */
    char data[];        /* header and payload */
};

struct conn {
    struct list all;
    struct list ready; /* on the main loop's list of connections with work */
    struct list out;
    struct list watches;
    struct list txns;
    unsigned int ntxns;
    uint32_t next_txn;
    int fd;             /* -1: a ring */
    struct domain *dom; /* NULL: a socket */
    uint32_t domid;
    struct domain *target; /* whose rights it has too (a device model), or NULL */
    size_t out_bytes;
    uint32_t out_sent;      /* of the first message */
    bool dead;              /* to be reaped */
    bool ignored;           /* a ring that broke the protocol: neither read nor written */
    bool polled_out;        /* the main loop waits for the socket to take more */
    struct xsd_sockmsg req; /* the request being answered */
    uint32_t in_at, in_len; /* what is handled of in[], and what is there */
    char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1]; /* one NUL more, for parsing */
};

extern struct list conns;
extern struct list ready_conns;
/* Called when the answer to "wait for the socket to take more?" changes. */
extern void (*conn_poll_out)(struct conn *c, bool on);

struct conn *conn_new_socket(int fd);
struct conn *conn_new_ring(struct domain *d);
void conn_kill(struct conn *c);
/* Frees the dead ones. */
void conn_reap(void);
/* Makes the main loop look at it. */
void conn_ready(struct conn *c);
/* For a ring that is introduced again: forgets watches, transactions, and what is half done. */
void conn_reset(struct conn *c);

bool conn_is_privileged(const struct conn *c);
/* "/local/domain/<id>": what relative paths begin at. */
const char *conn_home(const struct conn *c);

void conn_reply(struct conn *c, uint32_t type, const void *data, uint32_t len);
void conn_reply_error(struct conn *c, int err);
/* cause: the connection whose request caused it, or NULL. */
void conn_event(struct conn *c, const char *path, const char *token, struct conn *cause);

/*
 * Reads, handles a request (dom0's: some that came together), writes.  True if there may be more to
 * do at once. *wait_ms is lowered if the connection is held back and may go on after that time.
 */
bool conn_work(struct conn *c, int *wait_ms);

/* Lets go of events nobody has read in time; returns the ms until the next, or -1. */
int conn_expire_events(void);
