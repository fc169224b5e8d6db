/* SPDX-License-Identifier: MIT */
/*
 * The port table of a domain and the life of a port: allocate, bind, close. port.h has the locks.
 */
#include "op.h"

#include <hv/bitops.h>
#include <hv/errno.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/softirq.h>

int event_init_domain(struct domain *d, uint32_t max_port) {
    struct event_domain *e = &d->event;
    uint32_t limit = min(max_port, (uint32_t)EVTCHN_FIFO_NR_CHANNELS - 1);

    spin_lock_init(&e->lock, ORDER_EVENT_DOM);
    spin_lock_init(&e->fifo_lock, ORDER_EVENT_FIFO);
    e->max_port = limit;
    e->buckets = hv_new_array(struct port *, limit / PORTS_PER_PAGE + 1);
    if (!e->buckets) return -ENOMEM;
    e->buckets[0] = alloc_page_hv();
    if (!e->buckets[0]) {
        hv_free(e->buckets);
        e->buckets = NULL;
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < PORTS_PER_PAGE; i++) {
        spin_lock_init(&e->buckets[0][i].lock, ORDER_EVENT_PORT);
        e->buckets[0][i].number = i;
    }
    /* Port 0 is never given out: 0 means "no port" throughout the ABI. */
    e->buckets[0][0].state = PORT_RESERVED;
    WRITE_ONCE(e->nr_ports, (uint32_t)PORTS_PER_PAGE);
    if (pirq_domain_init(d)) {
        event_free_domain(d);
        return -ENOMEM;
    }
    return 0;
}

int event_init_vcpu(struct vcpu *v) {
    (void)v;
    return 0;
}

void event_destroy_vcpu(struct vcpu *v) { fifo_free_vcpu(v); }

void event_free_domain(struct domain *d) {
    struct event_domain *e = &d->event;

    fifo_destroy(d);
    for (uint32_t i = 0; e->buckets && i < e->nr_ports / PORTS_PER_PAGE; i++)
        free_page_hv(e->buckets[i]);
    hv_free(e->buckets);
    e->buckets = NULL;
    e->nr_ports = 0;
}

static long table_grow(struct domain *d) {
    struct event_domain *e = &d->event;
    struct port *page;

    if (e->nr_ports > e->max_port || (!e->fifo && e->nr_ports >= MAX_PORTS_2L)) return -ENOSPC;
    page = alloc_page_hv();
    if (!page) return -ENOMEM;
    for (uint32_t i = 0; i < PORTS_PER_PAGE; i++) {
        spin_lock_init(&page[i].lock, ORDER_EVENT_PORT);
        page[i].number = e->nr_ports + i;
        page[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    }
    e->buckets[e->nr_ports / PORTS_PER_PAGE] = page;
    __atomic_store_n(&e->nr_ports, e->nr_ports + (uint32_t)PORTS_PER_PAGE, __ATOMIC_RELEASE);
    return 0;
}

static uint32_t port_limit(const struct domain *d) {
    uint32_t n = d->event.max_port + 1;

    return d->event.fifo ? n : min(n, MAX_PORTS_2L);
}

struct port *port_alloc(struct domain *d, long *err) {
    struct event_domain *e = &d->event;

    if (d->state >= DOM_DYING) {
        *err = -EINVAL;
        return NULL;
    }
    for (uint32_t n = 1;; n++) {
        struct port *p;

        if (n >= port_limit(d)) {
            *err = -ENOSPC;
            return NULL;
        }
        if (n >= e->nr_ports && (*err = table_grow(d)) != 0) return NULL;
        p = port_of(d, n);
        if (p->state == PORT_FREE && !(e->fifo && fifo_is_busy(d, p))) {
            p->vcpu = 0;
            return p;
        }
    }
}

/* Publishes a new state under the port's lock. A stale pending bit must not survive. */
static void port_open(struct domain *d, struct port *p, enum port_state state) {
    p->state = (uint8_t)state;
    d->event.active++;
}

void port_free(struct domain *d, struct port *p) {
    port_clear_pending(d, p);
    p->state = PORT_FREE;
    p->vcpu = 0;
    p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    d->event.active--;
}

static void events_lock_two(struct domain *a, struct domain *b) {
    if (a == b) {
        spin_lock(&a->event.lock);
        return;
    }
    spin_lock(a < b ? &a->event.lock : &b->event.lock);
    spin_lock(a < b ? &b->event.lock : &a->event.lock);
}

static void events_unlock_two(struct domain *a, struct domain *b) {
    spin_unlock(&a->event.lock);
    if (a != b) spin_unlock(&b->event.lock);
}

static void ports_lock_two(struct port *a, struct port *b) {
    if (a == b) {
        spin_lock(&a->lock);
        return;
    }
    spin_lock(a < b ? &a->lock : &b->lock);
    spin_lock(a < b ? &b->lock : &a->lock);
}

static void ports_unlock_two(struct port *a, struct port *b) {
    spin_unlock(&a->lock);
    if (a != b) spin_unlock(&b->lock);
}

static long alloc_unbound(struct domain *d, domid_t remote, uint32_t *number) {
    struct port *p;
    long rc = 0;

    spin_lock(&d->event.lock);
    p = port_alloc(d, &rc);
    if (p) {
        spin_lock(&p->lock);
        p->unbound_remote = remote;
        port_open(d, p, PORT_UNBOUND);
        spin_unlock(&p->lock);
        *number = p->number;
    }
    spin_unlock(&d->event.lock);
    return rc;
}

int event_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port) {
    return (int)alloc_unbound(d, remote, port);
}

