/* SPDX-License-Identifier: MIT */
/* What the assembly of entry/ shares: frames, saving and restoring. */
#include <asm-offsets.h>
#include <x86/layout.h>
#include <x86/trap.h>

    .code64
    .text

.macro GLOBAL name
    .globl \name
    .hidden \name
\name:
.endm

.macro FUNC name
    .type \name, @function
    .balign 16
    GLOBAL \name
.endm

    /* rdi..r15 in the order of struct cpu_user_regs, above error_code. */
.macro SAVE_REGS
    .irp reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
    push %\reg
    .endr
.endm

.macro RESTORE_REGS
    .irp reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
    pop %\reg
    .endr
.endm

.macro CALL_WITH_FRAME function
    mov %rsp, %rdi
    sub $8, %rsp
    call \function
.endm

/*
 * After SYSCALL: all that is above the general registers. RSP is the guest's until it is replaced:
 * a #DB here (delayed by mov to ss) runs on its own stack, and NMI and #MC do always.
 */
.macro SYSCALL_FRAME cs
    swapgs
    mov %rsp, %gs:CPU_INFO_user_rsp
    mov %gs:CPU_INFO_entry_rsp, %rsp
    push $SEL_USER_DS
    push %gs:CPU_INFO_user_rsp
    swapgs
    push %r11
    push $\cs
    push %rcx
    push $0
.endm

/*
 * After SYSENTER: the CPU has loaded RSP and kept nothing of RIP, RSP or the interrupt flag. The
 * guest gets zeros. TF and NT of user mode are still there and go no further.
 */
.macro SYSENTER_FRAME
    push $SEL_USER_DS
    push $0
    pushfq
    push $2
    popfq
    push $3
    push $0
    push $0
.endm

/* Whether the frame at RSP may leave by SYSRET, which with a non-canonical RIP would fault in ring 0,
 * on the guest's stack. Goes to 'else' if not. */
.macro CHECK_SYSRET else
    cmpl $ENTRY_SYSCALL, REGS_entry_vector(%rsp)
    jne \else
    mov REGS_rcx(%rsp), %rcx
    cmp %rcx, REGS_rip(%rsp)
    jne \else
    mov %rcx, %rax
    shl $16, %rax
    sar $16, %rax
    cmp %rcx, %rax
    jne \else
.endm
