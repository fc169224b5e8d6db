/* SPDX-License-Identifier: MIT */
/* The operations of HYPERVISOR_event_channel_op, on the caller's domain. port.c */
#pragma once

#include "port.h"

long port_op_alloc_unbound(struct evtchn_alloc_unbound *a);
long port_op_bind_interdomain(struct evtchn_bind_interdomain *b);
long port_op_bind_virq(struct evtchn_bind_virq *b);
long port_op_bind_ipi(struct evtchn_bind_ipi *b);
long port_op_bind_pirq(struct evtchn_bind_pirq *b);
long port_op_bind_vcpu(const struct evtchn_bind_vcpu *b);
long port_op_status(struct evtchn_status *s);
long port_op_send(uint32_t n);
long port_op_unmask(uint32_t n);
