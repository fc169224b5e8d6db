/* SPDX-License-Identifier: MIT */
/*
 * Ways in and out. Every entry saves all general registers as a struct cpu_user_regs and calls one
 * C function; every return to a guest restores all of them from guest_regs, so no value of ours
 * can stay in a register.
 *
 * Entries from a guest always build that frame in this CPU's guest_regs: exceptions and interrupts
 * by the TSS's rsp0, SYSCALL by cpu_info.entry_rsp, and the ones with an interrupt stack by
 * copying. Entries from Hospes itself push it where the stack happens to be. The frame's address
 * is 8 modulo 16 in all cases, hence the 8 bytes around calls.
 *
 * Interrupts are off in all of this (gates, SYSCALL mask).
 *
 * guarded.S has other ways in and out, which spec.c puts in the place of these on CPUs that need
 * them, by jumps over the first five bytes; they come back at the labels ..._saved.
 */
#include "asm.h"

FUNC entry_syscall
    SYSCALL_FRAME SEL_USER_CS64
    movl $ENTRY_SYSCALL, 4(%rsp)
    SAVE_REGS
GLOBAL syscall_saved
    CALL_WITH_FRAME syscall_from_guest
FUNC return_to_guest
    add $8, %rsp
    CHECK_SYSRET 1f
    RESTORE_REGS
    mov REGS_rsp - REGS_error_code(%rsp), %rsp
    sysretq
1:  RESTORE_REGS
    add $8, %rsp
GLOBAL guest_iretq
    iretq

/* SYSCALL in compatibility mode, where the CPU has it. */
FUNC entry_syscall32
    SYSCALL_FRAME SEL_USER_CS32
    SAVE_REGS
GLOBAL syscall32_saved
    CALL_WITH_FRAME syscall32_from_guest
    jmp return_to_guest

FUNC entry_sysenter
    SYSENTER_FRAME
    SAVE_REGS
GLOBAL sysenter_saved
    CALL_WITH_FRAME sysenter_from_guest
    jmp return_to_guest

/* Exceptions and interrupts, after the stub has completed error_code and entry_vector. */
FUNC trap_common
    SAVE_REGS
    cld
    testb $3, REGS_cs(%rsp)
    jz trap_in_hypervisor
GLOBAL trap_saved
    CALL_WITH_FRAME trap_from_guest
    jmp return_to_guest
GLOBAL trap_in_hypervisor
    CALL_WITH_FRAME trap_from_hypervisor
    add $8, %rsp
    RESTORE_REGS
    add $8, %rsp
    iretq

/* The same on an interrupt stack: a guest's frame moves to guest_regs first. */
FUNC trap_common_ist
    SAVE_REGS
    cld
    testb $3, REGS_cs(%rsp)
    jz trap_in_hypervisor
GLOBAL trap_ist_saved
    CALL_WITH_FRAME move_to_guest_regs
    mov %rax, %rsp
    jmp trap_saved

/* Never returns: runs the rest of an entry whose registers are complete in *rdi (guest_regs). */
FUNC reenter_guest
    lea -8(%rdi), %rsp
    xor %ebp, %ebp
    call exit_work
    jmp return_to_guest

/* One stub a vector, 16 bytes each, so that idt.c finds them by number. */
    .balign 16
GLOBAL trap_stubs
    .set vec, 0
    .rept 256
    .balign 16
    .set pushed, 0
    .if vec < NR_EXCEPTIONS
    .set pushed, (TRAPS_WITH_ERROR_CODE >> vec) & 1
    .endif
    .if !pushed
    push $0
    .endif
    movl $vec, 4(%rsp)
    .if vec == TRAP_NMI || vec == TRAP_MC || vec == TRAP_DB || vec == TRAP_DF
    jmp trap_common_ist
    .else
    jmp trap_common
    .endif
    .set vec, vec + 1
    .endr
    .balign 16

    .section .note.GNU-stack, "", @progbits
