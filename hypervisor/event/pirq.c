/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts of a domain: the numbers (pirqs) by which dom0 knows interrupt lines and MSI
 * vectors, and their delivery as event channels. A line that triggers by level stays masked from
 * its delivery until the guest says eoi.
 *
 * The interrupt handler takes only the port's lock; irq_unbind() returns after it can run no more.
 */
#include "port.h"

#include <hv/pcpu.h>

#define MSI_PIRQS 232u /* beyond the lines; with 24 of those dom0 has 256 */

/* Of the control domain, the only one that has hardware: a table of nr_pirqs(). */
struct pirq {
    struct irq_desc *desc; /* NULL: not mapped */
    struct port *port;     /* NULL: not bound */
    bool msi;
    bool reserved; /* given out by get_free_pirq, not mapped yet */
};

static uint32_t nr_pirqs(void) { return irq_nr_gsis() + MSI_PIRQS; }

int pirq_domain_init(struct domain *d) {
    if (!d->is_control) return 0;
    d->event.pirqs = hv_new_array(struct pirq, nr_pirqs());
    return d->event.pirqs ? 0 : -ENOMEM;
}

static struct pirq *pirq_of(const struct domain *d, uint32_t n) {
    uint32_t nr = nr_pirqs();

    return d->event.pirqs && n < nr ? &d->event.pirqs[array_index_nospec(n, nr)] : NULL;
}

bool pirq_is_valid(const struct domain *d, uint32_t n) { return pirq_of(d, n) != NULL; }

/* Interrupt context. */
static void deliver(void *data) {
    struct pirq *q = data;
    struct port *p = __atomic_load_n(&q->port, __ATOMIC_ACQUIRE);

    if (!p) return;
    SPIN_SCOPE(&p->lock);
    if (p->state == PORT_PIRQ) port_set_pending(dom0, p);
}

static void note_needs_eoi(const struct domain *d, const struct pirq *q) {
    unsigned long n = (unsigned long)(q - d->event.pirqs), *map = d->event.eoi_map;

    if (!map || n >= PAGE_SIZE * 8) return;
    if (q->desc && irq_is_level(q->desc))
        set_bit(n, map);
    else
        clear_bit(n, map);
}

/* The line is bound to one domain only, so whether the guest would share it does not matter. */
int pirq_bind_port(struct domain *d, uint32_t n, struct port *p) {
    struct pirq *q = pirq_of(d, n);
    int rc;

    if (n >= nr_pirqs()) return -EINVAL;
    if (!q || !q->desc) return -EPERM;
    if (q->port) return -EEXIST;
    /* The port must be findable before the first interrupt. */
    __atomic_store_n(&q->port, p, __ATOMIC_RELEASE);
    rc = irq_bind(q->desc, deliver, q);
    if (rc) {
        q->port = NULL;
        return rc;
    }
    irq_set_cpu(q->desc, smp_cpu_id());
    note_needs_eoi(d, q);
    return 0;
}

static void unbind(struct pirq *q) {
    if (!q->port) return;
    irq_unbind(q->desc);
    q->port = NULL;
}

void pirq_unbind_port(struct domain *d, struct port *p) {
    struct pirq *q = pirq_of(d, p->detail);

    if (q && q->port == p) unbind(q);
}

void pirq_set_affinity(struct domain *d, uint32_t n, const struct vcpu *v) {
    struct pirq *q = pirq_of(d, n);

    if (q && q->desc && q->port) irq_set_cpu(q->desc, v->sched.cpu);
}

int pirq_eoi(struct domain *d, uint32_t n) {
    struct pirq *q;

    SPIN_SCOPE(&d->event.lock);
    q = pirq_of(d, n);
    if (!q || !(q->desc || q->reserved)) return -EINVAL;
    if (q->port && d->event.auto_unmask) {
        SPIN_SCOPE(&q->port->lock);
        port_unmask(d, q->port);
    }
    if (q->desc) irq_eoi(q->desc);
    return 0;
}

/* For all that the guest does not mask: the first form of it. */
int pirq_eoi_unmasked(struct domain *d) {
    for (uint32_t n = 0; pirq_is_valid(d, n); n++) {
        struct port *p = READ_ONCE(pirq_of(d, n)->port);

        if (p && !port_is_masked(d, p)) (void)pirq_eoi(d, n);
    }
    return 0;
}

int pirq_set_eoi_map(struct domain *d, uint64_t gmfn, bool auto_unmask) {
    unsigned long *map = mm_map_guest_frame(d, gmfn);
    struct pirq *q;

    if (!map) return -EINVAL;
    SPIN_SCOPE(&d->event.lock);
    if (d->event.eoi_map) {
        mm_unmap_guest_frame(map);
        return -EBUSY;
    }
    d->event.eoi_map = map;
    d->event.auto_unmask = auto_unmask;
    for (uint32_t i = 0; (q = pirq_of(d, i)); i++)
        if (q->port) note_needs_eoi(d, q);
    return 0;
}

/* Event lock held. Lines may take numbers from 16 up, vectors from the top down. */
static int find_free(const struct pirq *table, bool msi) {
    uint32_t end = msi ? nr_pirqs() : irq_nr_gsis();
    int found = -ENOSPC;

    for (uint32_t i = msi ? irq_nr_gsis() : 16; i < end && (msi || found < 0); i++)
        if (!table[i].desc && !table[i].reserved) found = (int)i;
    return found;
}

int pirq_reserve(struct domain *d, bool msi) {
    int n;

    SPIN_SCOPE(&d->event.lock);
    n = find_free(d->event.pirqs, msi);
    if (n >= 0) d->event.pirqs[n].reserved = true;
    return n;
}

int pirq_map(struct domain *d, int wanted, struct irq_desc *desc, bool msi) {
    struct pirq *table = d->event.pirqs;
    int n = 0, nr = (int)nr_pirqs();

    SPIN_SCOPE(&d->event.lock);
    while (n < nr && table[n].desc != desc) n++;
    if (n < nr) return wanted >= 0 && wanted != n ? -EEXIST : n;
    n = wanted < 0 ? find_free(table, msi) : wanted;
    if (n < 0) return n;
    if (n >= nr) return -EINVAL;
    if (!table[n].desc)
        table[n] = (struct pirq){.desc = desc, .msi = msi};
    else if (msi) /* it stays as it is, and that is no error: as Xen */
        msi_free(desc);
    return n;
}

int pirq_unmap(struct domain *d, uint32_t n) {
    struct pirq *q;

    SPIN_SCOPE(&d->event.lock);
    q = pirq_of(d, n);
    if (!q || !q->desc) return -EINVAL;
    unbind(q);
    if (q->msi) msi_free(q->desc);
    q->desc = NULL;
    q->reserved = false;
    return 0;
}

void pirq_domain_destroy(struct domain *d) {
    struct pirq *table = d->event.pirqs;

    if (d->event.eoi_map) mm_unmap_guest_frame(d->event.eoi_map);
    d->event.eoi_map = NULL;
    for (uint32_t i = 0; pirq_is_valid(d, i); i++) (void)pirq_unmap(d, i);
    d->event.pirqs = NULL;
    hv_free(table);
}
