/* SPDX-License-Identifier: MIT */
/* Event channels: ports, delivery by the 2-level and the FIFO ABI, virqs, pirqs. event/ */
#pragma once

#include <hv/spinlock.h>
#include <public/event_channel.h>

struct domain;
struct vcpu;
struct port;
struct evtchn_fifo_domain;
struct evtchn_fifo_vcpu;
struct pirq;

struct event_domain {
    spinlock_t lock;                 /* port table; ORDER_EVENT_DOM */
    struct port **buckets;           /* pages of ports, allocated on demand */
    uint32_t nr_ports;               /* valid ports: below this */
    uint32_t max_port;               /* highest allowed */
    uint32_t active, used_below;     /* ports not free; below this all are. lock */
    spinlock_t fifo_lock;            /* FIFO queues and frames; ORDER_EVENT_FIFO */
    struct evtchn_fifo_domain *fifo; /* NULL: 2-level */
    struct pirq *pirqs;              /* event/pirq.c */
    unsigned long *eoi_map; /* guest frame: bit set where the guest must say eoi; NULL: none */
    bool auto_unmask;
    unsigned long poll_mask[2]; /* vcpus in SCHEDOP_poll; atomic bits. MAX_VCPUS of them */
    uint32_t reset_next;        /* progress of the guest's reset, 0: none under way; lock */
    uint32_t destroy_next;      /* progress of event_destroy_domain() */
};

struct event_vcpu {
    uint32_t virq_port[NR_VIRQS]; /* 0: unbound; d->event.lock */
    struct evtchn_fifo_vcpu *fifo;
    int32_t poll_port; /* SCHEDOP_poll: >0 a port, 0 none, -1 several */
};

int event_init_domain(struct domain *d, uint32_t max_port);
void event_destroy_vcpu(struct vcpu *v);    /* fifo.c */
int event_destroy_domain(struct domain *d); /* closes all ports; preemptible: -ERESTART */
void event_free_domain(struct domain *d);   /* last memory, when the shell goes */

void send_guest_vcpu_virq(struct vcpu *v, uint32_t virq);
void send_global_virq(uint32_t virq); /* to its handler domain, dom0 by default */
int set_global_virq_handler(struct domain *d, uint32_t virq);
/* Something became pending for v: set the upcall flag and get v to notice. */
void vcpu_mark_events_pending(struct vcpu *v);
/* Whether the port is pending, for SCHEDOP_poll; -EINVAL if it is not in use. */
int event_port_poll(struct domain *d, uint32_t port);
void event_dump(struct domain *d); /* debug key 'e' */
