/* SPDX-License-Identifier: MIT */
/*
 * Memory of domains: memory_op(XENMEM_*, &argument).
 *
 * An extent is 2^order frames, aligned to their number. 'gpfn' is a frame in the domain's own
 * numbering; 'gmfn' is what the domain puts into its page tables, for a PV domain a machine frame.
 * A domid of DOMID_SELF is the caller; only the privileged may name others.
 */
#ifndef __XEN_PUBLIC_MEMORY_H__
#define __XEN_PUBLIC_MEMORY_H__

#include "xen.h"
#include "physdev.h"

/*
 * increase_reservation: OUT, machine frames that were allocated.
 * decrease_reservation: IN, gmfns to free.
 * populate_physmap: IN, gpfns to fill; OUT, the gmfns they got. The M2P is updated too.
 * All three return how many extents were done.
 */
#define XENMEM_increase_reservation 0
#define XENMEM_decrease_reservation 1
#define XENMEM_populate_physmap 6

/* mem_flags: width of the addresses that must reach the memory (0 any), and the NUMA node. */
#define XENMEMF_address_bits(x) (x)
#define XENMEMF_get_address_bits(x) ((x)&0xffu)
#define XENMEMF_node(x) (((x) + 1) << 8)
#define XENMEMF_get_node(x) ((((x) >> 8) - 1) & 0xffu)
#define XENMEMF_populate_on_demand (1 << 16)
#define XENMEMF_exact_node_request (1 << 17) /* from that node or not at all */
#define XENMEMF_exact_node(n) (XENMEMF_node(n) | XENMEMF_exact_node_request)
#define XENMEMF_vnode (1 << 18) /* the node is one of the domain's virtual nodes */

struct xen_memory_reservation {
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* see above; null for claim_pages */
    xen_ulong_t nr_extents;                   /* IN */
    unsigned int extent_order;                /* IN */
    unsigned int mem_flags;                   /* IN: XENMEMF_* */
    domid_t domid;                            /* IN */
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_reservation_t);

/*
 * exchange: give frames up for others of another order or below another address. in lists gmfns,
 * out lists gpfns and receives gmfns; both describe the same amount of memory of the same domain.
 * What was exchanged when the call fails is counted in nr_exchanged; the rest is untouched.
 */
#define XENMEM_exchange 11
struct xen_memory_exchange {
    struct xen_memory_reservation in;
    struct xen_memory_reservation out;
    xen_ulong_t nr_exchanged; /* IN: 0; OUT: input extents done */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_exchange_t);

/* maximum_ram_page: returns the highest machine frame of RAM; no argument. */
#define XENMEM_maximum_ram_page 2

/* These take a xen_memory_domain and return pages owned, pages allowed, the highest gpfn in use. */
#define XENMEM_current_reservation 3
#define XENMEM_maximum_reservation 4
#define XENMEM_maximum_gpfn 14
struct xen_memory_domain {
    domid_t domid; /* IN */
};

/*
 * machphys_mfn_list: the machine frames, each the first of 2 MiB, that hold the M2P; 0 for a hole.
 * The compat form lists those of the table that 32-bit guests see.
 */
#define XENMEM_machphys_mfn_list 5
#define XENMEM_machphys_compat_mfn_list 25
struct xen_machphys_mfn_list {
    unsigned int max_extents;                 /* IN: room in the list */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start; /* OUT */
    unsigned int nr_extents;                  /* OUT: entries written */
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mfn_list_t);

/* machphys_mapping: where the M2P is mapped. */
#define XENMEM_machphys_mapping 12
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end; /* OUT: virtual addresses */
    xen_ulong_t max_mfn;        /* OUT: last index */
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mapping_t);

/* What can be placed in a translated domain's memory. PV domains are not translated. */
#define XENMAPSPACE_shared_info 0
#define XENMAPSPACE_grant_table 1
#define XENMAPSPACE_gmfn 2
#define XENMAPSPACE_gmfn_range 3   /* not in a batch */
#define XENMAPSPACE_gmfn_foreign 4 /* only in a batch */
#define XENMAPSPACE_dev_mmio 5     /* not on x86 */

