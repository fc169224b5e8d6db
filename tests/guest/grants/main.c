/* SPDX-License-Identifier: MIT */
/*
 * grants: a domain grants to itself, so that one kernel sees both ends. The table in both versions,
 * mapping and unmapping by address and into an entry, unmap_and_replace, copies of every form,
 * the status of everything refused. And other domains' tables, as the tools see them.
 */
#include <public/grant_table.h>
#include <public/memory.h>
#include "mm.h"
#include "puppet.h"
#include "trap.h"
#include "vcpu.h"

#define REF 20

static struct grant_entry_v1 *v1;
static union grant_entry_v2 *v2;
static uint16_t *status;
static unsigned int version = 1;
static uint64_t *page, *window, *entry;
static void *rw; /* a page, */
static char *ro; /* read-only here, and nothing behind it */

static void *map_frames(const uint64_t *frames, unsigned int n) {
    char *at = window_alloc(n);

    for (unsigned int i = 0; i < n; i++)
        require_eq(map_mfn(at + i * PAGE_SIZE, frames[i], PTE_RW), 0);
    return at;
}

static void grant(unsigned int ref, uint32_t domain, uint64_t mfn, uint16_t flags) {
    if (version == 1) {
        v1[ref].domid = (domid_t)domain;
        v1[ref].frame = (uint32_t)mfn;
        barrier();
        WRITE_ONCE(v1[ref].flags, flags);
    } else {
        v2[ref].hdr.domid = (domid_t)domain;
        v2[ref].full_page.frame = mfn;
        barrier();
        WRITE_ONCE(v2[ref].hdr.flags, flags);
    }
}

/* The flags with what the hypervisor says of their use, which version 2 keeps apart. */
static uint16_t in_use(unsigned int ref) {
    return (version == 1 ? v1[ref].flags : status[ref]) & (GTF_reading | GTF_writing);
}

static int map_at(uint32_t domain, unsigned int ref, uint64_t at, uint32_t flags,
                  struct gnttab_map_grant_ref *op) {
    *op = (struct gnttab_map_grant_ref){
        .host_addr = at, .flags = flags, .ref = ref, .dom = (domid_t)domain};
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, op, 1), 0);
    return op->status;
}

