/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_physdev_op: dom0 arranges interrupts and tells of devices (public/physdev.h).
 */
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/irq.h>
#include <hv/pcpu.h>
#include <public/physdev.h>

#include "../event/pirq.h"

static long op_eoi(uint64_t arg) {
    struct physdev_eoi eoi;

    if (copy_from_guest(&eoi, arg, sizeof(eoi))) return -EFAULT;
    return pirq_eoi(current->domain, eoi.irq);
}

static long op_eoi_gmfn(uint64_t arg, bool auto_unmask) {
    struct physdev_pirq_eoi_gmfn info;

    if (copy_from_guest(&info, arg, sizeof(info))) return -EFAULT;
    return pirq_set_eoi_map(current->domain, info.gmfn, auto_unmask);
}

/* Conservative, as the ABI has it: whoever does not use the bitmap says eoi every time. */
static long op_status_query(uint64_t arg) {
    struct physdev_irq_status_query q;

    if (copy_from_guest(&q, arg, sizeof(q))) return -EFAULT;
    if (!pirq_is_valid(current->domain, q.irq)) return -EINVAL;
    q.flags = XENIRQSTAT_needs_eoi;
    return copy_to_guest(arg, &q, sizeof(q));
}

static long map_gsi(struct domain *d, struct physdev_map_pirq *m) {
    struct irq_desc *desc;
    int n;

    if (m->index < 0 || (uint32_t)m->index >= irq_nr_gsis()) return -EINVAL;
    if (!rangeset_contains(d->irq_caps, (uint64_t)m->index, (uint64_t)m->index)) return -EPERM;
    desc = irq_of_gsi((unsigned int)m->index);
    if (!desc) return -EINVAL;
    n = pirq_map(d, m->pirq, desc, false);
    if (n < 0) return n;
    m->pirq = n;
    return 0;
}

static long map_msi(struct domain *d, struct physdev_map_pirq *m, bool with_segment) {
    struct msi_request req = {
        .segment = with_segment ? (uint16_t)((uint32_t)m->bus >> 16) : 0,
        .bus = (uint8_t)m->bus,
        .devfn = (uint8_t)m->devfn,
        .msix = m->table_base != 0,
        .entry = (uint16_t)m->entry_nr,
        .count = 1,
        .table_base = m->table_base,
    };
    struct irq_desc *desc;
    int n;

    if (m->index != -1) return -EINVAL;
    n = msi_setup(&req, &desc);
    if (n) return n;
    n = pirq_map(d, m->pirq, desc, true);
    if (n < 0) {
        msi_free(desc);
        return n;
    }
    m->pirq = n;
    return 0;
}

static long op_map_pirq(uint64_t arg) {
    struct domain *d = current->domain;
    struct physdev_map_pirq m;
    long rc;

    if (copy_from_guest(&m, arg, sizeof(m))) return -EFAULT;
    if (m.domid != DOMID_SELF && m.domid != d->id)
        return -EOPNOTSUPP; /* no device pass-through yet */
    switch (m.type) {
    case MAP_PIRQ_TYPE_GSI: rc = map_gsi(d, &m); break;
    case MAP_PIRQ_TYPE_MSI: rc = map_msi(d, &m, false); break;
    case MAP_PIRQ_TYPE_MSI_SEG: rc = map_msi(d, &m, true); break;
    case MAP_PIRQ_TYPE_MULTI_MSI:
        if (m.table_base || m.entry_nr < 1 || m.entry_nr > 32) return -EINVAL;
        if (m.entry_nr != 1) /* without interrupt remapping vectors cannot be scattered */
            return -EOPNOTSUPP;
        rc = map_msi(d, &m, true);
        break;
    default: rc = -EINVAL;
    }
    if (copy_to_guest(arg, &m, sizeof(m))) return -EFAULT;
    return rc;
}

static long op_unmap_pirq(uint64_t arg) {
    struct physdev_unmap_pirq u;

    if (copy_from_guest(&u, arg, sizeof(u))) return -EFAULT;
    if (u.domid != DOMID_SELF && u.domid != current->domain->id) return -EOPNOTSUPP;
    return u.pirq < 0 ? -EINVAL : pirq_unmap(current->domain, (uint32_t)u.pirq);
}

static long op_get_free_pirq(uint64_t arg) {
    struct physdev_get_free_pirq f;
    int n;

    if (copy_from_guest(&f, arg, sizeof(f))) return -EFAULT;
    n = pirq_reserve(current->domain, f.type != MAP_PIRQ_TYPE_GSI);
    if (n < 0) return n;
    f.pirq = (uint32_t)n;
    return copy_to_guest(arg, &f, sizeof(f));
}

static long op_setup_gsi(uint64_t arg) {
    struct physdev_setup_gsi s;
    struct irq_desc *desc;
    int rc;

    if (copy_from_guest(&s, arg, sizeof(s))) return -EFAULT;
    if (s.gsi < 0 || (uint32_t)s.gsi >= irq_nr_gsis()) return -EINVAL;
    desc = irq_of_gsi((unsigned int)s.gsi);
    if (!desc) return -EINVAL;
    rc = irq_set_trigger(desc, s.triggering, s.polarity);
    return rc == -EBUSY ? -EEXIST : rc;
}

