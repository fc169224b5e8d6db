/* SPDX-License-Identifier: MIT */
/*
 * Control of domains, for the tools in a control domain: domctl(&op).
 *
 * The interface has a version, which the caller states; any other than ours is refused with
 * -EACCES. op.domain is the domain acted on; the member of op.u that is used is named at the
 * command's number, near the end. A long operation continues by itself inside the hypercall.
 * Structures are the same for callers of every width.
 */
#ifndef __XEN_PUBLIC_DOMCTL_H__
#define __XEN_PUBLIC_DOMCTL_H__

#if !defined(__XEN__) && !defined(__XEN_TOOLS__)
#error "domctl.h is for the hypervisor and the control tools: define __XEN_TOOLS__"
#endif

#include "xen.h"
#include "event_channel.h"
#include "grant_table.h"
#include "hvm/save.h"
#include "memory.h"

#define XEN_DOMCTL_INTERFACE_VERSION 0x00000015

/* createdomain: a new domain without memory or vcpus, paused. op.domain: wanted id (0 or one that
 * is in use: any), then the id given. */
struct xen_domctl_createdomain {
    uint32_t ssidref;           /* IN: security label */
    xen_domain_handle_t handle; /* IN: UUID */
#define _XEN_DOMCTL_CDF_hvm 0
#define XEN_DOMCTL_CDF_hvm (1U << _XEN_DOMCTL_CDF_hvm)
#define _XEN_DOMCTL_CDF_hap 1
#define XEN_DOMCTL_CDF_hap (1U << _XEN_DOMCTL_CDF_hap)
#define _XEN_DOMCTL_CDF_s3_integrity 2
#define XEN_DOMCTL_CDF_s3_integrity (1U << _XEN_DOMCTL_CDF_s3_integrity)
#define _XEN_DOMCTL_CDF_oos_off 3
#define XEN_DOMCTL_CDF_oos_off (1U << _XEN_DOMCTL_CDF_oos_off)
#define _XEN_DOMCTL_CDF_xs_domain 4
#define XEN_DOMCTL_CDF_xs_domain (1U << _XEN_DOMCTL_CDF_xs_domain) /* runs xenstore */
#define _XEN_DOMCTL_CDF_iommu 5
#define XEN_DOMCTL_CDF_iommu (1U << _XEN_DOMCTL_CDF_iommu)
#define _XEN_DOMCTL_CDF_nested_virt 6
#define XEN_DOMCTL_CDF_nested_virt (1U << _XEN_DOMCTL_CDF_nested_virt)
#define XEN_DOMCTL_CDF_vpmu (1U << 7)
#define XEN_DOMCTL_CDF_MAX XEN_DOMCTL_CDF_vpmu
    uint32_t flags; /* IN: XEN_DOMCTL_CDF_* */
#define _XEN_DOMCTL_IOMMU_no_sharept 0
#define XEN_DOMCTL_IOMMU_no_sharept (1U << _XEN_DOMCTL_IOMMU_no_sharept)
#define XEN_DOMCTL_IOMMU_MAX XEN_DOMCTL_IOMMU_no_sharept
    uint32_t iommu_opts;         /* IN: XEN_DOMCTL_IOMMU_* */
    uint32_t max_vcpus;          /* IN: fixed for the domain's life */
    uint32_t max_evtchn_port;    /* IN: highest port */
    int32_t max_grant_frames;    /* IN: -1 is the default */
    int32_t max_maptrack_frames; /* IN: -1 is the default */
#define XEN_DOMCTL_GRANT_version_mask 0xf
#define XEN_DOMCTL_GRANT_version(v) ((v)&XEN_DOMCTL_GRANT_version_mask)
    uint32_t grant_opts;   /* IN: highest grant version */
    uint32_t vmtrace_size; /* IN: 0 for PV */
    uint32_t cpupool_id;   /* IN */
    struct xen_arch_domainconfig arch;
};

