/* SPDX-License-Identifier: MIT */
/*
 * What a half of a split driver needs of the place it runs in: a small kernel, a daemon of dom0, a
 * test on the host. A place makes one of these for each channel; the halves only pass it back.
 */
#pragma once

struct pv_port {
    /* Tells the other end that there is something to see (EVTCHNOP_send, in a guest). */
    void (*notify)(struct pv_port *port);
    /*
     * Returns when the other end may have notified since the last look. May return early, so
     * callers look again and come back; must let the other end run.
     */
    void (*wait)(struct pv_port *port);
};
