/* SPDX-License-Identifier: MIT */
#include "decode.h"

struct cursor {
    const uint8_t *p;
    unsigned int at, n;
    bool failed; /* ran out of bytes */
};

static uint8_t take(struct cursor *c) {
    if (c->at < c->n) return c->p[c->at++];
    c->failed = true;
    return 0;
}

static int64_t take_signed(struct cursor *c, unsigned int bytes) {
    unsigned int shift = 64 - 8 * bytes;
    uint64_t v = 0;

    for (unsigned int i = 0; i < bytes; i++) v |= (uint64_t)take(c) << (8 * i);
    return (int64_t)(v << shift) >> shift;
}

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

/* Returns the first byte that is no prefix. A REX counts only right before the opcode. */
static uint8_t take_prefixes(struct cursor *c, struct insn *i) {
    bool opsize16 = false;

    for (;;) {
        uint8_t b = take(c);

        if (c->failed) return 0;
        if ((b & 0xf0) == 0x40) {
            i->rex = b;
            continue;
        }
        switch (b) {
        case 0x66: opsize16 = true; break;
        case 0x67: i->addrsize = 4; break;
        case 0xf0: i->lock = true; break;
        case 0xf2:
        case 0xf3: i->rep = true; break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e: i->seg = SEG_NONE; break; /* the last one counts, and these have base 0 */
        case 0x64: i->seg = SEG_FS; break;
        case 0x65: i->seg = SEG_GS; break;
        default: i->opsize = i->rex & REX_W ? 8 : opsize16 ? 2 : 4; return b;
        }
        i->rex = 0;
    }
}

static void take_modrm(struct cursor *c, struct insn *i, bool registers) {
    uint8_t m = take(c), mod = m >> 6, low = m & 7;
    unsigned int disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    i->reg = ((m >> 3) & 7) | (i->rex & REX_R ? 8 : 0);
    i->rm = low | (i->rex & REX_B ? 8 : 0);
    if (mod == 3 || registers) return;
    i->has_mem = true;
    if (low == 4) {
        uint8_t sib = take(c);

        i->scale = sib >> 6;
        i->index = ((sib >> 3) & 7) | (i->rex & REX_X ? 8 : 0);
        if (i->index == 4) i->index = REG_NONE;
        low = sib & 7;
    } else if (low == 5 && mod == 0) {
        i->rip_relative = true;
    }
    if (low == 5 && mod == 0)
        disp = 4;
    else
        i->base = low | (i->rex & REX_B ? 8 : 0);
    if (disp) i->disp = (int32_t)take_signed(c, disp);
}

/* What an opcode brings with it. */
#define MEM   1   /* ModRM, which must name memory */
#define BYTE  2   /* operands are bytes */
#define PORT  4   /* operands are never 8 bytes */
#define IMM   8   /* an immediate as long as the operand, but at most 4 bytes */
#define IMM8  16  /* an immediate of one byte */
#define GROUP 32  /* op is a line of groups[], of which ModRM.reg chooses */
#define CR_DR 64  /* ModRM names registers of 8 bytes whatever its mod bits are */
#define LONG  128 /* operands are not of 2 bytes */

enum { G_ALU, G_MOV, G_NOT_NEG, G_INC_DEC, G_BIT, G_CMPXCHG8B };

static const uint8_t groups[][8] = {
    [G_ALU] = {INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB, INSN_AND, INSN_SUB, INSN_XOR},
    [G_MOV] = {INSN_MOV},
    [G_NOT_NEG] = {[2] = INSN_NOT, [3] = INSN_NEG},
    [G_INC_DEC] = {INSN_INC, INSN_DEC},
    [G_BIT] = {[5] = INSN_BTS, [6] = INSN_BTR, [7] = INSN_BTC},
    [G_CMPXCHG8B] = {[1] = INSN_CMPXCHG8B},
};

/* All zero: an opcode that is not emulated. */
struct opcode {
    uint8_t op, form;
};

/* An opcode and the next one, which is the same with longer operands. */
#define PAIR(code, op, form) [code] = {op, (form) | BYTE}, [(code) + 1] = {op, form}

