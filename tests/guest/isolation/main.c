/* SPDX-License-Identifier: MIT */
/*
 * isolation: a guest can not get what would break the hypervisor out: a writable mapping of a live
 * page table or descriptor table, by any way of writing an entry; a table of the wrong kind or with
 * entries that it may not have; the hypervisor's L4 slots; large pages; frames of others, of the
 * hypervisor, of interrupt controllers; a grant that is over; the machine-to-physical table.
 * The errors are those of stock Xen.
 */
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/version.h>
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

static uint64_t *window, *entry, *page;

/*
 * Every way of mapping a frame writable is refused; read-only is not. (A store to an L1 seen
 * read-only is done by the hypervisor.)
 */
static void refuse_writable(const char *what, uint64_t mfn, fault_t store) {
    uint64_t pte = MFN_PTE(mfn, PTE_RW);
    long a, b;
    fault_t c;

    a = mmu_update(machine_address(entry), pte);
    b = HV_update_va_mapping(window, pte, UVMF_INVLPG);
    c = try_write(entry, pte);
    count_check();
    if (a != -XEN_EBUSY || b != -XEN_EBUSY || c != FAULT(PF, PF_PRESENT | PF_WRITE))
        failure("writable map of %s: mmu_update %ld, update_va_mapping %ld, store %lx", what, a, b,
                c);
    expect_eq(*entry, 0);
    expect_eq(map_mfn(window, mfn, PTE_RO), 0);
    expect_eq(mmu_update(machine_address(entry) | MMU_PT_UPDATE_PRESERVE_AD, pte), -XEN_EBUSY);
    expect_eq(try_write(window + 510, 0), store);
    expect_eq(map_pte(window, 0), 0);
}

static void live_tables(void) {
    fault_t fault = FAULT(PF, PF_PRESENT | PF_WRITE);

    refuse_writable("a live L1", virt_to_mfn(entry), 0);
    refuse_writable("a live L2", virt_to_mfn(l2_entry(window)), fault);
    refuse_writable("a live L3", virt_to_mfn(l3_entry(window)), fault);
    refuse_writable("a live L4", virt_to_mfn(l4_table()), fault);
}

static void descriptor_tables(void) {
    uint64_t *table = page_alloc(), frames[1] = {virt_to_mfn(table)};

    require_eq(set_readonly(table), 0);
    require_eq(HV_set_gdt(frames, 512), 0);
    refuse_writable("a GDT frame", frames[0], FAULT(PF, PF_PRESENT | PF_WRITE));
    require_eq(HV_set_gdt(NULL, 0), 0);
    require_eq(mmuext(MMUEXT_SET_LDT, (uint64_t)table, 512), 0);
    TRY_IO("mov %1, %%es", (), ("r"(15)), ("memory"));
    refuse_writable("an LDT frame", frames[0], FAULT(PF, PF_PRESENT | PF_WRITE));
    require_eq(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
    TRY_IO("mov %1, %%es", (), ("r"(0)), ("memory"));
    expect_eq(set_writable(table), 0);
    page_free(table);
}

static void hypervisor_slots(void) {
    uint64_t *l4 = l4_table(), l3 = MFN_PTE(virt_to_mfn(l3_entry(window)), PTE_TABLE);

    for (unsigned int slot = 256; slot < 272; slot++) {
        expect_eq(write_entry(l4 + slot, l3), -XEN_EINVAL);
        expect_eq(write_entry(l4 + slot, 0), -XEN_EINVAL);
    }
    expect_eq(write_entry(l4 + 255, l3), 0);
    expect_eq(write_entry(l4 + 255, 0), 0);
    expect_eq(write_entry(l4 + 272, l3), 0);
    expect_eq(write_entry(l4 + 272, 0), 0);
    expect_eq(mfn_to_pfn(virt_to_mfn(page)), virt_to_pfn(page));
}

static void large_pages(void) {
    uint64_t mfn = virt_to_mfn(page) & ~511UL, *spare = window_alloc(1024);

    expect_eq(write_entry(l2_entry(spare), MFN_PTE(mfn, PTE_RW | PTE_PS)), -XEN_EINVAL);
    expect_eq(write_entry(l2_entry(spare), MFN_PTE(mfn, PTE_RO | PTE_PS)), -XEN_EINVAL);
    expect_eq(write_entry(l3_entry(window) + 7, MFN_PTE(0, PTE_RW | PTE_PS)), -XEN_EINVAL);
    expect_eq(write_entry(l4_entry(window) + 7, MFN_PTE(0, PTE_RW | PTE_PS)), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_MARK_SUPER, mfn, 0), -XEN_EOPNOTSUPP);
}

static const unsigned int pin_ops[] = {0, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                       MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};

