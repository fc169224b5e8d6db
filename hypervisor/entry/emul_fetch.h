/* SPDX-License-Identifier: MIT */
/* Reading and decoding the instruction that a guest stopped at. */
#pragma once

#include "emul/operand.h"

/* False: not readable, not 64-bit code, or not an instruction that is emulated. */
bool emul_fetch(const struct cpu_user_regs *regs, struct insn *i);
void emul_read_bases(struct emul_bases *b);
