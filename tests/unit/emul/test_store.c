/* SPDX-License-Identifier: MIT */
/*
 * Emulated stores against the CPU of the host: random instructions of the kinds that are emulated
 * are executed natively on a buffer, then emulated on the same buffer with the same registers.
 * Memory, registers and the defined flags must agree.
 */
#include "test.h"

#include <string.h>
#include <sys/mman.h>

#define ROUNDS      40000
#define FLAGS_ARITH 0x8d5UL
#define AF          0x10UL
#define CF          0x01UL

/* Runs code (a function) with the registers of *regs but for rsp, and stores them back. */
void native_run(struct cpu_user_regs *regs, const void *code);
__asm__(".text\n"
        "native_run:\n\t"
        "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
        "push %rdi; push %rsi\n\t"
        "push 144(%rdi); popf\n\t"
        "mov 0(%rdi), %r15; mov 8(%rdi), %r14; mov 16(%rdi), %r13; mov 24(%rdi), %r12\n\t"
        "mov 32(%rdi), %rbp; mov 40(%rdi), %rbx; mov 48(%rdi), %r11; mov 56(%rdi), %r10\n\t"
        "mov 64(%rdi), %r9; mov 72(%rdi), %r8; mov 80(%rdi), %rax; mov 88(%rdi), %rcx\n\t"
        "mov 96(%rdi), %rdx; mov 104(%rdi), %rsi; mov 112(%rdi), %rdi\n\t"
        "call *(%rsp)\n\t"
        "pushf; push %rdi\n\t"
        "mov 24(%rsp), %rdi\n\t"
        "mov %r15, 0(%rdi); mov %r14, 8(%rdi); mov %r13, 16(%rdi); mov %r12, 24(%rdi)\n\t"
        "mov %rbp, 32(%rdi); mov %rbx, 40(%rdi); mov %r11, 48(%rdi); mov %r10, 56(%rdi)\n\t"
        "mov %r9, 64(%rdi); mov %r8, 72(%rdi); mov %rax, 80(%rdi); mov %rcx, 88(%rdi)\n\t"
        "mov %rdx, 96(%rdi); mov %rsi, 104(%rdi)\n\t"
        "pop %rax; mov %rax, 112(%rdi); pop %rax; mov %rax, 144(%rdi)\n\t"
        "cld; add $16, %rsp\n\t"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
        "ret\n");
_Static_assert(offsetof(struct cpu_user_regs, rflags) == 144, "used in the assembly above");
_Static_assert(offsetof(struct cpu_user_regs, rdi) == 112, "used in the assembly above");

static uint64_t rng = 0x2545f4914f6cdd1dUL;
static uint64_t memory[64]; /* the buffer that stores aim at */

struct opcode {
    uint8_t bytes[2];
    uint8_t n;
    int8_t group; /* ModRM.reg, -1: a register */
    uint8_t imm;  /* bytes of immediate; 4: as the operand, at most 4 */
    bool byte, lockable;
};

