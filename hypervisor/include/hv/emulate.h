/* SPDX-License-Identifier: MIT */
/*
 * Emulation of a guest kernel's store to memory that it may not write directly: entries of L1
 * tables and read-only device frames. The decoder is entry/'s; what the store means is mm/'s.
 */
#pragma once

#include <hv/types.h>

struct cpu_user_regs;

/* Stores val, of which bytes (1, 2, 4 or 8) are significant; if 'old' is not NULL, only where it
 * finds *old. 0: done; 1: it found something else, which is now in *old; < 0: refused, the guest
 * gets its fault. */
typedef int emul_store_fn(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes);

/*
 * Decodes the instruction at regs->rip, which faulted on writing fault_va, and carries its memory
 * operation out through store; updates registers, flags and rip. Read-modify-write instructions
 * (or, and, xchg, bts, ...) read the guest's memory at va and come with 'old'. 0: handled; < 0: not
 * a store that is understood, or refused, registers unchanged.
 */
int emulate_pt_write(struct cpu_user_regs *regs, uint64_t fault_va, emul_store_fn *store,
                     void *ctx);
