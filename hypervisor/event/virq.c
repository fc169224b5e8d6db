/* SPDX-License-Identifier: MIT */
/* Virtual interrupts: per vcpu, or global ones that a chosen domain (dom0 by default) receives. */
#include "port.h"

static spinlock_t handler_lock = SPINLOCK_INIT(ORDER_LEAF);
static struct domain *handlers[NR_VIRQS]; /* reference held; NULL: dom0 */

bool virq_is_global(uint32_t virq) {
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

void send_guest_vcpu_virq(struct vcpu *v, uint32_t virq) {
    uint32_t n = READ_ONCE(v->event.virq_port[virq]);
    struct port *p;

    if (!n) return;
    p = port_of(v->domain, n);
    SPIN_SCOPE(&p->lock);
    if (p->state == PORT_VIRQ && p->detail == virq) port_set_pending(v->domain, p);
}

void send_global_virq(uint32_t virq) {
    struct domain *to, *d DOMAIN_PUT_AT_END;
    struct vcpu *v;

    spin_lock(&handler_lock);
    d = handlers[virq];
    if (d) domain_ref(d);
    spin_unlock(&handler_lock);
    to = d ? d : dom0;
    v = to ? domain_vcpu(to, 0) : NULL;
    if (v) send_guest_vcpu_virq(v, virq);
}

int set_global_virq_handler(struct domain *d, uint32_t virq) {
    if (virq >= NR_VIRQS || !virq_is_global(virq)) return -EINVAL;
    SPIN_SCOPE(&handler_lock);
    if (handlers[virq]) domain_put(handlers[virq]);
    handlers[virq] = d->state < DOM_DYING ? d : NULL; /* as virq_handler_gone() leaves it */
    if (handlers[virq]) domain_ref(d);
    return 0;
}

void virq_handler_gone(struct domain *d) {
    for (uint32_t i = 0; i < NR_VIRQS; i++) {
        SPIN_SCOPE(&handler_lock);
        if (handlers[i] != d) continue;
        handlers[i] = NULL;
        domain_put(d);
    }
}
