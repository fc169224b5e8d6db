/* SPDX-License-Identifier: MIT */
/*
 * memory: giving frames back and getting frames, exchanging them for contiguous ones, the
 * machine-to-physical table, the memory maps, and what is refused.
 */
#include <public/memory.h>
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define XEN_ADDRESS ((uint64_t *)0xffff830000000000UL)

static uint64_t *rw; /* a page, */
static char *ro;     /* read-only here, and nothing behind it */

static uint64_t reservation(void) {
    domid_t self = DOMID_SELF;

    return (uint64_t)HV_memory_op(XENMEM_current_reservation, &self);
}

static long reserve(unsigned int cmd, uint64_t *list, unsigned long n, unsigned int order) {
    struct xen_memory_reservation op = {
        .nr_extents = n, .extent_order = order, .domid = DOMID_SELF};

    set_xen_guest_handle(op.extent_start, list);
    return HV_memory_op(cmd, &op);
}

static void decrease_and_populate(void) {
    uint64_t before = reservation(), list[4], pfns[4], value;
    char *pages[4];

    for (unsigned int i = 0; i < 4; i++) {
        pages[i] = page_alloc();
        pfns[i] = virt_to_pfn(pages[i]);
        list[i] = virt_to_mfn(pages[i]);
        require_eq(map_pte(pages[i], 0), 0);
    }
    expect_eq(reserve(XENMEM_decrease_reservation, list, 4, 0), 4);
    expect_eq(reservation(), before - 4);
    /* They are not ours any more. */
    expect_eq(map_mfn(pages[0], list[0], PTE_RW), -XEN_EBUSY);
    expect_eq(mmuext(MMUEXT_CLEAR_PAGE, list[0], 0), -XEN_EINVAL);
    expect_eq(reserve(XENMEM_decrease_reservation, list, 4, 0), 0);
    memcpy(list, pfns, sizeof(list));
    expect_eq(reserve(XENMEM_populate_physmap, list, 4, 0), 4);
    expect_eq(reservation(), before);
    for (unsigned int i = 0; i < 4; i++) {
        expect_eq(mfn_to_pfn(list[i]), pfns[i]);
        set_pfn_to_mfn(pfns[i], list[i]);
        expect_eq(map_mfn(pages[i], list[i], PTE_RW), 0);
        expect_eq(try_read(pages[i], &value), 0);
        page_free(pages[i]);
    }
}

/* A frame that is still mapped when it is given back stays until the mapping goes. */
static void decrease_while_mapped(void) {
    uint64_t before = reservation(), *page = page_alloc(), mfn = virt_to_mfn(page), list[1], value;
    uint64_t pfn = virt_to_pfn(page);

    page[0] = 42;
    list[0] = mfn;
    expect_eq(reserve(XENMEM_decrease_reservation, list, 1, 0), 1);
    expect_eq(try_read(page, &value), 0);
    expect_eq(value, 42);
    expect_eq(map_pte(page, 0), 0);
    expect_eq(reservation(), before - 1);
    expect_eq(map_mfn(page, mfn, PTE_RO), -XEN_EBUSY);
    list[0] = pfn;
    expect_eq(reserve(XENMEM_populate_physmap, list, 1, 0), 1);
    set_pfn_to_mfn(pfn, list[0]);
    expect_eq(map_mfn(page, list[0], PTE_RW), 0);
    page_free(page);
    expect_eq(reservation(), before);
}

static void increase(void) {
    uint64_t before = reservation(), list[2] = {0}, *window = window_alloc(1), value;

    /* At its maximum a domain gets no more. */
    expect_eq(reserve(XENMEM_increase_reservation, list, 1, 0), 0);
    list[0] = virt_to_mfn(page_alloc());
    require_eq(map_pte(mfn_to_virt(list[0]), 0), 0);
    require_eq(reserve(XENMEM_decrease_reservation, list, 1, 0), 1);
    expect_eq(reserve(XENMEM_increase_reservation, list, 2, 0), 1);
    expect_eq(reservation(), before);
    expect_eq(map_mfn(window, list[0], PTE_RW), 0);
    expect_eq(try_write(window, 1), 0);
    expect_eq(try_read(window, &value), 0);
    expect_eq(value, 1);
    expect_eq(map_pte(window, 0), 0);
}

