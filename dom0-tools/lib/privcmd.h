/* SPDX-License-Identifier: MIT */
/* Internal: the ioctl interface of Linux's /dev/xen/privcmd, and the handle behind struct hv. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>

#include "hypercall.h"

struct privcmd_hypercall {
    uint64_t op, arg[5];
};

struct privcmd_mmapbatch_v2 {
    unsigned int num;
    domid_t dom;
    uint64_t addr;
    const xen_pfn_t *arr;
    int *err;
};

struct privcmd_mmap_resource {
    domid_t dom;
    uint32_t type, id, idx;
    uint64_t num, addr;
};

#define PRIVCMD_IOC(nr, type)       _IOC(_IOC_NONE, 'P', nr, sizeof(type))
#define IOCTL_PRIVCMD_HYPERCALL     PRIVCMD_IOC(0, struct privcmd_hypercall)
#define IOCTL_PRIVCMD_MMAPBATCH_V2  PRIVCMD_IOC(4, struct privcmd_mmapbatch_v2)
#define IOCTL_PRIVCMD_MMAP_RESOURCE PRIVCMD_IOC(7, struct privcmd_mmap_resource)

#define HV_PAGE_SIZE 4096u

struct hv {
    int fd;     /* /dev/xen/privcmd */
    int buf_fd; /* /dev/xen/hypercall, or -1: then buffers are locked anonymous memory */
    void *op;   /* one page for the argument block of the operation under way */
    char context[256];
};

/* The zeroed argument block. One operation at a time: wrappers do not nest around it. */
void *hv_op_block(struct hv *hv, size_t size);

/* A bounce buffer holding a copy of src (zeros if NULL); size 0 gives NULL and is no failure. */
int hv_bounce_in(struct hv *hv, void **buf, const void *src, size_t size);

/* Copies back to dst if not NULL, and frees. */
void hv_bounce_out(struct hv *hv, void *dst, void *buf, size_t size);