long port_op_alloc_unbound(struct evtchn_alloc_unbound *a) {
    struct domain *d = domain_get_self_or(a->dom);
    domid_t remote = a->remote_dom;
    long rc;

    if (!d) return -ESRCH;
    rc = d == current->domain ? 0 : policy_check(current->domain, d, POL_EVENT_FOREIGN, 0);
    if (!rc) {
        if (remote == DOMID_SELF) remote = current->domain->id;
        rc = alloc_unbound(d, remote, &a->port);
    }
    domain_put(d);
    return rc;
}

/* The remote port must be waiting for us. Both event locks held. */
static long bind_interdomain_locked(struct domain *ld, struct domain *rd, uint32_t rport,
                                    uint32_t *lport) {
    struct port *l, *r;
    long rc = 0;

    if (!port_is_valid(rd, rport)) return -EINVAL;
    r = port_of(rd, rport);
    if (r->state != PORT_UNBOUND || r->unbound_remote != ld->id || rd->state >= DOM_DYING)
        return -EINVAL;
    l = port_alloc(ld, &rc);
    if (!l) return rc;
    ports_lock_two(l, r);
    l->remote = rd;
    l->remote_port = rport;
    port_open(ld, l, PORT_INTERDOMAIN);
    r->remote = ld;
    r->remote_port = l->number;
    r->state = PORT_INTERDOMAIN;
    /* The other end may have sent while it was unbound: let us look once. */
    port_set_pending(ld, l);
    ports_unlock_two(l, r);
    *lport = l->number;
    return 0;
}

long port_op_bind_interdomain(struct evtchn_bind_interdomain *b) {
    struct domain *ld = current->domain, *rd = domain_get_self_or(b->remote_dom);
    long rc;

    if (!rd) return -ESRCH;
    events_lock_two(ld, rd);
    rc = bind_interdomain_locked(ld, rd, b->remote_port, &b->local_port);
    events_unlock_two(ld, rd);
    domain_put(rd);
    return rc;
}

long port_op_bind_virq(struct evtchn_bind_virq *b) {
    struct domain *d = current->domain;
    struct vcpu *v;
    struct port *p;
    uint32_t virq = b->virq;
    long rc = 0;

    if (virq >= NR_VIRQS) return -EINVAL;
    virq = (uint32_t)array_index_nospec(virq, NR_VIRQS);
    if (virq_is_global(virq) && b->vcpu != 0) return -EINVAL;
    v = domain_vcpu(d, b->vcpu);
    if (!v) return -ENOENT;
    spin_lock(&d->event.lock);
    if (v->event.virq_port[virq]) {
        rc = -EEXIST;
    } else if ((p = port_alloc(d, &rc)) != NULL) {
        spin_lock(&p->lock);
        p->vcpu = b->vcpu;
        p->virq = virq;
        port_open(d, p, PORT_VIRQ);
        spin_unlock(&p->lock);
        WRITE_ONCE(v->event.virq_port[virq], p->number);
        b->port = p->number;
    }
    spin_unlock(&d->event.lock);
    return rc;
}