/* getdomaininfo: about the first domain whose id is not below op.domain. All OUT. */
struct xen_domctl_getdomaininfo {
    domid_t domain;
    uint16_t pad1;
#define _XEN_DOMINF_dying 0
#define XEN_DOMINF_dying (1U << _XEN_DOMINF_dying)
#define _XEN_DOMINF_hvm_guest 1
#define XEN_DOMINF_hvm_guest (1U << _XEN_DOMINF_hvm_guest)
#define _XEN_DOMINF_shutdown 2
#define XEN_DOMINF_shutdown (1U << _XEN_DOMINF_shutdown)
#define _XEN_DOMINF_paused 3
#define XEN_DOMINF_paused (1U << _XEN_DOMINF_paused) /* by the tools */
#define _XEN_DOMINF_blocked 4
#define XEN_DOMINF_blocked (1U << _XEN_DOMINF_blocked) /* every vcpu that is up is blocked */
#define _XEN_DOMINF_running 5
#define XEN_DOMINF_running (1U << _XEN_DOMINF_running) /* some vcpu is on a CPU */
#define _XEN_DOMINF_debugged 6
#define XEN_DOMINF_debugged (1U << _XEN_DOMINF_debugged)
#define _XEN_DOMINF_xs_domain 7
#define XEN_DOMINF_xs_domain (1U << _XEN_DOMINF_xs_domain)
#define _XEN_DOMINF_hap 8
#define XEN_DOMINF_hap (1U << _XEN_DOMINF_hap)
#define XEN_DOMINF_shutdownmask 255 /* SHUTDOWN_*, if shut down */
#define XEN_DOMINF_shutdownshift 16
    uint32_t flags;
    uint64_aligned_t tot_pages;
    uint64_aligned_t max_pages;
    uint64_aligned_t outstanding_pages; /* claimed, not yet allocated */
    uint64_aligned_t shr_pages;
    uint64_aligned_t paged_pages;
    uint64_aligned_t shared_info_frame;
    uint64_aligned_t cpu_time; /* nanoseconds of all vcpus */
    uint32_t nr_online_vcpus;
#define XEN_INVALID_MAX_VCPU_ID (~0U) /* no vcpu yet */
    uint32_t max_vcpu_id;
    uint32_t ssidref;
    xen_domain_handle_t handle;
    uint32_t cpupool;
    uint8_t gpaddr_bits;
    uint8_t pad2[7];
    struct xen_arch_domainconfig arch_config;
};
typedef struct xen_domctl_getdomaininfo xen_domctl_getdomaininfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_getdomaininfo_t);

/* getpageframeinfo3: array holds frames (IN) and is overwritten with their types (OUT). */
#define XEN_DOMCTL_PFINFO_LTAB_SHIFT 28
#define XEN_DOMCTL_PFINFO_NOTAB (0x0U << 28)
#define XEN_DOMCTL_PFINFO_L1TAB (0x1U << 28)
#define XEN_DOMCTL_PFINFO_L2TAB (0x2U << 28)
#define XEN_DOMCTL_PFINFO_L3TAB (0x3U << 28)
#define XEN_DOMCTL_PFINFO_L4TAB (0x4U << 28)
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK (0x7U << 28)
#define XEN_DOMCTL_PFINFO_LPINTAB (0x1U << 31) /* pinned */
#define XEN_DOMCTL_PFINFO_XTAB (0xfU << 28)    /* not the domain's */
#define XEN_DOMCTL_PFINFO_XALLOC (0xeU << 28)  /* image stream: allocate only */
#define XEN_DOMCTL_PFINFO_BROKEN (0xdU << 28)
#define XEN_DOMCTL_PFINFO_LTAB_MASK (0xfU << 28)
struct xen_domctl_getpageframeinfo3 {
    uint64_aligned_t num; /* IN: entries */
    XEN_GUEST_HANDLE_64(xen_pfn_t) array;
};

/* shadow_op: for PV, log which pages are written. CLEAN reads the log and clears it. */
#define XEN_DOMCTL_SHADOW_OP_OFF 0
#define XEN_DOMCTL_SHADOW_OP_ENABLE 32
#define XEN_DOMCTL_SHADOW_OP_CLEAN 11
#define XEN_DOMCTL_SHADOW_OP_PEEK 12
#define XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION 30
#define XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION 31
#define XEN_DOMCTL_SHADOW_OP_ENABLE_TEST 1
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY 2

#define XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT (1 << 1)
#define XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY (1 << 2)
#define XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE (1 << 3)
#define XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL (1 << 4)

#define XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL                                                           \
    (1 << 0) /* CLEAN: the last round, the domain is paused                                        \
              */

struct xen_domctl_shadow_op_stats {
    uint32_t fault_count;
    uint32_t dirty_count;
};

struct xen_domctl_shadow_op {
    uint32_t op;   /* IN: XEN_DOMCTL_SHADOW_OP_* */
    uint32_t mode; /* IN: for ENABLE its flags, for CLEAN and PEEK LOGDIRTY_FINAL */
    uint32_t mb;   /* allocation, in MiB */
    XEN_GUEST_HANDLE_64(uint8) dirty_bitmap; /* OUT: a bit a page; may be null */
    uint64_aligned_t pages;                  /* IN: bits in it; OUT: bits written */
    struct xen_domctl_shadow_op_stats stats; /* OUT */
};

struct xen_domctl_max_mem {
    uint64_aligned_t max_memkb; /* IN */
};

/* setvcpucontext (ctxt null: reset the vcpu), getvcpucontext. */
struct xen_domctl_vcpucontext {
    uint32_t vcpu; /* IN */
    XEN_GUEST_HANDLE_64(vcpu_guest_context_t) ctxt;
};

struct xen_domctl_getvcpuinfo {
    uint32_t vcpu;             /* IN */
    uint8_t online;            /* OUT: is up */
    uint8_t blocked;           /* OUT */
    uint8_t running;           /* OUT */
    uint64_aligned_t cpu_time; /* OUT: nanoseconds */
    uint32_t cpu;              /* OUT: where it runs or ran last */
};

struct xen_domctl_nodeaffinity {
    struct xenctl_bitmap nodemap; /* set: IN, get: OUT */
};

