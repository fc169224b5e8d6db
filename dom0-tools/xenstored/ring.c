/* SPDX-License-Identifier: MIT */
/* Copying in and out of the xenstore rings. */
#include "ring.h"

#include <errno.h>
#include <string.h>

static uint32_t load(const uint32_t *idx) { return __atomic_load_n(idx, __ATOMIC_ACQUIRE); }

static void store(uint32_t *idx, uint32_t v) { __atomic_store_n(idx, v, __ATOMIC_RELEASE); }

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

int ring_read(struct xenstore_domain_interface *page, void *buf, size_t len) {
    uint32_t prod = load(&page->req_prod), cons = load(&page->req_cons);
    size_t off = MASK_XENSTORE_IDX(cons), n, first;

    if (prod - cons > XENSTORE_RING_SIZE) return -EIO;
    n = min_size(len, prod - cons);
    first = min_size(n, XENSTORE_RING_SIZE - off);
    memcpy(buf, page->req + off, first);
    memcpy((char *)buf + first, page->req, n - first);
    if (n) store(&page->req_cons, cons + (uint32_t)n);
    return (int)n;
}

int ring_write(struct xenstore_domain_interface *page, const void *buf, size_t len) {
    uint32_t cons = load(&page->rsp_cons), prod = load(&page->rsp_prod);
    size_t off = MASK_XENSTORE_IDX(prod), n, first;

    if (prod - cons > XENSTORE_RING_SIZE) return -EIO;
    n = min_size(len, XENSTORE_RING_SIZE - (prod - cons));
    first = min_size(n, XENSTORE_RING_SIZE - off);
    memcpy(page->rsp + off, buf, first);
    memcpy(page->rsp, (const char *)buf + first, n - first);
    if (n) store(&page->rsp_prod, prod + (uint32_t)n);
    return (int)n;
}

void ring_reset(struct xenstore_domain_interface *page) {
    store(&page->req_cons, 0);
    store(&page->req_prod, 0);
    store(&page->rsp_cons, 0);
    store(&page->rsp_prod, 0);
}
