/* SPDX-License-Identifier: MIT */
/* Console ring and backlog: see ring.h. */
#include "ring.h"

#include <stdlib.h>
#include <string.h>

void ring_attach(struct ring *ring, struct xencons_interface *page) {
    ring->page = page;
    ring->out = (struct stream_in){
        .data = page->out, .size = RING_OUT_SIZE, .prod = &page->out_prod, .cons = &page->out_cons};
    ring->in = (struct stream_out){
        .data = page->in, .size = RING_IN_SIZE, .cons = &page->in_cons, .prod = &page->in_prod};
    stream_in_attach(&ring->out);
    stream_out_attach(&ring->in);
}

size_t ring_take(struct ring *ring, uint8_t *buf, bool *bad) {
    long size = stream_take(&ring->out, buf, RING_OUT_SIZE);

    *bad = size < 0;
    if (*bad) stream_skip(&ring->out);
    return *bad ? 0 : (size_t)size;
}

size_t ring_room(const struct ring *ring) {
    long room = stream_room(&ring->in);

    return room < 0 ? 0 : (size_t)room;
}

void ring_put(struct ring *ring, const uint8_t *buf, size_t size) {
    stream_put(&ring->in, buf, size);
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
