/* SPDX-License-Identifier: MIT */
/*
 * foreign: frames of another domain. The test kernel, as dom0, makes a domain with a few frames, so
 * that they are known. By naming that domain dom0 may map and pin them, which shows that they would
 * do; as its own they are refused in every way, and nothing in them changes. The errors are those
 * of stock Xen.
 */
#include <public/grant_table.h>
#include <public/memory.h>
#include "domctl.h"
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define NR_FRAMES 8
#define PATTERN   0x00f0e0d0c0b0a000UL /* as an entry: not present */

static uint64_t frames[NR_FRAMES], *window, *entry;
static domid_t other;

static void make_domain(void) {
    other = domctl_create(2);
    domctl_populate(other, frames, NR_FRAMES);
}

/* Named as the other's, a frame can be mapped; the mapping goes away again. */
static void with_mapping(uint64_t mfn, void (*fn)(uint64_t *page)) {
    require_eq(mmu_update_dom(machine_address(entry), MFN_PTE(mfn, PTE_RW), other), 0);
    fn(window);
    require_eq(map_pte(window, 0), 0);
}

static void fill(uint64_t *page) {
    for (unsigned int i = 0; i < 512; i++) page[i] = PATTERN;
}

/* But for the hypervisor's slots, which it filled in the table that was a pinned L4. */
static void still_filled(uint64_t *page) {
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < 512; i++) wrong += (i < 256 || i > 271) && page[i] != PATTERN;
    expect_eq(wrong, 0);
}

static const unsigned int pins[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
                                    MMUEXT_PIN_L4_TABLE};

/* What tools do, and what makes the refusals below mean something: each level can be pinned. */
static void pinned_for_its_owner(void) {
    for (unsigned int i = 0; i < ARRAY_SIZE(pins); i++) {
        expect_eq(mmuext_dom(pins[i], frames[i], 0, other), 0);
        expect_eq(mmuext(pins[i], frames[i], 0), -XEN_EINVAL);
        expect_eq(mmuext(MMUEXT_UNPIN_TABLE, frames[i], 0), -XEN_EINVAL);
        /* A live table of the other domain is not mapped writable, by whatever name. */
        expect_eq(mmu_update_dom(machine_address(entry), MFN_PTE(frames[i], PTE_RW), other),
                  -XEN_EBUSY);
        expect_eq(mmu_update(machine_address(entry), MFN_PTE(frames[i], PTE_RW)), -XEN_EBUSY);
        expect_eq(*entry, 0);
        expect_eq(mmu_update_dom(machine_address(entry), MFN_PTE(frames[i], PTE_RO), other), 0);
        expect_eq(try_write(window, 0), FAULT(PF, PF_PRESENT | PF_WRITE));
        expect_eq(map_pte(window, 0), 0);
        expect_eq(mmuext_dom(MMUEXT_UNPIN_TABLE, frames[i], 0, other), 0);
    }
}

static void pinned_as_own(void) {
    for (unsigned int f = 0; f < NR_FRAMES; f++)
        for (unsigned int i = 0; i < ARRAY_SIZE(pins); i++) {
            expect_eq(mmuext(pins[i], frames[f], 0), -XEN_EINVAL);
            expect_eq(mmuext_dom(pins[i], frames[f], 0, DOMID_IO), -XEN_EINVAL);
            expect_eq(mmuext_dom(pins[i], frames[f], 0, DOMID_XEN), -XEN_EINVAL);
        }
}

static void used_as_own(void) {
    uint64_t mfn = frames[0], own = virt_to_mfn(page_alloc());

    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, mfn, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_CLEAR_PAGE, mfn, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_COPY_PAGE, mfn, own), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_COPY_PAGE, own, mfn), -XEN_EINVAL);
    expect_eq(mmu_update(mfn << PAGE_SHIFT, 0), -XEN_EINVAL);
    expect_eq(mmu_update(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1), -XEN_EINVAL);
    expect_eq(HV_update_descriptor(mfn << PAGE_SHIFT, 0), -XEN_EINVAL);
    expect_eq(HV_set_gdt(&mfn, 512), -XEN_EINVAL);
    page_free(mfn_to_virt(own));
}

static void mapped_as_own(void) {
    uint64_t at = machine_address(entry),
             *tables[] = {l2_entry(window), l3_entry(window), l4_entry(window)};

    for (unsigned int f = 0; f < NR_FRAMES; f++) {
        uint64_t rw = MFN_PTE(frames[f], PTE_RW), ro = MFN_PTE(frames[f], PTE_RO);

        expect_eq(mmu_update(at, rw), -XEN_EBUSY);
        expect_eq(mmu_update(at, ro), -XEN_EBUSY);
        expect_eq(HV_update_va_mapping(window, rw, UVMF_INVLPG), -XEN_EBUSY);
        expect_eq(mmu_update_dom(at, rw, DOMID_IO), -XEN_EBUSY);
        expect_eq(mmu_update_dom(at, rw, DOMID_XEN), -XEN_EBUSY);
        expect_eq(try_write(entry, rw), FAULT(PF, PF_PRESENT | PF_WRITE));
        expect_eq(*entry, 0);
        for (unsigned int i = 0; i < ARRAY_SIZE(tables); i++)
            expect_eq(write_entry(tables[i] + 9, MFN_PTE(frames[f], PTE_TABLE)), -XEN_EINVAL);
    }
}

