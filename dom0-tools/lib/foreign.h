/* SPDX-License-Identifier: MIT */
/*
 * Mapping another domain's frames, and hypervisor resources, into this process.
 * Mappings are readable and writable and are not inherited across fork.
 */
#pragma once

#include "hypercall.h"

/*
 * Maps count frames in a row. All or nothing. NULL on failure; errno and hv_context() say why
 * (the first frame that failed is named).
 */
void *hv_map_foreign(struct hv *hv, domid_t domid, const xen_pfn_t *mfns, size_t count);
int hv_unmap(void *addr, size_t count);

/* acquire_resource: XENMEM_resource_grant_table and the like; frames from idx on. */
void *hv_map_resource(struct hv *hv, domid_t domid, unsigned int type, unsigned int id,
                      unsigned int idx, size_t count);

/*
 * Puts an entry into domid's version-1 grant table before the domain runs: reference ref gives
 * `grantee` read and write access to mfn.
 */
int hv_grant_seed(struct hv *hv, domid_t domid, uint32_t ref, domid_t grantee, xen_pfn_t mfn);