/* setvcpuaffinity: both maps are IN and come back as what is in force. */
struct xen_domctl_vcpuaffinity {
    uint32_t vcpu; /* IN */
#define _XEN_VCPUAFFINITY_HARD 0
#define XEN_VCPUAFFINITY_HARD (1U << _XEN_VCPUAFFINITY_HARD) /* may run there */
#define _XEN_VCPUAFFINITY_SOFT 1
#define XEN_VCPUAFFINITY_SOFT (1U << _XEN_VCPUAFFINITY_SOFT) /* prefers to */
#define _XEN_VCPUAFFINITY_FORCE 2
#define XEN_VCPUAFFINITY_FORCE (1U << _XEN_VCPUAFFINITY_FORCE) /* undo a pin_override */
    uint32_t flags;                                            /* IN */
    struct xenctl_bitmap cpumap_hard;
    struct xenctl_bitmap cpumap_soft;
};

/* max_vcpus: create the vcpus; must be what createdomain was told. */
struct xen_domctl_max_vcpus {
    uint32_t max; /* IN */
};

/* scheduler_op */
#define XEN_SCHEDULER_CREDIT 5
#define XEN_SCHEDULER_CREDIT2 6
#define XEN_SCHEDULER_ARINC653 7
#define XEN_SCHEDULER_RTDS 8
#define XEN_SCHEDULER_NULL 9

struct xen_domctl_sched_credit {
    uint16_t weight;
    uint16_t cap; /* percent of a CPU; 0 is none */
};

struct xen_domctl_sched_credit2 {
    uint16_t weight;
    uint16_t cap; /* percent of a CPU; 0 is none */
};

struct xen_domctl_sched_rtds {
    uint32_t period; /* microseconds */
    uint32_t budget; /* microseconds in it */
#define _XEN_DOMCTL_SCHEDRT_extra 0
#define XEN_DOMCTL_SCHEDRT_extra (1U << _XEN_DOMCTL_SCHEDRT_extra) /* may use spare time */
    uint32_t flags;
};

typedef struct xen_domctl_schedparam_vcpu {
    union {
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
    } u;
    uint32_t vcpuid;
} xen_domctl_schedparam_vcpu_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_schedparam_vcpu_t);

#define XEN_DOMCTL_SCHEDOP_putinfo 0
#define XEN_DOMCTL_SCHEDOP_getinfo 1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo 2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo 3
struct xen_domctl_scheduler_op {
    uint32_t sched_id; /* IN: XEN_SCHEDULER_*; must be that of the domain's pool */
    uint32_t cmd;      /* IN: XEN_DOMCTL_SCHEDOP_* */
    union {            /* put: IN, get: OUT */
        struct xen_domctl_sched_credit credit;
        struct xen_domctl_sched_credit2 credit2;
        struct xen_domctl_sched_rtds rtds;
        struct {
            XEN_GUEST_HANDLE_64(xen_domctl_schedparam_vcpu_t) vcpus;
            uint32_t nr_vcpus; /* IN: entries; OUT: done */
            uint32_t padding;
        } v;
    } u;
};

struct xen_domctl_setdomainhandle {
    xen_domain_handle_t handle; /* IN */
};

struct xen_domctl_setdebugging {
    uint8_t enable; /* IN */
};

struct xen_domctl_irq_permission {
    uint32_t pirq;        /* IN */
    uint8_t allow_access; /* IN */
    uint8_t pad[3];
};

struct xen_domctl_iomem_permission {
    uint64_aligned_t first_mfn; /* IN */
    uint64_aligned_t nr_mfns;   /* IN */
    uint8_t allow_access;       /* IN */
};

struct xen_domctl_ioport_permission {
    uint32_t first_port;  /* IN */
    uint32_t nr_ports;    /* IN */
    uint8_t allow_access; /* IN */
};

/* hypercall_init: write the hypercall stubs to that page. */
struct xen_domctl_hypercall_init {
    uint64_aligned_t gmfn; /* IN */
};

struct xen_domctl_settimeoffset {
    int64_aligned_t time_offset_seconds; /* IN: wall clock against UTC */
};

struct xen_domctl_hvmcontext {
    uint32_t size;
    XEN_GUEST_HANDLE_64(uint8) buffer;
};

struct xen_domctl_hvmcontext_partial {
    uint32_t type;
    uint32_t instance;
    uint64_aligned_t bufsz;
    XEN_GUEST_HANDLE_64(uint8) buffer;
};

/* set_address_size: 32 or 64, before the domain has memory. */
struct xen_domctl_address_size {
    uint32_t size; /* set: IN, get: OUT */
};

#define XEN_DOMCTL_SENDTRIGGER_NMI 0
#define XEN_DOMCTL_SENDTRIGGER_RESET 1
#define XEN_DOMCTL_SENDTRIGGER_INIT 2
#define XEN_DOMCTL_SENDTRIGGER_POWER 3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP 4
struct xen_domctl_sendtrigger {
    uint32_t trigger; /* IN */
    uint32_t vcpu;    /* IN */
};

