/* SPDX-License-Identifier: MIT */
/*
 * The ways in and out on CPUs where something must be done about speculation between a guest and
 * Hospes (x86/spec.c): the return stack is filled on the way in, VERW is executed on the way out.
 */
#include "asm.h"

FUNC entry_syscall_guarded
    SYSCALL_FRAME SEL_USER_CS64
    movl $ENTRY_SYSCALL, 4(%rsp)
    SAVE_REGS
    call fill_on_entry
    jmp syscall_saved

FUNC entry_syscall32_guarded
    SYSCALL_FRAME SEL_USER_CS32
    SAVE_REGS
    call fill_on_entry
    jmp syscall32_saved

FUNC entry_sysenter_guarded
    SYSENTER_FRAME
    SAVE_REGS
    call fill_on_entry
    jmp sysenter_saved

FUNC trap_guarded
    SAVE_REGS
    cld
    testb $3, REGS_cs(%rsp)
    jz trap_in_hypervisor
    call fill_on_entry
    jmp trap_saved

FUNC trap_ist_guarded
    SAVE_REGS
    cld
    testb $3, REGS_cs(%rsp)
    jz trap_in_hypervisor
    call fill_on_entry
    jmp trap_ist_saved

/* Becomes a return where that is not needed. */
FUNC fill_on_entry
    jmp fill_return_stack

FUNC return_guarded
    add $8, %rsp
    CHECK_SYSRET 1f
    RESTORE_REGS
GLOBAL verw_sysret
    verw verw_selector(%rip)
    mov REGS_rsp - REGS_error_code(%rsp), %rsp
    sysretq
1:  RESTORE_REGS
    add $8, %rsp
GLOBAL verw_iretq
    verw verw_selector(%rip)
GLOBAL guest_iretq_guarded
    iretq

    .balign 4
GLOBAL verw_selector
    .word SEL_HV_DS

    /* What takes the place of what. */
    .section .rodata
    .balign 8
GLOBAL guarded_entries
    .quad entry_syscall, entry_syscall_guarded
    .quad entry_syscall32, entry_syscall32_guarded
    .quad entry_sysenter, entry_sysenter_guarded
    .quad trap_common, trap_guarded
    .quad trap_common_ist, trap_ist_guarded
    .quad return_to_guest, return_guarded
GLOBAL guarded_entries_end

    .section .note.GNU-stack, "", @progbits
