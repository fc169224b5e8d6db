/* SPDX-License-Identifier: MIT */
/*
 * Bytes in one direction through a ring in shared memory: the form of the console's and xenstore's
 * rings (public/io/console.h, xs_wire.h). The writer moves prod, the reader cons; both run freely
 * and are masked on use, so size is a power of two.
 *
 * An end trusts nothing in the page. The other end's index is read once a call, and a distance
 * larger than the ring is an error; its own index is kept in `at` and only published.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct stream_in { /* the reader's end */
    const char *data;
    uint32_t size;
    const uint32_t *prod; /* theirs */
    uint32_t *cons;       /* ours, published */
    uint32_t at;
};

struct stream_out { /* the writer's end */
    char *data;
    uint32_t size;
    const uint32_t *cons; /* theirs */
    uint32_t *prod;       /* ours, published */
    uint32_t at;
};

/* Go on where this end's published index stands, which an earlier holder of the end left there. */
void stream_in_attach(struct stream_in *s);
void stream_out_attach(struct stream_out *s);

/*
 * Takes at most max bytes: how many, or -XEN_EIO if the writer's index is impossible. What was
 * taken is the caller's alone; the writer may use the room as soon as this returns.
 */
long stream_take(struct stream_in *s, void *to, size_t max);
/* After -XEN_EIO: forgets whatever may be in the ring and goes on where the writer says it is. */
void stream_skip(struct stream_in *s);

/* How many bytes fit now, or -XEN_EIO if the reader's index is impossible. */
long stream_room(const struct stream_out *s);
/* Puts at most n bytes, as many as fit: how many, or -XEN_EIO. Notifying is the caller's. */
long stream_put(struct stream_out *s, const void *from, size_t n);
