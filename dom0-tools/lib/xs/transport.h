/* SPDX-License-Identifier: MIT */
/*
 * Inside libhxs: one connection, one request and its reply, and the events in between.
 *
 * h->lock covers everything in the handle but the file numbers, and is held for a whole request.
 * There is no thread: the descriptor that the user polls is an epoll set of the connection and of
 * `pending`, an eventfd that counts while the queue of events holds something.
 *
 * The daemon answers in the order of the requests. So requests may be sent before earlier ones are
 * answered, up to XS_AT_ONCE of them: fewer than would fill a socket with their answers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <public/io/xs_wire.h>

#define XS_AT_ONCE 32

/* A part of a request's payload. */
struct part {
    const void *data;
    size_t len;
};

struct event {
    struct event *next;
    size_t len;
    char data[]; /* path, token, and one NUL more */
};

struct xs_handle {
    pthread_mutex_t lock;
    int fd, poll_fd, pending;
    bool is_socket, broken, unwatch_filter;
    uint32_t next_id;
    bool together;             /* between xs_together() and xs_settle() */
    int failed;                /* errno of the first request in between that failed, or 0 */
    unsigned int unanswered;   /* of the latest requests */
    uint8_t asked[XS_AT_ONCE]; /* their types, by id */
    uint32_t out_len;          /* not sent yet */
    char out[2 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)];
    struct event *first, **last;
    uint32_t in_len;
    char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
};

/*
 * Sends a request, waits for its reply.  Returns the payload (malloc'ed, with a NUL behind it,
 * *len without that), or NULL with errno.  Takes the lock itself.
 */
void *xs_talk(struct xs_handle *h, uint32_t type, uint32_t tx, const struct part *parts,
              unsigned int nparts, size_t *len);
/* A request whose answer says no more than that it was done. Between xs_together() and xs_settle()
 * it is true at once. */
bool xs_tell(struct xs_handle *h, uint32_t type, uint32_t tx, const struct part *parts,
             unsigned int nparts);
/* With the lock held: takes in what has arrived, without waiting. */
int xs_take_in(struct xs_handle *h);
/* With the lock held: the first event, or NULL. */
struct event *xs_next_event(struct xs_handle *h);
/* With the lock held: forgets the events of that token whose path is subpath or below. */
void xs_drop_events(struct xs_handle *h, const char *path, const char *token);
