/* SPDX-License-Identifier: MIT */
/*
 * mmu: what a kernel may do with its page tables and descriptor tables works: entries written by
 * mmu_update, update_va_mapping, multicall and plain stores; pins; other L4s; flushes; GDT and LDT.
 */
#include <public/vcpu.h>
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

static uint64_t *window; /* one unmapped page */
static uint64_t *page;   /* to be mapped there */
static uint64_t *entry;  /* the window's L1 entry, in linear memory */

static void flush(void) { require_eq(mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)window, 0), 0); }

static void mmu_updates(void) {
    uint64_t pte = MFN_PTE(virt_to_mfn(page), PTE_RW), at = machine_address(entry), value;
    uint64_t bad = MFN_PTE(virt_to_mfn(entry), PTE_RW);
    struct mmu_update three[3] = {{at, pte}, {at, bad}, {at, 0}};
    unsigned int done = 77;

    page[0] = 0x1234;
    expect_eq(mmu_update(at, pte), 0);
    expect_eq(try_read(window, &value), 0);
    expect_eq(value, 0x1234);
    expect_eq(try_write(window, 0x4321), 0);
    expect_eq(page[0], 0x4321);
    expect_eq(*entry & PTE_ADDR, pte & PTE_ADDR);
    expect_eq(mmu_update(at, pte & ~PTE_W), 0);
    flush();
    expect_eq(try_write(window, 1), FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(mmu_update(at, pte), 0);
    flush();
    expect_eq(try_write(window, 2), 0);
    expect_eq(mmu_update(at, 0), 0);
    flush();
    expect_eq(try_read(window, &value), FAULT(PF, 0));

    /* The first is done, the second refused, the third not looked at. */
    expect_eq(HV_mmu_update(three, 3, &done, DOMID_SELF), -XEN_EBUSY);
    expect_eq(done, 1);
    expect_eq(*entry & PTE_P, PTE_P);
    expect_eq(HV_mmu_update(three + 2, 1, &done, DOMID_SELF), 0);
    expect_eq(done, 1);
    expect_eq(*entry, 0);
    expect_eq(HV_mmu_update(three, 0, &done, DOMID_SELF), 0);
    expect_eq(done, 0);
    expect_eq(HV_mmu_update(HYPERVISOR_VIRT_START, 1, NULL, DOMID_SELF), -XEN_EFAULT);
    /* Not-present entries hold what the guest likes, in its low words at least. */
    expect_eq(mmu_update(at, 0xabcd0), 0);
    expect_eq(*entry, 0xabcd0);
    expect_eq(mmu_update(at, 0), 0);

    /* Accessed and dirty bits survive where asked. */
    require_eq(mmu_update(at, MFN_PTE(virt_to_mfn(page), PTE_P | PTE_W | PTE_U)), 0);
    try_write(window, 3);
    expect_eq(*entry & (PTE_A | PTE_D), PTE_A | PTE_D);
    expect_eq(mmu_update(at | MMU_PT_UPDATE_PRESERVE_AD, MFN_PTE(virt_to_mfn(page), PTE_P | PTE_U)),
              0);
    expect_eq(*entry & (PTE_A | PTE_D | PTE_W), PTE_A | PTE_D);
    expect_eq(mmu_update(at, MFN_PTE(virt_to_mfn(page), PTE_P | PTE_U)), 0);
    expect_eq(*entry & (PTE_A | PTE_D | PTE_W), 0);
    expect_eq(mmu_update(at, 0), 0);
    flush();
}

static void va_mappings(void) {
    uint64_t pte = MFN_PTE(virt_to_mfn(page), PTE_RW), value;
    static uint64_t vcpumask[2] = {1};
    const uint64_t flags[] = {UVMF_NONE,
                              UVMF_TLB_FLUSH | UVMF_LOCAL,
                              UVMF_INVLPG | UVMF_LOCAL,
                              UVMF_TLB_FLUSH | UVMF_ALL,
                              UVMF_INVLPG | UVMF_ALL,
                              UVMF_TLB_FLUSH | (uint64_t)vcpumask,
                              UVMF_INVLPG | (uint64_t)vcpumask};

    for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
        expect_eq(HV_update_va_mapping(window, pte, flags[i]), 0);
        expect_eq(try_read(window, &value), 0);
        expect_eq(HV_update_va_mapping(window, 0, flags[i]), 0);
        if (!i) flush();
        expect_eq(try_read(window, &value), FAULT(PF, 0));
    }
    expect_eq(HV_update_va_mapping(HYPERVISOR_VIRT_START, pte, 0), -XEN_EINVAL);
    expect_eq(HV_update_va_mapping(0xffff830000000000, pte, 0), -XEN_EINVAL);
    expect_eq(HV_update_va_mapping(0x1000, pte, 0), -XEN_EINVAL);
    expect_eq(HV_update_va_mapping(0x8000000000000000, pte, 0), -XEN_EINVAL);
    expect_eq(HV_update_va_mapping(window, 0, UVMF_INVLPG | HYPERVISOR_VIRT_START), -XEN_EFAULT);
}

