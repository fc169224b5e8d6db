/* SPDX-License-Identifier: MIT */
/* Event channels: dispatch of upcalls, and the operations tests need. */
#include "event.h"
#include "mm.h"

event_handler_t *event_handlers[MAX_PORTS];
unsigned int event_counts[MAX_PORTS];
unsigned int event_last_vcpu[MAX_PORTS];
unsigned int upcalls;
bool event_fifo;
uint32_t *fifo_words[8];

static unsigned int fifo_arrays;
static struct evtchn_fifo_control_block *control[MAX_VCPUS];
static uint32_t heads[MAX_VCPUS][EVTCHN_FIFO_MAX_QUEUES];

static void deliver(struct vcpu *v, unsigned int port) {
    if (port >= MAX_PORTS) die("upcall for port %u", port);
    event_last_vcpu[port] = v->id;
    barrier(); /* another vcpu may wait for the count, and then asks where it was */
    event_counts[port]++;
    if (event_handlers[port]) event_handlers[port](port);
}

static void upcall_2level(struct vcpu *v) {
    uint64_t words = __atomic_exchange_n(&v->info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

    while (words) {
        unsigned int word = (unsigned int)__builtin_ctzl(words);
        uint64_t ports =
            READ_ONCE(shared->evtchn_pending[word]) & ~READ_ONCE(shared->evtchn_mask[word]);

        words &= words - 1;
        while (ports) {
            unsigned int port = word * 64 + (unsigned int)__builtin_ctzl(ports);

            ports &= ports - 1;
            if (test_and_clear_bit(port, shared->evtchn_pending)) deliver(v, port);
        }
    }
}

uint32_t *fifo_word(unsigned int port) {
    unsigned int per_page = PAGE_SIZE / sizeof(uint32_t);

    return &fifo_words[port / per_page][port % per_page];
}

/* Takes one event off a queue; the queue's last event has no link, and clears the ready bit. */
static void fifo_take(struct vcpu *v, unsigned int queue, uint32_t *ready) {
    struct evtchn_fifo_control_block *block = control[v->id];
    uint32_t port = heads[v->id][queue];
    uint32_t *word, old, link;

    if (!port) {
        mb();
        port = READ_ONCE(block->head[queue]);
    }
    word = fifo_word(port);
    do {
        old = READ_ONCE(*word);
        link = old & EVTCHN_FIFO_LINK_MASK;
    } while (!__atomic_compare_exchange_n(
        word, &old, old & ~((1U << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK), false,
        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    if (!link) *ready &= ~(1U << queue);
    heads[v->id][queue] = link;
    if ((old >> EVTCHN_FIFO_PENDING & 1) && !(old >> EVTCHN_FIFO_MASKED & 1)) {
        test_and_clear_bit(EVTCHN_FIFO_PENDING, word);
        deliver(v, port);
    }
}

static void upcall_fifo(struct vcpu *v) {
    struct evtchn_fifo_control_block *block = control[v->id];
    uint32_t ready = __atomic_exchange_n(&block->ready, 0, __ATOMIC_SEQ_CST);

    while (ready) {
        fifo_take(v, (unsigned int)__builtin_ctz(ready), &ready);
        ready |= __atomic_exchange_n(&block->ready, 0, __ATOMIC_SEQ_CST);
    }
}

void event_upcall(struct vcpu *v) {
    upcalls++;
    while (__atomic_exchange_n(&v->info->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
        if (event_fifo)
            upcall_fifo(v);
        else
            upcall_2level(v);
    }
}

void events_off(void) {
    WRITE_ONCE(this_vcpu()->info->evtchn_upcall_mask, 1);
    barrier();
}

/* A pending upcall is not delivered by the unmasking itself: that takes an entry to Xen. */
void events_on(void) {
    struct vcpu *v = this_vcpu();

    barrier();
    WRITE_ONCE(v->info->evtchn_upcall_mask, 0);
    barrier();
    if (READ_ONCE(v->info->evtchn_upcall_pending)) HV_xen_version(0, NULL);
}

bool event_pending(unsigned int port) {
    return event_fifo ? READ_ONCE(*fifo_word(port)) >> EVTCHN_FIFO_PENDING & 1
                      : test_bit(port, shared->evtchn_pending);
}

bool event_masked(unsigned int port) {
    return event_fifo ? READ_ONCE(*fifo_word(port)) >> EVTCHN_FIFO_MASKED & 1
                      : test_bit(port, shared->evtchn_mask);
}

void event_mask(unsigned int port) {
    if (event_fifo)
        test_and_set_bit(EVTCHN_FIFO_MASKED, fifo_word(port));
    else
        test_and_set_bit(port, shared->evtchn_mask);
}

bool event_clear(unsigned int port) {
    return event_fifo ? test_and_clear_bit(EVTCHN_FIFO_PENDING, fifo_word(port))
                      : test_and_clear_bit(port, shared->evtchn_pending);
}

long event_unmask(unsigned int port) {
    struct evtchn_unmask op = {.port = port};

    return HV_event_channel_op(EVTCHNOP_unmask, &op);
}

unsigned int event_alloc(uint32_t remote) {
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = (domid_t)remote};

    require_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &op), 0);
    return op.port;
}

void event_pair(unsigned int *a, unsigned int *b) {
    struct evtchn_bind_interdomain op = {.remote_dom = DOMID_SELF};

    *a = op.remote_port = event_alloc(DOMID_SELF);
    require_eq(HV_event_channel_op(EVTCHNOP_bind_interdomain, &op), 0);
    *b = op.local_port;
}

unsigned int event_bind_virq(unsigned int virq, unsigned int vcpu) {
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};

    require_eq(HV_event_channel_op(EVTCHNOP_bind_virq, &op), 0);
    return op.port;
}

unsigned int event_bind_ipi(unsigned int vcpu) {
    struct evtchn_bind_ipi op = {.vcpu = vcpu};

    require_eq(HV_event_channel_op(EVTCHNOP_bind_ipi, &op), 0);
    return op.port;
}

long event_send(unsigned int port) {
    struct evtchn_send op = {.port = port};

    return HV_event_channel_op(EVTCHNOP_send, &op);
}

long event_close(unsigned int port) {
    struct evtchn_close op = {.port = port};

    return HV_event_channel_op(EVTCHNOP_close, &op);
}

long event_status(unsigned int port, struct evtchn_status *status) {
    memset(status, 0, sizeof(*status));
    status->dom = DOMID_SELF;
    status->port = port;
    return HV_event_channel_op(EVTCHNOP_status, status);
}

long event_fifo_expand(void) {
    uint32_t *page = page_alloc();
    struct evtchn_expand_array op = {.array_gfn = virt_to_mfn(page)};
    long rc;

    fifo_words[fifo_arrays] = page;
    rc = HV_event_channel_op(EVTCHNOP_expand_array, &op);
    if (!rc) fifo_arrays++;
    return rc;
}

long event_use_fifo(unsigned int vcpu) {
    struct evtchn_init_control op = {.vcpu = vcpu};
    long rc;

    control[vcpu] = page_alloc();
    op.control_gfn = virt_to_mfn(control[vcpu]);
    rc = HV_event_channel_op(EVTCHNOP_init_control, &op);
    if (rc) return rc;
    if (op.link_bits != EVTCHN_FIFO_LINK_BITS) failure("link bits %u", op.link_bits);
    if (!fifo_arrays) rc = event_fifo_expand();
    event_fifo = !rc;
    return rc;
}
