/* SPDX-License-Identifier: MIT */
/* Carrying out a decoded store. Pure but for the callbacks; runs on the host too. */
#pragma once

#include "operand.h"

#include <hv/emulate.h>

struct store_env {
    struct cpu_user_regs *regs;
    struct emul_bases bases;
    /* Guest memory, for read-modify-write and string sources. 0 or < 0. */
    int (*read)(void *env, uint64_t va, void *buf, unsigned int bytes);
    const struct emul_pt_ops *ops;
    void *ctx;
};

/* As emulate_pt_write(), the instruction at hand. */
int store_execute(const struct insn *i, struct store_env *e, uint64_t fault_va);