static void multicalls(void) {
    struct multicall_entry calls[4] = {
        {.op = __HYPERVISOR_xen_version, .args = {0}},
        {.op = 200},
        {.op = __HYPERVISOR_update_va_mapping,
         .args = {(uint64_t)window, MFN_PTE(virt_to_mfn(page), PTE_RW), UVMF_INVLPG}},
        {.op = __HYPERVISOR_multicall, .args = {(uint64_t)calls, 1}},
    };
    uint64_t value;

    expect_eq(HV_multicall(calls, 4), 0);
    expect_eq(calls[0].result, 4 << 16 | 17);
    expect_eq(calls[1].result, -XEN_ENOSYS);
    expect_eq(calls[2].result, 0);
    expect_eq(calls[3].result, -XEN_EINVAL);
    expect_eq(try_read(window, &value), 0);
    require_eq(map_pte(window, 0), 0);
    expect_eq(HV_multicall(calls, 0), 0);
    expect_eq(HV_multicall(0x1000, 1), -XEN_EFAULT);
    expect_eq(HV_multicall(HYPERVISOR_VIRT_START, 1), -XEN_EFAULT);
}

/*
 * An entry that can be read and not written has no result; nor one that would go on later. (Stock
 * Xen, when it would, issues the hypercall again with the error as its number.)
 */
static void multicall_untold(void) {
    static struct mmuext_op clear[1024];
    char *ro;
    struct multicall_entry *call = page_at_edge(&ro);
    struct vcpu_set_periodic_timer often = {.period_ns = MS};
    bool stock = on_stock_xen();
    long rc;

    for (unsigned int i = 0; i < ARRAY_SIZE(clear); i++)
        clear[i] = (struct mmuext_op){.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = virt_to_mfn(page)};
    *call = (struct multicall_entry){.op = __HYPERVISOR_mmuext_op,
                                     .args = {(uint64_t)clear, ARRAY_SIZE(clear), 0, DOMID_SELF},
                                     .result = 77};
    /* Timers are what a long list gives way to. */
    require_eq(HV_vcpu_op(VCPUOP_set_periodic_timer, 0, &often), 0);
    for (unsigned int i = 0; i < 10; i++) {
        rc = HV_multicall(ro, 1);
        expect(rc == -XEN_EFAULT || (stock && rc == -XEN_ENOSYS));
    }
    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    expect_eq(call->result, 77);
    expect_eq(call->args[1], ARRAY_SIZE(clear));
}

