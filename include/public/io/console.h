/* SPDX-License-Identifier: MIT */
/*
 * The console: one page with two rings of bytes.
 *
 *  1. The tools give the domain a page and a port in start_info, and the daemon the same in
 *     xenstore (console/ring-ref, console/port). Further consoles are devices: their front ends
 *     write ring-ref and port, and the states of xenbus.h apply.
 *  2. Who has bytes copies them into its ring as far as there is room, then moves its prod on.
 *  3. Who reads copies bytes out, then moves its cons on.
 *
 * The guest writes out and out_prod, the daemon out_cons; the daemon writes in and in_prod, the
 * guest in_cons. Indices run freely; prod - cons is the number of bytes waiting and, coming from
 * the other end, may be nonsense. After moving an index notify the port.
 */
#ifndef __XEN_PUBLIC_IO_CONSOLE_H__
#define __XEN_PUBLIC_IO_CONSOLE_H__

#include <stdint.h>

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring) ((idx) & (sizeof(ring) - 1))

struct xencons_interface {
    char in[1024];
    char out[2048];
    XENCONS_RING_IDX in_cons, in_prod;
    XENCONS_RING_IDX out_cons, out_prod;
};

#endif /* __XEN_PUBLIC_IO_CONSOLE_H__ */
