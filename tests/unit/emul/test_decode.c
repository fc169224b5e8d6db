/* SPDX-License-Identifier: MIT */
/*
 * What the decoder says of known instructions, of each one cut short, and of what it must refuse;
 * then random bytes. main() is here.
 */
#include "fuzz.h"
#include "test.h"

#include <string.h>

unsigned int passed, failed;

struct known {
    const char *text;
    uint8_t bytes[INSN_MAX];
    uint8_t n;
    enum insn_op op;
    uint8_t opsize;
};

#define K(text, op, opsize, ...)                                                                   \
    { text, {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), op, opsize }

static const struct known known[] = {
    K("cpuid", INSN_CPUID, 4, 0x0f, 0xa2),
    K("rdmsr", INSN_RDMSR, 4, 0x0f, 0x32),
    K("wrmsr", INSN_WRMSR, 4, 0x0f, 0x30),
    K("cs wrmsr", INSN_WRMSR, 4, 0x2e, 0x0f, 0x30),
    K("rdtsc", INSN_RDTSC, 4, 0x0f, 0x31),
    K("rdtscp", INSN_RDTSCP, 4, 0x0f, 0x01, 0xf9),
    K("xsetbv", INSN_XSETBV, 4, 0x0f, 0x01, 0xd1),
    K("clts", INSN_CLTS, 4, 0x0f, 0x06),
    K("wbinvd", INSN_WBINVD, 4, 0x0f, 0x09),
    K("cli", INSN_CLI, 4, 0xfa),
    K("sti", INSN_STI, 4, 0xfb),
    K("in $0x80, %al", INSN_IN, 1, 0xe4, 0x80),
    K("in $0x80, %eax", INSN_IN, 4, 0xe5, 0x80),
    K("in %dx, %al", INSN_IN, 1, 0xec),
    K("in %dx, %ax", INSN_IN, 2, 0x66, 0xed),
    K("in %dx, %eax", INSN_IN, 4, 0xed),
    K("rex.w in %dx, %eax", INSN_IN, 4, 0x48, 0xed),
    K("out %al, $0x80", INSN_OUT, 1, 0xe6, 0x80),
    K("out %ax, %dx", INSN_OUT, 2, 0x66, 0xef),
    K("insb", INSN_INS, 1, 0x6c),
    K("rep insl", INSN_INS, 4, 0xf3, 0x6d),
    K("rep outsw", INSN_OUTS, 2, 0xf3, 0x66, 0x6f),
    K("outsb %fs:", INSN_OUTS, 1, 0x64, 0x6e),
    K("mov %cr0, %rax", INSN_MOV_FROM_CR, 8, 0x0f, 0x20, 0xc0),
    K("mov %r9, %cr4", INSN_MOV_TO_CR, 8, 0x41, 0x0f, 0x22, 0xe1),
    K("mov %db7, %rcx", INSN_MOV_FROM_DR, 8, 0x0f, 0x21, 0xf9),
    K("mov %rax, %db0", INSN_MOV_TO_DR, 8, 0x0f, 0x23, 0xc0),
    K("mov %rax, (%rdi)", INSN_MOV, 8, 0x48, 0x89, 0x07),
    K("mov %eax, 8(%rdi)", INSN_MOV, 4, 0x89, 0x47, 0x08),
    K("mov %cl, 0x100(%rdi)", INSN_MOV, 1, 0x88, 0x8f, 0, 1, 0, 0),
    K("movq $5, (%rax)", INSN_MOV, 8, 0x48, 0xc7, 0x00, 5, 0, 0, 0),
    K("movw $5, (%rax)", INSN_MOV, 2, 0x66, 0xc7, 0x00, 5, 0),
    K("movb $5, (%rax)", INSN_MOV, 1, 0xc6, 0x00, 5),
    K("movq $5, 0x10(%rip)", INSN_MOV, 8, 0x48, 0xc7, 0x05, 0x10, 0, 0, 0, 5, 0, 0, 0),
    K("mov %rax, 0x12345678", INSN_MOV, 8, 0x48, 0x89, 0x04, 0x25, 0x78, 0x56, 0x34, 0x12),
    K("mov %rax, %gs:(%rdi)", INSN_MOV, 8, 0x65, 0x48, 0x89, 0x07),
    K("mov %rax, (%edi)", INSN_MOV, 8, 0x67, 0x48, 0x89, 0x07),
    K("movnti %rax, (%rdi)", INSN_MOV, 8, 0x48, 0x0f, 0xc3, 0x07),
    K("xchg %rax, (%rdi)", INSN_XCHG, 8, 0x48, 0x87, 0x07),
    K("lock cmpxchg %rcx, (%rdi)", INSN_CMPXCHG, 8, 0xf0, 0x48, 0x0f, 0xb1, 0x0f),
    K("lock cmpxchg8b (%rdi)", INSN_CMPXCHG8B, 8, 0xf0, 0x0f, 0xc7, 0x0f),
    K("lock xadd %rcx, (%rdi)", INSN_XADD, 8, 0xf0, 0x48, 0x0f, 0xc1, 0x0f),
    K("lock or %rcx, (%rdi)", INSN_OR, 8, 0xf0, 0x48, 0x09, 0x0f),
    K("lock andb $0xfe, (%rdi)", INSN_AND, 1, 0xf0, 0x80, 0x27, 0xfe),
    K("andq $-3, (%rdi)", INSN_AND, 8, 0x48, 0x83, 0x27, 0xfd),
    K("addl $1, (%rdi)", INSN_ADD, 4, 0x81, 0x07, 1, 0, 0, 0),
    K("incl (%rdi)", INSN_INC, 4, 0xff, 0x07),
    K("decb (%rdi)", INSN_DEC, 1, 0xfe, 0x0f),
    K("notq (%rdi)", INSN_NOT, 8, 0x48, 0xf7, 0x17),
    K("negl (%rdi)", INSN_NEG, 4, 0xf7, 0x1f),
    K("lock btsq $1, (%rdi)", INSN_BTS, 8, 0xf0, 0x48, 0x0f, 0xba, 0x2f, 1),
    K("lock btrq $1, (%rdi)", INSN_BTR, 8, 0xf0, 0x48, 0x0f, 0xba, 0x37, 1),
    K("btcl $1, (%rdi)", INSN_BTC, 4, 0x0f, 0xba, 0x3f, 1),
    K("lock btr %rcx, (%rdi)", INSN_BTR, 8, 0xf0, 0x48, 0x0f, 0xb3, 0x0f),
    K("rep movsq", INSN_MOVS, 8, 0xf3, 0x48, 0xa5),
    K("rep stosq", INSN_STOS, 8, 0xf3, 0x48, 0xab),
    K("stosb", INSN_STOS, 1, 0xaa),
};

