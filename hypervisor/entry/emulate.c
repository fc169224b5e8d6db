/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the current vcpu that faulted. Privileged ones, which PV kernels execute all the
 * same, after the #GP they raise in ring 3: what stock Xen emulates is emulated; the rest is the
 * guest's #GP. User mode may use I/O as far as its kernel permits. And stores to page tables.
 */
#include "entry.h"

#include <hv/hypercall.h>
#include <x86/cpuid.h>
#include <x86/guest_regs.h>

#define AR_LONG   (1U << 21) /* of LAR's result: 64-bit code; else 32-bit code, if AR_32BIT */
#define AR_32BIT  (1U << 22)
#define DESC_BASE 0xff0000ffffff0000UL /* bits of a descriptor */

/* 64, or 32 where that code is flat; 0: else. Guests have their own selectors for both; the loaded
 * descriptor tables know. */
static unsigned int code_bits(uint16_t cs) {
    const uint64_t *gdt = (const uint64_t *)GDT_WINDOW((uint64_t)current->id);
    uint32_t ar = 0;
    bool valid;

    if (likely(cs == SEL_USER_CS64)) return 64;
    __asm__ volatile("lar %k[sel], %[ar]" : [ar] "+r"(ar), "=@ccz"(valid) : [sel] "r"(cs));
    if (valid && (ar & AR_LONG)) return 64;
    return valid && (ar & AR_32BIT) && !(cs & 4) && !(gdt[cs >> 3] & DESC_BASE) ? 32 : 0;
}

/* False: not readable, or not an instruction that is emulated. Of 32-bit code those are that mean
 * the same there: one opcode and an immediate at most, no REX. */
static bool fetch(const struct cpu_user_regs *regs, struct insn *i) {
    unsigned int bits = code_bits(regs->cs);
    uint8_t bytes[INSN_MAX + 1];
    size_t n = sizeof(bytes);

    if (!bits) return false;
    if (copy_from_guest(bytes, regs->rip, sizeof(bytes))) {
        /* The next page may be missing: the instruction need not reach into it. */
        n = PAGE_SIZE - (regs->rip & ~PAGE_MASK);
        if (n >= sizeof(bytes) || copy_from_guest(bytes, regs->rip, n)) return false;
    }
    if (insn_decode(i, bytes, (unsigned int)n)) return false;
    return bits == 64 || (!i->rex && i->op >= INSN_CPUID && i->op <= INSN_OUT);
}

static int read_guest(uint64_t va, void *buf, unsigned int bytes) {
    return copy_from_guest(buf, va, bytes);
}

#define DR6_STEP (1UL << 14)

/* What the CPU does at the end of an instruction. */
static void retire(struct vcpu *v, struct cpu_user_regs *regs, unsigned int len, bool breakpoint) {
    regs->rip += len;
    regs->rflags &= ~EFLAGS_RF;
    if (unlikely(regs->rflags & EFLAGS_TF))
        v->arch.debugreg[6] |= DR6_STEP;
    else if (likely(!breakpoint))
        return;
    bounce_exception(v, TRAP_DB, 0);
}

int emulate_pt_write(struct cpu_user_regs *regs, uint64_t fault_va, emul_store_fn *store,
                     void *ctx) {
    struct store_env e = {.regs = regs, .read = read_guest, .store = store, .ctx = ctx};
    struct insn i;

    if (!fetch(regs, &i)) return -EFAULT;
    if (i.seg != SEG_NONE) e.bases = (struct emul_bases){read_fs_base(), read_gs_base()};
    if (store_execute(&i, &e, fault_va)) return -EFAULT;
    retire(current, regs, 0, false); /* it is behind the instruction already */
    return 0;
}

#define STRING_BATCH 64 /* elements of ins/outs before the rest is left for another #GP */

enum result {
    NOT_OURS,   /* the guest's #GP */
    DONE,       /* the next instruction is next */
    BREAKPOINT, /* the same, and this one's port had a breakpoint */
    AGAIN,      /* this one is next: more elements to do, preempted, or an exception was bounced */
};

static unsigned int current_cpl(const struct vcpu *v) {
    if (!v->arch.kernel_mode) return 3;
    return v->domain->vm_assist & BIT(VMASST_TYPE_architectural_iopl) ? 0 : 1;
}

