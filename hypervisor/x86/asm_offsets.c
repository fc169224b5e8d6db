/* SPDX-License-Identifier: MIT */
/*
 * Numbers that assembly needs from C. Compiled to assembly only; the Makefile turns each marked
 * line into a #define in <asm-offsets.h>.
 */
#include <hv/pcpu.h>

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"=>" #name " %0\"" : : "i"(value))
#define REG(field)          DEFINE(REGS_##field, offsetof(struct cpu_user_regs, field))

void asm_offsets(void);
void asm_offsets(void) {
    REG(r15);
    REG(r14);
    REG(r13);
    REG(r12);
    REG(rbp);
    REG(rbx);
    REG(r11);
    REG(r10);
    REG(r9);
    REG(r8);
    REG(rax);
    REG(rcx);
    REG(rdx);
    REG(rsi);
    REG(rdi);
    REG(error_code);
    REG(entry_vector);
    REG(rip);
    REG(cs);
    REG(rflags);
    REG(rsp);
    REG(ss);
    REG(es);
    REG(ds);
    REG(fs);
    REG(gs);
    DEFINE(REGS_SIZE, sizeof(struct cpu_user_regs));
    DEFINE(CPU_INFO_SIZE, sizeof(struct cpu_info));
    DEFINE(CPU_INFO_guest_regs, offsetof(struct cpu_info, guest_regs));
    DEFINE(CPU_INFO_user_rsp, offsetof(struct cpu_info, user_rsp));
    DEFINE(CPU_INFO_entry_rsp, offsetof(struct cpu_info, entry_rsp));
    DEFINE(CPU_INFO_pcpu, offsetof(struct cpu_info, pcpu));
    DEFINE(PCPU_curr, offsetof(struct pcpu, curr));
    DEFINE(CONST_STACK_SIZE, STACK_SIZE);
}
