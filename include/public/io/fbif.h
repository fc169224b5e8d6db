/* SPDX-License-Identifier: MIT */
/*
 * A framebuffer in the guest's memory, shown by the back end.
 *
 * One shared page holds the description and two rings of events, "in" and "out" being seen from
 * the guest. The guest writes everything but in_prod, out_cons and the in ring. pd lists frames
 * that hold the frame numbers of the framebuffer; its numbers are as wide as the guest's protocol.
 *
 *  1. The back end writes feature-resize, and videoram, the most memory that it takes (KiB), and
 *     goes to InitWait. The front end fills the page, writes page-ref, event-channel, protocol and
 *     feature-update ("1": it can tell what changed), and goes to Initialised.
 *  2. The back end checks sizes and offsets against the memory described, maps the frames, writes
 *     request-update ("1": it wants to be told) and goes to Connected; so does the front end.
 *  3. The guest draws. It writes an event into "out", moves out_prod on and notifies; the back end
 *     copies the event, shows what changed, and moves out_cons on.
 */
#ifndef __XEN_PUBLIC_IO_FBIF_H__
#define __XEN_PUBLIC_IO_FBIF_H__

#include <stdint.h>

/* Out: a rectangle has changed. Sent only if the back end has set request-update. */
#define XENFB_TYPE_UPDATE 2
struct xenfb_update {
    uint8_t type;
    int32_t x;
    int32_t y;
    int32_t width;
    int32_t height;
};

/* Out: another mode. Sent only if the back end has set feature-resize. */
#define XENFB_TYPE_RESIZE 3
struct xenfb_resize {
    uint8_t type;
    int32_t width;
    int32_t height;
    int32_t stride; /* bytes in a line */
    int32_t depth;  /* bits in a pixel */
    int32_t offset; /* of the first pixel */
};

#define XENFB_OUT_EVENT_SIZE 40
union xenfb_out_event {
    uint8_t type;
    struct xenfb_update update;
    struct xenfb_resize resize;
    char pad[XENFB_OUT_EVENT_SIZE];
};

/* In: how often updates are wanted. */
#define XENFB_TYPE_REFRESH_PERIOD 1
#define XENFB_NO_REFRESH 0
struct xenfb_refresh_period {
    uint8_t type;
    uint32_t period; /* milliseconds; XENFB_NO_REFRESH: not at all */
};

#define XENFB_IN_EVENT_SIZE 40
union xenfb_in_event {
    uint8_t type;
    struct xenfb_refresh_period refresh_period;
    char pad[XENFB_IN_EVENT_SIZE];
};

/* The rings in the page. The count of events is no power of two: indices are taken modulo. */
#define XENFB_IN_RING_SIZE 1024
#define XENFB_IN_RING_LEN (XENFB_IN_RING_SIZE / XENFB_IN_EVENT_SIZE)
#define XENFB_IN_RING_OFFS 1024
#define XENFB_IN_RING(page) ((union xenfb_in_event *)((char *)(page) + XENFB_IN_RING_OFFS))
#define XENFB_IN_RING_REF(page, idx) (XENFB_IN_RING((page))[(idx) % XENFB_IN_RING_LEN])

#define XENFB_OUT_RING_SIZE 2048
#define XENFB_OUT_RING_LEN (XENFB_OUT_RING_SIZE / XENFB_OUT_EVENT_SIZE)
#define XENFB_OUT_RING_OFFS (XENFB_IN_RING_OFFS + XENFB_IN_RING_SIZE)
#define XENFB_OUT_RING(page) ((union xenfb_out_event *)((char *)(page) + XENFB_OUT_RING_OFFS))
#define XENFB_OUT_RING_REF(page, idx) (XENFB_OUT_RING((page))[(idx) % XENFB_OUT_RING_LEN])

struct xenfb_page {
    uint32_t in_cons, in_prod;
    uint32_t out_cons, out_prod;
    int32_t width;        /* pixels */
    int32_t height;       /* pixels */
    uint32_t line_length; /* bytes */
    uint32_t mem_length;  /* bytes of the whole framebuffer */
    uint8_t depth;        /* bits in a pixel */
    unsigned long pd[256];
};

#endif /* __XEN_PUBLIC_IO_FBIF_H__ */
