/* SPDX-License-Identifier: MIT */
/* Copying in and out of the xenstore rings. */
#include "ring.h"

#include <errno.h>

#include "stream/stream.h"

/*
 * Our positions are those in the page: a daemon that is started anew goes on there, and a guest
 * that changes them harms only itself.
 */
int ring_read(struct xenstore_domain_interface *page, void *buf, size_t len) {
    struct stream_in req = {.data = page->req,
                            .size = XENSTORE_RING_SIZE,
                            .prod = &page->req_prod,
                            .cons = &page->req_cons};
    long n;

    stream_in_attach(&req);
    n = stream_take(&req, buf, len);
    return n < 0 ? -EIO : (int)n;
}

int ring_write(struct xenstore_domain_interface *page, const void *buf, size_t len) {
    struct stream_out rsp = {.data = page->rsp,
                             .size = XENSTORE_RING_SIZE,
                             .cons = &page->rsp_cons,
                             .prod = &page->rsp_prod};
    long n;

    stream_out_attach(&rsp);
    n = stream_put(&rsp, buf, len);
    return n < 0 ? -EIO : (int)n;
}

void ring_reset(struct xenstore_domain_interface *page) {
    __atomic_store_n(&page->req_cons, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&page->req_prod, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&page->rsp_cons, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&page->rsp_prod, 0, __ATOMIC_RELEASE);
}
