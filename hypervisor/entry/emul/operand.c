/* SPDX-License-Identifier: MIT */
/* Registers, addresses and arithmetic: see operand.h. */
#include "operand.h"

#define CF (1UL << 0)
#define PF (1UL << 2)
#define AF (1UL << 4)
#define ZF (1UL << 6)
#define SF (1UL << 7)
#define DF (1UL << 10)
#define OF (1UL << 11)

static const uint8_t reg_offset[16] = {
    offsetof(struct cpu_user_regs, rax), offsetof(struct cpu_user_regs, rcx),
    offsetof(struct cpu_user_regs, rdx), offsetof(struct cpu_user_regs, rbx),
    offsetof(struct cpu_user_regs, rsp), offsetof(struct cpu_user_regs, rbp),
    offsetof(struct cpu_user_regs, rsi), offsetof(struct cpu_user_regs, rdi),
    offsetof(struct cpu_user_regs, r8),  offsetof(struct cpu_user_regs, r9),
    offsetof(struct cpu_user_regs, r10), offsetof(struct cpu_user_regs, r11),
    offsetof(struct cpu_user_regs, r12), offsetof(struct cpu_user_regs, r13),
    offsetof(struct cpu_user_regs, r14), offsetof(struct cpu_user_regs, r15),
};

static uint64_t *reg64(struct cpu_user_regs *regs, unsigned int n) {
    return (uint64_t *)((char *)regs + reg_offset[n & 15]);
}

static uint64_t reg_value(const struct cpu_user_regs *regs, unsigned int n) {
    return *(const uint64_t *)((const char *)regs + reg_offset[n & 15]);
}

uint64_t operand_mask(unsigned int size) { return size >= 8 ? ~0UL : (1UL << (8 * size)) - 1; }

static bool is_high_byte(unsigned int n, unsigned int size, bool rex) {
    return size == 1 && !rex && n >= 4 && n < 8;
}

uint64_t operand_reg(const struct cpu_user_regs *regs, unsigned int n, unsigned int size,
                     bool rex) {
    if (is_high_byte(n, size, rex)) return (reg_value(regs, n - 4) >> 8) & 0xff;
    return reg_value(regs, n) & operand_mask(size);
}

void operand_set_reg(struct cpu_user_regs *regs, unsigned int n, uint64_t v, unsigned int size,
                     bool rex) {
    uint64_t mask = operand_mask(size), *r;

    if (is_high_byte(n, size, rex)) {
        r = reg64(regs, n - 4);
        *r = (*r & ~0xff00UL) | (v & 0xff) << 8;
        return;
    }
    r = reg64(regs, n);
    if (size >= 4)
        *r = v & mask;
    else
        *r = (*r & ~mask) | (v & mask);
}

uint64_t operand_address(const struct insn *i, const struct cpu_user_regs *regs,
                         const struct emul_bases *bases) {
    uint64_t a = (uint64_t)(int64_t)i->disp;

    if (i->rip_relative) a += regs->rip + i->len;
    if (i->base != REG_NONE) a += reg_value(regs, i->base);
    if (i->index != REG_NONE) a += reg_value(regs, i->index) << i->scale;
    if (i->addrsize == 4) a = (uint32_t)a;
    if (i->seg == SEG_FS)
        a += bases->fs;
    else if (i->seg == SEG_GS)
        a += bases->gs;
    return a;
}

static uint64_t result_flags(uint64_t r, unsigned int size) {
    uint64_t sign = 1UL << (8 * size - 1), f = 0;

    if (!(r & operand_mask(size))) f |= ZF;
    if (r & sign) f |= SF;
    if (!(__builtin_popcount((unsigned int)(r & 0xff)) & 1)) f |= PF;
    return f;
}

static uint64_t add_flags(uint64_t a, uint64_t b, uint64_t r, unsigned int size) {
    uint64_t sign = 1UL << (8 * size - 1);
    uint64_t carry = (a & b) | ((a | b) & ~r);
    uint64_t f = result_flags(r, size);

    if (carry & sign) f |= CF;
    if (carry & 8) f |= AF;
    if ((a ^ r) & (b ^ r) & sign) f |= OF;
    return f;
}

static uint64_t sub_flags(uint64_t a, uint64_t b, uint64_t r, unsigned int size) {
    uint64_t sign = 1UL << (8 * size - 1);
    uint64_t borrow = (~a & b) | ((~a | b) & r);
    uint64_t f = result_flags(r, size);

    if (borrow & sign) f |= CF;
    if (borrow & 8) f |= AF;
    if ((a ^ b) & (a ^ r) & sign) f |= OF;
    return f;
}

uint64_t operand_alu(enum insn_op op, uint64_t a, uint64_t b, unsigned int size, uint64_t *rflags) {
    uint64_t mask = operand_mask(size), carry = *rflags & CF, keep = 0, r = 0, f = 0;

    a &= mask;
    b &= mask;
    switch (op) {
    case INSN_ADD:
    case INSN_XADD:
        r = (a + b) & mask;
        f = add_flags(a, b, r, size);
        break;
    case INSN_ADC:
        r = (a + b + carry) & mask;
        f = add_flags(a, b, r, size);
        break;
    case INSN_SUB:
    case INSN_CMPXCHG:
        r = (a - b) & mask;
        f = sub_flags(a, b, r, size);
        break;
    case INSN_SBB:
        r = (a - b - carry) & mask;
        f = sub_flags(a, b, r, size);
        break;
    case INSN_AND:
    case INSN_OR:
    case INSN_XOR:
        r = op == INSN_AND ? a & b : op == INSN_OR ? a | b : a ^ b;
        f = result_flags(r, size);
        break;
    case INSN_INC:
        r = (a + 1) & mask;
        f = add_flags(a, 1, r, size) & ~CF;
        keep = CF;
        break;
    case INSN_DEC:
        r = (a - 1) & mask;
        f = sub_flags(a, 1, r, size) & ~CF;
        keep = CF;
        break;
    case INSN_NEG:
        r = (0 - a) & mask;
        f = sub_flags(0, a, r, size);
        break;
    case INSN_NOT: return ~a & mask;
    default: return a;
    }
    *rflags = (*rflags & (~(CF | PF | AF | ZF | SF | OF) | keep)) | f;
    return r;
}

static void step(uint64_t *r, const struct insn *i, bool down) {
    uint64_t v = down ? *r - i->opsize : *r + i->opsize;

    *r = i->addrsize == 4 ? (uint32_t)v : v;
}

void operand_string_step(const struct insn *i, struct cpu_user_regs *regs, bool use_si,
                         bool use_di) {
    bool down = regs->rflags & DF;

    if (use_si) step(&regs->rsi, i, down);
    if (use_di) step(&regs->rdi, i, down);
    if (i->rep) regs->rcx = i->addrsize == 4 ? (uint32_t)(regs->rcx - 1) : regs->rcx - 1;
}

bool operand_string_done(const struct insn *i, const struct cpu_user_regs *regs) {
    return i->rep && (i->addrsize == 4 ? (uint32_t)regs->rcx : regs->rcx) == 0;
}
