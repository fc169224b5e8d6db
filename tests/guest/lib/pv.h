/* SPDX-License-Identifier: MIT */
/*
 * What the driver halves of pv-drivers/ run on in a test kernel: an event channel, which is never
 * waited for by an upcall but by looking again, so that it works with upcalls closed too.
 */
#pragma once

#include "port.h"
#include "lib.h"

struct guest_port {
    struct pv_port pv;
    unsigned int evtchn;
};

/* For the domain's end of an interdomain event channel. */
struct guest_port guest_port(unsigned int evtchn);
