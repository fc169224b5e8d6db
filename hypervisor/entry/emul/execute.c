/* SPDX-License-Identifier: MIT */
/*
 * Stores to memory that the guest may not write itself, and what they need. A read-modify-write
 * reads, computes and offers the change by compare-and-exchange, repeated a few times if somebody
 * else was faster. Registers and flags change only when memory did.
 */
#include "execute.h"

#define CF (1UL << 0)
#define PF (1UL << 2)
#define AF (1UL << 4)
#define ZF (1UL << 6)
#define SF (1UL << 7)
#define DF (1UL << 10)
#define OF (1UL << 11)

#define MAX_ATTEMPTS 16

static uint64_t *reg64(const struct cpu_user_regs *regs, unsigned int n) {
#define REG(r) offsetof(struct cpu_user_regs, r)
    static const uint8_t offset[16] = {
        REG(rax), REG(rcx), REG(rdx), REG(rbx), REG(rsp), REG(rbp), REG(rsi), REG(rdi),
        REG(r8),  REG(r9),  REG(r10), REG(r11), REG(r12), REG(r13), REG(r14), REG(r15),
    };

    return (uint64_t *)((char *)(uintptr_t)regs + offset[n & 15]);
}

uint64_t operand_mask(unsigned int size) { return size >= 8 ? ~0UL : (1UL << (8 * size)) - 1; }

static bool is_high_byte(unsigned int n, unsigned int size, bool rex) {
    return size == 1 && !rex && n >= 4 && n < 8;
}

uint64_t operand_reg(const struct cpu_user_regs *regs, unsigned int n, unsigned int size,
                     bool rex) {
    if (is_high_byte(n, size, rex)) return (*reg64(regs, n - 4) >> 8) & 0xff;
    return *reg64(regs, n) & operand_mask(size);
}

void operand_set_reg(struct cpu_user_regs *regs, unsigned int n, uint64_t v, unsigned int size,
                     bool rex) {
    uint64_t mask = operand_mask(size), *r = reg64(regs, n);

    if (is_high_byte(n, size, rex)) {
        r = reg64(regs, n - 4);
        v <<= 8;
        mask <<= 8;
    }
    *r = (size == 4 ? 0 : *r & ~mask) | (v & mask);
}

static uint64_t segment_base(const struct insn *i, const struct emul_bases *bases) {
    return i->seg == SEG_FS ? bases->fs : i->seg == SEG_GS ? bases->gs : 0;
}

/* An address or a count in a register. */
static uint64_t cut(const struct insn *i, uint64_t v) { return i->addrsize == 4 ? (uint32_t)v : v; }

uint64_t operand_address(const struct insn *i, const struct cpu_user_regs *regs,
                         const struct emul_bases *bases) {
    uint64_t a = (uint64_t)(int64_t)i->disp;

    if (i->rip_relative) a += regs->rip + i->len;
    if (i->base != REG_NONE) a += *reg64(regs, i->base);
    if (i->index != REG_NONE) a += *reg64(regs, i->index) << i->scale;
    return cut(i, a) + segment_base(i, bases);
}

/* a op b for INSN_XADD..INSN_NEG; *rflags gets the arithmetic flags. All but the logical ones are
 * additions: a - b is ~(~a + b), and what the one borrows the other carries. */
static uint64_t alu(enum insn_op op, uint64_t a, uint64_t b, unsigned int size, uint64_t *rflags) {
    uint64_t mask = operand_mask(size), sign = 1UL << (8 * size - 1), r, carry = 0, over = 0;
    uint64_t in = op == INSN_ADC || op == INSN_SBB ? *rflags & CF : 0;
    uint64_t change = CF | PF | AF | ZF | SF | OF, f = 0;
    bool minus =
        op == INSN_SUB || op == INSN_SBB || op == INSN_CMPXCHG || op == INSN_DEC || op == INSN_NEG;

    if (op == INSN_NOT) return ~a & mask;
    if (op == INSN_INC || op == INSN_DEC) {
        b = 1;
        change &= ~CF;
    } else if (op == INSN_NEG) {
        b = a;
        a = 0;
    }
    if (op == INSN_AND || op == INSN_OR || op == INSN_XOR) {
        r = op == INSN_AND ? a & b : op == INSN_OR ? a | b : a ^ b;
    } else {
        if (minus) a = ~a;
        r = a + b + in;
        carry = (a & b) | ((a | b) & ~r);
        over = (a ^ r) & (b ^ r);
        if (minus) r = ~r;
    }
    r &= mask;
    f = (carry & sign ? CF : 0) | (carry & 8 ? AF : 0) | (over & sign ? OF : 0) |
        (r & sign ? SF : 0) | (r ? 0 : ZF) |
        (__builtin_popcount((unsigned int)(r & 0xff)) & 1 ? 0 : PF);
    *rflags = (*rflags & ~change) | (f & change);
    return r;
}

