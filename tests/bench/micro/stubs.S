/* SPDX-License-Identifier: MIT */
/*
 * Entries of the kernel that add as little as possible to what is measured. The frame on entry:
 * rcx, r11, [error], rip, cs, rflags, rsp, ss.
 */
#include "asm.h"
#include "peer.h"
#define IRET          23
#define VCPU_INFO     64                    /* the size of one */
#define PENDING_SEL   8                     /* its offset in vcpu_info */
#define KERNEL_CS     0xe030               /* as iret names the kernel: its RPL is not 3 */
#define KERNEL_SS     0xe02b
#define EVENT_CHANNEL_OP 32
#define EVTCHNOP_SEND 4
#define PENDING_WORDS 2048                  /* after 32 vcpu_infos in shared_info */

    .text
    .code64

/* Leaves by the frame iret wants; on the stack are rip and what follows. */
.macro leave
    push $0                                 /* flags: rcx and r11 count */
    push %rcx
    push %r11
    push %rax
    mov $IRET, %eax
    syscall
    ud2
.endm

    .globl fault_with_error
fault_with_error:
    pop %rcx
    pop %r11
    add $8, %rsp
    mov %rbx, (%rsp)
    leave

    .globl fault_without_error
fault_without_error:
    pop %rcx
    pop %r11
    mov %rbx, (%rsp)
    leave

    .globl soft_interrupt
soft_interrupt:
    pop %rcx
    pop %r11
    leave

/* The library's end of user mode goes to the library. */
    .globl user_call
user_call:
    cmp $USER_EXIT, %rax
    je entry_syscall
    pop %rcx
    pop %r11
    leave

.macro upcall_of vcpu
    pop %rcx
    pop %r11
    movb $0, shared_page + VCPU_INFO * \vcpu
    movq $0, shared_page + VCPU_INFO * \vcpu + PENDING_SEL
    movq $0, shared_page + PENDING_WORDS    /* the ports below 64 */
    leave
.endm

/* The time of the handler's first instruction; rcx and r11 are on the stack. */
.macro stamp
    push %rax
    push %rdx
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, sample_end
    pop %rdx
    pop %rax
.endm

    .globl upcall, upcall_stamped, upcall_stamped_1
upcall_stamped:
    stamp
upcall:
    upcall_of 0
upcall_stamped_1:
    stamp
    upcall_of 1

    .globl upcall_fifo
upcall_fifo:
    mov fifo_ready, %rcx
    movl $0, (%rcx)
    mov fifo_port_word, %rcx
    movl $0, (%rcx)
    movb $0, shared_page
    pop %rcx
    pop %r11
    leave

/*
 * In the peer, which blocks again and again: rbx is its mailbox, and of the other registers none
 * counts after the hypercall. It notes the time and answers.
 */
    .section .rodata
    .globl peer_upcall, peer_upcall_end
peer_upcall:
    pop %rcx
    pop %r11
    rdtsc
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, PEER_STAMP(%rbx)
    push %rcx
    push %r11
    movb $0, PEER_SHARED_VA
    movq $0, PEER_SHARED_VA + PENDING_SEL
    movq $0, PEER_SHARED_VA + PENDING_WORDS
    lea PEER_REPLY(%rbx), %rsi
    mov $EVTCHNOP_SEND, %edi
    mov $EVENT_CHANNEL_OP, %eax
    syscall
    pop %r11
    pop %rcx
    leave
peer_upcall_end:

    .text
    .globl iret_to_self
iret_to_self:
    mov %rsp, %rdx
    push $KERNEL_SS
    push %rdx
    push $2                                 /* interrupts, so upcalls, off */
    push $KERNEL_CS
    push $1f
    leave
1:  ret

    .section .note.GNU-stack, "", @progbits
