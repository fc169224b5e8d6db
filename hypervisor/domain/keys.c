/* SPDX-License-Identifier: MIT */
/* Debug keys about domains; 'F' recounts frame references while the other CPUs stand still. */
#include <hv/console.h>
#include <hv/domain.h>

static void audit_frames(void) {
    if (park_other_cpus()) {
        (void)mm_audit();
        unpark_cpus();
    } else {
        printk("audit: one is under way\n");
    }
}

static void dump_each(void (*dump)(struct domain *)) {
    struct domain *d;

    SPIN_SCOPE(&domain_list_lock);
    for_each_domain(d) dump(d);
}

static void dump_ports(void) { dump_each(event_dump); }
static void dump_grants(void) { dump_each(grant_dump); }

static void dump_domain(struct domain *d) {
    struct vcpu *v;

    printk("d%u: state %d refs %u pages %lu/%lu paused %d shutdown %d\n", d->id, d->state, d->refs,
           d->mm.tot_pages, d->mm.max_pages, d->pause_count, d->shutdown_code);
    for_each_vcpu(d, v)
        printk("  v%u: cpu %u flags %lx%s%s upcall %u/%u\n", v->id, v->sched.cpu, v->pause_flags,
               v->is_running ? " running" : "", v->sched.queued ? " queued" : "",
               v->info->evtchn_upcall_pending, v->info->evtchn_upcall_mask);
}

static void dump_domains(void) { dump_each(dump_domain); }

void domain_register_keys(void) {
    if (IS_DEBUG) inject_register_keys();
    register_key('F', audit_frames, "audit frame references");
    register_key('e', dump_ports, "dump event channels");
    register_key('g', dump_grants, "dump grant tables");
    register_key('q', dump_domains, "dump domains and vcpus");
}
