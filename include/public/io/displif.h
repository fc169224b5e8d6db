/* SPDX-License-Identifier: MIT */
/*
 * Displays with several connectors, each showing one of many frame buffers. (A single frame buffer
 * is fbif.h's.)
 *
 * Back end's node: versions, a list. Front end's nodes: version; be-alloc ("1", by the tools: the
 * back end may allocate buffers). For each connector N, below N/: resolution (width x height, by
 * the tools), unique-id, req-ring-ref and req-event-channel for requests, evt-ring-ref and
 * evt-event-channel for events.
 *
 *  1. The tools write the nodes that configure; the back end opens its display and goes to
 *     InitWait.
 *  2. The front end chooses a version, writes rings and ports of every connector, and goes to
 *     Initialised; the back end maps them and goes to Connected, and so does the front end.
 *  3. DBUF_CREATE: memory for pixels. FB_ATTACH: a view of it with a size and format.
 *  4. SET_CONFIG on a connector: it shows a frame buffer from now on (all zero: nothing).
 *  5. PG_FLIP on a connector: another frame buffer; when it is on the screen an event says so.
 *  6. FB_DETACH, DBUF_DESTROY: the front end has its pages back with the response.
 *
 * Cookies are the front end's names for buffers, never 0, never used twice at a time. Requests
 * about buffers go over connector 0, the others over their own. Every request, response and event
 * is 64 bytes; what is reserved is 0. A grant of 0 is none. Sizes of buffers and resolution need
 * not agree.
 */
#ifndef __XEN_PUBLIC_IO_DISPLIF_H__
#define __XEN_PUBLIC_IO_DISPLIF_H__

#include "ring.h"
#include "../grant_table.h"

#define XENDISPL_PROTOCOL_VERSION "2"
#define XENDISPL_PROTOCOL_VERSION_INT 2

/* xendispl_req.operation */
#define XENDISPL_OP_DBUF_CREATE 0x10
#define XENDISPL_OP_DBUF_DESTROY 0x11
#define XENDISPL_OP_FB_ATTACH 0x12
#define XENDISPL_OP_FB_DETACH 0x13
#define XENDISPL_OP_SET_CONFIG 0x14
#define XENDISPL_OP_PG_FLIP 0x15
#define XENDISPL_OP_GET_EDID 0x16 /* since version 2 */

/* xendispl_evt.type */
#define XENDISPL_EVT_PG_FLIP 0x00

/* Names and separators in xenstore. */
#define XENDISPL_DRIVER_NAME "vdispl"

#define XENDISPL_LIST_SEPARATOR ","
#define XENDISPL_RESOLUTION_SEPARATOR "x"

#define XENDISPL_FIELD_BE_VERSIONS "versions"
#define XENDISPL_FIELD_FE_VERSION "version"
#define XENDISPL_FIELD_REQ_RING_REF "req-ring-ref"
#define XENDISPL_FIELD_REQ_CHANNEL "req-event-channel"
#define XENDISPL_FIELD_EVT_RING_REF "evt-ring-ref"
#define XENDISPL_FIELD_EVT_CHANNEL "evt-event-channel"
#define XENDISPL_FIELD_RESOLUTION "resolution"
#define XENDISPL_FIELD_BE_ALLOC "be-alloc"
#define XENDISPL_FIELD_UNIQUE_ID "unique-id"

#define XENDISPL_EDID_BLOCK_SIZE 128
#define XENDISPL_EDID_BLOCK_COUNT 256
#define XENDISPL_EDID_MAX_SIZE (XENDISPL_EDID_BLOCK_SIZE * XENDISPL_EDID_BLOCK_COUNT)

#define XENDISPL_DBUF_FLG_REQ_ALLOC (1 << 0) /* the back end allocates; needs be-alloc */

/*
 * DBUF_CREATE. The directory is allocated and granted by the front end, which also links its pages.
 * Who allocates the buffer, grants its pages and fills gref[]: the front end before the request,
 * the back end before its response.
 */