/* A table of our own with an entry that points there. */
static void in_own_table(void) {
    static const long want[] = {-XEN_EBUSY, -XEN_EINVAL, -XEN_EINVAL, -XEN_EINVAL};

    for (unsigned int i = 0; i < ARRAY_SIZE(pins); i++) {
        uint64_t *table = page_alloc();

        table[7] = MFN_PTE(frames[i], PTE_TABLE);
        require_eq(set_readonly(table), 0);
        expect_eq(mmuext(pins[i], virt_to_mfn(table), 0), want[i]);
        require_eq(set_writable(table), 0);
        page_free(table);
    }
}

/* With its tables named too: those of a domain that has no vcpu yet are nobody's. */
static void by_its_tables(void) {
    uint32_t its = (other + 1u) << 16;
    uint64_t mfn = virt_to_mfn(page_alloc());

    expect_eq(mmu_update_dom(frames[0] << PAGE_SHIFT, PATTERN, its | other), -XEN_EINVAL);
    domctl_op.u.max_vcpus.max = 1;
    require_eq(domctl(XEN_DOMCTL_max_vcpus, other), 0);
    expect_eq(mmu_update_dom(frames[0] << PAGE_SHIFT, PATTERN, its | other), 0);
    /* The machine-to-physical table is told of one's own frames, or of a domain's by its name. */
    expect_eq(mmu_update_dom(frames[0] << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 3, its | other),
              -XEN_EPERM);
    expect_eq(mmu_update_dom(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 3, its | DOMID_SELF),
              -XEN_EPERM);
    expect_eq(mmu_update_dom(frames[0] << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0, other), 0);
    expect_eq(mfn_to_pfn(frames[0]), 0);
    page_free(mfn_to_virt(mfn));
}

/* What only a domain itself can want. */
static void for_its_vcpus(void) {
    static const uint8_t ops[] = {
        MMUEXT_NEW_BASEPTR,        MMUEXT_NEW_USER_BASEPTR, MMUEXT_TLB_FLUSH_LOCAL,
        MMUEXT_INVLPG_LOCAL,       MMUEXT_TLB_FLUSH_MULTI,  MMUEXT_INVLPG_MULTI,
        MMUEXT_TLB_FLUSH_ALL,      MMUEXT_INVLPG_ALL,       MMUEXT_FLUSH_CACHE,
        MMUEXT_FLUSH_CACHE_GLOBAL, MMUEXT_SET_LDT};

    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++)
        expect_eq(mmuext_dom(ops[i], frames[0], 0, other), -XEN_EPERM);
    expect_eq(mmuext_dom(14, frames[0], 0, other), -XEN_ENOSYS);
    expect_eq(mmuext_dom(MMUEXT_UNMARK_SUPER + 1, frames[0], 0, other), -XEN_ENOSYS);
}

static void given_away(void) {
    struct xen_memory_reservation reservation = {.nr_extents = 1, .domid = DOMID_SELF};
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
    struct gnttab_map_grant_ref map = {
        .host_addr = (uint64_t)window, .flags = GNTMAP_host_map, .ref = 8};
    struct grant_entry_v1 *grants = window_alloc(1);
    uint64_t grant_frame, mfn = frames[0];

    set_xen_guest_handle(reservation.extent_start, &mfn);
    expect_eq(HV_memory_op(XENMEM_decrease_reservation, &reservation), 0);
    set_xen_guest_handle(setup.frame_list, &grant_frame);
    require_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    require_eq(map_mfn(grants, grant_frame, PTE_RW), 0);
    grants[8].domid = 0;
    grants[8].frame = (uint32_t)frames[0];
    WRITE_ONCE(grants[8].flags, GTF_permit_access);
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    expect_eq(map.status, GNTST_bad_page);
    expect_eq(*entry, 0);
    WRITE_ONCE(grants[8].flags, GTF_invalid);
}

void test_main(void) {
    window = window_alloc(1);
    entry = l1_entry(window);
    make_domain();
    for (unsigned int i = 0; i < NR_FRAMES; i++) with_mapping(frames[i], fill);
    pinned_as_own();
    pinned_for_its_owner();
    used_as_own();
    mapped_as_own();
    in_own_table();
    by_its_tables();
    for_its_vcpus();
    given_away();
    for (unsigned int i = 0; i < NR_FRAMES; i++) with_mapping(frames[i], still_filled);
    expect_eq(domctl(XEN_DOMCTL_destroydomain, other), 0);
    expect_eq(mmuext_dom(MMUEXT_PIN_L1_TABLE, frames[0], 0, other), -XEN_ESRCH);
}