static int unmap_at(uint64_t at, uint32_t handle) {
    struct gnttab_unmap_grant_ref op = {.host_addr = at, .handle = handle};

    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

static void mapping(void) {
    struct gnttab_map_grant_ref op, second;
    uint64_t at = (uint64_t)window, value;

    page[0] = 0x600d;
    grant(REF, 0, virt_to_mfn(page), GTF_permit_access);
    expect_eq(map_at(0, REF, at, GNTMAP_host_map, &op), GNTST_okay);
    expect_eq(op.dev_bus_addr, virt_to_mfn(page) << PAGE_SHIFT);
    expect_eq(in_use(REF), GTF_reading | GTF_writing);
    expect_eq(try_read(window, &value), 0);
    expect_eq(value, 0x600d);
    expect_eq(try_write(window + 1, 5), 0);
    expect_eq(page[1], 5);
    expect_eq(unmap_at(at + PAGE_SIZE, op.handle), GNTST_general_error);
    expect_eq(unmap_at(0x1000, op.handle), GNTST_general_error); /* no table there */
    expect_eq(unmap_at(at, op.handle + 1), GNTST_bad_handle);
    expect(entry[0] & PTE_NX); /* it is the granter's: never code here */
    expect_eq(unmap_at(at, op.handle), GNTST_okay);
    expect_eq(in_use(REF), 0);
    expect_eq(try_read(window, &value), FAULT(PF, 0));
    expect_eq(unmap_at(at, op.handle), GNTST_bad_handle);

    expect_eq(map_at(0, REF, at, GNTMAP_host_map | GNTMAP_readonly, &op), GNTST_okay);
    expect_eq(in_use(REF), GTF_reading);
    expect_eq(try_write(window, 1), FAULT(PF, PF_PRESENT | PF_WRITE));
    /* A second, writable mapping, into an entry named by its machine address. */
    expect_eq(
        map_at(0, REF, machine_address(entry + 1), GNTMAP_host_map | GNTMAP_contains_pte, &second),
        GNTST_okay);
    expect_eq(in_use(REF), GTF_reading | GTF_writing);
    expect_eq(try_write(window + 512, 6), 0);
    expect_eq(unmap_at(at, op.handle), GNTST_okay);
    expect_eq(unmap_at(machine_address(entry + 1), second.handle), GNTST_okay);
    expect_eq(entry[1], 0);
    expect_eq(in_use(REF), 0);

    grant(REF, 0, virt_to_mfn(page), GTF_permit_access | GTF_readonly);
    expect_eq(map_at(0, REF, at, GNTMAP_host_map, &op), GNTST_general_error);
    expect_eq(map_at(0, REF, at, GNTMAP_host_map | GNTMAP_readonly, &op), GNTST_okay);
    expect_eq(unmap_at(at, op.handle), GNTST_okay);
}

/* A handle of both sorts: what is wrong about one of them keeps the other, too. */
static void unmap_of_both(void) {
    struct gnttab_map_grant_ref op;
    struct gnttab_unmap_grant_ref un = {.host_addr = (uint64_t)window};
    uint64_t value, where = virt_to_mfn(page) << PAGE_SHIFT;

    grant(REF, 0, virt_to_mfn(page), GTF_permit_access);
    expect_eq(map_at(0, REF, un.host_addr, GNTMAP_host_map | GNTMAP_device_map, &op), GNTST_okay);
    un.handle = op.handle;
    un.dev_bus_addr = where + PAGE_SIZE;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &un, 1), 0);
    expect_eq(un.status, GNTST_bad_dev_addr);
    expect_eq(try_read(window, &value), 0);
    un.host_addr += PAGE_SIZE;
    un.dev_bus_addr = where;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &un, 1), 0);
    expect_eq(un.status, GNTST_general_error);
    un.host_addr -= PAGE_SIZE;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &un, 1), 0);
    expect_eq(un.status, GNTST_okay); /* both were there still */
    expect_eq(try_read(window, &value), FAULT(PF, 0));
    expect_eq(in_use(REF), 0);
    expect_eq(unmap_at(un.host_addr, op.handle), GNTST_bad_handle);
}

static void map_refusals(void) {
    struct gnttab_map_grant_ref op;
    uint64_t at = (uint64_t)window;

    grant(REF, 0, virt_to_mfn(page), GTF_permit_access);
    expect_eq(map_at(5, REF, at, GNTMAP_host_map, &op), GNTST_bad_domain);
    expect_eq(map_at(0, 1000000, at, GNTMAP_host_map, &op), GNTST_bad_gntref);
    expect_eq(map_at(0, REF + 1, at, GNTMAP_host_map, &op), GNTST_general_error);
    expect_eq(map_at(0, REF, at, 0, &op), GNTST_bad_gntref);
    expect_eq(map_at(0, REF, 0xffff830000000000, GNTMAP_host_map, &op), GNTST_general_error);
    expect_eq(map_at(0, REF, 0x1000, GNTMAP_host_map, &op), GNTST_general_error);
    expect_eq(map_at(0, REF, 0xfffffff000, GNTMAP_host_map | GNTMAP_contains_pte, &op),
              GNTST_general_error);
    expect_eq(in_use(REF), 0);
    /* To somebody else; of a page that is a table; of a frame that is not there. */
    grant(REF, 7, virt_to_mfn(page), GTF_permit_access);
    expect_eq(map_at(0, REF, at, GNTMAP_host_map, &op), GNTST_general_error);
    grant(REF, 0, virt_to_mfn(l2_entry(window)), GTF_permit_access);
    expect_eq(map_at(0, REF, at, GNTMAP_host_map, &op), GNTST_general_error);
    expect_eq(in_use(REF), 0);
    grant(REF, 0, virt_to_mfn(page), GTF_accept_transfer);
    expect_eq(map_at(0, REF, at, GNTMAP_host_map, &op), GNTST_general_error);
    grant(REF, 0, 0, GTF_invalid);
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, 0x1000, 1), -XEN_EFAULT);
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &op, 0), 0);
    expect_eq(HV_grant_table_op(99, &op, 1), -XEN_ENOSYS);
}