struct xendispl_dbuf_create_req {
    uint64_t dbuf_cookie;
    uint32_t width;             /* pixels */
    uint32_t height;            /* pixels */
    uint32_t bpp;               /* bits for a pixel */
    uint32_t buffer_sz;         /* bytes; says how many grants there are */
    uint32_t flags;             /* XENDISPL_DBUF_FLG_* */
    grant_ref_t gref_directory; /* the first page of the directory */
    uint32_t data_ofs;          /* where the pixels begin in the buffer */
};

/* A page of a directory: as many grants as fit into it. */
struct xendispl_page_directory {
    grant_ref_t gref_dir_next_page; /* 0 in the last one */
    grant_ref_t gref[1];
};

struct xendispl_dbuf_destroy_req {
    uint64_t dbuf_cookie;
};

struct xendispl_fb_attach_req {
    uint64_t dbuf_cookie;
    uint64_t fb_cookie;    /* the name of the new one */
    uint32_t width;        /* pixels */
    uint32_t height;       /* pixels */
    uint32_t pixel_format; /* FourCC */
};

struct xendispl_fb_detach_req {
    uint64_t fb_cookie;
};

/* SET_CONFIG: x, y, width and height stay within the connector's resolution. */
struct xendispl_set_config_req {
    uint64_t fb_cookie;
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
    uint32_t bpp;
};

struct xendispl_page_flip_req {
    uint64_t fb_cookie;
};

/* GET_EDID: what the display says of itself; prevails over the node "resolution". */
struct xendispl_get_edid_req {
    uint32_t buffer_sz;         /* at least XENDISPL_EDID_MAX_SIZE */
    grant_ref_t gref_directory; /* of the front end's pages to write it to */
};

struct xendispl_get_edid_resp {
    uint32_t edid_sz; /* bytes written */
};

struct xendispl_pg_flip_evt {
    uint64_t fb_cookie;
};

struct xendispl_req {
    uint16_t id;       /* echoed in the response */
    uint8_t operation; /* XENDISPL_OP_* */
    uint8_t reserved[5];
    union {
        struct xendispl_dbuf_create_req dbuf_create;
        struct xendispl_dbuf_destroy_req dbuf_destroy;
        struct xendispl_fb_attach_req fb_attach;
        struct xendispl_fb_detach_req fb_detach;
        struct xendispl_set_config_req set_config;
        struct xendispl_page_flip_req pg_flip;
        struct xendispl_get_edid_req get_edid;
        uint8_t reserved[56];
    } op;
};

struct xendispl_resp {
    uint16_t id;       /* of the request */
    uint8_t operation; /* of the request */
    uint8_t reserved;
    int32_t status; /* 0 or a negative errno (errno.h) */
    union {
        struct xendispl_get_edid_resp get_edid;
        uint8_t reserved1[56];
    } op;
};

struct xendispl_evt {
    uint16_t id;
    uint8_t type; /* XENDISPL_EVT_* */
    uint8_t reserved[5];
    union {
        struct xendispl_pg_flip_evt pg_flip;
        uint8_t reserved[56];
    } op;
};

DEFINE_RING_TYPES(xen_displif, struct xendispl_req, struct xendispl_resp);

/*
 * The page of events: the back end writes events and in_prod, the front end in_cons. Both run
 * freely; their number is no power of two, so indices are taken modulo.
 */
struct xendispl_event_page {
    uint32_t in_cons;
    uint32_t in_prod;
    uint8_t reserved[56];
};

#define XENDISPL_EVENT_PAGE_SIZE 4096
#define XENDISPL_IN_RING_OFFS (sizeof(struct xendispl_event_page))
#define XENDISPL_IN_RING_SIZE (XENDISPL_EVENT_PAGE_SIZE - XENDISPL_IN_RING_OFFS)
#define XENDISPL_IN_RING_LEN (XENDISPL_IN_RING_SIZE / sizeof(struct xendispl_evt))
#define XENDISPL_IN_RING(page) ((struct xendispl_evt *)((char *)(page) + XENDISPL_IN_RING_OFFS))
#define XENDISPL_IN_RING_REF(page, idx) (XENDISPL_IN_RING((page))[(idx) % XENDISPL_IN_RING_LEN])

#endif /* __XEN_PUBLIC_IO_DISPLIF_H__ */
