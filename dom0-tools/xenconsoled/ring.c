/* SPDX-License-Identifier: MIT */
/* Console ring and backlog: see ring.h. */
#include "ring.h"

#include <stdlib.h>
#include <string.h>

static uint32_t load(const XENCONS_RING_IDX *index) {
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

/* Full order: the peer must see the index before it can see that we then look at its own. */
static void publish(XENCONS_RING_IDX *index, uint32_t value) {
    __atomic_store_n(index, value, __ATOMIC_SEQ_CST);
}

void ring_attach(struct ring *ring, struct xencons_interface *page) {
    ring->page = page;
    ring->out_cons = load(&page->out_cons);
    ring->in_prod = load(&page->in_prod);
}

size_t ring_take(struct ring *ring, uint8_t *buf, bool *bad) {
    uint32_t prod = load(&ring->page->out_prod);
    uint32_t size = prod - ring->out_cons, at = ring->out_cons & (RING_OUT_SIZE - 1), first;

    *bad = size > RING_OUT_SIZE;
    if (*bad) size = 0;
    first = RING_OUT_SIZE - at < size ? (uint32_t)RING_OUT_SIZE - at : size;
    memcpy(buf, ring->page->out + at, first);
    memcpy(buf + first, ring->page->out, size - first);
    if (size || *bad) {
        ring->out_cons = prod;
        publish(&ring->page->out_cons, prod);
    }
    return size;
}

size_t ring_room(const struct ring *ring) {
    uint32_t used = ring->in_prod - load(&ring->page->in_cons);

    return used <= RING_IN_SIZE ? RING_IN_SIZE - used : 0;
}

void ring_put(struct ring *ring, const uint8_t *buf, size_t size) {
    uint32_t at = ring->in_prod & (RING_IN_SIZE - 1);
    size_t first = RING_IN_SIZE - at < size ? RING_IN_SIZE - at : size;

    memcpy(ring->page->in + at, buf, first);
    memcpy(ring->page->in, buf + first, size - first);
    ring->in_prod += (uint32_t)size;
    publish(&ring->page->in_prod, ring->in_prod);
}

/*
 * Makes room for size bytes behind the data. The memory may be twice as large as what it may hold,
 * so that moving the data to the front costs little per byte even when the backlog is full.
 */
static bool backlog_reserve(struct backlog *log, size_t size) {
    size_t cap = log->cap ? log->cap : 4096;
    uint8_t *data;

    if (log->start + log->len + size <= log->cap) return true;
    while (cap < 2 * (log->len + size) && cap < 2 * log->max) cap *= 2;
    if (cap > 2 * log->max) cap = 2 * log->max;
    if (cap > log->cap) {
        data = realloc(log->data, cap);
        if (data) {
            log->data = data;
            log->cap = cap;
        }
    }
    if (log->len) memmove(log->data, log->data + log->start, log->len);
    log->start = 0;
    return log->len + size <= log->cap;
}

void backlog_add(struct backlog *log, const uint8_t *buf, size_t size) {
    if (size > log->max) {
        buf += size - log->max;
        size = log->max;
    }
    if (log->len + size > log->max) backlog_drop(log, log->len + size - log->max);
    if (!size || !backlog_reserve(log, size)) return;
    memcpy(log->data + log->start + log->len, buf, size);
    log->len += size;
}

void backlog_drop(struct backlog *log, size_t size) {
    log->start += size;
    log->len -= size;
    if (!log->len) log->start = 0;
}

void backlog_free(struct backlog *log) {
    free(log->data);
    *log = (struct backlog){.max = log->max};
}