static void replacing(void) {
    struct gnttab_map_grant_ref op;
    struct gnttab_unmap_and_replace replace = {.host_addr = (uint64_t)window,
                                               .new_addr = (uint64_t)(window + 512)};
    uint64_t *other = page_alloc(), value;

    other[0] = 0x07e4;
    require_eq(map_mfn(window + 512, virt_to_mfn(other), PTE_RW), 0);
    grant(REF, 0, virt_to_mfn(page), GTF_permit_access);
    expect_eq(map_at(0, REF, (uint64_t)window, GNTMAP_host_map, &op), GNTST_okay);
    replace.handle = op.handle;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_and_replace, &replace, 1), 0);
    expect_eq(replace.status, GNTST_okay);
    /* The other mapping has moved here. */
    expect_eq(try_read(window, &value), 0);
    expect_eq(value, 0x07e4);
    expect_eq(try_read(window + 512, &value), FAULT(PF, 0));
    expect_eq(in_use(REF), 0);
    require_eq(map_pte(window, 0), 0);
    /* Not of an entry that was named by its machine address. */
    require_eq(map_mfn(window + 512, virt_to_mfn(other), PTE_RW), 0);
    expect_eq(map_at(0, REF, machine_address(entry), GNTMAP_host_map | GNTMAP_contains_pte, &op),
              GNTST_okay);
    replace.handle = op.handle;
    replace.host_addr = machine_address(entry);
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_and_replace, &replace, 1), 0);
    expect_eq(replace.status, GNTST_general_error);
    expect_eq(try_read(window + 512, &value), 0);
    expect_eq(unmap_at(machine_address(entry), op.handle), GNTST_okay);
    require_eq(map_pte(window + 512, 0), 0);
    expect_eq(in_use(REF), 0);
    page_free(other);
    grant(REF, 0, 0, GTF_invalid);
}

static int copy(struct gnttab_copy op) {
    expect_eq(HV_grant_table_op(GNTTABOP_copy, &op, 1), 0);
    return op.status;
}