/* assign_device, test_assign_device, deassign_device */
#define XEN_DOMCTL_DEV_PCI 0
#define XEN_DOMCTL_DEV_DT 1
struct xen_domctl_assign_device {
    uint32_t dev;   /* IN: XEN_DOMCTL_DEV_* */
    uint32_t flags; /* IN */
#define XEN_DOMCTL_DEV_RDM_RELAXED 1
    union {
        struct {
            uint32_t machine_sbdf; /* IN: segment, bus, device and function */
        } pci;
        struct {
            uint32_t size;
            XEN_GUEST_HANDLE_64(char) path;
#ifdef __XEN__
            struct dt_device_node *dev;
#endif
        } dt;
    } u;
};

/* get_device_group: the devices that an IOMMU can not tell from this one. */
struct xen_domctl_get_device_group {
    uint32_t machine_sbdf;                  /* IN */
    uint32_t max_sdevs;                     /* IN: room */
    uint32_t num_sdevs;                     /* OUT */
    XEN_GUEST_HANDLE_64(uint32) sdev_array; /* OUT */
};

/* bind_pt_irq, unbind_pt_irq: a device's interrupt for an HVM domain. */
enum pt_irq_type {
    PT_IRQ_TYPE_PCI,
    PT_IRQ_TYPE_ISA,
    PT_IRQ_TYPE_MSI,
    PT_IRQ_TYPE_MSI_TRANSLATE,
    PT_IRQ_TYPE_SPI,
};
struct xen_domctl_bind_pt_irq {
    uint32_t machine_irq;
    uint32_t irq_type; /* enum pt_irq_type */
    union {
        struct {
            uint8_t isa_irq;
        } isa;
        struct {
            uint8_t bus;
            uint8_t device;
            uint8_t intx;
        } pci;
        struct {
            uint8_t gvec;
            uint32_t gflags;
#define XEN_DOMCTL_VMSI_X86_DEST_ID_MASK 0x0000ff
#define XEN_DOMCTL_VMSI_X86_RH_MASK 0x000100
#define XEN_DOMCTL_VMSI_X86_DM_MASK 0x000200
#define XEN_DOMCTL_VMSI_X86_DELIV_MASK 0x007000
#define XEN_DOMCTL_VMSI_X86_TRIG_MASK 0x008000
#define XEN_DOMCTL_VMSI_X86_UNMASKED 0x010000
            uint64_aligned_t gtable;
        } msi;
        struct {
            uint16_t spi;
        } spi;
    } u;
};

#define DPCI_ADD_MAPPING 1
#define DPCI_REMOVE_MAPPING 0
/* memory_mapping, ioport_mapping: put a device's ranges into a translated domain. */
struct xen_domctl_memory_mapping {
    uint64_aligned_t first_gfn;
    uint64_aligned_t first_mfn;
    uint64_aligned_t nr_mfns;
    uint32_t add_mapping; /* DPCI_* */
    uint32_t padding;
};
struct xen_domctl_ioport_mapping {
    uint32_t first_gport;
    uint32_t first_mport;
    uint32_t nr_ports;
    uint32_t add_mapping; /* DPCI_* */
};

/* Memory types of pinned ranges; the control interface itself has none in this version. */
#define XEN_DOMCTL_MEM_CACHEATTR_UC 0
#define XEN_DOMCTL_MEM_CACHEATTR_WC 1
#define XEN_DOMCTL_MEM_CACHEATTR_WT 4
#define XEN_DOMCTL_MEM_CACHEATTR_WP 5
#define XEN_DOMCTL_MEM_CACHEATTR_WB 6
#define XEN_DOMCTL_MEM_CACHEATTR_UCM 7
#define XEN_DOMCTL_DELETE_MEM_CACHEATTR (~(uint32_t)0)

/* set_ext_vcpucontext, get_ext_vcpucontext: what a vcpu_guest_context has no room for. */
struct xen_domctl_ext_vcpucontext {
    uint32_t vcpu; /* IN */
    uint32_t size; /* set: IN, get: OUT: bytes of this structure in use */
    uint64_aligned_t syscall32_callback_eip;
    uint64_aligned_t sysenter_callback_eip;
    uint16_t syscall32_callback_cs;
    uint16_t sysenter_callback_cs;
    uint8_t syscall32_disables_events;
    uint8_t sysenter_disables_events;
    __extension__ union {
        uint64_aligned_t mcg_cap;
        struct hvm_vmce_vcpu vmce;
    };
};

/* set_target: let the domain act for target (device model domains). */
struct xen_domctl_set_target {
    domid_t target; /* IN */
};

/*
 * set_cpu_policy, get_cpu_policy. get with null handles asks for the counts. set with entries
 * that can not be: the first bad one is named in err_*, all ones elsewhere.
 */
#define XEN_CPUID_INPUT_UNUSED 0xFFFFFFFF
struct xen_domctl_cpu_policy {
    uint32_t nr_leaves; /* IN: entries or room; OUT: written */
    uint32_t nr_msrs;   /* IN: entries or room; OUT: written */
    XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves;
    XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;
    uint32_t err_leaf, err_subleaf, err_msr; /* OUT */
};
typedef struct xen_domctl_cpu_policy xen_domctl_cpu_policy_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_cpu_policy_t);