static bool iopl_ok(const struct vcpu *v) { return current_cpl(v) <= v->arch.iopl; }

/* Kernel memory, which user tables need not show. Two bytes, as CPUs read their own bitmap; ones
 * where they cannot both be read, as on Xen. */
static uint16_t read_bitmap(struct vcpu *v, uint64_t va) {
    bool kernel = v->arch.kernel_mode;
    uint16_t mask = 0xffff;

    use_tables(v, true);
    if (copy_from_guest(&mask, va, sizeof(mask))) mask = 0xffff;
    use_tables(v, kernel);
    return mask;
}

static bool port_ok(struct vcpu *v, uint16_t port, unsigned int bytes) {
    if (iopl_ok(v)) return true;
    if (port + bytes > v->arch.iobmp_ports) return false;
    return !(read_bitmap(v, v->arch.iobmp + port / 8) & (((1U << bytes) - 1) << (port & 7)));
}

static enum result io_breakpoints(struct vcpu *v, uint16_t port, unsigned int bytes) {
    static const uint8_t width[4] = {1, 2, 8, 4};
    uint64_t hit = 0;

    for (unsigned int i = 0; i < 4 && v->arch.dr7_emul && (v->arch.cr4 & CR4_DE); i++) {
        uint64_t w = width[(v->arch.debugreg[7] >> (18 + 4 * i)) & 3];
        uint64_t start = v->arch.debugreg[i] & ~(w - 1);

        if ((v->arch.dr7_emul & (3U << (2 * i))) && start < (uint64_t)port + bytes &&
            start + w > port)
            hit |= 1UL << i;
    }
    v->arch.debugreg[6] |= hit;
    return hit ? BREAKPOINT : DONE;
}

static enum result emul_in_out(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint16_t port = i->has_imm ? (uint8_t)i->imm : (uint16_t)regs->rdx;
    uint32_t data = (uint32_t)operand_reg(regs, 0, i->opsize, true);

    if (!port_ok(v, port, i->opsize)) return NOT_OURS;
    pio_access(v->domain, port, i->opsize, i->op == INSN_OUT, &data);
    if (i->op == INSN_IN) operand_set_reg(regs, 0, data, i->opsize, true);
    return io_breakpoints(v, port, i->opsize);
}

static bool one_element(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i,
                        uint64_t segment_base) {
    bool in = i->op == INSN_INS;
    uint64_t off = in ? regs->rdi : regs->rsi;
    uint64_t va = segment_base + (i->addrsize == 4 ? (uint32_t)off : off);
    uint32_t data = 0;
    int rc = in ? 0 : copy_from_guest(&data, va, i->opsize);

    if (!rc) pio_access(v->domain, (uint16_t)regs->rdx, i->opsize, !in, &data);
    if (in) rc = copy_to_guest(va, &data, i->opsize);
    if (!rc)
        operand_string_step(i, regs, !in, in);
    else if (guest_range_ok(va, i->opsize))
        bounce_page_fault(v, read_cr2() - va < i->opsize ? read_cr2() : va, in ? PFEC_WRITE : 0);
    else
        bounce_exception(v, TRAP_GP, 0);
    return !rc;
}

static enum result emul_string(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint64_t base = 0;

    if (!port_ok(v, (uint16_t)regs->rdx, i->opsize)) return NOT_OURS;
    if (i->op == INSN_OUTS && i->seg != SEG_NONE)
        base = i->seg == SEG_FS ? read_fs_base() : read_gs_base();
    for (unsigned int n = 0; !operand_string_done(i, regs); n++) {
        if (n == STRING_BATCH) return AGAIN;
        if (!one_element(v, regs, i, base)) return AGAIN;
        if (!i->rep) break;
    }
    return io_breakpoints(v, (uint16_t)regs->rdx, i->opsize);
}

static enum result set_base(struct vcpu *v, uint64_t value) {
    int rc = mm_finish_pending(v);

    if (!rc) rc = new_base(v, xen_cr3_to_pfn(value));
    return rc == -ERESTART ? AGAIN : rc ? NOT_OURS : DONE;
}

/* Control registers as a PV kernel sees them: CR0 as Hospes runs it with the guest's own TS, CR3
 * the kernel's base pointer, CR4 a few bits of the guest's and a few of the hardware's. */
