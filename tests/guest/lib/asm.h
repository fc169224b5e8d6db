/* SPDX-License-Identifier: MIT */
/* Numbers that C and assembly share. */
#pragma once

#define STACK_SIZE   0x4000
#define VEC_SYSCALL  0x100
#define VEC_EVENT    0x101
#define VEC_NMI      0x102
#define VEC_FAILSAFE 0x103
#define USER_EXIT    0x7e57