/* Stores to a table are done by the hypervisor, if the entry is one that the guest may write. */
static void plain_stores(void) {
    uint64_t pte = MFN_PTE(virt_to_mfn(page), PTE_RW), old, flags;
    uint64_t bad = MFN_PTE(virt_to_mfn(l4_table()), PTE_RW);
    bool equal;
    fault_t f;

    page[0] = 0x77;
    expect_eq(try_write(entry, pte), 0);
    flush();
    expect_eq(window[0], 0x77);
    flags = *entry & ~PTE_ADDR;
    expect_eq(TRY_IO("movl $0, (%1)", (), ("r"(entry)), ("memory")), 0);
    expect_eq((uint32_t)*entry, 0);
    expect_eq(TRY_IO("movq $0x40, (%1)", (), ("r"(entry)), ("memory")), 0);
    expect_eq(*entry, 0x40);
    expect_eq(TRY_IO("movb $0x20, 1(%1)", (), ("r"(entry)), ("memory")), 0);
    expect_eq(*entry, 0x2040);
    old = pte;
    expect_eq(TRY_IO("xchg %1, (%2)", (, "+r"(old)), ("r"(entry)), ("memory")), 0);
    expect_eq(old, 0x2040);
    expect_eq(*entry & PTE_ADDR, pte & PTE_ADDR);
    old = 0x5555;
    f = TRY_IO("lock cmpxchg %4, (%3)", (, "+a"(old), "=@ccz"(equal)), ("r"(entry), "r"(0UL)),
               ("memory"));
    expect_eq(f, 0);
    expect_eq(equal, false);
    expect_eq(old, *entry);
    f = TRY_IO("lock cmpxchg %4, (%3)", (, "+a"(old), "=@ccz"(equal)), ("r"(entry), "r"(pte)),
               ("memory"));
    expect_eq(f, 0);
    expect_eq(equal, true);
    expect_eq(TRY_IO("lock btrq $1, (%1)", (), ("r"(entry)), ("memory", "cc")), 0);
    expect_eq(*entry & PTE_W, 0);
    expect_eq(TRY_IO("lock orq $2, (%1)", (), ("r"(entry)), ("memory", "cc")), 0);
    expect_eq(*entry & ~PTE_ADDR & ~PTE_NX, flags);
    expect_eq(TRY_IO("andq $~2, (%1)", (), ("r"(entry)), ("memory", "cc")), 0);
    expect_eq(*entry & PTE_W, 0);
    expect_eq(TRY_IO("stosq", (, "+D"((uint64_t *){entry})), ("a"(0)), ("memory")), 0);
    expect_eq(*entry, 0);
    flush();

    /* A live table writable; two entries at once; an L2 entry. */
    expect_eq(try_write(entry, bad), FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(try_write((char *)entry + 4, 0), FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(try_write(l2_entry(window), *l2_entry(window)), FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(TRY_IO("movups %%xmm0, (%1)", (), ("r"((uint64_t)entry & ~15UL)), ("memory")),
              FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(*entry, 0);
}

static uint64_t user_store(uint64_t arg) { return try_write((void *)arg, 0); }

static void pins(void) {
    uint64_t *l1 = table_alloc(), *l2 = table_alloc(), *l3 = table_alloc(), *l4 = table_alloc();
    uint64_t pte = MFN_PTE(virt_to_mfn(page), PTE_RW);

    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1), 0), 0);
    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1), 0), -XEN_EINVAL);
    expect_eq(write_entry(l1 + 3, pte), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l1), 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l1), 0), -XEN_EINVAL);
    /* An ordinary page again: its contents can be changed, and count when it becomes a table. */
    expect_eq(set_writable(l1), 0);
    l1[4] = pte;
    l1[5] = 0x1230;
    expect_eq(set_readonly(l1), 0);
    expect_eq(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(l1), 0), 0);
    expect_eq(mmuext(MMUEXT_PIN_L2_TABLE, virt_to_mfn(l2), 0), 0);
    expect_eq(write_entry(l2, MFN_PTE(virt_to_mfn(l1), PTE_TABLE)), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l1), 0), 0);
    expect_eq(mmuext(MMUEXT_PIN_L3_TABLE, virt_to_mfn(l3), 0), 0);
    expect_eq(write_entry(l3, MFN_PTE(virt_to_mfn(l2), PTE_TABLE)), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l2), 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l3), 0), 0);
    require_eq(set_writable(l4), 0);
    l4[2] = MFN_PTE(virt_to_mfn(l3), PTE_TABLE);
    require_eq(set_readonly(l4), 0);
    expect_eq(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(l4), 0), 0);
    /* Validated from the top: its L1 is live. */
    expect_eq(set_writable(l1), -XEN_EBUSY);
    expect_eq(write_entry(l1 + 4, 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l4), 0), 0);
    table_free(l1);
    table_free(l2);
    table_free(l3);
    table_free(l4);
}

