/* SPDX-License-Identifier: MIT */
/*
 * resource: what dom0 does to a domain that it makes besides filling it with memory: claims, its
 * grant table's frames, its memory map, its event ports. What succeeds and every way in which it
 * can not.
 */
#include <public/event_channel.h>
#include <public/memory.h>
#include "domctl.h"
#include "mm.h"

#define XEN_ADDRESS  0xffff830000000000UL
#define DOMID_ABSENT 0x7000
#define NR_PAGES     64

static domid_t other;
static uint64_t list[64];
static void *rw; /* a page, */
static char *ro; /* read-only here, and nothing behind it */

#define MAX_PORT 1023

/* With this many frames of grants and of mappings, and this version of grants at most. */
static long create(unsigned int grant_frames, unsigned int maptrack_frames, unsigned int version) {
    domctl_op.u.createdomain = (struct xen_domctl_createdomain){
        .handle = {1},
        .max_vcpus = 1,
        .max_evtchn_port = MAX_PORT,
        .max_grant_frames = (int32_t)grant_frames,
        .max_maptrack_frames = (int32_t)maptrack_frames,
        .grant_opts = XEN_DOMCTL_GRANT_version(version),
    };
    return domctl(XEN_DOMCTL_createdomain, 0);
}

static void make_domain(void) {
    expect_eq(create(4, 4, 0), -XEN_EINVAL);
    expect_eq(create(4, 4, 3), -XEN_EINVAL);
    expect_eq(create(0, 4, 2), -XEN_EINVAL);
    expect_eq(create(100000, 4, 2), -XEN_EINVAL);
    expect_eq(create(4, 100000, 2), -XEN_EINVAL);
    require_eq(create(4, 4, 2), 0);
    other = domctl_op.domain;
    domctl_op.u.max_mem.max_memkb = NR_PAGES * 4;
    require_eq(domctl(XEN_DOMCTL_max_mem, other), 0);
}

static uint64_t outstanding(void) {
    require_eq(domctl(XEN_DOMCTL_getdomaininfo, other), 0);
    return domctl_op.u.getdomaininfo.outstanding_pages;
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
    expect_eq(claim(other, 4, 0, 0), -XEN_EINVAL); /* no more than it has */
    /* More than the machine has. */
    domctl_op.u.max_mem.max_memkb = 1UL << 32;
    require_eq(domctl(XEN_DOMCTL_max_mem, other), 0);
    expect_eq(claim(other, 1UL << 29, 0, 0), -XEN_ENOMEM);
    expect_eq(outstanding(), 0);
    domctl_op.u.max_mem.max_memkb = NR_PAGES * 4;
    require_eq(domctl(XEN_DOMCTL_max_mem, other), 0);
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
    r = resource(table, XENMEM_resource_grant_table_id_status, 1); /* of version 2 only */
    expect_eq(acquire(&r), -XEN_EINVAL);
    r = resource(table, XENMEM_resource_grant_table_id_shared, 1);
    r.frame = 1UL << 20;
    expect_eq(acquire(&r), -XEN_EINVAL);
    r.frame = 0;
    r.nr_frames = 1u << 26; /* more than can be counted when it goes on */
    expect_eq(acquire(&r), -XEN_EINVAL);
    r.nr_frames = 1;
    expect_eq(HV_memory_op(XENMEM_acquire_resource | 1u << 6, &r), -XEN_EINVAL);
    r.frame_list.p = NULL; /* the size has no length */
    expect_eq(acquire(&r), -XEN_EINVAL);
    r.nr_frames = 0;
    memcpy(rw, &r, sizeof(r));
    expect_eq(acquire((void *)ro), -XEN_EFAULT);
}

/* No more of them than it was made for. */
static void ports(void) {
    struct evtchn_alloc_unbound alloc = {.dom = other, .remote_dom = DOMID_SELF};
    unsigned int n = 0;
    long rc;

    while ((rc = HV_event_channel_op(EVTCHNOP_alloc_unbound, &alloc)) == 0 && n < 5000) n++;
    expect_eq(rc, -XEN_ENOSPC);
    expect_eq(n, MAX_PORT);
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
    memcpy(rw, &(struct xen_memory_map){.nr_entries = 0}, sizeof(struct xen_memory_map));
    expect_eq(HV_memory_op(XENMEM_memory_map, ro), -XEN_EFAULT);
}

void test_main(void) {
    rw = page_at_edge(&ro);
    make_domain();
    claims();
    grant_frames();
    maps();
    ports();
    expect_eq(domctl(XEN_DOMCTL_destroydomain, other), 0);
}
