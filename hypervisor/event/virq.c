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
    struct domain *d, *to;
    struct vcpu *v;

    spin_lock(&handler_lock);
    d = handlers[virq];
    if (d) domain_ref(d);
    spin_unlock(&handler_lock);
    to = d ? d : dom0;
    v = to ? domain_vcpu(to, 0) : NULL;
    if (v) send_guest_vcpu_virq(v, virq);
    if (d) domain_put(d);
}

int set_global_virq_handler(struct domain *d, uint32_t virq) {
    struct domain *let_go;

    if (virq >= NR_VIRQS || !virq_is_global(virq)) return -EINVAL;
    spin_lock(&handler_lock);
    let_go = handlers[virq];
    handlers[virq] = d->state < DOM_DYING ? d : NULL; /* as virq_handler_gone() leaves it */
    if (handlers[virq]) domain_ref(d);
    spin_unlock(&handler_lock);
    if (let_go) domain_put(let_go);
    return 0;
}

void virq_handler_gone(struct domain *d) {
    for (uint32_t i = 0; i < NR_VIRQS; i++) {
        bool mine;

        spin_lock(&handler_lock);
        mine = handlers[i] == d;
        if (mine) handlers[i] = NULL;
        spin_unlock(&handler_lock);
        if (mine) domain_put(d);
    }
}
