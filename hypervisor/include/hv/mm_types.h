/* SPDX-License-Identifier: MIT */
/* Memory state embedded in domains and vcpus. mm/ owns and may extend it. */
#pragma once

#include <hv/spinlock.h>
#include <hv/types.h>

struct mm_domain {
    spinlock_t lock;        /* frame list and counts; ORDER_PAGE_ALLOC */
    uint32_t first_frame;   /* list of owned frames through frame records; 0: empty */
    uint64_t tot_pages;     /* frames owned */
    uint64_t max_pages;     /* limit */
    uint64_t outstanding_claim; /* heap lock */
    uint64_t xen_pages;     /* Hospes's frames shared with the domain */
    mfn_t perdomain_l3;     /* table for L4 slot 260 */
    uint32_t relinquish_step;
    void *memory_map;       /* set by XENMEM_set_memory_map, or dom0's */
    uint32_t memory_map_nr;
};

struct mm_vcpu {
    uint64_t *window_l1e;   /* 32 entries: 16 GDT pages, 16 LDT pages; see x86/layout.h */
    mfn_t dummy;
};