/* Entries that no table of that level may hold. */
static void garbage_tables(void) {
    uint64_t own = MFN_PTE(virt_to_mfn(page), PTE_TABLE);
    uint64_t l1 = MFN_PTE(virt_to_mfn(entry), PTE_TABLE);
    uint64_t l2 = MFN_PTE(virt_to_mfn(l2_entry(window)), PTE_TABLE);
    struct {
        unsigned int level;
        uint64_t entry;
        long want;
    } cases[] = {
        {1, MFN_PTE(1UL << 39, PTE_RW), -XEN_EPERM},
        {1, l1, -XEN_EBUSY},
        {1, l2, -XEN_EBUSY},
        {1, ~0UL, -XEN_EINVAL},
        {2, own, -XEN_EINVAL},
        {2, l2, -XEN_EINVAL},
        {2, l1 | PTE_PS, -XEN_EINVAL},
        {2, MFN_PTE(1UL << 39, PTE_TABLE), -XEN_EINVAL},
        {3, l1, -XEN_EINVAL},
        {3, own, -XEN_EINVAL},
        {3, ~0UL, -XEN_EINVAL},
        {4, l2, -XEN_EINVAL},
        {4, l1, -XEN_EINVAL},
        {4, own | PTE_PS, -XEN_EINVAL},
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t *table = page_alloc();
        long rc;

        table[i * 17 % 256] = cases[i].entry;
        require_eq(set_readonly(table), 0);
        rc = mmuext(pin_ops[cases[i].level], virt_to_mfn(table), 0);
        count_check();
        if (rc != cases[i].want)
            failure("pin L%u with %lx: %ld, want %ld", cases[i].level, cases[i].entry, rc,
                    cases[i].want);
        /* Nothing is left of the attempt. */
        expect_eq(set_writable(table), 0);
        page_free(table);
    }
}

static void wrong_types(void) {
    uint64_t *l1 = table_alloc(), mfn = virt_to_mfn(l1);

    /* A page that is mapped writable is no table. */
    for (unsigned int level = 1; level <= 4; level++)
        expect_eq(mmuext(pin_ops[level], virt_to_mfn(page), 0), -XEN_EINVAL);
    require_eq(mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0), 0);
    for (unsigned int level = 2; level <= 4; level++)
        expect_eq(mmuext(pin_ops[level], mfn, 0), -XEN_EINVAL);
    expect_eq(write_entry(l3_entry(window) + 9, MFN_PTE(mfn, PTE_TABLE)), -XEN_EINVAL);
    expect_eq(write_entry(l2_entry(window) + 9, MFN_PTE(virt_to_mfn(page), PTE_TABLE)),
              -XEN_EINVAL);
    expect_eq(write_entry(l2_entry(window) + 9, MFN_PTE(virt_to_mfn(l4_table()), PTE_TABLE)),
              -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, mfn, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(page), 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, 0xfffffff, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(page), 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, 0xfffffff, 0), -XEN_EINVAL);
    /* A table in use as it is: no clearing, no stores by grant copy or descriptor. */
    expect_eq(HV_update_descriptor(machine_address(l1), 0), -XEN_EINVAL);
    require_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
    table_free(l1);
}

static void entry_bits(void) {
    uint64_t at = machine_address(entry), mfn = virt_to_mfn(page);

    /* What the guest may keep in an entry. */
    expect_eq(mmu_update(at, MFN_PTE(mfn, PTE_RW | 7UL << 9)), 0);
    expect_eq(*entry >> 9 & 7, 7);
    expect_eq(mmu_update(at, MFN_PTE(mfn, PTE_RW | PTE_NX)), 0);
    expect_eq(mmu_update(at, MFN_PTE(mfn, PTE_RW | PTE_G)), 0);
    /* A global kernel page would survive the switch to user mode. */
    expect_eq(mmu_update(at, MFN_PTE(mfn, PTE_P | PTE_W | PTE_G)), 0);
    expect_eq(mmu_update(at, 0), 0);
    /* Frames beyond any memory and beyond the address width. */
    expect_eq(mmu_update(at, MFN_PTE(1UL << 27, PTE_RW)), 0);
    expect_eq(mmu_update(at, 0), 0);
    expect_eq(mmu_update(at, MFN_PTE(1UL << 28, PTE_RW)), -XEN_EPERM);
    expect_eq(mmu_update(at, MFN_PTE(1UL << 39, PTE_RW)), -XEN_EPERM);
    expect_eq(mmu_update(at, PTE_ADDR | PTE_RW), -XEN_EINVAL);
    expect_eq(*entry, 0);
    /* The place of the entry: not memory, not aligned; domains that are not there. */
    expect_eq(mmu_update(0xfffffff000, 0), -XEN_EINVAL);
    expect_eq(mmu_update(at + 4, 0), -XEN_ENOSYS);
    expect_eq(mmu_update_dom(at, 0, 5), -XEN_ESRCH);
    expect_eq(mmuext_dom(MMUEXT_PIN_L1_TABLE, mfn, 0, 5), -XEN_ESRCH);
    expect_eq(mmu_update_dom(at, MFN_PTE(mfn, PTE_RW), DOMID_XEN), -XEN_EBUSY);
    expect_eq(mmu_update_dom(at, 0, DOMID_SELF | 6u << 16), -XEN_ESRCH);
}

