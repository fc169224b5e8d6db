/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions that PV kernels execute all the same, after the #GP they raise in ring 3.
 * What stock Xen emulates is emulated; the rest is the guest's #GP. User mode may use I/O as far as
 * its kernel permits.
 */
#include "emul_fetch.h"
#include "entry.h"

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/softirq.h>
#include <x86/context.h>
#include <x86/cpu.h>
#include <x86/cpuid.h>
#include <x86/debugreg.h>
#include <x86/guest_cr.h>
#include <x86/msr.h>
#include <x86/pio.h>

#define STRING_BATCH 64 /* elements of ins/outs before the rest is left for another #GP */
#define DR6_STEP     (1UL << 14)

enum result {
    NOT_OURS,  /* the guest's #GP */
    DONE,      /* the next instruction is next */
    AGAIN,     /* this instruction is next again: more elements to do, or preempted */
    EXCEPTION, /* one was bounced */
};

static unsigned int current_cpl(const struct vcpu *v) {
    if (!v->arch.kernel_mode) return 3;
    return v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl) ? 0 : 1;
}

static bool iopl_ok(const struct vcpu *v) { return current_cpl(v) <= v->arch.iopl; }

/* The bitmap is in kernel memory, which user tables need not show. */
static bool read_bitmap(struct vcpu *v, uint64_t va, uint16_t *mask) {
    bool user = !v->arch.kernel_mode, ok;

    if (user) {
        v->arch.kernel_mode = true;
        mm_load_base(v);
    }
    ok = !copy_from_guest(mask, va, sizeof(*mask));
    if (user) {
        v->arch.kernel_mode = false;
        mm_load_base(v);
    }
    return ok;
}

static bool port_ok(struct vcpu *v, uint16_t port, unsigned int bytes) {
    uint16_t mask;

    if (iopl_ok(v)) return true;
    if (port + bytes > v->arch.iobmp_ports || !read_bitmap(v, v->arch.iobmp + port / 8, &mask))
        return false;
    return !(mask & (((1U << bytes) - 1) << (port & 7)));
}

static void io_breakpoints(struct vcpu *v, uint16_t port, unsigned int bytes) {
    static const uint8_t width[4] = {1, 2, 8, 4};

    for (unsigned int i = 0; i < 4 && v->arch.dr7_emul; i++) {
        uint64_t w = width[(v->arch.debugreg[7] >> (18 + 4 * i)) & 3];
        uint64_t start = v->arch.debugreg[i] & ~(w - 1);

        if ((v->arch.dr7_emul & (3U << (2 * i))) && start < (uint64_t)port + bytes &&
            start + w > port)
            v->arch.debugreg[6] |= 1UL << i;
    }
}

static enum result emul_in_out(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint16_t port = i->has_imm ? (uint8_t)i->imm : (uint16_t)regs->rdx;

    if (!port_ok(v, port, i->opsize)) return NOT_OURS;
    if (i->op == INSN_IN)
        operand_set_reg(regs, 0, pio_read(v->domain, port, i->opsize), i->opsize, true);
    else
        pio_write(v->domain, port, i->opsize, (uint32_t)operand_reg(regs, 0, i->opsize, true));
    io_breakpoints(v, port, i->opsize);
    return DONE;
}

static bool one_element(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i,
                        uint64_t segment_base) {
    uint64_t off = i->op == INSN_INS ? regs->rdi : regs->rsi, va;
    uint16_t port = (uint16_t)regs->rdx;
    uint32_t data = 0;
    int rc;

    va = segment_base + (i->addrsize == 4 ? (uint32_t)off : off);
    if (i->op == INSN_INS) {
        data = pio_read(v->domain, port, i->opsize);
        rc = copy_to_guest(va, &data, i->opsize);
    } else {
        rc = copy_from_guest(&data, va, i->opsize);
        if (!rc) pio_write(v->domain, port, i->opsize, data);
    }
    if (rc) {
        if (guest_range_ok(va, i->opsize))
            bounce_page_fault(v, va, i->op == INSN_INS ? PFEC_WRITE : 0);
        else
            bounce_exception(v, TRAP_GP, 0);
        return false;
    }
    operand_string_step(i, regs, i->op == INSN_OUTS, i->op == INSN_INS);
    return true;
}

static enum result emul_string(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    struct emul_bases b = {0, 0};
    uint64_t base = 0;

    if (!port_ok(v, (uint16_t)regs->rdx, i->opsize)) return NOT_OURS;
    if (i->op == INSN_OUTS && i->seg != SEG_NONE) {
        emul_read_bases(&b);
        base = i->seg == SEG_FS ? b.fs : b.gs;
    }
    for (unsigned int n = 0; !operand_string_done(i, regs); n++) {
        if (n == STRING_BATCH) return AGAIN;
        if (!one_element(v, regs, i, base)) return EXCEPTION;
        if (!i->rep) break;
    }
    io_breakpoints(v, (uint16_t)regs->rdx, i->opsize);
    return DONE;
}

static enum result set_base(struct vcpu *v, uint64_t value) {
    int rc = mm_finish_pending(v);

    if (!rc) rc = new_base(v, xen_cr3_to_pfn(value));
    return rc == -ERESTART ? AGAIN : rc ? NOT_OURS : DONE;
}

static enum result emul_cr(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint64_t value = operand_reg(regs, i->rm, 8, true);

    if (i->op == INSN_MOV_TO_CR) {
        if (i->reg == 3) return set_base(v, value);
        return guest_cr_write(v, i->reg, value) ? DONE : NOT_OURS;
    }
    if (!guest_cr_read(v, i->reg, &value)) return NOT_OURS;
    operand_set_reg(regs, i->rm, value, 8, true);
    return DONE;
}