static void base_pointers(void) {
    uint64_t *old = l4_table(), *l4 = page_alloc(), *linear, value;

    memcpy(l4, old, PAGE_SIZE);
    memset(l4 + 256, 0, 16 * 8);
    require_eq(set_readonly(l4), 0);
    require_eq(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(l4), 0), 0);
    /* A table that maps itself, read-only: its entries are seen through it. */
    expect_eq(write_entry(l4 + 300, MFN_PTE(virt_to_mfn(l4), PTE_P | PTE_U)), 0);
    expect_eq(write_entry(l4 + 301, MFN_PTE(virt_to_mfn(l4), PTE_TABLE)), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(l4), 0), 0);
    expect_eq(l4_table(), l4);
    expect_eq(mfn_to_pfn(virt_to_mfn(page)), virt_to_pfn(page));
    linear =
        (uint64_t *)(0xffff000000000000 | 300UL << 39 | 300UL << 30 | 300UL << 21 | 300UL << 12);
    expect_eq(try_read(linear + 511, &value), 0);
    expect_eq(PTE_MFN(value), PTE_MFN(old[511]));
    expect_eq(try_write(linear + 511, 0), FAULT(PF, PF_PRESENT | PF_WRITE));
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(old), 0), 0);
    expect_eq(l4_table(), old);
    expect_eq(write_entry(l4 + 300, 0), 0);
    /* A base pointer keeps a table that is not pinned. */
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(l4), 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l4), 0), 0);
    expect_eq(set_writable(l4), -XEN_EBUSY);
    expect_eq(mmuext(MMUEXT_NEW_BASEPTR, virt_to_mfn(old), 0), 0);
    expect_eq(set_writable(l4), 0);
    page_free(l4);
}

static void other_operations(void) {
    static uint64_t vcpumask[2] = {1};
    uint64_t *a = page_alloc(), *b = page_alloc();

    expect_eq(mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
    expect_eq(mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
    expect_eq(mmuext(MMUEXT_INVLPG_ALL, (uint64_t)window, 0), 0);
    expect_eq(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, (uint64_t)vcpumask), 0);
    expect_eq(mmuext(MMUEXT_INVLPG_MULTI, (uint64_t)window, (uint64_t)vcpumask), 0);
    expect_eq(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, 0x1000), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_FLUSH_CACHE, 0, 0), 0);
    expect_eq(mmuext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0), 0);
    expect_eq(mmuext(99, 0, 0), -XEN_ENOSYS);
    a[5] = 55;
    expect_eq(mmuext(MMUEXT_COPY_PAGE, virt_to_mfn(b), virt_to_mfn(a)), 0);
    expect_eq(b[5], 55);
    expect_eq(mmuext(MMUEXT_CLEAR_PAGE, virt_to_mfn(b), 0), 0);
    expect_eq(b[5], 0);
    expect_eq(mmuext(MMUEXT_CLEAR_PAGE, virt_to_mfn(l4_table()), 0), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_COPY_PAGE, virt_to_mfn(l4_table()), virt_to_mfn(a)), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_CLEAR_PAGE, 0xfffffff, 0), -XEN_EINVAL);
    page_free(a);
    page_free(b);
}

#define DESC(access, flags)                                                                        \
    (0xffffULL | 0xfULL << 48 | (uint64_t)(access) << 40 | (uint64_t)(flags) << 52)
#define DATA_DPL3   DESC(0xf3, 0xc)
#define DATA_DPL0   DESC(0x93, 0xc)
#define ABSENT_DPL3 DESC(0x73, 0xc)
#define CODE64_DPL3 DESC(0xfb, 0xa)
#define LDT_DESC    DESC(0x82, 0)
#define TSS_DESC    DESC(0x89, 0)
#define CALL_GATE   DESC(0xec, 0)

static fault_t load_es(uint16_t selector) {
    fault_t f = TRY_IO("mov %1, %%es", (), ("r"(selector)), ("memory"));

    asm volatile("mov %0, %%es" : : "r"(0));
    return f;
}