static void device_frames(void) {
    uint64_t at = machine_address(entry), apic = 0xfee00, ioapic = 0xfec00;
    const fault_t read_only = FAULT(PF, PF_PRESENT | PF_WRITE);

    expect_eq(mmu_update(at, MFN_PTE(apic, PTE_RW)), -XEN_EPERM);
    expect_eq(mmu_update(at, MFN_PTE(apic, PTE_RO)), -XEN_EPERM);
    expect_eq(mmu_update_dom(at, MFN_PTE(apic, PTE_RW), DOMID_IO), -XEN_EPERM);
    /* dom0 may read the I/O APIC: what it asks for writable is mapped read-only. */
    expect_eq(mmu_update(at, MFN_PTE(ioapic, PTE_RW)), 0);
    expect_eq(*entry & PTE_W, 0);
    /* Plain stores are dropped; what is none would have to read, or is not one register's. */
    expect_eq(TRY_IO("movl $0, (%1)", (), ("r"(window)), ("memory")), 0);
    expect_eq(TRY_IO("movl $0, 2(%1)", (), ("r"(window)), ("memory")), read_only);
    expect_eq(TRY_IO("lock orl $1, (%1)", (), ("r"(window)), ("memory", "cc")), read_only);
    expect_eq(mmu_update(at, 0), 0);
    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, apic, 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, ioapic, 0), -XEN_EINVAL);
    /* The screen is dom0's. */
    expect_eq(mmu_update(at, MFN_PTE(0xb8, PTE_RW)), 0);
    expect_eq(mmu_update(at, 0), 0);
    expect_eq(mmu_update_dom(at, MFN_PTE(0xb8, PTE_RW), DOMID_IO), 0);
    expect_eq(mmu_update(at, 0), 0);
}

static uint64_t grant_frame;

static void setup_grants(void) {
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};

    set_xen_guest_handle(setup.frame_list, &grant_frame);
    require_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    require_eq(setup.status, 0);
}

static struct e820entry {
    uint64_t start, size;
    uint32_t type;
} __attribute__((packed)) map[128];
static unsigned int map_entries;

static bool is_ram(uint64_t mfn) {
    uint64_t at = mfn << PAGE_SHIFT;

    for (unsigned int i = 0; i < map_entries; i++)
        if (map[i].type == 1 && at >= map[i].start && at + PAGE_SIZE <= map[i].start + map[i].size)
            return true;
    return false;
}

/*
 * All RAM that is not this domain's: the hypervisor's image, heap, tables, free memory. What the
 * hypervisor shares with this domain is left out: shared_info and the first grant frame.
 */
static void foreign_frames(void) {
    struct xen_memory_map request = {.nr_entries = ARRAY_SIZE(map)};
    uint64_t at = machine_address(entry), last, mapped = 0, refused = 0;

    set_xen_guest_handle(request.buffer, map);
    require_eq(HV_memory_op(XENMEM_machine_memory_map, &request), 0);
    map_entries = request.nr_entries;
    last = (uint64_t)HV_memory_op(XENMEM_maximum_ram_page, NULL);
    for (uint64_t mfn = 0x100; mfn < last; mfn++) {
        uint64_t pfn;

        if (!is_ram(mfn)) continue;
        pfn = mfn_to_pfn(mfn);
        if ((pfn < si->nr_pages && pfn_to_mfn(pfn) == mfn) || mfn == si->shared_info >> 12 ||
            mfn == grant_frame)
            continue;
        if (!mmu_update(at, MFN_PTE(mfn, PTE_RW)) || !mmu_update(at, MFN_PTE(mfn, PTE_RO))) {
            if (!mapped++) failure("frame %lx, not ours, was mapped", mfn);
            require_eq(mmu_update(at, 0), 0);
        }
        if (mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0) != -XEN_EINVAL ||
            mmuext(MMUEXT_CLEAR_PAGE, mfn, 0) != -XEN_EINVAL ||
            mmu_update(mfn << PAGE_SHIFT, 0) != -XEN_EINVAL)
            failure("frame %lx, not ours, was not refused with EINVAL", mfn);
        refused++;
    }
    printk("%lu foreign frames refused, %lu mapped\n", refused, mapped);
    expect(refused > 1000);
    expect_eq(mapped, 0);
}

