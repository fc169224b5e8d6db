/* SPDX-License-Identifier: MIT */
/*
 * Event channels of this domain through /dev/xen/evtchn. One handle, one file descriptor, any
 * number of ports; closing the handle unbinds them all. A port that fired stays masked until
 * evtchn_unmask. Return 0 or a port, or -Exxx.
 */
#pragma once

#include <stdint.h>

#include <public/xen.h>

struct evtchn;

struct evtchn *evtchn_open(void); /* NULL and errno; close-on-exec and non-blocking */
void evtchn_close(struct evtchn *ev);
int evtchn_fd(const struct evtchn *ev); /* readable when a port is pending */

int evtchn_bind_unbound(struct evtchn *ev, domid_t remote);
int evtchn_bind_interdomain(struct evtchn *ev, domid_t remote, uint32_t remote_port);
int evtchn_bind_virq(struct evtchn *ev, unsigned int virq);
int evtchn_unbind(struct evtchn *ev, uint32_t port);
int evtchn_notify(struct evtchn *ev, uint32_t port);
int evtchn_pending(struct evtchn *ev); /* next port that fired; -EAGAIN if none */
int evtchn_unmask(struct evtchn *ev, uint32_t port);