static void exchange(void) {
    uint64_t before = reservation(), in[8], pfns[8], out[1];
    struct xen_memory_exchange op = {
        .in = {.nr_extents = 8, .domid = DOMID_SELF},
        .out = {.nr_extents = 1,
                .extent_order = 3,
                .mem_flags = XENMEMF_address_bits(32),
                .domid = DOMID_SELF},
    };
    char *base = NULL;

    set_xen_guest_handle(op.in.extent_start, in);
    set_xen_guest_handle(op.out.extent_start, out);
    /* Eight neighbouring pages for one extent. */
    for (unsigned int i = 0; i < 8; i++) {
        char *page = page_alloc();

        if (!i) base = page;
        require_eq(page, base + i * PAGE_SIZE);
        pfns[i] = virt_to_pfn(page);
        in[i] = virt_to_mfn(page);
        require_eq(map_pte(page, 0), 0);
    }
    out[0] = pfns[0];
    expect_eq(HV_memory_op(XENMEM_exchange, &op), 0);
    expect_eq(op.nr_exchanged, 8);
    expect_eq(reservation(), before);
    expect_eq(out[0] % 8, 0);
    expect(out[0] + 8 <= 1UL << 20);
    for (unsigned int i = 0; i < 8; i++) {
        expect_eq(mfn_to_pfn(out[0] + i), pfns[i]);
        set_pfn_to_mfn(pfns[i], out[0] + i);
        expect_eq(map_mfn(base + i * PAGE_SIZE, out[0] + i, PTE_RW), 0);
    }
    /* A frame in use is not exchanged: nothing happens. */
    op.nr_exchanged = 0;
    op.in.nr_extents = 1;
    op.out.extent_order = 0;
    in[0] = virt_to_mfn(l4_table());
    out[0] = virt_to_pfn(l4_table());
    expect_eq(HV_memory_op(XENMEM_exchange, &op), -XEN_EINVAL);
    expect_eq(op.nr_exchanged, 0);
    op.in.nr_extents = 2;
    expect_eq(HV_memory_op(XENMEM_exchange, &op), -XEN_EINVAL);
    in[0] = 0xfffffff;
    op.in.nr_extents = 1;
    expect_eq(HV_memory_op(XENMEM_exchange, &op), -XEN_EINVAL);
    expect_eq(reservation(), before);
}

static struct xen_memory_exchange one_for_one(const void *in, const void *out) {
    struct xen_memory_exchange op = {.in = {.nr_extents = 1, .domid = DOMID_SELF},
                                     .out = {.nr_extents = 1, .domid = DOMID_SELF}};

    op.in.extent_start.p = (void *)in;
    op.out.extent_start.p = (void *)out;
    return op;
}

/* What is refused before anything is given up: the frame is there afterwards, with what it had. */
static void exchange_refused(void) {
    uint64_t before = reservation(), *page = page_alloc(), in = virt_to_mfn(page), value;
    uint64_t out = virt_to_pfn(page);
    const struct xen_memory_exchange good = one_for_one(&in, &out);
    struct xen_memory_exchange ops[8];
    const long want[] = {-XEN_EPERM,  -XEN_EPERM,  -XEN_EINVAL, -XEN_EINVAL,
                         -XEN_EFAULT, -XEN_EFAULT, -XEN_EFAULT, -XEN_ENOMEM};

    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) ops[i] = good;
    ops[0].in.extent_order = ops[1].out.extent_order = 20;
    ops[2].in.nr_extents = 2;
    ops[3].out.domid = 0;
    ops[4].in.extent_start.p = XEN_ADDRESS;
    ops[5].in.extent_start.p = (xen_pfn_t *)(ro + PAGE_SIZE);
    ops[6].out.extent_start.p = XEN_ADDRESS;
    ops[7].out.mem_flags = XENMEMF_address_bits(13);
    page[3] = 0x600d;
    require_eq(map_pte(page, 0), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
        expect_eq(HV_memory_op(XENMEM_exchange, &ops[i]), want[i]);
        expect_eq(ops[i].nr_exchanged, 0);
    }
    /* Neither is it told how far it got. */
    in = 0xfffffff;
    memcpy(rw, &good, sizeof(good));
    expect_eq(HV_memory_op(XENMEM_exchange, ro), -XEN_EFAULT);
    require_eq(map_mfn(page, virt_to_mfn(page), PTE_RW), 0);
    expect_eq(try_read(page + 3, &value), 0);
    expect_eq(value, 0x600d);
    expect_eq(reservation(), before);
    page_free(page);
}

