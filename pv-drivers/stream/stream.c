/* SPDX-License-Identifier: MIT */
/* Byte streams: see stream.h. */
#include "stream.h"

#include <public/errno.h>

/* Pairs with publish(): what the other end wrote before its index is seen after it. */
static uint32_t theirs(const uint32_t *index) { return __atomic_load_n(index, __ATOMIC_ACQUIRE); }

/*
 * In full order: whoever publishes may then look at the other end's index to decide whether to
 * sleep, and the other end does the same. One of the two must see the other's.
 */
static void publish(uint32_t *index, uint32_t value) {
    __atomic_store_n(index, value, __ATOMIC_SEQ_CST);
}

static uint32_t smaller(uint32_t a, size_t b) { return b < a ? (uint32_t)b : a; }

void stream_in_attach(struct stream_in *s) { s->at = theirs(s->cons); }

void stream_out_attach(struct stream_out *s) { s->at = theirs(s->prod); }

long stream_take(struct stream_in *s, void *to, size_t max) {
    uint32_t waiting = theirs(s->prod) - s->at, at = s->at & (s->size - 1), n, first;

    if (waiting > s->size) return -XEN_EIO;
    n = smaller(waiting, max);
    if (!n) return 0;
    first = smaller(n, s->size - at);
    __builtin_memcpy(to, s->data + at, first);
    __builtin_memcpy((char *)to + first, s->data, n - first);
    publish(s->cons, s->at += n);
    return n;
}

void stream_skip(struct stream_in *s) { publish(s->cons, s->at = theirs(s->prod)); }

long stream_room(const struct stream_out *s) {
    uint32_t used = s->at - theirs(s->cons);

    return used > s->size ? -XEN_EIO : (long)(s->size - used);
}

long stream_put(struct stream_out *s, const void *from, size_t n) {
    long room = stream_room(s);
    uint32_t at = s->at & (s->size - 1), now, first;

    if (room <= 0) return room;
    now = smaller((uint32_t)room, n);
    if (!now) return 0;
    first = smaller(now, s->size - at);
    __builtin_memcpy(s->data + at, from, first);
    __builtin_memcpy(s->data, (const char *)from + first, now - first);
    publish(s->prod, s->at += now);
    return now;
}
