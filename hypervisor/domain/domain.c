/* SPDX-License-Identifier: MIT */
/*
 * Life and death of a domain (states: hv/domain.h). The list of domains holds one reference to each
 * until its destruction has given everything back; frames that the domain owns hold one more
 * together, so that a shell stays while others still map its frames. When the last reference goes,
 * the shell is taken off the list and freed by SOFTIRQ_RECLAIM, where no lock is held.
 */
#include <hv/boot.h>
#include <hv/console.h>
#include <hv/pcpu.h>

struct domain *dom0;
struct domain idle_domain = {.id = DOMID_IDLE};
struct domain dom_xen = {.id = DOMID_XEN};
struct domain dom_io = {.id = DOMID_IO};
struct vcpu_info dummy_vcpu_info = {.evtchn_upcall_mask = 1};

spinlock_t domain_list_lock = SPINLOCK_INIT(ORDER_DOMLIST);
struct list domain_list = LIST_INIT(domain_list); /* by id */

static bool dom_exc_wanted; /* VIRQ_DOM_EXC to be sent; atomic */

/* Domains by id, from before their first part is made (then without references) until after their
 * last is gone. Pages are added by creations, one at a time: domctl lock. */
#define IDS_PER_PAGE 512
static struct domain **by_id[DOMID_FIRST_RESERVED / IDS_PER_PAGE + 1];

struct domain *domain_by_id(uint32_t id) {
    struct domain **page;

    if (id >= DOMID_FIRST_RESERVED) return NULL;
    id = (uint32_t)array_index_nospec(id, DOMID_FIRST_RESERVED);
    page = READ_ONCE(by_id[id / IDS_PER_PAGE]);
    return page ? READ_ONCE(page[id % IDS_PER_PAGE]) : NULL;
}

static int set_by_id(domid_t id, struct domain *d) {
    struct domain **page = by_id[id / IDS_PER_PAGE];

    if (!page && !(page = alloc_page_hv())) return -ENOMEM;
    WRITE_ONCE(page[id % IDS_PER_PAGE], d);
    __atomic_store_n(&by_id[id / IDS_PER_PAGE], page, __ATOMIC_RELEASE);
    return 0;
}

static void basics_init(struct domain *d) {
    spin_lock_init(&d->lock, ORDER_DOMAIN);
    spin_lock_init(&d->shutdown_lock, ORDER_SHUTDOWN);
    d->shutdown_code = -1;
}

void domain_init(void) {
    struct domain *special[] = {&idle_domain, &dom_xen, &dom_io};

    for (unsigned int i = 0; i < ARRAY_SIZE(special); i++) {
        basics_init(special[i]);
        spin_lock_init(&special[i]->mm.lock, ORDER_PAGE_ALLOC);
        special[i]->refs = 1;
        special[i]->state = DOM_LIVE;
    }
}

/* References. */

static bool try_ref(struct domain *d) {
    uint32_t n = __atomic_load_n(&d->refs, __ATOMIC_RELAXED);

    while (n)
        if (__atomic_compare_exchange_n(&d->refs, &n, n + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED))
            return true;
    return false;
}

void domain_ref(struct domain *d) {
    uint32_t old = __atomic_fetch_add(&d->refs, 1, __ATOMIC_RELAXED);

    BUG_ON(old == 0);
}

/* Safe under any lock: the freeing itself waits for the softirq. */
void domain_put(struct domain *d) {
    if (!__atomic_sub_fetch(&d->refs, 1, __ATOMIC_ACQ_REL)) softirq_raise(SOFTIRQ_RECLAIM);
}

struct domain *domain_get_next(domid_t id) {
    struct domain *d;

    SPIN_SCOPE(&domain_list_lock);
    for_each_domain(d)
        if (d->id >= id && try_ref(d)) return d;
    return NULL;
}

struct domain *domain_get(domid_t id) {
    struct domain *d = current->domain;

    if (id == d->id && d != &idle_domain) {
        domain_ref(d);
        return d;
    }
    SPIN_SCOPE(&domain_list_lock);
    d = domain_by_id(id);
    return d && try_ref(d) ? d : NULL;
}

/* The next id after the last one given, so that an id is not reused soon; domctl lock. 0: none. */
domid_t domain_free_id(void) {
    static domid_t last;
    domid_t id = last;

    for (unsigned int tries = 0; tries < DOMID_FIRST_RESERVED; tries++) {
        id = (domid_t)(id + 1u < DOMID_FIRST_RESERVED ? id + 1u : 1u);
        if (!domain_by_id(id)) return last = id;
    }
    return 0;
}

struct domain *domain_get_self_or(domid_t id) {
    return domain_get(id == DOMID_SELF ? current->domain->id : id);
}

/* Creation. */

static void vcpu_free(struct vcpu *v) {
    sched_destroy_vcpu(v);
    event_destroy_vcpu(v);
    arch_vcpu_free(v);
    hv_free(v);
}

