/* SPDX-License-Identifier: MIT */
/* The port of pv-drivers/ for test kernels: see pv.h. */
#include <public/sched.h>
#include "event.h"
#include "pv.h"

static struct guest_port *of(struct pv_port *port) { return (struct guest_port *)(void *)port; }

static void notify(struct pv_port *port) { event_send(of(port)->evtchn); }

static void wait(struct pv_port *port) {
    (void)port;
    HV_sched_op(SCHEDOP_yield, 0);
}

struct guest_port guest_port(unsigned int evtchn) {
    return (struct guest_port){.pv = {.notify = notify, .wait = wait}, .evtchn = evtchn};
}