#define XENMEM_add_to_physmap 7
struct xen_add_to_physmap {
    domid_t domid;                              /* IN */
    uint16_t size;                              /* IN: pages, for gmfn_range */
    unsigned int space;                         /* IN: XENMAPSPACE_* */
#define XENMAPIDX_grant_table_status 0x80000000 /* set in idx: the status frames */
    xen_ulong_t idx;                            /* IN: index in that space */
    xen_pfn_t gpfn;                             /* IN: where to put it */
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

#define XENMEM_add_to_physmap_batch 23
struct xen_add_to_physmap_batch {
    domid_t domid;  /* IN */
    uint16_t space; /* IN: XENMAPSPACE_* */
    uint16_t size;  /* IN: entries in the arrays */
    union xen_add_to_physmap_batch_extra {
        domid_t foreign_domid;          /* gmfn_foreign: the owner */
        uint16_t res0;                  /* else 0 */
    } u;                                /* IN */
    XEN_GUEST_HANDLE(xen_ulong_t) idxs; /* IN */
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;  /* IN */
    XEN_GUEST_HANDLE(int) errs;         /* OUT: a result for each */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_batch_t);

#define XENMEM_remove_from_physmap 15
struct xen_remove_from_physmap {
    domid_t domid;  /* IN */
    xen_pfn_t gpfn; /* IN */
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_remove_from_physmap_t);

/*
 * memory_map: the map that the caller was started with; machine_memory_map: that of the machine
 * (dom0 only; a null buffer asks for the count). Entries are those of BIOS call E820, 20 bytes.
 */
#define XENMEM_memory_map 9
#define XENMEM_machine_memory_map 10
struct xen_memory_map {
    unsigned int nr_entries;       /* IN: room; OUT: entries written */
    XEN_GUEST_HANDLE(void) buffer; /* OUT */
};
typedef struct xen_memory_map xen_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_map_t);

/* set_memory_map: what memory_map will answer to that domain. */
#define XENMEM_set_memory_map 13
struct xen_foreign_memory_map {
    domid_t domid;             /* IN */
    struct xen_memory_map map; /* IN */
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_foreign_memory_map_t);

/* Populate-on-demand target (not for PV). */
#define XENMEM_set_pod_target 16
#define XENMEM_get_pod_target 17
struct xen_pod_target {
    uint64_t target_pages;    /* IN */
    uint64_t tot_pages;       /* OUT */
    uint64_t pod_cache_pages; /* OUT */
    uint64_t pod_entries;     /* OUT */
    domid_t domid;            /* IN */
};
typedef struct xen_pod_target xen_pod_target_t;

#if defined(__XEN__) || defined(__XEN_TOOLS__)

/* Pages saved by sharing, and pages shared; no argument, never fail. */
#define XENMEM_get_sharing_freed_pages 18
#define XENMEM_get_sharing_shared_pages 19

/*
 * paging_op: a program in a control domain keeps pages of a translated domain on a disk. It
 *  1. nominates a gfn: from now on an access by the guest is noticed;
 *  2. reads the page through a foreign mapping, then evicts it, which fails if it was touched;
 *  3. on a vm_event for the gfn prepares it: a frame is allocated, and filled from buffer.
 * For PV domains, which are not translated, this and the next two are refused.
 */
#define XENMEM_paging_op 20
#define XENMEM_paging_op_nominate 0
#define XENMEM_paging_op_evict 1
#define XENMEM_paging_op_prep 2
struct xen_mem_paging_op {
    uint8_t op;                              /* IN: XENMEM_paging_op_* */
    domid_t domain;                          /* IN */
    XEN_GUEST_HANDLE_64(const_uint8) buffer; /* IN: a page, for prep; may be null */
    uint64_aligned_t gfn;                    /* IN */
};
typedef struct xen_mem_paging_op xen_mem_paging_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_paging_op_t);

/*
 * access_op: what a translated guest may do with pages, apart from its own page tables. An access
 * that is not allowed is reported as a vm_event. 2 and 3 are former operations.
 */
