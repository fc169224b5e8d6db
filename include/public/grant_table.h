/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: a domain lets another one use single frames of its memory.
 *
 * The granter fills an entry of its table; its index is the grant reference, which it tells the
 * peer (usually by xenstore). The peer maps the frame, or has the hypervisor copy to or from it.
 *
 * To grant: write domid and frame, then (after a write barrier) flags with the type.
 * To end it, version 1: compare-and-exchange flags to 0, expecting neither reading nor writing.
 * Version 2: write flags 0, full barrier, then check that the status word is 0.
 * A grant in use can not be taken back; the granter waits for the peer.
 *
 * grant_table_op(GNTTABOP_*, array, count): each element has its own status; the call's result is
 * about the call as a whole.
 */
#ifndef __XEN_PUBLIC_GRANT_TABLE_H__
#define __XEN_PUBLIC_GRANT_TABLE_H__

#include "xen.h"

typedef uint32_t grant_ref_t;

/* A version 1 entry. The hypervisor writes nothing but the reading and writing bits of flags. */
struct grant_entry_v1 {
    uint16_t flags; /* GTF_* */
    domid_t domid;  /* who may use it */
    uint32_t frame; /* gfn; for a transfer, the frame that was received */
};
typedef struct grant_entry_v1 grant_entry_v1_t;

/* References that the tools set up before a domain starts. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE 0
#define GNTTAB_RESERVED_XENSTORE 1

/* Type of an entry. */
#define GTF_invalid (0U << 0)
#define GTF_permit_access (1U << 0)   /* domid may map and copy */
#define GTF_accept_transfer (2U << 0) /* domid may give a frame away to here */
#define GTF_transitive (3U << 0)      /* version 2: pass on a grant received; copy only */
#define GTF_type_mask (3U << 0)

/* With permit_access. */
#define _GTF_readonly (2)
#define GTF_readonly (1U << _GTF_readonly)
#define _GTF_reading (3)
#define GTF_reading (1U << _GTF_reading) /* set by the hypervisor: in use */
#define _GTF_writing (4)
#define GTF_writing (1U << _GTF_writing) /* set by the hypervisor: in use for writing */
#define _GTF_PWT (5)
#define GTF_PWT (1U << _GTF_PWT)
#define _GTF_PCD (6)
#define GTF_PCD (1U << _GTF_PCD)
#define _GTF_PAT (7)
#define GTF_PAT (1U << _GTF_PAT)
#define _GTF_sub_page (8)
#define GTF_sub_page (1U << _GTF_sub_page) /* version 2: a part of the frame; copy only */

/* With accept_transfer; both set by the hypervisor, in this order. */
#define _GTF_transfer_committed (2)
#define GTF_transfer_committed (1U << _GTF_transfer_committed)
#define _GTF_transfer_completed (3)
#define GTF_transfer_completed (1U << _GTF_transfer_completed)

/* A version 2 entry. In-use bits stand apart, in grant_status_t. */
struct grant_entry_header {
    uint16_t flags;
    domid_t domid;
};
typedef struct grant_entry_header grant_entry_header_t;