long port_op_bind_ipi(struct evtchn_bind_ipi *b) {
    struct domain *d = current->domain;
    struct port *p;
    long rc = 0;

    if (!domain_vcpu(d, b->vcpu)) return -ENOENT;
    spin_lock(&d->event.lock);
    p = port_alloc(d, &rc);
    if (p) {
        spin_lock(&p->lock);
        p->vcpu = b->vcpu;
        port_open(d, p, PORT_IPI);
        spin_unlock(&p->lock);
        b->port = p->number;
    }
    spin_unlock(&d->event.lock);
    return rc;
}

long port_op_bind_pirq(struct evtchn_bind_pirq *b) {
    struct domain *d = current->domain;
    struct port *p;
    long rc = 0;

    spin_lock(&d->event.lock);
    p = port_alloc(d, &rc);
    if (p) {
        /* The first interrupt may come at once, on another CPU: it waits for the port to be whole.
         */
        spin_lock(&p->lock);
        p->pirq = b->pirq;
        port_open(d, p, PORT_PIRQ);
        rc = pirq_bind_port(d, b->pirq, b->flags & BIND_PIRQ__WILL_SHARE, p);
        if (rc)
            port_free(d, p);
        else
            b->port = p->number;
        spin_unlock(&p->lock);
    }
    spin_unlock(&d->event.lock);
    return rc;
}

/* Severs a channel: the other end goes back to waiting for this domain. */
static void close_interdomain(struct domain *d, struct port *p, struct domain *rd) {
    struct port *r = port_of(rd, p->remote_port);

    ports_lock_two(p, r);
    r->state = PORT_UNBOUND;
    r->unbound_remote = d->id;
    port_free(d, p);
    ports_unlock_two(p, r);
}

/* Everything but an interdomain port. Event lock held. */
static void close_simple(struct domain *d, struct port *p) {
    struct vcpu *v;

    if (p->state == PORT_PIRQ) pirq_unbind_port(d, p);
    if (p->state == PORT_VIRQ)
        for_each_vcpu(d, v)
            if (v->event.virq_port[p->virq] == p->number)
                WRITE_ONCE(v->event.virq_port[p->virq], 0);
    spin_lock(&p->lock);
    port_free(d, p);
    spin_unlock(&p->lock);
}

/* The other domain's lock may have to be taken first, so look, lock both, and look again. */
long port_close(struct domain *d, uint32_t n, bool guest) {
    struct port *p;

    if (n == 0 || !port_is_valid(d, n)) return guest ? -EINVAL : 0;
    p = port_of(d, n);
    for (;;) {
        struct domain *rd = NULL;

        spin_lock(&d->event.lock);
        if (p->state == PORT_FREE) {
            spin_unlock(&d->event.lock);
            return guest ? -EINVAL : 0;
        }
        if (p->state != PORT_INTERDOMAIN) {
            close_simple(d, p);
            spin_unlock(&d->event.lock);
            return 0;
        }
        rd = p->remote;
        /* The remote cannot be freed while we hold our lock: it would have to close its end. */
        domain_ref(rd);
        spin_unlock(&d->event.lock);

        events_lock_two(d, rd);
        if (p->state == PORT_INTERDOMAIN && p->remote == rd) {
            close_interdomain(d, p, rd);
            events_unlock_two(d, rd);
            domain_put(rd);
            return 0;
        }
        events_unlock_two(d, rd);
        domain_put(rd);
    }
}

long port_op_send(uint32_t n) {
    struct domain *d = current->domain;
    struct port *p;
    long rc = 0;

    if (unlikely(!port_is_valid(d, n))) return -EINVAL;
    p = port_of(d, n);
    spin_lock(&p->lock);
    switch (p->state) {
    case PORT_INTERDOMAIN: port_set_pending(p->remote, port_of(p->remote, p->remote_port)); break;
    case PORT_IPI: port_set_pending(d, p); break;
    case PORT_UNBOUND: break; /* nobody there yet: lost, by the ABI */
    default: rc = -EINVAL;
    }
    spin_unlock(&p->lock);
    return rc;
}

static void fill_status(struct evtchn_status *s, const struct port *p) {
    s->status = p->state == PORT_RESERVED ? EVTCHNSTAT_closed : p->state;
    s->vcpu = p->vcpu;
    switch (p->state) {
    case PORT_UNBOUND: s->u.unbound.dom = p->unbound_remote; break;
    case PORT_INTERDOMAIN:
        s->u.interdomain.dom = p->remote->id;
        s->u.interdomain.port = p->remote_port;
        break;
    case PORT_PIRQ: s->u.pirq = p->pirq; break;
    case PORT_VIRQ: s->u.virq = p->virq; break;
    default: break;
    }
}

