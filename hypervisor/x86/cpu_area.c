/* SPDX-License-Identifier: MIT */
/* Stack blocks of the CPUs that boot brings up. Layout: x86/cpu_area.h. */
#include <hv/boot.h>
#include <hv/errno.h>
#include <hv/mm.h>
#include <x86/cpu_area.h>
#include <x86/layout.h>

extern uint64_t boot_l2_image[512];

/* The L1 entry that maps va in the CPU areas; NULL: no memory for the table. */
static uint64_t *l1_entry(uint64_t va) {
    uint64_t *l2e = &boot_l2_image[(va >> 21) & 511];

    if (!*l2e) {
        void *table = alloc_page_hv();

        if (!table) return NULL;
        *l2e = virt_to_paddr(table) | PTE_P | PTE_RW | PTE_A;
    }
    return (uint64_t *)paddr_to_virt(*l2e & PTE_ADDR) + ((va >> PAGE_SHIFT) & 511);
}

static int map_new_page(uint64_t va) {
    uint64_t *l1e = l1_entry(va);
    void *page = l1e ? alloc_page_hv() : NULL;

    if (!page) return -ENOMEM;
    *l1e = virt_to_paddr(page) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
    return 0;
}

int cpu_area_init(struct pcpu *p) {
    uint64_t block = CPU_AREA(p->id);
    struct cpu_info *ci = (struct cpu_info *)(block + STACK_SIZE) - 1;

    for (uint64_t off = 0; off < STACK_SIZE; off += PAGE_SIZE) {
        if (off >= STACK_IST_END && off < STACK_MAIN_START) continue;
        if (map_new_page(block + off)) return -ENOMEM;
    }
    p->arch.stack = (void *)block;
    p->arch.gdt = alloc_page_hv();
    p->arch.tss = hv_alloc(256); /* must not cross a page */
    if (!p->arch.gdt || !p->arch.tss) return -ENOMEM;
    p->arch.gdt_mfn = virt_to_mfn(p->arch.gdt);
    ci->pcpu = p;
    return 0;
}
