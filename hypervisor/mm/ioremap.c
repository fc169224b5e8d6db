/* SPDX-License-Identifier: MIT */
/*
 * Mappings of device and firmware memory in L4 slot 257, in 4 KiB pages. Address space is handed
 * out upwards and not used twice, but for the last area: there are 256 GiB of it. An unmapped page
 * lies between areas.
 */
#include <hv/boot.h>

#include "mm_local.h"

static spinlock_t ioremap_lock = SPINLOCK_INIT(ORDER_PT);
static uint64_t next_va = IOREMAP_START; /* ioremap_lock */

#define MAX_AREAS 256
static struct {
    uint64_t va;
    uint32_t pages; /* 0: free */
} areas[MAX_AREAS]; /* ioremap_lock */

/* The entry for va, or NULL if a table for it can not be had. */
static uint64_t *entry_of(uint64_t va) {
    uint64_t *t = boot_l4;

    for (unsigned int shift = 39; shift > 12; shift -= 9) {
        uint64_t *e = &t[(va >> shift) & 511];

        if (!(*e & PTE_P)) {
            void *page = alloc_page_hv();

            if (!page) return NULL;
            WRITE_ONCE(*e, virt_to_paddr(page) | PTE_P | PTE_RW | PTE_A);
        }
        t = paddr_to_virt(*e & PTE_ADDR);
    }
    return &t[(va >> 12) & 511];
}

/* ioremap_lock */
static bool map_pages(uint64_t va, paddr_t p, uint32_t n, uint64_t flags) {
    for (uint32_t i = 0; i < n; i++) {
        uint64_t *e = entry_of(va + i * PAGE_SIZE);

        if (!e) {
            while (i > 0) WRITE_ONCE(*entry_of(va + --i * PAGE_SIZE), 0);
            return false;
        }
        WRITE_ONCE(*e, (p + i * PAGE_SIZE) | flags);
    }
    return true;
}

static void *map_area(paddr_t p, size_t n, uint64_t flags) {
    uint32_t off = p & ~PAGE_MASK, pages = (uint32_t)DIV_ROUND_UP(off + n, PAGE_SIZE);
    unsigned int slot = 0;
    void *v = NULL;

    if (!n || n > 1UL << 30) return NULL;
    spin_lock(&ioremap_lock);
    while (slot < MAX_AREAS && areas[slot].pages) slot++;
    if (slot < MAX_AREAS && next_va + (pages + 1UL) * PAGE_SIZE <= IOREMAP_END &&
        map_pages(next_va, p & PAGE_MASK, pages, flags | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)) {
        areas[slot].va = next_va;
        areas[slot].pages = pages;
        v = (void *)(next_va + off);
        next_va += (pages + 1UL) * PAGE_SIZE;
    }
    spin_unlock(&ioremap_lock);
    return v;
}

void *ioremap(paddr_t p, size_t n) { return map_area(p, n, PTE_PCD | PTE_PWT); }

void *ioremap_wb(paddr_t p, size_t n) { return map_area(p, n, 0); }

void iounmap(void *v) {
    uint64_t va = (uint64_t)v & PAGE_MASK, end;
    struct flush_mask all;
    unsigned int slot = 0;

    if (!v) return;
    spin_lock(&ioremap_lock);
    while (slot < MAX_AREAS && !(areas[slot].pages && areas[slot].va == va)) slot++;
    BUG_ON(slot == MAX_AREAS);
    end = va + areas[slot].pages * PAGE_SIZE;
    for (uint64_t a = va; a < end; a += PAGE_SIZE) WRITE_ONCE(*entry_of(a), 0);
    flush_all_mask(&all);
    smp_flush_tlb(&all, FLUSH_ALL_VA);
    areas[slot].pages = 0;
    if (next_va == end + PAGE_SIZE) next_va = va;
    spin_unlock(&ioremap_lock);
}