/* subscribe: notify that port of the caller when the domain is to be suspended. */
struct xen_domctl_subscribe {
    uint32_t port; /* IN */
};

#define XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF 0
#define XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON 1
struct xen_domctl_debug_op {
    uint32_t op;   /* IN */
    uint32_t vcpu; /* IN */
};

/*
 * vm_event_op: the rings of vm_event.h but for the monitor's, by mode, and the version of their
 * layout. For PV domains this and monitor_op are refused.
 */
#define XEN_VM_EVENT_ENABLE 0
#define XEN_VM_EVENT_DISABLE 1
#define XEN_VM_EVENT_RESUME 2      /* take the responses that are on the ring */
#define XEN_VM_EVENT_GET_VERSION 3 /* no mode */

#define XEN_DOMCTL_VM_EVENT_OP_PAGING 1
#define XEN_DOMCTL_VM_EVENT_OP_MONITOR 2
#define XEN_DOMCTL_VM_EVENT_OP_SHARING 3
struct xen_domctl_vm_event_op {
    uint32_t op;   /* IN: XEN_VM_EVENT_* */
    uint32_t mode; /* IN: XEN_DOMCTL_VM_EVENT_OP_* */
    union {
        struct {
            uint32_t port; /* OUT: for the caller to bind */
        } enable;
        uint32_t version; /* OUT: VM_EVENT_INTERFACE_VERSION */
    } u;
};

/* monitor_op: which events are reported on the monitor's ring. */
#define XEN_DOMCTL_MONITOR_OP_ENABLE 0            /* event */
#define XEN_DOMCTL_MONITOR_OP_DISABLE 1           /* event */
#define XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES 2  /* OUT: event, a bit for each that can be had */
#define XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP 3  /* event: 1 reports each round of a repetition */
#define XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS 4 /* responses may change registers */

#define XEN_DOMCTL_MONITOR_EVENT_WRITE_CTRLREG 0 /* mov_to_cr */
#define XEN_DOMCTL_MONITOR_EVENT_MOV_TO_MSR 1    /* mov_to_msr */
#define XEN_DOMCTL_MONITOR_EVENT_SINGLESTEP 2
#define XEN_DOMCTL_MONITOR_EVENT_SOFTWARE_BREAKPOINT 3
#define XEN_DOMCTL_MONITOR_EVENT_GUEST_REQUEST 4   /* guest_request */
#define XEN_DOMCTL_MONITOR_EVENT_DEBUG_EXCEPTION 5 /* debug_exception */
#define XEN_DOMCTL_MONITOR_EVENT_CPUID 6
#define XEN_DOMCTL_MONITOR_EVENT_PRIVILEGED_CALL 7 /* not on x86 */
#define XEN_DOMCTL_MONITOR_EVENT_INTERRUPT 8
#define XEN_DOMCTL_MONITOR_EVENT_DESC_ACCESS 9
#define XEN_DOMCTL_MONITOR_EVENT_EMUL_UNIMPLEMENTED 10
#define XEN_DOMCTL_MONITOR_EVENT_INGUEST_PAGEFAULT                                                 \
    11                                     /* leave out faults of the guest's own tables */
#define XEN_DOMCTL_MONITOR_EVENT_VMEXIT 12 /* vmexit */
struct xen_domctl_monitor_op {
    uint32_t op;    /* IN: XEN_DOMCTL_MONITOR_OP_* */
    uint32_t event; /* IN: XEN_DOMCTL_MONITOR_EVENT_*, see above */
    union {         /* all IN; 'sync' pauses the vcpu until the response */
        struct {
            uint8_t index; /* VM_EVENT_X86_* */
            uint8_t sync;
            uint8_t onchangeonly; /* not when the value stays the same */
            uint8_t pad1;
            uint32_t pad2;
            uint64_aligned_t bitmask; /* bits whose change does not matter */
        } mov_to_cr;
        struct {
            uint32_t msr;
            uint8_t onchangeonly;
        } mov_to_msr;
        struct {
            uint8_t sync;
            uint8_t allow_userspace;
        } guest_request;
        struct {
            uint8_t sync;
        } debug_exception;
        struct {
            uint8_t sync;
        } vmexit;
    } u;
};

/* mem_sharing_op: whether pages of a translated domain can be nominated for sharing. */
#define XEN_DOMCTL_MEM_SHARING_CONTROL 0
struct xen_domctl_mem_sharing_op {
    uint8_t op; /* IN */
    union {
        uint8_t enable; /* IN */
    } u;
};

/* set_access_required: what becomes of a vcpu whose access nobody listens for. */
struct xen_domctl_set_access_required {
    uint8_t access_required; /* IN: 1 pauses it, 0 drops the restriction */
};

