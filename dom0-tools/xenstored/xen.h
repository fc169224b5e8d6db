/* SPDX-License-Identifier: MIT */
/*
 * What xenstored wants of the hypervisor and of dom0's kernel, as a table of functions: the
 * daemon uses the one of xen_linux.c, the unit tests one of their own, and with
 * --no-domain-init there is none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct xenstore_domain_interface;

struct xen_domain_state {
    bool shutdown; /* shut down or crashed, the reason does not matter here */
    bool dying;    /* being destroyed: its resources may be held by others still */
};

struct xen_ops {
    /* Fills *st; -ESRCH if there is no such domain. */
    int (*domain_state)(uint32_t domid, struct xen_domain_state *st);
    /* Maps the domain's xenstore page; dom0's is its own kernel's. NULL with errno. */
    struct xenstore_domain_interface *(*map)(uint32_t domid, uint64_t gfn);
    void (*unmap)(uint32_t domid, struct xenstore_domain_interface *page);
    /* Binds to the domain's port: a local port (positive), or -errno. */
    int (*bind)(uint32_t domid, uint32_t remote_port);
    void (*unbind)(uint32_t port);
    void (*notify)(uint32_t port);
};

/* NULL: no hypervisor. Every domain number is then taken for an existing domain. */
extern const struct xen_ops *xen;

/*
 * Opens the devices, binds VIRQ_DOM_EXC and sets xen. 0, or -errno with a message logged.
 * *fd becomes readable when events wait; *dom0_port is the port of dom0's own kernel.
 */
int xen_linux_init(int *fd, uint32_t *dom0_port);
/* Takes the waiting events: calls exc() for VIRQ_DOM_EXC, event() for any other port. */
void xen_linux_events(void (*exc)(void), void (*event)(uint32_t port));