static long op_apic_read(uint64_t arg) {
    struct physdev_apic a;
    long rc;

    if (copy_from_guest(&a, arg, sizeof(a))) return -EFAULT;
    rc = irq_ioapic_read(a.apic_physbase, a.reg, &a.value);
    return rc ? rc : copy_to_guest(arg, &a, sizeof(a));
}

/* Vectors are Hospes's affair; the kernel only wants a number back. */
static long op_alloc_irq_vector(uint64_t arg) {
    struct physdev_irq irq;

    if (copy_from_guest(&irq, arg, sizeof(irq))) return -EFAULT;
    irq.vector = irq.irq;
    return copy_to_guest(arg, &irq, sizeof(irq));
}

static long op_set_iopl(uint64_t arg) {
    struct physdev_set_iopl s;

    if (copy_from_guest(&s, arg, sizeof(s))) return -EFAULT;
    if (s.iopl > 3) return -EINVAL;
    current->arch.iopl = (uint8_t)s.iopl;
    return 0;
}

static long op_set_iobitmap(uint64_t arg) {
    struct physdev_set_iobitmap s;
    uint64_t va;

    if (copy_from_guest(&s, arg, sizeof(s))) return -EFAULT;
    va = handle_addr(s.bitmap);
    if (s.nr_ports > 65536 || !guest_range_ok(va, 65536 / 8)) return -EINVAL;
    current->arch.iobmp = va;
    current->arch.iobmp_ports = s.nr_ports;
    return 0;
}

static long op_msix(uint64_t arg, bool prepare) {
    struct physdev_pci_device dev;

    if (copy_from_guest(&dev, arg, sizeof(dev))) return -EFAULT;
    return msi_prepare_msix(dev.seg, dev.bus, dev.devfn, prepare);
}

static long op_mmcfg_reserved(uint64_t arg) {
    struct physdev_pci_mmcfg_reserved m;

    if (copy_from_guest(&m, arg, sizeof(m))) return -EFAULT;
    if (m.start_bus > m.end_bus) return -EINVAL;
    if (!(m.flags & XEN_PCI_MMCFG_RESERVED)) return 0;
    return pci_add_mmcfg(m.address, m.segment, m.start_bus, m.end_bus);
}

/* Devices are looked up when an interrupt of theirs is set up, so that nothing need be kept of
 * their coming and going; the structure must be readable all the same. */
static long op_device_notice(uint64_t arg, size_t size) {
    uint8_t buf[64];

    return copy_from_guest(buf, arg, size);
}

static long privileged_op(int cmd, uint64_t arg) {
    switch (cmd) {
    case PHYSDEVOP_map_pirq: return op_map_pirq(arg);
    case PHYSDEVOP_unmap_pirq: return op_unmap_pirq(arg);
    case PHYSDEVOP_get_free_pirq: return op_get_free_pirq(arg);
    case PHYSDEVOP_setup_gsi: return op_setup_gsi(arg);
    case PHYSDEVOP_apic_read: return op_apic_read(arg);
    case PHYSDEVOP_apic_write: return -EPERM; /* lines are set up by setup_gsi and map_pirq alone */
    case PHYSDEVOP_alloc_irq_vector: return op_alloc_irq_vector(arg);
    case PHYSDEVOP_prepare_msix: return op_msix(arg, true);
    case PHYSDEVOP_release_msix: return op_msix(arg, false);
    case PHYSDEVOP_pci_mmcfg_reserved: return op_mmcfg_reserved(arg);
    case PHYSDEVOP_manage_pci_add:
    case PHYSDEVOP_manage_pci_remove:
    case PHYSDEVOP_restore_msi: return op_device_notice(arg, sizeof(struct physdev_manage_pci));
    case PHYSDEVOP_manage_pci_add_ext:
        return op_device_notice(arg, sizeof(struct physdev_manage_pci_ext));
    case PHYSDEVOP_pci_device_add:
        return op_device_notice(arg, offsetof(struct physdev_pci_device_add, optarr));
    case PHYSDEVOP_pci_device_remove:
    case PHYSDEVOP_restore_msi_ext: return op_device_notice(arg, sizeof(struct physdev_pci_device));
    case PHYSDEVOP_dbgp_op: return 0; /* no USB debug port in use */
    default: return -ENOSYS;
    }
}

long do_physdev_op(int cmd, uint64_t arg) {
    int rc;

    switch (cmd) {
    case PHYSDEVOP_eoi: return op_eoi(arg);
    case PHYSDEVOP_pirq_eoi_gmfn_v2: return op_eoi_gmfn(arg, false);
    case PHYSDEVOP_pirq_eoi_gmfn_v1: return op_eoi_gmfn(arg, true);
    case PHYSDEVOP_irq_status_query: return op_status_query(arg);
    case PHYSDEVOP_set_iopl: return op_set_iopl(arg);
    case PHYSDEVOP_set_iobitmap: return op_set_iobitmap(arg);
    default:
        rc = policy_check(current->domain, NULL, POL_PHYSDEV, (uint32_t)cmd);
        return rc ? rc : privileged_op(cmd, arg);
    }
}
