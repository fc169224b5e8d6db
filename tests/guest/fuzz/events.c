/* SPDX-License-Identifier: MIT */
/* Event channels of both interfaces. The console's and xenstore's ports are left alone. */
#include "fuzz.h"
#include "parts.h"

#define PORTS 64

uint32_t own_domain, peer_domain;
unsigned int protected_ports[16], nr_protected;

static unsigned int ports[PORTS];
static uint32_t *control_page[MAX_VCPUS], *array_page[4];

static void learn(unsigned int port) {
    unsigned int at = port % PORTS;

    if (port && port < MAX_PORTS) ports[at] = port;
}

static bool is_protected(unsigned int port) {
    for (unsigned int i = 0; i < nr_protected; i++)
        if (protected_ports[i] == port) return true;
    return false;
}

static unsigned int pick_port(struct fuzzer *f) {
    unsigned int at = (unsigned int)below(f, PORTS), port;

    for (unsigned int n = 0; n < PORTS && !ports[at]; n++) at = (at + 1) % PORTS;
    port = chance(f, 92) ? ports[at] : (unsigned int)(chance(f, 50) ? below(f, 128) : odd(f));
    return is_protected(port) ? 0 : port;
}

void events_init(void) {
    struct evtchn_status status;
    unsigned int port = event_alloc(DOMID_SELF);

    require_eq(event_status(port, &status), 0);
    own_domain = status.u.unbound.dom;
    event_close(port);
    if (!in_dom0()) {
        protected_ports[nr_protected++] = si->console.domU.evtchn;
        protected_ports[nr_protected++] = si->store_evtchn;
    }
    for (unsigned int i = 0; i < all_vcpus; i++) control_page[i] = page_alloc();
    for (unsigned int i = 0; i < ARRAY_SIZE(array_page); i++) array_page[i] = page_alloc();
}

/* The port is in the argument when the call is over; note: where, or what to forget. */
static void port_made(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc) learn(*(const uint32_t *)c->note[0]);
}

static void port_closed(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc && ports[c->note[0] % PORTS] == c->note[0]) ports[c->note[0] % PORTS] = 0;
}

static void event_call(struct fuzzer *f, struct call *c, unsigned int cmd, const void *arg) {
    *c = (struct call){.op = __HYPERVISOR_event_channel_op, .arg = {cmd, arg_address(f, arg)}};
}

static void make_alloc(struct fuzzer *f, struct call *c) {
    struct evtchn_alloc_unbound *op = arg_alloc(f, sizeof(*op));

    op->dom = pick_domain(f);
    op->remote_dom = chance(f, 50)   ? DOMID_SELF
                     : chance(f, 50) ? (domid_t)peer_domain
                                     : pick_domain(f);
    event_call(f, c, EVTCHNOP_alloc_unbound, op);
    c->note[0] = (uint64_t)&op->port;
    c->done = port_made;
}

static void make_interdomain(struct fuzzer *f, struct call *c) {
    struct evtchn_bind_interdomain *op = arg_alloc(f, sizeof(*op));

    op->remote_dom = chance(f, 80) ? DOMID_SELF : (domid_t)peer_domain;
    op->remote_port = chance(f, 80) ? pick_port(f) : (unsigned int)below(f, 64);
    if (chance(f, 3)) op->remote_dom = pick_domain(f);
    event_call(f, c, EVTCHNOP_bind_interdomain, op);
    c->note[0] = (uint64_t)&op->local_port;
    c->done = port_made;
}

static void make_bind(struct fuzzer *f, struct call *c) {
    struct evtchn_bind_virq *virq = arg_alloc(f, sizeof(*virq));
    struct evtchn_bind_ipi *ipi = arg_alloc(f, sizeof(*ipi));
    struct evtchn_bind_pirq *pirq = arg_alloc(f, sizeof(*pirq));

    switch (below(f, 8)) {
    case 0:
        pirq->pirq = in_dom0() && chance(f, 90) ? (uint32_t)below(f, 48) : (uint32_t)odd(f);
        event_call(f, c, EVTCHNOP_bind_pirq, pirq);
        c->note[0] = (uint64_t)&pirq->port;
        break;
    case 1:
    case 2:
    case 3:
        virq->virq = chance(f, 90) ? (uint32_t)below(f, 24) : (uint32_t)odd(f);
        virq->vcpu = pick_vcpu(f);
        event_call(f, c, EVTCHNOP_bind_virq, virq);
        c->note[0] = (uint64_t)&virq->port;
        break;
    default:
        ipi->vcpu = pick_vcpu(f);
        event_call(f, c, EVTCHNOP_bind_ipi, ipi);
        c->note[0] = (uint64_t)&ipi->port;
    }
    c->done = port_made;
}

static void make_close(struct fuzzer *f, struct call *c) {
    struct evtchn_close *op = arg_alloc(f, sizeof(*op));

    op->port = pick_port(f);
    event_call(f, c, EVTCHNOP_close, op);
    c->note[0] = op->port;
    c->done = port_closed;
}

