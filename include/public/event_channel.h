/* SPDX-License-Identifier: MIT */
/*
 * Event channels: one-bit notifications to a domain.
 *
 * A port is a number local to a domain. It is free, unbound (waiting for a named peer), or bound
 * to a peer's port, a virtual interrupt, a physical interrupt or another vcpu of the domain. A
 * notification sets the port's pending bit; if the port is not masked the vcpu that it is assigned
 * to gets an upcall. Setting a bit that is set already does nothing more: events merge, so a
 * handler clears the bit first and looks for work afterwards.
 *
 * event_channel_op(EVTCHNOP_*, &argument). "dom" may be DOMID_SELF; only a privileged caller may
 * name another domain there.
 */
#ifndef __XEN_PUBLIC_EVENT_CHANNEL_H__
#define __XEN_PUBLIC_EVENT_CHANNEL_H__

#include "xen.h"

#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq 1
#define EVTCHNOP_bind_pirq 2
#define EVTCHNOP_close 3
#define EVTCHNOP_send 4
#define EVTCHNOP_status 5
#define EVTCHNOP_alloc_unbound 6
#define EVTCHNOP_bind_ipi 7
#define EVTCHNOP_bind_vcpu 8
#define EVTCHNOP_unmask 9
#define EVTCHNOP_reset 10
#define EVTCHNOP_init_control 11
#define EVTCHNOP_expand_array 12
#define EVTCHNOP_set_priority 13
#ifdef __XEN__
#define EVTCHNOP_reset_cont 14 /* a preempted reset goes on; never accepted from a guest's code */
#endif

typedef uint32_t evtchn_port_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_port_t);

/* alloc_unbound: give dom a new port to which remote_dom (and it alone) may connect. */
struct evtchn_alloc_unbound {
    domid_t dom, remote_dom; /* IN */
    evtchn_port_t port;      /* OUT: in dom */
};
typedef struct evtchn_alloc_unbound evtchn_alloc_unbound_t;

/*
 * bind_interdomain: connect a new local port to remote_port, which must be unbound and wait for
 * the caller. The new port is made pending at once, in case the peer signalled before.
 */
struct evtchn_bind_interdomain {
    domid_t remote_dom;        /* IN */
    evtchn_port_t remote_port; /* IN */
    evtchn_port_t local_port;  /* OUT */
};
typedef struct evtchn_bind_interdomain evtchn_bind_interdomain_t;

