/* SPDX-License-Identifier: MIT */
/* What the files of entry/ share among themselves. */
#pragma once

#include <hv/pcpu.h>
#include <x86/trap.h>

#include "emul/execute.h"

/* entry.S */
extern const char entry_syscall[], entry_syscall32[], entry_sysenter[], guest_iretq[];
extern const char trap_stubs[]; /* 16 bytes a vector */
void reenter_guest(struct cpu_user_regs *guest_regs) __noreturn;

/* C called from entry.S. */
void syscall_from_guest(struct cpu_user_regs *regs);
void syscall32_from_guest(void);
void sysenter_from_guest(struct cpu_user_regs *regs);
void trap_from_guest(struct cpu_user_regs *regs);
void trap_from_hypervisor(struct cpu_user_regs *regs);
void exit_work(void); /* exit.c; all there is to do before the guest runs */

/* SYSCALL's and SYSENTER's registers, floating point, when a CPU starts to work. */
void entry_init_cpu(void);

/* exit.c: current's registers change so that its kernel runs the handler next. */
void bounce_exception(struct vcpu *v, uint8_t vector, uint32_t error_code);
void bounce_softint(struct vcpu *v, uint8_t vector); /* no error code, whatever the vector */
void bounce_page_fault(struct vcpu *v, uint64_t addr, uint32_t error_code);
/* By CALLBACKTYPE_syscall, _syscall32 or _sysenter; the exception if the guest has no handler. */
void bounce_syscall(struct vcpu *v, unsigned int type);
/* Segment selectors that could not be loaded: data holds ds, es, fs, gs as they were. */
void bounce_failsafe(struct vcpu *v, const uint16_t sel[4]);

/* emulate.c. True: done (an exception may have been bounced instead). False: not one of ours. */
bool emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs);
/* #UD: forced-emulation cpuid. */
bool emulate_forced_cpuid(struct vcpu *v, struct cpu_user_regs *regs);
/* Decodes the instruction at regs->rip, which faulted on writing fault_va, where the guest's kernel
 * may not write directly, and carries its memory operation out through store; updates registers,
 * flags and rip. Read-modify-write instructions (or, and, xchg, bts, ...) read the guest's memory
 * and come with 'old'. 0: handled; < 0: not a store that is understood, or refused; no change. */
int emulate_pt_write(struct cpu_user_regs *regs, uint64_t fault_va, emul_store_fn *store,
                     void *ctx);

/* The end of every entry of v's, on p. Mostly there is nothing to do, and that is quick to see. */
static inline void exit_check(const struct pcpu *p, const struct vcpu *v) {
    if (unlikely(READ_ONCE(p->softirqs)) || unlikely(v->arch.nmi_pending) ||
        unlikely(vcpu_event_pending(v)))
        exit_work();
}

static inline bool from_guest(const struct cpu_user_regs *regs) { return regs->cs & 3; }
