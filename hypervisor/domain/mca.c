/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_mca, as far as dom0's machine-check log driver needs it: which CPUs there are, and
 * that there is nothing to fetch. Machine checks are fatal in Hospes, so none is ever queued.
 */
#include <hv/hypercall.h>
#include <public/arch-x86/xen-mca.h>
#include <x86/cpuid.h>

static void describe_cpu(unsigned int cpu, xen_mc_logical_cpu_t *c) {
    uint32_t core, socket, words[8];

    memset(c, 0, sizeof(*c));
    sysinfo_cpu_place(cpu, &core, &socket);
    c->mc_family = cpu_has.family;
    c->mc_model = cpu_has.model;
    c->mc_step = cpu_has.stepping;
    sysinfo_feature_words(words);
    memcpy(c->mc_vendorid, cpu_has.vendor, 12);
    strlcpy(c->mc_brandid, cpu_has.model_name, sizeof(c->mc_brandid));
    memcpy(c->mc_cpu_caps, words, min(sizeof(c->mc_cpu_caps), sizeof(words)));
    c->mc_cpunr = cpu;
    c->mc_chipid = socket;
    c->mc_coreid = (uint16_t)core;
    c->mc_apicid = pcpus[cpu]->apic_id;
    c->mc_ncores = c->mc_ncores_active = sysinfo_cores_per_socket();
    c->mc_nthreads = sysinfo_threads_per_core();
    c->mc_cpuid_level = (int32_t)cpu_has.max_leaf;
}

static long op_physcpuinfo(struct xen_mc_physcpuinfo *p) {
    uint64_t to = handle_addr(p->info);
    uint32_t n = to ? min(p->ncpus, nr_cpus) : nr_cpus;
    xen_mc_logical_cpu_t c;

    if (to && !n) return -EINVAL;
    for (uint32_t i = 0; to && i < n; i++) {
        describe_cpu(i, &c);
        if (copy_to_guest_idx(to, i, &c)) return -EFAULT;
    }
    p->ncpus = n;
    return 0;
}

static long op_fetch(struct xen_mc_fetch *f) {
    switch (f->flags & (XEN_MC_NONURGENT | XEN_MC_URGENT | XEN_MC_ACK)) {
    case XEN_MC_NONURGENT:
    case XEN_MC_URGENT:
        if (!handle_addr(f->data)) return -EINVAL;
        f->flags = XEN_MC_NODATA;
        f->fetch_id = 0;
        return 0;
    case XEN_MC_NONURGENT | XEN_MC_ACK:
    case XEN_MC_URGENT | XEN_MC_ACK: return 0;
    default: return -EINVAL;
    }
}

long do_mca(uint64_t arg) {
    struct xen_mc op;
    long rc;

    if (!current->domain->is_control) return -EPERM;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (op.interface_version != XEN_MCA_INTERFACE_VERSION) return -EACCES;
    switch (op.cmd) {
    case XEN_MC_physcpuinfo: rc = op_physcpuinfo(&op.u.mc_physcpuinfo); break;
    case XEN_MC_fetch: rc = op_fetch(&op.u.mc_fetch); break;
    default: return -EINVAL;
    }
    return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}
