/* SPDX-License-Identifier: MIT */
/*
 * The FIFO event ABI (public/event_channel.h): one word a port in guest memory, 16 queues a vcpu,
 * linked through the words. The guest writes the words too, so a link is never followed here and
 * never trusted: Hospes remembers each queue's tail itself, and updates a tail's word only by a
 * bounded compare-exchange that still sees it LINKED.
 *
 * One lock a domain, d->event.fifo_lock, covers all its queues and the mapped guest frames. A port
 * that changes its vcpu or priority therefore moves between queues without a window in which an
 * event could be lost, and the frames can be unmapped while other vcpus still call in.
 */
#include "port.h"

#include <hv/pcpu.h>

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define ARRAY_PAGES    (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)
#define NR_QUEUES      (EVTCHN_FIFO_PRIORITY_MIN + 1)
#define LINK_TRIES     8 /* the guest may legally change a linked word four times */

#define W_PENDING (1U << EVTCHN_FIFO_PENDING)
#define W_MASKED  (1U << EVTCHN_FIFO_MASKED)
#define W_LINKED  (1U << EVTCHN_FIFO_LINKED)
#define W_BUSY    (1U << EVTCHN_FIFO_BUSY)

struct evtchn_fifo_domain {
    uint32_t nr_words;
    event_word_t *page[ARRAY_PAGES];
};

struct evtchn_fifo_vcpu {
    struct evtchn_fifo_control_block *control;
    uint32_t tail[NR_QUEUES]; /* last port linked; 0: none */
};

static event_word_t *word_of(const struct domain *d, uint32_t port) {
    const struct evtchn_fifo_domain *f = d->event.fifo;

    if (!f || port >= f->nr_words) return NULL;
    port = (uint32_t)array_index_nospec(port, f->nr_words);
    return f->page[port / WORDS_PER_PAGE] + port % WORDS_PER_PAGE;
}

static event_word_t word_set(event_word_t *w, event_word_t bits) {
    return __atomic_fetch_or(w, bits, __ATOMIC_SEQ_CST);
}

static event_word_t word_clear(event_word_t *w, event_word_t bits) {
    return __atomic_fetch_and(w, ~bits, __ATOMIC_SEQ_CST);
}

/* Appends port behind the tail. False when the guest has consumed the tail: the queue is empty. */
static bool link_behind(event_word_t *tail, uint32_t port) {
    event_word_t old = __atomic_load_n(tail, __ATOMIC_ACQUIRE);

    for (unsigned int i = 0; i < LINK_TRIES; i++) {
        event_word_t new = (old & ~(W_BUSY | EVTCHN_FIFO_LINK_MASK)) | port;

        if (!(old & W_LINKED)) {
            if (old & W_BUSY) word_clear(tail, W_BUSY);
            return false;
        }
        if (__atomic_compare_exchange_n(tail, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE))
            return true;
        if (!(old & W_BUSY)) /* asks the guest not to unmask meanwhile */
            old = word_set(tail, W_BUSY) | W_BUSY;
    }
    word_clear(tail, W_BUSY);
    return true; /* a guest that keeps changing its tail loses this event, and only itself */
}

/* Puts a port that has just become LINKED on its queue. True when the guest must be told. */
static bool enqueue(struct domain *d, struct vcpu *v, struct port *p) {
    struct evtchn_fifo_vcpu *fv = v->event.fifo;
    struct vcpu *last = domain_vcpu(d, p->last.vcpu);
    event_word_t *tail_word;
    uint32_t tail;

    /* It was unlinked, so if it is the tail of its former queue that queue is empty. */
    if (last && last->event.fifo && last->event.fifo->tail[p->last.priority] == p->number)
        last->event.fifo->tail[p->last.priority] = 0;
    p->last.vcpu = (uint16_t)v->id;
    p->last.priority = p->priority;

    tail = fv->tail[p->priority];
    fv->tail[p->priority] = p->number;
    tail_word = tail ? word_of(d, tail) : NULL;
    if (tail_word && link_behind(tail_word, p->number)) return false;
    __atomic_store_n(&fv->control->head[p->priority], p->number, __ATOMIC_RELEASE);
    return !(__atomic_fetch_or(&fv->control->ready, 1U << p->priority, __ATOMIC_SEQ_CST) &
             (1U << p->priority));
}

void fifo_raise(struct domain *d, struct port *p, bool unmask) {
    struct vcpu *v = domain_vcpu(d, READ_ONCE(p->vcpu));
    bool tell = false, fresh = false;
    event_word_t *w;

    if (!v) return;
    spin_lock(&d->event.fifo_lock);
    w = word_of(d, p->number);
    if (!w) {
        p->pending |= !unmask; /* raised again when the array grows that far */
    } else if (!unmask || (word_clear(w, W_MASKED) & W_PENDING)) {
        fresh = !(word_set(w, W_PENDING) & W_PENDING);
        /* The guest may not unmask before it has set up this vcpu. */
        if (v->event.fifo && v->event.fifo->control &&
            !(__atomic_load_n(w, __ATOMIC_ACQUIRE) & W_MASKED) &&
            !(word_set(w, W_LINKED) & W_LINKED))
            tell = enqueue(d, v, p);
    }
    spin_unlock(&d->event.fifo_lock);
    if (tell) vcpu_mark_events_pending(v);
    if (fresh) wake_pollers(d, p->number);
}

