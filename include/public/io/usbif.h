/* SPDX-License-Identifier: MIT */
/*
 * USB devices of the back end's machine: the guest sees a host controller whose ports the tools
 * plug devices into.
 *
 * Back end's nodes: num-ports (1..31), usb-ver (1 for 1.1, 2 for 2.0), port/N (the device in port N
 * as the machine names it, such as "3-1.5"; empty for none). Front end's nodes: urb-ring-ref,
 * conn-ring-ref, event-channel (for both), protocol.
 *
 * Plugging, on the ring "conn":
 *  1. The front end fills it with empty requests.
 *  2. When a device comes or goes the back end answers one of them with port and speed.
 *  3. The front end posts another one.
 *
 * Transfers, on the ring "urb":
 *  1. The front end fills a request: pipe says where to and what kind; its data lie in the first
 *     segments, the frame descriptors of an isochronous one in nr_frame_desc_segs more.
 *  2. The back end copies the request, has it carried out, and answers with its id.
 *  3. A request with USBIF_PIPE_UNLINK asks for the end of the one named unlink_id; both are
 *     answered.
 */
#ifndef __XEN_PUBLIC_IO_USBIF_H__
#define __XEN_PUBLIC_IO_USBIF_H__

#include "ring.h"
#include "../grant_table.h"

/* The node usb-ver. */
enum usb_spec_version {
    USB_VER_UNKNOWN = 0,
    USB_VER_USB11,
    USB_VER_USB20,
    USB_VER_USB30, /* nobody serves it */
};

/* pipe: port 4..0, unlink 5, direction 7, device 14..8, endpoint 18..15, kind 31..30 */
#define USBIF_PIPE_PORT_MASK 0x0000001f
#define USBIF_PIPE_UNLINK 0x00000020
#define USBIF_PIPE_DIR 0x00000080 /* from the device */
#define USBIF_PIPE_DEV_MASK 0x0000007f
#define USBIF_PIPE_DEV_SHIFT 8
#define USBIF_PIPE_EP_MASK 0x0000000f
#define USBIF_PIPE_EP_SHIFT 15
#define USBIF_PIPE_TYPE_MASK 0x00000003
#define USBIF_PIPE_TYPE_SHIFT 30
#define USBIF_PIPE_TYPE_ISOC 0
#define USBIF_PIPE_TYPE_INT 1
#define USBIF_PIPE_TYPE_CTRL 2
#define USBIF_PIPE_TYPE_BULK 3

#define usbif_pipeportnum(pipe) ((pipe)&USBIF_PIPE_PORT_MASK)
#define usbif_setportnum_pipe(pipe, portnum) ((pipe) | (portnum))

#define usbif_pipeunlink(pipe) ((pipe)&USBIF_PIPE_UNLINK)
#define usbif_pipesubmit(pipe) (!usbif_pipeunlink(pipe))
#define usbif_setunlink_pipe(pipe) ((pipe) | USBIF_PIPE_UNLINK)

#define usbif_pipein(pipe) ((pipe)&USBIF_PIPE_DIR)
#define usbif_pipeout(pipe) (!usbif_pipein(pipe))

#define usbif_pipedevice(pipe) (((pipe) >> USBIF_PIPE_DEV_SHIFT) & USBIF_PIPE_DEV_MASK)

#define usbif_pipeendpoint(pipe) (((pipe) >> USBIF_PIPE_EP_SHIFT) & USBIF_PIPE_EP_MASK)

#define usbif_pipetype(pipe) (((pipe) >> USBIF_PIPE_TYPE_SHIFT) & USBIF_PIPE_TYPE_MASK)
#define usbif_pipeisoc(pipe) (usbif_pipetype(pipe) == USBIF_PIPE_TYPE_ISOC)
#define usbif_pipeint(pipe) (usbif_pipetype(pipe) == USBIF_PIPE_TYPE_INT)
#define usbif_pipectrl(pipe) (usbif_pipetype(pipe) == USBIF_PIPE_TYPE_CTRL)
#define usbif_pipebulk(pipe) (usbif_pipetype(pipe) == USBIF_PIPE_TYPE_BULK)

#define USBIF_MAX_SEGMENTS_PER_REQUEST (16)
#define USBIF_MAX_PORTNR 31
#define USBIF_RING_SIZE 4096

struct usbif_request_segment {
    grant_ref_t gref;
    uint16_t offset;
    uint16_t length;
};

struct usbif_urb_request {
    uint16_t id;             /* echoed in the response */
    uint16_t nr_buffer_segs; /* entries of seg for the data */
    uint32_t pipe;           /* see above */
    uint16_t transfer_flags;
#define USBIF_SHORT_NOT_OK 0x0001 /* less data than asked for is an error */
    uint16_t buffer_length;       /* of all data */
    union {
        uint8_t ctrl[8]; /* the setup packet */
        struct {
            uint16_t interval; /* milliseconds */
            uint16_t start_frame;
            uint16_t number_of_packets;
            uint16_t nr_frame_desc_segs; /* entries of seg behind those of the data */
        } isoc;
        struct {
            uint16_t interval; /* milliseconds */
            uint16_t pad[3];
        } intr;
        struct {
            uint16_t unlink_id; /* id of the request to end */
            uint16_t pad[3];
        } unlink;
    } u;
    struct usbif_request_segment seg[USBIF_MAX_SEGMENTS_PER_REQUEST];
};
typedef struct usbif_urb_request usbif_urb_request_t;

struct usbif_urb_response {
    uint16_t id;          /* of the request */
    uint16_t start_frame; /* isochronous: that it began with */
    int32_t status;       /* USBIF_STATUS_* */
#define USBIF_STATUS_OK 0
#define USBIF_STATUS_NODEV (-19)
#define USBIF_STATUS_INVAL (-22)
#define USBIF_STATUS_STALL (-32)
#define USBIF_STATUS_IOERROR (-71)
#define USBIF_STATUS_BABBLE (-75)
#define USBIF_STATUS_SHUTDOWN (-108)
    int32_t actual_length; /* bytes transferred */
    int32_t error_count;   /* isochronous: packets that failed */
};
typedef struct usbif_urb_response usbif_urb_response_t;

DEFINE_RING_TYPES(usbif_urb, struct usbif_urb_request, struct usbif_urb_response);
#define USB_URB_RING_SIZE __CONST_RING_SIZE(usbif_urb, USBIF_RING_SIZE)

struct usbif_conn_request {
    uint16_t id; /* echoed in the response */
};
typedef struct usbif_conn_request usbif_conn_request_t;

struct usbif_conn_response {
    uint16_t id;           /* of the request */
    uint8_t portnum;       /* 1..num-ports */
    uint8_t speed;         /* USBIF_SPEED_* */
#define USBIF_SPEED_NONE 0 /* unplugged */
#define USBIF_SPEED_LOW 1
#define USBIF_SPEED_FULL 2
#define USBIF_SPEED_HIGH 3
};
typedef struct usbif_conn_response usbif_conn_response_t;

DEFINE_RING_TYPES(usbif_conn, struct usbif_conn_request, struct usbif_conn_response);
#define USB_CONN_RING_SIZE __CONST_RING_SIZE(usbif_conn, USBIF_RING_SIZE)

#endif /* __XEN_PUBLIC_IO_USBIF_H__ */
