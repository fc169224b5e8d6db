/* SPDX-License-Identifier: MIT */
/* What dom0 asks for itself, and of its devices. */
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/vcpu.h>
#include "event.h"
#include "faults.h"
#include "mm.h"
#include "puppet.h"
#include "vcpu.h"

#define OTHER 400 /* a domain's id */
#define REF   9

static void *window, *page;

/* Grants. */

static unsigned int own_grant_frames(void) {
    struct gnttab_query_size op = {.dom = DOMID_SELF};

    expect_eq(HV_grant_table_op(GNTTABOP_query_size, &op, 1), 0);
    return op.nr_frames;
}

static long grow_grants(void) {
    static uint64_t frames[8];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = ARRAY_SIZE(frames)};
    unsigned int before = own_grant_frames();

    set_xen_guest_handle(op.frame_list, frames);
    expect_eq(HV_grant_table_op(GNTTABOP_setup_table, &op, 1), 0);
    expect_eq(own_grant_frames(), op.status ? before : ARRAY_SIZE(frames));
    if (!op.status) require_eq(map_mfn(window, frames[0], PTE_RW), 0);
    return op.status;
}

/* Of our own page. */
static long map_grant(void) {
    struct grant_entry_v1 *grant = (struct grant_entry_v1 *)window + REF;
    char *at = (char *)window + PAGE_SIZE;
    struct gnttab_map_grant_ref map = {
        .host_addr = (uint64_t)at, .flags = GNTMAP_host_map, .ref = REF};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (uint64_t)at};

    *grant = (struct grant_entry_v1){GTF_permit_access, 0, (uint32_t)virt_to_mfn(page)};
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    if (!map.status) {
        unmap.handle = map.handle;
        expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
        expect_eq(unmap.status, GNTST_okay);
    }
    expect_eq(grant->flags, GTF_permit_access);
    grant->flags = 0;
    return map.status;
}

static long set_version(unsigned int version) {
    struct gnttab_set_version op = {.version = version};
    long rc = HV_grant_table_op(GNTTABOP_set_version, &op, 1);

    expect_eq(op.version, rc ? 3 - version : version);
    return rc;
}

static long version_2(void) { return set_version(2); }

static void grants(void) {
    every_failure("setup_table", grow_grants, GNTST_general_error, GNTST_okay);
    every_failure("map_grant_ref", map_grant, GNTST_no_space, GNTST_okay);
    every_failure("set_version", version_2, -XEN_ENOMEM, 0);
    require_eq(set_version(1), 0);
}

/* Event channels. */

static long open_port(void) {
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};

    return HV_event_channel_op(EVTCHNOP_alloc_unbound, &op);
}

static long bind_virq(void) {
    static unsigned int port;
    struct evtchn_bind_virq op = {.virq = VIRQ_DEBUG};
    long rc;

    if (port) expect_eq(event_close(port), 0);
    rc = HV_event_channel_op(EVTCHNOP_bind_virq, &op);
    port = rc ? 0 : op.port;
    return rc;
}

static long fifo_control(void) {
    struct evtchn_init_control op = {.control_gfn = virt_to_mfn(page)};

    return HV_event_channel_op(EVTCHNOP_init_control, &op);
}

static long fifo_array(void) {
    struct evtchn_expand_array op = {.array_gfn = virt_to_mfn((char *)page)};

    return HV_event_channel_op(EVTCHNOP_expand_array, &op);
}

static void events(void) {
    /* Enough for the port table to grow; what is bound takes a port as what is allocated does. */
    for (unsigned int i = 0; i < 150; i++) {
        every_failure("alloc_unbound", open_port, -XEN_ENOMEM, 0);
        if (i % 10 == 0) every_failure("bind_virq", bind_virq, -XEN_ENOMEM, 0);
    }
    every_failure("init_control", fifo_control, -XEN_ENOMEM, 0);
    page = page_alloc();
    every_failure("expand_array", fifo_array, 0, 0);
    page = page_alloc();
}

/* Memory. */

/* Gives the page's frame up for another one. */
static long exchange(void) {
    xen_pfn_t in = virt_to_mfn(page), out = virt_to_pfn(page);
    struct xen_memory_exchange e = {
        .in = {.nr_extents = 1, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .domid = DOMID_SELF},
    };
    long rc;

    set_xen_guest_handle(e.in.extent_start, &in);
    set_xen_guest_handle(e.out.extent_start, &out);
    require_eq(map_pte(page, 0), 0);
    rc = HV_memory_op(XENMEM_exchange, &e);
    expect_eq(e.nr_exchanged, !rc);
    if (!rc) set_pfn_to_mfn(virt_to_pfn(page), out);
    require_eq(set_writable(page), 0); /* the old one is ours still, or the new one is */
    return rc;
}

/* The same in two steps: how many frames came back. */
static long give_and_take(void) {
    static bool given;
    xen_pfn_t frame = virt_to_mfn(page);
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};
    long rc;

    set_xen_guest_handle(r.extent_start, &frame);
    if (!given) {
        require_eq(map_pte(page, 0), 0);
        require_eq(HV_memory_op(XENMEM_decrease_reservation, &r), 1);
        given = true;
    }
    frame = virt_to_pfn(page);
    rc = HV_memory_op(XENMEM_populate_physmap, &r);
    if (rc != 1) return rc;
    given = false;
    set_pfn_to_mfn(virt_to_pfn(page), frame);
    require_eq(set_writable(page), 0);
    return rc;
}

