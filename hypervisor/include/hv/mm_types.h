/* SPDX-License-Identifier: MIT */
/* Memory state embedded in domains and vcpus. mm/ owns and may extend it. */
#pragma once

#include <hv/list.h>
#include <hv/spinlock.h>
#include <hv/types.h>

struct frame;

struct mm_domain {
    spinlock_t lock;            /* frame lists, counts, memory map; ORDER_PAGE_ALLOC */
    uint32_t first_frame;       /* list of owned frames through frame records; 0: empty */
    uint32_t first_kept;        /* of a dying domain: frames that others still hold */
    uint64_t tot_pages;         /* frames owned */
    uint64_t max_pages;         /* limit */
    struct list mapped;         /* guest frames that Hospes writes: mm_map_guest_frame */
    uint64_t outstanding_claim; /* heap lock */
    uint64_t xen_pages;         /* Hospes's frames shared with the domain */
    mfn_t perdomain_l3;         /* table for L4 slot 260 */
    uint64_t *perdomain_l2;     /* its one L2: covers the windows of all vcpus */
    void *memory_map;           /* set by XENMEM_set_memory_map: struct e820entry_hv[] */
    uint32_t memory_map_nr;
};

struct mm_vcpu {
    uint64_t *window_l1e; /* 32 entries: 16 GDT pages, 16 LDT pages; see x86/layout.h */
    uint16_t ldt_mapped;  /* LDT pages in the window, by bit: FT_SEGDESC references */
    struct frame
        *pending; /* PARTIAL table (with a frame reference) that v must finish tearing down */
};
