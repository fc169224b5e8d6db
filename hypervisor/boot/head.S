/* SPDX-License-Identifier: MIT */
/*
 * Where the boot loader jumps to: Multiboot headers and the way from 32-bit protected mode without
 * paging to C. The image runs wherever it was loaded below 4 GiB (2 MiB-aligned); %esi holds that
 * address throughout. Nothing here depends on the link address but the final jump.
 *
 * Page tables built here, all 2 MiB pages:
 *   L4[0]    identity map of the first 4 GiB, dropped by boot_protect_image()
 *   L4[261]  the image at IMAGE_START, writable and executable until boot_protect_image()
 *   L4[262]  direct map of the first 4 GiB, no-execute; mm_init() makes the final one
 */
#include <asm-offsets.h>
#include <x86/layout.h>

#define LOAD_PADDR 0x200000
#define LOAD_ALIGN 0x200000

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map, address fields below */
#define MB2_MAGIC 0xe85250d6
#define MB2_OPTIONAL (1 << 16)

#define PTE_RW    0x3
#define PTE_LARGE 0x83

        .section .multiboot, "ax"
        .code32
head_base:
        .balign 4
        .globl mb1_header
mb1_header:
        .long   MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
        .long   mb1_header_paddr, LOAD_PADDR    /* for these five see hospes.lds.S */
        .long   image_file_end_paddr, image_end_paddr, boot_start_paddr

        .balign 8
mb2_header:
        .long   MB2_MAGIC, 0 /* i386 protected mode */, mb2_end - mb2_header
        .long   0x100000000 - (MB2_MAGIC + (mb2_end - mb2_header))
        /* Tags: type (MB2_OPTIONAL or not), size, contents. Console: EGA text is understood; a
         * framebuffer of any size is preferred. Without the second tag GRUB on UEFI, where there
         * is no text mode, gives no screen at all. */
        .balign 8
        .long   4 | MB2_OPTIONAL, 12, 2
        .balign 8
        .long   5 | MB2_OPTIONAL, 20, 0, 0, 0
        /* Modules page-aligned. */
        .balign 8
        .long   6, 8
        /* Relocatable: lowest, highest address, alignment, preference (low). */
        .balign 8
        .long   10 | MB2_OPTIONAL, 24, LOAD_PADDR, 0xffffffff, LOAD_ALIGN, 1
        .balign 8
        .long   0, 8
mb2_end:

        /* Writes n table entries: %eax, %eax + step, ... */
        .macro  fill table, step, n
        lea     (\table - head_base)(%esi), %edi
        mov     $(\n), %ecx
1:      mov     %eax, (%edi)
        add     $\step, %eax
        add     $8, %edi
        loop    1b
        .endm

        .globl  boot_start
boot_start:
        cli
        cld
        /* Find out where we are with the first word of the loader's information as a stack. */
        mov     %eax, %ebp
        mov     (%ebx), %edi
        lea     4(%ebx), %esp
        call    1f
1:      pop     %esi
        sub     $(1b - head_base), %esi
        mov     %edi, (%ebx)
        lea     (boot_stack_end - head_base)(%esi), %esp

        /* Long mode and no-execute are required. */
        mov     $0x80000000, %eax
        push    %ebx
        cpuid
        cmp     $0x80000001, %eax
        jb      no_long_mode
        mov     $0x80000001, %eax
        cpuid
        pop     %ebx
        and     $((1 << 29) | (1 << 20)), %edx
        cmp     $((1 << 29) | (1 << 20)), %edx
        jne     no_long_mode

        /* Four L2 tables map 0..4 GiB. */
        mov     $PTE_LARGE, %eax
        fill    boot_l2_low, 0x200000, 2048
        lea     (boot_l2_low - head_base + PTE_RW)(%esi), %eax
        fill    boot_l3_low, 0x1000, 4

        /* The image. Its first byte is at IMAGE_START + LOAD_PADDR. */
        lea     PTE_LARGE(%esi), %eax
        fill    boot_l2_image+8*(LOAD_PADDR>>21), 0x200000, (IMAGE_MAX-LOAD_PADDR)>>21
        lea     (boot_l2_image - head_base + PTE_RW)(%esi), %eax
        mov     %eax, (boot_l3_image - head_base + 8 * ((IMAGE_START >> 30) & 511))(%esi)

        lea     (boot_l4 - head_base)(%esi), %edi
        lea     (boot_l3_low - head_base + PTE_RW)(%esi), %eax
        mov     %eax, (%edi)
        mov     %eax, (8 * 262)(%edi)
        movl    $0x80000000, (8 * 262 + 4)(%edi)
        lea     (boot_l3_image - head_base + PTE_RW)(%esi), %eax
        mov     %eax, (8 * 261)(%edi)

        mov     %cr4, %eax
        or      $(1 << 5), %eax         /* PAE */
        mov     %eax, %cr4
        mov     %edi, %cr3
        mov     $0xc0000080, %ecx
        rdmsr
        or      $((1 << 8) | (1 << 11)), %eax /* LME, NXE */
        wrmsr
        mov     $0x80010033, %eax       /* PG WP NE ET MP PE */
        mov     %eax, %cr0

        /* A far return to a 64-bit segment, still at the physical address. */
        lea     (boot_gdt - head_base)(%esi), %eax
        mov     %eax, (boot_gdt_ptr - head_base + 2)(%esi)
        lgdt    (boot_gdt_ptr - head_base)(%esi)
        push    $8
        lea     (start64 - head_base)(%esi), %eax
        push    %eax
        lret

no_long_mode:
        lea     (no_long_mode_text - head_base)(%esi), %esi
        mov     $0x3f8, %edx
1:      lodsb
        test    %al, %al
        jz      2f
        out     %al, %dx
        jmp     1b
2:      hlt
        jmp     2b

        .code64
start64:
        xor     %eax, %eax
        .irp    seg, ds, es, ss, fs, gs
        mov     %eax, %\seg
        .endr
        movabs  $1f, %rax
        jmp     *%rax
1:      lea     boot_stack_end - CPU_INFO_SIZE(%rip), %rsp
        mov     %ebp, %edi
        mov     %ebx, %ebp
        xchg    %ebp, %esi              /* information's address */
        mov     %ebp, %edx              /* image's address */
        xor     %ebp, %ebp
        call    boot_main
        ud2

no_long_mode_text:
        .asciz "Hospes: this CPU has no 64-bit mode or no NX\r\n"

        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9a000000ffff
boot_gdt_ptr:
        .word   15
        .long   0

        /* Aligned to its size by hospes.lds.S: a larger section alignment would push the file's
         * headers beyond what loaders search. */
        .section .bss.boot_stack, "aw", @nobits
        .balign 4096
        .globl  boot_stack
boot_stack:
        .skip   CONST_STACK_SIZE
boot_stack_end:

        .section .bss.page_aligned, "aw", @nobits
        .balign 4096
        .globl  boot_l4, boot_l3_low, boot_l2_image
boot_l4:        .skip 4096
boot_l3_low:    .skip 4096
boot_l3_image:  .skip 4096
boot_l2_image:  .skip 4096
boot_l2_low:    .skip 4 * 4096

        .section .note.GNU-stack, "", @progbits
