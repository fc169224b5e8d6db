/* SPDX-License-Identifier: MIT */
/* Life and death of a guest as xl drives them. */
#pragma once

#include "domcfg.h"
#include "xl.h"

/* xl's own parts of a domain that is there but not yet running; see create.c for the steps. */
int domain_create(struct xl *xl, struct domain_config *dc, domid_t *domid, struct err *err);

/*
 * Removes a domain and everything that belongs to it: devices, xenstore nodes, stored
 * configuration.  Works on a domain in any state of construction.  -ESRCH if there is none.
 */
int domain_destroy(struct xl *xl, domid_t domid, struct err *err);

/* Gives a domain a name that no other has. */
int domain_rename(struct xl *xl, domid_t domid, const char *name, struct err *err);

/* Keeps a stopped domain under another name and uuid, without its devices (rename-restart). */
int domain_preserve(struct xl *xl, domid_t domid, struct domain_config *dc, struct err *err);

/*
 * Starts the process that serves the domain's end (on_poweroff and so on), logging to
 * /var/log/xen/xl-NAME.log.  Returns in the caller once that process watches; -Exxx otherwise.
 */
int monitor_start(const struct domain_config *dc, domid_t domid, struct err *err);
/* The same work in this process; returns an exit code. */
int monitor_run(struct xl *xl, struct domain_config *dc, domid_t domid, int ready_fd);
