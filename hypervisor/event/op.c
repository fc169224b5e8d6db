/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_event_channel_op: one argument copy in, the operation, the result copied out. */
#include "port.h"

#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/pcpu.h>

/* A reset that was preempted calls itself again by this number, which guests are not told. */
#define OP_RESET_CONTINUED 14

static long op_reset(uint64_t arg, int cmd) {
    struct evtchn_reset r;
    struct domain *d;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r))) return -EFAULT;
    rc = domain_get_checked(r.dom, POL_EVENT_FOREIGN, &d);
    if (rc) return rc;
    if (d != current->domain && !READ_ONCE(d->tools_pause_count)) rc = -EINVAL;
    if (!rc) rc = event_reset(d, cmd == OP_RESET_CONTINUED);
    domain_put(d);
    if (rc == -ERESTART) rc = hypercall_continue(2, (uint64_t)OP_RESET_CONTINUED, arg);
    return rc;
}

/* The arguments of every operation that has one structure, in or in-out. */
#define COPY_CALL_COPY(type, fn)                                                                   \
    {                                                                                              \
        struct type a;                                                                             \
        long rc = copy_from_guest(&a, arg, sizeof(a)) ? -EFAULT : fn(&a);                          \
        if (!rc && copy_to_guest(arg, &a, sizeof(a))) rc = -EFAULT;                                \
        return rc;                                                                                 \
    }
#define COPY_CALL(type, fn)                                                                        \
    {                                                                                              \
        struct type a;                                                                             \
        return copy_from_guest(&a, arg, sizeof(a)) ? -EFAULT : fn(&a);                             \
    }

long do_event_channel_op(int cmd, uint64_t arg) {
    switch (cmd) {
    case EVTCHNOP_send: COPY_CALL(evtchn_send, port_op_send)
    case EVTCHNOP_unmask: COPY_CALL(evtchn_unmask, port_op_unmask)
    case EVTCHNOP_alloc_unbound: COPY_CALL_COPY(evtchn_alloc_unbound, port_op_alloc_unbound)
    case EVTCHNOP_bind_interdomain:
        COPY_CALL_COPY(evtchn_bind_interdomain, port_op_bind_interdomain)
    case EVTCHNOP_bind_virq: COPY_CALL_COPY(evtchn_bind_virq, port_op_bind_virq)
    case EVTCHNOP_bind_ipi: COPY_CALL_COPY(evtchn_bind_ipi, port_op_bind_ipi)
    case EVTCHNOP_bind_pirq: COPY_CALL_COPY(evtchn_bind_pirq, port_op_bind_pirq)
    case EVTCHNOP_close: COPY_CALL(evtchn_close, port_op_close)
    case EVTCHNOP_status: COPY_CALL_COPY(evtchn_status, port_op_status)
    case EVTCHNOP_bind_vcpu: COPY_CALL(evtchn_bind_vcpu, port_op_bind_vcpu)
    case EVTCHNOP_reset:
    case OP_RESET_CONTINUED: return op_reset(arg, cmd);
    case EVTCHNOP_init_control: COPY_CALL_COPY(evtchn_init_control, fifo_init_control)
    case EVTCHNOP_expand_array: COPY_CALL(evtchn_expand_array, fifo_expand_array)
    case EVTCHNOP_set_priority: COPY_CALL(evtchn_set_priority, fifo_set_priority)
    default: return -ENOSYS;
    }
}
