/* SPDX-License-Identifier: MIT */
/*
 * Emulation of a guest kernel's store to memory that it may not write directly: entries of L1
 * tables and read-only device frames. The decoder is entry/'s; what the store means is mm/'s.
 */
#pragma once

#include <hv/types.h>

struct cpu_user_regs;

struct emul_pt_ops {
    /* val has bytes (1, 2, 4 or 8) significant. 0: done; < 0: refused, the guest gets its fault. */
    int (*write)(void *ctx, uint64_t va, uint64_t val, unsigned int bytes);
    /* Compare with *old, store 'val' if equal. 0: stored; 1: different, *old is the present value;
     * < 0: refused. */
    int (*cmpxchg)(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes);
};

/*
 * Decodes the instruction at regs->rip, which faulted on writing fault_va, and carries its memory
 * operation out through ops; updates registers, flags and rip. Read-modify-write instructions other
 * than cmpxchg (or, and, xchg, bts, ...) read the guest's memory at va and come as cmpxchg. 0:
 * handled; < 0: not a store that is understood, or refused, registers unchanged.
 */
int emulate_pt_write(struct cpu_user_regs *regs, uint64_t fault_va, const struct emul_pt_ops *ops,
                     void *ctx);
