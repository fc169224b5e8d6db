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
    REG(rcx);
    REG(error_code);
    REG(entry_vector);
    REG(rip);
    REG(cs);
    REG(rsp);
    DEFINE(CPU_INFO_SIZE, sizeof(struct cpu_info));
    DEFINE(CPU_INFO_user_rsp, offsetof(struct cpu_info, user_rsp));
    DEFINE(CPU_INFO_entry_rsp, offsetof(struct cpu_info, entry_rsp));
    DEFINE(CONST_STACK_SIZE, STACK_SIZE);
}