long port_op_status(struct evtchn_status *s) {
    struct domain *d = domain_get_self_or(s->dom);
    long rc;

    if (!d) return -ESRCH;
    rc = d == current->domain ? 0 : policy_check(current->domain, d, POL_EVENT_FOREIGN, 0);
    if (!rc) {
        spin_lock(&d->event.lock);
        if (!port_is_valid(d, s->port))
            rc = -EINVAL;
        else
            fill_status(s, port_of(d, s->port));
        spin_unlock(&d->event.lock);
    }
    domain_put(d);
    return rc;
}

long port_op_bind_vcpu(const struct evtchn_bind_vcpu *b) {
    struct domain *d = current->domain;
    struct vcpu *v = domain_vcpu(d, b->vcpu);
    struct port *p;
    long rc = 0;

    if (!v) return -ENOENT;
    spin_lock(&d->event.lock);
    if (!port_is_valid(d, b->port)) {
        spin_unlock(&d->event.lock);
        return -EINVAL;
    }
    p = port_of(d, b->port);
    spin_lock(&p->lock);
    switch (p->state) {
    case PORT_VIRQ:
        if (!virq_is_global(p->virq)) {
            rc = -EINVAL;
            break;
        }
        /* fall through */
    case PORT_UNBOUND:
    case PORT_INTERDOMAIN:
    case PORT_PIRQ:
        p->vcpu = b->vcpu;
        if (p->state == PORT_PIRQ) pirq_set_affinity(d, p->pirq, v);
        break;
    default: rc = -EINVAL;
    }
    spin_unlock(&p->lock);
    spin_unlock(&d->event.lock);
    return rc;
}

long port_op_unmask(uint32_t n) {
    struct domain *d = current->domain;
    struct port *p;

    if (unlikely(!port_is_valid(d, n))) return -EINVAL;
    p = port_of(d, n);
    spin_lock(&p->lock);
    port_unmask(d, p);
    spin_unlock(&p->lock);
    return 0;
}

/* Closes every port from n on. 0, or the port to go on with. */
static uint32_t close_from(struct domain *d, uint32_t n) {
    for (; port_is_valid(d, n); n++) {
        (void)port_close(d, n, false);
        if (n % 64 == 63 && preempt_check()) return n + 1;
    }
    return 0;
}

/* One reset at a time, whoever asked for it goes on with it. Other vcpus may open ports meanwhile,
 * behind the reset's back; then it has not succeeded. */
int event_reset(struct domain *d, bool resuming) {
    uint32_t from;
    int rc = 0;

    spin_lock(&d->event.lock);
    from = resuming ? d->event.reset_next : !d->event.reset_next;
    if (from && !resuming) d->event.reset_next = from;
    spin_unlock(&d->event.lock);
    if (!from) return -EBUSY;
    from = close_from(d, from);
    spin_lock(&d->event.lock);
    d->event.reset_next = from;
    if (from)
        rc = -ERESTART;
    else if (d->event.active)
        rc = -EAGAIN;
    else
        fifo_destroy(d);
    spin_unlock(&d->event.lock);
    return rc;
}

/*
 * No port opens any more (port_alloc), so that each need be closed once; the guest's own reset may
 * have stopped anywhere. The FIFO's frames go now, for they keep the domain that owns them.
 */
int event_destroy_domain(struct domain *d) {
    struct event_domain *e = &d->event;

    e->destroy_next = close_from(d, e->destroy_next ? e->destroy_next : 1);
    if (e->destroy_next) return -ERESTART;
    spin_lock(&e->lock);
    fifo_destroy(d);
    spin_unlock(&e->lock);
    virq_handler_gone(d);
    pirq_domain_destroy(d);
    return 0;
}

bool event_port_is_pending(struct domain *d, uint32_t n) {
    return port_is_valid(d, n) && port_is_pending(d, port_of(d, n));
}

void event_dump(struct domain *d) {
    spin_lock(&d->event.lock);
    printk("d%u: %u ports of %u in use, %s\n", d->id, d->event.active, d->event.nr_ports,
           d->event.fifo ? "FIFO" : "2-level");
    for (uint32_t n = 1; n < d->event.nr_ports; n++) {
        struct port *p = port_of(d, n);

        if (p->state != PORT_FREE)
            printk("  %4u [%u/%u/%u] s=%u v=%u\n", n, port_is_pending(d, p), port_is_masked(d, p),
                   p->priority, p->state, p->vcpu);
    }
    spin_unlock(&d->event.lock);
}
