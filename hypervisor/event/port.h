/* SPDX-License-Identifier: MIT */
/*
 * A port and how it is reached; shared among the files of event/.
 *
 * Locks: d->event.lock protects the table and every change of a port's state; port.lock is held
 * besides for each change, so that a sender, which takes only its own port's lock, sees a port
 * that is whole. Both ends of an interdomain channel are locked for a change of either, hence a
 * sender that holds its own end may use the other end's fields too. Two domains' event locks, and
 * two ports' locks, are taken in order of address.
 */
#pragma once

#include <hv/domain.h>

enum port_state {
    PORT_FREE = EVTCHNSTAT_closed,
    PORT_UNBOUND = EVTCHNSTAT_unbound,
    PORT_INTERDOMAIN = EVTCHNSTAT_interdomain,
    PORT_PIRQ = EVTCHNSTAT_pirq,
    PORT_VIRQ = EVTCHNSTAT_virq,
    PORT_IPI = EVTCHNSTAT_ipi,
    PORT_RESERVED, /* port 0: never given out, and closed for whoever asks */
};

struct port {
    spinlock_t lock;
    uint8_t state;    /* enum port_state */
    uint8_t priority; /* FIFO; 0 is the highest */
    bool pending;     /* FIFO: raised while its array page was not there yet */
    uint32_t number;
    uint32_t vcpu; /* who is notified */
    struct {
        uint16_t vcpu; /* FIFO queue that it was last linked on; fifo_lock */
        uint8_t priority, pad;
    } last;
    union {
        uint32_t detail;           /* UNBOUND: for which domain; VIRQ, PIRQ: which one */
        struct {                   /* INTERDOMAIN */
            struct domain *remote; /* no reference: closing our end or theirs severs both */
            uint32_t remote_port;
        };
    };
};

#define PORTS_PER_PAGE (PAGE_SIZE / sizeof(struct port))
#define MAX_PORTS_2L   4096u

static inline bool port_is_valid(const struct domain *d, uint32_t n) {
    return n < READ_ONCE(d->event.nr_ports);
}

/* n must be valid. Ports are never freed while the domain has vcpus, so no lock is needed. */
static inline struct port *port_of(const struct domain *d, uint32_t n) {
    n = (uint32_t)array_index_nospec(n, READ_ONCE(d->event.nr_ports));
    return &d->event.buckets[n / PORTS_PER_PAGE][n % PORTS_PER_PAGE];
}

/* NULL: there is no such port. */
static inline struct port *port_find(const struct domain *d, uint32_t n) {
    return port_is_valid(d, n) ? port_of(d, n) : NULL;
}

static inline bool port_is_open(const struct port *p) {
    return p->state != PORT_FREE && p->state != PORT_RESERVED;
}

/* deliver.c. The caller holds a lock that keeps the port's state. */
void port_set_pending(struct domain *d, struct port *p);
void port_clear_pending(struct domain *d, struct port *p);
bool port_is_pending(struct domain *d, const struct port *p);
bool port_is_masked(struct domain *d, const struct port *p);
void port_unmask(struct domain *d, struct port *p);
void wake_pollers(struct domain *d, uint32_t port);

/* fifo.c */
/* Makes the port pending; or unmasks it, and tells of it if it was pending meanwhile. */
void fifo_raise(struct domain *d, struct port *p, bool unmask);
void fifo_clear_pending(struct domain *d, struct port *p);
/* A bit (EVTCHN_FIFO_*) of the event word. One that is LINKED still is not to be reused. */
bool fifo_test(struct domain *d, const struct port *p, unsigned int bit);
long fifo_init_control(struct evtchn_init_control *c);
long fifo_expand_array(const struct evtchn_expand_array *e);
long fifo_set_priority(const struct evtchn_set_priority *s);
void fifo_destroy(struct domain *d);

/* virq.c */
bool virq_is_global(uint32_t virq);
void virq_handler_gone(struct domain *d);

/* pirq.c: physical interrupts; domain/physdev.c calls it too. Event lock held for the first two. */
struct irq_desc;
int pirq_bind_port(struct domain *d, uint32_t pirq, struct port *p);
void pirq_unbind_port(struct domain *d, struct port *p);
void pirq_set_affinity(struct domain *d, uint32_t pirq, const struct vcpu *v);
int pirq_domain_init(struct domain *d);
void pirq_domain_destroy(struct domain *d); /* releases lines */
bool pirq_is_valid(const struct domain *d, uint32_t n);
/* Of the control domain, which alone has a table. Gives desc the number wanted, or a free one if
 * negative: that, or -EEXIST, -EINVAL, -ENOSPC. */
int pirq_map(struct domain *d, int wanted, struct irq_desc *desc, bool msi);
int pirq_unmap(struct domain *d, uint32_t n); /* -EINVAL: not mapped. Frees MSI vectors */
int pirq_reserve(struct domain *d, bool msi); /* a free number for a later pirq_map */
int pirq_eoi(struct domain *d, uint32_t n);   /* -EINVAL */
int pirq_eoi_unmasked(struct domain *d);
/* The guest's frame of needs-EOI bits: -EINVAL, -EBUSY. */
int pirq_set_eoi_map(struct domain *d, uint64_t gmfn, bool auto_unmask);
