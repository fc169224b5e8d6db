/* SPDX-License-Identifier: MIT */
/*
 * Network interfaces: a ring for each direction (named from the guest's side), optionally several
 * pairs, and optionally a control ring.
 *
 * Front end's nodes: tx-ring-ref, rx-ring-ref, event-channel or event-channel-tx and -rx (below
 * queue-N/ with multi-queue-num-queues), request-rx-copy, feature-rx-notify, feature-sg,
 * feature-gso-tcpv4, feature-gso-tcpv6, feature-no-csum-offload, feature-ipv6-csum-offload,
 * feature-multicast-control, ctrl-ring-ref, event-channel-ctrl.
 * Back end's nodes: mac, handle, bridge, script; feature-rx-copy, feature-sg, feature-gso-*,
 * feature-split-event-channels, multi-queue-max-queues, feature-ctrl-ring.
 *
 *  1. The back end writes its features and goes to InitWait. The front end grants the rings, makes
 *     ports, writes its nodes and goes to Connected. The back end maps, binds and goes to
 *     Connected.
 *  2. Sending: the front end grants the packet's pages for reading and pushes the slots. The back
 *     end copies the slots, checks them against each other, takes the data, and answers every slot,
 *     the extra ones with NETIF_RSP_NULL; then the page is the front end's again.
 *  3. Receiving: the front end posts empty pages granted for writing. The back end copies a packet
 *     into as many as it needs and answers each with where and how much.
 *  4. On the control ring the front end asks and the back end answers one request after another.
 *
 * A packet takes one or more slots. Sending: the first slot's size is that of the whole packet,
 * the others' of their own part; NETTXF_more_data says that another follows; slots of extra
 * information, flagged in the first, stand right behind it. Receiving: the guest posts empty
 * pages, the back end answers in the same order.
 */
#ifndef __XEN_PUBLIC_IO_NETIF_H__
#define __XEN_PUBLIC_IO_NETIF_H__

#include "ring.h"
#include "../grant_table.h"

/* Slots for one packet that every back end takes. */
#define XEN_NETIF_NR_SLOTS_MIN 18

