/* SPDX-License-Identifier: MIT */
/*
 * Who the hypervisor is: xen_version(XENVER_*, &argument). version, pagesize and build_id return
 * their answer; the others return 0 and fill the argument.
 */
#ifndef __XEN_PUBLIC_VERSION_H__
#define __XEN_PUBLIC_VERSION_H__

#include "xen.h"

#define XENVER_version 0 /* returns major << 16 | minor; no argument */

#define XENVER_extraversion 1 /* what follows major.minor, such as ".0" */
typedef char xen_extraversion_t[16];
#define XEN_EXTRAVERSION_LEN (sizeof(xen_extraversion_t))

#define XENVER_compile_info 2
struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
typedef struct xen_compile_info xen_compile_info_t;

#define XENVER_capabilities 3 /* kinds of guests, such as "xen-3.0-x86_64 " */
typedef char xen_capabilities_info_t[1024];
#define XEN_CAPABILITIES_INFO_LEN (sizeof(xen_capabilities_info_t))

#define XENVER_changeset 4
typedef char xen_changeset_info_t[64];
#define XEN_CHANGESET_INFO_LEN (sizeof(xen_changeset_info_t))

#define XENVER_platform_parameters 5
struct xen_platform_parameters {
    xen_ulong_t virt_start; /* OUT: where the hypervisor's part of the address space begins */
};
typedef struct xen_platform_parameters xen_platform_parameters_t;

#define XENVER_get_features 6
struct xen_feature_info {
    unsigned int submap_idx; /* IN: which 32 bits */
    uint32_t submap;         /* OUT: bits of XENFEAT_* */
};
typedef struct xen_feature_info xen_feature_info_t;

#include "features.h"

#define XENVER_pagesize 7 /* returns it; no argument */

#define XENVER_guest_handle 8 /* the caller's UUID, a xen_domain_handle_t */

#define XENVER_commandline 9
typedef char xen_commandline_t[1024];

#define XENVER_build_id 10 /* returns the length; a null argument only asks for it */
struct xen_build_id {
    uint32_t len;                          /* IN: room in buf */
    unsigned char buf[XEN_FLEX_ARRAY_DIM]; /* OUT */
};
typedef struct xen_build_id xen_build_id_t;

#endif /* __XEN_PUBLIC_VERSION_H__ */
