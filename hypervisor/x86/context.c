/* SPDX-License-Identifier: MIT */
/*
 * Switching the CPU between vcpus, and a vcpu between its kernel and user mode. Nothing of a vcpu
 * stays in the CPU after it was switched away, so it may run elsewhere at once.
 *
 * At any moment an NMI may load CS from the GDT: so the GDT register points to this CPU's own page
 * by its permanent address while the address space changes, and to the vcpu's window only while
 * that window is mapped.
 */
#include <x86/desc.h>
#include <x86/extable.h>
#include <x86/guest_regs.h>
#include <x86/spec.h>

#include "../entry/entry.h"

_Static_assert(GUEST_TRAP_VECTORS * sizeof(struct trap_info) <= PAGE_SIZE, "one page");

#define READ_SEG(reg)                                                                              \
    ({                                                                                             \
        uint32_t sel_;                                                                             \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(sel_));                                       \
        (uint16_t) sel_;                                                                           \
    })

/* Evaluates to false if the selector was refused; then null is loaded. */
#define LOAD_SEG(reg, sel)                                                                         \
    ({                                                                                             \
        bool loaded_ = ASM_OK("mov %k[s], %%" #reg, [s] "r"((uint32_t)(sel)));                     \
        if (unlikely(!loaded_)) __asm__ volatile("mov %k0, %%" #reg : : "r"(0));                   \
        loaded_;                                                                                   \
    })

/* read_fs_base(), write_fs_base(), and of GS: by instructions, or the MSR if CR4 has them off. */
#define BY_INSTRUCTION() (this_pcpu()->arch.cr4 & CR4_FSGSBASE)
#define SEGMENT_BASE(seg, msr)                                                                     \
    uint64_t read_##seg##_base(void) {                                                             \
        uint64_t v;                                                                                \
                                                                                                   \
        if (!BY_INSTRUCTION()) return rdmsr(msr);                                                  \
        __asm__ volatile("rd" #seg "base %0" : "=r"(v));                                           \
        return v;                                                                                  \
    }                                                                                              \
    void write_##seg##_base(uint64_t base) {                                                       \
        if (!BY_INSTRUCTION())                                                                     \
            wrmsr(msr, base);                                                                      \
        else                                                                                       \
            __asm__ volatile("wr" #seg "base %0" : : "r"(base));                                   \
    }
SEGMENT_BASE(fs, MSR_FS_BASE)
SEGMENT_BASE(gs, MSR_GS_BASE)

/* A base that an emulator let the guest make non-canonical must not make us fault. */
static uint64_t canonical_base(uint64_t base) { return likely(is_canonical(base)) ? base : 0; }

void toggle_guest_mode(struct vcpu *v) {
    uint64_t base = canonical_base(read_gs_base());

    if (v->arch.kernel_mode) {
        v->arch.gs_base_kernel = base;
        write_gs_base(v->arch.gs_base_user);
    } else {
        v->arch.gs_base_user = base;
        write_gs_base(v->arch.gs_base_kernel);
    }
    v->arch.kernel_mode = !v->arch.kernel_mode;
    mm_load_base(v);
}

void use_tables(struct vcpu *v, bool kernel) {
    if (v->arch.kernel_mode == kernel) return;
    v->arch.kernel_mode = kernel;
    mm_load_base(v);
}

bool load_user_gs(struct vcpu *v, uint16_t sel) {
    uint64_t kernel_base = canonical_base(read_gs_base());
    bool ok;

    if (sel <= 3)
        /* A null selector need not clear the base on every CPU; one that is loaded first does. */
        LOAD_SEG(gs, SEL_USER_DS);
    ok = LOAD_SEG(gs, sel > 3 ? ring3_selector(sel) : sel);
    v->arch.gs_base_user = ok ? read_gs_base() : 0;
    write_gs_base(kernel_base);
    return ok;
}

/* With FSGSBASE on, user code could change a GS base that a kernel unaware of it does not save. */
void cr4_load(const struct vcpu *v) {
    const uint64_t guests = CR4_DE | CR4_TSD | CR4_FSGSBASE;
    struct arch_pcpu *p = &this_pcpu()->arch;
    uint64_t cr4 = (cpu_cr4 & ~guests) | (v->arch.cr4 & guests);

    if (cr4 != p->cr4) {
        p->cr4 = cr4;
        write_cr4(cr4);
    }
}

void tsc_aux_load(const struct vcpu *v) {
    struct arch_pcpu *p = &this_pcpu()->arch;

    if (cpu_has.rdtscp && p->tsc_aux != (uint32_t)v->arch.msr_tsc_aux) {
        p->tsc_aux = (uint32_t)v->arch.msr_tsc_aux;
        wrmsr(MSR_TSC_AUX, p->tsc_aux);
    }
}

static void save_segments(struct vcpu *v) {
    v->arch.regs.ds = READ_SEG(ds);
    v->arch.regs.es = READ_SEG(es);
    v->arch.regs.fs = READ_SEG(fs);
    v->arch.regs.gs = READ_SEG(gs);
    v->arch.fs_base = canonical_base(read_fs_base());
    if (v->arch.kernel_mode)
        v->arch.gs_base_kernel = canonical_base(read_gs_base());
    else
        v->arch.gs_base_user = canonical_base(read_gs_base());
}

static bool load_segments(const struct vcpu *v) {
    const struct cpu_user_regs *r = &v->arch.regs;
    bool ok = true;

    /* Loading null over null can be left out, and is the common case. */
    if (unlikely(r->ds | READ_SEG(ds))) ok &= LOAD_SEG(ds, r->ds);
    if (unlikely(r->es | READ_SEG(es))) ok &= LOAD_SEG(es, r->es);
    if (unlikely(r->fs | READ_SEG(fs))) ok &= LOAD_SEG(fs, r->fs);
    if (unlikely(r->gs | READ_SEG(gs))) ok &= LOAD_SEG(gs, r->gs);
    write_fs_base(v->arch.fs_base);
    write_gs_base(v->arch.kernel_mode ? v->arch.gs_base_kernel : v->arch.gs_base_user);
    return ok;
}

static void save_vcpu(struct vcpu *v) {
    memcpy(&v->arch.regs, guest_regs(), offsetof(struct cpu_user_regs, es));
    save_segments(v);
    debugreg_save(v);
    fpu_save(v);
}

static void load_vcpu(struct pcpu *p, struct vcpu *v) {
    uint64_t who = (uint64_t)v->domain->incarnation << 32 | v->id;

    /* A guest's kernel knows not what other vcpus of its own ran here in between; nor that what it
     * ordered a barrier for ran elsewhere (XSA-479). */
    if (unlikely(spec_on & SPEC_IBPB) && (p->arch.ran != who || v->arch.ran_on != p->id)) {
        p->arch.ran = who;
        v->arch.ran_on = p->id;
        spec_barrier();
    }
    mm_window_set_cpu_gdt(v);
    mm_load_base(v);
    if (likely(p->loaded)) {
        gdt_load(GDT_WINDOW((uint64_t)v->id));
        mm_load_ldt(v);
    } else {
        lldt(0);
        v->arch.regs.ds = v->arch.regs.es = v->arch.regs.fs = v->arch.regs.gs = 0;
    }
    cr4_load(v);
    tsc_aux_load(v);
    memcpy(guest_regs(), &v->arch.regs, offsetof(struct cpu_user_regs, es));
    p->curr = v;
    debugreg_load(v);
    fpu_restore(v);
    if (unlikely(!load_segments(v))) {
        const struct cpu_user_regs *r = &v->arch.regs;

        bounce_failsafe(v, (const uint16_t[]){r->ds, r->es, r->fs, r->gs});
    }
}

void context_switch(struct vcpu *prev, struct vcpu *next) {
    struct pcpu *p = this_pcpu();

    if (prev != &p->idle) save_vcpu(prev);
    gdt_load_own(&p->arch);
    /* SYSRET relies on a flat SS, which an interrupt taken by prev has made null. */
    __asm__ volatile("mov %k0, %%ss" : : "r"(SEL_HV_DS));
    if (next != &p->idle) {
        load_vcpu(p, next);
        return;
    }
    lldt(0);
    p->curr = next;
    mm_load_idle_base();
}

int arch_vcpu_init(struct vcpu *v) {
    v->arch.traps = alloc_page_hv();
    if (!v->arch.traps) return -ENOMEM;
    v->arch.kernel_mode = true;
    v->arch.cr4 = guest_cr4_fixup(v, 0);
    debugreg_reset(v);
    return fpu_init_vcpu(v);
}

void arch_vcpu_free(struct vcpu *v) {
    fpu_destroy_vcpu(v);
    if (v->arch.traps) free_page_hv(v->arch.traps);
    v->arch.traps = NULL;
}
