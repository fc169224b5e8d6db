/* SPDX-License-Identifier: MIT */
/*
 * Ways in and out. Every entry saves all general registers as a struct cpu_user_regs and calls one
 * C function; every return to a guest restores all of them from guest_regs, so no value of ours
 * can stay in a register.
 *
 * Entries from a guest always build that frame in this CPU's guest_regs: exceptions and interrupts
 * by the TSS's rsp0, SYSCALL by entry_rsp, and the ones with an interrupt stack, and all of them
 * with XPTI (x86/xpti.c), by copying. Entries from Hospes itself push it where the stack happens to
 * be. The frame's address is 8 modulo 16 in all cases, hence the 8 bytes around calls.
 *
 * Interrupts are off in all of this (gates, SYSCALL mask).
 */
#include <asm-offsets.h>
#include <x86/layout.h>
#include <x86/spec.h>
#include <x86/trap.h>

    .code64
    .section .entry.text, "ax"

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

    /* What the CPU and the stub have pushed. */
#define FRAME_rip    8
#define FRAME_cs     16
#define FRAME_rflags 24
#define FRAME_SIZE   48

.macro CALL_WITH_FRAME function
    mov %rsp, %rdi
    sub $8, %rsp
    call \function
.endm

    /* If 'bit' is chosen spec.c makes the 5-byte instruction at 'at' a call or jump to 'to'. */
.macro PATCH bit, opcode, at, to
    .pushsection .spec_patches, "a"
    .quad \at, \to, \bit, \opcode
    .popsection
.endm

    /* From a guest, whose calls may be what the CPU predicts returns by. */
.macro CALL_FROM_GUEST function
    PATCH SPEC_RSB, 0xe8, 8f, 9f
    mov %rsp, %rdi
    sub $8, %rsp
8:  call \function
    .pushsection .text.spec, "ax"
9:  call fill_return_stack
    jmp \function
    .popsection
.endm

    /* By GS to this CPU's stack; with XPTI to our page tables first. */
.macro HV_STACK
    PATCH SPEC_XPTI, 0xe9, 6f, 7f
6:  mov %gs:ENTRY_entry_rsp, %rsp
8:
    .pushsection .entry.text, 1
7:  mov %gs:ENTRY_hv_cr3, %rsp
    mov %rsp, %cr3
    mov %gs:ENTRY_entry_rsp, %rsp
    jmp 8b
    .popsection
.endm

/*
 * After SYSCALL: all that is above the general registers. RSP is the guest's until it is replaced:
 * a #DB here (delayed by mov to ss) runs on its own stack, and NMI and #MC do always.
 */
.macro SYSCALL_FRAME cs
    swapgs
    mov %rsp, %gs:ENTRY_user_rsp
    HV_STACK
    push $SEL_USER_DS
    push %gs:ENTRY_user_rsp
    swapgs
    push %r11
    push $\cs
    push %rcx
    push $0
.endm

FUNC entry_syscall
    SYSCALL_FRAME SEL_USER_CS64
    movl $ENTRY_SYSCALL, 4(%rsp)
    SAVE_REGS
    CALL_FROM_GUEST syscall_from_guest
FUNC return_to_guest
    add $8, %rsp
    cmpl $ENTRY_SYSCALL, REGS_entry_vector(%rsp)
    jne 1f
    /* SYSRET with a non-canonical RIP would fault here, in ring 0, on the guest's stack. */
    mov REGS_rcx(%rsp), %rcx
    cmp %rcx, REGS_rip(%rsp)
    jne 1f
    mov %rcx, %rax
    shl $16, %rax
    sar $16, %rax
    cmp %rcx, %rax
    jne 1f
    RESTORE_REGS
    PATCH SPEC_XPTI, 0xe9, 4f, sysret_xpti
    PATCH SPEC_VERW, 0xe9, 4f, sysret_verw /* where both are chosen the later one stands */
4:  mov REGS_rsp - REGS_error_code(%rsp), %rsp
    sysretq
1:  RESTORE_REGS
    PATCH SPEC_XPTI, 0xe9, 5f, iretq_xpti
    PATCH SPEC_VERW, 0xe9, 5f, iretq_verw
5:  lea 8(%rsp), %rsp
GLOBAL guest_iretq
    iretq
GLOBAL sysret_verw
    verw verw_selector(%rip)
    PATCH SPEC_XPTI, 0xe9, 4f, sysret_xpti
4:  mov REGS_rsp - REGS_error_code(%rsp), %rsp
    sysretq
GLOBAL iretq_verw
    verw verw_selector(%rip)
    PATCH SPEC_XPTI, 0xe9, 5f, iretq_xpti
5:  lea 8(%rsp), %rsp
    jmp guest_iretq
GLOBAL verw_selector
    .word SEL_HV_DS

