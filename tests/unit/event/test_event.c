/* SPDX-License-Identifier: MIT */
/*
 * Host tests of hypervisor/event: the life of ports, reset and destruction at every preemption
 * point, the change of ABI, and the FIFO queues against a guest that runs at the same time, one
 * that keeps the rules (no event may be lost) and one that writes rubbish (nothing else may be
 * hurt).
 */
#include <pthread.h>
#include <sched.h>

#include "fakes.h"
#include "port.h"

#define WORDS   (PAGE_SIZE / sizeof(event_word_t))
#define NR_SENT 64 /* ports that the racing tests use */

/* Physical interrupts are not tested here. */
int pirq_domain_init(struct domain *d) {
    (void)d;
    return 0;
}

void pirq_domain_destroy(struct domain *d) { (void)d; }

int pirq_bind_port(struct domain *d, uint32_t pirq, struct port *p) {
    (void)d;
    CHECK(p->state == PORT_PIRQ && p->detail == pirq); /* an interrupt may come at once */
    return pirq == 5 ? 0 : -EINVAL;
}

void pirq_unbind_port(struct domain *d, struct port *p) { (void)d, (void)p; }

void pirq_set_affinity(struct domain *d, uint32_t pirq, const struct vcpu *v) {
    (void)d, (void)pirq, (void)v;
}

static struct domain *control, *a, *b;

static void make_all(void) {
    control = make_domain(0, true, 1);
    a = make_domain(1, false, 4);
    b = make_domain(2, false, 2);
    CHECK_EQ(event_init_domain(control, -1), 0);
    CHECK_EQ(event_init_domain(a, 1023), 0);
    CHECK_EQ(event_init_domain(b, 1023), 0);
    run_as(a, 0, 0);
}

static void destroy(struct domain *d) {
    run_as(control, 0, 0);
    d->state = DOM_DYING;
    while (event_destroy_domain(d) == -ERESTART)
        ;
}

static void free_all(void) {
    struct domain *all[] = {a, b, control};

    for (unsigned int i = 0; i < 3; i++) {
        if (all[i]->state < DOM_DYING) destroy(all[i]);
        for (unsigned int v = 0; v < all[i]->max_vcpus; v++) event_destroy_vcpu(all[i]->vcpu[v]);
        event_free_domain(all[i]);
        free_domain(all[i]);
    }
    CHECK_EQ(frames_in_use(), 0);
}

static long op(int cmd, void *arg) { return do_event_channel_op(cmd, (uint64_t)arg); }

static uint32_t unbound(domid_t remote) {
    struct evtchn_alloc_unbound u = {.dom = DOMID_SELF, .remote_dom = remote};

    CHECK_EQ(op(EVTCHNOP_alloc_unbound, &u), 0);
    return u.port;
}

static uint32_t connect(domid_t remote, uint32_t port) {
    struct evtchn_bind_interdomain c = {.remote_dom = remote, .remote_port = port};

    CHECK_EQ(op(EVTCHNOP_bind_interdomain, &c), 0);
    return c.local_port;
}

static uint32_t status(uint32_t port) {
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    long rc = op(EVTCHNOP_status, &s);

    return rc ? (uint32_t)rc : s.status;
}

static long send(uint32_t port) { return op(EVTCHNOP_send, &(struct evtchn_send){port}); }

static long close_port(uint32_t port) { return op(EVTCHNOP_close, &(struct evtchn_close){port}); }

static void lifecycle(void) {
    uint32_t pa, pb;

    make_all();
    pa = unbound(b->id);
    CHECK_EQ(pa, 1);
    CHECK_EQ(status(pa), EVTCHNSTAT_unbound);
    CHECK_EQ(send(pa), 0);
    run_as(b, 0, 0);
    CHECK_EQ(op(EVTCHNOP_bind_interdomain,
                &(struct evtchn_bind_interdomain){.remote_dom = a->id, .remote_port = 77}),
             -EINVAL);
    pb = connect(a->id, pa);
    CHECK(test_bit(pb, b->shared_info->evtchn_pending)); /* look once */
    CHECK_EQ(send(pb), 0);
    CHECK(test_bit(pa, a->shared_info->evtchn_pending));
    CHECK_EQ(status(pb), EVTCHNSTAT_interdomain);
    CHECK_EQ(close_port(pb), 0);
    CHECK_EQ(close_port(pb), -EINVAL);
    run_as(a, 0, 0);
    CHECK_EQ(status(pa), EVTCHNSTAT_unbound);
    CHECK_EQ(send(0xffffffff), -EINVAL);
    free_all();
}

