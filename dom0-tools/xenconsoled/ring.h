/* SPDX-License-Identifier: MIT */
/*
 * The console ring (public/io/console.h) seen from the backend, which is two byte streams, and the
 * backlog of output that waits for a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <public/io/console.h>

#include "stream/stream.h"

struct ring {
    struct xencons_interface *page; /* the guest's; NULL without one */
    struct stream_in out;           /* what the guest writes */
    struct stream_out in;
};

#define RING_OUT_SIZE sizeof(((struct xencons_interface *)0)->out)
#define RING_IN_SIZE  sizeof(((struct xencons_interface *)0)->in)

/* Goes on where an earlier backend stopped. */
void ring_attach(struct ring *ring, struct xencons_interface *page);

/*
 * Takes what the guest has written, at most RING_OUT_SIZE bytes. Returns how many; if the guest's
 * index is impossible, sets *bad, skips to it and returns 0.
 */
size_t ring_take(struct ring *ring, uint8_t *buf, bool *bad);

/* Free bytes towards the guest; 0 as well if the guest's index is impossible. */
size_t ring_room(const struct ring *ring);

/* Puts size bytes (at most ring_room()) towards the guest. */
void ring_put(struct ring *ring, const uint8_t *buf, size_t size);

/* Output that no terminal has taken yet; holds the newest `max` bytes. */
struct backlog {
    uint8_t *data;
    size_t start, len, cap, max;
};

/* Appends; what does not fit any more pushes out the oldest bytes. */
void backlog_add(struct backlog *log, const uint8_t *buf, size_t size);
void backlog_drop(struct backlog *log, size_t size);
void backlog_free(struct backlog *log);

static inline const uint8_t *backlog_head(const struct backlog *log) {
    return log->data + log->start;
}
