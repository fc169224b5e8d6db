/* SPDX-License-Identifier: MIT */
/*
 * One guest's console: ring and event channel on one side, pty and log file on the other.
 *
 * Life: a guest is known from the scan that first sees its domain; its ring is connected once
 * xenstore names ring and port; it is dead once the domain is dying or gone. At death the ring is
 * read a last time and let go at once (the mapping would keep the dead domain's memory), while the
 * pty stays a moment for a terminal that has not read all yet.
 */
#pragma once

#include "daemon.h"
#include "ring.h"

#define GUEST_TOKEN "guest" /* xenstore watch token prefix, followed by the domid */

struct guest {
    struct guest *next;
    domid_t domid;
    xen_domain_handle_t handle; /* tells a new domain from an old one with the same id */
    bool seen, dead;
    int64_t close_at; /* when a dead guest's pty goes at the latest */

    struct ring ring;  /* ring.page NULL: not connected */
    bool ring_granted; /* mapped by grant, else as a foreign frame */
    bool index_reported;
    xen_pfn_t ring_ref;
    uint32_t remote_port;
    int port; /* ours; -1: none */

    /* Events of a guest that floods us stay masked until the period is over. */
    unsigned int events;
    int64_t period_start;
    bool masked; /* the port fired and was not unmasked yet */

    int master, slave; /* -1: none */
    struct backlog backlog;
    struct logfile log;
    bool log_open;
    uint32_t watched; /* of master in daemon.ttys: EPOLLIN, EPOLLOUT; 0: not there */
};

/* Looks at all domains: takes up new ones, notices dead ones. */
void guests_scan(struct daemon *d);

/* Lets everything go: before exit, or when nothing is known any more. */
void guests_forget_all(struct daemon *d);

/* The guest's console nodes in xenstore changed. */
void guest_nodes_changed(struct daemon *d, domid_t domid);

/* Event channel `port` fired. Returns whether it was a guest's. */
bool guest_event(struct daemon *d, uint32_t port);

/* daemon.ttys says that the guest's pty is ready. */
void guest_tty_ready(struct daemon *d, struct guest *g, uint32_t events);

/* Periodic work, and what is waited for at ptys; where guests are freed. Returns the milliseconds
 * until it is due again, -1: not at all. */
int guests_tick(struct daemon *d);

/* xenstore is back: publish ttys and set the watches anew. */
void guests_republish(struct daemon *d);
void guests_reopen_logs(struct daemon *d);