static void port_zero(void) {
    make_all();
    CHECK_EQ(status(0), EVTCHNSTAT_closed);
    CHECK_EQ(send(0), -EINVAL);
    CHECK_EQ(close_port(0), -EINVAL);
    CHECK_EQ(op(EVTCHNOP_bind_vcpu, &(struct evtchn_bind_vcpu){0, 1}), -EINVAL);
    free_all();
}

static void virqs(void) {
    struct evtchn_bind_virq v = {.virq = VIRQ_TIMER, .vcpu = 1};

    make_all();
    CHECK_EQ(op(EVTCHNOP_bind_virq, &v), 0);
    CHECK_EQ(op(EVTCHNOP_bind_virq, &v), -EEXIST);
    v.vcpu = 9;
    CHECK_EQ(op(EVTCHNOP_bind_virq, &v), -ENOENT);
    v = (struct evtchn_bind_virq){.virq = VIRQ_CONSOLE, .vcpu = 1};
    CHECK_EQ(op(EVTCHNOP_bind_virq, &v), -EINVAL);
    v.virq = NR_VIRQS;
    CHECK_EQ(op(EVTCHNOP_bind_virq, &v), -EINVAL);
    send_guest_vcpu_virq(a->vcpu[1], VIRQ_TIMER);
    CHECK(test_bit(1, a->shared_info->evtchn_pending));
    CHECK_EQ(op(EVTCHNOP_bind_pirq, &(struct evtchn_bind_pirq){.pirq = 5}), 0);
    CHECK_EQ(op(EVTCHNOP_bind_pirq, &(struct evtchn_bind_pirq){.pirq = 6}), -EINVAL);
    CHECK_EQ(status(2), EVTCHNSTAT_pirq);
    CHECK_EQ(status(3), EVTCHNSTAT_closed);
    /* A handler that dies is forgotten, and so is one that is dying. */
    CHECK_EQ(set_global_virq_handler(b, VIRQ_DOM_EXC), 0);
    CHECK_EQ(b->refs, 2);
    destroy(b);
    CHECK_EQ(b->refs, 1);
    CHECK_EQ(set_global_virq_handler(b, VIRQ_DOM_EXC), 0);
    CHECK_EQ(b->refs, 1);
    free_all();
}

/* A guest's FIFO side. */
struct fifo_guest {
    struct domain *d;
    uint64_t control[4], array;
    uint32_t head[4][EVTCHN_FIFO_MAX_QUEUES];
    uint32_t handled[WORDS];
};

static void fifo_setup(struct fifo_guest *g, struct domain *d) {
    *g = (struct fifo_guest){.d = d};
    for (unsigned int v = 0; v < d->max_vcpus; v++) {
        g->control[v] = new_frame(d);
        struct evtchn_init_control c = {.control_gfn = g->control[v], .vcpu = v};

        CHECK_EQ(op(EVTCHNOP_init_control, &c), 0);
        CHECK_EQ(c.link_bits, EVTCHN_FIFO_LINK_BITS);
        CHECK_EQ(op(EVTCHNOP_init_control, &c), -EINVAL);
    }
    g->array = new_frame(d);
    CHECK_EQ(op(EVTCHNOP_expand_array, &(struct evtchn_expand_array){g->array}), 0);
}

static event_word_t *guest_word(const struct fifo_guest *g, uint32_t port) {
    return (event_word_t *)frame_bytes(g->array) + port;
}

static struct evtchn_fifo_control_block *control_of(const struct fifo_guest *g, unsigned int v) {
    return frame_bytes(g->control[v]);
}

static void fifo_release(struct fifo_guest *g) {
    for (unsigned int v = 0; v < g->d->max_vcpus; v++) mfn_to_frame(_mfn(g->control[v]))->count--;
    mfn_to_frame(_mfn(g->array))->count--;
}