static enum result emul_dr(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint64_t value;
    int rc;

    if (i->op == INSN_MOV_TO_DR) {
        rc = debugreg_set(v, i->reg, operand_reg(regs, i->rm, 8, true));
    } else {
        rc = debugreg_get(v, i->reg, &value);
        if (!rc) operand_set_reg(regs, i->rm, value, 8, true);
    }
    if (rc == -ENODEV) {
        bounce_exception(v, TRAP_UD, 0);
        return EXCEPTION;
    }
    return rc ? NOT_OURS : DONE;
}

static enum result emul_msr(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint32_t msr = (uint32_t)regs->rcx;
    uint64_t value = (uint32_t)regs->rax | regs->rdx << 32;

    if (i->op == INSN_WRMSR) return guest_wrmsr(v, msr, value) ? DONE : NOT_OURS;
    if (!guest_rdmsr(v, msr, &value)) return NOT_OURS;
    regs->rax = (uint32_t)value;
    regs->rdx = value >> 32;
    return DONE;
}

static enum result emul_tsc(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint64_t t = rdtsc();

    if (!v->arch.kernel_mode && (v->arch.cr4 & CR4_TSD)) return NOT_OURS;
    regs->rax = (uint32_t)t;
    regs->rdx = t >> 32;
    if (i->op == INSN_RDTSCP) regs->rcx = (uint32_t)v->arch.msr_tsc_aux;
    return DONE;
}

static enum result emul_xsetbv(struct vcpu *v, struct cpu_user_regs *regs) {
    uint64_t value = (uint32_t)regs->rax | regs->rdx << 32;

    if (!(v->arch.cr4 & CR4_OSXSAVE)) {
        bounce_exception(v, TRAP_UD, 0);
        return EXCEPTION;
    }
    if ((uint32_t)regs->rcx || (value & ~policy_xcr0(v->domain->arch.policy))) return NOT_OURS;
    return fpu_set_xcr0(v, value) ? NOT_OURS : DONE;
}

static void emul_cpuid(struct vcpu *v, struct cpu_user_regs *regs) {
    struct cpuid_regs r;

    guest_cpuid(v, (uint32_t)regs->rax, (uint32_t)regs->rcx, &r);
    regs->rax = r.a;
    regs->rbx = r.b;
    regs->rcx = r.c;
    regs->rdx = r.d;
}

/* Instructions of ring 0 alone. */
static enum result emul_kernel(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    if (!v->arch.kernel_mode) return NOT_OURS;
    switch (i->op) {
    case INSN_RDMSR:
    case INSN_WRMSR: return emul_msr(v, regs, i);
    case INSN_MOV_FROM_CR:
    case INSN_MOV_TO_CR: return emul_cr(v, regs, i);
    case INSN_MOV_FROM_DR:
    case INSN_MOV_TO_DR: return emul_dr(v, regs, i);
    case INSN_CLTS: fpu_set_ts(v, false); return DONE;
    case INSN_WBINVD:
        if (!rangeset_is_empty(v->domain->iomem_caps)) __asm__ volatile("wbinvd" : : : "memory");
        return DONE;
    case INSN_XSETBV: return emul_xsetbv(v, regs);
    default: return NOT_OURS;
    }
}

static enum result emul(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    switch (i->op) {
    case INSN_IN:
    case INSN_OUT: return emul_in_out(v, regs, i);
    case INSN_INS:
    case INSN_OUTS: return emul_string(v, regs, i);
    case INSN_CLI:
    case INSN_STI:
        /* Without effect, as on stock Xen: popf, which cannot be seen, would get out of step. */
        return iopl_ok(v) ? DONE : NOT_OURS;
    case INSN_RDTSC:
    case INSN_RDTSCP: return emul_tsc(v, regs, i);
    case INSN_CPUID: emul_cpuid(v, regs); return DONE;
    default: return emul_kernel(v, regs, i);
    }
}

/* What the CPU does at the end of an instruction. */
static void retire(struct vcpu *v, struct cpu_user_regs *regs, unsigned int len) {
    regs->rip += len;
    regs->rflags &= ~EFLAGS_RF;
    if (unlikely(regs->rflags & EFLAGS_TF))
        v->arch.debugreg[6] |= DR6_STEP;
    else if (likely(!v->arch.dr7_emul || !(v->arch.debugreg[6] & 15)))
        return;
    bounce_exception(v, TRAP_DB, 0);
}

bool emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs) {
    struct insn i;

    if (!emul_fetch(regs, &i)) return false;
    switch (emul(v, regs, &i)) {
    case DONE: retire(v, regs, i.len); return true;
    case AGAIN:
    case EXCEPTION: return true;
    default: return false;
    }
}

bool emulate_forced_cpuid(struct vcpu *v, struct cpu_user_regs *regs) {
    /* ud2; "xen"; cpuid: 7 bytes, the lowest first. */
    const uint64_t want = 0xa20f6e65780b0fUL;
    uint64_t got;

    if (copy_from_guest(&got, regs->rip, sizeof(got))) {
        /* It may be the last thing on a page. */
        got = 0;
        if (copy_from_guest(&got, regs->rip, 7)) return false;
    }
    if ((got & ((1UL << 56) - 1)) != want) return false;
    emul_cpuid(v, regs);
    retire(v, regs, 7);
    return true;
}