/* audit_p2m: compare a translated domain's table with the M2P; -ENOSYS in release builds. */
struct xen_domctl_audit_p2m {
    uint64_t orphans; /* OUT: frames without an entry in the M2P */
    uint64_t m2p_bad; /* OUT: its entry there names another page */
    uint64_t p2m_bad; /* OUT: the page's entry names another frame */
};

/* set_broken_page_p2m: the frame there has failed; a translated domain is not to touch it. */
struct xen_domctl_set_broken_page_p2m {
    uint64_aligned_t pfn; /* IN */
};

/* psr_cmt_op: a domain's number in the CPU's counters of cache use and memory bandwidth. */
struct xen_domctl_psr_cmt_op {
#define XEN_DOMCTL_PSR_CMT_OP_DETACH 0
#define XEN_DOMCTL_PSR_CMT_OP_ATTACH 1
#define XEN_DOMCTL_PSR_CMT_OP_QUERY_RMID 2
    uint32_t cmd;  /* IN */
    uint32_t data; /* OUT for query: the number, 0 for none */
};

/* psr_alloc: the part of a cache or of the bandwidth that a domain may use on a socket. */
struct xen_domctl_psr_alloc {
#define XEN_DOMCTL_PSR_SET_L3_CBM 0 /* bits: ways of the level-3 cache */
#define XEN_DOMCTL_PSR_GET_L3_CBM 1
#define XEN_DOMCTL_PSR_SET_L3_CODE 2 /* the same for instructions and data apart */
#define XEN_DOMCTL_PSR_SET_L3_DATA 3
#define XEN_DOMCTL_PSR_GET_L3_CODE 4
#define XEN_DOMCTL_PSR_GET_L3_DATA 5
#define XEN_DOMCTL_PSR_SET_L2_CBM 6
#define XEN_DOMCTL_PSR_GET_L2_CBM 7
#define XEN_DOMCTL_PSR_SET_MBA_THRTL 8 /* percent of delay */
#define XEN_DOMCTL_PSR_GET_MBA_THRTL 9
    uint32_t cmd;    /* IN */
    uint32_t target; /* IN: socket */
    uint64_t data;   /* set: IN, get: OUT */
};

/* vuart_op: not on x86. */
struct xen_domctl_vuart_op {
#define XEN_DOMCTL_VUART_OP_INIT 0
    uint32_t cmd; /* IN */
#define XEN_DOMCTL_VUART_TYPE_VPL011 0
    uint32_t type;         /* IN */
    uint64_aligned_t gfn;  /* IN: the console ring */
    domid_t console_domid; /* IN */
    uint8_t pad[2];
    evtchn_port_t evtchn; /* OUT */
};

/* vmtrace_op: the CPU's own trace of an HVM vcpu, into a buffer that createdomain asked for. */
struct xen_domctl_vmtrace_op {
    uint32_t cmd;           /* IN */
    uint32_t vcpu;          /* IN */
    uint64_aligned_t key;   /* IN for the options: which */
    uint64_aligned_t value; /* IN for set_option; OUT for get_option and output_position */
#define XEN_DOMCTL_vmtrace_enable 1
#define XEN_DOMCTL_vmtrace_disable 2
#define XEN_DOMCTL_vmtrace_reset_and_enable 3
#define XEN_DOMCTL_vmtrace_output_position 4
#define XEN_DOMCTL_vmtrace_get_option 5
#define XEN_DOMCTL_vmtrace_set_option 6
};
typedef struct xen_domctl_vmtrace_op xen_domctl_vmtrace_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_vmtrace_op_t);

/* settscinfo, gettscinfo */
struct xen_domctl_tsc_info {
    uint32_t tsc_mode;    /* 0 as needed, 1 emulate, 2 native, 3 native with TSC_AUX */
    uint32_t gtsc_khz;    /* frequency that the domain sees */
    uint32_t incarnation; /* restores so far */
    uint32_t pad;
    uint64_aligned_t elapsed_nsec; /* guest time now */
};

/* gdbsx_*: a debugger's stub in dom0. */
struct xen_domctl_gdbsx_memio {
    uint64_aligned_t pgd3val; /* IN: 0, or the L3 to use for kernel addresses */
    uint64_aligned_t gva;     /* IN: guest address */
    uint64_aligned_t uva;     /* IN: caller's buffer */
    uint32_t len;             /* IN */
    uint8_t gwr;              /* IN: 1 writes the guest */
    uint32_t remain;          /* OUT: bytes not done */
};
struct xen_domctl_gdbsx_pauseunp_vcpu {
    uint32_t vcpu; /* IN */
};
struct xen_domctl_gdbsx_domstatus {
    uint8_t paused;   /* OUT */
    uint32_t vcpu_id; /* OUT: one that has an event */
    uint32_t vcpu_ev; /* OUT: the event */
};

/* set_virq_handler: send a global VIRQ to this domain instead of dom0. */
struct xen_domctl_set_virq_handler {
    uint32_t virq; /* IN */
};

