/* SPDX-License-Identifier: MIT */
/* Exception vectors, and the bits of their error codes. Also read by assembly. */
#pragma once

#define TRAP_DE       0
#define TRAP_DB       1
#define TRAP_NMI      2
#define TRAP_BP       3
#define TRAP_OF       4
#define TRAP_BR       5
#define TRAP_UD       6
#define TRAP_NM       7
#define TRAP_DF       8
#define TRAP_TS       10
#define TRAP_NP       11
#define TRAP_SS       12
#define TRAP_GP       13
#define TRAP_PF       14
#define TRAP_MF       16
#define TRAP_AC       17
#define TRAP_MC       18
#define TRAP_XM       19
#define TRAP_CP       21
#define NR_EXCEPTIONS 32

/* Exceptions for which the CPU pushes an error code. */
#define TRAPS_WITH_ERROR_CODE                                                                      \
    ((1 << TRAP_DF) | (1 << TRAP_TS) | (1 << TRAP_NP) | (1 << TRAP_SS) | (1 << TRAP_GP) |          \
     (1 << TRAP_PF) | (1 << TRAP_AC) | (1 << TRAP_CP))

/* Selector error codes: external event, the index is into the IDT. */
#define EC_EXT 1
#define EC_IDT 2

#define PFEC_PRESENT  (1U << 0)
#define PFEC_WRITE    (1U << 1)
#define PFEC_USER     (1U << 2)
#define PFEC_RESERVED (1U << 3)
#define PFEC_FETCH    (1U << 4)

/* cpu_user_regs.entry_vector of a frame that may leave by SYSRET. Whoever sets it, or changes a
 * frame that has it, keeps the promise: rcx == rip, r11 == rflags without TF and RF, flat 64-bit
 * CS and SS, and SS of the CPU loaded with SEL_HV_DS (so not after an interrupt or exception). */
#define ENTRY_SYSCALL 0x100