/* SYSCALL in compatibility mode, where the CPU has it. */
FUNC entry_syscall32
    SYSCALL_FRAME SEL_USER_CS32
    SAVE_REGS
    CALL_FROM_GUEST syscall32_from_guest
    jmp return_to_guest

/*
 * SYSENTER: the CPU has kept nothing of RIP, RSP or the interrupt flag. The guest gets zeros. TF
 * and NT of user mode are still there and go no further.
 */
FUNC entry_sysenter
    swapgs
    HV_STACK
    swapgs
    push $SEL_USER_DS
    push $0
    pushfq
    push $2
    popfq
    push $3
    push $0
    push $0
    SAVE_REGS
    CALL_FROM_GUEST sysenter_from_guest
    jmp return_to_guest

/* Exceptions and interrupts, after the stub has completed error_code and entry_vector. */
    .balign 16
trap_common:
    PATCH SPEC_XPTI, 0xe9, 6f, trap_xpti
6:  testb $3, FRAME_cs(%rsp)
    jz trap_in_hypervisor
trap_in_guest:
    SAVE_REGS
    cld
    CALL_FROM_GUEST trap_from_guest
    jmp return_to_guest
trap_in_hypervisor:
    SAVE_REGS
    cld
    CALL_WITH_FRAME trap_from_hypervisor
    add $8, %rsp
    RESTORE_REGS
    add $8, %rsp
    iretq

/* The same on an interrupt stack. */
    .balign 16
trap_common_ist:
    PATCH SPEC_XPTI, 0xe9, 6f, trap_xpti_ist
6:  testb $3, FRAME_cs(%rsp)
    jz trap_in_hypervisor

    /* A frame goes to where it would have been pushed. RDI: its address, below it RDI's value. */
.macro MOVE_FRAME
    .irp at, 48, 40, 32, 24, 16, 8
    push \at(%rdi)
    .endr
    xchg %rdi, (%rdi) /* nothing of the value stays */
.endm

    /* To the stack, when the frame is elsewhere: GS is the guest's. */
.macro LEAVE_FRAME
    push %rdi
    mov %rsp, %rdi
    swapgs
    HV_STACK
    swapgs
.endm

trap_move:
    LEAVE_FRAME
    MOVE_FRAME
    jmp trap_in_guest

/*
 * XPTI: frames are pushed on the entry page, which keeps addresses but no register's value. RSP is
 * used for whatever is wanted while there is no stack: NMI and #MC have stacks of their own.
 */
trap_xpti:
    testb $3, FRAME_cs(%rsp)
    jnz trap_move
    push %rdi
    lea guest_iretq(%rip), %rdi
    cmp %rdi, 8 + FRAME_rip(%rsp)
    pop %rdi
    jne trap_in_hypervisor
    /* The CPU refused the guest's frame: as if RSP had been at the one in guest_regs. */
    LEAVE_FRAME
    sub $FRAME_SIZE, %rsp
    MOVE_FRAME
    jmp trap_in_hypervisor

/* Hospes may have been interrupted where CR3 is the guest's still, or again; it returns to that. */
trap_xpti_ist:
    testb $3, FRAME_cs(%rsp)
    jnz trap_move
    push %rdi
    mov %cr3, %rdi
    mov %rdi, 16 + FRAME_SIZE(%rsp) /* entry_ist.cr3 */
    mov %rsp, %rdi
    and $-4096, %rdi
    mov ENTRY_hv_cr3(%rdi), %rdi
    mov %rdi, %cr3
    mov %rsp, %rdi
    mov 8 + FRAME_SIZE(%rsp), %rsp /* entry_ist.stack */
    push %rdi
    MOVE_FRAME
    SAVE_REGS
    cld
    CALL_WITH_FRAME trap_from_hypervisor
    add $8, %rsp
    RESTORE_REGS
    mov FRAME_SIZE(%rsp), %rsp
    mov %rdi, (%rsp)
    mov 16 + FRAME_SIZE(%rsp), %rdi
    mov %rdi, %cr3
    xchg %rdi, (%rsp)
    andl $~0x100, 8 + FRAME_rflags(%rsp) /* TF, which trap_from_hypervisor clears */
    add $16, %rsp
    iretq

/* XPTI: the last steps to a guest, from where RSP is at error_code. */
sysret_xpti:
    swapgs
    push REGS_rsp - REGS_error_code(%rsp)
    pop %gs:ENTRY_user_rsp
    mov %gs:ENTRY_guest_cr3, %rsp
    mov %rsp, %cr3
    mov %gs:ENTRY_user_rsp, %rsp
    swapgs
    sysretq
iretq_xpti:
    lea 8(%rsp), %rsp
    swapgs
    .irp at, 0, 8, 16, 24, 32
    pop %gs:ENTRY_rip + \at
    .endr
    mov %gs:ENTRY_guest_cr3, %rsp
    mov %rsp, %cr3
    mov %gs:ENTRY_rsp0, %rsp
    lea -40(%rsp), %rsp
    swapgs
    jmp guest_iretq

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
