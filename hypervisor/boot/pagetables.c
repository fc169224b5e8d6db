/* SPDX-License-Identifier: MIT */
/*
 * The image's final mapping: code read-only, constants read-only, data no-execute, in 4 KiB pages;
 * a guard page in the boot CPU's stack block (x86/cpu_area.c has its layout).
 */
#include "boot.h"
#include <hv/pcpu.h>
#include <x86/cpu.h>
#include <x86/cpu_area.h>
#include <x86/devmap.h>

#define PTE_PAT_LARGE (1UL << 12)

#define L2_DEVMAP ((DEVMAP_START >> 21) & 511)

#define IMAGE_TABLES (IMAGE_MAX >> 21)

static uint64_t image_l1[IMAGE_TABLES][512]
    __attribute__((section(".bss.page_aligned"), aligned(4096)));

static __init uint64_t rights(const char *va) {
    if (va < image_init_text_end) return PTE_P | PTE_A;
    if (va < image_rodata_end) return PTE_P | PTE_A | PTE_NX;
    if (va >= boot_stack + STACK_IST_END && va < boot_stack + STACK_MAIN_START) return 0;
    return PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
}

__init void boot_protect_image(void) {
    uint64_t first = ((uint64_t)image_start - IMAGE_START) >> 21;

    for (const char *va = image_start; va < image_end; va += PAGE_SIZE) {
        uint64_t off = (uint64_t)va - IMAGE_START, r = rights(va);

        image_l1[off >> 21][(off >> PAGE_SHIFT) & 511] = r ? image_to_paddr(va) | r : 0;
    }
    /* Entries above IMAGE_MAX belong to devmap() and the CPU areas. */
    for (uint64_t i = 0; i < IMAGE_TABLES; i++)
        boot_l2_image[i] = i < first || IMAGE_START + (i << 21) >= (uint64_t)image_end
                               ? 0
                               : image_to_paddr(image_l1[i]) | PTE_P | PTE_RW | PTE_A;
    boot_l4[0] = 0;
    write_cr3(read_cr3());
}

/* One table of 4 KiB pages for small areas; large ones get 2 MiB pages of their own. */
static uint64_t devmap_l1[512] __attribute__((section(".bss.page_aligned"), aligned(4096)));
static unsigned int devmap_pages = 1, devmap_large = 1;

static void *devmap_small(paddr_t p, size_t nr, enum devmap_type type) {
    uint64_t flags = PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
    char *va = (char *)DEVMAP_START + devmap_pages * PAGE_SIZE;

    flags |= type == DEVMAP_WC ? PTE_PAT : PTE_PCD | PTE_PWT;
    if (devmap_pages + nr > 512) return NULL;
    boot_l2_image[L2_DEVMAP] = image_to_paddr(devmap_l1) | PTE_P | PTE_RW | PTE_A;
    for (size_t i = 0; i < nr; i++) devmap_l1[devmap_pages++] = (p + i * PAGE_SIZE) | flags;
    return va;
}

static void *devmap_2m(paddr_t p, size_t nr, enum devmap_type type) {
    uint64_t flags = PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX | PTE_PSE;
    char *va = (char *)DEVMAP_START + ((size_t)devmap_large << 21);

    flags |= type == DEVMAP_WC ? PTE_PAT_LARGE : PTE_PCD | PTE_PWT;
    if (L2_DEVMAP + devmap_large + nr > 512) return NULL;
    for (size_t i = 0; i < nr; i++)
        boot_l2_image[L2_DEVMAP + devmap_large++] = (p + (i << 21)) | flags;
    return va;
}

void *devmap(paddr_t p, size_t n, enum devmap_type type) {
    paddr_t align = n > (64 << 10) ? 1UL << 21 : PAGE_SIZE, base = p & ~(align - 1);
    size_t nr = (ROUND_UP(p + n, align) - base) / align;
    char *va = align == PAGE_SIZE ? devmap_small(base, nr, type) : devmap_2m(base, nr, type);

    return va ? va + (p - base) : NULL;
}
