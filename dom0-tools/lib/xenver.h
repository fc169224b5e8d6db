/* SPDX-License-Identifier: MIT */
/* xen_version: what the hypervisor says of itself. Returns and contexts: see hypercall.h. */
#pragma once

#include "hypercall.h"

#include <public/version.h>

int hv_version(struct hv *hv, unsigned int *major, unsigned int *minor);
int hv_extraversion(struct hv *hv, xen_extraversion_t text);
int hv_compile_info(struct hv *hv, struct xen_compile_info *info);
int hv_capabilities(struct hv *hv, xen_capabilities_info_t text);
int hv_changeset(struct hv *hv, xen_changeset_info_t text);
int hv_commandline(struct hv *hv, xen_commandline_t text);
int hv_virt_start(struct hv *hv, uint64_t *virt_start);
int hv_pagesize(struct hv *hv);

/* Feature words from public/features.h; submap 0 is the only one that is defined. */
int hv_features(struct hv *hv, unsigned int submap, uint32_t *features);

/* Build id as raw bytes; returns its length. */
int hv_build_id(struct hv *hv, uint8_t *buf, size_t size);
