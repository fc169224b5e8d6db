/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a new PV guest goes: pure computation, no hypervisor.
 *
 * Pages are named by pfn. The start-up mapping is linear: virtual address = virt_base + pfn * 4096,
 * from pfn 0 to virt_end. Order, as public/xen.h promises to guests:
 *
 *   kernel, [ramdisk], [p2m], start_info, xenstore ring, console ring, page tables, boot stack,
 *   at least 512 KiB of padding up to a 4 MiB boundary = virt_end;
 *   behind it, outside the linear mapping: ramdisk if MOD_START_PFN, p2m if INIT_P2M, the latter
 *   followed by the page tables that map it at its own address.
 */
#pragma once

#include "../image/image.h"

#define LAYOUT_PAGE_SHIFT 12
#define LAYOUT_PAGE_SIZE  UINT64_C(4096)

struct layout_range {
    uint64_t pfn, pages;
};

/* One page-table page: maps the naturally aligned piece of address space that starts at va. */
struct layout_table {
    uint64_t va, pfn;
    unsigned int level; /* 1..4 */
};

struct layout {
    uint64_t nr_pages;
    uint64_t virt_base, virt_end; /* of the linear mapping */
    struct layout_range kernel, ramdisk, p2m;
    uint64_t ramdisk_bytes;
    bool ramdisk_mapped, p2m_mapped; /* in the linear mapping */
    uint64_t p2m_va;
    uint64_t start_info_pfn, store_pfn, console_pfn, stack_pfn;
    struct layout_range tables;     /* of the linear mapping; the L4 is the first */
    struct layout_range p2m_tables; /* of the p2m at INIT_P2M; follow the p2m */
    struct layout_table *table;     /* both sorts, in pfn order */
    unsigned int table_count;
    uint64_t pages_needed; /* everything above fits if nr_pages is at least this */
};

/* Computes all; a guest of nr_pages that cannot hold it gives -ENOMEM and says what would. */
int layout_compute(struct layout *layout, const struct image *image, uint64_t ramdisk_bytes,
                   uint64_t nr_pages, struct err *err);
void layout_free(struct layout *layout);

/* fill.c: contents of table n. p2m gives the machine frame of each pfn. */
void layout_fill_table(const struct layout *layout, const uint64_t *p2m, unsigned int n,
                       uint64_t entries[512]);

/* fill.c: what the layout says of start_info, and of vcpu 0's first context. Both zero before. */
struct start_info;
struct vcpu_guest_context;
void layout_fill_start_info(const struct layout *layout, struct start_info *si);
void layout_fill_context(const struct layout *layout, const struct image *image,
                         const uint64_t *p2m, struct vcpu_guest_context *c);

static inline uint64_t layout_va(const struct layout *layout, uint64_t pfn) {
    return layout->virt_base + (pfn << LAYOUT_PAGE_SHIFT);
}
