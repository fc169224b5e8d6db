/* SPDX-License-Identifier: MIT */
/*
 * Entry points of a test kernel: ELF notes, start, trap and callback stubs, the iret hypercall,
 * the jump to user mode, saved contexts. Every stub ends in `common`, which builds a struct regs
 * (trap.h) and calls trap().
 */
#include "asm.h"

    .section .note.Xen, "a", @note
.macro note type, kind:vararg
    .balign 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
    .balign 4
1:  \kind
2:  .balign 4
.endm
    note 6, .asciz "hospes-test"            /* GUEST_OS */
    note 7, .asciz "1"                      /* GUEST_VERSION */
    note 5, .asciz "xen-3.0"                /* XEN_VERSION */
    note 8, .asciz "generic"                /* LOADER */
    note 3, .quad VIRT_BASE
    note 4, .quad 0                         /* PADDR_OFFSET */
    note 1, .quad _start                    /* ENTRY */
    note 9, .asciz "yes"                    /* PAE_MODE */
    note 10, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
    note 13, .quad 1, 1                     /* L1_MFN_VALID: mask, value */

    .text
    .code64
    .globl _start
_start:
    cld
    mov $(vcpu_stacks + STACK_SIZE - 16), %rsp
    mov %rsi, %rdi
    xor %ebp, %ebp
    call start_c
    ud2

/* Other vcpus start here. */
    .globl start_vcpu
start_vcpu:
    cld
    xor %ebp, %ebp
    call vcpu_main
    ud2

/* One stub a vector, 16 bytes each. The frame on entry: rcx, r11, [error], rip, cs, flags, rsp,
 * ss. */
    .balign 16
    .globl trap_stubs
trap_stubs:
.set vector, 0
.rept 256
    .balign 16
    pop %rcx
    pop %r11
    .if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21))
    push $0
    .endif
    push $vector
    jmp common
    .set vector, vector + 1
.endr

    .globl entry_syscall, entry_event, entry_nmi, entry_failsafe
entry_syscall:
    pop %rcx
    pop %r11
    push $0
    push $VEC_SYSCALL
    jmp common
entry_event:
    pop %rcx
    pop %r11
    push $0
    push $VEC_EVENT
    jmp common
entry_nmi:
    pop %rcx
    pop %r11
    push $0
    push $VEC_NMI
    jmp common
/* The failsafe frame has the four data selectors above rcx and r11. */
entry_failsafe:
    pop %rcx
    pop %r11
    pop failsafe_selectors
    pop failsafe_selectors + 8
    pop failsafe_selectors + 16
    pop failsafe_selectors + 24
    push $0
    push $VEC_FAILSAFE
    jmp common

common:
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    cld
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call trap
    mov %rbx, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    add $16, %rsp
    push $0                                 /* flags: rcx and r11 count */
    push %rcx
    push %r11
    push %rax
    mov $23, %eax
    syscall
    ud2

/* void iret_to(const struct iret_frame *): rax, r11, rcx, flags, rip, cs, rflags, rsp, ss */
    .globl iret_to
iret_to:
    sub $128, %rsp
    mov %rsp, %rdx
    mov $9, %ecx
    mov %rdi, %rsi
    mov %rdx, %rdi
    rep movsq
    mov $23, %eax
    syscall
    ud2

/* User mode begins here: rax = function, rcx = its argument. Its result goes to the kernel. */
    .globl user_start
user_start:
    mov %rcx, %rdi
    call *%rax
    mov %rax, %rdi
    mov $USER_EXIT, %eax
    syscall
    ud2

/* uint64_t context_save(struct context *): 0 the first time, then what context_load was given. */
    .globl context_save, context_load
context_save:
    pop %rdx
    mov %rbx, (%rdi)
    mov %rbp, 8(%rdi)
    mov %r12, 16(%rdi)
    mov %r13, 24(%rdi)
    mov %r14, 32(%rdi)
    mov %r15, 40(%rdi)
    mov %rsp, 48(%rdi)
    mov %rdx, 56(%rdi)
    xor %eax, %eax
    jmp *%rdx
/* void context_load(struct context *, uint64_t) */
context_load:
    mov (%rdi), %rbx
    mov 8(%rdi), %rbp
    mov 16(%rdi), %r12
    mov 24(%rdi), %r13
    mov 32(%rdi), %r14
    mov 40(%rdi), %r15
    mov 48(%rdi), %rsp
    mov %rsi, %rax
    jmp *56(%rdi)

    .section .note.GNU-stack, "", @progbits
