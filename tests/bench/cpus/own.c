/* SPDX-License-Identifier: MIT */
/*
 * Operations that each vcpu does on things of its own: ports, page tables, grants. Those that
 * change something change it back, so an operation may be two calls.
 */
#include <public/grant_table.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "cpus.h"

#define FIRST_REF 8

static struct own {
    struct evtchn_send masked, open;
    struct mmu_update map, unmap;
    char *page; /* an address with tables of its own and nothing mapped */
    uint64_t pte, *entry;
    struct mmuext_op pin, unpin, other, same;
    struct gnttab_map_grant_ref grant_map;
    struct gnttab_unmap_grant_ref grant_unmap;
    struct multicall_entry calls[8];
} own[MAX_VCPUS];
static struct grant_entry_v1 *grants;

static void version(unsigned int me) {
    (void)me;
    HV_xen_version(XENVER_version, NULL);
}
static void multicall(unsigned int me) { HV_multicall(own[me].calls, 8); }
static void yield(unsigned int me) {
    (void)me;
    HV_sched_op(SCHEDOP_yield, NULL);
}
static void timer(unsigned int me) {
    (void)me;
    HV_set_timer_op(now() + SECOND);
    HV_set_timer_op(0);
}

static void send_masked(unsigned int me) {
    event_clear(own[me].masked.port);
    HV_event_channel_op(EVTCHNOP_send, &own[me].masked);
}
static void send_open(unsigned int me) { HV_event_channel_op(EVTCHNOP_send, &own[me].open); }
static void port(unsigned int me) {
    (void)me;
    event_close(event_alloc(DOMID_SELF));
}

static void page_fault(unsigned int me) { try_read(own[me].page, NULL); }

static void update(unsigned int me) {
    HV_mmu_update(&own[me].map, 1, NULL, DOMID_SELF);
    HV_mmu_update(&own[me].unmap, 1, NULL, DOMID_SELF);
}
static void update_va(unsigned int me) {
    HV_update_va_mapping(own[me].page, own[me].pte, UVMF_INVLPG);
    HV_update_va_mapping(own[me].page, 0, UVMF_INVLPG);
}
static void write_directly(unsigned int me) {
    WRITE_ONCE(*own[me].entry, own[me].pte);
    WRITE_ONCE(*own[me].entry, 0);
}
static void switch_table(unsigned int me) {
    HV_mmuext_op(&own[me].other, 1, NULL, DOMID_SELF);
    HV_mmuext_op(&own[me].same, 1, NULL, DOMID_SELF);
}
static void pin_unpin(unsigned int me) {
    HV_mmuext_op(&own[me].pin, 1, NULL, DOMID_SELF);
    HV_mmuext_op(&own[me].unpin, 1, NULL, DOMID_SELF);
}
static void map_grant(unsigned int me) {
    struct own *o = &own[me];

    HV_grant_table_op(GNTTABOP_map_grant_ref, &o->grant_map, 1);
    o->grant_unmap.handle = o->grant_map.handle;
    HV_grant_table_op(GNTTABOP_unmap_grant_ref, &o->grant_unmap, 1);
    if (o->grant_unmap.status != GNTST_okay) failure("vcpu %u: %d", me, o->grant_unmap.status);
}

const struct operation own_operations[] = {
    {"xen_version", version, EVERYONE, 8, NULL},
    {"multicall of 8 xen_version", multicall, EVERYONE, 8, NULL},
    {"sched_op yield", yield, EVERYONE, 8, NULL},
    {"set_timer_op +1 s and stop", timer, EVERYONE, 8, NULL},
    {"evtchn_send to self, masked", send_masked, EVERYONE, 8, NULL},
    {"evtchn_send to self + upcall + iret", send_open, EVERYONE, 8, NULL},
    {"evtchn alloc_unbound and close", port, EVERYONE, 8, NULL},
    {"page fault + iret", page_fault, EVERYONE, 8, NULL},
    {"mmu_update of 1: map and unmap", update, EVERYONE, 8, NULL},
    {"update_va_mapping, INVLPG: map and unmap", update_va, EVERYONE, 8, NULL},
    {"write to a page-table entry, and back", write_directly, EVERYONE, 8, NULL},
    {"NEW_BASEPTR, another L4 and back", switch_table, EVERYONE, 8, NULL},
    {"pin and unpin L1, empty", pin_unpin, EVERYONE, 8, NULL},
    {"grant map and unmap of 1", map_grant, EVERYONE, 8, NULL},
};
const unsigned int nr_own_operations = ARRAY_SIZE(own_operations);

static void prepare_tables(struct own *o) {
    /* Alone in its L1. */
    char *window = window_alloc(1024);
    uint64_t *l1 = table_alloc();

    o->page = (char *)(((uint64_t)window + 511 * PAGE_SIZE) & -(512 * PAGE_SIZE));
    o->entry = l1_entry(o->page);
    o->pte = MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW);
    o->map.ptr = o->unmap.ptr = machine_address(o->entry);
    o->map.val = o->pte;
    o->pin = (struct mmuext_op){.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = virt_to_mfn(l1)};
    o->unpin = (struct mmuext_op){.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = virt_to_mfn(l1)};
    o->other = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = l4_copy()};
    o->same = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = virt_to_mfn(l4_table())};
}

static void prepare_grant(struct own *o, unsigned int ref) {
    if (!grants) grants = window_alloc(1);
    map_grant_table(grants);
    grants[ref].domid = 0;
    grants[ref].frame = (uint32_t)virt_to_mfn(page_alloc());
    WRITE_ONCE(grants[ref].flags, GTF_permit_access);
    o->grant_map = (struct gnttab_map_grant_ref){
        .host_addr = (uint64_t)o->page, .flags = GNTMAP_host_map, .ref = ref};
    o->grant_unmap.host_addr = (uint64_t)o->page;
}

void own_prepare(unsigned int vcpu) {
    struct own *o = &own[vcpu];

    prepare_tables(o);
    prepare_grant(o, FIRST_REF + vcpu);
    o->masked.port = port_of(vcpu);
    event_mask(o->masked.port);
    o->open.port = port_of(vcpu);
    event_unmask(o->open.port);
    for (unsigned int i = 0; i < 8; i++) o->calls[i].op = __HYPERVISOR_xen_version;
}
