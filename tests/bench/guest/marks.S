/* SPDX-License-Identifier: MIT */
/*
 * Places for plugin/phases.c to see, one every 16 bytes, where the Makefile's --section-start puts
 * them: an address that nothing else has.
 */
    .section .marks, "ax", @progbits
    .globl marks
marks:
    .rept 5
    ret
    .balign 16
    .endr
    .section .note.GNU-stack, "", @progbits
