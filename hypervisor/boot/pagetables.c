/* SPDX-License-Identifier: MIT */
/*
 * The image's final mapping: code read-only, constants read-only, data no-execute, in 4 KiB pages;
 * a guard page in the boot CPU's stack block (x86/desc.h has its layout).
 */
#include "boot.h"
#include <x86/desc.h>

#define PTE_PAT_LARGE (1UL << 12)
#define L2_DEVMAP     ((DEVMAP_START >> 21) & 511)
#define IMAGE_TABLES  (IMAGE_MAX >> 21)

static uint64_t image_l1[IMAGE_TABLES][512]
    __attribute__((section(".bss.page_aligned"), aligned(4096)));

static __init uint64_t rights(const char *va) {
    if (va < image_text_end) return PTE_P | PTE_A;
    if (va < image_rodata_end) return PTE_P | PTE_A | PTE_NX;
    return va >= boot_stack + STACK_IST_END && va < boot_stack + STACK_MAIN_START ? 0 : DATA_PTE;
}

__init void boot_protect_image(void) {
    for (const char *va = image_start; va < image_end; va += PAGE_SIZE) {
        uint64_t off = (uint64_t)va - IMAGE_START, r = rights(va);

        image_l1[off >> 21][(off >> PAGE_SHIFT) & 511] = r ? virt_to_paddr(va) | r : 0;
    }
    /* Entries above IMAGE_MAX belong to devmap() and the CPU areas. */
    for (uint64_t i = 0; i < IMAGE_TABLES; i++)
        boot_l2_image[i] = virt_to_paddr(image_l1[i]) | TABLE_PTE;
    boot_l4[0] = 0;
    write_cr3(read_cr3());
}

/* One table of 4 KiB pages for small areas; large ones get 2 MiB pages of their own. */
void *devmap(paddr_t p, size_t n, enum devmap_type type) {
    static uint64_t small_l1[512] __attribute__((section(".bss.page_aligned"), aligned(4096)));
    static unsigned int used[2] = {1, 1};
    bool large = n > (64 << 10);
    unsigned int shift = large ? 21 : PAGE_SHIFT, i = used[large];
    uint64_t *table = large ? boot_l2_image + L2_DEVMAP : small_l1;
    uint64_t flags = DATA_PTE | (large ? PTE_PSE : 0);
    paddr_t base = p >> shift << shift;
    size_t nr = (ROUND_UP(p + n, 1UL << shift) - base) >> shift;

    if (i + nr > (large ? 512 - L2_DEVMAP : 512)) return NULL;
    flags |= type == DEVMAP_UC ? PTE_PCD | PTE_PWT : large ? PTE_PAT_LARGE : PTE_PAT;
    boot_l2_image[L2_DEVMAP] = virt_to_paddr(small_l1) | TABLE_PTE;
    for (size_t k = 0; k < nr; k++) table[i + k] = (base + (k << shift)) | flags;
    used[large] += (unsigned int)nr;
    return (char *)DEVMAP_START + ((size_t)i << shift) + (p - base);
}
