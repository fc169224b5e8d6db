/* SPDX-License-Identifier: MIT */
/* Page heap, address translation, page-table helpers. */
#include <public/grant_table.h>
#include "mm.h"
#include "vcpu.h"

extern char heap_start[], heap_end[];

static void *free_pages; /* linked through their first words */
static unsigned long nr_free;
static char *heap_next = heap_start;
static char *window_next = (char *)WINDOW_START;
static bool heap_lock;

void mm_init(void) { nr_free = (unsigned long)(heap_end - heap_start) / PAGE_SIZE; }

void *page_alloc(void) {
    void *page;

    while (__atomic_test_and_set(&heap_lock, __ATOMIC_ACQUIRE)) relax();
    page = free_pages;
    if (page) {
        free_pages = *(void **)page;
    } else if (heap_next < heap_end) {
        page = heap_next;
        heap_next += PAGE_SIZE;
    }
    nr_free--;
    __atomic_clear(&heap_lock, __ATOMIC_RELEASE);
    if (!page) die("out of pages");
    return memset(page, 0, PAGE_SIZE);
}

void page_free(void *page) {
    while (__atomic_test_and_set(&heap_lock, __ATOMIC_ACQUIRE)) relax();
    *(void **)page = free_pages;
    free_pages = page;
    nr_free++;
    __atomic_clear(&heap_lock, __ATOMIC_RELEASE);
}

unsigned long pages_free(void) { return nr_free; }

uint64_t pfn_to_mfn(uint64_t pfn) { return ((uint64_t *)si->mfn_list)[pfn]; }

void set_pfn_to_mfn(uint64_t pfn, uint64_t mfn) { ((uint64_t *)si->mfn_list)[pfn] = mfn; }

uint64_t mfn_to_pfn(uint64_t mfn) { return machine_to_phys_mapping[mfn]; }

uint64_t virt_to_mfn(const void *va) { return pfn_to_mfn(virt_to_pfn(va)); }

void *mfn_to_virt(uint64_t mfn) { return pfn_to_virt(mfn_to_pfn(mfn)); }

uint64_t machine_address(const void *va) {
    return virt_to_mfn(va) << PAGE_SHIFT | ((uint64_t)va & (PAGE_SIZE - 1));
}

uint64_t *l4_table(void) {
    uint64_t cr3;

    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    return mfn_to_virt(cr3 >> PAGE_SHIFT);
}

static uint64_t *below(const uint64_t *entry, unsigned int index) {
    if (!entry || !(*entry & PTE_P)) return NULL;
    return (uint64_t *)mfn_to_virt(PTE_MFN(*entry)) + index;
}

uint64_t *l4_entry(const void *va) { return l4_table() + L4_INDEX(va); }

uint64_t *l3_entry(const void *va) { return below(l4_entry(va), L3_INDEX(va)); }

uint64_t *l2_entry(const void *va) { return below(l3_entry(va), L2_INDEX(va)); }

uint64_t *l1_entry(const void *va) { return below(l2_entry(va), L1_INDEX(va)); }

long mmu_update_dom(uint64_t ptr, uint64_t value, uint32_t domains) {
    struct mmu_update request = {ptr, value};

    return HV_mmu_update(&request, 1, NULL, domains);
}

long mmu_update(uint64_t ptr, uint64_t value) { return mmu_update_dom(ptr, value, DOMID_SELF); }

long write_entry(uint64_t *entry, uint64_t value) {
    return mmu_update(machine_address(entry), value);
}

long mmuext_dom(unsigned int cmd, uint64_t arg1, uint64_t arg2, uint32_t domain) {
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = arg1, .arg2.src_mfn = arg2};

    return HV_mmuext_op(&op, 1, NULL, domain);
}

long mmuext(unsigned int cmd, uint64_t arg1, uint64_t arg2) {
    return mmuext_dom(cmd, arg1, arg2, DOMID_SELF);
}

long map_pte(const void *va, uint64_t pte) { return HV_update_va_mapping(va, pte, UVMF_INVLPG); }

long map_mfn(const void *va, uint64_t mfn, uint64_t flags) {
    return map_pte(va, MFN_PTE(mfn, flags));
}

long set_readonly(const void *va) { return map_mfn(va, virt_to_mfn(va), PTE_RO); }

long set_writable(const void *va) { return map_mfn(va, virt_to_mfn(va), PTE_RW); }

uint64_t *table_alloc(void) {
    uint64_t *table = page_alloc();

    require_eq(set_readonly(table), 0);
    return table;
}

uint64_t l4_copy(void) {
    uint64_t *l4 = page_alloc();

    memcpy(l4, l4_table(), PAGE_SIZE);
    memset(l4 + 256, 0, 16 * sizeof(*l4)); /* the hypervisor's own */
    require_eq(set_readonly(l4), 0);
    require_eq(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(l4), 0), 0);
    return virt_to_mfn(l4);
}

void map_grant_table(void *window) {
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 1};
    uint64_t frame = 0;

    set_xen_guest_handle(setup.frame_list, &frame);
    require_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    require_eq(setup.status, GNTST_okay);
    require_eq(map_mfn(window, frame, PTE_RW), 0);
}

void table_free(uint64_t *table) {
    require_eq(set_writable(table), 0);
    page_free(table);
}

static void make_table(uint64_t *entry) {
    if (!(*entry & PTE_P))
        require_eq(write_entry(entry, MFN_PTE(virt_to_mfn(table_alloc()), PTE_TABLE)), 0);
}

void *page_at_edge(char **readonly) {
    void *page = page_alloc();

    *readonly = window_alloc(2);
    require_eq(map_mfn(*readonly, virt_to_mfn(page), PTE_RO), 0);
    return page;
}

void *window_alloc(unsigned int pages) {
    char *start = window_next;

    window_next += pages * PAGE_SIZE;
    for (char *va = start; va < window_next; va += PAGE_SIZE) {
        make_table(l4_entry(va));
        make_table(l3_entry(va));
        make_table(l2_entry(va));
    }
    return start;
}
