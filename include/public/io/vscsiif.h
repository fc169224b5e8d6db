/* SPDX-License-Identifier: MIT */
/*
 * SCSI targets of the back end's machine, for a guest that sends them commands of its own.
 *
 * A "host" is one front end; below it vscsi-devs/dev-N describe its targets. Addresses are
 * "host:channel:target:lun". Back end's nodes: feature-sg-grant, the segments of data that it takes
 * by way of granted pages (none given: only direct ones). By the tools, for each target: p-dev, the
 * machine's address or a world-wide name with a lun; v-dev, the guest's address; p-devname, for
 * people; state. Front end's nodes: ring-ref, event-channel, protocol; a state for each target.
 *
 * Adding a target to a host that is connected, or removing one:
 *  1. The tools write the target's nodes, with state Initialising (to remove: Closing), and set the
 *     state of the host's back end to Reconfiguring.
 *  2. The back end opens (closes) the target and sets its state to Initialised (Closed), and its
 *     own to Reconfigured; the front end follows, and both return to Connected.
 *  3. The tools wait for it, and remove the nodes of what was closed.
 *
 * A command:
 *  1. The front end fills a request. Its data are described by segments, directly in seg (at most
 *     VSCSIIF_SG_TABLESIZE), or, with VSCSIIF_SG_GRANT in nr_segments, by pages full of segments,
 *     each named by an entry of seg; their number follows from the lengths of those entries.
 *  2. The back end copies the request, maps the data, sends the command, and answers with the
 *     request's rqid.
 */
#ifndef __XEN__PUBLIC_IO_SCSI_H__
#define __XEN__PUBLIC_IO_SCSI_H__

#include "ring.h"
#include "../grant_table.h"

/* act */
#define VSCSIIF_ACT_SCSI_CDB 1       /* the command in cmnd */
#define VSCSIIF_ACT_SCSI_ABORT 2     /* give up the request ref_rqid */
#define VSCSIIF_ACT_SCSI_RESET 3     /* reset the target */
#define VSCSIIF_ACT_SCSI_SG_PRESET 4 /* former: more segments for the request that follows */

#define VSCSIIF_SG_TABLESIZE 26
#define VSCSIIF_MAX_COMMAND_SIZE 16
#define VSCSIIF_SENSE_BUFFERSIZE 96
#define VSCSIIF_PAGE_SIZE 4096

struct scsiif_request_segment {
    grant_ref_t gref;
    uint16_t offset;
    uint16_t length;
};
typedef struct scsiif_request_segment vscsiif_segment_t;

#define VSCSIIF_SG_PER_PAGE (VSCSIIF_PAGE_SIZE / sizeof(struct scsiif_request_segment))

struct vscsiif_request {
    uint16_t rqid;                          /* echoed in the response */
    uint8_t act;                            /* VSCSIIF_ACT_* */
    uint8_t cmd_len;                        /* valid bytes of cmnd */
    uint8_t cmnd[VSCSIIF_MAX_COMMAND_SIZE]; /* the command descriptor block */
    uint16_t timeout_per_command;           /* seconds; 0 is the back end's choice */
    uint16_t channel, id, lun;              /* the target, as in v-dev */
    uint16_t ref_rqid;                      /* for ABORT */
    uint8_t sc_data_direction;              /* 0 both ways, 1 to the device, 2 from it, 3 no data */
    uint8_t nr_segments;                    /* entries of seg */
#define VSCSIIF_SG_GRANT 0x80
    vscsiif_segment_t seg[VSCSIIF_SG_TABLESIZE];
    uint32_t reserved[3];
};
typedef struct vscsiif_request vscsiif_request_t;

/* The same slot for SG_PRESET. */
#define VSCSIIF_SG_LIST_SIZE ((sizeof(vscsiif_request_t) - 4) / sizeof(vscsiif_segment_t))
struct vscsiif_sg_list {
    uint16_t rqid;
    uint8_t act;
    uint8_t nr_segments;
    vscsiif_segment_t seg[VSCSIIF_SG_LIST_SIZE];
};
typedef struct vscsiif_sg_list vscsiif_sg_list_t;

struct vscsiif_response {
    uint16_t rqid;     /* of the request */
    uint8_t act;       /* VSCSIIF_ACT_SCSI_SG_PRESET or 0 */
    uint8_t sense_len; /* valid bytes of sense_buffer */
    uint8_t sense_buffer[VSCSIIF_SENSE_BUFFERSIZE];
    int32_t rslt;          /* XEN_VSCSIIF_RSLT_* */
    uint32_t residual_len; /* bytes that were not transferred */
    uint32_t reserved[36];
};
typedef struct vscsiif_response vscsiif_response_t;

/* rslt: the target's status, and what became of the command on its way there. */
#define XEN_VSCSIIF_RSLT_STATUS(x) ((x)&0x00ff)
#define XEN_VSCSIIF_RSLT_HOST(x) (((x)&0x00ff0000) >> 16)
#define XEN_VSCSIIF_RSLT_HOST_OK 0
#define XEN_VSCSIIF_RSLT_HOST_NO_CONNECT 1
#define XEN_VSCSIIF_RSLT_HOST_BUS_BUSY 2
#define XEN_VSCSIIF_RSLT_HOST_TIME_OUT 3
#define XEN_VSCSIIF_RSLT_HOST_BAD_TARGET 4
#define XEN_VSCSIIF_RSLT_HOST_ABORT 5
#define XEN_VSCSIIF_RSLT_HOST_PARITY 6
#define XEN_VSCSIIF_RSLT_HOST_ERROR 7
#define XEN_VSCSIIF_RSLT_HOST_RESET 8
#define XEN_VSCSIIF_RSLT_HOST_BAD_INTR 9
#define XEN_VSCSIIF_RSLT_HOST_PASSTHROUGH 10
#define XEN_VSCSIIF_RSLT_HOST_SOFT_ERROR 11
#define XEN_VSCSIIF_RSLT_HOST_IMM_RETRY 12
#define XEN_VSCSIIF_RSLT_HOST_REQUEUE 13
#define XEN_VSCSIIF_RSLT_HOST_TRANSPORT_DISRUPTED 14
#define XEN_VSCSIIF_RSLT_HOST_TRANSPORT_FAILFAST 15
#define XEN_VSCSIIF_RSLT_HOST_TARGET_FAILURE 16
#define XEN_VSCSIIF_RSLT_HOST_NEXUS_FAILURE 17
#define XEN_VSCSIIF_RSLT_HOST_ALLOC_FAILURE 18
#define XEN_VSCSIIF_RSLT_HOST_MEDIUM_ERROR 19
#define XEN_VSCSIIF_RSLT_HOST_TRANSPORT_MARGINAL 20

/* rslt of RESET */
#define XEN_VSCSIIF_RSLT_RESET_SUCCESS 0x2002
#define XEN_VSCSIIF_RSLT_RESET_FAILED 0x2003

DEFINE_RING_TYPES(vscsiif, struct vscsiif_request, struct vscsiif_response);

#endif /* __XEN__PUBLIC_IO_SCSI_H__ */