static void copying(void) {
    uint64_t *other = page_alloc(), mfn = virt_to_mfn(page), to = virt_to_mfn(other);
    struct gnttab_copy frames = {.source = {.u.gmfn = mfn, .domid = DOMID_SELF},
                                 .dest = {.u.gmfn = to, .domid = DOMID_SELF},
                                 .len = 4096};
    struct gnttab_copy refs = {.source = {.u.ref = REF, .domid = 0},
                               .dest = {.u.ref = REF + 1, .domid = 0},
                               .len = 64,
                               .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref};
    struct gnttab_copy bad;

    page[0] = 1;
    page[7] = 0x77;
    page[511] = 0x99;
    expect_eq(copy(frames), GNTST_okay);
    expect_eq(memcmp(page, other, PAGE_SIZE), 0);
    memset(other, 0, PAGE_SIZE);
    frames.len = 8;
    frames.source.offset = 56;
    frames.dest.offset = 4088;
    expect_eq(copy(frames), GNTST_okay);
    expect_eq(other[511], 0x77);
    expect_eq(other[0], 0);

    grant(REF, 0, mfn, GTF_permit_access | GTF_readonly);
    grant(REF + 1, 0, to, GTF_permit_access);
    expect_eq(copy(refs), GNTST_okay);
    expect_eq(other[7], 0x77);
    expect_eq(in_use(REF) | in_use(REF + 1), 0);
    /* From a reference to a frame and back. */
    bad = frames;
    bad.source = refs.source;
    bad.flags = GNTCOPY_source_gref;
    expect_eq(copy(bad), GNTST_okay);
    bad = frames;
    bad.dest = refs.dest;
    bad.flags = GNTCOPY_dest_gref;
    expect_eq(copy(bad), GNTST_okay);

    bad = refs;
    bad.dest.u.ref = REF; /* read-only */
    expect_eq(copy(bad), GNTST_general_error);
    bad = refs;
    bad.source.u.ref = 1000000;
    expect_eq(copy(bad), GNTST_bad_gntref);
    bad = refs;
    bad.source.domid = 5;
    expect_eq(copy(bad), GNTST_bad_domain);
    bad.dest.offset = 4090; /* who and what come before how much */
    expect_eq(copy(bad), GNTST_bad_domain);
    bad = frames;
    bad.dest.offset = 4090;
    expect_eq(copy(bad), GNTST_bad_copy_arg);
    bad = frames;
    bad.source.offset = 4095;
    expect_eq(copy(bad), GNTST_bad_copy_arg);
    bad = frames;
    bad.source.domid = 0;
    expect_eq(copy(bad), GNTST_permission_denied);
    bad = frames;
    bad.dest.u.gmfn = virt_to_mfn(l4_table());
    expect_eq(copy(bad), GNTST_general_error);
    bad = frames;
    bad.source.u.gmfn = 0xfffffff;
    expect_eq(copy(bad), GNTST_bad_page);
    grant(REF, 0, 0, GTF_invalid);
    grant(REF + 1, 0, 0, GTF_invalid);
    page_free(other);
}

static void sub_pages(void) {
    uint64_t *other = page_alloc();
    struct gnttab_map_grant_ref map;
    struct gnttab_copy op = {.source = {.u.ref = REF, .domid = 0, .offset = 64},
                             .dest = {.u.gmfn = virt_to_mfn(other), .domid = DOMID_SELF},
                             .len = 64,
                             .flags = GNTCOPY_source_gref};

    v2[REF].hdr.domid = 0;
    v2[REF].sub_page.page_off = 64;
    v2[REF].sub_page.length = 64;
    v2[REF].sub_page.frame = virt_to_mfn(page);
    WRITE_ONCE(v2[REF].hdr.flags, GTF_permit_access | GTF_sub_page);
    page[8] = 0x88;
    expect_eq(copy(op), GNTST_okay);
    expect_eq(other[0], 0x88);
    op.len = 65;
    expect_eq(copy(op), GNTST_general_error);
    op.len = 64;
    op.source.offset = 63;
    expect_eq(copy(op), GNTST_general_error);
    expect_eq(map_at(0, REF, (uint64_t)window, GNTMAP_host_map, &map), GNTST_general_error);
    WRITE_ONCE(v2[REF].hdr.flags, GTF_invalid);
    page_free(other);
}

static long set_version(uint32_t wanted) {
    struct gnttab_set_version op = {.version = wanted};

    return HV_grant_table_op(GNTTABOP_set_version, &op, 1);
}