void fifo_clear_pending(struct domain *d, struct port *p) {
    event_word_t *w;

    SPIN_SCOPE(&d->event.fifo_lock);
    p->pending = false;
    w = word_of(d, p->number);
    if (w) /* the guest unlinks and skips words that are not pending */
        word_clear(w, W_PENDING);
}

bool fifo_test(struct domain *d, const struct port *p, unsigned int bit) {
    event_word_t *w, value = W_MASKED; /* where the array does not reach that far yet */

    SPIN_SCOPE(&d->event.fifo_lock);
    w = word_of(d, p->number);
    if (w) value = __atomic_load_n(w, __ATOMIC_ACQUIRE);
    return value & (1U << bit);
}

/* Event lock held. The first control block turns the domain's ABI to FIFO. Events that were pending
 * before are raised again when the array comes. A sender that still saw the old ABI sets its bit
 * either before we look, or after; then it sees the new ABI (l2_set_pending). */
static int switch_to_fifo(struct domain *d) {
    struct evtchn_fifo_domain *f = hv_new(struct evtchn_fifo_domain);

    if (!f) return -ENOMEM;
    __atomic_store_n(&d->event.fifo, f, __ATOMIC_SEQ_CST);
    SPIN_SCOPE(&d->event.fifo_lock);
    for (uint32_t n = 1; n < min(d->event.nr_ports, MAX_PORTS_2L); n++)
        if (test_and_clear_bit(n, d->shared_info->evtchn_pending)) port_of(d, n)->pending = true;
    return 0;
}

long fifo_init_control(struct evtchn_init_control *c) {
    struct domain *d = current->domain;
    struct vcpu *v = domain_vcpu(d, c->vcpu), *o;
    uint32_t offset = c->offset;
    uint8_t *page;
    int rc;

    c->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (!v) return -ENOENT;
    if (offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || offset % 8) return -EINVAL;

    SPIN_SCOPE(&d->event.lock);
    for_each_vcpu(d, o)
        if (!o->event.fifo && !(o->event.fifo = hv_new(struct evtchn_fifo_vcpu))) return -ENOMEM;
    page = v->event.fifo->control ? NULL : mm_map_guest_frame(d, c->control_gfn);
    if (!page) return -EINVAL;
    rc = d->event.fifo ? 0 : switch_to_fifo(d);
    if (rc) {
        mm_unmap_guest_frame(page);
        return rc;
    }
    SPIN_SCOPE(&d->event.fifo_lock);
    v->event.fifo->control = (struct evtchn_fifo_control_block *)(page + offset);
    return 0;
}

/* Ports raised before their words existed. */
static void raise_latched(struct domain *d, uint32_t from, uint32_t to) {
    for (uint32_t n = from; n < to && port_is_valid(d, n); n++) {
        struct port *p = port_of(d, n);

        if (p->pending) {
            p->pending = false;
            fifo_raise(d, p, false);
        }
    }
}

long fifo_expand_array(const struct evtchn_expand_array *e) {
    struct domain *d = current->domain;
    struct evtchn_fifo_domain *f;
    uint32_t from;
    void *page;

    SPIN_SCOPE(&d->event.lock);
    f = d->event.fifo;
    if (!f) return -EOPNOTSUPP;
    from = f->nr_words;
    if (from >= EVTCHN_FIFO_NR_CHANNELS) return -ENOSPC;
    page = mm_map_guest_frame(d, e->array_gfn);
    if (!page) return -EINVAL;
    spin_lock(&d->event.fifo_lock);
    f->page[from / WORDS_PER_PAGE] = page;
    f->nr_words = from + (uint32_t)WORDS_PER_PAGE;
    spin_unlock(&d->event.fifo_lock);
    raise_latched(d, from, f->nr_words);
    return 0;
}

/* Takes effect for future events; one that is queued stays where it is. */
long fifo_set_priority(const struct evtchn_set_priority *s) {
    struct domain *d = current->domain;
    struct port *p = port_find(d, s->port);

    if (!p) return -EINVAL;
    if (!d->event.fifo) return -ENOSYS;
    SPIN_SCOPE(&p->lock);
    if (!port_is_open(p)) return -EACCES;
    if (s->priority > EVTCHN_FIFO_PRIORITY_MIN) return -EINVAL;
    SPIN_SCOPE(&d->event.fifo_lock);
    p->priority = (uint8_t)s->priority;
    return 0;
}

void event_destroy_vcpu(struct vcpu *v) {
    struct evtchn_fifo_vcpu *fv = v->event.fifo;

    if (!fv) return;
    spin_lock(&v->domain->event.fifo_lock);
    v->event.fifo = NULL;
    spin_unlock(&v->domain->event.fifo_lock);
    if (fv->control) mm_unmap_guest_frame(fv->control);
    hv_free(fv);
}

void fifo_destroy(struct domain *d) {
    struct evtchn_fifo_domain *f = d->event.fifo;
    struct vcpu *v;

    for_each_vcpu(d, v) event_destroy_vcpu(v);
    if (!f) return;
    spin_lock(&d->event.fifo_lock);
    d->event.fifo = NULL;
    spin_unlock(&d->event.fifo_lock);
    for (uint32_t i = 0; i < f->nr_words / WORDS_PER_PAGE; i++) mm_unmap_guest_frame(f->page[i]);
    hv_free(f);
}
