/* SPDX-License-Identifier: MIT */
/*
 * Decoder of the instructions that PV guests have emulated: privileged ones that fault in ring 3,
 * and stores to page tables. 64-bit code. Pure: bytes in, description out; it also runs on the
 * host (tests/unit/emul), where it is fuzzed.
 */
#pragma once

#include <hv/types.h>

#define INSN_MAX 15

/* clang-format off */
enum insn_op {
    INSN_NONE,
    /* Privileged. CPUID..OUT have no memory operand, nor another register of 64 bits. */
    INSN_RDMSR, INSN_WRMSR, INSN_CPUID, INSN_RDTSC, INSN_RDTSCP, INSN_CLI, INSN_STI,
    INSN_IN, INSN_OUT, /* port: low byte of imm, or DX if !has_imm */
    INSN_INS, INSN_OUTS,
    INSN_MOV_FROM_CR, INSN_MOV_TO_CR, /* reg: control register, rm: general register */
    INSN_MOV_FROM_DR, INSN_MOV_TO_DR,
    INSN_CLTS, INSN_WBINVD, INSN_XSETBV,
    /* Stores; the destination is the memory operand unless said otherwise. */
    INSN_MOV, /* source: imm if has_imm, else reg */
    INSN_XCHG, INSN_CMPXCHG, INSN_CMPXCHG8B, INSN_XADD,
    INSN_ADD, INSN_OR, INSN_ADC, INSN_SBB, INSN_AND, INSN_SUB, INSN_XOR, /* source: imm or reg */
    INSN_INC, INSN_DEC, INSN_NOT, INSN_NEG,
    INSN_BTS, INSN_BTR, INSN_BTC, /* source: imm or reg */
    INSN_MOVS, /* destination: RDI */
    INSN_STOS,
};
/* clang-format on */

enum insn_seg { SEG_NONE, SEG_FS, SEG_GS }; /* the others have base 0 in 64-bit code */

#define REG_NONE 16

struct insn {
    enum insn_op op;
    uint8_t len;      /* bytes of the instruction */
    uint8_t opsize;   /* 1, 2, 4 or 8 bytes */
    uint8_t addrsize; /* 4 or 8 */
    bool rep;         /* F2 or F3 before a string instruction */
    bool lock;
    uint8_t rex; /* the prefix; if any, byte registers 4..7 are spl.. rather than ah.. */
    enum insn_seg seg;
    uint8_t reg, rm; /* with their REX bits */
    bool has_mem, rip_relative;
    uint8_t base, index; /* REG_NONE: none */
    uint8_t scale;       /* shift of index */
    int32_t disp;
    bool has_imm;
    int64_t imm; /* sign-extended */
};

/* 0, or -1: not complete in n bytes, or none of the above. */
int insn_decode(struct insn *i, const uint8_t *bytes, unsigned int n);
