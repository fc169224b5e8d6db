/* SPDX-License-Identifier: MIT */
/*
 * Starting another kernel in place of the hypervisor, on request or on a crash, for dom0:
 * kexec_op(KEXEC_CMD_*, &argument).
 */
#ifndef _XEN_PUBLIC_KEXEC_H
#define _XEN_PUBLIC_KEXEC_H

#include "xen.h"

#define KEXEC_XEN_NO_PAGES 17

#define KEXEC_TYPE_DEFAULT 0
#define KEXEC_TYPE_CRASH 1

/* An image in the old form, prepared by dom0 page by page. */
typedef struct xen_kexec_image {
    unsigned long page_list[KEXEC_XEN_NO_PAGES];
    unsigned long indirection_page;
    unsigned long start_address;
} xen_kexec_image_t;

#define KEXEC_CMD_kexec 0 /* go */
typedef struct xen_kexec_exec {
    int type; /* IN: KEXEC_TYPE_* */
} xen_kexec_exec_t;

#define KEXEC_CMD_kexec_load_v1 1
#define KEXEC_CMD_kexec_unload_v1 2
typedef struct xen_kexec_load_v1 {
    int type;
    xen_kexec_image_t image;
} xen_kexec_load_v1_t;

/* get_range: where things are that the new kernel or a crash tool has to know. */
#define KEXEC_RANGE_MA_CRASH 0
#define KEXEC_RANGE_MA_XEN 1
#define KEXEC_RANGE_MA_CPU 2 /* crash notes of CPU nr */
#define KEXEC_RANGE_MA_XENHEAP 3
#define KEXEC_RANGE_MA_BOOT_PARAM 4
#define KEXEC_RANGE_MA_EFI_MEMMAP 5
#define KEXEC_RANGE_MA_VMCOREINFO 6

#define KEXEC_CMD_kexec_get_range 3
typedef struct xen_kexec_range {
    int range;           /* IN: KEXEC_RANGE_MA_* */
    int nr;              /* IN */
    unsigned long size;  /* OUT */
    unsigned long start; /* OUT: machine address */
} xen_kexec_range_t;

typedef struct xen_kexec_segment {
    union {
        XEN_GUEST_HANDLE(const_void) h;
        uint64_t _pad;
    } buf;               /* IN */
    uint64_t buf_size;   /* IN */
    uint64_t dest_maddr; /* IN */
    uint64_t dest_size;  /* IN: the rest is zeroed */
} xen_kexec_segment_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_segment_t);

#define KEXEC_CMD_kexec_load 4
typedef struct xen_kexec_load {
    uint8_t type; /* IN: KEXEC_TYPE_* */
    uint8_t _pad;
    uint16_t arch;        /* IN: ELF machine number of the image */
    uint32_t nr_segments; /* IN */
    union {
        XEN_GUEST_HANDLE(xen_kexec_segment_t) h;
        uint64_t _pad;
    } segments;           /* IN */
    uint64_t entry_maddr; /* IN */
} xen_kexec_load_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_load_t);

#define KEXEC_CMD_kexec_unload 5
typedef struct xen_kexec_unload {
    uint8_t type; /* IN */
} xen_kexec_unload_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_unload_t);

#define KEXEC_CMD_kexec_status 6 /* returns 1 if an image is loaded */
typedef struct xen_kexec_status {
    uint8_t type; /* IN */
} xen_kexec_status_t;
DEFINE_XEN_GUEST_HANDLE(xen_kexec_status_t);

#endif /* _XEN_PUBLIC_KEXEC_H */
