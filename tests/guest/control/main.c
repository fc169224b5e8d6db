/* SPDX-License-Identifier: MIT */
/*
 * control: what can go wrong in the control interfaces beyond an argument of zeros (services) or of
 * ones (domctl): a handle inside the argument that leads nowhere, an argument that can not be
 * written back, a vcpu, pool or domain that there is not, contexts and processor policies that can
 * not be. The errors are those of stock Xen, which is told to take no 32-bit guests.
 *
 * Run with: --cmdline pv=no-32
 */
#include <public/arch-x86/xen-mca.h>
#include <public/memory.h>
#include <public/platform.h>
#include <public/sysctl.h>
#include <public/version.h>
#include "domctl.h"
#include "mm.h"
#include "vcpu.h"

#define XEN_ADDRESS  ((void *)0xffff830000000000UL)
#define NONCANONICAL 0x8000000000000000UL
#define DOMID_ABSENT 0x7000
#define NR_FRAMES    8

static struct xen_sysctl sop;
static struct xen_platform_op pop;
static domid_t other;
static uint64_t frames[NR_FRAMES];
static uint8_t map[8];

/* A copy of an argument where it can be read but not written back. */
static void *read_only(const void *from, size_t n) {
    static char *page;

    if (!page) page = page_alloc();
    require_eq(set_writable(page), 0);
    memcpy(page, from, n);
    require_eq(set_readonly(page), 0);
    return page;
}

/* For operations whose part of the union is then filled. */
#define DOMCTL(cmd, domain, field, ...)                                                            \
    (memset(&domctl_op, 0, sizeof(domctl_op)),                                                     \
     domctl_op.u.field = (__typeof__(domctl_op.u.field)){__VA_ARGS__},                             \
     domctl(XEN_DOMCTL_##cmd, domain))

static long sysctl(unsigned int cmd) {
    sop.cmd = cmd;
    sop.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_sysctl, &sop);
}

#define SYSCTL(cmd, field, ...)                                                                    \
    (memset(&sop, 0, sizeof(sop)), sop.u.field = (__typeof__(sop.u.field)){__VA_ARGS__},           \
     sysctl(XEN_SYSCTL_##cmd))

static long platform(unsigned int cmd) {
    pop.cmd = cmd;
    pop.interface_version = XENPF_INTERFACE_VERSION;
    return HV_platform_op(&pop);
}

#define PLATFORM(cmd, field, ...)                                                                  \
    (memset(&pop, 0, sizeof(pop)), pop.u.field = (__typeof__(pop.u.field)){__VA_ARGS__},           \
     platform(XENPF_##cmd))

/* Creation. */

#define SANE                                                                                       \
    .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = 4, .max_maptrack_frames = 4

static void make_domain(void) {
    require_eq(
        DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = XEN_DOMCTL_GRANT_version(2)), 0);
    other = domctl_op.domain;
    domctl_populate(other, frames, NR_FRAMES);
    for (unsigned int i = 0; i < NR_FRAMES; i++)
        require_eq(mmuext_dom(MMUEXT_CLEAR_PAGE, frames[i], 0, other), 0);
}

static void creations(void) {
    expect_eq(DOMCTL(createdomain, other, createdomain, SANE, .grant_opts = 2), -XEN_EEXIST);
    expect_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2, .flags = 1U << 30),
              -XEN_EINVAL);
    expect_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2, .iommu_opts = 1),
              -XEN_EINVAL);
    expect_eq(
        DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2, .flags = XEN_DOMCTL_CDF_iommu),
        -XEN_EINVAL);
    expect_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2, .vmtrace_size = 4096),
              -XEN_EINVAL);
    expect_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 0x12), -XEN_EINVAL);
    expect_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2, .arch.misc_flags = 2),
              -XEN_EINVAL);
    expect_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2,
                     .arch.emulation_flags = XEN_X86_EMU_LAPIC),
              -XEN_EOPNOTSUPP);
}

/* One that has died, of which a frame is still mapped: its id is taken. Stock Xen makes it vcpus.
 */