/* Operations on a port; of the first form now and then, in which the command is in the memory. */
static void make_on_port(struct fuzzer *f, struct call *c) {
    static const unsigned int commands[] = {EVTCHNOP_send, EVTCHNOP_send, EVTCHNOP_unmask,
                                            EVTCHNOP_set_priority, EVTCHNOP_bind_vcpu};
    uint32_t *arg = arg_alloc(f, 16), *old;
    unsigned int cmd = PICK(f, commands);

    arg[0] = pick_port(f);
    arg[1] = cmd == EVTCHNOP_bind_vcpu ? pick_vcpu(f) : (uint32_t)below(f, 17);
    event_call(f, c, cmd, arg);
    if (!chance(f, 5)) return;
    old = arg_alloc(f, 64);
    old[0] = chance(f, 80) ? cmd : (uint32_t)odd(f);
    memcpy(old + 1, arg, 8);
    if (is_protected(old[1]) || old[0] == EVTCHNOP_reset) old[0] = EVTCHNOP_send;
    *c = (struct call){.op = __HYPERVISOR_event_channel_op_compat, .arg = {arg_address(f, old)}};
}

static void make_status(struct fuzzer *f, struct call *c) {
    struct evtchn_status *op = arg_alloc(f, sizeof(*op));

    op->dom = pick_domain(f);
    op->port = pick_port(f);
    event_call(f, c, EVTCHNOP_status, op);
}

static void make_fifo(struct fuzzer *f, struct call *c) {
    struct evtchn_init_control *init = arg_alloc(f, sizeof(*init));
    struct evtchn_expand_array *expand = arg_alloc(f, sizeof(*expand));

    if (chance(f, 50)) {
        init->vcpu = pick_vcpu(f);
        init->control_gfn = virt_to_mfn(control_page[init->vcpu < all_vcpus ? init->vcpu : 0]);
        init->offset = chance(f, 70) ? 8 * (uint32_t)below(f, 500) : (uint32_t)odd(f);
        if (chance(f, 10)) init->control_gfn = pick_frame(f);
        if (is_vital(init->control_gfn)) init->control_gfn = 0;
        event_call(f, c, EVTCHNOP_init_control, init);
    } else {
        expand->array_gfn = virt_to_mfn(PICK(f, array_page));
        event_call(f, c, EVTCHNOP_expand_array, expand);
    }
}

static void was_reset(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    (void)c;
    if (!rc) memset(ports, 0, sizeof(ports));
}

/* As dom0 it has no port that it could not do without; otherwise the console is lost. */
static void make_reset(struct fuzzer *f, struct call *c) {
    struct evtchn_reset *op = arg_alloc(f, sizeof(*op));

    op->dom = (domid_t)(1 + below(f, 0x7000));
    if (op->dom == own_domain) op->dom++;
    if (in_dom0() && chance(f, 80)) op->dom = DOMID_SELF;
    event_call(f, c, EVTCHNOP_reset, op);
    if (op->dom == DOMID_SELF) c->done = was_reset;
    if (!in_dom0() && c->arg[1] != (uint64_t)op) c->arg[1] = 0;
}

static void make_refused(struct fuzzer *f, struct call *c) {
    uint64_t *op = arg_alloc(f, 16);

    op[0] = 1 + below(f, 0x7000);
    /* 14 is a reset that goes on */
    event_call(f, c, 15 + (unsigned int)odd(f) % 1000, op);
}

/* Scribbles where the hypervisor reads and writes events. */
static unsigned int act_scribble(struct fuzzer *f) {
    unsigned int vcpu = (unsigned int)below(f, all_vcpus);
    struct vcpu_info *info = &shared->vcpu_info[vcpu];

    switch (below(f, 6)) {
    case 0: shared->evtchn_pending[below(f, 64)] = odd(f); break;
    case 1: shared->evtchn_mask[below(f, 64)] ^= 1UL << below(f, 64); break;
    case 2: info->evtchn_pending_sel = odd(f); break;
    case 3: control_page[vcpu][below(f, 1024)] = (uint32_t)odd(f); break;
    default: PICK(f, array_page)[below(f, 1024)] = (uint32_t)odd(f) << (below(f, 2) ? 0 : 29);
    }
    return 0;
}

/* Takes what is pending. */
static unsigned int act_open(struct fuzzer *f) {
    (void)f;
    events_on();
    events_off();
    return 0;
}

const struct generator event_calls[] = {
    {"event.alloc_unbound", 12, make_alloc, NULL},
    {"event.interdomain", 12, make_interdomain, NULL},
    {"event.bind", 10, make_bind, NULL},
    {"event.close", 14, make_close, NULL},
    {"event.on port", 40, make_on_port, NULL},
    {"event.status", 10, make_status, NULL},
    {"event.fifo", 4, make_fifo, NULL},
    {"event.reset", 1, make_reset, NULL},
    {"event.refused", 1, make_refused, NULL},
};
const unsigned int nr_event_calls = ARRAY_SIZE(event_calls);

const struct generator event_acts[] = {
    {"(event scribble)", 15, NULL, act_scribble},
    {"(take events)", 5, NULL, act_open},
};
const unsigned int nr_event_acts = ARRAY_SIZE(event_acts);
