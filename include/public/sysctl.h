/* SPDX-License-Identifier: MIT */
/*
 * Control and inspection of the whole machine, for the tools in a control domain: sysctl(&op).
 *
 * The interface has a version, which the caller states; any other than ours is refused with
 * -EACCES. Structures are the same for callers of every width.
 */
#ifndef __XEN_PUBLIC_SYSCTL_H__
#define __XEN_PUBLIC_SYSCTL_H__

#if !defined(__XEN__) && !defined(__XEN_TOOLS__)
#error "sysctl.h is for the hypervisor and the control tools: define __XEN_TOOLS__"
#endif

#include "xen.h"
#include "domctl.h"
#include "physdev.h"

#define XEN_SYSCTL_INTERFACE_VERSION 0x00000015

/* readconsole: the hypervisor's message ring. */
struct xen_sysctl_readconsole {
    uint8_t clear;       /* IN: empty it afterwards */
    uint8_t incremental; /* IN: begin at index rather than at the oldest byte */
    uint8_t pad0, pad1;
    uint32_t index;                   /* IN: where to begin; OUT: where to go on */
    XEN_GUEST_HANDLE_64(char) buffer; /* OUT */
    uint32_t count;                   /* IN: room; OUT: bytes written */
};

/* tbuf_op: trace buffers, see trace.h. */
struct xen_sysctl_tbuf_op {
#define XEN_SYSCTL_TBUFOP_get_info 0
#define XEN_SYSCTL_TBUFOP_set_cpu_mask 1
#define XEN_SYSCTL_TBUFOP_set_evt_mask 2
#define XEN_SYSCTL_TBUFOP_set_size 3
#define XEN_SYSCTL_TBUFOP_enable 4
#define XEN_SYSCTL_TBUFOP_disable 5
    uint32_t cmd;                  /* IN */
    struct xenctl_bitmap cpu_mask; /* IN */
    uint32_t evt_mask;             /* IN; OUT for get_info */
    uint64_aligned_t buffer_mfn;   /* OUT */
    uint32_t size;                 /* IN: pages a CPU; OUT for get_info: bytes of t_info */
};

/* physinfo: all OUT. */
#define _XEN_SYSCTL_PHYSCAP_hvm 0
#define XEN_SYSCTL_PHYSCAP_hvm (1u << _XEN_SYSCTL_PHYSCAP_hvm)
#define _XEN_SYSCTL_PHYSCAP_pv 1
#define XEN_SYSCTL_PHYSCAP_pv (1u << _XEN_SYSCTL_PHYSCAP_pv)
#define _XEN_SYSCTL_PHYSCAP_directio 2
#define XEN_SYSCTL_PHYSCAP_directio (1u << _XEN_SYSCTL_PHYSCAP_directio) /* IOMMU */
#define _XEN_SYSCTL_PHYSCAP_hap 3
#define XEN_SYSCTL_PHYSCAP_hap (1u << _XEN_SYSCTL_PHYSCAP_hap)
#define _XEN_SYSCTL_PHYSCAP_shadow 4
#define XEN_SYSCTL_PHYSCAP_shadow (1u << _XEN_SYSCTL_PHYSCAP_shadow)
#define _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share 5
#define XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share (1u << _XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share)
#define XEN_SYSCTL_PHYSCAP_vmtrace (1u << 6)
#define XEN_SYSCTL_PHYSCAP_vpmu (1u << 7)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1 (1u << 8)
#define XEN_SYSCTL_PHYSCAP_gnttab_v2 (1u << 9)
#define XEN_SYSCTL_PHYSCAP_MAX XEN_SYSCTL_PHYSCAP_gnttab_v2
struct xen_sysctl_physinfo {
    uint32_t threads_per_core;
    uint32_t cores_per_socket;
    uint32_t nr_cpus;
    uint32_t max_cpu_id;
    uint32_t nr_nodes;
    uint32_t max_node_id;
    uint32_t cpu_khz;
    uint32_t capabilities; /* XEN_SYSCTL_PHYSCAP_* */
    uint32_t arch_capabilities;
    uint32_t pad;
    uint64_aligned_t total_pages;
    uint64_aligned_t free_pages;
    uint64_aligned_t scrub_pages;
    uint64_aligned_t outstanding_pages; /* claimed by domains under construction */
    uint64_aligned_t max_mfn;
    uint32_t hw_cap[8]; /* CPU feature words */
};

