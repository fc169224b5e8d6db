/* SPDX-License-Identifier: MIT */
/*
 * Domains: creation, reference counting, shutdown and destruction.
 *
 * Life: BUILDING (created, vcpus being made) -> LIVE (was unpaused once) -> DYING (destroydomain
 * began; resources are given back preemptibly) -> DEAD (only frames that others still map are left)
 * -> freed when the last reference goes.
 *
 * References: a pointer from domain_get() holds the shell until domain_put(). A vcpu of a live
 * domain keeps its own domain alive, so current->domain needs none.
 */
#pragma once

#include <hv/event.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/rangeset.h>
#include <hv/sched.h>
#include <hv/string.h>
#include <public/domctl.h>
#include <x86/state.h>

struct grant_table; /* grant/table.h */

enum domain_state { DOM_BUILDING, DOM_LIVE, DOM_DYING, DOM_DEAD };

#define MAX_VCPUS 128

struct domain {
    domid_t id;
    uint32_t incarnation;    /* never the same for two domains; not 0 */
    bool is_control;         /* dom0 */
    enum domain_state state; /* domctl lock */
    uint32_t refs;           /* atomic */
    spinlock_t lock;         /* life-cycle fields; ORDER_DOMAIN */
    struct list list;        /* all domains by id; domain list lock */

    int32_t pause_count;       /* atomic */
    int32_t tools_pause_count; /* domctl lock */
    spinlock_t shutdown_lock;  /* the next two; ORDER_SHUTDOWN */
    bool is_shut_down;         /* stopped itself, or was stopped, with shutdown_code */
    int32_t shutdown_code;     /* -1: none yet */
    uint32_t destroy_step;     /* progress of domain_destroy(); domctl lock */

    xen_domain_handle_t handle;
    uint32_t create_flags; /* XEN_DOMCTL_CDF_* */
    uint32_t ssidref;
    uint32_t max_vcpus; /* entries of vcpu[] */
    struct vcpu **vcpu; /* NULL where not created */

    struct shared_info *shared_info; /* one frame, shared with the guest */
    mfn_t shared_info_mfn;
    uint64_t vm_assist;                                   /* VMASST_TYPE_* bits */
    struct rangeset *iomem_caps, *irq_caps, *ioport_caps; /* inclusive ranges */
    int64_t time_offset_seconds;
    bool debugger_attached;
    uint8_t console_used; /* of console_line, what was not ended yet; console lock */
    char console_line[160];

    struct mm_domain mm;
    struct event_domain event;
    struct grant_table *grants;
    struct sched_domain sched;
    struct arch_domain arch;
};

struct vcpu {
    uint32_t id;
    struct domain *domain;
    unsigned long pause_flags; /* enum pause_flag bits, atomic */
    int32_t pause_count;       /* atomic */
    bool initialised;          /* has had a context set; atomic */
    bool initialising;         /* VCPUOP_initialise is setting one; atomic */
    bool is_running;           /* chosen by CPU sched.cpu, or state not yet saved; atomic */
    struct sched_vcpu sched;
    struct event_vcpu event;
    struct mm_vcpu mm;
    struct vcpu_info *info; /* in shared_info, registered frame, or the dummy */
    mfn_t info_mfn;         /* registered frame we hold a writable reference on, or INVALID */
    uint64_t runstate_va;   /* guest address, 0: none */
    uint64_t time_va;       /* VCPUOP_register_vcpu_time_memory_area, 0: none */
    struct arch_vcpu arch;
};

extern struct domain *dom0;
extern struct domain idle_domain; /* owns idle vcpus; id DOMID_IDLE */
extern struct domain dom_xen;     /* owns frames that Hospes shares (DOMID_XEN) */
extern struct domain dom_io;      /* owns frames outside RAM (DOMID_IO) */

void domain_init(void);
void domain_register_keys(void); /* debug keys; keys.c */
/* Creates a domain, paused by tools once. On success *out holds one reference.
 * -EEXIST, -EINVAL, -ENOMEM, ... as domctl createdomain. */
int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool control,
                  struct domain **out);
int vcpu_create(struct domain *d, uint32_t id); /* -ENOMEM */
domid_t domain_free_id(void);                   /* for a new domain; 0: none. Domctl lock */