/* setvcpuextstate, getvcpuextstate: XSAVE state; get with size 0 or a null buffer asks for it. */
struct xen_domctl_vcpuextstate {
    uint32_t vcpu;                  /* IN */
    uint64_aligned_t xfeature_mask; /* set: IN, get: OUT */
    uint64_aligned_t size;          /* IN and OUT: bytes */
    XEN_GUEST_HANDLE_64(uint64) buffer;
};

/* cacheflush: nothing to do on x86. */
struct xen_domctl_cacheflush {
    xen_pfn_t start_pfn, nr_pfns; /* IN */
};

struct xen_domctl_paging_mempool {
    uint64_aligned_t size; /* bytes, whole pages */
};

/* get_vcpu_msrs (null asks for the count), set_vcpu_msrs: MSRs that migrate with a vcpu. */
struct xen_domctl_vcpu_msr {
    uint32_t index;
    uint32_t reserved; /* 0 */
    uint64_aligned_t value;
};
typedef struct xen_domctl_vcpu_msr xen_domctl_vcpu_msr_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_vcpu_msr_t);
struct xen_domctl_vcpu_msrs {
    uint32_t vcpu;      /* IN */
    uint32_t msr_count; /* IN: entries or room; OUT: entries */
    XEN_GUEST_HANDLE_64(xen_domctl_vcpu_msr_t) msrs;
};

/* setvnumainfo: all IN. */
struct xen_domctl_vnuma {
    uint32_t nr_vnodes;
    uint32_t nr_vmemranges;
    uint32_t nr_vcpus;
    uint32_t pad;
    XEN_GUEST_HANDLE_64(uint) vdistance;            /* nr_vnodes squared */
    XEN_GUEST_HANDLE_64(uint) vcpu_to_vnode;        /* nr_vcpus */
    XEN_GUEST_HANDLE_64(uint) vnode_to_pnode;       /* nr_vnodes */
    XEN_GUEST_HANDLE_64(xen_vmemrange_t) vmemrange; /* nr_vmemranges */
};