struct xen_sysctl_sched_id {
    uint32_t sched_id; /* OUT: XEN_SCHEDULER_* */
};

/* perfc_op: performance counters; query with null handles asks for the counts. */
#define XEN_SYSCTL_PERFCOP_reset 1
#define XEN_SYSCTL_PERFCOP_query 2
struct xen_sysctl_perfc_desc {
    char name[80];
    uint32_t nr_vals;
};
typedef struct xen_sysctl_perfc_desc xen_sysctl_perfc_desc_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_perfc_desc_t);
typedef uint32_t xen_sysctl_perfc_val_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_perfc_val_t);
struct xen_sysctl_perfc_op {
    uint32_t cmd;                                      /* IN */
    uint32_t nr_counters;                              /* OUT */
    uint32_t nr_vals;                                  /* OUT */
    XEN_GUEST_HANDLE_64(xen_sysctl_perfc_desc_t) desc; /* OUT */
    XEN_GUEST_HANDLE_64(xen_sysctl_perfc_val_t) val;   /* OUT */
};

struct xen_sysctl_getdomaininfolist {
    domid_t first_domain;                                   /* IN: lowest id wanted */
    uint32_t max_domains;                                   /* IN: room */
    XEN_GUEST_HANDLE_64(xen_domctl_getdomaininfo_t) buffer; /* OUT */
    uint32_t num_domains;                                   /* OUT */
};

/* debug_keys: as if typed on the hypervisor's console. */
struct xen_sysctl_debug_keys {
    XEN_GUEST_HANDLE_64(const_char) keys; /* IN */
    uint32_t nr_keys;                     /* IN */
};

struct xen_sysctl_cpuinfo {
    uint64_aligned_t idletime; /* nanoseconds since boot */
};
typedef struct xen_sysctl_cpuinfo xen_sysctl_cpuinfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_cpuinfo_t);
struct xen_sysctl_getcpuinfo {
    uint32_t max_cpus;                              /* IN: room */
    XEN_GUEST_HANDLE_64(xen_sysctl_cpuinfo_t) info; /* OUT */
    uint32_t nr_cpus;                               /* OUT */
};

struct xen_sysctl_availheap {
    uint32_t min_bitwidth;        /* IN: of addresses; 0 is no limit */
    uint32_t max_bitwidth;        /* IN: 0 is no limit */
    int32_t node;                 /* IN: -1 is all */
    uint64_aligned_t avail_bytes; /* OUT */
};

/* get_pmstat: time spent in power states. */
struct pm_px_val {
    uint64_aligned_t freq;      /* MHz */
    uint64_aligned_t residency; /* nanoseconds */
    uint64_aligned_t count;     /* entries into it */
};
typedef struct pm_px_val pm_px_val_t;
DEFINE_XEN_GUEST_HANDLE(pm_px_val_t);

struct pm_px_stat {
    uint8_t total;
    uint8_t usable;
    uint8_t last;
    uint8_t cur;
    XEN_GUEST_HANDLE_64(uint64) trans_pt; /* transitions, from by to */
    XEN_GUEST_HANDLE_64(pm_px_val_t) pt;
};

struct pm_cx_stat {
    uint32_t nr;
    uint32_t last;
    uint64_aligned_t idle_time;
    XEN_GUEST_HANDLE_64(uint64) triggers;
    XEN_GUEST_HANDLE_64(uint64) residencies;
    uint32_t nr_pc;
    uint32_t nr_cc;
    XEN_GUEST_HANDLE_64(uint64) pc;
    XEN_GUEST_HANDLE_64(uint64) cc;
};

struct xen_sysctl_get_pmstat {
#define PMSTAT_CATEGORY_MASK 0xf0
#define PMSTAT_PX 0x10
#define PMSTAT_CX 0x20
#define PMSTAT_get_max_px (PMSTAT_PX | 0x1)
#define PMSTAT_get_pxstat (PMSTAT_PX | 0x2)
#define PMSTAT_reset_pxstat (PMSTAT_PX | 0x3)
#define PMSTAT_get_max_cx (PMSTAT_CX | 0x1)
#define PMSTAT_get_cxstat (PMSTAT_CX | 0x2)
#define PMSTAT_reset_cxstat (PMSTAT_CX | 0x3)
    uint32_t type;  /* IN: PMSTAT_* */
    uint32_t cpuid; /* IN */
    union {
        struct pm_px_stat getpx;
        struct pm_cx_stat getcx;
    } u;
};