#define XENMEM_access_op 21
#define XENMEM_access_op_set_access 0       /* nr pages from pfn; all ones: the default */
#define XENMEM_access_op_get_access 1       /* OUT: access */
#define XENMEM_access_op_set_access_multi 4 /* nr pages of pfn_list */

typedef enum {
    XENMEM_access_n,
    XENMEM_access_r,
    XENMEM_access_w,
    XENMEM_access_rw,
    XENMEM_access_x,
    XENMEM_access_rx,
    XENMEM_access_wx,
    XENMEM_access_rwx,
    XENMEM_access_rx2rw, /* rx until it is written, rw from then on */
    XENMEM_access_n2rwx, /* n until it is touched, which is reported without a pause; then rwx */
    XENMEM_access_default
} xenmem_access_t;

struct xen_mem_access_op {
    uint8_t op;                                /* IN: XENMEM_access_op_* */
    uint8_t access;                            /* set: IN, get: OUT: xenmem_access_t */
    domid_t domid;                             /* IN */
    uint32_t nr;                               /* IN: pages, for set */
    uint64_aligned_t pfn;                      /* IN */
    XEN_GUEST_HANDLE(const_uint64) pfn_list;   /* IN for set_access_multi */
    XEN_GUEST_HANDLE(const_uint8) access_list; /* IN for set_access_multi: one for each */
};
typedef struct xen_mem_access_op xen_mem_access_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_access_op_t);

/*
 * sharing_op: equal pages of two translated domains become one frame, read-only until written:
 *  1. nominate both pages: each gets a handle, good until the page changes;
 *  2. share them by their handles. A handle that is no longer good is told apart by the result.
 * fork makes an empty domain that takes its pages from its paused parent as it touches them.
 */
#define XENMEM_sharing_op 22
#define XENMEM_sharing_op_nominate_gfn 0
#define XENMEM_sharing_op_nominate_gref 1
#define XENMEM_sharing_op_share 2
#define XENMEM_sharing_op_debug_gfn 3
#define XENMEM_sharing_op_debug_mfn 4
#define XENMEM_sharing_op_debug_gref 5
#define XENMEM_sharing_op_add_physmap 6 /* share: the client has nothing there yet */
#define XENMEM_sharing_op_audit 7
#define XENMEM_sharing_op_range_share 8
#define XENMEM_sharing_op_fork 9
#define XENMEM_sharing_op_fork_reset 10

/* Results: the source's, the client's handle is not good any more. */
#define XENMEM_SHARING_OP_S_HANDLE_INVALID (-10)
#define XENMEM_SHARING_OP_C_HANDLE_INVALID (-9)

/* share's source_gfn and client_gfn can be grant references instead. */
#define XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG (xen_mk_ullong(1) << 62)
#define XENMEM_SHARING_OP_FIELD_MAKE_GREF(field, val)                                              \
    (field) = (XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG | val)
#define XENMEM_SHARING_OP_FIELD_IS_GREF(field) ((field)&XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG)
#define XENMEM_SHARING_OP_FIELD_GET_GREF(field) ((field) & (~XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG))

struct xen_mem_sharing_op {
    uint8_t op;     /* IN: XENMEM_sharing_op_* */
    domid_t domain; /* IN: the source; the domain that is to be a fork */
    union {
        struct mem_sharing_op_nominate {
            union {
                uint64_aligned_t gfn; /* IN */
                uint32_t grant_ref;   /* IN */
            } u;
            uint64_aligned_t handle; /* OUT */
        } nominate;
        struct mem_sharing_op_share { /* all IN; share, add_physmap */
            uint64_aligned_t source_gfn;
            uint64_aligned_t source_handle;
            uint64_aligned_t client_gfn;
            uint64_aligned_t client_handle;
            domid_t client_domain;
        } share;
        struct mem_sharing_op_range { /* all IN; the same gfns of both */
            uint64_aligned_t first_gfn;
            uint64_aligned_t last_gfn; /* included */
            uint64_aligned_t opaque;   /* 0; progress, between continuations */
            domid_t client_domain;
            uint16_t _pad[3]; /* 0 */
        } range;
        struct mem_sharing_op_debug {
            union {
                uint64_aligned_t gfn; /* IN */
                uint64_aligned_t mfn; /* IN */
                uint32_t gref;        /* IN */
            } u;
        } debug;
        struct mem_sharing_op_fork { /* all IN */
            domid_t parent_domain;
#define XENMEM_FORK_WITH_IOMMU_ALLOWED (1u << 0)
#define XENMEM_FORK_BLOCK_INTERRUPTS (1u << 1)
#define XENMEM_FORK_RESET_STATE (1u << 2)  /* fork_reset: vcpus */
#define XENMEM_FORK_RESET_MEMORY (1u << 3) /* fork_reset: pages */
            uint16_t flags;
            uint32_t pad; /* 0 */
        } fork;
    } u;
};
typedef struct xen_mem_sharing_op xen_mem_sharing_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_sharing_op_t);

