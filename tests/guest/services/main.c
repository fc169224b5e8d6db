/* SPDX-License-Identifier: MIT */
/*
 * services: what dom0's kernel and the tools may ask for besides running: the control interfaces,
 * devices, memory. Every operation that is numbered is asked with an argument of zeros, without
 * one, with one in the hypervisor's memory, or with another version, and must give stock Xen's
 * answer; what the operations do beyond that, other tests show. Hypercalls that nobody serves, and
 * numbers that were never given out, give -ENOSYS.
 */
#include <public/arch-x86/xen-mca.h>
#include <public/callback.h>
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/kexec.h>
#include <public/memory.h>
#include <public/nmi.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/pmu.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define XEN_ADDRESS  0xffff830000000000UL
#define DOMID_ABSENT 0x7000
#define ANY          (-4096L) /* not asked, or an answer that depends on the machine */
#define FAULT_       (-XEN_EFAULT)

static uint64_t argument[64];
static const char *asked;

static void *zeros(void) { return memset(argument, 0, sizeof(argument)); }

static void answer(long got, long want, const char *how) {
    count_check();
    if (want != ANY && got != want) failure("%s %s gives %ld, want %ld", asked, how, got, want);
}

/* The command is an argument of its own. Answers: to zeros, to NULL and to a bad pointer. */
struct service {
    const char *name;
    unsigned int op, cmd;
    long zero, null, bad;
};
#define SERVICE(op, cmd, zero, null, bad)                                                          \
    { #cmd, __HYPERVISOR_##op, cmd, zero, null, bad }
/* An operation that reads its argument, and says this of zeros. */
#define READS(op, cmd, zero) SERVICE(op, cmd, zero, FAULT_, FAULT_)
/* One that does not look at it. */
#define BLIND(op, cmd, zero) SERVICE(op, cmd, zero, zero, zero)

static const struct service services[] = {
    BLIND(memory_op, XENMEM_get_sharing_freed_pages, 0),
    BLIND(memory_op, XENMEM_get_sharing_shared_pages, 0),
    BLIND(memory_op, XENMEM_machphys_compat_mfn_list, -XEN_EOPNOTSUPP),
    BLIND(memory_op, XENMEM_paging_op, -XEN_ENOSYS),
    BLIND(memory_op, XENMEM_sharing_op, -XEN_ENOSYS),
    READS(memory_op, XENMEM_acquire_resource, -XEN_EPERM), /* of dom0 itself, by its number */
    READS(memory_op, XENMEM_add_to_physmap, -XEN_EACCES),
    READS(memory_op, XENMEM_add_to_physmap_batch, -XEN_EACCES),
    READS(memory_op, XENMEM_claim_pages, ANY),
    READS(memory_op, XENMEM_current_reservation, ANY),
    READS(memory_op, XENMEM_exchange, 0),
    READS(memory_op, XENMEM_get_vnumainfo, -XEN_EOPNOTSUPP),
    READS(memory_op, XENMEM_machine_memory_map, 0),
    READS(memory_op, XENMEM_machphys_mapping, 0),
    READS(memory_op, XENMEM_machphys_mfn_list, 0),
    READS(memory_op, XENMEM_maximum_gpfn, ANY),
    READS(memory_op, XENMEM_maximum_reservation, ANY),
    READS(memory_op, XENMEM_memory_map, -XEN_ENOSYS),
    READS(memory_op, XENMEM_remove_from_physmap, -XEN_EACCES),
    READS(memory_op, XENMEM_get_pod_target, -XEN_EINVAL),
    READS(memory_op, XENMEM_reserved_device_memory_map, 0), /* there is no IOMMU */
    READS(memory_op, XENMEM_set_memory_map, ANY),
    READS(memory_op, XENMEM_set_pod_target, -XEN_EINVAL),
    BLIND(physdev_op, PHYSDEVOP_free_irq_vector, -XEN_ENOSYS),
    READS(physdev_op, PHYSDEVOP_alloc_irq_vector, 0),
    READS(physdev_op, PHYSDEVOP_apic_read, -XEN_EINVAL),
    READS(physdev_op, PHYSDEVOP_apic_write, -XEN_EINVAL),
    READS(physdev_op, PHYSDEVOP_dbgp_op, 0),
    READS(physdev_op, PHYSDEVOP_eoi, -XEN_EINVAL),
    READS(physdev_op, PHYSDEVOP_get_free_pirq, 0),
    READS(physdev_op, PHYSDEVOP_irq_status_query, 0),
    READS(physdev_op, PHYSDEVOP_manage_pci_add, 0),
    READS(physdev_op, PHYSDEVOP_manage_pci_add_ext, 0),
    READS(physdev_op, PHYSDEVOP_manage_pci_remove, 0),
    READS(physdev_op, PHYSDEVOP_map_pirq, -XEN_EINVAL),
    READS(physdev_op, PHYSDEVOP_pci_device_add, 0),
    READS(physdev_op, PHYSDEVOP_pci_device_remove, 0),
    READS(physdev_op, PHYSDEVOP_pci_mmcfg_reserved, -XEN_ENODEV),
    READS(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v1, -XEN_EINVAL),
    READS(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, -XEN_EINVAL),
    READS(physdev_op, PHYSDEVOP_prepare_msix, -XEN_ENODEV),
    READS(physdev_op, PHYSDEVOP_release_msix, -XEN_ENODEV),
    READS(physdev_op, PHYSDEVOP_restore_msi, ANY),
    READS(physdev_op, PHYSDEVOP_restore_msi_ext, ANY),
    READS(physdev_op, PHYSDEVOP_set_iobitmap, 0),
    READS(physdev_op, PHYSDEVOP_set_iopl, 0),
    READS(physdev_op, PHYSDEVOP_setup_gsi, ANY),
    READS(physdev_op, PHYSDEVOP_unmap_pirq, -XEN_EINVAL),
    BLIND(physdev_op, PHYSDEVOP_IRQ_UNMASK_NOTIFY, 0),
    READS(callback_op, CALLBACKOP_register, ANY),
    READS(callback_op, CALLBACKOP_unregister, ANY),
    READS(sched_op, SCHEDOP_pin_override, ANY),
    READS(sched_op, SCHEDOP_remote_shutdown, ANY),
    READS(nmi_op, XENNMI_register_callback, ANY),
    BLIND(nmi_op, XENNMI_unregister_callback, 0),
    BLIND(xenpmu_op, XENPMU_feature_get, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_feature_set, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_finish, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_flush, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_init, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_lvtpc_set, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_mode_get, -XEN_EOPNOTSUPP),
    BLIND(xenpmu_op, XENPMU_mode_set, -XEN_EOPNOTSUPP),
};

static void by_number(void) {
    for (unsigned int i = 0; i < ARRAY_SIZE(services); i++) {
        const struct service *s = &services[i];

        asked = s->name;
        if (s->zero != ANY) answer(hypercall2(s->op, s->cmd, zeros()), s->zero, "with zeros");
        if (s->null != ANY) answer(hypercall2(s->op, s->cmd, 0), s->null, "with NULL");
        if (s->bad != ANY)
            answer(hypercall2(s->op, s->cmd, XEN_ADDRESS), s->bad, "of Xen's memory");
    }
    HV_physdev_op(PHYSDEVOP_set_iopl, &(struct physdev_set_iopl){.iopl = 1});
}

/* Bits above the number: an operation that goes on where it stopped, which most never do. */
static void above_the_number(void) {
    static const uint8_t common[] = {
        XENMEM_exchange,      XENMEM_maximum_ram_page,   XENMEM_current_reservation,
        XENMEM_claim_pages,   XENMEM_maximum_gpfn,       XENMEM_maximum_reservation,
        XENMEM_get_vnumainfo, XENMEM_remove_from_physmap};
    static const uint8_t others[] = {XENMEM_memory_map,         XENMEM_set_memory_map,
                                     XENMEM_machine_memory_map, XENMEM_machphys_mapping,
                                     XENMEM_set_pod_target,     XENMEM_machphys_mfn_list,
                                     XENMEM_get_pod_target,     63};

    for (unsigned int i = 0; i < ARRAY_SIZE(common); i++)
        expect_eq(HV_memory_op(common[i] | 1u << 6, zeros()), -XEN_EINVAL);
    for (unsigned int i = 0; i < ARRAY_SIZE(others); i++)
        expect_eq(HV_memory_op(others[i] | 1u << 6, zeros()), -XEN_ENOSYS);
    expect_eq(HV_memory_op(XENMEM_add_to_physmap | 1u << 22, zeros()), -XEN_EDOM);
    expect_eq(HV_memory_op(XENMEM_add_to_physmap_batch | 1u << 22, zeros()), -XEN_EDOM);
    expect_eq(HV_memory_op(XENMEM_add_to_physmap | 1u << 6, zeros()), -XEN_EACCES);
    for (unsigned int op = 0; op < GNTTABOP_cache_flush; op++)
        expect_eq(HV_grant_table_op(op | 1u << 12, zeros(), 1), -XEN_EINVAL);
}

/* The command is the first word of the argument, the interface's version the second. */
struct control {
    const char *name;
    unsigned int op, cmd, version;
    long zero;
};
#define CONTROL(op, version, cmd, zero)                                                            \
    { #cmd, __HYPERVISOR_##op, cmd, version, zero }
#define SYSCTL(cmd, zero)   CONTROL(sysctl, XEN_SYSCTL_INTERFACE_VERSION, XEN_SYSCTL_##cmd, zero)
#define PLATFORM(cmd, zero) CONTROL(platform_op, XENPF_INTERFACE_VERSION, XENPF_##cmd, zero)

static const struct control controls[] = {
    SYSCTL(availheap, 0),
    SYSCTL(cputopoinfo, 0),
    SYSCTL(debug_keys, 0),
    SYSCTL(get_cpu_featureset, 0),
    SYSCTL(get_cpu_levelling_caps, 0),
    SYSCTL(get_cpu_policy, 0),
    SYSCTL(getcpuinfo, 0),
    SYSCTL(getdomaininfolist, 0),
    SYSCTL(lockprof_op, -XEN_ENOSYS),
    SYSCTL(numainfo, 0),
    SYSCTL(perfc_op, -XEN_ENOSYS),
    SYSCTL(physinfo, 0),
    SYSCTL(pm_op, -XEN_ENOSYS),
    SYSCTL(readconsole, 0),
    SYSCTL(sched_id, 0),
    SYSCTL(scheduler_op, -XEN_EINVAL),
    SYSCTL(coverage_op, -XEN_EOPNOTSUPP),
    SYSCTL(cpu_hotplug, ANY),
    SYSCTL(cpupool_op, -XEN_ENOSYS),
    SYSCTL(get_pmstat, -XEN_ENODEV),
    SYSCTL(livepatch_op, ANY),
    SYSCTL(page_offline_op, ANY),
    SYSCTL(pcitopoinfo, -XEN_EINVAL),
    SYSCTL(psr_alloc, -XEN_ENODEV),
    SYSCTL(psr_cmt_op, -XEN_ENODEV),
    SYSCTL(tbuf_op, ANY),
    PLATFORM(change_freq, -XEN_ENOSYS),
    PLATFORM(cpu_offline, -XEN_EOPNOTSUPP),
    PLATFORM(efi_runtime_call, -XEN_ENOSYS),
    PLATFORM(enter_acpi_sleep, -XEN_EINVAL),
    PLATFORM(firmware_info, -XEN_EINVAL),
    PLATFORM(get_cpu_version, 0),
    PLATFORM(get_cpuinfo, 0),
    PLATFORM(getidletime, -XEN_ENOSYS),
    PLATFORM(settime32, 0),
    PLATFORM(settime64, 0),
    PLATFORM(cpu_online, 0),
    PLATFORM(add_memtype, -XEN_EINVAL),
    PLATFORM(core_parking, -XEN_EINVAL),
    PLATFORM(cpu_hotadd, ANY),
    PLATFORM(del_memtype, ANY),
    PLATFORM(get_symbol, ANY),
    PLATFORM(mem_hotadd, -XEN_EINVAL),
    PLATFORM(microcode_update, -XEN_EINVAL),
    PLATFORM(platform_quirk, -XEN_EINVAL),
    PLATFORM(read_memtype, ANY),
    PLATFORM(resource_op, ANY),
    PLATFORM(set_processor_pminfo, ANY),
    CONTROL(mca, XEN_MCA_INTERFACE_VERSION, XEN_MC_fetch, -XEN_EINVAL),
    CONTROL(mca, XEN_MCA_INTERFACE_VERSION, XEN_MC_physcpuinfo, 0),
};

static long control(unsigned int op, uint32_t cmd, uint32_t version, uint32_t domain) {
    uint32_t *words = zeros();

    words[0] = cmd;
    words[1] = version;
    words[2] = domain;
    return hypercall1(op, argument);
}

static void by_structure(void) {
    static const unsigned int ops[] = {__HYPERVISOR_sysctl, __HYPERVISOR_platform_op,
                                       __HYPERVISOR_domctl, __HYPERVISOR_mca};

    for (unsigned int i = 0; i < ARRAY_SIZE(controls); i++) {
        const struct control *c = &controls[i];

        asked = c->name;
        if (c->zero != ANY) answer(control(c->op, c->cmd, c->version, 0), c->zero, "with zeros");
        /* Machine checks: the version is looked at in each operation. */
        if (c->op != __HYPERVISOR_mca)
            answer(control(c->op, c->cmd, 0, 0), -XEN_EACCES, "of another version");
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
        expect_eq(hypercall1(ops[i], 0), FAULT_);
        expect_eq(hypercall1(ops[i], XEN_ADDRESS), FAULT_);
    }
}

/* Numbers of domctl that 4.17 has; each looks for the domain before anything else. */
static void domains_that_are_not(void) {
    static const struct {
        uint16_t first, last;
    } numbers[] = {{2, 5},   {9, 22},  {24, 29}, {33, 40}, {42, 48}, {50, 50},
                   {54, 57}, {59, 69}, {71, 75}, {77, 79}, {81, 86}, {1000, 1003}};

    asked = "domctl";
    for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
        for (unsigned int cmd = numbers[i].first; cmd <= numbers[i].last; cmd++) {
            long got =
                control(__HYPERVISOR_domctl, cmd, XEN_DOMCTL_INTERFACE_VERSION, DOMID_ABSENT);

            count_check();
            if (got != -XEN_ESRCH) failure("domctl %u of no domain gives %ld", cmd, got);
            got = control(__HYPERVISOR_domctl, cmd, 0, 0);
            count_check();
            if (got != -XEN_EACCES) failure("domctl %u of version 0 gives %ld", cmd, got);
        }
}

static void nobody_serves(void) {
    static const unsigned int numbers[] = {11, __HYPERVISOR_xsm_op, __HYPERVISOR_hvm_op,
                                           __HYPERVISOR_tmem_op, __HYPERVISOR_argo_op};

    for (unsigned int i = 0; i < ARRAY_SIZE(numbers); i++)
        expect_eq(hypercall2(numbers[i], 99, zeros()), -XEN_ENOSYS);
    for (unsigned int i = 43; i < 128; i++)
        if (i < __HYPERVISOR_arch_0 || i > __HYPERVISOR_arch_1)
            expect_eq(hypercall2(i, 99, zeros()), -XEN_ENOSYS);
    expect_eq(hypercall2(0xffffffff, 0, 0), -XEN_ENOSYS);
}

/*
 * What stock Xen serves and Hospes does not, or the other way round, asked for something that can
 * not be: it is refused, each with its own reason (guest/differences.txt).
 */
static void refused_by_both(void) {
    static const uint8_t ops[] = {__HYPERVISOR_xenoprof_op, __HYPERVISOR_dm_op,
                                  __HYPERVISOR_hypfs_op};

    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) expect(hypercall2(ops[i], 99, zeros()) < 0);
    for (unsigned int cmd = KEXEC_CMD_kexec; cmd <= KEXEC_CMD_kexec_status; cmd++)
        expect(hypercall2(__HYPERVISOR_kexec_op, cmd, 0) < 0);
    for (unsigned int cmd = XEN_MC_notifydomain; cmd <= XEN_MC_inject_v2; cmd++) {
        memset(zeros(), 0xff, sizeof(argument));
        argument[0] = cmd | (uint64_t)XEN_MCA_INTERFACE_VERSION << 32;
        if (cmd != XEN_MC_physcpuinfo)
            expect_eq(hypercall1(__HYPERVISOR_mca, argument), -XEN_EINVAL);
    }
    expect(HV_memory_op(XENMEM_access_op, XEN_ADDRESS) < 0);
    expect(HV_grant_table_op(GNTTABOP_transfer, XEN_ADDRESS, 1) < 0);
}

static long flush(uint64_t address, unsigned int offset, unsigned int length, uint32_t op) {
    struct gnttab_cache_flush f = {.a.dev_bus_addr = address,
                                   .offset = (uint16_t)offset,
                                   .length = (uint16_t)length,
                                   .op = op};

    return HV_grant_table_op(GNTTABOP_cache_flush, &f, 1);
}

/* A domain that there is not, and flags. */
static void memory_of_others(void) {
    struct xen_pod_target target = {.domid = DOMID_ABSENT};
    struct xen_reserved_device_memory_map map = {.flags = 2};

    expect_eq(HV_memory_op(XENMEM_get_pod_target, &target), -XEN_ESRCH);
    expect_eq(HV_memory_op(XENMEM_set_pod_target, &target), -XEN_ESRCH);
    expect_eq(HV_memory_op(XENMEM_reserved_device_memory_map, &map), -XEN_EINVAL);
    map.flags = XENMEM_RDM_ALL;
    map.nr_entries = 4;
    map.buffer.p = (void *)XEN_ADDRESS;
    expect_eq(HV_memory_op(XENMEM_reserved_device_memory_map, &map), FAULT_);
    map.buffer.p = (void *)argument;
    expect_eq(HV_memory_op(XENMEM_reserved_device_memory_map, &map), 0);
    expect_eq(map.nr_entries, 0);
}

static void cache_flush(void) {
    uint64_t own = machine_address(page_alloc());

    expect_eq(HV_grant_table_op(GNTTABOP_cache_flush, XEN_ADDRESS, 1), FAULT_);
    expect_eq(HV_grant_table_op(GNTTABOP_cache_flush, NULL, 0), 0);
    expect_eq(flush(0, 0, 0, GNTTAB_CACHE_CLEAN), 0);
    expect_eq(flush(0, 0, 64, 0), 0);
    expect_eq(flush(own, 4096, 0, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    expect_eq(flush(own, 4032, 65, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    expect_eq(flush(own, 0, 4097, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    expect_eq(flush(own, 0, 64, 4), -XEN_EINVAL);
    expect_eq(flush(own, 0, 64, GNTTAB_CACHE_SOURCE_GREF), -XEN_EINVAL);
    expect_eq(flush(1UL << 44, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    expect_eq(flush(own, 0, 64, GNTTAB_CACHE_INVAL), -XEN_EOPNOTSUPP);
    expect_eq(flush(own, 100, 3996, GNTTAB_CACHE_CLEAN), 0);
    expect_eq(flush(own, 0, 4096, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL), 0);
}

/* The first forms of three hypercalls. */
static void old_forms(void) {
    struct evtchn_op send = {.cmd = EVTCHNOP_send, .u.send.port = 0};
    struct physdev_op status = {.cmd = PHYSDEVOP_irq_status_query};

    expect_eq(hypercall2(__HYPERVISOR_sched_op_compat, SCHEDOP_yield, 0), 0);
    expect_eq(hypercall2(__HYPERVISOR_sched_op_compat, 3, 0), -XEN_ENOSYS);
    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, &send), -XEN_EINVAL);
    send.cmd = EVTCHNOP_reset;
    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, &send), -XEN_ENOSYS);
    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, 0), FAULT_);
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &status), 0);
    status.cmd = PHYSDEVOP_IRQ_UNMASK_NOTIFY;
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &status), 0);
    status.cmd = 99;
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &status), -XEN_ENOSYS);
    status.cmd = PHYSDEVOP_apic_write;
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &status), -XEN_EINVAL);
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, 0), FAULT_);
}

