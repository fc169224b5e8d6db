/* SPDX-License-Identifier: MIT */
/*
 * Stores to memory that the guest may not write itself. A read-modify-write reads, computes and
 * offers the change by compare-and-exchange, repeated a few times if somebody else was faster.
 * Registers and flags change only when memory did.
 */
#include "store.h"

#define ZF           (1UL << 6)
#define CF           (1UL << 0)
#define MAX_ATTEMPTS 16

static uint64_t source(const struct insn *i, const struct store_env *e) {
    if (i->has_imm) return (uint64_t)i->imm & operand_mask(i->opsize);
    return operand_reg(e->regs, i->reg, i->opsize, i->rex);
}

static int read_operand(struct store_env *e, uint64_t va, uint64_t *v, unsigned int bytes) {
    *v = 0;
    return e->read(e, va, v, bytes);
}

static int do_mov(const struct insn *i, struct store_env *e, uint64_t va) {
    return e->ops->write(e->ctx, va, source(i, e), i->opsize);
}

static int do_cmpxchg(const struct insn *i, struct store_env *e, uint64_t va) {
    uint64_t want = operand_reg(e->regs, 0, i->opsize, true), old = want;
    int rc = e->ops->cmpxchg(e->ctx, va, &old, source(i, e), i->opsize);

    if (rc < 0) return rc;
    (void)operand_alu(INSN_CMPXCHG, want, rc ? old : want, i->opsize, &e->regs->rflags);
    if (rc) operand_set_reg(e->regs, 0, old, i->opsize, true);
    return 0;
}

static int do_cmpxchg8b(struct store_env *e, uint64_t va) {
    struct cpu_user_regs *r = e->regs;
    uint64_t old = (r->rax & 0xffffffff) | r->rdx << 32;
    uint64_t val = (r->rbx & 0xffffffff) | r->rcx << 32;
    int rc = e->ops->cmpxchg(e->ctx, va, &old, val, 8);

    if (rc < 0) return rc;
    if (rc) {
        r->rax = (uint32_t)old;
        r->rdx = old >> 32;
        r->rflags &= ~ZF;
    } else {
        r->rflags |= ZF;
    }
    return 0;
}

/* The new value of the destination, and the flags. */
static uint64_t modify(const struct insn *i, const struct store_env *e, uint64_t old,
                       uint64_t *flags) {
    uint64_t bit;

    switch (i->op) {
    case INSN_XCHG: return source(i, e);
    case INSN_BTS:
    case INSN_BTR:
    case INSN_BTC:
        bit = 1UL << (source(i, e) & (8U * i->opsize - 1));
        *flags = (*flags & ~CF) | (old & bit ? CF : 0);
        return i->op == INSN_BTS ? old | bit : i->op == INSN_BTR ? old & ~bit : old ^ bit;
    default: return operand_alu(i->op, old, source(i, e), i->opsize, flags);
    }
}

static int do_modify(const struct insn *i, struct store_env *e, uint64_t va) {
    for (unsigned int n = 0; n < MAX_ATTEMPTS; n++) {
        uint64_t flags = e->regs->rflags, old, seen;
        int rc = read_operand(e, va, &old, i->opsize);

        if (rc) return rc;
        seen = old;
        rc = e->ops->cmpxchg(e->ctx, va, &seen, modify(i, e, old, &flags), i->opsize);
        if (rc > 0) continue;
        if (rc < 0) return rc;
        e->regs->rflags = flags;
        if (i->op == INSN_XCHG || i->op == INSN_XADD)
            operand_set_reg(e->regs, i->reg, old, i->opsize, i->rex);
        return 0;
    }
    return -1;
}

/* One element; with rep the instruction is run again for the next, and faults again. */
static int do_string(const struct insn *i, struct store_env *e, uint64_t va) {
    uint64_t v = operand_reg(e->regs, 0, i->opsize, true), from = e->regs->rsi;
    int rc;

    if (operand_string_done(i, e->regs)) return -1;
    if (i->op == INSN_MOVS) {
        if (i->addrsize == 4) from = (uint32_t)from;
        from += i->seg == SEG_FS ? e->bases.fs : i->seg == SEG_GS ? e->bases.gs : 0;
        rc = read_operand(e, from, &v, i->opsize);
        if (rc) return rc;
    }
    rc = e->ops->write(e->ctx, va, v, i->opsize);
    if (rc) return rc;
    operand_string_step(i, e->regs, i->op == INSN_MOVS, true);
    if (i->rep && !operand_string_done(i, e->regs))
        e->regs->rip -= i->len; /* undone by the caller's advance */
    return 0;
}

/* A bit offset in a register reaches beyond the operand. */
static uint64_t bit_string_offset(const struct insn *i, const struct store_env *e) {
    int64_t bit;
    unsigned int shift = 64 - 8U * i->opsize;

    if (i->has_imm || i->op < INSN_BTS || i->op > INSN_BTC) return 0;
    bit = (int64_t)(source(i, e) << shift) >> shift;
    return (uint64_t)(bit >> (i->opsize == 8 ? 6 : i->opsize == 4 ? 5 : 4)) * i->opsize;
}

static uint64_t destination(const struct insn *i, const struct store_env *e) {
    if (i->op == INSN_MOVS || i->op == INSN_STOS)
        return i->addrsize == 4 ? (uint32_t)e->regs->rdi : e->regs->rdi;
    return operand_address(i, e->regs, &e->bases) + bit_string_offset(i, e);
}

int store_execute(const struct insn *i, struct store_env *e, uint64_t fault_va) {
    uint64_t va;
    int rc;

    if (i->op < INSN_MOV) return -1;
    va = destination(i, e);
    if (fault_va - va >= i->opsize) return -1; /* faulted on something else than its destination */
    switch (i->op) {
    case INSN_MOV: rc = do_mov(i, e, va); break;
    case INSN_CMPXCHG: rc = do_cmpxchg(i, e, va); break;
    case INSN_CMPXCHG8B: rc = do_cmpxchg8b(e, va); break;
    case INSN_MOVS:
    case INSN_STOS: rc = do_string(i, e, va); break;
    default: rc = do_modify(i, e, va); break;
    }
    if (rc < 0) return rc;
    e->regs->rip += i->len;
    return 0;
}