struct xen_sysctl_cpu_hotplug {
    uint32_t cpu; /* IN */
#define XEN_SYSCTL_CPU_HOTPLUG_ONLINE 0
#define XEN_SYSCTL_CPU_HOTPLUG_OFFLINE 1
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE 2
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE 3
    uint32_t op; /* IN */
};

/* pm_op: frequency scaling and its neighbours. */
struct xen_userspace {
    uint32_t scaling_setspeed;
};

struct xen_ondemand {
    uint32_t sampling_rate_max;
    uint32_t sampling_rate_min;
    uint32_t sampling_rate;
    uint32_t up_threshold;
};

#define CPUFREQ_NAME_LEN 16
struct xen_get_cpufreq_para {
    uint32_t cpu_num;  /* IN: room; OUT: count */
    uint32_t freq_num; /* IN: room; OUT: count */
    uint32_t gov_num;  /* IN: room; OUT: count */
    XEN_GUEST_HANDLE_64(uint32) affected_cpus;
    XEN_GUEST_HANDLE_64(uint32) scaling_available_frequencies;
    XEN_GUEST_HANDLE_64(char) scaling_available_governors;
    char scaling_driver[CPUFREQ_NAME_LEN];
    uint32_t cpuinfo_cur_freq;
    uint32_t cpuinfo_max_freq;
    uint32_t cpuinfo_min_freq;
    uint32_t scaling_cur_freq;
    char scaling_governor[CPUFREQ_NAME_LEN];
    uint32_t scaling_max_freq;
    uint32_t scaling_min_freq;
    union {
        struct xen_userspace userspace;
        struct xen_ondemand ondemand;
    } u;
    int32_t turbo_enabled;
};

struct xen_set_cpufreq_gov {
    char scaling_governor[CPUFREQ_NAME_LEN]; /* IN */
};

struct xen_set_cpufreq_para {
#define SCALING_MAX_FREQ 1
#define SCALING_MIN_FREQ 2
#define SCALING_SETSPEED 3
#define SAMPLING_RATE 4
#define UP_THRESHOLD 5
    uint32_t ctrl_type;  /* IN */
    uint32_t ctrl_value; /* IN */
};

struct xen_sysctl_pm_op {
#define PM_PARA_CATEGORY_MASK 0xf0
#define CPUFREQ_PARA 0x10
#define GET_CPUFREQ_PARA (CPUFREQ_PARA | 0x01)
#define SET_CPUFREQ_GOV (CPUFREQ_PARA | 0x02)
#define SET_CPUFREQ_PARA (CPUFREQ_PARA | 0x03)
#define GET_CPUFREQ_AVGFREQ (CPUFREQ_PARA | 0x04)
#define XEN_SYSCTL_pm_op_set_sched_opt_smt 0x21
#define XEN_SYSCTL_pm_op_get_max_cstate 0x22
#define XEN_SYSCTL_pm_op_set_max_cstate 0x23
#define XEN_SYSCTL_pm_op_set_vcpu_migration_delay 0x24
#define XEN_SYSCTL_pm_op_get_vcpu_migration_delay 0x25
#define XEN_SYSCTL_pm_op_enable_turbo 0x26
#define XEN_SYSCTL_pm_op_disable_turbo 0x27
    uint32_t cmd;   /* IN */
    uint32_t cpuid; /* IN */
    union {
        struct xen_get_cpufreq_para get_para;
        struct xen_set_cpufreq_gov set_gov;
        struct xen_set_cpufreq_para set_para;
        uint64_aligned_t get_avgfreq;
        uint32_t set_sched_opt_smt;
#define XEN_SYSCTL_CX_UNLIMITED 0xffffffff
        uint32_t get_max_cstate;
        uint32_t set_max_cstate;
    } u;
};

/* page_offline_op: take frames start..end out of use, back, or ask. */
struct xen_sysctl_page_offline_op {
#define sysctl_page_offline 1
#define sysctl_page_online 2
#define sysctl_query_page_offline 3
    uint32_t cmd;                    /* IN */
    uint32_t start;                  /* IN */
    uint32_t end;                    /* IN */
    XEN_GUEST_HANDLE(uint32) status; /* OUT: one for each frame */
};

