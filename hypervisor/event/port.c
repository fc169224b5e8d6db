/* SPDX-License-Identifier: MIT */
/*
 * The port table of a domain, the life of a port (allocate, bind, close), and
 * HYPERVISOR_event_channel_op. port.h has the locks.
 */
#include "port.h"

#include <hv/hypercall.h>

static long table_grow(struct domain *d) {
    struct event_domain *e = &d->event;
    struct port *page = alloc_page_hv();

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

int event_init_domain(struct domain *d, uint32_t max_port) {
    struct event_domain *e = &d->event;

    spin_lock_init(&e->lock, ORDER_EVENT_DOM);
    spin_lock_init(&e->fifo_lock, ORDER_EVENT_FIFO);
    e->max_port = min(max_port, (uint32_t)EVTCHN_FIFO_NR_CHANNELS - 1);
    e->buckets = hv_new_array(struct port *, e->max_port / PORTS_PER_PAGE + 1);
    if (!e->buckets || table_grow(d) || pirq_domain_init(d)) return -ENOMEM;
    /* Port 0 is never given out: 0 means "no port" throughout the ABI. */
    e->buckets[0][0].state = PORT_RESERVED;
    return 0;
}

void event_free_domain(struct domain *d) {
    struct event_domain *e = &d->event;

    fifo_destroy(d);
    for (uint32_t i = 0; e->buckets && i < e->nr_ports / PORTS_PER_PAGE; i++)
        free_page_hv(e->buckets[i]);
    hv_free(e->buckets);
    e->buckets = NULL;
    e->nr_ports = 0;
}

/* The lowest port that is free still. Event lock held. NULL with *err. */
static struct port *port_alloc(struct domain *d, long *err) {
    struct event_domain *e = &d->event;
    uint32_t end = e->fifo ? e->max_port + 1 : min(e->max_port + 1, MAX_PORTS_2L);

    *err = d->state >= DOM_DYING ? -EINVAL : 0;
    for (uint32_t n = e->used_below; !*err; n++) {
        struct port *p;

        if (n >= end)
            *err = -ENOSPC;
        else if (n >= e->nr_ports)
            *err = table_grow(d);
        if (*err) break;
        p = port_of(d, n);
        if (p->state == PORT_FREE && !(e->fifo && fifo_test(d, p, EVTCHN_FIFO_LINKED))) return p;
        if (p->state != PORT_FREE && n == e->used_below) e->used_below++;
    }
    return NULL;
}

/* A free port becomes this, and is whole before anybody sees its state. Event lock held. */
static long port_open(struct domain *d, enum port_state state, uint32_t vcpu, uint32_t detail,
                      uint32_t *number) {
    long rc;
    struct port *p = port_alloc(d, &rc);

    if (!p) return rc;
    spin_lock(&p->lock);
    p->vcpu = vcpu;
    p->detail = detail;
    p->state = (uint8_t)state;
    d->event.active++;
    spin_unlock(&p->lock);
    *number = p->number;
    return 0;
}

/* Both locks held. A stale pending bit must not survive. */
static void port_free(struct domain *d, struct port *p) {
    port_clear_pending(d, p);
    p->state = PORT_FREE;
    p->vcpu = 0;
    p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    d->event.active--;
    d->event.used_below = min(d->event.used_below, p->number);
}

static long op_alloc_unbound(struct evtchn_alloc_unbound *a) {
    domid_t remote = a->remote_dom == DOMID_SELF ? current->domain->id : a->remote_dom;
    struct domain *d DOMAIN_PUT_AT_END;
    long rc = domain_get_checked(a->dom, POL_EVENT_FOREIGN, EVTCHNOP_alloc_unbound, &d);

    if (rc) return rc;
    SPIN_SCOPE(&d->event.lock);
    return port_open(d, PORT_UNBOUND, 0, remote, &a->port);
}

/* The remote port must be waiting for us. Both event locks held. */
static long bind_interdomain_locked(struct domain *ld, struct domain *rd, uint32_t rport,
                                    uint32_t *lport) {
    struct port *l, *r = port_find(rd, rport);
    long rc;

    if (!r || r->state != PORT_UNBOUND || r->detail != ld->id || rd->state >= DOM_DYING)
        return -EINVAL;
    l = port_alloc(ld, &rc);
    if (!l) return rc;
    spin_lock_two(&l->lock, &r->lock);
    l->remote = rd;
    l->remote_port = rport;
    r->remote = ld;
    r->remote_port = l->number;
    l->state = r->state = PORT_INTERDOMAIN;
    ld->event.active++;
    /* The other end may have sent while it was unbound: let us look once. */
    port_set_pending(ld, l);
    spin_unlock_two(&l->lock, &r->lock);
    *lport = l->number;
    return 0;
}

static long op_bind_interdomain(struct evtchn_bind_interdomain *b) {
    struct domain *ld = current->domain;
    struct domain *rd DOMAIN_PUT_AT_END = domain_get_self_or(b->remote_dom);
    long rc;

    if (!rd) return -ESRCH;
    spin_lock_two(&ld->event.lock, &rd->event.lock);
    rc = bind_interdomain_locked(ld, rd, b->remote_port, &b->local_port);
    spin_unlock_two(&ld->event.lock, &rd->event.lock);
    return rc;
}

static long op_bind_virq(struct evtchn_bind_virq *b) {
    struct domain *d = current->domain;
    struct vcpu *v;
    uint32_t virq = b->virq;
    long rc;

    if (virq >= NR_VIRQS) return -EINVAL;
    virq = (uint32_t)array_index_nospec(virq, NR_VIRQS);
    if (virq_is_global(virq) && b->vcpu != 0) return -EINVAL;
    v = domain_vcpu(d, b->vcpu);
    if (!v) return -ENOENT;
    SPIN_SCOPE(&d->event.lock);
    if (v->event.virq_port[virq]) return -EEXIST;
    rc = port_open(d, PORT_VIRQ, b->vcpu, virq, &b->port);
    if (!rc) WRITE_ONCE(v->event.virq_port[virq], b->port);
    return rc;
}

static long op_bind_ipi(struct evtchn_bind_ipi *b) {
    struct domain *d = current->domain;

    if (!domain_vcpu(d, b->vcpu)) return -ENOENT;
    SPIN_SCOPE(&d->event.lock);
    return port_open(d, PORT_IPI, b->vcpu, 0, &b->port);
}

/* Severs a channel: the other end goes back to waiting for this domain. */
static void close_interdomain(struct domain *d, struct port *p, struct domain *rd) {
    struct port *r = port_of(rd, p->remote_port);

    spin_lock_two(&p->lock, &r->lock);
    r->state = PORT_UNBOUND;
    r->detail = d->id;
    port_free(d, p);
    spin_unlock_two(&p->lock, &r->lock);
}

/* Everything but an interdomain port. Event lock held. */
static void close_simple(struct domain *d, struct port *p) {
    struct vcpu *v;

    if (p->state == PORT_PIRQ) pirq_unbind_port(d, p);
    if (p->state == PORT_VIRQ)
        for_each_vcpu(d, v)
            if (v->event.virq_port[p->detail] == p->number)
                WRITE_ONCE(v->event.virq_port[p->detail], 0);
    SPIN_SCOPE(&p->lock);
    port_free(d, p);
}

/* The line may already be on its way when pirq_bind_port() returns. */
static long op_bind_pirq(struct evtchn_bind_pirq *b) {
    struct domain *d = current->domain;
    struct port *p;
    long rc;

    SPIN_SCOPE(&d->event.lock);
    rc = port_open(d, PORT_PIRQ, 0, b->pirq, &b->port);
    if (rc) return rc;
    p = port_of(d, b->port);
    rc = pirq_bind_port(d, b->pirq, p);
    if (rc) close_simple(d, p);
    return rc;
}

/* The other domain's lock may have to be taken first, so look, lock both, and look again. */
static long port_close(struct domain *d, uint32_t n) {
    struct port *p = port_find(d, n);

    if (n == 0 || !p) return -EINVAL;
    for (;;) {
        struct domain *rd = NULL;
        bool done;
        long rc = 0;

        spin_lock(&d->event.lock);
        if (p->state == PORT_FREE)
            rc = -EINVAL;
        else if (p->state != PORT_INTERDOMAIN)
            close_simple(d, p);
        else /* it cannot be freed while we hold our lock: it would have to close its end */
            domain_ref(rd = p->remote);
        spin_unlock(&d->event.lock);
        if (!rd) return rc;

        spin_lock_two(&d->event.lock, &rd->event.lock);
        done = p->state == PORT_INTERDOMAIN && p->remote == rd;
        if (done) close_interdomain(d, p, rd);
        spin_unlock_two(&d->event.lock, &rd->event.lock);
        domain_put(rd);
        if (done) return 0;
    }
}

static long op_send(uint32_t n) {
    struct domain *d = current->domain;
    struct port *p = port_find(d, n);

    if (unlikely(!p)) return -EINVAL;
    SPIN_SCOPE(&p->lock);
    switch (p->state) {
    case PORT_INTERDOMAIN:
        port_set_pending(p->remote, port_of(p->remote, p->remote_port));
        return 0;
    case PORT_IPI: port_set_pending(d, p); return 0;
    case PORT_UNBOUND: return 0; /* nobody there yet: lost, by the ABI */
    default: return -EINVAL;
    }
}

static void fill_status(struct evtchn_status *s, const struct port *p) {
    s->status = p->state == PORT_RESERVED ? EVTCHNSTAT_closed : p->state;
    s->vcpu = p->vcpu;
    switch (p->state) {
    case PORT_UNBOUND: s->u.unbound.dom = (domid_t)p->detail; break;
    case PORT_INTERDOMAIN:
        s->u.interdomain.dom = p->remote->id;
        s->u.interdomain.port = p->remote_port;
        break;
    case PORT_PIRQ: s->u.pirq = p->detail; break;
    case PORT_VIRQ: s->u.virq = p->detail; break;
    default: break;
    }
}

static long op_status(struct evtchn_status *s) {
    struct domain *d DOMAIN_PUT_AT_END;
    long rc = domain_get_checked(s->dom, POL_EVENT_FOREIGN, EVTCHNOP_status, &d);

    if (rc) return rc;
    SPIN_SCOPE(&d->event.lock);
    if (!port_is_valid(d, s->port)) return -EINVAL;
    fill_status(s, port_of(d, s->port));
    return 0;
}

static long op_bind_vcpu(const struct evtchn_bind_vcpu *b) {
    struct domain *d = current->domain;
    struct vcpu *v = domain_vcpu(d, b->vcpu);
    struct port *p = port_find(d, b->port);

    if (!v) return -ENOENT;
    if (!p) return -EINVAL;
    SPIN_SCOPE(&d->event.lock);
    SPIN_SCOPE(&p->lock);
    if (p->state != PORT_UNBOUND && p->state != PORT_INTERDOMAIN && p->state != PORT_PIRQ &&
        (p->state != PORT_VIRQ || !virq_is_global(p->detail)))
        return -EINVAL;
    p->vcpu = b->vcpu;
    if (p->state == PORT_PIRQ) pirq_set_affinity(d, p->detail, v);
    return 0;
}

static long op_unmask(uint32_t n) {
    struct domain *d = current->domain;
    struct port *p = port_find(d, n);

    if (unlikely(!p)) return -EINVAL;
    SPIN_SCOPE(&p->lock);
    if (port_is_open(p)) port_unmask(d, p);
    return 0;
}

/* Closes every port from n on, until none is open. 0, or the port to go on with. */
static uint32_t close_from(struct domain *d, uint32_t n) {
    for (; READ_ONCE(d->event.active) && port_is_valid(d, n); n++) {
        (void)port_close(d, n);
        if (n % 64 == 63 && preempt_check()) return n + 1;
    }
    return 0;
}

/* One reset at a time, whoever asked for it goes on with it. Other vcpus may open ports meanwhile,
 * behind the reset's back; then it has not succeeded. */
static int event_reset(struct domain *d, bool resuming) {
    uint32_t from;

    spin_lock(&d->event.lock);
    from = resuming ? d->event.reset_next : !d->event.reset_next;
    if (from && !resuming) d->event.reset_next = from;
    spin_unlock(&d->event.lock);
    if (!from) return -EBUSY;
    from = close_from(d, from);
    SPIN_SCOPE(&d->event.lock);
    d->event.reset_next = from;
    if (from) return -ERESTART;
    if (d->event.active) return -EAGAIN;
    fifo_destroy(d);
    return 0;
}

/* No port opens any more (port_alloc), so that each need be closed once; the guest's own reset may
 * have stopped anywhere. The FIFO's frames go now, for they keep the domain that owns them. */
int event_destroy_domain(struct domain *d) {
    struct event_domain *e = &d->event;

    spin_lock(&e->lock); /* who opens one now is done with it, or will see that d dies */
    e->destroy_next = max(e->destroy_next, 1u);
    spin_unlock(&e->lock);
    e->destroy_next = close_from(d, e->destroy_next);
    if (e->destroy_next) return -ERESTART;
    spin_lock(&e->lock);
    fifo_destroy(d);
    spin_unlock(&e->lock);
    virq_handler_gone(d);
    pirq_domain_destroy(d);
    return 0;
}

int event_port_poll(struct domain *d, uint32_t n) {
    struct port *p = port_find(d, n);

    return p && port_is_open(p) ? port_is_pending(d, p) : -EINVAL;
}

void event_dump(struct domain *d) {
    SPIN_SCOPE(&d->event.lock);
    printk("d%u: %u ports of %u in use, %s\n", d->id, d->event.active, d->event.nr_ports,
           d->event.fifo ? "FIFO" : "2-level");
    for (uint32_t n = 1; n < d->event.nr_ports; n++) {
        struct port *p = port_of(d, n);

        if (p->state != PORT_FREE)
            printk("  %4u [%u/%u/%u] s=%u v=%u\n", n, port_is_pending(d, p), port_is_masked(d, p),
                   p->priority, p->state, p->vcpu);
    }
}

/* A reset that was preempted calls itself again by this number, which guests are not told. */
#define OP_RESET_CONTINUED 14

static long op_reset(const struct evtchn_reset *r, int cmd, uint64_t arg) {
    struct domain *d DOMAIN_PUT_AT_END;
    long rc = domain_get_checked(r->dom, POL_EVENT_FOREIGN, EVTCHNOP_reset, &d);

    if (rc) return rc;
    if (d != current->domain && !READ_ONCE(d->tools_pause_count)) return -EINVAL;
    rc = event_reset(d, cmd == OP_RESET_CONTINUED);
    return rc == -ERESTART ? hypercall_continue(2, (uint64_t)OP_RESET_CONTINUED, arg) : rc;
}

long do_event_channel_op(int cmd, uint64_t arg) {
    switch (cmd) {
    case EVTCHNOP_send: WITH_ARG(evtchn_send, op_send(a.port))
    case EVTCHNOP_unmask: WITH_ARG(evtchn_unmask, op_unmask(a.port))
    case EVTCHNOP_alloc_unbound: WITH_ARG_OUT(evtchn_alloc_unbound, op_alloc_unbound(&a))
    case EVTCHNOP_bind_interdomain: WITH_ARG_OUT(evtchn_bind_interdomain, op_bind_interdomain(&a))
    case EVTCHNOP_bind_virq: WITH_ARG_OUT(evtchn_bind_virq, op_bind_virq(&a))
    case EVTCHNOP_bind_ipi: WITH_ARG_OUT(evtchn_bind_ipi, op_bind_ipi(&a))
    case EVTCHNOP_bind_pirq: WITH_ARG_OUT(evtchn_bind_pirq, op_bind_pirq(&a))
    case EVTCHNOP_close: WITH_ARG(evtchn_close, port_close(current->domain, a.port))
    case EVTCHNOP_status: WITH_ARG_OUT(evtchn_status, op_status(&a))
    case EVTCHNOP_bind_vcpu: WITH_ARG(evtchn_bind_vcpu, op_bind_vcpu(&a))
    case EVTCHNOP_reset:
    case OP_RESET_CONTINUED: WITH_ARG(evtchn_reset, op_reset(&a, cmd, arg))
    case EVTCHNOP_init_control: WITH_ARG_OUT(evtchn_init_control, fifo_init_control(&a))
    case EVTCHNOP_expand_array: WITH_ARG(evtchn_expand_array, fifo_expand_array(&a))
    case EVTCHNOP_set_priority: WITH_ARG(evtchn_set_priority, fifo_set_priority(&a))
    default: return -ENOSYS;
    }
}
