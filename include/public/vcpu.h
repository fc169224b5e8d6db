/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs: vcpu_op(VCPUOP_*, vcpu, &argument), for vcpus of the caller's own domain.
 */
#ifndef __XEN_PUBLIC_VCPU_H__
#define __XEN_PUBLIC_VCPU_H__

#include "xen.h"

#define VCPUOP_initialise 0 /* once per vcpu; takes a vcpu_guest_context */
#define VCPUOP_up 1         /* let an initialised vcpu run */
#define VCPUOP_down 2       /* stop it; if it is another one it may run a moment longer */
#define VCPUOP_is_up 3      /* returns 1 or 0; -ENOENT beyond the last */

/*
 * Where a vcpu's time went. With VMASST_TYPE_runstate_update_flag the hypervisor sets the top bit
 * of state_entry_time in the registered area while it writes there.
 */
#define VCPUOP_get_runstate_info 4
struct vcpu_runstate_info {
    int state;                 /* OUT: RUNSTATE_* */
    uint64_t state_entry_time; /* OUT: system time when it began */
#define XEN_RUNSTATE_UPDATE (xen_mk_ullong(1) << 63)
    uint64_t time[4]; /* OUT: nanoseconds spent in each state */
};
typedef struct vcpu_runstate_info vcpu_runstate_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_runstate_info_t);

#define RUNSTATE_running 0  /* on a CPU */
#define RUNSTATE_runnable 1 /* waiting for one */
#define RUNSTATE_blocked 2  /* waiting for an event */
#define RUNSTATE_offline 3  /* down or paused */

/* A virtual address where the hypervisor copies the above each time the vcpu starts to run. */
#define VCPUOP_register_runstate_memory_area 5
struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_runstate_info_t) h;
        struct vcpu_runstate_info *v;
        uint64_t p;
    } addr; /* IN */
};
typedef struct vcpu_register_runstate_memory_area vcpu_register_runstate_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_runstate_memory_area_t);

/* The two timers of a vcpu raise VIRQ_TIMER on it. The stops take no argument. */
#define VCPUOP_set_periodic_timer 6
#define VCPUOP_stop_periodic_timer 7
struct vcpu_set_periodic_timer {
    uint64_t period_ns; /* IN: at least a millisecond */
};
typedef struct vcpu_set_periodic_timer vcpu_set_periodic_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_periodic_timer_t);

#define VCPUOP_set_singleshot_timer 8
#define VCPUOP_stop_singleshot_timer 9
struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* IN: system time */
    uint32_t flags;          /* IN: VCPU_SSHOTTMR_* */
};
typedef struct vcpu_set_singleshot_timer vcpu_set_singleshot_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_singleshot_timer_t);

#define _VCPU_SSHOTTMR_future (0)
#define VCPU_SSHOTTMR_future (1U << _VCPU_SSHOTTMR_future) /* -ETIME if it is past */

/* Move the vcpu's vcpu_info from the shared page to another place, once, within one page. */
#define VCPUOP_register_vcpu_info 10
struct vcpu_register_vcpu_info {
    uint64_t mfn;    /* IN */
    uint32_t offset; /* IN */
    uint32_t rsvd;
};
typedef struct vcpu_register_vcpu_info vcpu_register_vcpu_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_vcpu_info_t);

#define VCPUOP_send_nmi 11 /* no argument */

/* The CPU below a pinned vcpu: APIC id in the low half, ACPI id in the high half. */
#define VCPUOP_get_physid 12
struct vcpu_get_physid {
    uint64_t phys_id; /* OUT */
};
typedef struct vcpu_get_physid vcpu_get_physid_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_get_physid_t);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

/* A second copy of the vcpu's vcpu_time_info, kept up to date for user mode to read. */
#define VCPUOP_register_vcpu_time_memory_area 13
DEFINE_XEN_GUEST_HANDLE(vcpu_time_info_t);
struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_time_info_t) h;
        struct vcpu_time_info *v;
        uint64_t p;
    } addr; /* IN */
};
typedef struct vcpu_register_time_memory_area vcpu_register_time_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_time_memory_area_t);

#endif /* __XEN_PUBLIC_VCPU_H__ */
