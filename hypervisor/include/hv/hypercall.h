/* SPDX-License-Identifier: MIT */
/*
 * Hypercall dispatch. A handler returns the result for the guest's rax, or -ERESTART after
 * hypercall_continue().
 */
#pragma once

#include <hv/guest_access.h>
#include <hv/pcpu.h>

#define ERESTART 85 /* never seen by a guest */

/*
 * Arranges that the guest issues this same hypercall again with these arguments (progress is in
 * them). Returns -ERESTART, to be returned by the handler unchanged. Works inside a multicall too.
 */
long hypercall_continue(unsigned int nr_args, ...); /* uint64_t each */

/* The handlers: long do_name(...). */
#define HYPERCALL(nr, name, args, parameters) long do_##name parameters;
#include <hv/hypercall_list.h>
#undef HYPERCALL

/* Fills the page of d that its kernel, by a HYPERCALL_PAGE note or an MSR, wants to call into. */
int hypercall_page_init(struct domain *d, uint64_t gfn); /* -EINVAL */
