/* SPDX-License-Identifier: MIT */
/*
 * Where C goes through a pointer: the compilers call these instead (Makefile), with the target in a
 * register. As they stand here they are retpolines: the return's target comes from memory, and
 * whoever speculates past the call waits in the loop. spec.c may put one of the two short forms,
 * LFENCE and a plain jump, in their place. Nothing else in Hospes jumps or calls indirectly while
 * there are guests.
 */
    .code64
    .text

.macro GLOBAL name
    .globl \name
    .hidden \name
\name:
.endm

    .balign 32
GLOBAL thunks_start
.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    .balign 32, 0xcc
GLOBAL __x86_indirect_thunk_\reg
    call 2f
1:  pause
    lfence
    jmp 1b
2:  mov %\reg, (%rsp)
    ret
    .org __x86_indirect_thunk_\reg + 24, 0xcc /* THUNK_SHORT */
    lfence
    jmp *%\reg
    int3
.endr
    .balign 32, 0xcc
GLOBAL thunks_end

/* Fills the return stack, whose entries a guest's calls may have made, with addresses that lead
 * nowhere: 32 calls that do not return. Destroys RCX. */
    .balign 16
GLOBAL fill_return_stack
    mov $16, %ecx
1:  call 2f
    int3
2:  call 3f
    int3
3:  dec %ecx
    jnz 1b
    add $32 * 8, %rsp
    ret

    .section .note.GNU-stack, "", @progbits
