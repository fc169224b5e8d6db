/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls through /dev/xen/privcmd.
 *
 * A handle serves one thread. The hypervisor reads arguments by virtual address while it runs on
 * our page tables, so every pointer given to it must stay mapped: pass only memory from
 * hv_buf_alloc(). The typed wrappers (domctl.h, sysctl.h, guestmem.h, xenver.h) take ordinary
 * memory and copy.
 *
 * All wrappers return 0 or a count, or -Exxx; after a failure hv_context() names the operation
 * and the object, for example "domctl max_vcpus of domain 3: Invalid argument".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifndef __XEN_TOOLS__
#define __XEN_TOOLS__ 1
#endif
#include <public/xen.h>

#include "errtext.h"

struct hv;

/* Opens privcmd. NULL on failure, with err saying which device and why. */
struct hv *hv_open(struct err *err);
void hv_close(struct hv *hv);

/* The privcmd file descriptor, for the mapping functions in foreign.h. */
int hv_fd(const struct hv *hv);

/* Raw hypercall; arguments that are pointers must come from hv_buf_alloc. */
int64_t hv_call(struct hv *hv, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
                uint64_t a4);

/* Page-aligned zeroed memory that the hypervisor may access at any time; NULL if none left. */
void *hv_buf_alloc(struct hv *hv, size_t size);
void hv_buf_free(struct hv *hv, void *buf, size_t size);

/* Says what the last failed wrapper call on this handle did. Never NULL. */
const char *hv_context(const struct hv *hv);

/* For wrappers: records the context if ret is negative; returns ret. */
int hv_note(struct hv *hv, int64_t ret, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* sched_op remote_shutdown: sets a domain's shutdown state from outside (SHUTDOWN_*). */
int hv_remote_shutdown(struct hv *hv, domid_t domid, unsigned int reason);

/* event_channel_op alloc_unbound on behalf of domid, to be bound by remote. */
int hv_evtchn_alloc_unbound(struct hv *hv, domid_t domid, domid_t remote, uint32_t *port);
