/* SPDX-License-Identifier: MIT */
/*
 * The guest's memory: taking it from the hypervisor, and writing to it through short-lived
 * foreign mappings. A claim makes sure up front that all of it is there, so that a creation that
 * cannot succeed fails before it has filled anything.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../foreign.h"
#include "../guestmem.h"
#include "../sysctl.h"

#define BIG_ORDER 9u
#define BIG_PAGES (1u << BIG_ORDER)
#define BATCH     256u /* 2 MiB extents asked for at a time */
/* Frames mapped at a time: a kernel's segment is one copy, which the C library makes past the
 * caches if it is larger than they are. */
#define MAP_PAGES 16384u

static int no_memory(const struct builder *b, int ret, uint64_t have, struct err *err) {
    uint64_t need = b->layout.nr_pages, free = 0;
    struct xen_sysctl_physinfo info;
    const char *advice;

    if (!hv_physinfo(b->hv, &info)) free = info.free_pages - info.outstanding_pages;
    /* With enough left it was the domain's maximum, or what the hypervisor itself needs. */
    advice = need - have > free ? "lower 'memory' or stop another domain"
                                : "that is enough, and the hypervisor refused: see `xl dmesg`";
    return err_set(err, ret,
                   "memory: domain %u needs %" PRIu64 " MiB, got %" PRIu64 " MiB, %" PRIu64
                   " MiB are free: %s",
                   b->domid, need >> 8, have >> 8, free >> 8, advice);
}

/* Claims are an optimisation of failure: a hypervisor without them is no error. */
static int claim(struct builder *b, struct err *err) {
    int ret;

    if (b->params.no_claim) return 0;
    ret = hv_claim_pages(b->hv, b->domid, b->layout.nr_pages);
    if (ret == -ENOSYS || ret == -EOPNOTSUPP || ret == -EPERM) return 0;
    if (ret == -ENOMEM) return no_memory(b, ret, 0, err);
    return ret < 0 ? err_set(err, ret, "memory: %s", hv_context(b->hv)) : 0;
}

/* Single pages for [pfn, pfn + count). */
static int populate_small(struct builder *b, uint64_t pfn, uint64_t count, struct err *err) {
    uint64_t i;
    int ret;

    for (i = pfn; i < pfn + count; i++) b->p2m[i] = i;
    ret = hv_populate_physmap(b->hv, b->domid, b->p2m + pfn, (unsigned int)count, 0, 0);
    if (ret < 0 && ret != -ENOMEM) return err_set(err, ret, "memory: %s", hv_context(b->hv));
    if (ret < 0 || (uint64_t)ret < count)
        return no_memory(b, -ENOMEM, pfn + (ret > 0 ? (uint64_t)ret : 0), err);
    return 0;
}

/* As many 2 MiB extents as can be had from pfn on; returns how many. */
static unsigned int populate_big(struct builder *b, uint64_t pfn, unsigned int count) {
    xen_pfn_t extents[BATCH];
    unsigned int i, j;
    int got;

    for (i = 0; i < count; i++) extents[i] = pfn + (uint64_t)i * BIG_PAGES;
    got = hv_populate_physmap(b->hv, b->domid, extents, count, BIG_ORDER, 0);
    for (i = 0; got > 0 && i < (unsigned int)got; i++)
        for (j = 0; j < BIG_PAGES; j++) b->p2m[pfn + (uint64_t)i * BIG_PAGES + j] = extents[i] + j;
    return got > 0 ? (unsigned int)got : 0;
}

static int populate_all(struct builder *b, struct err *err) {
    uint64_t pfn = 0, left, nr = b->layout.nr_pages, small;
    unsigned int want, got;
    int ret;

    while (pfn < nr) {
        left = nr - pfn;
        want = left / BIG_PAGES < BATCH ? (unsigned int)(left / BIG_PAGES) : BATCH;
        got = want ? populate_big(b, pfn, want) : 0;
        pfn += (uint64_t)got * BIG_PAGES;
        if (want && got == want) continue;
        small = want ? (uint64_t)(want - got) * BIG_PAGES : nr - pfn;
        ret = populate_small(b, pfn, small, err);
        if (ret) return ret;
        pfn += small;
    }
    return 0;
}

/* The claim comes first: too little memory is then told as that, before anything is taken. */
int builder_populate(struct builder *b, struct err *err) {
    int ret = claim(b, err);

    if (ret) return ret;
    b->p2m = calloc(b->layout.nr_pages, sizeof(*b->p2m));
    ret = b->p2m
              ? populate_all(b, err)
              : err_set(err, -ENOMEM, "memory: dom0 has no memory for the p2m of %" PRIu64 " pages",
                        b->layout.nr_pages);
    if (!b->params.no_claim) hv_claim_pages(b->hv, b->domid, 0);
    return ret;
}

/* Where a write stands: file bytes left to copy, then zeros, at a place in the guest. */
struct cursor {
    uint64_t paddr, left, mem_left;
    const uint8_t *data;
};

static void advance(struct cursor *at, uint8_t *dst, uint64_t room) {
    uint64_t part = at->mem_left < room ? at->mem_left : room;
    uint64_t copy = at->left < part ? at->left : part;

    if (copy) memcpy(dst, at->data, copy);
    memset(dst + copy, 0, part - copy);
    at->data += copy;
    at->left -= copy;
    at->mem_left -= part;
    at->paddr += part;
}

int builder_write(struct builder *b, uint64_t paddr, const void *data, uint64_t size,
                  uint64_t mem_size, struct err *err) {
    struct cursor at = {paddr, size, mem_size, data};
    uint64_t pfn, offset, pages;
    uint8_t *window;

    while (at.mem_left) {
        pfn = at.paddr >> LAYOUT_PAGE_SHIFT;
        offset = at.paddr & (LAYOUT_PAGE_SIZE - 1);
        pages = (offset + at.mem_left + LAYOUT_PAGE_SIZE - 1) >> LAYOUT_PAGE_SHIFT;
        if (pages > MAP_PAGES) pages = MAP_PAGES;
        if (pfn + pages > b->layout.nr_pages)
            return err_set(err, -ERANGE, "write to pfn %#" PRIx64 " is beyond the guest's memory",
                           pfn + pages - 1);
        window = hv_map_foreign(b->hv, b->domid, b->p2m + pfn, pages);
        if (!window) return err_set(err, -errno, "%s", hv_context(b->hv));
        advance(&at, window + offset, pages * LAYOUT_PAGE_SIZE - offset);
        hv_unmap(window, pages);
    }
    return 0;
}
