/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_platform_op: what dom0 does to, or learns of, the machine (public/platform.h).
 * Frequency and idle-state drivers are not in Hospes, so their tables are refused as a Xen without
 * them refuses them.
 */
#include <hv/acpi.h>
#include <hv/hypercall.h>
#include <public/platform.h>
#include <x86/cpuid.h>

#include "domctl.h"

/* The boot loader passes on none of the BIOS's disk tables, so there is no such entry. */
static long op_firmware_info(struct xenpf_firmware_info *f) {
    switch (f->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO: return -ESRCH;
    case XEN_FW_EFI_INFO: return efi_get_info(f->index, &f->u.efi_info);
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (f->index != 0) return -ESRCH;
        f->u.kbd_shift_flags = 0;
        return 0;
    default: return -EINVAL;
    }
}

/* dom0's ACPI code has prepared the sleep; the last register write is ours. */
static long op_enter_acpi_sleep(const struct xenpf_enter_acpi_sleep *s) {
    if (s->flags & ~XENPF_ACPI_SLEEP_EXTENDED || s->sleep_state > 5 || s->sleep_state < 1)
        return -EINVAL;
    if (s->sleep_state != 5 || (s->flags & XENPF_ACPI_SLEEP_EXTENDED))
        return -EPERM; /* no suspend to memory yet */
    printk("Entering ACPI S5 state.\n");
    return acpi_enter_sleep(s->val_a, s->val_b);
}

static long op_get_cpuinfo(struct xenpf_pcpuinfo *c) {
    c->flags = 0;
    if (c->xen_cpuid >= nr_cpus) {
        c->flags = XEN_PCPU_FLAGS_INVALID;
    } else {
        const struct pcpu *p = pcpus[array_index_nospec(c->xen_cpuid, nr_cpus)];

        c->apic_id = p->apic_id;
        c->acpi_id = p->acpi_id;
        c->flags = XEN_PCPU_FLAGS_ONLINE;
    }
    c->max_present = nr_cpus - 1;
    return 0;
}

static long op_get_cpu_version(struct xenpf_pcpu_version *c) {
    memset(c->vendor_id, 0, sizeof(c->vendor_id));
    c->family = c->model = c->stepping = 0;
    if (c->xen_cpuid < nr_cpus) {
        memcpy(c->vendor_id, cpu_has.vendor, sizeof(c->vendor_id));
        c->family = cpu_has.family;
        c->model = cpu_has.model;
        c->stepping = cpu_has.stepping;
    }
    c->max_present = nr_cpus - 1;
    return 0;
}

static long dispatch(struct xen_platform_op *op) {
    switch (op->cmd) {
    case XENPF_settime32:
        time_set_wallclock(op->u.settime32.secs, op->u.settime32.nsecs,
                           op->u.settime32.system_time);
        return 0;
    case XENPF_settime64:
        if (op->u.settime64.mbz) return -EINVAL;
        time_set_wallclock(op->u.settime64.secs, op->u.settime64.nsecs,
                           op->u.settime64.system_time);
        return 0;
    case XENPF_firmware_info: return op_firmware_info(&op->u.firmware_info);
    case XENPF_efi_runtime_call: return efi_runtime_call(&op->u.efi_runtime_call);
    case XENPF_enter_acpi_sleep: return op_enter_acpi_sleep(&op->u.enter_acpi_sleep);
    case XENPF_get_cpuinfo: return op_get_cpuinfo(&op->u.pcpu_info);
    case XENPF_get_cpu_version: return op_get_cpu_version(&op->u.pcpu_version);
    /* All CPUs that there are stay online. */
    case XENPF_cpu_online: return op->u.cpu_ol.cpuid < nr_cpus ? 0 : -EINVAL;
    case XENPF_cpu_offline: return op->u.cpu_ol.cpuid < nr_cpus ? -EOPNOTSUPP : -EINVAL;
    default: return refuse(POL_PLATFORM, op->cmd);
    }
}

long do_platform_op(uint64_t arg) {
    struct xen_platform_op op;
    long rc;

    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION) return -EACCES;
    rc = policy_check(current->domain, NULL, POL_PLATFORM, op.cmd);
    if (!rc) rc = dispatch(&op);
    return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}
