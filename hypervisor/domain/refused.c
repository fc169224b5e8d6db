/* SPDX-License-Identifier: MIT */
/*
 * Operations of the control interfaces that Hospes does not have, as data: the error by which a Xen
 * 4.17 refuses them that does not have them either, or has nothing here to do them with (a PV
 * domain, no IOMMU, no cache allocation, no MTRRs to give). The others are refused with -ENOSYS, as
 * by a Xen built without them: where stock Xen would do something, an error is better than a lie.
 */
#include "domctl.h"

#include <public/platform.h>
#include <public/sysctl.h>

/* clang-format off */
#define DOMCTL(op, error)   {POL_DOMCTL, error, XEN_DOMCTL_##op}
#define SYSCTL(op, error)   {POL_SYSCTL, error, XEN_SYSCTL_##op}
#define PLATFORM(op, error) {POL_PLATFORM, error, XENPF_##op}
static const struct { uint16_t family, error, cmd; } refused[] = {
    DOMCTL(shadow_op, EINVAL), DOMCTL(gethvmcontext, EINVAL), DOMCTL(sethvmcontext, EINVAL),
    DOMCTL(gethvmcontext_partial, EINVAL), DOMCTL(bind_pt_irq, EINVAL),
    DOMCTL(unbind_pt_irq, EINVAL), DOMCTL(memory_mapping, EINVAL), DOMCTL(debug_op, EINVAL),
    DOMCTL(setvnumainfo, EINVAL), DOMCTL(soft_reset, EINVAL), DOMCTL(setvcpuextstate, EINVAL),
    DOMCTL(set_broken_page_p2m, EINVAL), DOMCTL(vmtrace_op, EINVAL),
    DOMCTL(ioport_mapping, EOPNOTSUPP), DOMCTL(assign_device, EOPNOTSUPP),
    DOMCTL(test_assign_device, EOPNOTSUPP), DOMCTL(deassign_device, EOPNOTSUPP),
    DOMCTL(get_device_group, EOPNOTSUPP), DOMCTL(set_target, EOPNOTSUPP),
    DOMCTL(monitor_op, EOPNOTSUPP), DOMCTL(get_paging_mempool_size, EOPNOTSUPP),
    DOMCTL(set_paging_mempool_size, EOPNOTSUPP),
    DOMCTL(psr_cmt_op, ENODEV), DOMCTL(psr_alloc, ENODEV),
    SYSCTL(page_offline_op, EINVAL), SYSCTL(pcitopoinfo, EINVAL),
    SYSCTL(cpu_hotplug, EOPNOTSUPP), SYSCTL(coverage_op, EOPNOTSUPP),
    SYSCTL(livepatch_op, EOPNOTSUPP),
    SYSCTL(get_pmstat, ENODEV), SYSCTL(psr_cmt_op, ENODEV), SYSCTL(psr_alloc, ENODEV),
    PLATFORM(add_memtype, EINVAL), PLATFORM(del_memtype, EINVAL), PLATFORM(read_memtype, EINVAL),
    PLATFORM(microcode_update, EINVAL), PLATFORM(platform_quirk, EINVAL),
    PLATFORM(cpu_hotadd, EINVAL), PLATFORM(mem_hotadd, EINVAL), PLATFORM(core_parking, EINVAL),
    PLATFORM(resource_op, EINVAL),
};
/* clang-format on */

long refuse(enum policy_op family, uint32_t cmd) {
    for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++)
        if (refused[i].family == family && refused[i].cmd == cmd) return -(long)refused[i].error;
    return -ENOSYS;
}