static const struct opcode opcodes[] = {
    {{0x88}, 1, -1, 0, true, false},       {{0x89}, 1, -1, 0, false, false},
    {{0xc6}, 1, 0, 1, true, false},        {{0xc7}, 1, 0, 4, false, false},
    {{0x86}, 1, -1, 0, true, true},        {{0x87}, 1, -1, 0, false, true},
    {{0x00}, 1, -1, 0, true, true},        {{0x01}, 1, -1, 0, false, true},
    {{0x08}, 1, -1, 0, true, true},        {{0x09}, 1, -1, 0, false, true},
    {{0x10}, 1, -1, 0, true, true},        {{0x11}, 1, -1, 0, false, true},
    {{0x18}, 1, -1, 0, true, true},        {{0x19}, 1, -1, 0, false, true},
    {{0x20}, 1, -1, 0, true, true},        {{0x21}, 1, -1, 0, false, true},
    {{0x28}, 1, -1, 0, true, true},        {{0x29}, 1, -1, 0, false, true},
    {{0x30}, 1, -1, 0, true, true},        {{0x31}, 1, -1, 0, false, true},
    {{0x80}, 1, 0, 1, true, true},         {{0x81}, 1, 1, 4, false, true},
    {{0x81}, 1, 2, 4, false, true},        {{0x83}, 1, 3, 1, false, true},
    {{0x83}, 1, 4, 1, false, true},        {{0x83}, 1, 5, 1, false, true},
    {{0x81}, 1, 6, 4, false, true},        {{0xfe}, 1, 0, 0, true, true},
    {{0xff}, 1, 0, 0, false, true},        {{0xfe}, 1, 1, 0, true, true},
    {{0xff}, 1, 1, 0, false, true},        {{0xf6}, 1, 2, 0, true, true},
    {{0xf7}, 1, 2, 0, false, true},        {{0xf6}, 1, 3, 0, true, true},
    {{0xf7}, 1, 3, 0, false, true},        {{0x0f, 0xb0}, 2, -1, 0, true, true},
    {{0x0f, 0xb1}, 2, -1, 0, false, true}, {{0x0f, 0xc0}, 2, -1, 0, true, true},
    {{0x0f, 0xc1}, 2, -1, 0, false, true}, {{0x0f, 0xab}, 2, -1, 0, false, true},
    {{0x0f, 0xb3}, 2, -1, 0, false, true}, {{0x0f, 0xbb}, 2, -1, 0, false, true},
    {{0x0f, 0xba}, 2, 5, 1, false, true},  {{0x0f, 0xba}, 2, 6, 1, false, true},
    {{0x0f, 0xba}, 2, 7, 1, false, true},  {{0x0f, 0xc7}, 2, 1, 0, false, true},
};

/* An address form whose base is a register other than rsp; returns the bytes' number. */
static unsigned int put_modrm(uint8_t *p, unsigned int reg, unsigned int base, unsigned int index,
                              unsigned int scale) {
    unsigned int mod = random64(&rng) % 3, n = 0;
    uint32_t disp = (uint32_t)random64(&rng);
    bool sib = index < 16 || (base & 7) == 4;

    if (mod == 0 && (base & 7) == 5) mod = 1;
    p[n++] = (uint8_t)(mod << 6 | (reg & 7) << 3 | (sib ? 4 : base & 7));
    if (sib) p[n++] = (uint8_t)(scale << 6 | (index < 16 ? index & 7 : 4) << 3 | (base & 7));
    if (mod == 1) p[n++] = (uint8_t)disp;
    if (mod == 2) {
        memcpy(p + n, &disp, 4);
        n += 4;
    }
    return n;
}

static unsigned int build(const struct opcode *o, uint8_t *p, unsigned int *base) {
    unsigned int n = 0, reg, index = 16, scale = random64(&rng) % 4, size = 4;
    uint64_t imm = random64(&rng);
    uint8_t rex = 0x40 | (random64(&rng) & 8 ? 8 : 0);
    bool want_rex = random64(&rng) & 1, cmpxchg8b = o->bytes[1] == 0xc7;

    do *base = random64(&rng) % 16;
    while (*base == 4 || *base == 0); /* rax is an implied operand of some */
    reg = o->group >= 0 ? (unsigned int)o->group : random64(&rng) % 16;
    if (reg == 4 && o->group < 0) reg = 2; /* rsp is the test's own */
    if (random64(&rng) & 1) {
        index = random64(&rng) % 16;
        if (index == 4 || index == *base) index = 16;
    }
    if (o->lockable && (random64(&rng) & 1)) p[n++] = 0xf0;
    if (!o->byte && !cmpxchg8b && !(random64(&rng) & 3)) {
        p[n++] = 0x66;
        size = 2;
    }
    rex |=
        (reg & 8 && o->group < 0 ? 4 : 0) | (index < 16 && index & 8 ? 2 : 0) | (*base & 8 ? 1 : 0);
    if (cmpxchg8b) rex &= ~8;
    if (want_rex || (rex & 7)) {
        p[n++] = rex;
        if (rex & 8) size = 8;
    }
    memcpy(p + n, o->bytes, o->n);
    n += o->n;
    n += put_modrm(p + n, reg, *base, index, scale);
    if (o->imm) {
        unsigned int bytes = o->imm == 4 && size == 2 ? 2 : o->imm;

        memcpy(p + n, &imm, bytes);
        n += bytes;
    }
    return n;
}