#define PG_OFFLINE_STATUS_MASK (0xFFUL)
#define PG_OFFLINE_INVALID (0x1UL << 0)
#define PG_OFFLINE_OFFLINED (0x1UL << 1)
#define PG_OFFLINE_PENDING (0x1UL << 2) /* when its owner frees it */
#define PG_OFFLINE_FAILED (0x1UL << 3)
#define PG_OFFLINE_AGAIN (0x1UL << 4)
#define PG_ONLINE_FAILED PG_OFFLINE_FAILED
#define PG_ONLINE_ONLINED PG_OFFLINE_OFFLINED
#define PG_OFFLINE_STATUS_OFFLINED (0x1UL << 1)
#define PG_OFFLINE_STATUS_ONLINE (0x1UL << 2)
#define PG_OFFLINE_STATUS_OFFLINE_PENDING (0x1UL << 3)
#define PG_OFFLINE_STATUS_BROKEN (0x1UL << 4)
#define PG_OFFLINE_MISC_MASK (0xFFUL << 4)
#define PG_OFFLINE_XENPAGE (0x1UL << 8)
#define PG_OFFLINE_DOM0PAGE (0x1UL << 9)
#define PG_OFFLINE_ANONYMOUS (0x1UL << 10)
#define PG_OFFLINE_NOT_CONV_RAM (0x1UL << 11)
#define PG_OFFLINE_OWNED (0x1UL << 12)
#define PG_OFFLINE_BROKEN (0x1UL << 13)
#define PG_ONLINE_BROKEN PG_OFFLINE_BROKEN
#define PG_OFFLINE_OWNER_SHIFT 16

/* lockprof_op: time spent holding and waiting for locks. */
#define XEN_SYSCTL_LOCKPROF_reset 1
#define XEN_SYSCTL_LOCKPROF_query 2
#define LOCKPROF_TYPE_GLOBAL 0
#define LOCKPROF_TYPE_PERDOM 1
#define LOCKPROF_TYPE_N 2
struct xen_sysctl_lockprof_data {
    char name[40];
    int32_t type; /* LOCKPROF_TYPE_* */
    int32_t idx;  /* domain id */
    uint64_aligned_t lock_cnt;
    uint64_aligned_t block_cnt;
    uint64_aligned_t lock_time;
    uint64_aligned_t block_time;
};
typedef struct xen_sysctl_lockprof_data xen_sysctl_lockprof_data_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_lockprof_data_t);
struct xen_sysctl_lockprof_op {
    uint32_t cmd;                                         /* IN */
    uint32_t max_elem;                                    /* IN: room */
    uint32_t nr_elem;                                     /* OUT: locks there are */
    uint64_aligned_t time;                                /* OUT: nanoseconds measured */
    XEN_GUEST_HANDLE_64(xen_sysctl_lockprof_data_t) data; /* OUT */
};

/* cputopoinfo, numainfo: null handles ask for the counts. */
#define XEN_INVALID_CORE_ID (~0U)
#define XEN_INVALID_SOCKET_ID (~0U)
#define XEN_INVALID_NODE_ID (~0U)
struct xen_sysctl_cputopo {
    uint32_t core;
    uint32_t socket;
    uint32_t node;
};
typedef struct xen_sysctl_cputopo xen_sysctl_cputopo_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_cputopo_t);
struct xen_sysctl_cputopoinfo {
    uint32_t num_cpus;                                 /* IN: room; OUT: count */
    XEN_GUEST_HANDLE_64(xen_sysctl_cputopo_t) cputopo; /* OUT: indexed by CPU */
};

#define XEN_INVALID_MEM_SZ (~0U)
#define XEN_INVALID_NODE_DIST (~0U)
struct xen_sysctl_meminfo {
    uint64_t memsize; /* bytes */
    uint64_t memfree; /* bytes */
};
typedef struct xen_sysctl_meminfo xen_sysctl_meminfo_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_meminfo_t);
struct xen_sysctl_numainfo {
    uint32_t num_nodes;                                /* IN: room; OUT: count */
    XEN_GUEST_HANDLE_64(xen_sysctl_meminfo_t) meminfo; /* OUT: indexed by node */
    XEN_GUEST_HANDLE_64(uint32) distance;              /* OUT: from * num_nodes + to */
};

