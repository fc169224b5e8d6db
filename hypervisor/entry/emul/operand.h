/* SPDX-License-Identifier: MIT */
/* Registers, addresses and arithmetic of decoded instructions. Pure, as decode.h. */
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
/* a op b for INSN_ADD..INSN_NEG; *rflags gets the arithmetic flags. */
uint64_t operand_alu(enum insn_op op, uint64_t a, uint64_t b, unsigned int size, uint64_t *rflags);
/* DS:RSI, ES:RDI and RCX after one element of a string instruction. */
void operand_string_step(const struct insn *i, struct cpu_user_regs *regs, bool use_si,
                         bool use_di);
/* No elements are left to do (never without rep). */
bool operand_string_done(const struct insn *i, const struct cpu_user_regs *regs);