/* A list that can not be read or written when the frames have gone: others are there instead, and
 * the extent does not count. */
static void exchange_half_told(void) {
    uint64_t before = reservation(), in;
    struct xen_memory_exchange op;

    for (unsigned int i = 0; i < 2; i++) {
        char *page = page_alloc();

        in = virt_to_mfn(page);
        rw[0] = virt_to_pfn(page);
        op = one_for_one(&in, i ? ro : ro + PAGE_SIZE);
        require_eq(map_pte(page, 0), 0);
        expect_eq(HV_memory_op(XENMEM_exchange, &op), -XEN_EFAULT);
        expect_eq(op.nr_exchanged, 0);
        expect_eq(reservation(), before);
        expect_eq(map_mfn(page, in, PTE_RW), -XEN_EBUSY);
        expect_eq(rw[0], virt_to_pfn(page));
    }
}

static void machphys(void) {
    struct xen_machphys_mapping mapping;
    struct xen_machphys_mfn_list list = {.max_extents = 1};
    uint64_t frames[1] = {0};

    expect_eq(HV_memory_op(XENMEM_machphys_mapping, &mapping), 0);
    expect_eq(mapping.v_start, MACH2PHYS_VIRT_START);
    expect(mapping.v_end > mapping.v_start && mapping.v_end <= MACH2PHYS_VIRT_END);
    expect(mapping.max_mfn >= (uint64_t)HV_memory_op(XENMEM_maximum_ram_page, NULL) - 1);
    set_xen_guest_handle(list.extent_start, frames);
    expect_eq(HV_memory_op(XENMEM_machphys_mfn_list, &list), 0);
    expect_eq(list.nr_extents, 1);
    expect(frames[0] != 0);
    set_xen_guest_handle(list.extent_start, XEN_ADDRESS);
    expect_eq(HV_memory_op(XENMEM_machphys_mfn_list, &list), -XEN_EFAULT);
    memset(rw, 0, PAGE_SIZE);
    expect_eq(HV_memory_op(XENMEM_machphys_mfn_list, ro), -XEN_EFAULT);
}

static void maps(void) {
    static uint8_t entries[128][20];
    struct xen_memory_map map = {.nr_entries = 128};
    domid_t other = 5;

    set_xen_guest_handle(map.buffer, entries);
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, &map), 0);
    expect(map.nr_entries >= 3 && map.nr_entries < 128);
    set_xen_guest_handle(map.buffer, (void *)NULL);
    map.nr_entries = 0;
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, &map), 0);
    expect(map.nr_entries >= 3);
    /* Room for one more than there are is wanted. */
    set_xen_guest_handle(map.buffer, entries);
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, &map), -XEN_EINVAL);
    map.nr_entries++;
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, &map), 0);
    map.nr_entries = 1;
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, &map), -XEN_EINVAL);
    map.nr_entries = 128;
    set_xen_guest_handle(map.buffer, XEN_ADDRESS);
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, &map), -XEN_EFAULT);
    memset(rw, 0, PAGE_SIZE);
    expect_eq(HV_memory_op(XENMEM_machine_memory_map, ro), -XEN_EFAULT);
    set_xen_guest_handle(map.buffer, entries);
    expect_eq(HV_memory_op(XENMEM_memory_map, &map), -XEN_ENOSYS);
    /* What the guest itself has written. */
    expect_eq(HV_memory_op(XENMEM_maximum_gpfn, &(domid_t){DOMID_SELF}), 0);
    shared->arch.max_pfn = si->nr_pages;
    expect_eq(HV_memory_op(XENMEM_maximum_gpfn, &(domid_t){DOMID_SELF}), si->nr_pages - 1);
    expect_eq(HV_memory_op(XENMEM_current_reservation, &other), -XEN_ESRCH);
    expect_eq(HV_memory_op(XENMEM_maximum_reservation, &other), -XEN_ESRCH);
}