#define XEN_SYSCTL_CPUPOOL_OP_CREATE 1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY 2
#define XEN_SYSCTL_CPUPOOL_OP_INFO 3 /* the first pool whose id is not below */
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU 4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU 5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN 6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO 7 /* CPUs in no pool */
#define XEN_SYSCTL_CPUPOOL_PAR_ANY 0xFFFFFFFF
struct xen_sysctl_cpupool_op {
    uint32_t op;                 /* IN: XEN_SYSCTL_CPUPOOL_OP_* */
    uint32_t cpupool_id;         /* IN; OUT for create and info */
    uint32_t sched_id;           /* IN for create, OUT for info */
    uint32_t domid;              /* IN for movedomain */
    uint32_t cpu;                /* IN for addcpu and rmcpu */
    uint32_t n_dom;              /* OUT for info: domains in it */
    struct xenctl_bitmap cpumap; /* OUT for info and freeinfo */
};

/* scheduler_op: parameters of a pool's scheduler. */
#define ARINC653_MAX_DOMAINS_PER_SCHEDULE 64
struct xen_sysctl_arinc653_schedule {
    uint64_aligned_t major_frame; /* nanoseconds */
    uint8_t num_sched_entries;
    struct {
        xen_domain_handle_t dom_handle;
        uint32_t vcpu_id;
        uint64_aligned_t runtime;
    } sched_entries[ARINC653_MAX_DOMAINS_PER_SCHEDULE];
};
typedef struct xen_sysctl_arinc653_schedule xen_sysctl_arinc653_schedule_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_arinc653_schedule_t);

#define XEN_SYSCTL_SCHED_RATELIMIT_MAX 500000
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN 100

struct xen_sysctl_credit_schedule {
#define XEN_SYSCTL_CSCHED_TSLICE_MAX 1000
#define XEN_SYSCTL_CSCHED_TSLICE_MIN 1
    uint32_t tslice_ms;
    uint32_t ratelimit_us; /* least time to run before preemption */
#define XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US (100 * 1000)
    uint32_t vcpu_migr_delay_us;
};

struct xen_sysctl_credit2_schedule {
    uint32_t ratelimit_us;
};

#define XEN_SYSCTL_SCHEDOP_putinfo 0
#define XEN_SYSCTL_SCHEDOP_getinfo 1
struct xen_sysctl_scheduler_op {
    uint32_t cpupool_id; /* IN */
    uint32_t sched_id;   /* IN */
    uint32_t cmd;        /* IN: XEN_SYSCTL_SCHEDOP_* */
    union {              /* put: IN, get: OUT */
        struct xen_sysctl_sched_arinc653 {
            XEN_GUEST_HANDLE_64(xen_sysctl_arinc653_schedule_t) schedule;
        } sched_arinc653;
        struct xen_sysctl_credit_schedule sched_credit;
        struct xen_sysctl_credit2_schedule sched_credit2;
    } u;
};

/*
 * coverage_op: which lines of the hypervisor ran, for builds that count them; else -EOPNOTSUPP.
 * Asking for the size comes first. The compiler's format follows an XEN_GCOV_FORMAT_MAGIC.
 */
#define XEN_GCOV_FORMAT_MAGIC 0x58434f56
#define XEN_SYSCTL_COVERAGE_get_size 0
#define XEN_SYSCTL_COVERAGE_read 1
#define XEN_SYSCTL_COVERAGE_reset 2
struct xen_sysctl_coverage_op {
    uint32_t cmd;                     /* IN */
    uint32_t size;                    /* OUT for get_size; for read IN: room, OUT: bytes */
    XEN_GUEST_HANDLE_64(char) buffer; /* OUT for read */
};

/* psr_cmt_op: what the CPU can count of caches, see XEN_DOMCTL_psr_cmt_op. */
#define XEN_SYSCTL_PSR_CMT_get_total_rmid 0
#define XEN_SYSCTL_PSR_CMT_get_l3_upscaling_factor 1 /* bytes for a count of one */
#define XEN_SYSCTL_PSR_CMT_get_l3_cache_size 2       /* KiB */
#define XEN_SYSCTL_PSR_CMT_enabled 3
#define XEN_SYSCTL_PSR_CMT_get_l3_event_mask 4
struct xen_sysctl_psr_cmt_op {
    uint32_t cmd;   /* IN */
    uint32_t flags; /* IN: 0 */
    union {
        uint64_t data; /* OUT */
        struct {
            uint32_t cpu; /* IN for get_l3_cache_size: one that uses the cache */
            uint32_t rsvd;
        } l3_cache;
    } u;
};

