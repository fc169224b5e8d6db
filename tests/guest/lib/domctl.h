/* SPDX-License-Identifier: MIT */
/* Domctls of a test kernel that is dom0 (public/domctl.h), and the small domains made by them. */
#pragma once

#include <public/domctl.h>
#include "lib.h"

/* The argument of the next, whose union the caller fills; the answer afterwards. */
extern struct xen_domctl domctl_op;
long domctl(unsigned int cmd, domid_t id);

/* XEN_X86_* for the domains made from now on; 0 at first. */
extern uint32_t domctl_misc_flags;
/* A domain without vcpus, for at most one, that may use the given version of grant tables. */
domid_t domctl_create(unsigned int grant_version);
/* Sets its maximum to so many pages and gives it them; frames[i] becomes the mfn of page i. */
void domctl_populate(domid_t id, uint64_t *frames, unsigned int nr);
