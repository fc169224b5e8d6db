/* SPDX-License-Identifier: MIT */
/* Fetching instructions of the current vcpu, and emulating its stores: see hv/emulate.h. */
#include "emul/store.h"
#include "emul_fetch.h"

#include <hv/errno.h>
#include <hv/guest_access.h>
#include <x86/context.h>
#include <x86/layout.h>

#define AR_LONG (1U << 21) /* of LAR's result: 64-bit code */

/* Guests have their own selectors for 64-bit code too; the loaded descriptor tables know. */
static bool is_64bit_code(uint16_t cs) {
    uint32_t ar = 0;
    bool valid;

    if (likely(cs == SEL_USER_CS64)) return true;
    __asm__ volatile("lar %k[sel], %[ar]" : [ar] "+r"(ar), "=@ccz"(valid) : [sel] "r"(cs));
    return valid && (ar & AR_LONG);
}

bool emul_fetch(const struct cpu_user_regs *regs, struct insn *i) {
    uint8_t bytes[INSN_MAX];
    size_t n = sizeof(bytes);

    if (!is_64bit_code(regs->cs)) return false;
    if (copy_from_guest(bytes, regs->rip, n)) {
        /* The next page may be missing: the instruction need not reach into it. */
        size_t in_page = PAGE_SIZE - (regs->rip & ~PAGE_MASK);

        if (in_page >= n || copy_from_guest(bytes, regs->rip, in_page)) return false;
        n = in_page;
    }
    return insn_decode(i, bytes, (unsigned int)n) == 0;
}

void emul_read_bases(struct emul_bases *b) {
    b->fs = read_fs_base();
    b->gs = read_gs_base();
}

static int read_guest(void *env, uint64_t va, void *buf, unsigned int bytes) {
    (void)env;
    return copy_from_guest(buf, va, bytes);
}

int emulate_pt_write(struct cpu_user_regs *regs, uint64_t fault_va, const struct emul_pt_ops *ops,
                     void *ctx) {
    struct store_env e = {.regs = regs, .read = read_guest, .ops = ops, .ctx = ctx};
    struct insn i;

    if (!emul_fetch(regs, &i)) return -EFAULT;
    if (i.seg != SEG_NONE) emul_read_bases(&e.bases);
    return store_execute(&i, &e, fault_va) ? -EFAULT : 0;
}