static void machine_to_physical(void) {
    uint64_t mfn = virt_to_mfn(page), value, frames[4] = {0};
    struct xen_machphys_mfn_list list = {.max_extents = 4};

    expect_eq(try_write(&machine_to_phys_mapping[mfn], 1), FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(mmu_update(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 0x123456), 0);
    expect_eq(mfn_to_pfn(mfn), 0x123456);
    expect_eq(mmu_update(mfn << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, virt_to_pfn(page)), 0);
    expect_eq(mmu_update(0xfffffffUL << PAGE_SHIFT | MMU_MACHPHYS_UPDATE, 1), -XEN_EINVAL);
    /* Its frames, as the hypervisor names them, map read-only and by name only. */
    set_xen_guest_handle(list.extent_start, frames);
    expect_eq(HV_memory_op(XENMEM_machphys_mfn_list, &list), 0);
    expect(list.nr_extents >= 1);
    expect_eq(map_mfn(window, frames[0], PTE_RW), -XEN_EBUSY);
    expect_eq(map_mfn(window, frames[0], PTE_RO), -XEN_EBUSY);
    expect_eq(mmu_update_dom(machine_address(entry), MFN_PTE(frames[0], PTE_RW), DOMID_XEN),
              -XEN_EBUSY);
    expect_eq(mmu_update_dom(machine_address(entry), MFN_PTE(frames[0], PTE_RO), DOMID_XEN), 0);
    expect_eq(try_read(window, &value), 0);
    expect_eq(map_pte(window, 0), 0);
}

/* Hypercalls that are given the hypervisor's addresses for their results. */
static void hypercall_buffers(void) {
    static const uint64_t places[] = {HYPERVISOR_VIRT_START, 0xffff830000000000, 0xffff87fffffff000,
                                      0x8000000000000000};

    for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
        expect_eq(HV_xen_version(XENVER_extraversion, places[i]), -XEN_EFAULT);
        expect_eq(HV_memory_op(XENMEM_memory_map, places[i]), -XEN_EFAULT);
        expect_eq(HV_console_io(CONSOLEIO_write, 8, places[i]), -XEN_EFAULT);
        expect_eq(HV_mmuext_op(places[i], 1, NULL, DOMID_SELF), -XEN_EFAULT);
        expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, places[i], 1), -XEN_EFAULT);
    }
}

static struct grant_entry_v1 *grants;

static int16_t map_grant(uint32_t ref, void *at, uint32_t flags, uint32_t *handle) {
    struct gnttab_map_grant_ref op = {.host_addr = (uint64_t)at, .flags = flags, .ref = ref};

    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    *handle = op.handle;
    return op.status;
}

static void ended_grants(void) {
    struct gnttab_unmap_grant_ref unmap = {0};
    void *table = window_alloc(1);
    uint32_t handle;

    require_eq(map_mfn(table, grant_frame, PTE_RW), 0);
    grants = table;
    grants[8].domid = 0;
    grants[8].frame = (uint32_t)virt_to_mfn(page);
    WRITE_ONCE(grants[8].flags, GTF_permit_access);
    expect_eq(map_grant(8, window, GNTMAP_host_map, &handle), GNTST_okay);
    expect_eq(try_write(window, 9), 0);
    expect_eq(grants[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
    unmap.host_addr = (uint64_t)window;
    unmap.handle = handle;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    expect_eq(unmap.status, GNTST_okay);
    expect_eq(grants[8].flags, GTF_permit_access);
    WRITE_ONCE(grants[8].flags, GTF_invalid);
    expect_eq(map_grant(8, window, GNTMAP_host_map, &handle), GNTST_general_error);
    expect_eq(*entry, 0);
    /* A page that has become a table is not mapped writable by a grant made before. */
    grants[8].frame = (uint32_t)virt_to_mfn(l2_entry(window));
    WRITE_ONCE(grants[8].flags, GTF_permit_access);
    expect_eq(map_grant(8, window, GNTMAP_host_map, &handle), GNTST_general_error);
    expect_eq(map_grant(8, window, GNTMAP_host_map | GNTMAP_readonly, &handle), GNTST_okay);
    expect_eq(try_write(window, 0), FAULT(PF, PF_PRESENT | PF_WRITE));
    unmap.handle = handle;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    /* A frame of the hypervisor's is not ours to grant. */
    grants[8].frame = 0xfffff;
    expect_eq(map_grant(8, window, GNTMAP_host_map, &handle), GNTST_bad_page);
    WRITE_ONCE(grants[8].flags, GTF_invalid);
}

void test_main(void) {
    window = window_alloc(1);
    entry = l1_entry(window);
    page = page_alloc();
    live_tables();
    descriptor_tables();
    hypervisor_slots();
    large_pages();
    garbage_tables();
    wrong_types();
    entry_bits();
    device_frames();
    machine_to_physical();
    hypercall_buffers();
    setup_grants();
    foreign_frames();
    ended_grants();
}