static long set_memory_map(void) {
    static const uint8_t entry[20] = {0, [9] = 0x10, [16] = 1};
    struct xen_foreign_memory_map m = {.domid = DOMID_SELF, .map.nr_entries = 1};

    m.map.buffer.p = (void *)(uintptr_t)entry;
    return HV_memory_op(XENMEM_set_memory_map, &m);
}

static long initialise_vcpu(void) {
    static struct vcpu_guest_context context;

    return HV_vcpu_op(VCPUOP_initialise, 0, &context);
}

/* On another domain. */

static long acquire_grants(void) {
    static uint64_t frames[4];
    struct xen_mem_acquire_resource r = {.domid = OTHER,
                                         .type = XENMEM_resource_grant_table,
                                         .id = XENMEM_resource_grant_table_id_shared,
                                         .nr_frames = ARRAY_SIZE(frames)};

    set_xen_guest_handle(r.frame_list, frames);
    return HV_memory_op(XENMEM_acquire_resource, &r);
}

static long permission(unsigned int first, unsigned int nr, bool allow) {
    domctl_op.u.ioport_permission = (struct xen_domctl_ioport_permission){
        .first_port = first, .nr_ports = nr, .allow_access = allow};
    return domctl(XEN_DOMCTL_ioport_permission, OTHER);
}

static long allow_ports(void) { return permission(0x80, 16, true); }
static long deny_some(void) { return permission(0x88, 1, false); }
static long deny_all(void) { return permission(0x80, 16, false); }

static void on_another(void) {
    require_eq(domain_new(OTHER), 0);
    every_failure("acquire_resource", acquire_grants, -XEN_ENOMEM, 0);
    every_failure("ioport_permission", allow_ports, -XEN_ENOMEM, 0);
    every_failure("ioport_permission, to split", deny_some, -XEN_ENOMEM, 0);
    every_failure("ioport_permission, to end", deny_all, 0, 0);
    require_eq(domctl(XEN_DOMCTL_destroydomain, OTHER), 0);
}

/* Devices: only where something can fail. dom0 maps what is not for it to write read-only. */

static bool writable(uint64_t mfn) {
    uint64_t *entry = l1_entry(window);
    bool is;

    require_eq(mmu_update_dom(machine_address(entry), MFN_PTE(mfn, PTE_RW), DOMID_IO), 0);
    is = *entry & PTE_W;
    require_eq(map_pte(window, 0), 0);
    return is;
}

static uint32_t config_read(unsigned int devfn, unsigned int reg) {
    uint32_t value;

    outl(0xcf8, 0x80000000U | devfn << 8 | (reg & 0xfc));
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"((uint16_t)0xcfc));
    return value >> (reg & 3) * 8;
}

static struct physdev_pci_device device;
static uint64_t msix_bar, msix_table;

static long prepare_msix(void) {
    long rc = HV_physdev_op(PHYSDEVOP_prepare_msix, &device);

    expect_eq(writable(msix_table), rc != 0);
    return rc;
}

/* This needs no memory: what it asks for would be for other read-only frames on both sides. */
static void release_msix(void) {
    struct injected was;
    unsigned long n = 0;

    do {
        require_eq(HV_physdev_op(PHYSDEVOP_prepare_msix, &device), 0);
        inject(++n);
        expect_eq(HV_physdev_op(PHYSDEVOP_release_msix, &device), 0);
        was = inject_end();
        expect(writable(msix_table));
    } while (was.failed);
}

static void map_vector(void) {
    struct physdev_map_pirq map = {.domid = DOMID_SELF,
                                   .type = MAP_PIRQ_TYPE_MSI_SEG,
                                   .index = -1,
                                   .devfn = device.devfn,
                                   .table_base = msix_bar};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF};
    struct injected was;
    unsigned long n = 0;
    long rc;

    do {
        map.pirq = -1;
        inject(++n);
        rc = HV_physdev_op(PHYSDEVOP_map_pirq, &map);
        was = inject_end();
        expect_eq(rc, was.failed ? -XEN_ENOMEM : 0);
    } while (was.failed);
    unmap.pirq = map.pirq;
    expect_eq(HV_physdev_op(PHYSDEVOP_unmap_pirq, &unmap), 0);
}

static void find_msix_device(void) {
    unsigned int devfn, cap;
    uint32_t where;

    while (HV_physdev_op(PHYSDEVOP_prepare_msix, &device)) require(++device.devfn);
    devfn = device.devfn;
    require_eq(HV_physdev_op(PHYSDEVOP_release_msix, &device), 0);
    cap = config_read(devfn, 0x34) & 0xfc;
    while ((config_read(devfn, cap) & 0xff) != 0x11) cap = config_read(devfn, cap + 1) & 0xfc;
    where = config_read(devfn, cap + 4);
    msix_bar = config_read(devfn, 0x10 + (where & 7) * 4) & ~15U;
    msix_table = (msix_bar + (where & ~7U)) / PAGE_SIZE;
}

static void devices(void) {
    struct physdev_set_iopl iopl = {.iopl = 1};

    if (!can_inject) return;
    require_eq(HV_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    find_msix_device();
    every_failure("prepare_msix", prepare_msix, -XEN_ENOMEM, 0);
    require_eq(HV_physdev_op(PHYSDEVOP_release_msix, &device), 0);
    release_msix();
    map_vector();
}

void own_calls(void) {
    window = window_alloc(2);
    page = page_alloc();
    grants();
    every_failure("exchange", exchange, -XEN_ENOMEM, 0);
    every_failure("populate_physmap", give_and_take, 0, 1);
    every_failure("set_memory_map", set_memory_map, -XEN_ENOMEM, 0);
    every_failure("VCPUOP_initialise", initialise_vcpu, -XEN_ENOMEM, -XEN_EEXIST);
    on_another();
    devices();
    events();
}