union grant_entry_v2 {
    grant_entry_header_t hdr;
    struct {
        grant_entry_header_t hdr;
        uint32_t pad0;
        uint64_t frame;
    } full_page;
    struct {
        grant_entry_header_t hdr;
        uint16_t page_off; /* the part that may be copied */
        uint16_t length;
        uint64_t frame;
    } sub_page;
    struct {
        grant_entry_header_t hdr;
        domid_t trans_domid; /* the real granter */
        uint16_t pad0;
        grant_ref_t gref; /* and its reference */
    } transitive;
    uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;

/* Reading and writing bits of a version 2 entry, one for each, written by the hypervisor only. */
typedef uint16_t grant_status_t;

#define GNTTABOP_map_grant_ref 0
#define GNTTABOP_unmap_grant_ref 1
#define GNTTABOP_setup_table 2
#define GNTTABOP_dump_table 3
#define GNTTABOP_transfer 4
#define GNTTABOP_copy 5
#define GNTTABOP_query_size 6
#define GNTTABOP_unmap_and_replace 7
#define GNTTABOP_set_version 8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version 10
#define GNTTABOP_swap_grant_ref 11
#define GNTTABOP_cache_flush 12

/* Names a mapping to the domain that made it. */
typedef uint32_t grant_handle_t;

/*
 * map_grant_ref. With GNTMAP_host_map the frame is mapped at host_addr, a virtual address of the
 * current address space, or with GNTMAP_contains_pte the machine address of the entry to write.
 * Such a mapping is to be undone by unmapping its handle, never by overwriting the entry.
 */
struct gnttab_map_grant_ref {
    uint64_t host_addr;    /* IN */
    uint32_t flags;        /* IN: GNTMAP_* */
    grant_ref_t ref;       /* IN */
    domid_t dom;           /* IN: the granter */
    int16_t status;        /* OUT: GNTST_* */
    grant_handle_t handle; /* OUT */
    uint64_t dev_bus_addr; /* OUT: address for devices */
};
typedef struct gnttab_map_grant_ref gnttab_map_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_map_grant_ref_t);

/* unmap_grant_ref: host_addr or dev_bus_addr 0 leaves that mapping alone. */
struct gnttab_unmap_grant_ref {
    uint64_t host_addr;    /* IN */
    uint64_t dev_bus_addr; /* IN */
    grant_handle_t handle; /* IN */
    int16_t status;        /* OUT */
};
typedef struct gnttab_unmap_grant_ref gnttab_unmap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t);

/* setup_table: grow dom's table to nr_frames frames and list the frames. One element a call. */
struct gnttab_setup_table {
    domid_t dom;                            /* IN */
    uint32_t nr_frames;                     /* IN */
    int16_t status;                         /* OUT */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT: nr_frames entries */
};
typedef struct gnttab_setup_table gnttab_setup_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_setup_table_t);

/* dump_table: print dom's table on the hypervisor's console. */
struct gnttab_dump_table {
    domid_t dom;    /* IN */
    int16_t status; /* OUT */
};
typedef struct gnttab_dump_table gnttab_dump_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_dump_table_t);

/* transfer: give the caller's frame away to domid, which waits with an accept_transfer entry. */
struct gnttab_transfer {
    xen_pfn_t mfn;   /* IN */
    domid_t domid;   /* IN */
    grant_ref_t ref; /* IN */
    int16_t status;  /* OUT */
};
typedef struct gnttab_transfer gnttab_transfer_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_transfer_t);

/* copy: len bytes within one frame at either end, which is named by reference or by frame. */
#define _GNTCOPY_source_gref (0)
#define GNTCOPY_source_gref (1 << _GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref (1)
#define GNTCOPY_dest_gref (1 << _GNTCOPY_dest_gref)

struct gnttab_copy {
    struct gnttab_copy_ptr {
        union {
            grant_ref_t ref;
            xen_pfn_t gmfn;
        } u;
        domid_t domid;
        uint16_t offset;
    } source, dest; /* IN */
    uint16_t len;   /* IN */
    uint16_t flags; /* IN: GNTCOPY_* */
    int16_t status; /* OUT */
};
typedef struct gnttab_copy gnttab_copy_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_copy_t);

/* query_size: frames of dom's table, now and at most. One element a call. */
struct gnttab_query_size {
    domid_t dom;            /* IN */
    uint32_t nr_frames;     /* OUT */
    uint32_t max_nr_frames; /* OUT */
    int16_t status;         /* OUT */
};
typedef struct gnttab_query_size gnttab_query_size_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_query_size_t);

/*
 * unmap_and_replace: unmap at host_addr and in the same moment put there what is mapped at
 * new_addr, which becomes unmapped.
 */
struct gnttab_unmap_and_replace {
    uint64_t host_addr;    /* IN */
    uint64_t new_addr;     /* IN */
    grant_handle_t handle; /* IN */
    int16_t status;        /* OUT */
};
typedef struct gnttab_unmap_and_replace gnttab_unmap_and_replace_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_and_replace_t);