static int plain_read(uint64_t va, void *buf, unsigned int bytes) {
    memcpy(buf, (const void *)va, bytes);
    return 0;
}

static int plain_store(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes) {
    uint64_t now = 0;

    (void)ctx;
    memcpy(&now, (const void *)va, bytes);
    if (old && now != *old) {
        *old = now;
        return 1;
    }
    memcpy((void *)va, &val, bytes);
    return 0;
}

static uint64_t defined_flags(enum insn_op op) {
    switch (op) {
    case INSN_AND:
    case INSN_OR:
    case INSN_XOR: return FLAGS_ARITH & ~AF;
    case INSN_BTS:
    case INSN_BTR:
    case INSN_BTC: return CF;
    default: return FLAGS_ARITH;
    }
}

static void random_state(struct cpu_user_regs *regs) {
    uint64_t *r = (uint64_t *)regs;

    for (unsigned int i = 0; i < 15; i++) r[i] = random64(&rng);
    for (unsigned int i = 0; i < ARRAY_SIZE(memory); i++) memory[i] = random64(&rng);
    if (random64(&rng) & 1) /* let comparisons succeed now and then */
        memory[32] = regs->rax;
    regs->rflags = 0x202 | (random64(&rng) & FLAGS_ARITH);
    regs->rip = 0x400000;
}

/* Bit offsets in a register would reach out of the buffer. */
static void tame_bit_offset(const struct insn *i, struct cpu_user_regs *regs) {
    if (i->op < INSN_BTS || i->op > INSN_BTC || i->has_imm) return;
    operand_set_reg(regs, i->reg, (uint64_t)((int64_t)(random64(&rng) % 512) - 256), 8, true);
}

static void one_round(uint8_t *code) {
    const struct opcode *o = &opcodes[random64(&rng) % ARRAY_SIZE(opcodes)];
    struct cpu_user_regs regs = {0}, native, emulated;
    uint64_t before[ARRAY_SIZE(memory)], after[ARRAY_SIZE(memory)], target, bit = 0;
    struct store_env e = {.regs = &emulated, .read = plain_read, .store = plain_store};
    unsigned int base, n = build(o, code, &base);
    struct insn i;
    int rc;

    code[n] = 0xc3;
    rc = insn_decode(&i, code, n);
    CHECK(rc == 0 && i.len == n, "decode: opcode %#x %#x, %u of %u bytes", o->bytes[0], o->bytes[1],
          i.len, n);
    if (rc) return;
    random_state(&regs);
    tame_bit_offset(&i, &regs);
    target = (uint64_t)&memory[32];
    if (i.op >= INSN_BTS && i.op <= INSN_BTC && !i.has_imm && i.reg == base)
        return; /* the address would be the bit offset */
    operand_set_reg(
        &regs, base,
        operand_reg(&regs, base, 8, true) + target - operand_address(&i, &regs, &e.bases), 8, true);
    if (i.op >= INSN_BTS && i.op <= INSN_BTC && !i.has_imm) {
        int64_t off = (int64_t)operand_reg(&regs, i.reg, i.opsize, true);
        unsigned int shift = 64 - 8U * i.opsize;

        off = (int64_t)((uint64_t)off << shift) >> shift;
        bit = (uint64_t)((off >= 0 ? off : off - 8 * i.opsize + 1) / (8 * i.opsize)) * i.opsize;
    }
    memcpy(before, memory, sizeof(memory));
    native = emulated = regs;
    native_run(&native, code);
    memcpy(after, memory, sizeof(memory));
    memcpy(memory, before, sizeof(memory));
    rc = store_execute(&i, &e, target + bit);
    CHECK(rc == 0, "opcode %#x %#x refused", o->bytes[0], o->bytes[1]);
    CHECK(!memcmp(after, memory, sizeof(memory)), "memory after opcode %#x %#x size %u",
          o->bytes[0], o->bytes[1], i.opsize);
    CHECK(!memcmp(&native, &emulated, 15 * 8), "registers after opcode %#x %#x size %u",
          o->bytes[0], o->bytes[1], i.opsize);
    CHECK(!((native.rflags ^ emulated.rflags) & defined_flags(i.op)),
          "flags after opcode %#x %#x size %u: %#lx, want %#lx", o->bytes[0], o->bytes[1], i.opsize,
          (unsigned long)emulated.rflags, (unsigned long)native.rflags);
    CHECK(emulated.rip == regs.rip + n, "rip");
}

