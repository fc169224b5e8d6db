/* SPDX-License-Identifier: MIT */
/*
 * Non-maskable interrupts of dom0: nmi_op(XENNMI_*, &argument), and why one came
 * (arch_shared_info.nmi_reason).
 */
#ifndef __XEN_PUBLIC_NMI_H__
#define __XEN_PUBLIC_NMI_H__

#include "xen.h"

#define _XEN_NMIREASON_io_error 0
#define XEN_NMIREASON_io_error (1UL << _XEN_NMIREASON_io_error) /* port 0x61 bit 6 */
#define _XEN_NMIREASON_pci_serr 1
#define XEN_NMIREASON_pci_serr (1UL << _XEN_NMIREASON_pci_serr) /* port 0x61 bit 7 */
#define _XEN_NMIREASON_unknown 2
#define XEN_NMIREASON_unknown (1UL << _XEN_NMIREASON_unknown)

/* register_callback: vcpu 0 of dom0 only; the unregister takes no argument. */
#define XENNMI_register_callback 0
#define XENNMI_unregister_callback 1
struct xennmi_callback {
    unsigned long handler_address; /* IN */
    unsigned long pad;
};
typedef struct xennmi_callback xennmi_callback_t;
DEFINE_XEN_GUEST_HANDLE(xennmi_callback_t);

#endif /* __XEN_PUBLIC_NMI_H__ */