static void dead(void) {
    struct xen_memory_reservation r = {.nr_extents = 1};
    uint64_t *entry = l1_entry(window_alloc(1)), mfn = 0;
    domid_t id;
    long rc;

    require_eq(DOMCTL(createdomain, 0, createdomain, SANE, .grant_opts = 2), 0);
    id = domctl_op.domain;
    require_eq(DOMCTL(max_mem, id, max_mem, .max_memkb = 4), 0);
    r.domid = id;
    set_xen_guest_handle(r.extent_start, &mfn);
    require_eq(HV_memory_op(XENMEM_populate_physmap, &r), 1);
    require_eq(mmu_update_dom(machine_address(entry), MFN_PTE(mfn, PTE_RW), id), 0);
    expect_eq(domctl(XEN_DOMCTL_destroydomain, id), 0);
    expect_eq(DOMCTL(createdomain, id, createdomain, SANE, .grant_opts = 2), -XEN_EEXIST);
    expect_eq(DOMCTL(setvcpucontext, id, vcpucontext, .vcpu = 0), -XEN_EINVAL);
    rc = DOMCTL(max_vcpus, id, max_vcpus, .max = 1);
    expect(rc == 0 || rc == -XEN_EINVAL);
    expect_eq(mmu_update(machine_address(entry), 0), 0);
}

/* Facts of domains, and what may not be done to oneself. */

static void facts(void) {
    expect_eq(domctl(XEN_DOMCTL_getdomaininfo, 0x7fef), -XEN_ESRCH);
    expect_eq(domctl(XEN_DOMCTL_getdomaininfo, DOMID_SELF), -XEN_EINVAL);
    domctl_op.domain = 0;
    domctl_op.cmd = XEN_DOMCTL_getdomaininfo;
    expect_eq(hypercall1(__HYPERVISOR_domctl, read_only(&domctl_op, sizeof(domctl_op))),
              -XEN_EFAULT);
    expect_eq(domctl(XEN_DOMCTL_gettscinfo, 0), -XEN_EINVAL);
    expect_eq(DOMCTL(settscinfo, 0, tsc_info, .tsc_mode = 2), -XEN_EINVAL);
    expect_eq(DOMCTL(settscinfo, other, tsc_info, .tsc_mode = 4), -XEN_EINVAL);
    expect_eq(DOMCTL(setdebugging, 0, setdebugging, .enable = 1), -XEN_EINVAL);
    expect_eq(DOMCTL(get_ext_vcpucontext, 0, ext_vcpucontext, .vcpu = 0), -XEN_ESRCH);
    expect_eq(DOMCTL(set_ext_vcpucontext, 0, ext_vcpucontext, .size = 128), -XEN_ESRCH);
    expect_eq(DOMCTL(set_ext_vcpucontext, other, ext_vcpucontext, .size = 128,
                     .sysenter_callback_eip = NONCANONICAL),
              -XEN_EINVAL);
    expect_eq(DOMCTL(set_address_size, other, address_size, .size = 32), -XEN_EOPNOTSUPP);
    expect_eq(DOMCTL(set_address_size, other, address_size, .size = 31), -XEN_EINVAL);
    expect_eq(
        DOMCTL(scheduler_op, other, scheduler_op, .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = 9),
        -XEN_EINVAL);
    expect_eq(DOMCTL(sendtrigger, other, sendtrigger, .trigger = XEN_DOMCTL_SENDTRIGGER_POWER),
              -XEN_EINVAL);
    expect_eq(DOMCTL(sendtrigger, other, sendtrigger, .trigger = XEN_DOMCTL_SENDTRIGGER_SLEEP),
              -XEN_EINVAL);
    expect_eq(DOMCTL(sendtrigger, other, sendtrigger, .trigger = XEN_DOMCTL_SENDTRIGGER_RESET),
              -XEN_ENOSYS);
    expect_eq(DOMCTL(sendtrigger, other, sendtrigger, .vcpu = 1), -XEN_ESRCH);
}