static void versions(void) {
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct gnttab_set_version set = {.version = 3};
    struct gnttab_map_grant_ref op;

    expect_eq(HV_grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    expect_eq(get.version, version);
    expect_eq(HV_grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
    expect_eq(set.version, version); /* told all the same */
    expect_eq(set_version(0), -XEN_EINVAL);
    expect_eq(set_version(version), 0);
    expect_eq(HV_grant_table_op(GNTTABOP_set_version, NULL, 1), -XEN_EFAULT);
    memcpy(rw, &set, sizeof(set));
    expect_eq(HV_grant_table_op(GNTTABOP_set_version, ro, 1), -XEN_EFAULT);
    grant(REF, 0, virt_to_mfn(page), GTF_permit_access);
    require_eq(map_at(0, REF, (uint64_t)window, GNTMAP_host_map, &op), GNTST_okay);
    expect_eq(set_version(3 - version), -XEN_EBUSY);
    require_eq(unmap_at((uint64_t)window, op.handle), GNTST_okay);
    grant(REF, 0, 0, GTF_invalid);
    get.dom = 5;
    expect_eq(HV_grant_table_op(GNTTABOP_get_version, &get, 1), -XEN_ESRCH);
}

static void sizes(void) {
    struct gnttab_query_size query = {.dom = DOMID_SELF};
    static uint64_t list[128];
    struct gnttab_setup_table setup = {.dom = DOMID_SELF};

    expect_eq(HV_grant_table_op(GNTTABOP_query_size, &query, 1), 0);
    expect_eq(query.status, GNTST_okay);
    expect(query.nr_frames >= 1);
    expect(query.max_nr_frames >= 32);
    query.dom = 5;
    expect_eq(HV_grant_table_op(GNTTABOP_query_size, &query, 1), 0);
    expect_eq(query.status, GNTST_bad_domain);
    set_xen_guest_handle(setup.frame_list, list);
    setup.nr_frames = query.max_nr_frames + 1;
    expect_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    expect_eq(setup.status, GNTST_general_error);
    setup.nr_frames = 1;
    setup.dom = 5;
    expect_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    expect_eq(setup.status, GNTST_bad_domain);
}

static void status_frames(void) {
    uint64_t list[1] = {0};
    struct gnttab_get_status_frames op = {.dom = DOMID_SELF, .nr_frames = 1};

    set_xen_guest_handle(op.frame_list, list);
    require_eq(HV_grant_table_op(GNTTABOP_get_status_frames, &op, 1), 0);
    require_eq(op.status, GNTST_okay);
    status = map_frames(list, 1);
    op.nr_frames = 1000;
    expect_eq(HV_grant_table_op(GNTTABOP_get_status_frames, &op, 1), 0);
    expect_eq(op.status, GNTST_general_error);
}

static void swapping(void) {
    struct gnttab_swap_grant_ref op = {.ref_a = REF, .ref_b = REF + 1};

    grant(REF, 0, 111, GTF_permit_access);
    grant(REF + 1, 0, 222, GTF_permit_access | GTF_readonly);
    expect_eq(HV_grant_table_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    expect_eq(op.status, GNTST_okay);
    expect_eq(version == 1 ? v1[REF].frame : v2[REF].full_page.frame, 222);
    op.ref_b = 1000000;
    expect_eq(HV_grant_table_op(GNTTABOP_swap_grant_ref, &op, 1), 0);
    expect_eq(op.status, GNTST_bad_gntref);
    grant(REF, 0, 0, GTF_invalid);
    grant(REF + 1, 0, 0, GTF_invalid);
}

/* Numbers of elements; answers that can not be written. */
static void arguments(void) {
    struct gnttab_setup_table setup = {.dom = DOMID_SELF};
    struct gnttab_query_size query = {.dom = DOMID_SELF};
    struct gnttab_get_status_frames frames = {.dom = DOMID_SELF};
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct gnttab_map_grant_ref map = {.dom = DOMID_SELF};
    struct gnttab_unmap_grant_ref unmap = {.handle = 0xffff};

    for (unsigned int op = GNTTABOP_map_grant_ref; op <= GNTTABOP_swap_grant_ref; op++)
        expect_eq(HV_grant_table_op(op, rw, 1u << 31), -XEN_EINVAL);
    for (unsigned int count = 0; count < 3; count += 2) {
        expect_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, count), -XEN_EINVAL);
        expect_eq(HV_grant_table_op(GNTTABOP_query_size, &query, count), -XEN_EINVAL);
        expect_eq(HV_grant_table_op(GNTTABOP_get_status_frames, &frames, count), -XEN_EINVAL);
        /* Of these it does not matter. */
        expect_eq(HV_grant_table_op(GNTTABOP_get_version, &get, count), 0);
    }
    memcpy(rw, &map, sizeof(map));
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, ro, 1), -XEN_EFAULT);
    memcpy(rw, &unmap, sizeof(unmap));
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, ro, 1), -XEN_EFAULT);
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_and_replace, ro, 1), -XEN_EFAULT);
}

