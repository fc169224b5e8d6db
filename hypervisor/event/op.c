/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_event_channel_op: one argument copy in, the operation, the result copied out. */
#include "port.h"

#include <hv/hypercall.h>

/* A reset that was preempted calls itself again by this number, which guests are not told. */
#define OP_RESET_CONTINUED 14

static long op_reset(const struct evtchn_reset *r, int cmd, uint64_t arg) {
    struct domain *d;
    long rc = domain_get_checked(r->dom, POL_EVENT_FOREIGN, &d);

    if (rc) return rc;
    if (d != current->domain && !READ_ONCE(d->tools_pause_count))
        rc = -EINVAL;
    else
        rc = event_reset(d, cmd == OP_RESET_CONTINUED);
    domain_put(d);
    return rc == -ERESTART ? hypercall_continue(2, (uint64_t)OP_RESET_CONTINUED, arg) : rc;
}

long do_event_channel_op(int cmd, uint64_t arg) {
    switch (cmd) {
    case EVTCHNOP_send: WITH_ARG(evtchn_send, port_op_send(a.port))
    case EVTCHNOP_unmask: WITH_ARG(evtchn_unmask, port_op_unmask(a.port))
    case EVTCHNOP_alloc_unbound: WITH_ARG_OUT(evtchn_alloc_unbound, port_op_alloc_unbound(&a))
    case EVTCHNOP_bind_interdomain:
        WITH_ARG_OUT(evtchn_bind_interdomain, port_op_bind_interdomain(&a))
    case EVTCHNOP_bind_virq: WITH_ARG_OUT(evtchn_bind_virq, port_op_bind_virq(&a))
    case EVTCHNOP_bind_ipi: WITH_ARG_OUT(evtchn_bind_ipi, port_op_bind_ipi(&a))
    case EVTCHNOP_bind_pirq: WITH_ARG_OUT(evtchn_bind_pirq, port_op_bind_pirq(&a))
    case EVTCHNOP_close: WITH_ARG(evtchn_close, port_close(current->domain, a.port))
    case EVTCHNOP_status: WITH_ARG_OUT(evtchn_status, port_op_status(&a))
    case EVTCHNOP_bind_vcpu: WITH_ARG(evtchn_bind_vcpu, port_op_bind_vcpu(&a))
    case EVTCHNOP_reset:
    case OP_RESET_CONTINUED: WITH_ARG(evtchn_reset, op_reset(&a, cmd, arg))
    case EVTCHNOP_init_control: WITH_ARG_OUT(evtchn_init_control, fifo_init_control(&a))
    case EVTCHNOP_expand_array: WITH_ARG(evtchn_expand_array, fifo_expand_array(&a))
    case EVTCHNOP_set_priority: WITH_ARG(evtchn_set_priority, fifo_set_priority(&a))
    default: return -ENOSYS;
    }
}
