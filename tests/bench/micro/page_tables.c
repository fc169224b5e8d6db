/* SPDX-License-Identifier: MIT */
/* Updates of page tables, base pointers, flushes, pages cleared and copied. */
#include "bench.h"

#define BATCH 128

static struct mmu_update map[BATCH], unmap[BATCH], protect;
static char *window;
static uint64_t *entry, pte;

static void map_one(void) { HV_mmu_update(map, 1, NULL, DOMID_SELF); }
static void unmap_one(void) { HV_mmu_update(unmap, 1, NULL, DOMID_SELF); }
static void protect_one(void) { HV_mmu_update(&protect, 1, NULL, DOMID_SELF); }
static void map_batch(void) { HV_mmu_update(map, BATCH, NULL, DOMID_SELF); }
static void unmap_batch(void) { HV_mmu_update(unmap, BATCH, NULL, DOMID_SELF); }
static void map_va(void) { HV_update_va_mapping(window, pte, UVMF_INVLPG); }
static void unmap_va(void) { HV_update_va_mapping(window, 0, UVMF_INVLPG); }
static void write_directly(void) { WRITE_ONCE(*entry, pte); }

static void updates(void) {
    for (unsigned int i = 0; i < BATCH; i++) {
        unmap[i].ptr = map[i].ptr = machine_address(l1_entry(window + i * PAGE_SIZE));
        map[i].val = MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW);
    }
    protect.ptr = map[0].ptr;
    protect.val = map[0].val & ~PTE_W;
    entry = l1_entry(window);
    pte = map[0].val;
    measure("mmu_update of 1: map", NULL, map_one, unmap_one);
    measure("mmu_update of 1: unmap", map_one, unmap_one, NULL);
    measure("mmu_update of 1: RW to RO", map_one, protect_one, unmap_one);
    measure("mmu_update of 128: map", NULL, map_batch, unmap_batch);
    measure("mmu_update of 128: unmap", map_batch, unmap_batch, NULL);
    measure("update_va_mapping, INVLPG: map", NULL, map_va, unmap_va);
    measure("update_va_mapping, INVLPG: unmap", map_va, unmap_va, NULL);
    measure("write to a page-table entry", NULL, write_directly, unmap_va);
    expect_eq(*entry, 0);
}

/* Base pointers: an L4 of the same kernel mappings, and one for user mode. */
static struct mmuext_op same, other, user, ext;
static struct multicall_entry to_other[3], to_same[3];

static void use_same(void) { HV_mmuext_op(&same, 1, NULL, DOMID_SELF); }
static void use_other(void) { HV_mmuext_op(&other, 1, NULL, DOMID_SELF); }
static void use_user(void) { HV_mmuext_op(&user, 1, NULL, DOMID_SELF); }
static void switch_to_other(void) { HV_multicall(to_other, 3); }
static void switch_to_same(void) { HV_multicall(to_same, 3); }

static void ext_call(struct multicall_entry *call, struct mmuext_op *op) {
    *call = (struct multicall_entry){.op = __HYPERVISOR_mmuext_op,
                                     .args = {(uint64_t)op, 1, 0, DOMID_SELF}};
}

/* What Linux asks for to change the process: kernel stack, both base pointers. */
static void prepare_switch(struct multicall_entry calls[3], struct mmuext_op *base) {
    extern char entry_stacks[MAX_VCPUS][STACK_SIZE];

    calls[0] = (struct multicall_entry){
        .op = __HYPERVISOR_stack_switch,
        .args = {FLAT_KERNEL_SS, (uint64_t)entry_stacks[0] + STACK_SIZE - 16}};
    ext_call(&calls[1], base);
    ext_call(&calls[2], &user);
}

static void base_pointers(void) {
    same = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = virt_to_mfn(l4_table())};
    other = (struct mmuext_op){.cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = l4_copy()};
    user = (struct mmuext_op){.cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = l4_copy()};
    prepare_switch(to_other, &other);
    prepare_switch(to_same, &same);
    measure("NEW_BASEPTR, the same L4", NULL, use_same, NULL);
    measure("NEW_BASEPTR, another L4", use_same, use_other, NULL);
    use_same();
    measure("NEW_USER_BASEPTR", NULL, use_user, NULL);
    measure("multicall of stack_switch and two base pointers", switch_to_same, switch_to_other,
            NULL);
    use_same();
}

static void do_ext(void) { HV_mmuext_op(&ext, 1, NULL, DOMID_SELF); }

static void flushes(void) {
    ext = (struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL};
    measure("TLB_FLUSH_LOCAL", NULL, do_ext, NULL);
    ext = (struct mmuext_op){.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = (uint64_t)window};
    measure("INVLPG_LOCAL", NULL, do_ext, NULL);
    ext = (struct mmuext_op){.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = virt_to_mfn(page_alloc())};
    measure("CLEAR_PAGE", NULL, do_ext, NULL);
    ext.cmd = MMUEXT_COPY_PAGE;
    ext.arg2.src_mfn = virt_to_mfn(page_alloc());
    measure("COPY_PAGE", NULL, do_ext, NULL);
}

void bench_page_tables(void) {
    window = window_alloc(BATCH);
    updates();
    base_pointers();
    flushes();
}

static struct mmuext_op pin_op, unpin_op = {.cmd = MMUEXT_UNPIN_TABLE};

static void pin(void) { HV_mmuext_op(&pin_op, 1, NULL, DOMID_SELF); }
static void unpin(void) { HV_mmuext_op(&unpin_op, 1, NULL, DOMID_SELF); }

static void measure_pin(const char *to_pin, const char *to_unpin, unsigned int cmd,
                        const void *table) {
    require_eq(set_readonly(table), 0);
    pin_op = (struct mmuext_op){.cmd = cmd, .arg1.mfn = virt_to_mfn(table)};
    unpin_op.arg1.mfn = virt_to_mfn(table);
    require_eq(mmuext(cmd, virt_to_mfn(table), 0), 0);
    unpin();
    measure(to_pin, NULL, pin, unpin);
    measure(to_unpin, pin, unpin, NULL);
}

void bench_pins(void) {
    uint64_t *l4 = page_alloc(), *full = page_alloc();

    memcpy(l4, l4_table(), PAGE_SIZE);
    memset(l4 + 256, 0, 16 * 8);
    for (unsigned int i = 0; i < 512; i++) full[i] = MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW);
    measure_pin("pin L4, its tables valid", "unpin L4, its tables valid", MMUEXT_PIN_L4_TABLE, l4);
    measure_pin("pin L1, empty", "unpin L1, empty", MMUEXT_PIN_L1_TABLE, page_alloc());
    measure_pin("pin L1, 512 entries", "unpin L1, 512 entries", MMUEXT_PIN_L1_TABLE, full);
}