/* Control ring: hashing of received packets over queues, and grants that stay mapped. */
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4 0
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4 (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP 1
#define XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6 2
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6 (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6)
#define _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP 3
#define XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP (1 << _XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP)

#define XEN_NETIF_CTRL_HASH_ALGORITHM_NONE 0
#define XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ 1

struct xen_netif_ctrl_request {
    uint16_t id;
    uint16_t type;
#define XEN_NETIF_CTRL_TYPE_INVALID 0
#define XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS 1
#define XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS 2
#define XEN_NETIF_CTRL_TYPE_SET_HASH_KEY 3
#define XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE 4
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE 5
#define XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING 6
#define XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM 7
#define XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE 8
#define XEN_NETIF_CTRL_TYPE_ADD_GREF_MAPPING 9
#define XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING 10
    uint32_t data[3];
};

struct xen_netif_ctrl_response {
    uint16_t id;
    uint16_t type;
    uint32_t status;
#define XEN_NETIF_CTRL_STATUS_SUCCESS 0
#define XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED 1
#define XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER 2
#define XEN_NETIF_CTRL_STATUS_BUFFER_OVERFLOW 3
    uint32_t data;
};

/* An entry of the array that ADD_ and DEL_GREF_MAPPING name. */
struct xen_netif_gref {
    grant_ref_t ref; /* IN */
    uint16_t flags;  /* IN */
#define _XEN_NETIF_CTRLF_GREF_readonly 0
#define XEN_NETIF_CTRLF_GREF_readonly (1U << _XEN_NETIF_CTRLF_GREF_readonly)
    uint16_t status; /* OUT: XEN_NETIF_CTRL_STATUS_* */
};

DEFINE_RING_TYPES(xen_netif_ctrl, struct xen_netif_ctrl_request, struct xen_netif_ctrl_response);

/* Flags of a slot to send. */
#define _NETTXF_csum_blank (0)
#define NETTXF_csum_blank (1U << _NETTXF_csum_blank) /* the checksum is still to be completed */
#define _NETTXF_data_validated (1)
#define NETTXF_data_validated (1U << _NETTXF_data_validated) /* the data is known to be right */
#define _NETTXF_more_data (2)
#define NETTXF_more_data (1U << _NETTXF_more_data)
#define _NETTXF_extra_info (3)
#define NETTXF_extra_info (1U << _NETTXF_extra_info)

#define XEN_NETIF_MAX_TX_SIZE 0xFFFF
struct netif_tx_request {
    grant_ref_t gref; /* the page */
    uint16_t offset;  /* in it */
    uint16_t flags;   /* NETTXF_* */
    uint16_t id;      /* echoed in the response */
    uint16_t size;
};
typedef struct netif_tx_request netif_tx_request_t;

/* A slot of extra information, in either direction. */
#define XEN_NETIF_EXTRA_TYPE_NONE (0)
#define XEN_NETIF_EXTRA_TYPE_GSO (1)
#define XEN_NETIF_EXTRA_TYPE_MCAST_ADD (2)
#define XEN_NETIF_EXTRA_TYPE_MCAST_DEL (3)
#define XEN_NETIF_EXTRA_TYPE_HASH (4)
#define XEN_NETIF_EXTRA_TYPE_MAX (5)

#define _XEN_NETIF_EXTRA_FLAG_MORE (0)
#define XEN_NETIF_EXTRA_FLAG_MORE (1U << _XEN_NETIF_EXTRA_FLAG_MORE) /* another one follows */

#define XEN_NETIF_GSO_TYPE_NONE (0)
#define XEN_NETIF_GSO_TYPE_TCPV4 (1)
#define XEN_NETIF_GSO_TYPE_TCPV6 (2)

struct netif_extra_info {
    uint8_t type;  /* XEN_NETIF_EXTRA_TYPE_* */
    uint8_t flags; /* XEN_NETIF_EXTRA_FLAG_* */
    union {
        struct {
            uint16_t size; /* of a segment's payload */
            uint8_t type;  /* XEN_NETIF_GSO_TYPE_* */
            uint8_t pad;
            uint16_t features;
        } gso;
        struct {
            uint8_t addr[6];
        } mcast;
        struct {
            uint8_t type;      /* bit number of XEN_NETIF_CTRL_HASH_TYPE_* */
            uint8_t algorithm; /* XEN_NETIF_CTRL_HASH_ALGORITHM_* */
            uint8_t value[4];
        } hash;
        uint16_t pad[3];
    } u;
};
typedef struct netif_extra_info netif_extra_info_t;

struct netif_tx_response {
    uint16_t id;
    int16_t status; /* NETIF_RSP_* */
};
typedef struct netif_tx_response netif_tx_response_t;

struct netif_rx_request {
    uint16_t id; /* echoed in the response */
    uint16_t pad;
    grant_ref_t gref; /* an empty page */
};
typedef struct netif_rx_request netif_rx_request_t;

/* Flags of a received slot. */
#define _NETRXF_data_validated (0)
#define NETRXF_data_validated (1U << _NETRXF_data_validated)
#define _NETRXF_csum_blank (1)
#define NETRXF_csum_blank (1U << _NETRXF_csum_blank)
#define _NETRXF_more_data (2)
#define NETRXF_more_data (1U << _NETRXF_more_data)
#define _NETRXF_extra_info (3)
#define NETRXF_extra_info (1U << _NETRXF_extra_info)
#define _NETRXF_gso_prefix (4)
#define NETRXF_gso_prefix (1U << _NETRXF_gso_prefix)

struct netif_rx_response {
    uint16_t id;
    uint16_t offset; /* where the data begins in the page */
    uint16_t flags;  /* NETRXF_* */
    int16_t status;  /* bytes, or NETIF_RSP_* if negative */
};
typedef struct netif_rx_response netif_rx_response_t;

DEFINE_RING_TYPES(netif_tx, struct netif_tx_request, struct netif_tx_response);
DEFINE_RING_TYPES(netif_rx, struct netif_rx_request, struct netif_rx_response);

#define NETIF_RSP_DROPPED -2
#define NETIF_RSP_ERROR -1
#define NETIF_RSP_OKAY 0
#define NETIF_RSP_NULL 1 /* answers a slot of extra information */

#endif /* __XEN_PUBLIC_IO_NETIF_H__ */
