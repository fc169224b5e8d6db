/* SPDX-License-Identifier: MIT */
/*
 * vchan: a stream of bytes in each direction between programs of two domains, which find each
 * other by xenstore: below a path of their choice the server writes ring-ref, the grant of the page
 * below, and event-channel.
 *
 *  1. The server prepares the page: the orders, the grants of data pages, srv_live 1, cli_live 2.
 *     It grants page and data pages, makes an unbound port, and writes both nodes.
 *  2. The client maps the page, checks the orders, maps the data, binds the port, sets cli_live to
 *     1 and notifies.
 *  3. A sender copies its data in and moves prod on; a receiver copies out and moves cons on. Then
 *     it looks into its own *_notify: if the bit for what it did is set, it clears it and notifies.
 *     Who finds nothing to do sets the bit it waits for in the peer's *_notify and looks once more.
 *  4. Who leaves sets its *_live to 0 and notifies. A server may wait for another client.
 *
 * "left" is written by the client, "right" by the server. Indices run freely.
 */
#ifndef __XEN_PUBLIC_IO_LIBXENVCHAN_H__
#define __XEN_PUBLIC_IO_LIBXENVCHAN_H__

#include <stdint.h>

struct ring_shared {
    uint32_t cons, prod;
};

/* Bits of *_notify: "wake me when you have" */
#define VCHAN_NOTIFY_WRITE 0x1 /* written */
#define VCHAN_NOTIFY_READ 0x2  /* read */

struct vchan_interface {
    struct ring_shared left, right;

    /*
     * Log2 of the size of each ring, and its place: 10 at 1024 and 11 at 2048 in this page, one
     * ring each; from 12 on in 2^(order - 12) pages of their own. Never changed once shared.
     */
    uint16_t left_order, right_order;

    uint8_t cli_live, srv_live; /* 0 gone, 1 there, client's only: 2 not there yet */

    /* Named by who acts upon it: set by the server, cli_notify tells the client to notify. */
    uint8_t cli_notify, srv_notify;

    uint32_t grants[0]; /* of the left ring's pages, then of the right one's; up to the rings */
};

#endif /* __XEN_PUBLIC_IO_LIBXENVCHAN_H__ */
