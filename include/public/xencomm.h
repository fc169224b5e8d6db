/* SPDX-License-Identifier: MIT */
/*
 * Descriptions of buffers by guest-physical address, for hypervisors that do not see their guests'
 * virtual addresses. On x86 a handle is a virtual address and none of this is used.
 */
#ifndef _XEN_XENCOMM_H_
#define _XEN_XENCOMM_H_

#include <stdint.h>

#define XENCOMM_MAGIC 0x58434F4D
#define XENCOMM_INVALID (~0UL) /* an entry of address that describes nothing */

/* All written by the guest; the handle that it passes is the physical address of this. */
struct xencomm_desc {
    uint32_t magic;
    uint32_t nr_addrs;
    uint64_t address[0]; /* the first one's offset in its page counts, the others are whole pages */
};

#endif /* _XEN_XENCOMM_H_ */
