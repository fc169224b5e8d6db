/* SPDX-License-Identifier: MIT */
/*
 * cpus64: 64 CPUs come up, each with its own identity; the domain has as many vcpus, and the last
 * of the first eight runs. One that has no vcpu_info yet can not be made ready.
 * Run with: --smp 64 --mem 1G --timeout 550
 */
#include <public/platform.h>
#include <public/vcpu.h>
#include "event.h"
#include "vcpu.h"

static volatile bool ran;

static void say(void) { ran = true; }

void test_main(void) {
    struct xen_platform_op op = {.cmd = XENPF_get_cpuinfo,
                                 .interface_version = XENPF_INTERFACE_VERSION};
    uint64_t seen[4] = {0};
    unsigned int online = 0, max = 63;

    for (unsigned int cpu = 0; cpu <= max && cpu < 256; cpu++) {
        op.u.pcpu_info.xen_cpuid = cpu;
        require_eq(HV_platform_op(&op), 0);
        max = op.u.pcpu_info.max_present;
        if (!(op.u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE)) continue;
        online++;
        expect_eq(test_and_set_bit(op.u.pcpu_info.apic_id & 255, seen), false);
    }
    expect_eq(max, 63);
    expect_eq(online, 64);
    expect_eq(nr_vcpus(), 64);
    expect_eq(HV_vcpu_op(VCPUOP_initialise, XEN_LEGACY_MAX_VCPUS, NULL), -XEN_EINVAL);
    expect_eq(HV_vcpu_op(VCPUOP_initialise, XEN_LEGACY_MAX_VCPUS - 1, NULL), -XEN_EFAULT);
    require_eq(vcpu_start(7, say), 0);
    vcpu_wait_down(7);
    expect(ran);
}