/* The tools' entries outlive a change of version, if the other one can say what they say. */
static void reserved_entries(void) {
    require_eq(version, 2);
    v2[3].hdr.domid = 0;
    v2[3].full_page.frame = 1UL << 32;
    WRITE_ONCE(v2[3].hdr.flags, GTF_permit_access);
    expect_eq(set_version(1), -XEN_ERANGE);
    WRITE_ONCE(v2[3].hdr.flags, GTF_transitive);
    expect_eq(set_version(1), -XEN_ERANGE);
    expect_eq(v2[3].hdr.flags, GTF_transitive);
    expect_eq(v2[3].full_page.frame, 1UL << 32);
    v2[3].full_page.frame = 77;
    WRITE_ONCE(v2[3].hdr.flags, GTF_permit_access | GTF_readonly);
    expect_eq(set_version(1), 0);
    expect_eq(v1[3].flags, GTF_permit_access | GTF_readonly);
    expect_eq(v1[3].frame, 77);
    WRITE_ONCE(v1[3].flags, GTF_accept_transfer);
    expect_eq(set_version(2), 0);
    expect_eq(v2[3].hdr.flags, GTF_accept_transfer);
    expect_eq(v2[3].full_page.frame, 77);
    WRITE_ONCE(v2[3].hdr.flags, GTF_invalid);
}

/* One that may not have version 2; one that chooses it, whose status frames are the tools' too. */
static void other_domains(void) {
    static uint64_t mfn[1];
    struct gnttab_set_version set;
    struct xen_mem_acquire_resource status_frame = {.type = XENMEM_resource_grant_table,
                                                    .id = XENMEM_resource_grant_table_id_status,
                                                    .nr_frames = 1};
    void *windows = window_alloc(2);
    struct puppet p;

    for (puppet_grant_version = 1; puppet_grant_version <= 2; puppet_grant_version++) {
        puppet_make(&p, windows);
        set.version = 2;
        expect_eq(puppet_call_arg(&p, __HYPERVISOR_grant_table_op, GNTTABOP_set_version, &set,
                                  sizeof(set), 1),
                  puppet_grant_version == 1 ? -XEN_ENOSYS : 0);
        expect_eq(set.version, puppet_grant_version);
        if (puppet_grant_version == 2) {
            status_frame.domid = p.id;
            set_xen_guest_handle(status_frame.frame_list, mfn);
            expect_eq(HV_memory_op(XENMEM_acquire_resource, &status_frame), 0);
            expect(mfn[0] != 0);
            status_frame.frame = 1; /* all that it may have needs one */
            expect_eq(HV_memory_op(XENMEM_acquire_resource, &status_frame), -XEN_EINVAL);
        }
        puppet_destroy(&p);
    }
}

static void setup_table(void) {
    uint64_t frames[2] = {0};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 2};

    set_xen_guest_handle(setup.frame_list, frames);
    require_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    require_eq(setup.status, GNTST_okay);
    v1 = map_frames(frames, 2);
    v2 = (union grant_entry_v2 *)v1;
}

static void all(void) {
    mapping();
    unmap_of_both();
    map_refusals();
    replacing();
    copying();
    swapping();
    versions();
    sizes();
    arguments();
}

void test_main(void) {
    window = window_alloc(2);
    entry = l1_entry(window);
    page = page_alloc();
    rw = page_at_edge(&ro);
    setup_table();
    all();
    require_eq(set_version(2), 0);
    version = 2;
    status_frames();
    all();
    sub_pages();
    /* Version 1 has no status frames: it cannot come while they are mapped. */
    expect_eq(set_version(1), -XEN_EBUSY);
    require_eq(map_pte(status, 0), 0);
    reserved_entries();
    require_eq(set_version(1), 0);
    version = 1;
    mapping();
    other_domains();
}
