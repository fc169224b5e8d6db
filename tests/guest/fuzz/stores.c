/* SPDX-License-Identifier: MIT */
/*
 * Stores to page tables that are mapped read-only, in the forms of instructions that the hypervisor
 * decodes and carries out, and some that it must not. The destination lies within the table.
 */
#include "fuzz.h"
#include "parts.h"

/*
 * What a form may use: %1 rax, %2 a value; %3 the entry's address, in rdi, and %4, %5, %6 addresses
 * less what the form adds to them; %7 a small bit offset. Where label 1 is not the instruction that
 * faults, the way out is fuzz_loop()'s: for forms that leave something to be put right. No floating
 * point is stored: stock Xen 4.17 dies of that.
 */
struct operands {
    uint64_t rax, value, at, before, near, far;
    int64_t bit;
};

#define FORM(n, text)                                                                              \
    case n:                                                                                        \
        return TRY_IO(text, (, "+a"(o.rax), "+r"(o.value), "+D"(o.at)),                            \
                      ("r"(o.before), "r"(o.near), "r"(o.far), "r"(o.bit)),                        \
                      ("memory", "cc", "rcx", "rdx", "rsi"))

/* In two halves: no function with too many registers tied down is compiled twice. */
static fault_t arithmetic(unsigned int form, struct operands o) {
    switch (form) {
        FORM(0, "lock orq $0x60, (%3)");
        FORM(1, "lock andq $-3, (%3)");
        FORM(2, "xorq $0x40, (%3)");
        FORM(3, "addq $0x200, (%3)");
        FORM(4, "subq $0x200, (%3)");
        FORM(5, "stc; 1: adcl $0x1ff, (%3)");
        FORM(6, "stc; 1: sbbl $0x1ff, (%3)");
        FORM(7, "incw (%3)");
        FORM(8, "decb (%3)");
        FORM(9, "notb 1(%3)");
        FORM(10, "negw (%3)");
        FORM(11, "orq %2, (%3)");
        FORM(12, "andl %k2, (%3)");
        FORM(13, "xorw %w2, (%3)");
        FORM(14, "addb %b2, 1(%3)");
        FORM(15, "lock btsq $5, (%3)");
        FORM(16, "btrl $6, (%3)");
        FORM(17, "lock btcw $9, (%3)");
        FORM(18, "lock btsq %7, (%3)");
        FORM(19, "btrl %k7, (%3)");
        FORM(20, "lock btcw %w7, (%3)");
        FORM(21, "orb $0x40, (%3)");
        FORM(22, "xorw $0x200, (%3)");
    default: return try_write((void *)o.at, o.value);
    }
}