static enum result mov_from_cr(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint64_t value;

    switch (i->reg) {
    case 0: value = (read_cr0() & ~CR0_TS) | v->arch.cr0; break;
    case 2: value = v->info->arch.cr2; break;
    case 3: value = xen_pfn_to_cr3(mfn_x(v->arch.guest_table)); break;
    case 4: value = v->arch.cr4; break;
    default: return NOT_OURS;
    }
    operand_set_reg(regs, i->rm, value, 8, true);
    return DONE;
}

static enum result mov_to_cr(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    uint64_t value = operand_reg(regs, i->rm, 8, true);

    switch (i->reg) {
    case 0:
        if ((value ^ read_cr0()) & ~CR0_TS) return NOT_OURS;
        fpu_set_ts(v, value & CR0_TS);
        return DONE;
    case 2: v->info->arch.cr2 = value; return DONE;
    case 3: return set_base(v, value);
    case 4:
        v->arch.cr4 = guest_cr4_fixup(v, value);
        cr4_load(v);
        return DONE;
    default: return NOT_OURS;
    }
}

/* What the guest may choose within its CPU policy, and what it sees of the hardware's. */
uint64_t guest_cr4_fixup(const struct vcpu *v, uint64_t cr4) {
    const struct cpu_policy *p = v->domain->arch.policy;
    uint64_t chosen = CR4_TSD | CR4_DE;

    if (policy_has(p, XEN_X86_FEATURE_FSGSBASE)) chosen |= CR4_FSGSBASE;
    if (policy_has(p, XEN_X86_FEATURE_XSAVE)) chosen |= CR4_OSXSAVE;
    return (cr4 & chosen) | (cpu_cr4 & (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT));
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
        return AGAIN;
    }
    return rc ? NOT_OURS : DONE;
}

static uint64_t edx_eax(const struct cpu_user_regs *regs) {
    return (uint32_t)regs->rax | regs->rdx << 32;
}

static void set_edx_eax(struct cpu_user_regs *regs, uint64_t value) {
    regs->rax = (uint32_t)value;
    regs->rdx = value >> 32;
}

static enum result rdtsc_for(struct vcpu *v, struct cpu_user_regs *regs, const struct insn *i) {
    if (!v->arch.kernel_mode && (v->arch.cr4 & CR4_TSD)) return NOT_OURS;
    set_edx_eax(regs, rdtsc());
    if (i->op == INSN_RDTSCP) regs->rcx = (uint32_t)v->arch.msr_tsc_aux;
    return DONE;
}

static enum result emul_xsetbv(struct vcpu *v, struct cpu_user_regs *regs) {
    uint64_t value = edx_eax(regs);

    if (!(v->arch.cr4 & CR4_OSXSAVE)) {
        bounce_exception(v, TRAP_UD, 0);
        return AGAIN;
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
    uint64_t value;

    if (!v->arch.kernel_mode) return NOT_OURS;
    switch (i->op) {
    case INSN_RDMSR:
        if (!guest_rdmsr(v, (uint32_t)regs->rcx, &value)) return NOT_OURS;
        set_edx_eax(regs, value);
        return DONE;
    case INSN_WRMSR: return guest_wrmsr(v, (uint32_t)regs->rcx, edx_eax(regs)) ? DONE : NOT_OURS;
    case INSN_MOV_FROM_CR: return mov_from_cr(v, regs, i);
    case INSN_MOV_TO_CR: return mov_to_cr(v, regs, i);
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
    case INSN_RDTSCP: return rdtsc_for(v, regs, i);
    case INSN_CPUID: emul_cpuid(v, regs); return DONE;
    default: return emul_kernel(v, regs, i);
    }
}

bool emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs) {
    struct insn i;
    enum result r = fetch(regs, &i) ? emul(v, regs, &i) : NOT_OURS;

    if (r == DONE || r == BREAKPOINT) retire(v, regs, i.len, r == BREAKPOINT);
    return r != NOT_OURS;
}

bool emulate_forced_cpuid(struct vcpu *v, struct cpu_user_regs *regs) {
    const uint64_t want = 0xa20f6e65780b0f; /* 0f 0b, which is ud2; "xen"; 0f a2, which is cpuid */
    uint64_t got = 0;

    if (copy_from_guest(&got, regs->rip, 7) || got != want) return false;
    emul_cpuid(v, regs);
    retire(v, regs, 7, false);
    return true;
}