static int refuse_store(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes) {
    (void)ctx, (void)va, (void)old, (void)val, (void)bytes;
    return -1;
}

/* Refusals change nothing, and so does a fault elsewhere than at the destination. */
static void test_refusals(void) {
    static const uint8_t insns[][5] = {{0x48, 0x89, 0x07},       {0x48, 0x01, 0x0f},
                                       {0x48, 0x0f, 0xb1, 0x0f}, {0x0f, 0xc7, 0x0f},
                                       {0x48, 0x87, 0x0f},       {0x48, 0xab}};

    for (unsigned int n = 0; n < ARRAY_SIZE(insns); n++) {
        struct cpu_user_regs regs = {0}, saved;
        struct store_env e = {.regs = &regs, .read = plain_read, .store = refuse_store};
        struct insn i;

        random_state(&regs);
        regs.rdi = (uint64_t)&memory[32];
        saved = regs;
        CHECK(insn_decode(&i, insns[n], 5) == 0, "insn %u", n);
        CHECK(store_execute(&i, &e, regs.rdi) < 0, "insn %u", n);
        e.store = plain_store;
        CHECK(store_execute(&i, &e, regs.rdi + 8) < 0, "insn %u elsewhere", n);
        CHECK(store_execute(&i, &e, regs.rdi - 1) < 0, "insn %u elsewhere", n);
        CHECK(!memcmp(&regs, &saved, sizeof(regs)), "insn %u changed registers", n);
    }
}

/* rep: one element at a time, the instruction pointer moves with the last. */
static void test_rep(void) {
    static const uint8_t rep_movsq[] = {0xf3, 0x48, 0xa5};
    struct cpu_user_regs regs = {0};
    struct store_env e = {.regs = &regs, .read = plain_read, .store = plain_store};
    struct insn i;

    random_state(&regs);
    regs.rsi = (uint64_t)&memory[0];
    regs.rdi = (uint64_t)&memory[32];
    regs.rcx = 3;
    CHECK(insn_decode(&i, rep_movsq, 3) == 0, "rep movsq");
    for (unsigned int n = 0; n < 3; n++) {
        CHECK(regs.rip == 0x400000, "rip moved early");
        CHECK(store_execute(&i, &e, regs.rdi) == 0, "element %u", n);
    }
    CHECK(regs.rip == 0x400003 && regs.rcx == 0, "end of rep");
    CHECK(!memcmp(&memory[0], &memory[32], 24), "copied");
    CHECK(store_execute(&i, &e, regs.rdi) < 0, "rcx 0 stores nothing");
}

void test_store(void) {
    uint8_t *code =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    CHECK(code != MAP_FAILED, "a page for code");
    if (code == MAP_FAILED) return;
    for (unsigned int n = 0; n < ROUNDS; n++) one_round(code);
    test_refusals();
    test_rep();
    munmap(code, 4096);
}
