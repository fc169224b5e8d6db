/* SPDX-License-Identifier: MIT */
#include "decode.h"

struct cursor {
    const uint8_t *p;
    unsigned int at, n;
    bool failed; /* ran out of bytes */
};

static uint64_t take(struct cursor *c, unsigned int bytes) {
    uint64_t v = 0;

    if (bytes > c->n - c->at) {
        c->failed = true;
        c->at = c->n;
        return 0;
    }
    for (unsigned int i = 0; i < bytes; i++) v |= (uint64_t)c->p[c->at++] << (8 * i);
    return v;
}

static int64_t take_signed(struct cursor *c, unsigned int bytes) {
    uint64_t v = take(c, bytes);
    unsigned int shift = 64 - 8 * bytes;

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
        uint8_t b = (uint8_t)take(c, 1);

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
    uint8_t m = (uint8_t)take(c, 1), mod = m >> 6, low = m & 7;
    unsigned int disp = mod == 1 ? 1 : mod == 2 ? 4 : 0;

    i->reg = ((m >> 3) & 7) | (i->rex & REX_R ? 8 : 0);
    i->rm = low | (i->rex & REX_B ? 8 : 0);
    if (mod == 3 || registers) return;
    i->has_mem = true;
    if (low == 4) {
        uint8_t sib = (uint8_t)take(c, 1);

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
#define MEM   1  /* ModRM, which must name memory */
#define BYTE  2  /* the next opcode too; operands of this one are bytes */
#define PORT  4  /* the same, and never 8 bytes */
#define IMM   8  /* an immediate as long as the operand, but at most 4 bytes */
#define IMM8  16 /* an immediate of one byte */
#define GROUP 32 /* op is a line of groups[], of which ModRM.reg chooses */
#define CR_DR 64 /* ModRM names registers of 8 bytes whatever its mod bits are */

enum { G_ALU, G_MOV, G_NOT_NEG, G_INC_DEC, G_BIT, G_CMPXCHG8B };

static const uint8_t groups[][8] = {
    [G_ALU] = {INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB, INSN_AND, INSN_SUB, INSN_XOR},
    [G_MOV] = {INSN_MOV},
    [G_NOT_NEG] = {[2] = INSN_NOT, [3] = INSN_NEG},
    [G_INC_DEC] = {INSN_INC, INSN_DEC},
    [G_BIT] = {[5] = INSN_BTS, [6] = INSN_BTR, [7] = INSN_BTC},
    [G_CMPXCHG8B] = {[1] = INSN_CMPXCHG8B},
};

static const struct opcode {
    uint32_t code; /* 0x0f.. of two bytes, 0x0f01.. of three */
    uint8_t op, form;
} opcodes[] = {
    /* clang-format off */
    {0x00, INSN_ADD, MEM | BYTE}, {0x08, INSN_OR, MEM | BYTE}, {0x10, INSN_ADC, MEM | BYTE},
    {0x18, INSN_SBB, MEM | BYTE}, {0x20, INSN_AND, MEM | BYTE}, {0x28, INSN_SUB, MEM | BYTE},
    {0x30, INSN_XOR, MEM | BYTE}, {0x6c, INSN_INS, PORT}, {0x6e, INSN_OUTS, PORT},
    {0x80, G_ALU, GROUP | MEM | BYTE | IMM}, {0x83, G_ALU, GROUP | MEM | IMM8},
    {0x86, INSN_XCHG, MEM | BYTE}, {0x88, INSN_MOV, MEM | BYTE}, {0xa4, INSN_MOVS, BYTE},
    {0xaa, INSN_STOS, BYTE}, {0xc6, G_MOV, GROUP | MEM | BYTE | IMM}, {0xe4, INSN_IN, PORT | IMM8},
    {0xe6, INSN_OUT, PORT | IMM8}, {0xec, INSN_IN, PORT}, {0xee, INSN_OUT, PORT},
    {0xf6, G_NOT_NEG, GROUP | MEM | BYTE}, {0xfa, INSN_CLI, 0}, {0xfb, INSN_STI, 0},
    {0xfe, G_INC_DEC, GROUP | MEM | BYTE},
    {0x0f01d1, INSN_XSETBV, 0}, {0x0f01f9, INSN_RDTSCP, 0}, {0x0f06, INSN_CLTS, 0},
    {0x0f09, INSN_WBINVD, 0}, {0x0f20, INSN_MOV_FROM_CR, CR_DR}, {0x0f21, INSN_MOV_FROM_DR, CR_DR},
    {0x0f22, INSN_MOV_TO_CR, CR_DR}, {0x0f23, INSN_MOV_TO_DR, CR_DR}, {0x0f30, INSN_WRMSR, 0},
    {0x0f31, INSN_RDTSC, 0}, {0x0f32, INSN_RDMSR, 0}, {0x0fa2, INSN_CPUID, 0},
    {0x0fab, INSN_BTS, MEM}, {0x0fb0, INSN_CMPXCHG, MEM | BYTE}, {0x0fb3, INSN_BTR, MEM},
    {0x0fba, G_BIT, GROUP | MEM | IMM8}, {0x0fbb, INSN_BTC, MEM}, {0x0fc0, INSN_XADD, MEM | BYTE},
    {0x0fc3, INSN_MOV, MEM}, {0x0fc7, G_CMPXCHG8B, GROUP | MEM},
    /* clang-format on */
};

static void decode_opcode(struct cursor *c, struct insn *i, uint32_t code) {
    const struct opcode *o = opcodes, *end = opcodes + ARRAY_SIZE(opcodes);

    while (o < end && o->code != code && !((o->form & (BYTE | PORT)) && o->code + 1 == code)) o++;
    if (o == end) return;
    if (o->form & (MEM | CR_DR)) take_modrm(c, i, o->form & CR_DR);
    i->op = (enum insn_op)(o->form & GROUP ? groups[o->op][i->reg & 7] : o->op);
    if ((o->form & (BYTE | PORT)) && code == o->code) i->opsize = 1;
    if ((o->form & PORT) && i->opsize == 8) i->opsize = 4;
    if (o->form & CR_DR) i->opsize = 8;
    if (o->form & (IMM | IMM8)) {
        i->has_imm = true;
        i->imm = take_signed(c, o->form & IMM8 ? 1 : i->opsize > 4 ? 4 : i->opsize);
    }
    if ((o->form & MEM) && !i->has_mem) i->op = INSN_NONE;
    if (code == 0x0fc3 && i->opsize == 2) i->op = INSN_NONE; /* movnti */
    if (i->op == INSN_CMPXCHG8B) {
        if (i->rex & REX_W) i->op = INSN_NONE; /* cmpxchg16b */
        i->opsize = 8;
    }
}

int insn_decode(struct insn *i, const uint8_t *bytes, unsigned int n) {
    struct cursor c = {.p = bytes, .n = n > INSN_MAX ? INSN_MAX : n};
    uint32_t code;

    *i = (struct insn){.opsize = 4, .addrsize = 8, .base = REG_NONE, .index = REG_NONE};
    code = take_prefixes(&c, i);
    if (code == 0x0f) code = 0x0f00 | (uint32_t)take(&c, 1);
    if (code == 0x0f01) code = 0x0f0100 | (uint32_t)take(&c, 1);
    if (!c.failed) decode_opcode(&c, i, code);
    i->len = (uint8_t)c.at;
    if (c.failed || (i->lock && (i->op < INSN_XCHG || i->op > INSN_BTC))) i->op = INSN_NONE;
    return i->op == INSN_NONE ? -1 : 0;
}
