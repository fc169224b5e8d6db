/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_physdev_op: dom0 arranges interrupts and tells of devices (public/physdev.h). */
#include <hv/hypercall.h>

#include "../event/port.h"

/* Conservative, as the ABI has it: whoever does not use the bitmap says eoi every time. */
static long status_query(struct physdev_irq_status_query *q) {
    q->flags = XENIRQSTAT_needs_eoi;
    return pirq_is_valid(current->domain, q->irq) ? 0 : -EINVAL;
}

static long map_gsi(struct domain *d, struct physdev_map_pirq *m) {
    struct irq_desc *desc = irq_of_gsi((unsigned int)m->index);

    if (!desc) return -EINVAL;
    if (!rangeset_contains(d->irq_caps, (uint64_t)m->index, (uint64_t)m->index)) return -EPERM;
    m->pirq = pirq_map(d, m->pirq, desc, false);
    return min(m->pirq, 0);
}

static long map_msi(struct domain *d, struct physdev_map_pirq *m, bool with_segment) {
    uint16_t segment = with_segment ? (uint16_t)((uint32_t)m->bus >> 16) : 0;
    sbdf_t sbdf = pci_sbdf(segment, (uint8_t)m->bus, (uint8_t)m->devfn);
    struct irq_desc *desc;
    int n;

    if (m->index != -1) return -EINVAL;
    n = msi_setup(sbdf, m->table_base, (uint32_t)m->entry_nr, &desc);
    if (n) return n;
    m->pirq = pirq_map(d, m->pirq, desc, true);
    if (m->pirq < 0) msi_free(desc);
    return min(m->pirq, 0);
}

/* No device pass-through yet. */
static long only_for_self(domid_t id) {
    struct domain *d DOMAIN_PUT_AT_END = domain_get_self_or(id);

    return d == current->domain ? 0 : d ? -EOPNOTSUPP : -ESRCH;
}

static long map_pirq(struct physdev_map_pirq *m) {
    struct domain *d = current->domain;
    long rc = only_for_self(m->domid);

    if (rc) return rc;
    switch (m->type) {
    case MAP_PIRQ_TYPE_GSI: return map_gsi(d, m);
    case MAP_PIRQ_TYPE_MSI: return map_msi(d, m, false);
    case MAP_PIRQ_TYPE_MULTI_MSI:
        if (m->table_base) return -EINVAL;
        if (m->entry_nr < 1 || m->entry_nr > 32) return -EDOM;
        if (m->entry_nr != 1) /* without interrupt remapping vectors cannot be scattered */
            return -EOPNOTSUPP;
        /* fall through */
    case MAP_PIRQ_TYPE_MSI_SEG: return map_msi(d, m, true);
    default: return -EINVAL;
    }
}

static long unmap_pirq(const struct physdev_unmap_pirq *u) {
    long rc = only_for_self(u->domid);

    if (rc) return rc;
    return u->pirq < 0 ? -EINVAL : pirq_unmap(current->domain, (uint32_t)u->pirq);
}

static long get_free_pirq(struct physdev_get_free_pirq *f) {
    int n = pirq_reserve(current->domain, f->type != MAP_PIRQ_TYPE_GSI);

    f->pirq = (uint32_t)n;
    return min(n, 0);
}

static long setup_gsi(const struct physdev_setup_gsi *s) {
    struct irq_desc *desc = irq_of_gsi((unsigned int)s->gsi);

    return desc ? irq_set_trigger(desc, s->triggering, s->polarity) : -EINVAL;
}

static long set_iopl(const struct physdev_set_iopl *s) {
    if (s->iopl > 3) return -EINVAL;
    current->arch.iopl = (uint8_t)s->iopl;
    return 0;
}

static long set_iobitmap(const struct physdev_set_iobitmap *s) {
    uint64_t va = handle_addr(s->bitmap);

    if (s->nr_ports > 65536 || !guest_range_ok(va, 65536 / 8)) return -EINVAL;
    current->arch.iobmp = va;
    current->arch.iobmp_ports = s->nr_ports;
    return 0;
}

static long mmcfg_reserved(const struct physdev_pci_mmcfg_reserved *m) {
    int rc = pci_find_mmcfg(m->address, m->segment, m->start_bus, m->end_bus);

    if (m->flags & ~XEN_PCI_MMCFG_RESERVED) return -EINVAL;
    return rc || m->flags ? rc : -EOPNOTSUPP; /* it stays in use */
}

