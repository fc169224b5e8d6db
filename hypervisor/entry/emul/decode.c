/* SPDX-License-Identifier: MIT */
/* Instruction bytes to struct insn: see decode.h. */
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

struct prefixes {
    bool opsize16, addr32;
    uint8_t rep; /* 0, 0xf2 or 0xf3 */
    uint8_t rex;
};

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

/* Returns the first byte that is no prefix. A REX counts only right before the opcode. */
static uint8_t take_prefixes(struct cursor *c, struct insn *i, struct prefixes *p) {
    for (;;) {
        uint8_t b = (uint8_t)take(c, 1);

        if (c->failed) return 0;
        if ((b & 0xf0) == 0x40) {
            p->rex = b;
            continue;
        }
        switch (b) {
        case 0x66: p->opsize16 = true; break;
        case 0x67: p->addr32 = true; break;
        case 0xf0: i->lock = true; break;
        case 0xf2:
        case 0xf3: p->rep = b; break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
            i->seg = SEG_NONE; /* the last one counts, and these have base 0 */
            break;
        case 0x64: i->seg = SEG_FS; break;
        case 0x65: i->seg = SEG_GS; break;
        default: return b;
        }
        p->rex = 0;
    }
}

static void take_sib(struct cursor *c, struct insn *i, uint8_t rex) {
    uint8_t sib = (uint8_t)take(c, 1);

    i->scale = sib >> 6;
    i->index = ((sib >> 3) & 7) | (rex & REX_X ? 8 : 0);
    if (i->index == 4) i->index = REG_NONE;
    i->base = (sib & 7) | (rex & REX_B ? 8 : 0);
    if ((sib & 7) == 5 && i->mod == 0) {
        i->base = REG_NONE;
        i->disp = (int32_t)take_signed(c, 4);
    }
}

static void take_modrm(struct cursor *c, struct insn *i, uint8_t rex) {
    uint8_t m = (uint8_t)take(c, 1);

    i->mod = m >> 6;
    i->reg = ((m >> 3) & 7) | (rex & REX_R ? 8 : 0);
    i->rm = (m & 7) | (rex & REX_B ? 8 : 0);
    if (i->mod == 3) return;
    i->has_mem = true;
    i->base = i->rm;
    if ((m & 7) == 4) {
        take_sib(c, i, rex);
    } else if ((m & 7) == 5 && i->mod == 0) {
        i->rip_relative = true;
        i->base = REG_NONE;
        i->disp = (int32_t)take_signed(c, 4);
    }
    if (i->mod == 1)
        i->disp = (int32_t)take_signed(c, 1);
    else if (i->mod == 2)
        i->disp = (int32_t)take_signed(c, 4);
}

/* An immediate as long as the operand, but at most 4 bytes, sign-extended. */
static void take_imm(struct cursor *c, struct insn *i, unsigned int bytes) {
    i->has_imm = true;
    i->imm = take_signed(c, bytes > 4 ? 4 : bytes);
}

static void set_port_size(struct insn *i, uint8_t opcode) {
    i->opsize = opcode & 1 ? (i->opsize == 2 ? 2 : 4) : 1;
}

static enum insn_op alu_op(unsigned int n) {
    static const uint8_t ops[8] = {INSN_ADD, INSN_OR,  INSN_ADC, INSN_SBB,
                                   INSN_AND, INSN_SUB, INSN_XOR, INSN_NONE}; /* 7: cmp */

    return (enum insn_op)ops[n & 7];
}

static void in_out(struct cursor *c, struct insn *i, uint8_t b) {
    i->op = b & 2 ? INSN_OUT : INSN_IN;
    set_port_size(i, b);
    if (!(b & 8)) {
        i->has_imm = true;
        i->imm = (int64_t)take(c, 1);
    }
}

/* Opcodes whose ModRM byte chooses among operations. */
static void group(struct cursor *c, struct insn *i, uint8_t b) {
    unsigned int ext = i->reg & 7;

    switch (b) {
    case 0x80:
    case 0x81:
    case 0x83:
        i->op = alu_op(ext);
        take_imm(c, i, b == 0x81 ? i->opsize : 1);
        break;
    case 0xc6:
    case 0xc7:
        i->op = ext == 0 ? INSN_MOV : INSN_NONE;
        take_imm(c, i, i->opsize);
        break;
    case 0xf6:
    case 0xf7: i->op = ext == 2 ? INSN_NOT : ext == 3 ? INSN_NEG : INSN_NONE; break;
    case 0xfe:
    case 0xff: i->op = ext == 0 ? INSN_INC : ext == 1 ? INSN_DEC : INSN_NONE; break;
    }
}

static void decode_store(struct cursor *c, struct insn *i, uint8_t b, uint8_t rex) {
    if (!(b & 1) && b != 0x83) i->opsize = 1;
    take_modrm(c, i, rex);
    if (b < 0x40)
        i->op = alu_op(b >> 3);
    else if (b == 0x86 || b == 0x87)
        i->op = INSN_XCHG;
    else if (b == 0x88 || b == 0x89)
        i->op = INSN_MOV;
    else
        group(c, i, b);
    if (!i->has_mem) i->op = INSN_NONE;
}

