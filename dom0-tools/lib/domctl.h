/* SPDX-License-Identifier: MIT */
/*
 * Typed wrappers of domctl (interface version 0x15). Returns and contexts: see hypercall.h.
 * Structures are those of public/domctl.h.
 */
#pragma once

#include <stdbool.h>

#include "hypercall.h"

#include <public/domctl.h>

/* *domid 0 lets the hypervisor choose; the id made is returned there. */
int hv_domain_create(struct hv *hv, domid_t *domid, const struct xen_domctl_createdomain *config);
int hv_domain_destroy(struct hv *hv, domid_t domid);
int hv_domain_pause(struct hv *hv, domid_t domid);
int hv_domain_unpause(struct hv *hv, domid_t domid);
int hv_domain_resume(struct hv *hv, domid_t domid);

/* Exactly this domain: -ESRCH if it does not exist. */
int hv_domain_info(struct hv *hv, domid_t domid, struct xen_domctl_getdomaininfo *info);

int hv_domain_max_mem(struct hv *hv, domid_t domid, uint64_t max_kib);
int hv_domain_max_vcpus(struct hv *hv, domid_t domid, unsigned int max_vcpus);
int hv_domain_set_handle(struct hv *hv, domid_t domid, const xen_domain_handle_t handle);
int hv_domain_set_tsc(struct hv *hv, domid_t domid, const struct xen_domctl_tsc_info *tsc);
int hv_domain_get_tsc(struct hv *hv, domid_t domid, struct xen_domctl_tsc_info *tsc);
int hv_domain_set_time_offset(struct hv *hv, domid_t domid, int64_t seconds);

/* Fills the page at gmfn with the hypercall entry stubs. */
int hv_domain_hypercall_init(struct hv *hv, domid_t domid, uint64_t gmfn);

int hv_vcpu_set_context(struct hv *hv, domid_t domid, unsigned int vcpu,
                        const struct vcpu_guest_context *ctxt);
int hv_vcpu_get_context(struct hv *hv, domid_t domid, unsigned int vcpu,
                        struct vcpu_guest_context *ctxt);
int hv_vcpu_info(struct hv *hv, domid_t domid, unsigned int vcpu,
                 struct xen_domctl_getvcpuinfo *info);

/*
 * Affinity bitmaps: bytes * 8 bits, bit n is CPU n. A NULL map is left alone. The set form
 * returns what is in effect in the same maps.
 */
int hv_vcpu_get_affinity(struct hv *hv, domid_t domid, unsigned int vcpu, uint8_t *hard,
                         uint8_t *soft, size_t bytes);
int hv_vcpu_set_affinity(struct hv *hv, domid_t domid, unsigned int vcpu, uint8_t *hard,
                         uint8_t *soft, size_t bytes);
int hv_domain_set_node_affinity(struct hv *hv, domid_t domid, const uint8_t *nodes, size_t bytes);

/* CPU policy; an array may be NULL if its count is 0. fault (may be NULL): what was refused. */
struct hv_policy_error {
    uint32_t leaf, subleaf, msr; /* each ~0 if not to blame */
};
int hv_domain_set_cpu_policy(struct hv *hv, domid_t domid, const xen_cpuid_leaf_t *leaves,
                             unsigned int nr_leaves, const xen_msr_entry_t *msrs,
                             unsigned int nr_msrs, struct hv_policy_error *fault);

/* Scheduler parameters of one domain, credit2 layout: weight (1..65535) and cap (percent). */
int hv_sched_credit2_get(struct hv *hv, domid_t domid, uint16_t *weight, uint16_t *cap);
int hv_sched_credit2_set(struct hv *hv, domid_t domid, uint16_t weight, uint16_t cap);

/* Any domctl whose argument holds no pointer; *op is copied in and out. */
int hv_domctl_plain(struct hv *hv, struct xen_domctl *op, const char *name);
