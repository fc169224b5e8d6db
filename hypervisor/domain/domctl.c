/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_domctl: dispatch. The structure is copied once, the subject and the object are checked
 * in one place, one lock serialises operations.
 */
#include "domctl.h"

#include <hv/hypercall.h>

spinlock_t domctl_lock = SPINLOCK_INIT(ORDER_DOMCTL);

/* Bits beyond what exists read as 0. */
int bitmap_to_guest(const struct xenctl_bitmap *g, const unsigned long *bits, unsigned int nr) {
    unsigned int n = min(nr, g->nr_bits), bytes = DIV_ROUND_UP(n, 8);
    uint8_t b[MAX_CPUS / 8] = {0};

    for (unsigned int i = 0; i < n; i++)
        if (test_bit(i, bits)) b[i / 8] |= (uint8_t)(1u << i % 8);
    if (copy_to_guest(handle_addr(g->bitmap), b, bytes)) return -EFAULT;
    return clear_guest(handle_addr(g->bitmap) + bytes, DIV_ROUND_UP(g->nr_bits, 8UL) - bytes);
}

int bitmap_from_guest(unsigned long *bits, unsigned int nr, const struct xenctl_bitmap *g) {
    unsigned int n = min(nr, g->nr_bits);

    memset(bits, 0, BITS_TO_LONGS(nr) * sizeof(*bits));
    if (copy_from_guest(bits, handle_addr(g->bitmap), DIV_ROUND_UP(n, 8))) return -EFAULT;
    for (unsigned int b = n; b < ROUND_UP(n, 8u) && b < nr; b++) __clear_bit(b, bits);
    return 0;
}

static long dispatch(struct domctl *c) {
    switch (c->op.cmd) {
#define RUN(name)                                                                                  \
    case XEN_DOMCTL_##name: return domctl_##name(c);
        DOMCTL_OPERATIONS(RUN)
    default: return refuse(POL_DOMCTL, c->op.cmd);
    }
}

static long run(struct domctl *c, uint64_t arg) {
    long rc = policy_check(current->domain, c->d, POL_DOMCTL, c->op.cmd);

    if (rc) return rc;
    if (!spin_trylock(&domctl_lock)) return hypercall_continue(1, arg);
    rc = dispatch(c);
    spin_unlock(&domctl_lock);
    if (rc == -ERESTART) return hypercall_continue(1, arg);
    /* A policy that is refused comes back with the leaf or register that cannot be. */
    if ((!rc || c->op.cmd == XEN_DOMCTL_set_cpu_policy) &&
        copy_to_guest(arg, &c->op, sizeof(c->op)))
        rc = -EFAULT;
    return rc;
}

long do_domctl(uint64_t arg) {
    struct domctl c = {0};
    bool may_be_absent;
    long rc;

    if (!current->domain->is_control) return -EPERM;
    if (copy_from_guest(&c.op, arg, sizeof(c.op))) return -EFAULT;
    if (c.op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) return -EACCES;
    may_be_absent = c.op.cmd == XEN_DOMCTL_createdomain || c.op.cmd == XEN_DOMCTL_getdomaininfo;
    if (c.op.cmd != XEN_DOMCTL_createdomain) c.d = domain_get(c.op.domain);
    if (!c.d && c.op.cmd == XEN_DOMCTL_getdomaininfo && c.op.domain < DOMID_FIRST_RESERVED)
        c.d = domain_get_next(c.op.domain);
    if (!c.d && !may_be_absent) return -ESRCH;
    rc = run(&c, arg);
    if (c.d) domain_put(c.d);
    return rc;
}