/* psr_alloc: what of caches and bandwidth can be shared out, see XEN_DOMCTL_psr_alloc. */
#define XEN_SYSCTL_PSR_get_l3_info 0
#define XEN_SYSCTL_PSR_get_l2_info 1
#define XEN_SYSCTL_PSR_get_mba_info 2
struct xen_sysctl_psr_alloc {
    uint32_t cmd;    /* IN */
    uint32_t target; /* IN: socket */
    union {          /* all OUT; cos_max is the highest number of a share */
        struct {
            uint32_t cbm_len; /* bits of a mask */
            uint32_t cos_max;
#define XEN_SYSCTL_PSR_CAT_L3_CDP (1u << 0) /* instructions and data apart */
            uint32_t flags;
        } cat_info;
        struct {
            uint32_t thrtl_max;
            uint32_t cos_max;
#define XEN_SYSCTL_PSR_MBA_LINEAR (1u << 0) /* any percentage, else powers of two */
            uint32_t flags;
        } mba_info;
    } u;
};

/* pcitopoinfo: NUMA nodes of PCI devices. */
#define XEN_INVALID_DEV (XEN_INVALID_NODE_ID - 1)
struct xen_sysctl_pcitopoinfo {
    uint32_t num_devs;                              /* IN: entries; OUT: done */
    XEN_GUEST_HANDLE_64(physdev_pci_device_t) devs; /* IN */
    XEN_GUEST_HANDLE_64(uint32) nodes;              /* OUT */
};

/* get_cpu_levelling_caps: which CPUID words the hardware can mask. */
struct xen_sysctl_cpu_levelling_caps {
#define XEN_SYSCTL_CPU_LEVELCAP_faulting (1ul << 0)
#define XEN_SYSCTL_CPU_LEVELCAP_ecx (1ul << 1)
#define XEN_SYSCTL_CPU_LEVELCAP_edx (1ul << 2)
#define XEN_SYSCTL_CPU_LEVELCAP_extd_ecx (1ul << 3)
#define XEN_SYSCTL_CPU_LEVELCAP_extd_edx (1ul << 4)
#define XEN_SYSCTL_CPU_LEVELCAP_xsave_eax (1ul << 5)
#define XEN_SYSCTL_CPU_LEVELCAP_thermal_ecx (1ul << 6)
#define XEN_SYSCTL_CPU_LEVELCAP_l7s0_eax (1ul << 7)
#define XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx (1ul << 8)
    uint32_t caps; /* OUT */
};

/* get_cpu_featureset: words as in arch-x86/cpufeatureset.h; a null handle asks for the count. */
struct xen_sysctl_cpu_featureset {
#define XEN_SYSCTL_cpu_featureset_raw 0
#define XEN_SYSCTL_cpu_featureset_host 1
#define XEN_SYSCTL_cpu_featureset_pv 2
#define XEN_SYSCTL_cpu_featureset_hvm 3
#define XEN_SYSCTL_cpu_featureset_pv_max 4
#define XEN_SYSCTL_cpu_featureset_hvm_max 5
    uint32_t index;                       /* IN */
    uint32_t nr_features;                 /* IN: room; OUT: words */
    XEN_GUEST_HANDLE_64(uint32) features; /* OUT */
};

/*
 * livepatch_op: replace functions of the running hypervisor. A payload is an ELF object. It is
 *  1. uploaded under a name and checked (CHECKED), or refused;
 *  2. applied by an action while every CPU stands still (APPLIED); the action returns at once, and
 *     get answers with state and result, -EAGAIN while it is under way;
 *  3. reverted (CHECKED again), and unloaded. replace reverts all others and applies this one.
 */
#define LIVEPATCH_PAYLOAD_VERSION 2

#ifdef __XEN__
/* What a payload says of each function, in its section .livepatch.funcs. */
#define LIVEPATCH_OPAQUE_SIZE 31 /* bytes that may be replaced */

/* The bytes that must be there before. */
struct livepatch_expectation {
    uint8_t enabled : 1;
    uint8_t len : 5;
    uint8_t rsv : 2; /* 0 */
    uint8_t data[LIVEPATCH_OPAQUE_SIZE];
};
typedef struct livepatch_expectation livepatch_expectation_t;

