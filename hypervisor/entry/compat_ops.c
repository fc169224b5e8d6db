/* SPDX-License-Identifier: MIT */
/* The first forms of event_channel_op and physdev_op: command and argument in one structure. */
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <public/event_channel.h>
#include <public/physdev.h>

long do_event_channel_op_compat(uint64_t op) {
    uint32_t cmd;

    if (copy_from_guest(&cmd, op + offsetof(struct evtchn_op, cmd), sizeof(cmd))) return -EFAULT;
    switch (cmd) {
    case EVTCHNOP_bind_interdomain:
    case EVTCHNOP_bind_virq:
    case EVTCHNOP_bind_pirq:
    case EVTCHNOP_close:
    case EVTCHNOP_send:
    case EVTCHNOP_status:
    case EVTCHNOP_alloc_unbound:
    case EVTCHNOP_bind_ipi:
    case EVTCHNOP_bind_vcpu:
    case EVTCHNOP_unmask: return do_event_channel_op((int)cmd, op + offsetof(struct evtchn_op, u));
    default: return -ENOSYS;
    }
}

long do_physdev_op_compat(uint64_t op) {
    uint32_t cmd;

    if (copy_from_guest(&cmd, op + offsetof(struct physdev_op, cmd), sizeof(cmd))) return -EFAULT;
    switch (cmd) {
    case PHYSDEVOP_irq_status_query:
    case PHYSDEVOP_set_iopl:
    case PHYSDEVOP_set_iobitmap:
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_apic_write:
    case PHYSDEVOP_alloc_irq_vector:
        return do_physdev_op((int)cmd, op + offsetof(struct physdev_op, u));
    default: return -ENOSYS;
    }
}