static void refusals(void) {
    uint64_t list[1] = {0xfffffff};
    struct xen_memory_reservation op = {.nr_extents = 1, .domid = 5};
    struct xen_add_to_physmap add = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = 5};
    struct xen_add_to_physmap_batch batch = {.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_range};
    struct xen_vnuma_topology_info vnuma = {.domid = DOMID_SELF, .pad = 1};

    set_xen_guest_handle(op.extent_start, list);
    expect_eq(HV_memory_op(XENMEM_decrease_reservation, &op), 0);
    expect_eq(reserve(XENMEM_decrease_reservation, list, 1, 0), 0);
    expect_eq(reserve(XENMEM_populate_physmap, list, 1, 60), 0);
    expect_eq(reserve(XENMEM_populate_physmap, (uint64_t *)HYPERVISOR_VIRT_START, 1, 0), 0);
    /* These count extents: what can not even be read is none. */
    expect_eq(HV_memory_op(XENMEM_decrease_reservation, NULL), 0);
    expect_eq(HV_memory_op(XENMEM_machphys_mapping, NULL), -XEN_EFAULT);
    expect_eq(reserve(XENMEM_decrease_reservation, XEN_ADDRESS, 1, 0), 0);
    expect_eq(reserve(XENMEM_decrease_reservation, (uint64_t *)(ro + PAGE_SIZE), 1, 0), 0);
    expect_eq(HV_memory_op(XENMEM_add_to_physmap, &add), -XEN_EACCES);
    add.domid = 5;
    expect_eq(HV_memory_op(XENMEM_add_to_physmap, &add), -XEN_ESRCH);
    add.space = XENMAPSPACE_gmfn_foreign;
    expect_eq(HV_memory_op(XENMEM_add_to_physmap, &add), -XEN_ENOSYS);
    expect_eq(HV_memory_op(XENMEM_add_to_physmap_batch, &batch), -XEN_EOPNOTSUPP);
    batch.space = XENMAPSPACE_gmfn;
    expect_eq(HV_memory_op(XENMEM_add_to_physmap_batch, &batch), -XEN_EACCES);
    /* The domain can be read, the rest can not. */
    expect_eq(HV_memory_op(XENMEM_add_to_physmap, ro + PAGE_SIZE - 8), -XEN_EFAULT);
    expect_eq(HV_memory_op(XENMEM_add_to_physmap_batch, ro + PAGE_SIZE - 24), -XEN_EFAULT);
    expect_eq(HV_memory_op(XENMEM_remove_from_physmap, ro + PAGE_SIZE - 8), -XEN_EFAULT);
    expect_eq(HV_memory_op(XENMEM_get_vnumainfo, &vnuma), -XEN_EINVAL);
    expect_eq(HV_memory_op(63, NULL), -XEN_ENOSYS);
}

/* The hypervisor's own pages that it shares with the domain are not the domain's to give up. (Stock
 * Xen takes them, and goes on using them.) */
static void shared_pages(void) {
    uint64_t before = reservation(), list[1] = {si->shared_info >> PAGE_SHIFT};

    if (on_stock_xen()) return;
    expect_eq(reserve(XENMEM_decrease_reservation, list, 1, 0), 0);
    expect_eq(reservation(), before);
}

/* Its number can not be told: the frame is not got, or (stock Xen) not heard of. */
static void populate_untold(void) {
    uint64_t list[1];
    char *page = page_alloc();

    list[0] = virt_to_mfn(page);
    rw[0] = virt_to_pfn(page);
    require_eq(map_pte(page, 0), 0);
    require_eq(reserve(XENMEM_decrease_reservation, list, 1, 0), 1);
    expect_eq(reserve(XENMEM_populate_physmap, (uint64_t *)ro, 1, 0), 0);
    expect_eq(rw[0], virt_to_pfn(page));
}

void test_main(void) {
    rw = page_at_edge(&ro);
    exchange();
    exchange_refused();
    exchange_half_told();
    decrease_and_populate();
    decrease_while_mapped();
    increase();
    machphys();
    maps();
    refusals();
    shared_pages();
    populate_untold();
}