typedef enum livepatch_func_state {
    LIVEPATCH_FUNC_NOT_APPLIED,
    LIVEPATCH_FUNC_APPLIED
} livepatch_func_state_t;

struct livepatch_func {
    const char *name; /* of the function; looked up if old_addr is null */
    void *new_addr;   /* null: fill with no-ops */
    void *old_addr;
    uint32_t new_size;
    uint32_t old_size;
    uint8_t version;  /* LIVEPATCH_PAYLOAD_VERSION */
    uint8_t _pad[39]; /* 0; the hypervisor's own */
    livepatch_expectation_t expect;
};
typedef struct livepatch_func livepatch_func_t;
#endif

#define XEN_LIVEPATCH_NAME_SIZE 128
struct xen_livepatch_name {
    XEN_GUEST_HANDLE_64(char) name; /* IN */
    uint16_t size;                  /* IN: with the 0 at its end, at most XEN_LIVEPATCH_NAME_SIZE */
    uint16_t pad[3];                /* IN: 0 */
};

#define XEN_SYSCTL_LIVEPATCH_UPLOAD 0
struct xen_sysctl_livepatch_upload {
    struct xen_livepatch_name name;
    uint64_t size;                      /* IN: bytes */
    XEN_GUEST_HANDLE_64(uint8) payload; /* IN */
};

#define XEN_SYSCTL_LIVEPATCH_GET 1
struct xen_livepatch_status {
#define LIVEPATCH_STATE_CHECKED 1
#define LIVEPATCH_STATE_APPLIED 2
    uint32_t state; /* OUT */
    int32_t rc;     /* OUT: of the last action; 0 or a negative errno */
};
typedef struct xen_livepatch_status xen_livepatch_status_t;
DEFINE_XEN_GUEST_HANDLE(xen_livepatch_status_t);
struct xen_sysctl_livepatch_get {
    struct xen_livepatch_name name;
    struct xen_livepatch_status status;
};

/* list: nr 0 asks for the count and the sizes. The list changed meanwhile if version did. */
#define XEN_SYSCTL_LIVEPATCH_LIST 2
struct xen_sysctl_livepatch_list {
    uint32_t version;                                   /* OUT */
    uint32_t idx;                                       /* IN: the first one wanted */
    uint32_t nr;                                        /* IN: room; OUT: how many there are left */
    uint32_t pad;                                       /* IN: 0 */
    uint32_t name_total_size;                           /* OUT: bytes of all names */
    uint32_t metadata_total_size;                       /* OUT: bytes of all metadata */
    XEN_GUEST_HANDLE_64(xen_livepatch_status_t) status; /* OUT: nr of them */
    XEN_GUEST_HANDLE_64(char) name;                     /* OUT: one behind another */
    XEN_GUEST_HANDLE_64(uint32) len;                    /* OUT: of each name */
    XEN_GUEST_HANDLE_64(char) metadata;                 /* OUT: one behind another */
    XEN_GUEST_HANDLE_64(uint32) metadata_len;           /* OUT: of each */
};

#define XEN_SYSCTL_LIVEPATCH_ACTION 3
struct xen_sysctl_livepatch_action {
    struct xen_livepatch_name name;
#define LIVEPATCH_ACTION_UNLOAD 1
#define LIVEPATCH_ACTION_REVERT 2
#define LIVEPATCH_ACTION_APPLY 3
#define LIVEPATCH_ACTION_REPLACE 4
    uint32_t cmd;     /* IN */
    uint32_t timeout; /* IN: nanoseconds for the CPUs to come together; 0 is the default */
#define LIVEPATCH_ACTION_APPLY_NODEPS (1 << 0) /* do not ask what it was built upon */
    uint32_t flags;                            /* IN */
    uint32_t pad;                              /* IN: 0 */
};

struct xen_sysctl_livepatch_op {
    uint32_t cmd; /* IN: XEN_SYSCTL_LIVEPATCH_* */
    uint32_t pad; /* IN: 0 */
    union {
        struct xen_sysctl_livepatch_upload upload;
        struct xen_sysctl_livepatch_list list;
        struct xen_sysctl_livepatch_get get;
        struct xen_sysctl_livepatch_action action;
    } u;
};