static int may(int cmd) { return policy_check(current->domain, NULL, POL_PHYSDEV, (uint32_t)cmd); }
#define DOM0_ARG(type, what)     WITH_ARG(type, may(cmd) ?: (what))
#define DOM0_ARG_OUT(type, what) WITH_ARG_OUT(type, may(cmd) ?: (what))

/* Devices are looked up when an interrupt of theirs is set up, so that nothing need be kept of
 * their coming and going; the structure must be readable all the same. */
static long device_notice(int cmd, uint64_t arg, size_t size) {
    uint8_t buf[64];

    return copy_from_guest(buf, arg, size) ? -EFAULT : may(cmd);
}

long do_physdev_op(int cmd, uint64_t arg) {
    struct domain *d = current->domain;

    switch (cmd) {
    case PHYSDEVOP_eoi: WITH_ARG(physdev_eoi, pirq_eoi(d, a.irq))
    case PHYSDEVOP_IRQ_UNMASK_NOTIFY: return pirq_eoi_unmasked(d);
    case PHYSDEVOP_pirq_eoi_gmfn_v2:
        WITH_ARG(physdev_pirq_eoi_gmfn, pirq_set_eoi_map(d, a.gmfn, false))
    case PHYSDEVOP_pirq_eoi_gmfn_v1:
        WITH_ARG(physdev_pirq_eoi_gmfn, pirq_set_eoi_map(d, a.gmfn, true))
    case PHYSDEVOP_irq_status_query: WITH_ARG_OUT(physdev_irq_status_query, status_query(&a))
    case PHYSDEVOP_set_iopl: WITH_ARG(physdev_set_iopl, set_iopl(&a))
    case PHYSDEVOP_set_iobitmap: WITH_ARG(physdev_set_iobitmap, set_iobitmap(&a))
    case PHYSDEVOP_map_pirq: DOM0_ARG_OUT(physdev_map_pirq, map_pirq(&a))
    case PHYSDEVOP_unmap_pirq: DOM0_ARG(physdev_unmap_pirq, unmap_pirq(&a))
    case PHYSDEVOP_get_free_pirq: DOM0_ARG_OUT(physdev_get_free_pirq, get_free_pirq(&a))
    case PHYSDEVOP_setup_gsi: DOM0_ARG(physdev_setup_gsi, setup_gsi(&a))
    case PHYSDEVOP_apic_read:
        DOM0_ARG_OUT(physdev_apic, irq_ioapic_read(a.apic_physbase, a.reg, &a.value))
    case PHYSDEVOP_apic_write: /* lines are set up by setup_gsi and map_pirq alone */
        DOM0_ARG(physdev_apic, irq_ioapic_read(a.apic_physbase, a.reg, &a.value) ? -EINVAL : -EPERM)
    case PHYSDEVOP_alloc_irq_vector: /* Hospes's affair: the kernel only wants a number back */
        DOM0_ARG_OUT(physdev_irq, (a.vector = a.irq, 0))
    case PHYSDEVOP_prepare_msix:
        DOM0_ARG(physdev_pci_device, msi_prepare_msix(pci_sbdf(a.seg, a.bus, a.devfn), true))
    case PHYSDEVOP_release_msix:
        DOM0_ARG(physdev_pci_device, msi_prepare_msix(pci_sbdf(a.seg, a.bus, a.devfn), false))
    case PHYSDEVOP_pci_mmcfg_reserved:
        if (may(cmd)) return may(cmd);
        WITH_ARG(physdev_pci_mmcfg_reserved, mmcfg_reserved(&a))
    case PHYSDEVOP_manage_pci_add:
    case PHYSDEVOP_manage_pci_remove:
        return device_notice(cmd, arg, sizeof(struct physdev_manage_pci));
    case PHYSDEVOP_manage_pci_add_ext:
        return device_notice(cmd, arg, sizeof(struct physdev_manage_pci_ext));
    case PHYSDEVOP_pci_device_add:
        return device_notice(cmd, arg, offsetof(struct physdev_pci_device_add, optarr));
    case PHYSDEVOP_pci_device_remove:
        return device_notice(cmd, arg, sizeof(struct physdev_pci_device));
    case PHYSDEVOP_restore_msi:
        DOM0_ARG(physdev_restore_msi, msi_restore(pci_sbdf(0, a.bus, a.devfn)))
    case PHYSDEVOP_restore_msi_ext:
        DOM0_ARG(physdev_pci_device, msi_restore(pci_sbdf(a.seg, a.bus, a.devfn)))
    case PHYSDEVOP_dbgp_op: /* no USB debug port in use */
        return may(cmd) ?: device_notice(cmd, arg, sizeof(struct physdev_dbgp_op));
    default: return -ENOSYS;
    }
}