static const struct known refused[] = {
    K("hlt", INSN_NONE, 0, 0xf4),
    K("iretq", INSN_NONE, 0, 0x48, 0xcf),
    K("sysretq", INSN_NONE, 0, 0x48, 0x0f, 0x07),
    K("lgdt (%rax)", INSN_NONE, 0, 0x0f, 0x01, 0x10),
    K("lidt (%rax)", INSN_NONE, 0, 0x0f, 0x01, 0x18),
    K("lmsw %ax", INSN_NONE, 0, 0x0f, 0x01, 0xf0),
    K("invlpg (%rax)", INSN_NONE, 0, 0x0f, 0x01, 0x38),
    K("swapgs", INSN_NONE, 0, 0x0f, 0x01, 0xf8),
    K("vmcall", INSN_NONE, 0, 0x0f, 0x01, 0xc1),
    K("invd", INSN_NONE, 0, 0x0f, 0x08),
    K("rdpmc", INSN_NONE, 0, 0x0f, 0x33),
    K("ud2", INSN_NONE, 0, 0x0f, 0x0b),
    K("cmp %rax, (%rdi)", INSN_NONE, 0, 0x48, 0x39, 0x07),
    K("cmpq $1, (%rdi)", INSN_NONE, 0, 0x48, 0x83, 0x3f, 1),
    K("btq $1, (%rdi)", INSN_NONE, 0, 0x48, 0x0f, 0xba, 0x27, 1),
    K("mov (%rdi), %rax", INSN_NONE, 0, 0x48, 0x8b, 0x07),
    K("mov %rax, %rdi", INSN_NONE, 0, 0x48, 0x89, 0xc7),
    K("push (%rdi)", INSN_NONE, 0, 0xff, 0x37),
    K("cmpxchg16b (%rdi)", INSN_NONE, 0, 0x48, 0x0f, 0xc7, 0x0f),
    K("lock mov %rax, (%rdi)", INSN_NONE, 0, 0xf0, 0x48, 0x89, 0x07),
    K("lock cpuid", INSN_NONE, 0, 0xf0, 0x0f, 0xa2),
    K("15 prefixes", INSN_NONE, 0, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
      0x66, 0x66, 0x66, 0x66),
};