static void decode_one_byte(struct cursor *c, struct insn *i, uint8_t b, const struct prefixes *p) {
    switch (b) {
    case 0x6c:
    case 0x6d:
    case 0x6e:
    case 0x6f:
        i->op = b & 2 ? INSN_OUTS : INSN_INS;
        set_port_size(i, b);
        break;
    case 0xa4:
    case 0xa5:
    case 0xaa:
    case 0xab:
        i->op = b & 8 ? INSN_STOS : INSN_MOVS;
        if (!(b & 1)) i->opsize = 1;
        break;
    case 0xe4 ... 0xe7:
    case 0xec ... 0xef: in_out(c, i, b); break;
    case 0xfa: i->op = INSN_CLI; break;
    case 0xfb: i->op = INSN_STI; break;
    case 0x80:
    case 0x81:
    case 0x83:
    case 0x86 ... 0x89:
    case 0xc6:
    case 0xc7:
    case 0xf6:
    case 0xf7:
    case 0xfe:
    case 0xff: decode_store(c, i, b, p->rex); break;
    default:
        if (b < 0x38 && (b & 7) <= 1) decode_store(c, i, b, p->rex);
        break;
    }
}

static void mov_cr_dr(struct cursor *c, struct insn *i, uint8_t b, uint8_t rex) {
    static const uint8_t ops[4] = {INSN_MOV_FROM_CR, INSN_MOV_FROM_DR, INSN_MOV_TO_CR,
                                   INSN_MOV_TO_DR};
    uint8_t m = (uint8_t)take(c, 1);

    /* The mod bits are ignored by these, always registers of 8 bytes. */
    i->mod = 3;
    i->reg = ((m >> 3) & 7) | (rex & REX_R ? 8 : 0);
    i->rm = (m & 7) | (rex & REX_B ? 8 : 0);
    i->opsize = 8;
    i->op = (enum insn_op)ops[b & 3];
}

static void bit_op(struct insn *i, unsigned int which) {
    static const uint8_t ops[4] = {INSN_NONE, INSN_BTS, INSN_BTR, INSN_BTC};

    i->op = i->has_mem ? (enum insn_op)ops[which & 3] : INSN_NONE;
}

static void decode_two_bytes(struct cursor *c, struct insn *i, const struct prefixes *p) {
    uint8_t b = (uint8_t)take(c, 1);

    switch (b) {
    case 0x01:
        b = (uint8_t)take(c, 1);
        i->op = b == 0xd1 ? INSN_XSETBV : b == 0xf9 ? INSN_RDTSCP : INSN_NONE;
        break;
    case 0x06: i->op = INSN_CLTS; break;
    case 0x09: i->op = INSN_WBINVD; break;
    case 0x20 ... 0x23: mov_cr_dr(c, i, b, p->rex); break;
    case 0x30: i->op = INSN_WRMSR; break;
    case 0x31: i->op = INSN_RDTSC; break;
    case 0x32: i->op = INSN_RDMSR; break;
    case 0xa2: i->op = INSN_CPUID; break;
    case 0xab:
    case 0xb3:
    case 0xbb: /* bits 4:3 of the opcode as of the group: 5 bts, 6 btr, 7 btc */
        take_modrm(c, i, p->rex);
        bit_op(i, b >> 3);
        break;
    case 0xba:
        take_modrm(c, i, p->rex);
        take_imm(c, i, 1);
        bit_op(i, (i->reg & 7) < 5 ? 0 : i->reg & 7);
        break;
    case 0xb0:
    case 0xb1:
    case 0xc0:
    case 0xc1:
        if (!(b & 1)) i->opsize = 1;
        take_modrm(c, i, p->rex);
        i->op = !i->has_mem ? INSN_NONE : b < 0xc0 ? INSN_CMPXCHG : INSN_XADD;
        break;
    case 0xc3:
        take_modrm(c, i, p->rex);
        i->op = i->has_mem && i->opsize >= 4 ? INSN_MOV : INSN_NONE; /* movnti */
        break;
    case 0xc7:
        take_modrm(c, i, p->rex);
        if (i->has_mem && (i->reg & 7) == 1 && !(p->rex & REX_W)) i->op = INSN_CMPXCHG8B;
        i->opsize = 8;
        break;
    }
}

static bool may_lock(enum insn_op op) { return (op >= INSN_XCHG && op <= INSN_BTC); }

int insn_decode(struct insn *i, const uint8_t *bytes, unsigned int n) {
    struct cursor c = {.p = bytes, .n = n > INSN_MAX ? INSN_MAX : n};
    struct prefixes p = {0};
    uint8_t b;

    *i = (struct insn){.base = REG_NONE, .index = REG_NONE};
    b = take_prefixes(&c, i, &p);
    i->rex = p.rex;
    i->rep = p.rep;
    i->opsize = p.rex & REX_W ? 8 : p.opsize16 ? 2 : 4;
    i->addrsize = p.addr32 ? 4 : 8;
    if (!c.failed) {
        if (b == 0x0f)
            decode_two_bytes(&c, i, &p);
        else
            decode_one_byte(&c, i, b, &p);
    }
    i->len = (uint8_t)c.at;
    if (c.failed || (i->lock && !may_lock(i->op))) i->op = INSN_NONE;
    return i->op == INSN_NONE ? -1 : 0;
}
