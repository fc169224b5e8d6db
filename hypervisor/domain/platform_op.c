/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_platform_op: what dom0 does to, or learns of, the machine (public/platform.h).
 * Frequency and idle-state drivers are not in Hospes, so their tables are refused as a Xen without
 * them refuses them.
 */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/domain.h>
#include <hv/efi.h>
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/string.h>
#include <public/platform.h>
#include <x86/sysinfo.h>

static long op_settime64(const struct xenpf_settime64 *t) {
    if (t->mbz || t->nsecs >= SECONDS(1)) return -EINVAL;
    time_set_wallclock(t->secs, t->nsecs, t->system_time);
    return 0;
}

static long op_settime32(const struct xenpf_settime32 *t) {
    if (t->nsecs >= SECONDS(1)) return -EINVAL;
    time_set_wallclock(t->secs, t->nsecs, t->system_time);
    return 0;
}

/* The boot loader passes on none of the BIOS's disk tables, so there is no such entry. */
static long op_firmware_info(struct xenpf_firmware_info *f, bool *copyback) {
    long rc;

    switch (f->type) {
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO: return -ESRCH;
    case XEN_FW_EFI_INFO:
        rc = efi_get_info(f->index, &f->u.efi_info);
        *copyback = !rc;
        return rc;
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (f->index != 0) return -ESRCH;
        f->u.kbd_shift_flags = 0;
        *copyback = true;
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
    if (c->xen_cpuid < nr_cpus)
        sysinfo_cpu_version(c->vendor_id, &c->family, &c->model, &c->stepping);
    c->max_present = nr_cpus - 1;
    return 0;
}

static long dispatch(struct xen_platform_op *op, bool *copyback) {
    switch (op->cmd) {
    case XENPF_settime32: return op_settime32(&op->u.settime32);
    case XENPF_settime64: return op_settime64(&op->u.settime64);
    case XENPF_firmware_info: return op_firmware_info(&op->u.firmware_info, copyback);
    case XENPF_efi_runtime_call: *copyback = true; return efi_runtime_call(&op->u.efi_runtime_call);
    case XENPF_enter_acpi_sleep: return op_enter_acpi_sleep(&op->u.enter_acpi_sleep);
    case XENPF_get_cpuinfo: *copyback = true; return op_get_cpuinfo(&op->u.pcpu_info);
    case XENPF_get_cpu_version: *copyback = true; return op_get_cpu_version(&op->u.pcpu_version);
    case XENPF_cpu_online:
    case XENPF_cpu_offline: return -EOPNOTSUPP;
    default: return -ENOSYS;
    }
}

long do_platform_op(uint64_t arg) {
    struct xen_platform_op op;
    bool copyback = false;
    long rc;

    if (!current->domain->is_control) return -EPERM;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (op.interface_version != XENPF_INTERFACE_VERSION) return -EACCES;
    rc = policy_check(current->domain, NULL, POL_PLATFORM, op.cmd);
    if (!rc) rc = dispatch(&op, &copyback);
    if (!rc && copyback && copy_to_guest(arg, &op, sizeof(op))) rc = -EFAULT;
    return rc;
}
