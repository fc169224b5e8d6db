/* SPDX-License-Identifier: MIT */
/*
 * resource: what dom0 does to the memory of a domain that it makes besides filling it: claims,
 * its grant table's frames, its memory map. What succeeds and every way in which it can not.
 */
#include <public/domctl.h>
#include <public/memory.h>
#include "mm.h"

#define XEN_ADDRESS  0xffff830000000000UL
#define DOMID_ABSENT 0x7000
#define NR_PAGES     64

static struct xen_domctl op;
static domid_t other;
static uint64_t list[64];

static long domctl(unsigned int cmd, domid_t domain) {
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = domain;
    return hypercall1(__HYPERVISOR_domctl, &op);
}

static void make_domain(void) {
    op.u.createdomain = (struct xen_domctl_createdomain){
        .handle = {1},
        .max_vcpus = 1,
        .max_evtchn_port = 1023,
        .max_grant_frames = 4,
        .max_maptrack_frames = 4,
        .grant_opts = XEN_DOMCTL_GRANT_version(2),
    };
    require_eq(domctl(XEN_DOMCTL_createdomain, 0), 0);
    other = op.domain;
    op.u.max_mem.max_memkb = NR_PAGES * 4;
    require_eq(domctl(XEN_DOMCTL_max_mem, other), 0);
}

static uint64_t outstanding(void) {
    require_eq(domctl(XEN_DOMCTL_getdomaininfo, other), 0);
    return op.u.getdomaininfo.outstanding_pages;
}

static long claim(domid_t domain, uint64_t pages, unsigned int order, unsigned int flags) {
    struct xen_memory_reservation r = {
        .domid = domain, .nr_extents = pages, .extent_order = order, .mem_flags = flags};

    return HV_memory_op(XENMEM_claim_pages, &r);
}

static void claims(void) {
    struct xen_memory_reservation with_list = {.domid = other, .nr_extents = 1};

    expect_eq(claim(other, 8, 0, 0), 0);
    expect_eq(outstanding(), 8);
    expect_eq(claim(other, 8, 0, 0), -XEN_EINVAL); /* one at a time */
    expect_eq(claim(other, 0, 0, 0), 0);
    expect_eq(outstanding(), 0);
    expect_eq(claim(other, NR_PAGES + 1, 0, 0), -XEN_EINVAL);
    expect_eq(claim(other, 8, 1, 0), -XEN_EINVAL);
    expect_eq(claim(other, 8, 0, XENMEMF_node(0)), -XEN_EINVAL);
    expect_eq(claim(DOMID_ABSENT, 8, 0, 0), -XEN_EINVAL);
    set_xen_guest_handle(with_list.extent_start, list);
    expect_eq(HV_memory_op(XENMEM_claim_pages, &with_list), -XEN_EINVAL);
    /* What is allocated is taken off. */
    expect_eq(claim(other, 8, 0, 0), 0);
    for (unsigned int i = 0; i < 4; i++) list[i] = i;
    with_list.nr_extents = 4;
    expect_eq(HV_memory_op(XENMEM_populate_physmap, &with_list), 4);
    expect_eq(outstanding(), 4);
    expect_eq(claim(other, 0, 0, 0), 0);
}

static struct xen_mem_acquire_resource resource(unsigned int type, unsigned int id,
                                                unsigned int frames) {
    struct xen_mem_acquire_resource r = {
        .domid = other, .type = (uint16_t)type, .id = id, .nr_frames = frames};

    if (frames) set_xen_guest_handle(r.frame_list, list);
    return r;
}

static long acquire(struct xen_mem_acquire_resource *r) {
    return HV_memory_op(XENMEM_acquire_resource, r);
}

static void grant_frames(void) {
    const unsigned int table = XENMEM_resource_grant_table;
    struct xen_mem_acquire_resource r = resource(table, XENMEM_resource_grant_table_id_shared, 0);

    expect_eq(acquire(&r), 0);
    expect_eq(r.nr_frames, 4);
    list[0] = 0;
    r = resource(table, XENMEM_resource_grant_table_id_shared, 1);
    expect_eq(acquire(&r), 0);
    expect(list[0] != 0);
    r.frame = 4; /* beyond the limit */
    expect_eq(acquire(&r), -XEN_EINVAL);
    r = resource(table, 2, 1); /* no such part */
    expect_eq(acquire(&r), -XEN_EINVAL);
    r = resource(XENMEM_resource_ioreq_server, 0, 1); /* of HVM domains, and these too */
    expect_eq(acquire(&r), -XEN_EINVAL);
    r = resource(XENMEM_resource_vmtrace_buf, 0, 1);
    expect_eq(acquire(&r), -XEN_EINVAL);
    r = resource(7, 0, 1);
    expect_eq(acquire(&r), -XEN_EOPNOTSUPP);
    r = resource(table, XENMEM_resource_grant_table_id_shared, 1);
    r.pad = 1;
    expect_eq(acquire(&r), -XEN_EINVAL);
    r = resource(table, XENMEM_resource_grant_table_id_shared, 1);
    r.domid = DOMID_ABSENT;
    expect_eq(acquire(&r), -XEN_ESRCH);
    r.domid = DOMID_SELF; /* not looked at: only another domain's */
    expect_eq(acquire(&r), -XEN_ESRCH);
    r.domid = 0;
    expect_eq(acquire(&r), -XEN_EPERM);
    r = resource(table, XENMEM_resource_grant_table_id_shared, 1);
    r.frame_list.p = (void *)XEN_ADDRESS;
    expect_eq(acquire(&r), -XEN_EFAULT);
}

static long set_map(domid_t domain, unsigned int entries, const void *buffer) {
    struct xen_foreign_memory_map m = {.domid = domain, .map.nr_entries = entries};

    m.map.buffer.p = (void *)buffer;
    return HV_memory_op(XENMEM_set_memory_map, &m);
}

static long get_map(unsigned int *entries, void *buffer) {
    struct xen_memory_map m = {.nr_entries = *entries};
    long rc;

    m.buffer.p = buffer;
    rc = HV_memory_op(XENMEM_memory_map, &m);
    *entries = m.nr_entries;
    return rc;
}

static void maps(void) {
    static const struct __attribute__((packed)) {
        uint64_t start, size;
        uint32_t type;
    } map[2] = {{0, 0x9000, 1}, {0x100000, 0x200000, 1}};
    char back[2 * sizeof(map[0])] = {0};
    unsigned int n = 2;

    expect_eq(set_map(other, 2, map), 0);
    expect_eq(set_map(other, 1000000, map), -XEN_EINVAL);
    expect_eq(set_map(other, 2, (void *)XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(set_map(DOMID_ABSENT, 2, map), -XEN_ESRCH);
    expect_eq(get_map(&n, back), -XEN_ENOSYS); /* dom0 has none until it is given one */
    expect_eq(set_map(DOMID_SELF, 2, map), 0);
    n = 2;
    expect_eq(get_map(&n, back), 0);
    expect_eq(n, 2);
    expect(!memcmp(back, map, sizeof(back)));
    n = 1;
    expect_eq(get_map(&n, back), 0);
    expect_eq(n, 1);
    n = 2;
    expect_eq(get_map(&n, (void *)XEN_ADDRESS), -XEN_EFAULT);
}

void test_main(void) {
    make_domain();
    claims();
    grant_frames();
    maps();
    expect_eq(domctl(XEN_DOMCTL_destroydomain, other), 0);
}
