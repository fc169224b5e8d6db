/* SPDX-License-Identifier: MIT */
/*
 * Numbers that assembly needs from C. Compiled to assembly only; the Makefile turns each marked
 * line into a #define in <asm-offsets.h>.
 */
#include <x86/desc.h>

#define DEFINE(name, value) __asm__ volatile("\n.ascii \"=>" #name " %0\"" : : "i"(value))
#define REG(field)          DEFINE(REGS_##field, offsetof(struct cpu_user_regs, field))
#define ENTRY(field)        DEFINE(ENTRY_##field, offsetof(struct entry_page, field))

void asm_offsets(void);
void asm_offsets(void) {
    REG(rcx);
    REG(error_code);
    REG(entry_vector);
    REG(rip);
    REG(cs);
    REG(rsp);
    DEFINE(CPU_INFO_SIZE, sizeof(struct cpu_info));
    ENTRY(user_rsp);
    ENTRY(entry_rsp);
    ENTRY(hv_cr3);
    ENTRY(guest_cr3);
    ENTRY(rip);
    DEFINE(ENTRY_rsp0, offsetof(struct entry_page, tss.rsp0));
    DEFINE(CONST_STACK_SIZE, STACK_SIZE);
}