static const struct opcode one_byte[256] = {
    /* clang-format off */
    PAIR(0x00, INSN_ADD, MEM), PAIR(0x08, INSN_OR, MEM), PAIR(0x10, INSN_ADC, MEM),
    PAIR(0x18, INSN_SBB, MEM), PAIR(0x20, INSN_AND, MEM), PAIR(0x28, INSN_SUB, MEM),
    PAIR(0x30, INSN_XOR, MEM), PAIR(0x6c, INSN_INS, PORT), PAIR(0x6e, INSN_OUTS, PORT),
    PAIR(0x80, G_ALU, GROUP | MEM | IMM), [0x83] = {G_ALU, GROUP | MEM | IMM8},
    PAIR(0x86, INSN_XCHG, MEM), PAIR(0x88, INSN_MOV, MEM), PAIR(0xa4, INSN_MOVS, 0),
    PAIR(0xaa, INSN_STOS, 0), PAIR(0xc6, G_MOV, GROUP | MEM | IMM),
    PAIR(0xe4, INSN_IN, PORT | IMM8), PAIR(0xe6, INSN_OUT, PORT | IMM8),
    PAIR(0xec, INSN_IN, PORT), PAIR(0xee, INSN_OUT, PORT), PAIR(0xf6, G_NOT_NEG, GROUP | MEM),
    [0xfa] = {INSN_CLI, 0}, [0xfb] = {INSN_STI, 0}, PAIR(0xfe, G_INC_DEC, GROUP | MEM),
    /* clang-format on */
};

/* Behind 0x0f. */
static const struct opcode two_bytes[256] = {
    /* clang-format off */
    [0x06] = {INSN_CLTS, 0}, [0x09] = {INSN_WBINVD, 0}, [0x20] = {INSN_MOV_FROM_CR, CR_DR},
    [0x21] = {INSN_MOV_FROM_DR, CR_DR}, [0x22] = {INSN_MOV_TO_CR, CR_DR},
    [0x23] = {INSN_MOV_TO_DR, CR_DR}, [0x30] = {INSN_WRMSR, 0}, [0x31] = {INSN_RDTSC, 0},
    [0x32] = {INSN_RDMSR, 0}, [0xa2] = {INSN_CPUID, 0}, [0xab] = {INSN_BTS, MEM},
    PAIR(0xb0, INSN_CMPXCHG, MEM), [0xb3] = {INSN_BTR, MEM}, [0xba] = {G_BIT, GROUP | MEM | IMM8},
    [0xbb] = {INSN_BTC, MEM}, PAIR(0xc0, INSN_XADD, MEM),
    [0xc3] = {INSN_MOV, MEM | LONG} /* movnti */, [0xc7] = {G_CMPXCHG8B, GROUP | MEM},
    /* clang-format on */
};

static struct opcode take_opcode(struct cursor *c, struct insn *i) {
    uint8_t b = take_prefixes(c, i);

    if (b != 0x0f) return one_byte[b];
    b = take(c);
    if (b != 0x01) return two_bytes[b];
    b = take(c);
    return (struct opcode){b == 0xd1 ? INSN_XSETBV : b == 0xf9 ? INSN_RDTSCP : INSN_NONE, 0};
}

static void take_operands(struct cursor *c, struct insn *i, struct opcode o) {
    if (o.form & (MEM | CR_DR)) take_modrm(c, i, o.form & CR_DR);
    i->op = (enum insn_op)(o.form & GROUP ? groups[o.op][i->reg & 7] : o.op);
    if (o.form & BYTE) i->opsize = 1;
    if ((o.form & PORT) && i->opsize == 8) i->opsize = 4;
    if (o.form & CR_DR) i->opsize = 8;
    if (o.form & (IMM | IMM8)) {
        i->has_imm = true;
        i->imm = take_signed(c, o.form & IMM8 ? 1 : i->opsize > 4 ? 4 : i->opsize);
    }
    if ((o.form & MEM) && !i->has_mem) i->op = INSN_NONE;
    if ((o.form & LONG) && i->opsize == 2) i->op = INSN_NONE;
    if (i->op == INSN_CMPXCHG8B) {
        if (i->rex & REX_W) i->op = INSN_NONE; /* cmpxchg16b */
        i->opsize = 8;
    }
}

int insn_decode(struct insn *i, const uint8_t *bytes, unsigned int n) {
    struct cursor c = {.p = bytes, .n = n > INSN_MAX ? INSN_MAX : n};
    struct opcode o;

    *i = (struct insn){.opsize = 4, .addrsize = 8, .base = REG_NONE, .index = REG_NONE};
    o = take_opcode(&c, i);
    if (!c.failed) take_operands(&c, i, o);
    i->len = (uint8_t)c.at;
    if (c.failed || (i->lock && (i->op < INSN_XCHG || i->op > INSN_BTC))) i->op = INSN_NONE;
    return i->op == INSN_NONE ? -1 : 0;
}
