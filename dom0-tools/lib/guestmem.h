/* SPDX-License-Identifier: MIT */
/*
 * Guest memory: memory_op, mmu_update and mmuext_op on behalf of another domain.
 * Returns and contexts: see hypercall.h.
 */
#pragma once

#include "hypercall.h"

#include <public/memory.h>

/*
 * Populates count extents of 2^order pages. extents: in the first gpfn of each, out the mfn of
 * each (PV). Returns how many extents were populated, which may be fewer than count.
 */
int hv_populate_physmap(struct hv *hv, domid_t domid, xen_pfn_t *extents, unsigned int count,
                        unsigned int order, unsigned int mem_flags);

/* Returns how many extents went back. */
int hv_decrease_reservation(struct hv *hv, domid_t domid, const xen_pfn_t *extents,
                            unsigned int count, unsigned int order);

/* Reserves this many pages for the domain's coming allocations; 0 gives the claim up. */
int hv_claim_pages(struct hv *hv, domid_t domid, uint64_t pages);

/* Memory map the guest will see. */
struct hv_e820 {
    uint64_t addr, size;
    uint32_t type; /* 1: RAM */
} __attribute__((packed));
int hv_set_memory_map(struct hv *hv, domid_t domid, const struct hv_e820 *map, unsigned int count);

int hv_maximum_ram_page(struct hv *hv, uint64_t *mfn);
int64_t hv_current_reservation(struct hv *hv, domid_t domid);
int64_t hv_maximum_reservation(struct hv *hv, domid_t domid);

/* MMU_MACHPHYS_UPDATE for the frames of domid: m2p of mfns[i] becomes pfns[i]. */
struct hv_m2p {
    xen_pfn_t mfn, pfn;
};
int hv_m2p_update(struct hv *hv, domid_t domid, const struct hv_m2p *list, unsigned int count);

/* mmuext_op MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE for a frame of domid. */
int hv_pin_l4(struct hv *hv, domid_t domid, xen_pfn_t mfn);
int hv_unpin(struct hv *hv, domid_t domid, xen_pfn_t mfn);
