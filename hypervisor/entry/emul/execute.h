/* SPDX-License-Identifier: MIT */
/* Registers, addresses and arithmetic of decoded instructions; carrying out a store. Pure but for
 * the callbacks, as decode.h. */
#pragma once

#include "decode.h"

#include <public/xen.h>

struct emul_bases {
    uint64_t fs, gs;
};

/* n: 0..15 in encoding order. Byte operands need the instruction's REX to name spl.. or ah.. */
uint64_t operand_reg(const struct cpu_user_regs *regs, unsigned int n, unsigned int size, bool rex);
void operand_set_reg(struct cpu_user_regs *regs, unsigned int n, uint64_t v, unsigned int size,
                     bool rex);
uint64_t operand_address(const struct insn *i, const struct cpu_user_regs *regs,
                         const struct emul_bases *bases);
uint64_t operand_mask(unsigned int size);
/* DS:RSI, ES:RDI and RCX after one element of a string instruction. */
void operand_string_step(const struct insn *i, struct cpu_user_regs *regs, bool use_si,
                         bool use_di);
/* No elements are left to do (never without rep). */
bool operand_string_done(const struct insn *i, const struct cpu_user_regs *regs);

/* What a store means is its caller's affair. Stores val, of which bytes (1, 2, 4 or 8) are
 * significant; if 'old' is not NULL, only where it finds *old. 0: done; 1: it found something else,
 * which is now in *old; < 0: refused, the guest gets its fault. */
typedef int emul_store_fn(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes);

struct store_env {
    struct cpu_user_regs *regs;
    struct emul_bases bases;
    /* Guest memory, for read-modify-write and string sources. 0 or < 0. */
    int (*read)(uint64_t va, void *buf, unsigned int bytes);
    emul_store_fn *store;
    void *ctx;
};

/* As emulate_pt_write(), the instruction at hand. */
int store_execute(const struct insn *i, struct store_env *e, uint64_t fault_va);
