/* SPDX-License-Identifier: MIT */
/*
 * Trusted platform modules. A TPM answers one command at a time, so there is one page for command
 * and response instead of a ring. Its packets are those of the TPM specification.
 *
 * Front end's nodes: ring-ref, event-channel, feature-protocol-v2 ("1"). Back end's node:
 * feature-protocol-v2. Both ends offer version 2 or they do not connect.
 *
 *  1. The front end writes the command behind the header, sets length and locality, and last state
 *     to SUBMIT; it notifies.
 *  2. The back end copies the command out and has it carried out; it writes the response in the
 *     same place, sets length, and last state to FINISH; it notifies.
 *  3. The front end reads the response. state stays at FINISH until the next command.
 *
 * While the back end works the front end may set CANCEL and notify. The back end then either
 * finishes as in 2, or gives up and sets IDLE; it may set IDLE for reasons of its own as well. Only
 * the front end sets SUBMIT and CANCEL, only the back end IDLE and FINISH.
 */
#ifndef __XEN_PUBLIC_IO_TPMIF_H__
#define __XEN_PUBLIC_IO_TPMIF_H__

#include "../grant_table.h"

enum tpmif_state {
    TPMIF_STATE_IDLE,   /* nothing there; a command was given up */
    TPMIF_STATE_SUBMIT, /* a command is there, the back end works */
    TPMIF_STATE_FINISH, /* a response is there */
    TPMIF_STATE_CANCEL, /* the back end works, and is asked to stop */
};

/*
 * The head of the page. The packet follows the extra_pages; what does not fit into this page goes
 * on in those that they grant. Set up by the front end, which asks the TPM how long a command can
 * be.
 */
struct tpmif_shared_page {
    uint32_t length;         /* of the packet, in bytes */
    uint8_t state;           /* enum tpmif_state */
    uint8_t locality;        /* of the command */
    uint8_t pad;             /* 0 */
    uint8_t nr_extra_pages;  /* entries of extra_pages */
    uint32_t extra_pages[0]; /* grants */
};
typedef struct tpmif_shared_page tpmif_shared_page_t;

/* Version 1: one request with a packet, by machine address and grant. Nobody speaks it any more. */
struct tpmif_tx_request {
    unsigned long addr;
    grant_ref_t ref;
    uint16_t unused;
    uint16_t size;
};
typedef struct tpmif_tx_request tpmif_tx_request_t;

typedef uint32_t TPMIF_RING_IDX;

#define TPMIF_TX_RING_SIZE 1

struct tpmif_ring {
    struct tpmif_tx_request req;
};
typedef struct tpmif_ring tpmif_ring_t;

struct tpmif_tx_interface {
    struct tpmif_ring ring[TPMIF_TX_RING_SIZE];
};
typedef struct tpmif_tx_interface tpmif_tx_interface_t;

#endif /* __XEN_PUBLIC_IO_TPMIF_H__ */