/* An emulated TSC is stock Xen's alone; what is asked for is given or refused. */
static void emulated_tsc(void) {
    long rc = DOMCTL(settscinfo, other, tsc_info, .tsc_mode = 1);

    expect(rc == 0 || rc == -XEN_EOPNOTSUPP);
    expect_eq(domctl(XEN_DOMCTL_gettscinfo, other), 0);
    expect_eq(domctl_op.u.tsc_info.tsc_mode, rc ? 0 : 1);
}

/* Sets of CPUs and nodes. */

#define NODES(cmd, at, bits)                                                                       \
    DOMCTL(cmd, other, nodeaffinity, .nodemap = {.bitmap.p = (void *)(at), .nr_bits = (bits)})
static long affinity(unsigned int cmd, unsigned int vcpu, unsigned int what, void *hard,
                     void *soft) {
    memset(&domctl_op, 0, sizeof(domctl_op));
    domctl_op.u.vcpuaffinity = (struct xen_domctl_vcpuaffinity){
        .vcpu = vcpu,
        .flags = what,
        .cpumap_hard = {.bitmap.p = hard, .nr_bits = 64},
        .cpumap_soft = {.bitmap.p = soft, .nr_bits = 64},
    };
    return domctl(cmd, other);
}

static void nodes(void) {
    expect_eq(NODES(setnodeaffinity, XEN_ADDRESS, 64), -XEN_EFAULT);
    expect_eq(NODES(getnodeaffinity, XEN_ADDRESS, 64), -XEN_EFAULT);
    /* Room for more than there are. */
    map[7] = 0xff;
    expect_eq(NODES(getnodeaffinity, map, 64), 0);
    expect_eq(map[0] & 1, 1);
    expect_eq(map[7], 0);
    expect_eq(NODES(setnodeaffinity, map, 64), 0);
    memset(map, 0, sizeof(map));
    expect_eq(NODES(setnodeaffinity, map, 64), -XEN_EINVAL);
}

static void affinities(void) {
    static const unsigned int cmds[] = {XEN_DOMCTL_setvcpuaffinity, XEN_DOMCTL_getvcpuaffinity};
    const unsigned int hard = XEN_VCPUAFFINITY_HARD, soft = XEN_VCPUAFFINITY_SOFT;

    memset(map, 0, sizeof(map));
    expect_eq(affinity(cmds[0], 0, hard, map, NULL), -XEN_EINVAL); /* no CPU */
    map[0] = 1;
    for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
        expect_eq(affinity(cmds[i], 1, hard, map, NULL), -XEN_EINVAL); /* no such vcpu */
        expect_eq(affinity(cmds[i], 0, 0, map, map), -XEN_EINVAL);
        expect_eq(affinity(cmds[i], 0, hard, NULL, map), -XEN_EINVAL);
        expect_eq(affinity(cmds[i], 0, soft, map, NULL), -XEN_EINVAL);
        expect_eq(affinity(cmds[i], 0, hard, XEN_ADDRESS, map), -XEN_EFAULT);
        expect_eq(affinity(cmds[i], 0, soft, map, XEN_ADDRESS), -XEN_EFAULT);
    }
    expect_eq(affinity(cmds[0], 0, hard | soft, map, map), 0);
    expect_eq(affinity(cmds[0], 0, XEN_VCPUAFFINITY_FORCE, NULL, NULL), 0);
}

/* Vcpus that there could be, but are not yet. */
static void without_vcpus(void) {
    map[0] = 1;
    expect_eq(DOMCTL(getvcpuinfo, other, getvcpuinfo, .vcpu = 0), -XEN_ESRCH);
    expect_eq(DOMCTL(sendtrigger, other, sendtrigger, .vcpu = 0), -XEN_ESRCH);
    expect_eq(affinity(XEN_DOMCTL_setvcpuaffinity, 0, XEN_VCPUAFFINITY_HARD, map, NULL),
              -XEN_ESRCH);
    expect_eq(affinity(XEN_DOMCTL_getvcpuaffinity, 0, 0, map, NULL), -XEN_ESRCH);
    expect_eq(DOMCTL(setvcpucontext, other, vcpucontext, .vcpu = 0), -XEN_EINVAL);
    expect_eq(DOMCTL(getvcpucontext, other, vcpucontext, .vcpu = 0), -XEN_EINVAL);
    expect_eq(DOMCTL(set_ext_vcpucontext, other, ext_vcpucontext, .vcpu = 0), -XEN_ESRCH);
    expect_eq(DOMCTL(max_vcpus, other, max_vcpus, .max = 2), -XEN_EINVAL);
    require_eq(DOMCTL(max_vcpus, other, max_vcpus, .max = 1), 0);
    expect_eq(DOMCTL(getvcpuinfo, other, getvcpuinfo, .vcpu = 1), -XEN_EINVAL);
}