/* Everything that domain_create made; each part accepts not having been made. */
static void free_shell(struct domain *d) {
    struct vcpu *v;

    sched_destroy_domain(d); /* a watchdog that just expires looks at the vcpus */
    for_each_vcpu(d, v) vcpu_free(v);
    d->max_vcpus = 0; /* nobody goes through them again */
    event_free_domain(d);
    grant_destroy_domain(d);
    arch_domain_free(d);
    mm_free_domain(d);
    rangeset_free(d->iomem_caps);
    rangeset_free(d->irq_caps);
    rangeset_free(d->ioport_caps);
    hv_free(d->vcpu);
    spin_lock(&domain_list_lock); /* nobody looks at it any more: domain_get() */
    (void)set_by_id(d->id, NULL);
    spin_unlock(&domain_list_lock);
    hv_free(d);
}

static int init_parts(struct domain *d, const struct xen_domctl_createdomain *cfg) {
    int rc;

    d->vcpu = hv_new_array(struct vcpu *, cfg->max_vcpus);
    d->iomem_caps = rangeset_new();
    d->irq_caps = rangeset_new();
    d->ioport_caps = rangeset_new();
    if (!d->vcpu || !d->iomem_caps || !d->irq_caps || !d->ioport_caps) return -ENOMEM;
    d->max_vcpus = cfg->max_vcpus;
    if ((rc = mm_init_domain(d))) return rc;
    d->shared_info = alloc_page_hv();
    if (!d->shared_info) return -ENOMEM;
    d->shared_info_mfn = virt_to_mfn(d->shared_info);
    share_hv_frame(mfn_to_frame(d->shared_info_mfn), d, true);
    if ((rc = arch_domain_init(d)) || (rc = event_init_domain(d, cfg->max_evtchn_port)) ||
        (rc = grant_init_domain(d, cfg->max_grant_frames, cfg->max_maptrack_frames,
                                (int)XEN_DOMCTL_GRANT_version(cfg->grant_opts))))
        return rc;
    sched_init_domain(d);
    return 0;
}

/* Enters the list, in order of id, with two references: the list's and the caller's. */
static void list_insert(struct domain *d) {
    struct domain *o;

    SPIN_SCOPE(&domain_list_lock);
    for_each_domain(o)
        if (o->id > d->id) break;
    d->refs = 2;
    list_add_between(&d->list, o->list.prev, &o->list);
}

static int check_config(const struct xen_domctl_createdomain *cfg, bool control) {
    /* No hardware virtualisation, no IOMMU: say so rather than give something else. */
    const uint32_t known =
        XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_xs_domain;

    if (cfg->flags & ~known || cfg->max_vcpus < 1 || cfg->max_vcpus > MAX_VCPUS) return -EINVAL;
    if (cfg->iommu_opts || cfg->vmtrace_size) return -EINVAL;
    if (cfg->grant_opts & ~XEN_DOMCTL_GRANT_version_mask) return -EINVAL;
    if (cfg->arch.misc_flags & ~XEN_X86_MSR_RELAXED) return -EINVAL;
    return !control && cfg->arch.emulation_flags ? -EOPNOTSUPP : 0;
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *cfg, bool control,
                  struct domain **out) {
    static uint32_t created;
    struct domain *d;
    int rc = domain_by_id(id) ? -EEXIST : check_config(cfg, control);

    if (rc) return rc;
    d = hv_new(struct domain);
    if (!d || set_by_id(id, d)) {
        hv_free(d);
        return -ENOMEM;
    }
    d->id = id;
    d->incarnation = ++created;
    d->is_control = control;
    d->create_flags = cfg->flags;
    d->ssidref = cfg->ssidref;
    d->arch.msr_relaxed = cfg->arch.misc_flags & XEN_X86_MSR_RELAXED;
    d->pause_count = d->tools_pause_count = 1;
    d->shared_info_mfn = INVALID_MFN;
    memcpy(d->handle, cfg->handle, sizeof(d->handle));
    list_init(&d->list);
    basics_init(d);

    rc = init_parts(d, cfg);
    if (rc) {
        if (d->shared_info) unshare_hv_frame(mfn_to_frame(d->shared_info_mfn));
        free_shell(d);
        return rc;
    }
    list_insert(d);
    time_update_wallclock(d);
    *out = d;
    return 0;
}

int vcpu_create(struct domain *d, uint32_t id) {
    struct vcpu *v = hv_new(struct vcpu);
    int rc;

    if (!v) return -ENOMEM;
    v->id = id;
    v->domain = d;
    v->info = id < XEN_LEGACY_MAX_VCPUS ? &d->shared_info->vcpu_info[id] : &dummy_vcpu_info;
    sched_init_vcpu(v);
    rc = mm_init_vcpu(v);
    if (!rc) rc = arch_vcpu_init(v);
    if (rc)
        vcpu_free(v);
    else
        __atomic_store_n(&d->vcpu[id], v, __ATOMIC_RELEASE);
    return rc;
}

/* Shutdown: the domain stops running; its memory and devices stay for the tools to look at. */

static void want_dom_exc(void) {
    __atomic_store_n(&dom_exc_wanted, true, __ATOMIC_RELEASE);
    softirq_raise(SOFTIRQ_RECLAIM);
}