static void test_known(void) {
    struct insn i;

    for (unsigned int n = 0; n < ARRAY_SIZE(known); n++) {
        const struct known *k = &known[n];
        uint8_t bytes[INSN_MAX];

        memset(bytes, 0x90, sizeof(bytes));
        memcpy(bytes, k->bytes, k->n);
        CHECK(insn_decode(&i, bytes, sizeof(bytes)) == 0, "%s", k->text);
        CHECK(i.op == k->op, "%s: op %d", k->text, i.op);
        CHECK(i.len == k->n, "%s: length %u", k->text, i.len);
        CHECK(i.opsize == k->opsize, "%s: operand size %u", k->text, i.opsize);
        for (unsigned int cut = 0; cut < k->n; cut++)
            CHECK(insn_decode(&i, bytes, cut) == -1, "%s cut to %u bytes", k->text, cut);
    }
}

static void test_refused(void) {
    struct insn i;

    for (unsigned int n = 0; n < ARRAY_SIZE(refused); n++) {
        uint8_t bytes[INSN_MAX];

        memset(bytes, 0x90, sizeof(bytes));
        memcpy(bytes, refused[n].bytes, refused[n].n);
        CHECK(insn_decode(&i, bytes, sizeof(bytes)) == -1, "%s: op %d", refused[n].text, i.op);
    }
}

static struct insn decoded(const uint8_t *bytes, unsigned int n) {
    struct insn i;

    CHECK(insn_decode(&i, bytes, n) == 0, "first byte %#x", bytes[0]);
    return i;
}

static void test_details(void) {
    static const uint8_t in_imm[] = {0xe5, 0xf0}, out_dx[] = {0xee},
                         mov_cr8[] = {0x44, 0x0f, 0x20, 0xc0};
    static const uint8_t seg[] = {0x65, 0x3e, 0x48, 0x89, 0x07}; /* the last prefix counts */
    static const uint8_t stale_rex[] = {0x48, 0x66, 0x89, 0x07}; /* a REX before a prefix is none */
    static const uint8_t sib[] = {0x4b, 0x89, 0x44, 0xd8, 0xf8}; /* mov %rax, -8(%r8,%r11,8) */
    struct insn i = decoded(in_imm, sizeof(in_imm));

    CHECK(i.has_imm && (uint8_t)i.imm == 0xf0, "port %lld", (long long)i.imm);
    i = decoded(out_dx, sizeof(out_dx));
    CHECK(!i.has_imm, "port in dx");
    i = decoded(mov_cr8, sizeof(mov_cr8));
    CHECK(i.reg == 8 && i.rm == 0, "reg %u rm %u", i.reg, i.rm);
    i = decoded(seg, sizeof(seg));
    CHECK(i.seg == SEG_NONE, "segment %d", i.seg);
    i = decoded(stale_rex, sizeof(stale_rex));
    CHECK(i.opsize == 2, "size %u", i.opsize);
    i = decoded(sib, sizeof(sib));
    CHECK(i.base == 8 && i.index == 11 && i.scale == 3 && i.disp == -8 && i.reg == 0,
          "base %u index %u scale %u disp %d reg %u", i.base, i.index, i.scale, i.disp, i.reg);
}

static void test_random(void) {
    uint64_t state = 0x9e3779b97f4a7c15UL;

    for (unsigned int n = 0; n < 200000; n++) {
        uint64_t bytes[16];

        for (unsigned int i = 0; i < 16; i++) bytes[i] = random64(&state);
        (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, 1 + n % sizeof(bytes));
    }
    CHECK(true, "random bytes");
}

int main(void) {
    test_known();
    test_refused();
    test_details();
    test_random();
    test_store();
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