/*
 * claim_pages: promise nr_extents pages (order 0) to the domain without choosing them; 0 drops
 * the claim. Takes a xen_memory_reservation with a null extent_start.
 */
#define XENMEM_claim_pages 24

/* reserved_device_memory_map: ranges that a device must find at their machine address. */
#define XENMEM_reserved_device_memory_map 27
struct xen_reserved_device_memory {
    xen_pfn_t start_pfn;
    xen_ulong_t nr_pages;
};
typedef struct xen_reserved_device_memory xen_reserved_device_memory_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_t);

struct xen_reserved_device_memory_map {
#define XENMEM_RDM_ALL 1                                   /* of all devices rather than of dev */
    uint32_t flags;                                        /* IN */
    unsigned int nr_entries;                               /* IN: room; OUT: needed */
    XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer; /* OUT */
    union {
        physdev_pci_device_t pci;
    } dev; /* IN */
};
typedef struct xen_reserved_device_memory_map xen_reserved_device_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_map_t);

#endif /* __XEN__ || __XEN_TOOLS__ */

/*
 * acquire_resource: map frames that the hypervisor keeps for a domain, such as its grant table.
 * A PV caller receives machine frames in frame_list and maps them as foreign; a null list with
 * nr_frames 0 asks for the size.
 */
#define XENMEM_acquire_resource 28
struct xen_mem_acquire_resource {
    domid_t domid; /* IN */
    uint16_t type; /* IN */
#define XENMEM_resource_ioreq_server 0
#define XENMEM_resource_grant_table 1
#define XENMEM_resource_vmtrace_buf 2
    uint32_t id; /* IN */
#define XENMEM_resource_grant_table_id_shared 0
#define XENMEM_resource_grant_table_id_status 1
    uint32_t nr_frames; /* IN: wanted; OUT: the size, if 0 was asked */
    uint32_t pad;       /* 0 */
    uint64_t frame;     /* IN: first one */
#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* OUT for PV callers */
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_acquire_resource_t);

/* get_vnumainfo: the virtual NUMA layout; -ENOBUFS with the counts set if there is no room. */
#define XENMEM_get_vnumainfo 26
struct xen_vmemrange {
    uint64_t start, end;
    unsigned int flags;
    unsigned int nid; /* virtual node */
};
typedef struct xen_vmemrange xen_vmemrange_t;
DEFINE_XEN_GUEST_HANDLE(xen_vmemrange_t);

struct xen_vnuma_topology_info {
    domid_t domid; /* IN */
    uint16_t pad;
    unsigned int nr_vnodes;     /* IN: room; OUT: count */
    unsigned int nr_vcpus;      /* IN: room; OUT: count */
    unsigned int nr_vmemranges; /* IN: room; OUT: count */
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vdistance; /* OUT: nr_vnodes * nr_vnodes */
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vcpu_to_vnode; /* OUT: nr_vcpus */
    union {
        XEN_GUEST_HANDLE(xen_vmemrange_t) h;
        uint64_t pad;
    } vmemrange; /* OUT: nr_vmemranges */
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
DEFINE_XEN_GUEST_HANDLE(xen_vnuma_topology_info_t);

#endif /* __XEN_PUBLIC_MEMORY_H__ */