struct xen_domctl {
    uint32_t cmd; /* IN: one of these */
#define XEN_DOMCTL_createdomain 1
#define XEN_DOMCTL_destroydomain 2 /* no argument; -ERESTART never shows: call until done */
#define XEN_DOMCTL_pausedomain 3   /* no argument; counts */
#define XEN_DOMCTL_unpausedomain 4 /* no argument */
#define XEN_DOMCTL_getdomaininfo 5
#define XEN_DOMCTL_setvcpuaffinity 9
#define XEN_DOMCTL_shadow_op 10
#define XEN_DOMCTL_max_mem 11
#define XEN_DOMCTL_setvcpucontext 12
#define XEN_DOMCTL_getvcpucontext 13
#define XEN_DOMCTL_getvcpuinfo 14
#define XEN_DOMCTL_max_vcpus 15
#define XEN_DOMCTL_scheduler_op 16
#define XEN_DOMCTL_setdomainhandle 17
#define XEN_DOMCTL_setdebugging 18
#define XEN_DOMCTL_irq_permission 19
#define XEN_DOMCTL_iomem_permission 20
#define XEN_DOMCTL_ioport_permission 21
#define XEN_DOMCTL_hypercall_init 22
#ifdef __XEN__
#define XEN_DOMCTL_soft_reset_cont 23
#endif
#define XEN_DOMCTL_settimeoffset 24
#define XEN_DOMCTL_getvcpuaffinity 25
#define XEN_DOMCTL_real_mode_area 26
#define XEN_DOMCTL_resumedomain 27 /* no argument: a suspended domain goes on here */
#define XEN_DOMCTL_sendtrigger 28
#define XEN_DOMCTL_subscribe 29
#define XEN_DOMCTL_gethvmcontext 33
#define XEN_DOMCTL_sethvmcontext 34
#define XEN_DOMCTL_set_address_size 35
#define XEN_DOMCTL_get_address_size 36
#define XEN_DOMCTL_assign_device 37
#define XEN_DOMCTL_bind_pt_irq 38
#define XEN_DOMCTL_memory_mapping 39
#define XEN_DOMCTL_ioport_mapping 40
#define XEN_DOMCTL_set_ext_vcpucontext 42
#define XEN_DOMCTL_get_ext_vcpucontext 43
#define XEN_DOMCTL_set_opt_feature 44
#define XEN_DOMCTL_test_assign_device 45
#define XEN_DOMCTL_set_target 46
#define XEN_DOMCTL_deassign_device 47
#define XEN_DOMCTL_unbind_pt_irq 48
#define XEN_DOMCTL_get_device_group 50
#define XEN_DOMCTL_debug_op 54
#define XEN_DOMCTL_gethvmcontext_partial 55
#define XEN_DOMCTL_vm_event_op 56
#define XEN_DOMCTL_mem_sharing_op 57
#define XEN_DOMCTL_gettscinfo 59
#define XEN_DOMCTL_settscinfo 60
#define XEN_DOMCTL_getpageframeinfo3 61
#define XEN_DOMCTL_setvcpuextstate 62
#define XEN_DOMCTL_getvcpuextstate 63
#define XEN_DOMCTL_set_access_required 64
#define XEN_DOMCTL_audit_p2m 65
#define XEN_DOMCTL_set_virq_handler 66
#define XEN_DOMCTL_set_broken_page_p2m 67
#define XEN_DOMCTL_setnodeaffinity 68
#define XEN_DOMCTL_getnodeaffinity 69
#define XEN_DOMCTL_cacheflush 71
#define XEN_DOMCTL_get_vcpu_msrs 72
#define XEN_DOMCTL_set_vcpu_msrs 73
#define XEN_DOMCTL_setvnumainfo 74
#define XEN_DOMCTL_psr_cmt_op 75
#define XEN_DOMCTL_monitor_op 77
#define XEN_DOMCTL_psr_alloc 78
#define XEN_DOMCTL_soft_reset 79 /* no argument */
#define XEN_DOMCTL_vuart_op 81
#define XEN_DOMCTL_get_cpu_policy 82
#define XEN_DOMCTL_set_cpu_policy 83
#define XEN_DOMCTL_vmtrace_op 84
#define XEN_DOMCTL_get_paging_mempool_size 85
#define XEN_DOMCTL_set_paging_mempool_size 86
#define XEN_DOMCTL_gdbsx_guestmemio 1000
#define XEN_DOMCTL_gdbsx_pausevcpu 1001
#define XEN_DOMCTL_gdbsx_unpausevcpu 1002
#define XEN_DOMCTL_gdbsx_domstatus 1003
    uint32_t interface_version; /* IN: XEN_DOMCTL_INTERFACE_VERSION */
    domid_t domain;             /* IN; OUT for createdomain and getdomaininfo */
    uint16_t _pad[3];
    union {
        struct xen_domctl_createdomain createdomain;
        struct xen_domctl_getdomaininfo getdomaininfo;
        struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
        struct xen_domctl_nodeaffinity nodeaffinity;
        struct xen_domctl_vcpuaffinity vcpuaffinity;
        struct xen_domctl_shadow_op shadow_op;
        struct xen_domctl_max_mem max_mem;
        struct xen_domctl_vcpucontext vcpucontext;
        struct xen_domctl_getvcpuinfo getvcpuinfo;
        struct xen_domctl_max_vcpus max_vcpus;
        struct xen_domctl_scheduler_op scheduler_op;
        struct xen_domctl_setdomainhandle setdomainhandle;
        struct xen_domctl_setdebugging setdebugging;
        struct xen_domctl_irq_permission irq_permission;
        struct xen_domctl_iomem_permission iomem_permission;
        struct xen_domctl_ioport_permission ioport_permission;
        struct xen_domctl_hypercall_init hypercall_init;
        struct xen_domctl_settimeoffset settimeoffset;
        struct xen_domctl_tsc_info tsc_info;
        struct xen_domctl_hvmcontext hvmcontext;
        struct xen_domctl_hvmcontext_partial hvmcontext_partial;
        struct xen_domctl_address_size address_size;
        struct xen_domctl_sendtrigger sendtrigger;
        struct xen_domctl_get_device_group get_device_group;
        struct xen_domctl_assign_device assign_device;
        struct xen_domctl_bind_pt_irq bind_pt_irq;
        struct xen_domctl_memory_mapping memory_mapping;
        struct xen_domctl_ioport_mapping ioport_mapping;
        struct xen_domctl_ext_vcpucontext ext_vcpucontext;
        struct xen_domctl_set_target set_target;
        struct xen_domctl_subscribe subscribe;
        struct xen_domctl_debug_op debug_op;
        struct xen_domctl_vm_event_op vm_event_op;
        struct xen_domctl_mem_sharing_op mem_sharing_op;
        struct xen_domctl_cpu_policy cpu_policy;
        struct xen_domctl_vcpuextstate vcpuextstate;
        struct xen_domctl_vcpu_msrs vcpu_msrs;
        struct xen_domctl_set_access_required access_required;
        struct xen_domctl_audit_p2m audit_p2m;
        struct xen_domctl_set_virq_handler set_virq_handler;
        struct xen_domctl_gdbsx_memio gdbsx_guest_memio;
        struct xen_domctl_gdbsx_pauseunp_vcpu gdbsx_pauseunp_vcpu;
        struct xen_domctl_gdbsx_domstatus gdbsx_domstatus;
        struct xen_domctl_set_broken_page_p2m set_broken_page_p2m;
        struct xen_domctl_cacheflush cacheflush;
        struct xen_domctl_vnuma vnuma;
        struct xen_domctl_psr_cmt_op psr_cmt_op;
        struct xen_domctl_monitor_op monitor_op;
        struct xen_domctl_psr_alloc psr_alloc;
        struct xen_domctl_vuart_op vuart_op;
        struct xen_domctl_vmtrace_op vmtrace_op;
        struct xen_domctl_paging_mempool paging_mempool;
        uint8_t pad[128];
    } u;
};
typedef struct xen_domctl xen_domctl_t;
DEFINE_XEN_GUEST_HANDLE(xen_domctl_t);

#endif /* __XEN_PUBLIC_DOMCTL_H__ */