/* Frames. */

static void frames_of_domains(void) {
    uint64_t array[1] = {frames[0]};

    expect_eq(DOMCTL(getpageframeinfo3, other, getpageframeinfo3, .num = 1, .array.p = XEN_ADDRESS),
              -XEN_EFAULT);
    expect_eq(DOMCTL(getpageframeinfo3, other, getpageframeinfo3, .num = 1,
                     .array.p = read_only(array, sizeof(array))),
              -XEN_EFAULT);
    expect_eq(DOMCTL(hypercall_init, other, hypercall_init, .gmfn = frames[7]), 0);
    require_eq(mmuext_dom(MMUEXT_CLEAR_PAGE, frames[7], 0, other), 0);
    expect_eq(DOMCTL(hypercall_init, other, hypercall_init, .gmfn = virt_to_mfn(page_alloc())),
              -XEN_EINVAL);
    require_eq(mmuext_dom(MMUEXT_PIN_L1_TABLE, frames[7], 0, other), 0);
    expect_eq(DOMCTL(hypercall_init, other, hypercall_init, .gmfn = frames[7]), -XEN_EPERM);
    require_eq(mmuext_dom(MMUEXT_UNPIN_TABLE, frames[7], 0, other), 0);
}

/* Contexts of vcpus. */

static struct vcpu_guest_context context;

static long set_context(unsigned int vcpu, void *at) {
    return DOMCTL(setvcpucontext, other, vcpucontext, .vcpu = vcpu, .ctxt.p = at);
}

static void sane_context(void) {
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_in_kernel;
    context.ctrlreg[3] = xen_pfn_to_cr3(frames[0]);
}

#define REFUSED(what)                                                                              \
    do {                                                                                           \
        sane_context();                                                                            \
        what;                                                                                      \
        expect_eq(set_context(0, &context), -XEN_EINVAL);                                          \
    } while (0)