/* get_cpu_policy: null handles ask for the counts. */
struct xen_sysctl_cpu_policy {
#define XEN_SYSCTL_cpu_policy_raw 0
#define XEN_SYSCTL_cpu_policy_host 1
#define XEN_SYSCTL_cpu_policy_pv_max 2
#define XEN_SYSCTL_cpu_policy_hvm_max 3
#define XEN_SYSCTL_cpu_policy_pv_default 4
#define XEN_SYSCTL_cpu_policy_hvm_default 5
    uint32_t index;                               /* IN */
    uint32_t nr_leaves;                           /* IN: room; OUT: count */
    uint32_t nr_msrs;                             /* IN: room; OUT: count */
    uint32_t _rsvd;                               /* IN: 0 */
    XEN_GUEST_HANDLE_64(xen_cpuid_leaf_t) leaves; /* OUT */
    XEN_GUEST_HANDLE_64(xen_msr_entry_t) msrs;    /* OUT */
};
typedef struct xen_sysctl_cpu_policy xen_sysctl_cpu_policy_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_cpu_policy_t);

struct xen_sysctl {
    uint32_t cmd; /* IN: one of these */
#define XEN_SYSCTL_readconsole 1
#define XEN_SYSCTL_tbuf_op 2
#define XEN_SYSCTL_physinfo 3
#define XEN_SYSCTL_sched_id 4
#define XEN_SYSCTL_perfc_op 5
#define XEN_SYSCTL_getdomaininfolist 6
#define XEN_SYSCTL_debug_keys 7
#define XEN_SYSCTL_getcpuinfo 8
#define XEN_SYSCTL_availheap 9
#define XEN_SYSCTL_get_pmstat 10
#define XEN_SYSCTL_cpu_hotplug 11
#define XEN_SYSCTL_pm_op 12
#define XEN_SYSCTL_page_offline_op 14
#define XEN_SYSCTL_lockprof_op 15
#define XEN_SYSCTL_cputopoinfo 16
#define XEN_SYSCTL_numainfo 17
#define XEN_SYSCTL_cpupool_op 18
#define XEN_SYSCTL_scheduler_op 19
#define XEN_SYSCTL_coverage_op 20
#define XEN_SYSCTL_psr_cmt_op 21
#define XEN_SYSCTL_pcitopoinfo 22
#define XEN_SYSCTL_psr_alloc 23
#define XEN_SYSCTL_get_cpu_levelling_caps 25
#define XEN_SYSCTL_get_cpu_featureset 26
#define XEN_SYSCTL_livepatch_op 27
#define XEN_SYSCTL_get_cpu_policy 29
    uint32_t interface_version; /* IN: XEN_SYSCTL_INTERFACE_VERSION */
    union {
        struct xen_sysctl_readconsole readconsole;
        struct xen_sysctl_tbuf_op tbuf_op;
        struct xen_sysctl_physinfo physinfo;
        struct xen_sysctl_cputopoinfo cputopoinfo;
        struct xen_sysctl_pcitopoinfo pcitopoinfo;
        struct xen_sysctl_numainfo numainfo;
        struct xen_sysctl_sched_id sched_id;
        struct xen_sysctl_perfc_op perfc_op;
        struct xen_sysctl_getdomaininfolist getdomaininfolist;
        struct xen_sysctl_debug_keys debug_keys;
        struct xen_sysctl_getcpuinfo getcpuinfo;
        struct xen_sysctl_availheap availheap;
        struct xen_sysctl_get_pmstat get_pmstat;
        struct xen_sysctl_cpu_hotplug cpu_hotplug;
        struct xen_sysctl_pm_op pm_op;
        struct xen_sysctl_page_offline_op page_offline;
        struct xen_sysctl_lockprof_op lockprof_op;
        struct xen_sysctl_cpupool_op cpupool_op;
        struct xen_sysctl_scheduler_op scheduler_op;
        struct xen_sysctl_coverage_op coverage_op;
        struct xen_sysctl_psr_cmt_op psr_cmt_op;
        struct xen_sysctl_psr_alloc psr_alloc;
        struct xen_sysctl_cpu_levelling_caps cpu_levelling_caps;
        struct xen_sysctl_cpu_featureset cpu_featureset;
        struct xen_sysctl_livepatch_op livepatch;
        struct xen_sysctl_cpu_policy cpu_policy;
        uint8_t pad[128];
    } u;
};
typedef struct xen_sysctl xen_sysctl_t;
DEFINE_XEN_GUEST_HANDLE(xen_sysctl_t);

#endif /* __XEN_PUBLIC_SYSCTL_H__ */