/* set_version: 1 or 2; refused while any entry is in use. */
struct gnttab_set_version {
    uint32_t version; /* IN: wanted; OUT: in force */
};
typedef struct gnttab_set_version gnttab_set_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_set_version_t);

/* get_status_frames: the frames of dom's status array (version 2). One element a call. */
struct gnttab_get_status_frames {
    uint32_t nr_frames;                    /* IN */
    domid_t dom;                           /* IN */
    int16_t status;                        /* OUT */
    XEN_GUEST_HANDLE(uint64_t) frame_list; /* OUT: nr_frames entries */
};
typedef struct gnttab_get_status_frames gnttab_get_status_frames_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_status_frames_t);

struct gnttab_get_version {
    domid_t dom; /* IN */
    uint16_t pad;
    uint32_t version; /* OUT */
};
typedef struct gnttab_get_version gnttab_get_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_version_t);

/* swap_grant_ref: exchange two entries of the caller's table, neither of them in use. */
struct gnttab_swap_grant_ref {
    grant_ref_t ref_a; /* IN */
    grant_ref_t ref_b; /* IN */
    int16_t status;    /* OUT */
};
typedef struct gnttab_swap_grant_ref gnttab_swap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_swap_grant_ref_t);

/* cache_flush: maintain caches for a part of a frame granted to the caller (not used on x86). */
struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr;
        grant_ref_t ref;
    } a;             /* IN */
    uint16_t offset; /* IN */
    uint16_t length; /* IN */
#define GNTTAB_CACHE_CLEAN (1u << 0)
#define GNTTAB_CACHE_INVAL (1u << 1)
#define GNTTAB_CACHE_SOURCE_GREF (1u << 31)
    uint32_t op; /* IN */
};
typedef struct gnttab_cache_flush gnttab_cache_flush_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_cache_flush_t);

/* gnttab_map_grant_ref.flags */
#define _GNTMAP_device_map (0)
#define GNTMAP_device_map (1 << _GNTMAP_device_map) /* for devices */
#define _GNTMAP_host_map (1)
#define GNTMAP_host_map (1 << _GNTMAP_host_map) /* for the CPU */
#define _GNTMAP_readonly (2)
#define GNTMAP_readonly (1 << _GNTMAP_readonly)
#define _GNTMAP_application_map (3)
#define GNTMAP_application_map (1 << _GNTMAP_application_map) /* for user mode too */
#define _GNTMAP_contains_pte (4)
#define GNTMAP_contains_pte (1 << _GNTMAP_contains_pte) /* host_addr is an entry's address */
#define _GNTMAP_guest_avail0 (16) /* bits for the guest's own use in the entry */
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0)

/* Status of an element. */
#define GNTST_okay (0)
#define GNTST_general_error (-1)
#define GNTST_bad_domain (-2)
#define GNTST_bad_gntref (-3)
#define GNTST_bad_handle (-4)
#define GNTST_bad_virt_addr (-5)
#define GNTST_bad_dev_addr (-6)
#define GNTST_no_device_space (-7)
#define GNTST_permission_denied (-8)
#define GNTST_bad_page (-9)
#define GNTST_bad_copy_arg (-10)    /* the copy would leave a frame */
#define GNTST_address_too_big (-11) /* the frame's address can not be expressed */
#define GNTST_eagain (-12)
#define GNTST_no_space (-13)

/* A text for each status, indexed by its negative. */
#define GNTTABOP_error_msgs                                                                        \
    {                                                                                              \
        "okay", "undefined error", "unrecognised domain id", "invalid grant reference",            \
            "invalid mapping handle", "invalid virtual address", "invalid device address",         \
            "no spare translation slot in the I/O MMU", "permission denied", "bad page",           \
            "copy arguments cross page boundary", "page address size too large",                   \
            "operation not done; try again", "out of space",                                       \
    }

#endif /* __XEN_PUBLIC_GRANT_TABLE_H__ */
