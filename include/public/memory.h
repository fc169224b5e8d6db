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
    domid_t domid;      /* IN */
    uint16_t size;      /* IN: pages, for gmfn_range */
    unsigned int space; /* IN: XENMAPSPACE_* */
#define XENMAPIDX_grant_table_status 0x80000000 /* set in idx: the status frames */
    xen_ulong_t idx; /* IN: index in that space */
    xen_pfn_t gpfn;  /* IN: where to put it */
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

#define XENMEM_add_to_physmap_batch 23
struct xen_add_to_physmap_batch {
    domid_t domid;  /* IN */
    uint16_t space; /* IN: XENMAPSPACE_* */
    uint16_t size;  /* IN: entries in the arrays */
    union xen_add_to_physmap_batch_extra {
        domid_t foreign_domid; /* gmfn_foreign: the owner */
        uint16_t res0;         /* else 0 */
    } u;                       /* IN */
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

/* Numbers of the HVM-only memory operations, kept so that no other use is made of them. */
#define XENMEM_paging_op 20
#define XENMEM_access_op 21
#define XENMEM_sharing_op 22

/* Kinds of access, for the sake of tools whose declarations name the type. */
typedef enum {
    XENMEM_access_n,
    XENMEM_access_r,
    XENMEM_access_w,
    XENMEM_access_rw,
    XENMEM_access_x,
    XENMEM_access_rx,
    XENMEM_access_wx,
    XENMEM_access_rwx,
    XENMEM_access_rx2rw,
    XENMEM_access_n2rwx,
    XENMEM_access_default
} xenmem_access_t;

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
#define XENMEM_RDM_ALL 1 /* of all devices rather than of dev */
    uint32_t flags;          /* IN */
    unsigned int nr_entries; /* IN: room; OUT: needed */
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