struct domain *domain_get(domid_t id);         /* by id, with a reference; NULL if none. It may be
                                                  dying or dead: whoever adds to it checks state */
struct domain *domain_get_self_or(domid_t id); /* resolves DOMID_SELF too */
struct domain *domain_get_next(domid_t id);    /* first with an id at or above, likewise */
struct domain *domain_by_id(uint32_t id);      /* no reference: for who knows that it stays */
void domain_ref(struct domain *d);             /* the caller already holds one */
void domain_put(struct domain *d);
/* A reference that is given back where the block ends; NULL: none. */
#define DOMAIN_PUT_AT_END __attribute__((cleanup(domain_put_end)))
static inline void domain_put_end(struct domain **d) {
    if (*d) domain_put(*d);
}

int domain_destroy(struct domain *d);                   /* preemptible: -ERESTART */
void domain_shutdown(struct domain *d, uint8_t reason); /* SHUTDOWN_* */
void domain_resume(struct domain *d);
/* Crashes the domain and logs one rate-limited line: domain, vcpu, why. Returns; current's guest
 * code simply does not run again. */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);

/* An unmasked upcall is pending for v. */
static inline bool vcpu_event_pending(const struct vcpu *v) {
    const struct vcpu_info *info = v->info;

    return READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask);
}

static inline struct vcpu *domain_vcpu(const struct domain *d, uint32_t id) {
    return id < d->max_vcpus ? d->vcpu[array_index_nospec(id, d->max_vcpus)] : NULL;
}

#define for_each_vcpu(d, v)                                                                        \
    for (uint32_t i_ = 0; i_ < (d)->max_vcpus; i_++)                                               \
        if (((v) = (d)->vcpu[i_]) != NULL)

extern struct vcpu_info dummy_vcpu_info; /* of vcpus above 31 until they register; masked */

void domain_reclaim_softirq(void); /* SOFTIRQ_RECLAIM: frees shells, sends VIRQ_DOM_EXC */

/* Grant tables, versions 1 and 2: grant/. */
int grant_init_domain(struct domain *d, int max_frames, int max_maptrack, int max_version);
/* Drops every mapping that d itself holds; preemptible: -ERESTART. */
int grant_release_mappings(struct domain *d);
void grant_drop_frames(struct domain *d); /* the guest-visible table, once d has no page tables */
/* Frees the table; frames still mapped by others stay with the shell. */
void grant_destroy_domain(struct domain *d);
/* memory_op acquire_resource, XENMEM_resource_grant_table: fills mfns; -EINVAL, -ENOMEM. */
int grant_acquire_resource(struct domain *d, uint32_t id, uint64_t frame, uint32_t nr,
                           uint64_t *mfns);
int grant_resource_max_frames(struct domain *d, uint32_t id); /* size query */
void grant_held_frames(const struct domain *d, void (*hold)(uint64_t mfn, bool writable));
void grant_dump(struct domain *d); /* debug key 'g' */

/* UEFI for dom0: domain/efi.c. Maps the runtime regions; nothing to do on BIOS machines. */
void efi_init(void);
union xenpf_efi_info;
struct xenpf_efi_runtime_call;
long efi_get_info(uint32_t index, union xenpf_efi_info *info); /* XEN_FW_EFI_* */
long efi_runtime_call(struct xenpf_efi_runtime_call *call);

/* The domain list is append-only for readers that hold the domain list lock. */
extern spinlock_t domain_list_lock;
extern struct list domain_list;
#define for_each_domain(d) list_for_each(d, &domain_list, list)

/* The one place that answers "may subject do op to object". domain/policy.c */
/* clang-format off */
enum policy_op {
    POL_DOMCTL, POL_SYSCTL, POL_PLATFORM, POL_PHYSDEV, POL_CONSOLE_IO, POL_SCHED_REMOTE,
    POL_MMU_FOREIGN, POL_MEMORY_FOREIGN, POL_EVENT_FOREIGN, POL_GRANT_FOREIGN
};
/* clang-format on */
int policy_check(const struct domain *subject, const struct domain *object, enum policy_op op,
                 uint32_t sub); /* 0 or -EPERM */
/* A domain by id, DOMID_SELF too, with a reference, on which the current one may do op; itself it
 * may always be. -ESRCH, -EPERM. */
long domain_get_checked(domid_t id, enum policy_op op, uint32_t sub, struct domain **d);
