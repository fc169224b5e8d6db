/* SPDX-License-Identifier: MIT */
/*
 * Any bytes: the decoder stays within them and says nothing impossible; a store it understands is
 * carried out on fake memory and touches only what it says. Input: the instruction, and behind it
 * the registers' values.
 */
#include "execute.h"
#include "fuzz.h"

struct fake {
    uint64_t value, va;
    unsigned int writes;
};

static bool size_ok(unsigned int bytes) {
    return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

static int fake_read(uint64_t va, void *buf, unsigned int bytes) {
    MUST(size_ok(bytes));
    memset(buf, (int)va, bytes);
    return 0;
}

static int fake_store(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes) {
    struct fake *f = ctx;

    MUST(size_ok(bytes) && f->va - va < bytes && !(val & ~operand_mask(bytes)));
    MUST(!old || !(*old & ~operand_mask(bytes)));
    f->writes++;
    return 0;
}

static void store(const struct insn *i, const uint8_t *data, size_t size) {
    struct cpu_user_regs regs;
    struct fake f = {0};
    struct store_env e = {.regs = &regs, .read = fake_read, .store = fake_store, .ctx = &f};

    memset(&regs, 0x5a, sizeof(regs));
    if (size > INSN_MAX) memcpy(&regs, data + INSN_MAX, min(size - INSN_MAX, sizeof(regs)));
    regs.rip = 0x1000;
    f.va = i->op == INSN_MOVS || i->op == INSN_STOS
               ? (i->addrsize == 4 ? (uint32_t)regs.rdi : regs.rdi)
               : operand_address(i, &regs, &e.bases);
    if (store_execute(i, &e, f.va) == 0) {
        MUST(f.writes == 1);
        MUST(regs.rip == 0x1000 || regs.rip == 0x1000u + i->len);
    } else {
        MUST(f.writes == 0 && regs.rip == 0x1000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct insn i;
    unsigned int n = size > INSN_MAX ? INSN_MAX : (unsigned int)size;

    if (insn_decode(&i, data, n)) {
        MUST(i.op == INSN_NONE);
        return 0;
    }
    MUST(i.op != INSN_NONE && i.op <= INSN_STOS && i.len && i.len <= n);
    MUST(size_ok(i.opsize) && (i.addrsize == 4 || i.addrsize == 8));
    MUST(i.base <= REG_NONE && i.index <= REG_NONE && i.reg < 16 && i.rm < 16 && i.scale < 4);
    if (i.op >= INSN_MOV) store(&i, data, size);
    return 0;
}
