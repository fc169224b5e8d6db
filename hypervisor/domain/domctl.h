/* SPDX-License-Identifier: MIT */
/*
 * domctl operations: each is a function on a private copy of the caller's structure, which is
 * written back when it returns 0. The domctl lock is held; d holds a reference (NULL for
 * createdomain, and for getdomaininfo past the last id).
 */
#pragma once

#include <hv/domain.h>

struct domctl {
    struct xen_domctl op;
    struct domain *d;
};

/* clang-format off */
/* X(operation) for each. */
#define DOMCTL_OPERATIONS(X) \
    /* domctl_domain.c: life, limits, permissions, information */ \
    X(createdomain) X(destroydomain) X(pausedomain) X(unpausedomain) X(resumedomain) \
    X(getdomaininfo) X(max_mem) X(max_vcpus) X(setdomainhandle) X(setdebugging) \
    X(settimeoffset) X(setnodeaffinity) X(getnodeaffinity) X(set_virq_handler) \
    X(irq_permission) X(iomem_permission) X(ioport_permission) \
    /* domctl_vcpu.c: state and placement of vcpus */ \
    X(setvcpucontext) X(getvcpucontext) X(getvcpuinfo) X(setvcpuaffinity) X(getvcpuaffinity) \
    X(scheduler_op) X(sendtrigger) \
    /* domctl_x86.c, x86/policy_ops.c: what depends on the architecture */ \
    X(hypercall_init) X(set_address_size) X(get_address_size) X(settscinfo) X(gettscinfo) \
    X(getpageframeinfo3) X(get_cpu_policy) X(set_cpu_policy) X(set_ext_vcpucontext) \
    X(get_ext_vcpucontext)
/* clang-format on */

#define DECLARE(name) long domctl_##name(struct domctl *c);
DOMCTL_OPERATIONS(DECLARE)
#undef DECLARE

/* Fills what tools learn of a domain; also for sysctl getdomaininfolist. */
void domain_get_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* How an operation is refused that there is not. domain/refused.c */
long refuse(enum policy_op family, uint32_t cmd);

/* Domctl and sysctl share it. Only tried, and the hypercall restarted if that fails: the holder may
 * be waiting for this very vcpu to leave its CPU. */
extern spinlock_t domctl_lock;

/* A struct xenctl_bitmap in guest memory, to or from a bitmap of nr bits. -EFAULT */
int bitmap_to_guest(const struct xenctl_bitmap *g, const unsigned long *bits, unsigned int nr);
int bitmap_from_guest(unsigned long *bits, unsigned int nr, const struct xenctl_bitmap *g);
