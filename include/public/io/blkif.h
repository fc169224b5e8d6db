/* SPDX-License-Identifier: MIT */
/*
 * Block devices.
 *
 * Front end's nodes: virtual-device, device-type (disk, cdrom), ring-ref (or ring-page-order with
 * ring-ref0..), event-channel, protocol, feature-persistent.
 * Back end's nodes: params, type, mode (r, w), physical-device, dev; sectors, sector-size,
 * physical-sector-size, info (VDISK_*); feature-barrier, feature-flush-cache, feature-discard with
 * discard-granularity, discard-alignment and discard-secure, feature-persistent,
 * feature-max-indirect-segments, max-ring-page-order.
 *
 *  1. The back end opens what it serves, writes its features and goes to InitWait.
 *  2. The front end reads the features, grants the pages of the ring, makes a port, writes its
 *     nodes and goes to Initialised.
 *  3. The back end maps the ring, binds the port, writes sectors, sector-size and info, and goes to
 *     Connected; so does the front end.
 *  4. The front end grants the pages of its data, fills a request and pushes it. The back end
 *     copies the request, checks it (segments, the end of the disk, read-only), maps the pages,
 *     does it, and answers in any order. The pages are the front end's again with the response.
 *  5. When the front end is Closing, the back end finishes what it has, drops the ring and goes to
 *     Closed.
 *
 * Sectors count in units of 512 bytes whatever sector-size says. With persistent grants neither
 * end drops a mapping or a grant while they are connected.
 */
#ifndef __XEN_PUBLIC_IO_BLKIF_H__
#define __XEN_PUBLIC_IO_BLKIF_H__

#include "ring.h"
#include "../grant_table.h"

#ifndef blkif_vdev_t
#define blkif_vdev_t uint16_t
#endif
#define blkif_sector_t uint64_t

#define BLKIF_OP_READ 0
#define BLKIF_OP_WRITE 1
#define BLKIF_OP_WRITE_BARRIER 2   /* after all earlier ones, before all later ones */
#define BLKIF_OP_FLUSH_DISKCACHE 3 /* what is complete becomes durable */
#define BLKIF_OP_RESERVED_1 4
#define BLKIF_OP_DISCARD 5
#define BLKIF_OP_INDIRECT 6 /* a read or write whose segments stand in pages of their own */

#define BLKIF_MAX_SEGMENTS_PER_REQUEST 11
#define BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST 8

/* A part of a page: 512-byte sectors first_sect..last_sect, both included. */
struct blkif_request_segment {
    grant_ref_t gref;
    uint8_t first_sect, last_sect;
};

struct blkif_request {
    uint8_t operation;   /* BLKIF_OP_* */
    uint8_t nr_segments; /* at most BLKIF_MAX_SEGMENTS_PER_REQUEST */
    blkif_vdev_t handle; /* virtual-device, for read and write */
    uint64_t id;         /* echoed in the response */
    blkif_sector_t sector_number;
    struct blkif_request_segment seg[BLKIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct blkif_request blkif_request_t;

/* The same slot for BLKIF_OP_DISCARD. */
struct blkif_request_discard {
    uint8_t operation;
    uint8_t flag;
#define BLKIF_DISCARD_SECURE (1 << 0)
    blkif_vdev_t handle;
    uint64_t id;
    blkif_sector_t sector_number;
    uint64_t nr_sectors;
};
typedef struct blkif_request_discard blkif_request_discard_t;

/* The same slot for BLKIF_OP_INDIRECT: each page holds up to 512 blkif_request_segment. */
struct blkif_request_indirect {
    uint8_t operation;
    uint8_t indirect_op; /* BLKIF_OP_READ or WRITE */
    uint16_t nr_segments;
    uint64_t id;
    blkif_sector_t sector_number;
    blkif_vdev_t handle;
    grant_ref_t indirect_grefs[BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST];
};
typedef struct blkif_request_indirect blkif_request_indirect_t;

struct blkif_response {
    uint64_t id;       /* of the request */
    uint8_t operation; /* of the request */
    int16_t status;    /* BLKIF_RSP_* */
};
typedef struct blkif_response blkif_response_t;

#define BLKIF_RSP_EOPNOTSUPP -2
#define BLKIF_RSP_ERROR -1
#define BLKIF_RSP_OKAY 0

DEFINE_RING_TYPES(blkif, struct blkif_request, struct blkif_response);

/* Bits of the node "info". */
#define VDISK_CDROM 0x1
#define VDISK_REMOVABLE 0x2
#define VDISK_READONLY 0x4

#endif /* __XEN_PUBLIC_IO_BLKIF_H__ */