static void contexts(void) {
    expect_eq(set_context(1, &context), -XEN_EINVAL);
    expect_eq(set_context(0, XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(DOMCTL(getvcpucontext, other, vcpucontext, .ctxt.p = &context), -XEN_ENODATA);
    REFUSED(context.user_regs.rip = NONCANONICAL);
    REFUSED(context.kernel_sp = NONCANONICAL);
    REFUSED(context.fs_base = NONCANONICAL);
    REFUSED(context.syscall_callback_eip = NONCANONICAL);
    REFUSED(context.trap_ctxt[255].address = NONCANONICAL);
    REFUSED(context.ldt_ents = 8193);
    REFUSED(context.ldt_base = 8);
    REFUSED(context.ldt_base = (uint64_t)XEN_ADDRESS);
    REFUSED(context.gdt_ents = 16 * 512 + 1);
    REFUSED(context.vm_assist = 1UL << 40);
    REFUSED(context.flags = 0); /* user mode without its table */
    REFUSED(context.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(l4_table())));
    sane_context();
    expect_eq(set_context(0, &context), 0);
    expect_eq(DOMCTL(getvcpucontext, other, vcpucontext, .ctxt.p = XEN_ADDRESS), -XEN_EFAULT);
    context.ctrlreg[3] = xen_pfn_to_cr3(frames[1]);
    expect_eq(set_context(0, &context), -XEN_EOPNOTSUPP);
}

/* Processor policies. */

static void system_policies(void) {
    static uint32_t words[64];
    static xen_cpuid_leaf_t leaves[2];
    static xen_msr_entry_t msrs[1];
    long rc;

    expect_eq(SYSCTL(get_cpu_featureset, cpu_featureset, .index = 9, .nr_features = 64,
                     .features.p = words),
              -XEN_EINVAL);
    expect_eq(SYSCTL(get_cpu_featureset, cpu_featureset, .nr_features = 1, .features.p = words),
              -XEN_ENOBUFS);
    expect_eq(
        SYSCTL(get_cpu_featureset, cpu_featureset, .nr_features = 1, .features.p = XEN_ADDRESS),
        -XEN_EFAULT);
    rc = SYSCTL(get_cpu_featureset, cpu_featureset, .index = XEN_SYSCTL_cpu_featureset_hvm,
                .nr_features = 64, .features.p = words);
    expect(rc == 0 || rc == -XEN_EOPNOTSUPP); /* built without HVM guests */
    expect_eq(SYSCTL(get_cpu_policy, cpu_policy, .index = 9), -XEN_EINVAL);
    expect_eq(SYSCTL(get_cpu_policy, cpu_policy, ._rsvd = 1), -XEN_EINVAL);
    rc = SYSCTL(get_cpu_policy, cpu_policy, .index = XEN_SYSCTL_cpu_policy_hvm_max);
    expect(rc == 0 || rc == -XEN_EOPNOTSUPP);
    expect_eq(SYSCTL(get_cpu_policy, cpu_policy, .nr_leaves = 1, .leaves.p = leaves), -XEN_ENOBUFS);
    expect_eq(SYSCTL(get_cpu_policy, cpu_policy, .nr_leaves = 64, .leaves.p = XEN_ADDRESS),
              -XEN_EFAULT);
    expect_eq(SYSCTL(get_cpu_policy, cpu_policy, .nr_msrs = 0, .msrs.p = msrs), -XEN_ENOBUFS);
}

/* The one leaf or register that is refused is named. */
static long set_leaf(uint32_t leaf, uint32_t subleaf, uint32_t a) {
    xen_cpuid_leaf_t l = {.leaf = leaf, .subleaf = subleaf, .a = a};

    return DOMCTL(set_cpu_policy, other, cpu_policy, .nr_leaves = 1, .leaves.p = &l);
}

static long set_msr(uint32_t idx, uint32_t flags, uint64_t value) {
    xen_msr_entry_t m = {.idx = idx, .flags = flags, .val = value};

    return DOMCTL(set_cpu_policy, other, cpu_policy, .nr_msrs = 1, .msrs.p = &m);
}

static void domain_policies(void) {
    expect_eq(DOMCTL(set_cpu_policy, 0, cpu_policy, .nr_leaves = 0), -XEN_EINVAL);
    expect_eq(DOMCTL(set_cpu_policy, other, cpu_policy, .nr_leaves = 1, .leaves.p = XEN_ADDRESS),
              -XEN_EFAULT);
    expect_eq(DOMCTL(set_cpu_policy, other, cpu_policy, .nr_msrs = 1, .msrs.p = XEN_ADDRESS),
              -XEN_EFAULT);
    expect_eq(set_leaf(0x12345678, 3, 0), -XEN_ERANGE);
    expect_eq(domctl_op.u.cpu_policy.err_leaf, 0x12345678);
    expect_eq(domctl_op.u.cpu_policy.err_subleaf, 3);
    expect_eq(set_leaf(0, XEN_CPUID_NO_SUBLEAF, 0xff), -XEN_EINVAL);
    expect_eq(domctl_op.u.cpu_policy.err_leaf, 0);
    expect_eq(set_leaf(7, 0, 0xff), -XEN_EINVAL);
    expect_eq(domctl_op.u.cpu_policy.err_leaf, 7);
    expect_eq(set_leaf(0x80000000, XEN_CPUID_NO_SUBLEAF, 0x800000ff), -XEN_EINVAL);
    expect_eq(domctl_op.u.cpu_policy.err_leaf, 0x80000000);
    expect_eq(set_msr(0xce, 1, 0), -XEN_EINVAL);
    expect_eq(domctl_op.u.cpu_policy.err_msr, 0xce);
    expect_eq(set_msr(0xce, 0, 1UL << 32), -XEN_EOVERFLOW);
    expect_eq(set_msr(0xce, 0, 1), -XEN_EINVAL);
    expect_eq(set_msr(0x12345678, 0, 0), -XEN_ERANGE);
    expect_eq(domctl_op.u.cpu_policy.err_msr, 0x12345678);
    /* Not any more once it may run, though it has no vcpu that does. */
    expect_eq(domctl(XEN_DOMCTL_unpausedomain, other), 0);
    expect_eq(set_msr(0xce, 0, 0), -XEN_EEXIST);
    expect_eq(domctl(XEN_DOMCTL_pausedomain, other), 0);
}

/* The machine. */

#define POOL(what, ...)                                                                            \
    SYSCTL(cpupool_op, cpupool_op, .op = XEN_SYSCTL_CPUPOOL_OP_##what, __VA_ARGS__)
#define SCHEDULER(...) SYSCTL(scheduler_op, scheduler_op, __VA_ARGS__)

static void pools(void) {
    expect_eq(POOL(INFO, .cpupool_id = 7), -XEN_ENOENT);
    expect_eq(POOL(INFO, .cpumap = {.bitmap.p = XEN_ADDRESS, .nr_bits = 8}), -XEN_EFAULT);
    expect(POOL(CREATE, .cpupool_id = 7, .sched_id = 99) < 0);
    expect_eq(POOL(DESTROY, .cpupool_id = 7), -XEN_ENOENT);
    expect_eq(POOL(DESTROY, .cpupool_id = 0), -XEN_EBUSY);
    expect_eq(POOL(RMCPU, .cpupool_id = 7), -XEN_ENOENT);
    expect_eq(POOL(RMCPU, .cpupool_id = 0), -XEN_EINVAL); /* CPU 0 stays */
    expect_eq(POOL(ADDCPU, .cpupool_id = 7), -XEN_ENOENT);
    expect_eq(POOL(ADDCPU, .cpupool_id = 0), -XEN_ENODEV); /* it is not free */
    expect_eq(POOL(MOVEDOMAIN, .domid = DOMID_ABSENT), -XEN_ESRCH);
    expect_eq(POOL(MOVEDOMAIN, .domid = 0), -XEN_EPERM);
    expect_eq(POOL(MOVEDOMAIN, .domid = other, .cpupool_id = 7), -XEN_ENOENT);
    expect_eq(POOL(MOVEDOMAIN, .domid = other, .cpupool_id = 0), 0);
    expect_eq(SYSCTL(cpupool_op, cpupool_op, .op = 99), -XEN_ENOSYS);
    expect_eq(SCHEDULER(.cpupool_id = 7, .sched_id = XEN_SCHEDULER_CREDIT2,
                        .cmd = XEN_SYSCTL_SCHEDOP_getinfo),
              -XEN_ESRCH);
    expect_eq(SCHEDULER(.sched_id = 99, .cmd = XEN_SYSCTL_SCHEDOP_getinfo), -XEN_EINVAL);
    expect_eq(SCHEDULER(.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = 9), -XEN_EINVAL);
    expect_eq(SCHEDULER(.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_SYSCTL_SCHEDOP_putinfo,
                        .u.sched_credit2.ratelimit_us = XEN_SYSCTL_SCHED_RATELIMIT_MAX + 1),
              -XEN_EINVAL);
    expect_eq(SCHEDULER(.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_SYSCTL_SCHEDOP_putinfo,
                        .u.sched_credit2.ratelimit_us = XEN_SYSCTL_SCHED_RATELIMIT_MIN - 1),
              -XEN_EINVAL);
}

static void machine(void) {
    expect_eq(SYSCTL(readconsole, readconsole, .count = 16, .buffer.p = XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(
        SYSCTL(getdomaininfolist, getdomaininfolist, .max_domains = 1, .buffer.p = XEN_ADDRESS),
        -XEN_EFAULT);
    expect_eq(SYSCTL(debug_keys, debug_keys, .nr_keys = 1, .keys.p = XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(SYSCTL(getcpuinfo, getcpuinfo, .max_cpus = 1, .info.p = XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(SYSCTL(numainfo, numainfo, .num_nodes = 1, .meminfo.p = XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(SYSCTL(numainfo, numainfo, .num_nodes = 1, .distance.p = XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(SYSCTL(cputopoinfo, cputopoinfo, .num_cpus = 1, .cputopo.p = XEN_ADDRESS),
              -XEN_EFAULT);
    memset(&sop, 0, sizeof(sop));
    sop.cmd = XEN_SYSCTL_availheap;
    sop.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    expect_eq(hypercall1(__HYPERVISOR_sysctl, read_only(&sop, sizeof(sop))), -XEN_EFAULT);
    /* Numbers that these operations do not have either. */
    expect_eq(SYSCTL(cpu_hotplug, cpu_hotplug, .op = 99), -XEN_EOPNOTSUPP);
    expect_eq(SYSCTL(livepatch_op, livepatch, .cmd = 99), -XEN_EOPNOTSUPP);
    expect_eq(SYSCTL(page_offline_op, page_offline, .start = 1, .cmd = 3), -XEN_EINVAL);
}

/* What was cleared does not come back, from whichever place a reader goes on. */
static void cleared_log(void) {
    static char text[4096];
    uint32_t index = 0;

    do {
        require_eq(SYSCTL(readconsole, readconsole, .clear = 1, .incremental = 1, .index = index,
                          .count = sizeof(text), .buffer.p = (char *)text),
                   0);
        index = sop.u.readconsole.index;
    } while (sop.u.readconsole.count);
    expect_eq(SYSCTL(readconsole, readconsole, .incremental = 1, .count = sizeof(text),
                     .buffer.p = (char *)text),
              0);
    expect_eq(sop.u.readconsole.count, 0);
    expect_eq(sop.u.readconsole.index, index);
}

static void platform_operations(void) {
    uint32_t sec = shared->wc_sec, nsec = shared->wc_nsec;

    expect_eq(PLATFORM(settime64, settime64, .mbz = 1), -XEN_EINVAL);
    /* Nanoseconds may be more than a second: the time stays what it is. */
    expect_eq(PLATFORM(settime32, settime32, .secs = sec - 2, .nsecs = nsec + 2000000000U), 0);
    expect_eq(shared->wc_sec, sec);
    expect_eq(shared->wc_nsec, nsec);
    expect_eq(PLATFORM(firmware_info, firmware_info, .type = XEN_FW_DISK_INFO), -XEN_ESRCH);
    expect_eq(PLATFORM(firmware_info, firmware_info, .type = XEN_FW_DISK_MBR_SIGNATURE),
              -XEN_ESRCH);
    expect_eq(PLATFORM(firmware_info, firmware_info, .type = XEN_FW_VBEDDC_INFO, .index = 1),
              -XEN_ESRCH);
    expect_eq(PLATFORM(firmware_info, firmware_info, .type = XEN_FW_KBD_SHIFT_FLAGS, .index = 1),
              -XEN_ESRCH);
    expect_eq(PLATFORM(firmware_info, firmware_info, .type = XEN_FW_EFI_INFO), -XEN_ENOSYS);
    expect_eq(PLATFORM(enter_acpi_sleep, enter_acpi_sleep, .sleep_state = 5,
                       .flags = XENPF_ACPI_SLEEP_EXTENDED),
              -XEN_EPERM);
    expect_eq(PLATFORM(cpu_online, cpu_ol, .cpuid = 5000), -XEN_EINVAL);
    expect_eq(PLATFORM(cpu_offline, cpu_ol, .cpuid = 5000), -XEN_EINVAL);
    memset(&pop, 0xff, sizeof(pop));
    expect_eq(platform(XENPF_cpu_hotadd), -XEN_EINVAL);
    expect_eq(platform(XENPF_mem_hotadd), -XEN_EINVAL);
    expect_eq(platform(XENPF_read_memtype), -XEN_EINVAL);
    expect_eq(platform(XENPF_del_memtype), -XEN_EINVAL);
    expect_eq(platform(XENPF_resource_op), -XEN_EINVAL);
    expect_eq(platform(XENPF_core_parking), -XEN_EINVAL);
    expect_eq(PLATFORM(set_processor_pminfo, set_pminfo, .type = XEN_PM_TX), -XEN_ENOSYS);
    memset(&pop, 0, sizeof(pop));
    pop.cmd = XENPF_get_cpuinfo;
    pop.interface_version = XENPF_INTERFACE_VERSION;
    expect_eq(HV_platform_op(read_only(&pop, sizeof(pop))), -XEN_EFAULT);
}

static long mca(struct xen_mc *op, uint32_t cmd) {
    op->cmd = cmd;
    op->interface_version = XEN_MCA_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_mca, op);
}

static void machine_checks(void) {
    static char buffer[4096];
    struct xen_mc op = {0};

    expect_eq(hypercall1(__HYPERVISOR_mca, &op), -XEN_EACCES);
    op.u.mc_physcpuinfo = (struct xen_mc_physcpuinfo){.ncpus = 1, .info.p = XEN_ADDRESS};
    expect_eq(mca(&op, XEN_MC_physcpuinfo), -XEN_EFAULT);
    op.u.mc_physcpuinfo = (struct xen_mc_physcpuinfo){.ncpus = 0, .info.p = (void *)buffer};
    expect_eq(mca(&op, XEN_MC_physcpuinfo), -XEN_EINVAL);
    op.u.mc_fetch = (struct xen_mc_fetch){.flags = XEN_MC_NONURGENT | XEN_MC_URGENT};
    expect_eq(mca(&op, XEN_MC_fetch), -XEN_EINVAL);
    op.u.mc_fetch = (struct xen_mc_fetch){.flags = XEN_MC_NONURGENT};
    expect_eq(mca(&op, XEN_MC_fetch), -XEN_EINVAL); /* nowhere to put it */
    op.u.mc_fetch = (struct xen_mc_fetch){.flags = XEN_MC_NONURGENT, .data.p = (void *)buffer};
    expect_eq(mca(&op, XEN_MC_fetch), 0);
    expect_eq(op.u.mc_fetch.flags, XEN_MC_NODATA);
}

static void facts_of_the_hypervisor(void) {
    static char buffer[sizeof(xen_build_id_t) + 64];
    xen_build_id_t *id = (xen_build_id_t *)buffer;

    expect_eq(HV_xen_version(XENVER_extraversion, XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(HV_xen_version(XENVER_get_features, XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(HV_xen_version(XENVER_pagesize, id), -XEN_EINVAL);
    expect_eq(HV_xen_version(XENVER_build_id, XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(HV_xen_version(XENVER_build_id, id), -XEN_EINVAL);
    id->len = 19;
    expect_eq(HV_xen_version(XENVER_build_id, id), -XEN_ENOBUFS);
    id->len = 20;
    expect_eq(HV_xen_version(XENVER_build_id, read_only(buffer, sizeof(buffer))), -XEN_EFAULT);
    expect_eq(HV_xen_version(XENVER_build_id, id), 20);
    expect_eq(HV_console_io(CONSOLEIO_write, 5, XEN_ADDRESS), -XEN_EFAULT);
    expect_eq(HV_console_io(CONSOLEIO_read, 0x80000000U, buffer), -XEN_E2BIG);
}

void test_main(void) {
    make_domain();
    creations();
    dead();
    without_vcpus();
    facts();
    emulated_tsc();
    nodes();
    affinities();
    frames_of_domains();
    contexts();
    system_policies();
    domain_policies();
    pools();
    machine();
    cleared_log();
    platform_operations();
    machine_checks();
    facts_of_the_hypervisor();
    expect_eq(domctl(XEN_DOMCTL_destroydomain, other), 0);
}
