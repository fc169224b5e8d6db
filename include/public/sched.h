/* SPDX-License-Identifier: MIT */
/*
 * What a guest asks of the scheduler: sched_op(SCHEDOP_*, &argument).
 *
 * The old hypercall 6 knew only yield, block and shutdown, the latter with its reason in place of
 * the pointer.
 */
#ifndef __XEN_PUBLIC_SCHED_H__
#define __XEN_PUBLIC_SCHED_H__

#include "event_channel.h"

#define SCHEDOP_yield 0           /* let others run; no argument */
#define SCHEDOP_block 1           /* unmask upcalls and sleep until one is due; no argument */
#define SCHEDOP_shutdown 2        /* stop the domain. To suspend, RDX is start_info's frame; the
                                   * call then returns 1 if it went on here, 0 after a restore */
#define SCHEDOP_poll 3            /* sleep until one of some ports is pending, or a time */
#define SCHEDOP_remote_shutdown 4 /* stop another domain (privileged) */
#define SCHEDOP_shutdown_code 5   /* fix the reason that a later shutdown will report */
#define SCHEDOP_watchdog 6        /* id 0: start one, returns its id; else rearm, or end with 0 */
#define SCHEDOP_pin_override 7    /* dom0: run this vcpu on that CPU; negative ends it */

struct sched_shutdown {
    unsigned int reason; /* IN: SHUTDOWN_* */
};
typedef struct sched_shutdown sched_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_shutdown_t);

struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports; /* IN */
    unsigned int nr_ports;                 /* IN: at most 128 */
    uint64_t timeout;                      /* IN: system time, 0 for none */
};
typedef struct sched_poll sched_poll_t;
DEFINE_XEN_GUEST_HANDLE(sched_poll_t);

struct sched_remote_shutdown {
    domid_t domain_id;   /* IN */
    unsigned int reason; /* IN: SHUTDOWN_* */
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_remote_shutdown_t);

struct sched_watchdog {
    uint32_t id;      /* IN: 0 for a new one */
    uint32_t timeout; /* IN: seconds; 0 ends it */
};
typedef struct sched_watchdog sched_watchdog_t;
DEFINE_XEN_GUEST_HANDLE(sched_watchdog_t);

struct sched_pin_override {
    int32_t pcpu; /* IN */
};
typedef struct sched_pin_override sched_pin_override_t;
DEFINE_XEN_GUEST_HANDLE(sched_pin_override_t);

/* Why a domain stopped; interpreted by the tools. */
#define SHUTDOWN_poweroff 0
#define SHUTDOWN_reboot 1
#define SHUTDOWN_suspend 2
#define SHUTDOWN_crash 3
#define SHUTDOWN_watchdog 4
#define SHUTDOWN_soft_reset 5 /* wants its ports, grants and such dropped, its memory kept */
#define SHUTDOWN_MAX 5

#endif /* __XEN_PUBLIC_SCHED_H__ */