/* bind_virq: a new port for a VIRQ_* on a vcpu; once per vcpu, or for global ones on vcpu 0. */
struct evtchn_bind_virq {
    uint32_t virq;      /* IN */
    uint32_t vcpu;      /* IN */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_virq evtchn_bind_virq_t;

/* bind_pirq: a new port for a physical interrupt mapped with PHYSDEVOP_map_pirq. */
struct evtchn_bind_pirq {
    uint32_t pirq; /* IN */
#define BIND_PIRQ__WILL_SHARE 1
    uint32_t flags;     /* IN: BIND_PIRQ__* */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_pirq evtchn_bind_pirq_t;

/* bind_ipi: a new port that notifies the given vcpu of the caller's domain; it never moves. */
struct evtchn_bind_ipi {
    uint32_t vcpu;      /* IN */
    evtchn_port_t port; /* OUT */
};
typedef struct evtchn_bind_ipi evtchn_bind_ipi_t;

/* close: free the port; a peer's end becomes unbound again, waiting for the caller. */
struct evtchn_close {
    evtchn_port_t port; /* IN */
};
typedef struct evtchn_close evtchn_close_t;

/* send: notify whoever is at the other end. Nothing happens if nobody is connected yet. */
struct evtchn_send {
    evtchn_port_t port; /* IN */
};
typedef struct evtchn_send evtchn_send_t;

/* status: what a port is. */
struct evtchn_status {
    domid_t dom;        /* IN */
    evtchn_port_t port; /* IN */
#define EVTCHNSTAT_closed 0
#define EVTCHNSTAT_unbound 1
#define EVTCHNSTAT_interdomain 2
#define EVTCHNSTAT_pirq 3
#define EVTCHNSTAT_virq 4
#define EVTCHNSTAT_ipi 5
    uint32_t status; /* OUT: EVTCHNSTAT_* */
    uint32_t vcpu;   /* OUT: the vcpu it notifies */
    union {          /* OUT */
        struct {
            domid_t dom; /* who may connect */
        } unbound;
        struct {
            domid_t dom;
            evtchn_port_t port;
        } interdomain;
        uint32_t pirq;
        uint32_t virq;
    } u;
};
typedef struct evtchn_status evtchn_status_t;

/* bind_vcpu: notify another vcpu from now on (vcpu 0 at first). Not for IPIs and per-vcpu VIRQs. */
struct evtchn_bind_vcpu {
    evtchn_port_t port; /* IN */
    uint32_t vcpu;      /* IN */
};
typedef struct evtchn_bind_vcpu evtchn_bind_vcpu_t;

/* unmask: clear the mask bit, and deliver if the port is pending. */
struct evtchn_unmask {
    evtchn_port_t port; /* IN */
};
typedef struct evtchn_unmask evtchn_unmask_t;

/* reset: close all ports; a domain that resets itself also goes back to the 2-level form. */
struct evtchn_reset {
    domid_t dom; /* IN */
};
typedef struct evtchn_reset evtchn_reset_t;

/*
 * init_control: place a vcpu's control block for the FIFO form (not across a page end, 8-byte
 * aligned). The first call switches the domain to FIFO; events pending then are lost.
 */
struct evtchn_init_control {
    uint64_t control_gfn; /* IN */
    uint32_t offset;      /* IN: in that page */
    uint32_t vcpu;        /* IN */
    uint8_t link_bits;    /* OUT: width of the link field */
    uint8_t _pad[7];
};
typedef struct evtchn_init_control evtchn_init_control_t;

/* expand_array: add one page of event words, for the next 1024 ports. */
struct evtchn_expand_array {
    uint64_t array_gfn; /* IN */
};
typedef struct evtchn_expand_array evtchn_expand_array_t;

/* set_priority: the queue a port's events go to (FIFO form only). */
struct evtchn_set_priority {
    evtchn_port_t port; /* IN */
    uint32_t priority;  /* IN: 0 is served first */
};
typedef struct evtchn_set_priority evtchn_set_priority_t;

/* The argument of the old hypercall 16, which carried its command inside. */
struct evtchn_op {
    uint32_t cmd; /* EVTCHNOP_* */
    union {
        evtchn_alloc_unbound_t alloc_unbound;
        evtchn_bind_interdomain_t bind_interdomain;
        evtchn_bind_virq_t bind_virq;
        evtchn_bind_pirq_t bind_pirq;
        evtchn_bind_ipi_t bind_ipi;
        evtchn_close_t close;
        evtchn_send_t send;
        evtchn_status_t status;
        evtchn_bind_vcpu_t bind_vcpu;
        evtchn_unmask_t unmask;
    } u;
};
typedef struct evtchn_op evtchn_op_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_op_t);

/* 2-level form: one bit for each port in shared_info, 4096 ports. */
#define EVTCHN_2L_NR_CHANNELS (sizeof(xen_ulong_t) * sizeof(xen_ulong_t) * 64)

/*
 * FIFO form: a word for each port in pages of the guest, and for each vcpu and priority a queue of
 * ports linked through those words. The hypervisor appends (writes the tail's link, or head and
 * the ready bit if the queue was empty); the guest takes from the head. PENDING is set by the
 * hypervisor and cleared by the guest; MASKED belongs to the guest; LINKED says that the word is in
 * a queue and its link field is the hypervisor's until the guest clears it; the guest holds BUSY
 * while it changes MASKED. Words change by compare-and-exchange only.
 */
#define EVTCHN_FIFO_PRIORITY_MAX 0
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN 15
#define EVTCHN_FIFO_MAX_QUEUES (EVTCHN_FIFO_PRIORITY_MIN + 1)

typedef uint32_t event_word_t;

#define EVTCHN_FIFO_PENDING 31
#define EVTCHN_FIFO_MASKED 30
#define EVTCHN_FIFO_LINKED 29
#define EVTCHN_FIFO_BUSY 28

#define EVTCHN_FIFO_LINK_BITS 17
#define EVTCHN_FIFO_LINK_MASK ((1 << EVTCHN_FIFO_LINK_BITS) - 1)
#define EVTCHN_FIFO_NR_CHANNELS (1 << EVTCHN_FIFO_LINK_BITS)

struct evtchn_fifo_control_block {
    uint32_t ready; /* bit p: queue p is not empty */
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES]; /* first port of queue p; 0 is none */
};
typedef struct evtchn_fifo_control_block evtchn_fifo_control_block_t;

#endif /* __XEN_PUBLIC_EVENT_CHANNEL_H__ */