static void the_rest(void) {
    struct vcpu_get_physid physid;
    struct sched_shutdown code = {.reason = SHUTDOWN_crash + 100};
    struct sched_watchdog dog = {.id = 7, .timeout = 100};
    uint64_t *entry = l1_entry(argument);
    char text[8];

    expect_eq(HV_vm_assist(VMASST_CMD_enable, VMASST_TYPE_4gb_segments), 0);
    expect_eq(HV_vm_assist(VMASST_CMD_disable, VMASST_TYPE_4gb_segments), 0);
    expect_eq(HV_vm_assist(VMASST_CMD_enable, 200), -XEN_EINVAL);
    expect_eq(HV_vm_assist(2, 0), -XEN_ENOSYS);
    expect_eq(hypercall2(__HYPERVISOR_nmi_op, 99, zeros()), -XEN_ENOSYS);
    expect_eq(HV_console_io(CONSOLEIO_read, sizeof(text), text), 0);
    expect_eq(HV_console_io(7, 1, text), -XEN_ENOSYS);
    expect_eq(HV_sched_op(SCHEDOP_shutdown_code, 0), FAULT_);
    expect_eq(HV_sched_op(SCHEDOP_shutdown, 0), FAULT_);
    expect_eq(HV_sched_op(99, &code), -XEN_ENOSYS);
    expect_eq(HV_sched_op(SCHEDOP_watchdog, &dog), -XEN_EINVAL);
    expect_eq(HV_sched_op(SCHEDOP_watchdog, 0), FAULT_);
    expect_eq(HV_vcpu_op(VCPUOP_get_physid, 8000, &physid), -XEN_ENOENT);
    expect_eq(HV_vcpu_op(VCPUOP_send_nmi, 8000, 0), -XEN_ENOENT);
    expect_eq(HV_vcpu_op(99, 0, 0), -XEN_ENOSYS);
    expect_eq(HV_grant_table_op(GNTTABOP_dump_table, zeros(), 1), -XEN_ENOSYS);
    expect_eq(HV_xen_version(XENVER_build_id, 0), 20);
    /* The number is EVTCHNOP_reset_cont inside the hypervisor, which has nothing to go on with. */
    expect_eq(HV_event_channel_op(14, zeros()), -XEN_EBUSY);
    expect_eq(hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, argument, 0, 0, DOMID_ABSENT),
              -XEN_ESRCH);
    expect_eq(mmuext(MMUEXT_UNMARK_SUPER, 0, 0), -XEN_EOPNOTSUPP);
    expect_eq(mmu_update(machine_address(entry) | MMU_PT_UPDATE_NO_TRANSLATE, *entry), 0);
}

void test_main(void) {
    by_number();
    above_the_number();
    by_structure();
    domains_that_are_not();
    nobody_serves();
    refused_by_both();
    memory_of_others();
    cache_flush();
    old_forms();
    the_rest();
}