static void step(uint64_t *r, const struct insn *i, bool down) {
    *r = cut(i, down ? *r - i->opsize : *r + i->opsize);
}

void operand_string_step(const struct insn *i, struct cpu_user_regs *regs, bool use_si,
                         bool use_di) {
    bool down = regs->rflags & DF;

    if (use_si) step(&regs->rsi, i, down);
    if (use_di) step(&regs->rdi, i, down);
    if (i->rep) regs->rcx = cut(i, regs->rcx - 1);
}

bool operand_string_done(const struct insn *i, const struct cpu_user_regs *regs) {
    return i->rep && cut(i, regs->rcx) == 0;
}

static uint64_t source(const struct insn *i, const struct store_env *e) {
    if (i->has_imm) return (uint64_t)i->imm & operand_mask(i->opsize);
    return operand_reg(e->regs, i->reg, i->opsize, i->rex);
}

static int do_cmpxchg(const struct insn *i, struct store_env *e, uint64_t va) {
    uint64_t want = operand_reg(e->regs, 0, i->opsize, true), old = want;
    int rc = e->store(e->ctx, va, &old, source(i, e), i->opsize);

    if (rc < 0) return rc;
    (void)alu(INSN_CMPXCHG, want, old, i->opsize, &e->regs->rflags);
    if (rc) operand_set_reg(e->regs, 0, old, i->opsize, true);
    return 0;
}

static int do_cmpxchg8b(struct store_env *e, uint64_t va) {
    struct cpu_user_regs *r = e->regs;
    uint64_t old = (uint32_t)r->rax | r->rdx << 32;
    int rc = e->store(e->ctx, va, &old, (uint32_t)r->rbx | r->rcx << 32, 8);

    if (rc < 0) return rc;
    r->rflags = (r->rflags & ~ZF) | (rc ? 0 : ZF);
    if (rc) {
        r->rax = (uint32_t)old;
        r->rdx = old >> 32;
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
    default: return alu(i->op, old, source(i, e), i->opsize, flags);
    }
}

static int do_modify(const struct insn *i, struct store_env *e, uint64_t va) {
    for (unsigned int n = 0; n < MAX_ATTEMPTS; n++) {
        uint64_t flags = e->regs->rflags, old = 0, seen;
        int rc = e->read(va, &old, i->opsize);

        if (rc) return rc;
        seen = old;
        rc = e->store(e->ctx, va, &seen, modify(i, e, old, &flags), i->opsize);
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
    uint64_t v = operand_reg(e->regs, 0, i->opsize, true);
    int rc = 0;

    if (operand_string_done(i, e->regs)) return -1;
    if (i->op == INSN_MOVS) {
        v = 0;
        rc = e->read(cut(i, e->regs->rsi) + segment_base(i, &e->bases), &v, i->opsize);
    }
    if (!rc) rc = e->store(e->ctx, va, NULL, v, i->opsize);
    if (rc) return rc;
    operand_string_step(i, e->regs, i->op == INSN_MOVS, true);
    if (i->rep && !operand_string_done(i, e->regs))
        e->regs->rip -= i->len; /* undone by the caller's advance */
    return 0;
}

static uint64_t destination(const struct insn *i, const struct store_env *e) {
    unsigned int unused = 64 - 8U * i->opsize;
    uint64_t va;
    int64_t bit;

    if (i->op == INSN_MOVS || i->op == INSN_STOS) return cut(i, e->regs->rdi);
    va = operand_address(i, e->regs, &e->bases);
    if (i->has_imm || i->op < INSN_BTS || i->op > INSN_BTC) return va;
    /* A bit offset in a register reaches beyond the operand. */
    bit = (int64_t)(source(i, e) << unused) >> unused;
    return va + (uint64_t)(bit >> (i->opsize == 8 ? 6 : i->opsize == 4 ? 5 : 4)) * i->opsize;
}

int store_execute(const struct insn *i, struct store_env *e, uint64_t fault_va) {
    uint64_t va;
    int rc;

    if (i->op < INSN_MOV) return -1;
    va = destination(i, e);
    if (fault_va - va >= i->opsize) return -1; /* faulted on something else than its destination */
    switch (i->op) {
    case INSN_MOV: rc = e->store(e->ctx, va, NULL, source(i, e), i->opsize); break;
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
