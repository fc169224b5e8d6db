/* SPDX-License-Identifier: MIT */
/*
 * domctl: every operation of domctl on a domain with a few frames and a vcpu, which the test
 * kernel, as dom0, makes: with a structure of zeros, and of ones. What can not be is refused with
 * stock Xen's errors; what can is done, and the domain is still there to be destroyed.
 */
#include <public/memory.h>
#include "domctl.h"
#include "mm.h"

#define NR_FRAMES 8
#define ANY       (-4096L) /* not asked: guest/differences.txt says why */

static uint64_t frames[NR_FRAMES];
static domid_t other;

static const struct operation {
    const char *name;
    unsigned int cmd;
    long zeros, ones;
} operations[] = {
#define OPERATION(name, zeros, ones)                                                               \
    { #name, XEN_DOMCTL_##name, zeros, ones }
    OPERATION(pausedomain, 0, 0),
    OPERATION(getdomaininfo, 0, 0),
    OPERATION(setvcpuaffinity, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(max_mem, 0, 0),
    OPERATION(setvcpucontext, 0, -XEN_EINVAL),
    OPERATION(getvcpucontext, -XEN_ENODATA, -XEN_EINVAL),
    OPERATION(getvcpuinfo, 0, -XEN_EINVAL),
    OPERATION(max_vcpus, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(scheduler_op, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(setdomainhandle, 0, 0),
    OPERATION(setdebugging, 0, 0),
    OPERATION(irq_permission, ANY, -XEN_EINVAL),
    OPERATION(iomem_permission, -XEN_EPERM, -XEN_EINVAL),
    OPERATION(ioport_permission, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(settimeoffset, 0, 0),
    OPERATION(getvcpuaffinity, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(real_mode_area, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(resumedomain, 0, 0),
    OPERATION(hypercall_init, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(sendtrigger, 0, -XEN_ESRCH),
    OPERATION(set_address_size, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(get_address_size, 0, 0),
    OPERATION(set_ext_vcpucontext, -XEN_EINVAL, -XEN_ESRCH),
    OPERATION(get_ext_vcpucontext, 0, -XEN_ESRCH),
    OPERATION(set_opt_feature, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(vm_event_op, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(mem_sharing_op, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(gettscinfo, 0, 0),
    OPERATION(settscinfo, 0, -XEN_EINVAL),
    OPERATION(getpageframeinfo3, 0, -XEN_E2BIG),
    OPERATION(audit_p2m, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(set_virq_handler, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(setnodeaffinity, -XEN_EINVAL, ANY),
    OPERATION(getnodeaffinity, 0, ANY),
    OPERATION(cacheflush, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(vuart_op, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(get_cpu_policy, 0, -XEN_EFAULT),
    OPERATION(set_cpu_policy, 0, -XEN_E2BIG),
    OPERATION(gdbsx_guestmemio, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(gdbsx_pausevcpu, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(gdbsx_unpausevcpu, -XEN_ENOSYS, -XEN_ENOSYS),
    OPERATION(gdbsx_domstatus, -XEN_ENOSYS, -XEN_ENOSYS),
    /* Not for a PV domain, or not on this machine. */
    OPERATION(shadow_op, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(gethvmcontext, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(sethvmcontext, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(gethvmcontext_partial, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(bind_pt_irq, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(unbind_pt_irq, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(memory_mapping, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(debug_op, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(setvnumainfo, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(soft_reset, -XEN_EINVAL, -XEN_EINVAL), /* it has not shut down */
    OPERATION(vmtrace_op, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(setvcpuextstate, -XEN_EINVAL, ANY),
    OPERATION(set_broken_page_p2m, -XEN_EINVAL, -XEN_EINVAL),
    OPERATION(ioport_mapping, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(assign_device, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(test_assign_device, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(deassign_device, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(get_device_group, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(set_target, -XEN_EOPNOTSUPP, ANY),
    OPERATION(monitor_op, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(get_paging_mempool_size, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(set_paging_mempool_size, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP),
    OPERATION(psr_cmt_op, -XEN_ENODEV, -XEN_ENODEV),
    OPERATION(psr_alloc, -XEN_ENODEV, ANY),
};

static long with_bytes(int byte, unsigned int cmd, domid_t domain) {
    memset(&domctl_op, byte, sizeof(domctl_op));
    return domctl(cmd, domain);
}

static void make_domain(void) {
    other = domctl_create(2);
    domctl_populate(other, frames, NR_FRAMES);
    domctl_op.u.max_vcpus.max = 1;
    require_eq(domctl(XEN_DOMCTL_max_vcpus, other), 0);
}

static void ask(const struct operation *o, int byte, long want) {
    long got;

    if (want == ANY) return;
    got = with_bytes(byte, o->cmd, other);
    count_check();
    if (got != want) failure("%s of 0x%x gives %ld, want %ld", o->name, byte & 0xff, got, want);
}

static void not_of_the_caller(void) {
    static const unsigned int cmds[] = {XEN_DOMCTL_pausedomain, XEN_DOMCTL_max_vcpus,
                                        XEN_DOMCTL_resumedomain, XEN_DOMCTL_destroydomain};

    for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++)
        expect_eq(with_bytes(0, cmds[i], 0), -XEN_EINVAL);
}

static void bad_creations(void) {
    expect_eq(with_bytes(0, XEN_DOMCTL_createdomain, 0), -XEN_EINVAL); /* no vcpu */
    expect_eq(with_bytes(0xff, XEN_DOMCTL_createdomain, 0), -XEN_EINVAL);
    memset(&domctl_op, 0, sizeof(domctl_op));
    domctl_op.u.createdomain.max_vcpus = 8193;
    expect_eq(domctl(XEN_DOMCTL_createdomain, 0), -XEN_EINVAL);
    expect_eq(with_bytes(0xff, XEN_DOMCTL_createdomain, other), -XEN_EEXIST);
}

void test_main(void) {
    make_domain();
    for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++) {
        ask(&operations[i], 0, operations[i].zeros);
        ask(&operations[i], 0xff, operations[i].ones);
    }
    not_of_the_caller();
    bad_creations();
    expect_eq(with_bytes(0, XEN_DOMCTL_getdomaininfo, other), 0);
    expect_eq(domctl_op.domain, other);
    expect_eq(domctl_op.u.getdomaininfo.tot_pages, NR_FRAMES);
    expect(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_paused);
    expect_eq(with_bytes(0, XEN_DOMCTL_destroydomain, other), 0);
    expect_eq(with_bytes(0, XEN_DOMCTL_destroydomain, other), -XEN_ESRCH);
}
