/* SPDX-License-Identifier: MIT */
/*
 * How the other CPUs start: copied to a page below 640 KiB by boot/ap.c, which also fills the words
 * at its end. From real mode straight to long mode, then into the image.
 */
#include <asm-offsets.h>

        .section .rodata
        .code16
        .balign 16
        .globl  ap_tramp_start, ap_tramp_end, ap_tramp_far, ap_tramp_gdt, ap_tramp_gdt_ptr
        .globl  ap_tramp_cr3, ap_tramp_long
ap_tramp_start:
        cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        lgdtl   ap_tramp_gdt_ptr - ap_tramp_start
        mov     $0x20, %eax             /* PAE */
        mov     %eax, %cr4
        movl    ap_tramp_cr3 - ap_tramp_start, %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx
        rdmsr
        or      $0x900, %eax            /* LME, NXE */
        wrmsr
        mov     $0x80010033, %eax       /* PG WP NE ET MP PE */
        mov     %eax, %cr0
        ljmpl   *(ap_tramp_far - ap_tramp_start)

        .code64
ap_tramp_long:
        xor     %eax, %eax
        .irp    seg, ds, es, ss, fs, gs
        mov     %eax, %\seg
        .endr
        movabs  $ap_start64, %rax
        jmp     *%rax

        .balign 8
ap_tramp_gdt:
        .quad   0
        .quad   0x00af9a000000ffff
ap_tramp_gdt_ptr:
        .word   15
        .long   0
        .balign 4
ap_tramp_far:
        .long   0
        .word   8
        .balign 4
ap_tramp_cr3:
        .long   0
ap_tramp_end:

        .text
ap_start64:
        mov     ap_boot_cr3(%rip), %rax
        mov     %rax, %cr3
        mov     ap_boot_stack(%rip), %rsp
        xor     %ebp, %ebp
        call    ap_main
        ud2

        .section .note.GNU-stack, "", @progbits
