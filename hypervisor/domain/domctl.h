/* SPDX-License-Identifier: MIT */
/*
 * domctl operations: each is a function on a private copy of the caller's structure. Returning 0
 * with copyback set writes the copy back. The domctl lock is held; d holds a reference (NULL for
 * createdomain, and for getdomaininfo past the last id).
 */
#pragma once

#include <hv/domain.h>

struct domctl {
    struct xen_domctl op;
    struct domain *d;
    bool copyback, copyback_on_error;
};

/* domctl_domain.c: life, memory limits, information */
long domctl_createdomain(struct domctl *c);
long domctl_destroydomain(struct domctl *c);
long domctl_pausedomain(struct domctl *c);
long domctl_unpausedomain(struct domctl *c);
long domctl_resumedomain(struct domctl *c);
long domctl_getdomaininfo(struct domctl *c);
long domctl_max_mem(struct domctl *c);
long domctl_max_vcpus(struct domctl *c);
long domctl_setdomainhandle(struct domctl *c);
long domctl_setdebugging(struct domctl *c);
long domctl_settimeoffset(struct domctl *c);
long domctl_setnodeaffinity(struct domctl *c);
long domctl_getnodeaffinity(struct domctl *c);
long domctl_set_virq_handler(struct domctl *c);
long domctl_irq_permission(struct domctl *c);
long domctl_iomem_permission(struct domctl *c);
long domctl_ioport_permission(struct domctl *c);

/* domctl_vcpu.c: state and placement of vcpus */
long domctl_setvcpucontext(struct domctl *c);
long domctl_getvcpucontext(struct domctl *c);
long domctl_getvcpuinfo(struct domctl *c);
long domctl_setvcpuaffinity(struct domctl *c);
long domctl_getvcpuaffinity(struct domctl *c);
long domctl_scheduler_op(struct domctl *c);
long domctl_sendtrigger(struct domctl *c);

/* domctl_x86.c: what depends on the architecture */
long domctl_hypercall_init(struct domctl *c);
long domctl_set_address_size(struct domctl *c);
long domctl_get_address_size(struct domctl *c);
long domctl_settscinfo(struct domctl *c);
long domctl_gettscinfo(struct domctl *c);
long domctl_getpageframeinfo3(struct domctl *c);
long domctl_get_cpu_policy(struct domctl *c);
long domctl_set_cpu_policy(struct domctl *c);
long domctl_set_ext_vcpucontext(struct domctl *c);
long domctl_get_ext_vcpucontext(struct domctl *c);

/* Fills what tools learn of a domain; also for sysctl getdomaininfolist. */
void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* The lock that domctl and sysctl share. False: somebody holds it, restart the hypercall. */
bool domctl_trylock(void);
void domctl_unlock(void);

/* A struct xenctl_bitmap in guest memory, to or from a bitmap of nr bits. -EFAULT */
int bitmap_to_guest(const struct xenctl_bitmap *g, const unsigned long *bits, unsigned int nr);
int bitmap_from_guest(unsigned long *bits, unsigned int nr, const struct xenctl_bitmap *g);
