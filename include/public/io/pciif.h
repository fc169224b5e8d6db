/* SPDX-License-Identifier: MIT */
/*
 * PCI devices passed through to a PV guest: configuration space by one request at a time in a
 * shared page. What else the guest does with the device (its memory, ports, interrupts) goes past
 * the back end.
 *
 * Front end's nodes: pci-op-ref, the grant of an xen_pci_sharedinfo; event-channel; magic
 * (XEN_PCI_MAGIC). Back end's nodes: num_devs; dev-N (domain:bus:slot.function), vdev-N (the same
 * as the guest sees it), state-N, opts-N; root_num and root-N (domain:bus), the buses that the
 * guest looks for.
 *
 * An operation of the front end:
 *  1. It fills op, but for err, and then sets XEN_PCIF_active in flags; it notifies.
 *  2. The back end copies op, carries it out, writes err, value and info, then clears the flag; it
 *     notifies.
 * An error of the device, with the parts changed round: the back end fills aer_op and sets
 * XEN_PCIB_active and XEN_PCIB_AERHANDLER; the front end has its driver handle it, writes err (a
 * PCI error result of Linux) and clears XEN_PCIB_active.
 */
#ifndef __XEN_PCI_COMMON_H__
#define __XEN_PCI_COMMON_H__

#include <stdint.h>

#define XEN_PCI_MAGIC "7"

/* xen_pci_sharedinfo.flags */
#define _XEN_PCIF_active (0)
#define XEN_PCIF_active (1 << _XEN_PCIF_active)
#define _XEN_PCIB_AERHANDLER (1)
#define XEN_PCIB_AERHANDLER (1 << _XEN_PCIB_AERHANDLER)
#define _XEN_PCIB_active (2)
#define XEN_PCIB_active (1 << _XEN_PCIB_active)

/* cmd */
#define XEN_PCI_OP_conf_read (0)         /* offset, size; OUT: value */
#define XEN_PCI_OP_conf_write (1)        /* offset, size, value */
#define XEN_PCI_OP_enable_msi (2)        /* OUT: value, the pirq */
#define XEN_PCI_OP_disable_msi (3)       /* OUT: value, 0 */
#define XEN_PCI_OP_enable_msix (4)       /* value: entries; msix_entries: IN entry, OUT vector */
#define XEN_PCI_OP_disable_msix (5)      /* value: 0 */
#define XEN_PCI_OP_aer_detected (6)      /* aer_op: an error; err: Linux's channel state */
#define XEN_PCI_OP_aer_resume (7)        /* aer_op: all is well again */
#define XEN_PCI_OP_aer_mmio (8)          /* aer_op: the device can be reached again */
#define XEN_PCI_OP_aer_slotreset (9)     /* aer_op: the device was reset */
#define XEN_PCI_OP_enable_multi_msi (10) /* value: how many; OUT: the first pirq, info how many */

/* err */
#define XEN_PCI_ERR_success (0)
#define XEN_PCI_ERR_dev_not_found (-1)
#define XEN_PCI_ERR_invalid_offset (-2)
#define XEN_PCI_ERR_access_denied (-3)
#define XEN_PCI_ERR_not_implemented (-4)
#define XEN_PCI_ERR_op_failed (-5)

#define SH_INFO_MAX_VEC 128 /* so that the structure is less than a page */

struct xen_msix_entry {
    uint16_t vector; /* the pirq */
    uint16_t entry;  /* in the device's table */
};

struct xen_pci_op {
    uint32_t cmd;    /* IN */
    int32_t err;     /* OUT */
    uint32_t domain; /* IN: segment, as the guest sees it, like these */
    uint32_t bus;    /* IN */
    uint32_t devfn;  /* IN */
    int32_t offset;  /* IN */
    int32_t size;    /* IN: 1, 2 or 4 */
    uint32_t value;  /* by cmd */
    uint32_t info;   /* by cmd */
    struct xen_msix_entry msix_entries[SH_INFO_MAX_VEC];
};

struct xen_pcie_aer_op {
    uint32_t cmd;
    int32_t err;
    uint32_t domain;
    uint32_t bus;
    uint32_t devfn;
};

struct xen_pci_sharedinfo {
    uint32_t flags;
    struct xen_pci_op op;
    struct xen_pcie_aer_op aer_op;
};

#endif /* __XEN_PCI_COMMON_H__ */
