/* SPDX-License-Identifier: MIT */
/*
 * held: what memory the hypervisor keeps to itself, seen by dom0. Prints "PAGES free own", of the
 * machine and of dom0, and then, in bytes, what a guest of 64 MiB takes beyond that: "GUEST bytes",
 * the mean of four after a first one. The guests are made as the tools make them, with one vcpu and
 * the tools' limits, and are not run.
 */
#include <public/domctl.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sysctl.h>
#include "vcpu.h"

#define GUESTS      4
#define GUEST_PAGES 16384ul
#define ORDER       9 /* in pieces of 2 MiB */
#define PIECES      (GUEST_PAGES >> ORDER)

static uint64_t free_pages(void) {
    struct xen_sysctl op = {.cmd = XEN_SYSCTL_physinfo,
                            .interface_version = XEN_SYSCTL_INTERFACE_VERSION};

    require_eq(hypercall1(__HYPERVISOR_sysctl, &op), 0);
    return op.u.physinfo.free_pages;
}

static long domctl(struct xen_domctl *op, unsigned int cmd) {
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_domctl, op);
}

static void make_guest(uint8_t number) {
    static xen_pfn_t extents[PIECES];
    struct xen_domctl op = {.u.createdomain = {.handle = {number},
                                               .max_vcpus = 1,
                                               .max_evtchn_port = 1023,
                                               .max_grant_frames = 64,
                                               .max_maptrack_frames = 1024,
                                               .grant_opts = XEN_DOMCTL_GRANT_version(2)}};
    struct xen_memory_reservation memory = {.nr_extents = PIECES, .extent_order = ORDER};

    require_eq(domctl(&op, XEN_DOMCTL_createdomain), 0);
    memory.domid = op.domain;
    op.u.max_vcpus.max = 1;
    require_eq(domctl(&op, XEN_DOMCTL_max_vcpus), 0);
    op.u.max_mem.max_memkb = GUEST_PAGES * 4;
    require_eq(domctl(&op, XEN_DOMCTL_max_mem), 0);
    for (unsigned int i = 0; i < PIECES; i++) extents[i] = (xen_pfn_t)i << ORDER;
    set_xen_guest_handle(memory.extent_start, extents);
    require_eq(HV_memory_op(XENMEM_populate_physmap, &memory), PIECES);
}

void test_main(void) {
    uint64_t before;

    printk("PAGES %lu %lu\n", free_pages(), si->nr_pages);
    make_guest(1);
    before = free_pages();
    for (uint8_t i = 0; i < GUESTS; i++) make_guest(i + 2);
    printk("GUEST %lu\n", (before - free_pages()) * 4096 / GUESTS - GUEST_PAGES * 4096);
}