static uint32_t unlink_word(event_word_t *w) {
    event_word_t old = __atomic_load_n(w, __ATOMIC_SEQ_CST);

    while (!__atomic_compare_exchange_n(w, &old,
                                        old & ~((1u << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK),
                                        false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    return old & EVTCHN_FIFO_LINK_MASK;
}

/* What a rule-abiding kernel does in an upcall of vcpu v. */
static unsigned int consume(struct fifo_guest *g, unsigned int v) {
    struct evtchn_fifo_control_block *c = control_of(g, v);
    uint32_t ready = __atomic_exchange_n(&c->ready, 0, __ATOMIC_SEQ_CST);
    unsigned int n = 0;

    __atomic_store_n(&g->d->vcpu[v]->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST);
    ready |= __atomic_exchange_n(&c->ready, 0, __ATOMIC_SEQ_CST);
    for (uint32_t q = 0; q < EVTCHN_FIFO_MAX_QUEUES; q++) {
        uint32_t port;

        if (!(ready & 1u << q)) continue;
        port = g->head[v][q] ? g->head[v][q] : __atomic_load_n(&c->head[q], __ATOMIC_SEQ_CST);
        while (port) {
            event_word_t *w = guest_word(g, port);

            g->head[v][q] = unlink_word(w);
            if (__atomic_load_n(w, __ATOMIC_SEQ_CST) & 1u << EVTCHN_FIFO_PENDING &&
                !(__atomic_load_n(w, __ATOMIC_SEQ_CST) & 1u << EVTCHN_FIFO_MASKED)) {
                __atomic_fetch_and(w, ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
                __atomic_fetch_add(&g->handled[port], 1, __ATOMIC_SEQ_CST);
                n++;
            }
            port = g->head[v][q];
        }
    }
    return n;
}

static void fifo_basics(void) {
    struct fifo_guest g;
    uint32_t p[4];

    make_all();
    for (unsigned int i = 0; i < 4; i++) p[i] = unbound(a->id), p[i] = connect(a->id, p[i]);
    fifo_setup(&g, a);
    /* The bind's own events were pending in the 2-level ABI and must have come over. */
    CHECK_EQ(consume(&g, 0), 4);
    CHECK_EQ(find_next_bit(a->shared_info->evtchn_pending, 4096, 0), 4096);
    CHECK_EQ(consume(&g, 0), 0);
    for (unsigned int i = 0; i < 4; i++)
        CHECK_EQ(op(EVTCHNOP_set_priority, &(struct evtchn_set_priority){p[i], 3 - i}), 0);
    CHECK_EQ(op(EVTCHNOP_set_priority, &(struct evtchn_set_priority){p[0], 16}), -EINVAL);
    CHECK_EQ(op(EVTCHNOP_set_priority, &(struct evtchn_set_priority){1 << 20, 1}), -EINVAL);
    destroy(a);
    /* Nothing of the guest's is held any more, so its frames, and then it, can go. */
    for (unsigned int v = 0; v < 4; v++) CHECK_EQ(frame_refs(g.control[v]), 1);
    CHECK_EQ(frame_refs(g.array), 1);
    fifo_release(&g);
    free_all();
}

/* An event for a vcpu without control block stays pending, and is delivered by the first unmask. */
static void fifo_late_control(void) {
    struct evtchn_init_control c = {.vcpu = 0};
    uint64_t array, cb[2];
    uint32_t p;

    make_all();
    c.control_gfn = cb[0] = new_frame(a);
    CHECK_EQ(op(EVTCHNOP_init_control, &c), 0);
    array = new_frame(a);
    CHECK_EQ(op(EVTCHNOP_expand_array, &(struct evtchn_expand_array){array}), 0);
    struct evtchn_bind_ipi ipi = {.vcpu = 2};
    CHECK_EQ(op(EVTCHNOP_bind_ipi, &ipi), 0);
    p = ipi.port;
    event_word_t *w = (event_word_t *)frame_bytes(array) + p;
    *w = 1u << EVTCHN_FIFO_MASKED;
    CHECK_EQ(send(p), 0);
    CHECK_EQ(*w, 1u << EVTCHN_FIFO_MASKED | 1u << EVTCHN_FIFO_PENDING);
    cb[1] = c.control_gfn = new_frame(a);
    c.vcpu = 2;
    CHECK_EQ(op(EVTCHNOP_init_control, &c), 0);
    CHECK_EQ(op(EVTCHNOP_unmask, &(struct evtchn_unmask){p}), 0);
    CHECK_EQ(((struct evtchn_fifo_control_block *)frame_bytes(cb[1]))->head[7], p);
    CHECK_EQ(*w, 1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED);
    destroy(a);
    mfn_to_frame(_mfn(array))->count--;
    mfn_to_frame(_mfn(cb[0]))->count--;
    mfn_to_frame(_mfn(cb[1]))->count--;
    free_all();
}

/* Ports of a page that is made after the change to FIFO have the default priority too. */
static void fifo_new_page_priority(void) {
    struct fifo_guest g;
    uint32_t last = 0;

    make_all();
    fifo_setup(&g, a);
    for (unsigned int i = 0; i < 2 * PORTS_PER_PAGE; i++) last = unbound(a->id);
    CHECK_EQ(port_of(a, last)->priority, EVTCHN_FIFO_PRIORITY_DEFAULT);
    destroy(a);
    fifo_release(&g);
    free_all();
}

static void *racing_reset(void *arg) {
    struct evtchn_reset r = {.dom = DOMID_SELF};
    long *rc = arg;

    run_as(a, 1, 1);
    *rc = op(EVTCHNOP_reset, &r);
    return NULL;
}

/* A reset preempted anywhere, ports opened behind its back, then destruction: all are closed. */
static void reset_then_destroy(void) {
    struct evtchn_reset r = {.dom = DOMID_SELF};

    for (long at = 1; at <= 5; at++) {
        uint32_t p[400], pb;
        pthread_t t;
        long rc;

        make_all();
        for (unsigned int i = 0; i < 400; i++) p[i] = unbound(b->id);
        preempt_at = at;
        CHECK_EQ(op(EVTCHNOP_reset, &r), -ERESTART);
        preempt_at = 0;
        CHECK_EQ(again[0], 14);
        pthread_create(&t, NULL, racing_reset, &rc); /* another vcpu's meanwhile */
        pthread_join(t, NULL);
        CHECK_EQ(rc, -EBUSY);
        p[0] = unbound(b->id); /* below where the reset is */
        CHECK_EQ(p[0], 1);
        run_as(b, 0, 0);
        pb = connect(a->id, p[0]);
        if (at & 1) { /* the reset goes on and sees that it has failed */
            run_as(a, 0, 0);
            CHECK_EQ(do_event_channel_op(14, (uint64_t)&r), -EAGAIN);
            CHECK_EQ(op(EVTCHNOP_reset, &r), 0);
            CHECK_EQ(a->event.active, 0);
        }
        destroy(a);
        CHECK_EQ(a->event.active, 0);
        run_as(b, 0, 0);
        CHECK_EQ(status(pb), EVTCHNSTAT_unbound);
        CHECK_EQ(send(pb), 0);
        free_all();
    }
}

static void reset_by_tools(void) {
    struct evtchn_reset r = {.dom = 1};

    make_all();
    for (unsigned int i = 0; i < 200; i++) unbound(b->id);
    run_as(b, 0, 0);
    CHECK_EQ(op(EVTCHNOP_reset, &r), -EPERM);
    run_as(control, 0, 0);
    CHECK_EQ(op(EVTCHNOP_reset, &r), -EINVAL); /* it must be paused */
    a->tools_pause_count = 1;
    preempt_at = 1;
    CHECK_EQ(op(EVTCHNOP_reset, &r), -ERESTART);
    CHECK_EQ(do_event_channel_op((int)again[0], again[1]), 0);
    CHECK_EQ(a->event.active, 0);
    CHECK_EQ(op(EVTCHNOP_reset, &(struct evtchn_reset){.dom = 9}), -ESRCH);
    free_all();
}

/* Racing threads: senders from b, interdomain channels, and the guest a. */
static struct fifo_guest racer;
static uint32_t port_a[NR_SENT], port_b[NR_SENT], sent[NR_SENT];
static bool stop;

static uint32_t next_random(uint32_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

static void *sender(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;

    run_as(b, seed & 1, seed & 3);
    for (unsigned int i = 0; i < 30000; i++) {
        uint32_t n = next_random(&seed) % NR_SENT;

        CHECK_EQ(send(port_b[n]), 0);
        __atomic_fetch_add(&sent[n], 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* Moves ports between vcpus and priorities while events arrive, and masks and unmasks. */
static void *mover(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;

    run_as(a, 1, 1);
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        uint32_t n = next_random(&seed) % NR_SENT, port = port_a[n];

        switch (next_random(&seed) % 3) {
        case 0:
            CHECK_EQ(op(EVTCHNOP_set_priority,
                        &(struct evtchn_set_priority){port, next_random(&seed) % 16}),
                     0);
            break;
        case 1:
            CHECK_EQ(
                op(EVTCHNOP_bind_vcpu, &(struct evtchn_bind_vcpu){port, next_random(&seed) % 2}),
                0);
            break;
        default:
            __atomic_fetch_or(guest_word(&racer, port), 1u << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
            CHECK_EQ(op(EVTCHNOP_unmask, &(struct evtchn_unmask){port}), 0);
        }
        if (next_random(&seed) % 8 == 0) sched_yield();
    }
    return NULL;
}

/* One thread plays the upcalls of a vcpu. */
static void *upcalls(void *arg) {
    unsigned int v = (unsigned int)(uintptr_t)arg;

    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        if (__atomic_load_n(&a->vcpu[v]->info->evtchn_upcall_pending, __ATOMIC_SEQ_CST))
            consume(&racer, v);
        else
            sched_yield();
    }
    return NULL;
}

static void connect_all(void) {
    for (unsigned int i = 0; i < NR_SENT; i++) {
        run_as(a, 0, 0);
        port_a[i] = unbound(b->id);
        run_as(b, 0, 0);
        port_b[i] = connect(a->id, port_a[i]);
        sent[i] = 0;
    }
    run_as(a, 0, 0);
}

static void fifo_race(bool hostile, void *(*other)(void *)) {
    pthread_t s[2], u[2], m;

    make_all();
    connect_all();
    fifo_setup(&racer, a);
    stop = false;
    for (uintptr_t i = 0; i < 2 && !hostile; i++) pthread_create(&u[i], NULL, upcalls, (void *)i);
    pthread_create(&m, NULL, other, (void *)77);
    for (uintptr_t i = 0; i < 2; i++) pthread_create(&s[i], NULL, sender, (void *)(i + 100));
    for (unsigned int i = 0; i < 2; i++) pthread_join(s[i], NULL);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    pthread_join(m, NULL);
    for (unsigned int i = 0; i < 2 && !hostile; i++) pthread_join(u[i], NULL);
    /* What is still linked is found by the flags that the guest was given, by nothing else. */
    for (unsigned int v = 0; v < 2 && !hostile; v++)
        while (a->vcpu[v]->info->evtchn_upcall_pending) consume(&racer, v);
    for (unsigned int i = 0; i < NR_SENT && !hostile; i++) {
        event_word_t w = *guest_word(&racer, port_a[i]);

        CHECK(!(w &
                (1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED | 1u << EVTCHN_FIFO_MASKED)));
        CHECK(!sent[i] == !racer.handled[port_a[i]]);
    }
    destroy(a);
    CHECK_EQ(frame_refs(racer.array), 1);
    fifo_release(&racer);
    free_all();
}

static void *scribbler(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;

    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        uint32_t r = next_random(&seed);

        __atomic_store_n(guest_word(&racer, r % NR_SENT), next_random(&seed), __ATOMIC_SEQ_CST);
        __atomic_store_n(&control_of(&racer, r & 1)->head[r >> 8 & 15], next_random(&seed) % WORDS,
                         __ATOMIC_SEQ_CST);
        if (r % 64 == 0) sched_yield();
    }
    return NULL;
}

/* Senders, and the guest that turns from 2-level to FIFO in between: nothing is lost. */
static void *slow_sender(void *arg) {
    (void)arg;
    run_as(b, 0, 2);
    for (unsigned int i = 0; i < NR_SENT; i++) {
        CHECK_EQ(send(port_b[i]), 0);
        sched_yield();
    }
    return NULL;
}

static void abi_change_race(void) {
    for (unsigned int round = 0; round < 60; round++) {
        pthread_t s;

        make_all();
        connect_all();
        pthread_create(&s, NULL, slow_sender, NULL);
        for (unsigned int i = 0; i < round % 16; i++) sched_yield();
        fifo_setup(&racer, a);
        pthread_join(s, NULL);
        consume(&racer, 0);
        for (unsigned int i = 0; i < NR_SENT; i++) CHECK(racer.handled[port_a[i]] > 0);
        destroy(a);
        fifo_release(&racer);
        free_all();
    }
}

/* SCHEDOP_poll's wake-up: only those that wait for this port, and each once. */
static void pollers(void) {
    unsigned int before;
    uint32_t p;

    make_all();
    p = unbound(a->id);
    p = connect(a->id, p);
    clear_bit(p - 1, a->shared_info->evtchn_pending);
    a->vcpu[2]->event.poll_port = (int32_t)p - 1;
    a->vcpu[3]->event.poll_port = 999;
    a->event.poll_mask[0] = BIT(2) | BIT(3);
    a->shared_info->evtchn_mask[0] = ~0ul;
    before = wakes;
    CHECK_EQ(send(p), 0);
    CHECK_EQ(wakes, before + 1);
    CHECK_EQ(a->event.poll_mask[0], BIT(3));
    CHECK_EQ(event_port_poll(a, p - 1), 1);
    a->vcpu[3]->event.poll_port = -1;
    CHECK_EQ(send(p), 0); /* pending already: no news */
    CHECK_EQ(wakes, before + 1);
    free_all();
}

/* Two domains that connect, send and close against each other. */
static void *quarreller(void *arg) {
    bool first = arg != NULL;
    struct domain *me = first ? a : b, *other = first ? b : a;
    uint32_t seed = first ? 5 : 9;

    run_as(me, 0, first);
    for (unsigned int i = 0; i < 20000; i++) {
        uint32_t n = next_random(&seed) % 16 + 1;
        struct evtchn_alloc_unbound u = {.dom = DOMID_SELF, .remote_dom = other->id};
        struct evtchn_bind_interdomain c = {.remote_dom = other->id, .remote_port = n};

        switch (next_random(&seed) % 6) {
        case 0:
            if (me->event.active < 16) (void)op(EVTCHNOP_alloc_unbound, &u);
            break;
        case 1:
            if (me->event.active < 16) (void)op(EVTCHNOP_bind_interdomain, &c);
            break;
        case 2: (void)close_port(n); break;
        case 3: (void)status(n); break;
        default: (void)send(n);
        }
    }
    return NULL;
}

static void quarrel(void) {
    pthread_t t[2];

    make_all();
    pthread_create(&t[0], NULL, quarreller, NULL);
    pthread_create(&t[1], NULL, quarreller, (void *)1);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    for (uint32_t n = 1; n < a->event.nr_ports; n++)
        if (port_of(a, n)->state == PORT_INTERDOMAIN) {
            struct port *p = port_of(a, n), *r = port_of(p->remote, p->remote_port);

            CHECK(p->remote == b && r->state == PORT_INTERDOMAIN && r->remote == a &&
                  r->remote_port == n);
        }
    destroy(a);
    for (uint32_t n = 1; n < b->event.nr_ports; n++)
        CHECK(port_of(b, n)->state != PORT_INTERDOMAIN);
    CHECK_EQ(a->refs, 1);
    CHECK_EQ(b->refs, 1);
    free_all();
}

int main(void) {
    world_init();
    lifecycle();
    port_zero();
    virqs();
    pollers();
    fifo_basics();
    fifo_late_control();
    fifo_new_page_priority();
    reset_then_destroy();
    reset_by_tools();
    quarrel();
    abi_change_race();
    fifo_race(false, mover);
    fifo_race(true, scribbler);
    return report();
}