/* dom0 asked for, or caused, the end of the machine. */
static void __noreturn machine_shutdown(uint8_t reason) {
    static const char *const what[] = {
        [SHUTDOWN_poweroff] = "halted: halting machine",
        [SHUTDOWN_reboot] = "shutdown: rebooting machine",
        [SHUTDOWN_crash] = "crashed: rebooting machine",
        [SHUTDOWN_watchdog] = "shutdown: watchdog rebooting machine",
    };
    bool stay = reason == SHUTDOWN_crash && cmdline_bool("noreboot", false);
    bool halt = stay || reason == SHUTDOWN_poweroff;

    if (stay)
        printk(KERN_ERR "Hardware Dom0 crashed: 'noreboot' set - not rebooting.\n");
    else if (reason < ARRAY_SIZE(what) && what[reason])
        printk("Hardware Dom0 %s\n", what[reason]);
    else
        printk(KERN_ERR "Hardware Dom0 shutdown (unknown reason %u): rebooting machine\n", reason);
    console_flush();
    if (halt) machine_halt();
    machine_restart();
}

void domain_shutdown(struct domain *d, uint8_t reason) {
    spin_lock(&d->shutdown_lock);
    if (d->is_shut_down) {
        spin_unlock(&d->shutdown_lock);
        return;
    }
    if (d->shutdown_code == -1) d->shutdown_code = reason;
    reason = (uint8_t)d->shutdown_code;
    d->is_shut_down = true;
    if (!d->is_control) domain_pause_nosync(d); /* before domain_resume() can take it back */
    spin_unlock(&d->shutdown_lock);

    if (d->is_control) machine_shutdown(reason);
    want_dom_exc();
}

void domain_resume(struct domain *d) {
    bool was;

    spin_lock(&d->shutdown_lock);
    was = d->is_shut_down && d->state < DOM_DYING;
    if (was) {
        d->is_shut_down = false;
        d->shutdown_code = -1;
    }
    spin_unlock(&d->shutdown_lock);
    if (was) domain_unpause(d);
}

void domain_crash(struct domain *d, const char *fmt, ...) {
    char why[160];
    va_list ap;
    bool told;

    if (d->is_shut_down) return;
    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    told = printk_for_guest(d);
    if (told && current->domain == d) {
        printk("d%uv%u crashed on cpu %u at rip %016lx: %s\n", d->id, current->id, smp_cpu_id(),
               guest_regs()->rip, why);
        show_regs(guest_regs());
    } else if (told) {
        printk("d%u crashed: %s\n", d->id, why);
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

/* Destruction. */

static int drop_vcpus(struct domain *d) {
    struct vcpu *v;

    for_each_vcpu(d, v) {
        int rc = mm_drop_vcpu_pagetables(v);

        if (rc) return rc;
        mm_destroy_vcpu(v);
    }
    return 0;
}

/* Frames that Hospes shares with it. Under the list lock, for the wall clock is written there. */
static int drop_shared_frames(struct domain *d) {
    struct vcpu *v;

    grant_drop_frames(d);
    spin_lock(&domain_list_lock);
    for_each_vcpu(d, v) v->info = &dummy_vcpu_info;
    d->shared_info = NULL;
    spin_unlock(&domain_list_lock);
    unshare_hv_frame(mfn_to_frame(d->shared_info_mfn));
    return 0;
}

/* The steps in order; each may return -ERESTART, having made progress. */
static int destroy_step(struct domain *d) {
    switch (d->destroy_step) {
    case 0: domain_pause(d); return 0;
    case 1: return event_destroy_domain(d);
    case 2: return grant_release_mappings(d);
    case 3: return drop_vcpus(d);
    case 4: return mm_relinquish_domain(d);
    case 5: return drop_shared_frames(d);
    default: return 1;
    }
}

int domain_destroy(struct domain *d) {
    int rc;

    if (d == current->domain || d->is_control) return -EINVAL;
    if (d->state == DOM_DEAD) return 0;
    d->state = DOM_DYING;
    while ((rc = destroy_step(d)) == 0) d->destroy_step++;
    if (rc < 0) return rc;
    d->state = DOM_DEAD;
    printk(KERN_DEBUG "d%u destroyed\n", d->id);
    domain_put(d); /* the list's */
    want_dom_exc();
    return 0;
}

/* Takes a domain without references off the list. */
static struct domain *next_to_reclaim(void) {
    struct domain *d, *found = NULL;

    SPIN_SCOPE(&domain_list_lock);
    for_each_domain(d)
        if (!__atomic_load_n(&d->refs, __ATOMIC_ACQUIRE)) found = d;
    if (found) list_del(&found->list);
    return found;
}

void domain_reclaim_softirq(void) {
    struct domain *d;

    while ((d = next_to_reclaim()) != NULL) {
        free_shell(d);
        send_global_virq(VIRQ_DOM_EXC);
    }
    if (__atomic_exchange_n(&dom_exc_wanted, false, __ATOMIC_ACQ_REL))
        send_global_virq(VIRQ_DOM_EXC);
}
