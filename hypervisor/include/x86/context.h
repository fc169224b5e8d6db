/* SPDX-License-Identifier: MIT */
/*
 * The registers of vcpus: switching between them, between a vcpu's kernel and user mode, floating
 * point, and the complete context that tools read and write.
 */
#pragma once

#include <hv/types.h>
#include <public/xen.h>
#include <x86/layout.h>

struct domain;
struct vcpu;

/* Saves prev and loads next on this CPU, address space included. Either may be idle. From the
 * schedule softirq only. Sets this_pcpu()->curr. */
void context_switch(struct vcpu *prev, struct vcpu *next);
/* Leaves the hypervisor for whatever this CPU's current vcpu is, serving what is pending first.
 * Discards the stack. How a CPU starts to work. */
void exit_to_guest(void) __noreturn;

int arch_domain_init(struct domain *d); /* -ENOMEM. x86/cpuid.c */
void arch_domain_free(struct domain *d);
int arch_vcpu_init(struct vcpu *v); /* -ENOMEM */
void arch_vcpu_free(struct vcpu *v);

/* current changes between kernel and user mode: CR3 and GS base. */
void toggle_guest_mode(struct vcpu *v);
/* The same for CR3 alone, and for a moment: kernel addresses are reached by the kernel's tables. */
void use_tables(struct vcpu *v, bool kernel);
/* After v->arch.cr4 changed: loads what the hardware has while v, which is current, runs. */
void cr4_load(const struct vcpu *v);
void tsc_aux_load(const struct vcpu *v);
/* What v's CR4 becomes when it, or a tool, asks for this value. entry/emulate.c */
uint64_t guest_cr4_fixup(const struct vcpu *v, uint64_t cr4);

uint64_t read_fs_base(void);
uint64_t read_gs_base(void);
void write_fs_base(uint64_t base); /* canonical */
void write_gs_base(uint64_t base);
/* Loads the selector into GS as the user's, leaving the kernel's base. False: null was loaded. */
bool load_user_gs(struct vcpu *v, uint16_t sel);

static inline bool is_canonical(uint64_t va) { return (uint64_t)((int64_t)(va << 16) >> 16) == va; }

/* A guest may name this address: canonical and not in Hospes's part. */
static inline bool guest_va_ok(uint64_t va) { return va < LOW_HALF_END || va >= HV_END; }
static inline uint16_t ring3_selector(uint16_t sel) { return sel | 3; }

#define GUEST_EFLAGS_FORCED_CLEAR (0x3000UL /* IOPL */ | 0x20000UL /* VM */ | 0x4000UL /* NT */)
#define GUEST_EFLAGS_KNOWN        0x003f7fd7UL

/* What may stand in hardware RFLAGS while a guest runs: interrupts open, no I/O privilege. */
static inline uint64_t guest_rflags(uint64_t f) {
    return (f & GUEST_EFLAGS_KNOWN & ~GUEST_EFLAGS_FORCED_CLEAR) | 0x202UL;
}

/* Floating point. x86/fpu.c */
extern uint64_t fpu_host_xcr0; /* components that a guest may have; 0: no XSAVE */
void fpu_init(void);           /* boot CPU, after cpu_identify */
void fpu_init_cpu(void);
int fpu_init_vcpu(struct vcpu *v);
void fpu_destroy_vcpu(struct vcpu *v);
#define MXCSR_DEFAULT 0x1f80
void fpu_save(struct vcpu *v);
void fpu_restore(struct vcpu *v);
void fpu_set_ts(struct vcpu *v, bool ts);                /* current's CR0.TS */
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0);         /* XSETBV by current; -EINVAL */
void fpu_set_legacy(struct vcpu *v, const void *fxsave); /* 512 bytes, NULL: reset state */
void fpu_get_legacy(const struct vcpu *v, void *fxsave);

/* domain/vcpu_context.c. v is not running, or is not initialised yet. Checks everything before it
 * changes anything but for references taken by -ERESTART, which the next call finds. */
int vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
void vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c);

/* VMASST_TYPE_* that vm_assist and contexts may name. */
#define VM_ASSIST_VALID                                                                            \
    (1UL << VMASST_TYPE_4gb_segments | 1UL << VMASST_TYPE_4gb_segments_notify |                    \
     1UL << VMASST_TYPE_writable_pagetables | 1UL << VMASST_TYPE_pae_extended_cr3 |                \
     1UL << VMASST_TYPE_architectural_iopl | 1UL << VMASST_TYPE_runstate_update_flag |             \
     1UL << VMASST_TYPE_m2p_strict)