static fault_t moves(unsigned int form, struct operands o) {
    switch (form) {
        FORM(0, "xchgq %2, (%3)");
        FORM(1, "xchgl %k2, (%3)");
        FORM(2, "xchgw %w2, (%3)");
        FORM(3, "xchgb %b2, 1(%3)");
        FORM(4, "lock cmpxchgq %2, (%3)");
        FORM(5, "lock cmpxchgl %k2, (%3)");
        FORM(6, "cmpxchgb %b2, (%3)");
        FORM(7, "lock xaddq %2, (%3)");
        FORM(8, "xaddb %b2, (%3)");
        FORM(9, "movl %k2, (%3)");
        FORM(10, "movw %w2, (%3)");
        FORM(11, "movb %%ah, (%3)");
        FORM(12, "xchgb %%ah, 1(%3)");
        FORM(13, "movb $0, (%3)");
        FORM(14, "movw $0x67, (%3)");
        FORM(15, "movq $0, (%3)");
        FORM(16, "movl $0x61, 4(%3)");
        FORM(17, "movnti %2, (%3)");
        FORM(18, "stosq");
        FORM(19, "mov $3, %%ecx; 1: rep stosq");
        FORM(20, "mov $5, %%ecx; 1: rep stosb");
        FORM(21, "lea -16(%3), %%rsi; 1: movsq");
        FORM(22, "lea -16(%3), %%rsi; mov $2, %%ecx; 1: rep movsl");
        FORM(23, "std; lea 16(%3), %%rsi; movsq; cld");
        FORM(24, "mov $2, %%esi; 1: mov %2, (%4,%%rsi,8)");
        FORM(25, "mov %2, 0x60(%5)");
        FORM(26, "mov %2, 0x1000(%6)");
        FORM(27, "mov %2, %%fs:-0x1000(%6)");
        FORM(28, "orq $0x60, %%gs:(%6)");
        FORM(29, "mov %2, %%cs:(%3)");
        FORM(30, ".byte 0x67; mov %2, (%3)");
        FORM(31, "mov %2, 3(%3)");
        FORM(32, "xor %%eax, %%eax; mov %%eax, %%edx; xor %%ecx, %%ecx; push %%rbx; mov $0, %%ebx; "
                 "lock cmpxchg8b (%3); pop %%rbx");
        FORM(33, "xor %%edx, %%edx; 1: lock cmpxchg16b -8(%3)");
        FORM(34, "push %2; pop (%3)");
        FORM(35, "seto (%3)");
        FORM(36, "xor %%ecx, %%ecx; rep stosq");
    default: return try_write((void *)o.at, o.value);
    }
}

/* Numbers of forms: first those of arithmetic(), then those of moves(); some are plain writes. */
#define ARITHMETIC 26
#define FORMS      (ARITHMETIC + 40)

/* Those after which the entry maps the frame that it did, or the value's, or none. What the others
 * make of an entry may be a writable mapping of what the fuzzer stands on. */
static const unsigned int tame[] = {0,
                                    1,
                                    2,
                                    15,
                                    16,
                                    21,
                                    ARITHMETIC + 0,
                                    ARITHMETIC + 4,
                                    ARITHMETIC + 9,
                                    ARITHMETIC + 15,
                                    ARITHMETIC + 17,
                                    ARITHMETIC + 24,
                                    ARITHMETIC + 25,
                                    ARITHMETIC + 26,
                                    ARITHMETIC + 27,
                                    ARITHMETIC + 28,
                                    ARITHMETIC + 29};

/* Mostly to L1 tables, for no others are carried out; to that of the window, too. */
static unsigned int act_table_write(struct fuzzer *f) {
    unsigned int i = pick_slot(f, TABLE, chance(f, 70) ? 1 : 2 + (unsigned int)below(f, 3));
    unsigned int level = pool[i].level, form = (unsigned int)below(f, FORMS);
    uint64_t entry = 8 + below(f, level > 1 ? 240 : 490), there = 0;
    struct operands o;

    /* Neighbours are written, too, but not beyond the page. */
    o.at = (uint64_t)pool_va(i) + entry * 8;
    if (chance(f, 3)) o.at += below(f, 8);
    if (chance(f, 15)) {
        o.at = (uint64_t)(window_pte + below(f, WINDOW_PAGES));
        form = PICK(f, tame);
    }
    try_read((void *)o.at, &there);
    o.before = o.at - 16;
    o.near = o.at - 0x60;
    o.far = o.at - 0x1000;
    o.bit = (int64_t)below(f, 128) - 64;
    o.rax = chance(f, 70) ? there : rnd(f);
    o.value = pick_entry(f, level && level < DESCRIPTORS ? level : 1);
    f->detail = form << 16 | level;
    HV_set_segment_base(SEGBASE_FS, 0x2000);
    HV_set_segment_base(SEGBASE_GS_KERNEL, 0x1000);
    return fault_outcome(form < ARITHMETIC ? arithmetic(form, o) : moves(form - ARITHMETIC, o));
}

const struct generator store_acts[] = {{"(table write)", 70, NULL, act_table_write}};
const unsigned int nr_store_acts = ARRAY_SIZE(store_acts);