static void gdt(void) {
    uint64_t *table = page_alloc(), frames[1] = {virt_to_mfn(table)};
    uint64_t maddr = machine_address(table);

    table[1] = DATA_DPL3;
    table[2] = DATA_DPL0;
    table[3] = ABSENT_DPL3;
    /* While it is mapped writable it can not be a descriptor table. */
    expect_eq(HV_set_gdt(frames, 512), -XEN_EINVAL);
    require_eq(set_readonly(table), 0);
    expect_eq(HV_set_gdt(frames, FIRST_RESERVED_GDT_ENTRY + 1), -XEN_EINVAL);
    expect_eq(HV_set_gdt(0x1000, 512), -XEN_EFAULT);
    expect_eq(HV_set_gdt(frames, 512), 0);
    expect_eq(load_es(1 << 3 | 3), 0);
    /* Privileges are raised to the guest's. */
    expect_eq(table[2] >> 45 & 3, 3);
    expect_eq(load_es(2 << 3 | 3), 0);
    expect_eq(load_es(3 << 3 | 3), FAULT(NP, 3 << 3));
    expect_eq(load_es(4 << 3 | 3), FAULT(GP, 4 << 3));
    expect_eq(load_es(FLAT_KERNEL_SS), 0);
    expect_eq(set_writable(table), -XEN_EBUSY);

    expect_eq(HV_update_descriptor(maddr + 4 * 8, DATA_DPL3), 0);
    expect_eq(table[4], DATA_DPL3);
    expect_eq(load_es(4 << 3 | 3), 0);
    expect_eq(HV_update_descriptor(maddr + 5 * 8, CODE64_DPL3), 0);
    expect_eq(HV_update_descriptor(maddr + 4 * 8, 0), 0);
    expect_eq(load_es(4 << 3 | 3), FAULT(GP, 4 << 3));
    expect_eq(HV_update_descriptor(maddr + 4 * 8 + 4, DATA_DPL3), -XEN_EINVAL);
    expect_eq(HV_update_descriptor(maddr + 6 * 8, LDT_DESC), -XEN_EINVAL);
    expect_eq(HV_update_descriptor(maddr + 6 * 8, TSS_DESC), -XEN_EINVAL);
    expect_eq(table[6], 0);
    /* A gate is refused, or loses the privilege by which anyone could use it. */
    expect(HV_update_descriptor(maddr + 6 * 8, CALL_GATE) == -XEN_EINVAL ||
           (table[6] >> 45 & 3) == 0);
    expect_eq(HV_update_descriptor(0xfffffff000, DATA_DPL3), -XEN_EINVAL);
    /* An ordinary page takes descriptors too; a page table does not. */
    expect_eq(HV_update_descriptor(machine_address(page), DATA_DPL3), 0);
    expect_eq(page[0], DATA_DPL3);
    expect_eq(HV_update_descriptor(machine_address(entry), DATA_DPL3), -XEN_EINVAL);

    expect_eq(HV_set_gdt(NULL, 0), 0);
    expect_eq(load_es(1 << 3 | 3), FAULT(GP, 1 << 3));
    expect_eq(set_writable(table), 0);
    /* A table with a task segment in it is refused whole. */
    table[7] = TSS_DESC;
    require_eq(set_readonly(table), 0);
    expect_eq(HV_set_gdt(frames, 512), -XEN_EINVAL);
    require_eq(set_writable(table), 0);
    page_free(table);
}

static void ldt(void) {
    uint64_t *table = page_alloc();

    table[1] = DATA_DPL3;
    table[2] = ABSENT_DPL3;
    expect_eq(mmuext(MMUEXT_SET_LDT, (uint64_t)table + 8, 16), -XEN_EINVAL);
    expect_eq(mmuext(MMUEXT_SET_LDT, (uint64_t)table, 8193), -XEN_EINVAL);
    /* The frame is looked at when it is used: mapped writable it can not be an LDT. */
    expect_eq(mmuext(MMUEXT_SET_LDT, (uint64_t)table, 16), 0);
    expect_eq(load_es(1 << 3 | 7), FAULT(PF, 0));
    expect_eq(last_cr2, table + 1);
    require_eq(set_readonly(table), 0);
    expect_eq(load_es(1 << 3 | 7), 0);
    expect_eq(load_es(2 << 3 | 7), FAULT(NP, 2 << 3 | 4));
    expect_eq(load_es(3 << 3 | 7), FAULT(GP, 3 << 3 | 4));
    expect_eq(load_es(16 << 3 | 7), FAULT(GP, 16 << 3 | 4));
    expect_eq(set_writable(table), -XEN_EBUSY);
    expect_eq(HV_update_descriptor(machine_address(table + 3), DATA_DPL3), 0);
    expect_eq(load_es(3 << 3 | 7), 0);
    expect_eq(mmuext(MMUEXT_SET_LDT, 0, 0), 0);
    expect_eq(load_es(1 << 3 | 7), FAULT(GP, 1 << 3 | 4));
    expect_eq(set_writable(table), 0);
    page_free(table);
}

void test_main(void) {
    window = window_alloc(1);
    entry = l1_entry(window);
    page = page_alloc();
    mmu_updates();
    va_mappings();
    multicalls();
    multicall_untold();
    plain_stores();
    expect_eq(run_user(user_store, (uint64_t)entry), FAULT(PF, PF_PRESENT | PF_WRITE | PF_USER));
    pins();
    base_pointers();
    other_operations();
    gdt();
    ldt();
}
