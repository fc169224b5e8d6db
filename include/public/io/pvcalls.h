/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the back end's domain: a guest's socket calls are carried out there.
 *
 * Back end's nodes: versions (a list, such as "1"), max-page-order (of a data ring), function-calls
 * ("1": all the commands below). Front end's nodes: version, ring-ref and port, for the ring of
 * commands.
 *
 *  1. The front end puts a request on the ring of commands: req_id is echoed in the response, id
 *     names the socket and is the front end's choice. The back end answers by a response with ret 0
 *     or a negative errno (errno.h); to PVCALLS_ACCEPT and PVCALLS_POLL it answers when there is
 *     something to accept.
 *  2. For a socket that carries data, PVCALLS_CONNECT and PVCALLS_ACCEPT bring the grant of a
 *     pvcalls_data_intf page and an unbound port. The back end maps the page and the pages that it
 *     lists, and moves bytes between them and the socket: "in" is towards the front end.
 *  3. Receiver and sender of a direction notify the port after moving cons or prod on. An end of
 *     the stream or an error is written by the back end into in_error or out_error, as a negative
 *     errno (-ENOTCONN: the peer is gone), after the last data.
 *  4. PVCALLS_RELEASE ends the socket; the front end takes its pages back after the response.
 *
 * domain, type, protocol and addr are those of the Linux socket calls: only AF_INET (2),
 * SOCK_STREAM (1) and 0 are in version 1; addr has len valid bytes.
 */
#ifndef __XEN_PUBLIC_IO_PVCALLS_H__
#define __XEN_PUBLIC_IO_PVCALLS_H__

#include "../grant_table.h"
#include "ring.h"

/* As XEN_FLEX_RING has it, with an error for each direction. */
struct pvcalls_data_intf {
    RING_IDX in_cons, in_prod, in_error;
    uint8_t pad1[52];
    RING_IDX out_cons, out_prod, out_error;
    uint8_t pad2[52];
    RING_IDX ring_order; /* pages of data are 2^ring_order */
    __extension__ grant_ref_t ref[];
};
DEFINE_XEN_FLEX_RING(pvcalls);

#define PVCALLS_SOCKET 0
#define PVCALLS_CONNECT 1
#define PVCALLS_RELEASE 2
#define PVCALLS_BIND 3
#define PVCALLS_LISTEN 4
#define PVCALLS_ACCEPT 5
#define PVCALLS_POLL 6

struct xen_pvcalls_request {
    uint32_t req_id;
    uint32_t cmd; /* PVCALLS_* */
    union {
        struct xen_pvcalls_socket {
            uint64_t id;
            uint32_t domain;
            uint32_t type;
            uint32_t protocol;
            uint8_t pad[4];
        } socket;
        struct xen_pvcalls_connect {
            uint64_t id;
            uint8_t addr[28];
            uint32_t len;
            uint32_t flags;
            grant_ref_t ref; /* of the data ring's interface page */
            uint32_t evtchn; /* its port */
            uint8_t pad[4];
        } connect;
        struct xen_pvcalls_release {
            uint64_t id;
            uint8_t reuse; /* a hint: the ring's pages will serve another socket soon */
            uint8_t pad[7];
        } release;
        struct xen_pvcalls_bind {
            uint64_t id;
            uint8_t addr[28];
            uint32_t len;
        } bind;
        struct xen_pvcalls_listen {
            uint64_t id;
            uint32_t backlog;
            uint8_t pad[4];
        } listen;
        struct xen_pvcalls_accept {
            uint64_t id;     /* the listening socket */
            uint64_t id_new; /* name for the accepted one */
            grant_ref_t ref;
            uint32_t evtchn;
        } accept;
        struct xen_pvcalls_poll {
            uint64_t id;
        } poll;
        struct xen_pvcalls_dummy {
            uint8_t dummy[56];
        } dummy;
    } u;
};

struct xen_pvcalls_response {
    uint32_t req_id; /* of the request */
    uint32_t cmd;    /* of the request */
    int32_t ret;     /* 0 or a negative errno */
    uint32_t pad;
    union { /* ids are those of the request; accept: that of the listening socket */
        struct _xen_pvcalls_socket {
            uint64_t id;
        } socket;
        struct _xen_pvcalls_connect {
            uint64_t id;
        } connect;
        struct _xen_pvcalls_release {
            uint64_t id;
        } release;
        struct _xen_pvcalls_bind {
            uint64_t id;
        } bind;
        struct _xen_pvcalls_listen {
            uint64_t id;
        } listen;
        struct _xen_pvcalls_accept {
            uint64_t id;
        } accept;
        struct _xen_pvcalls_poll {
            uint64_t id;
        } poll;
        struct _xen_pvcalls_dummy {
            uint8_t dummy[8];
        } dummy;
    } u;
};

DEFINE_RING_TYPES(xen_pvcalls, struct xen_pvcalls_request, struct xen_pvcalls_response);

#endif /* __XEN_PUBLIC_IO_PVCALLS_H__ */
