/* SPDX-License-Identifier: MIT */
/*
 * A CPU's stack block, STACK_SIZE bytes and so aligned, so that cpu_info() works on every stack in
 * it: one page each for #DF, NMI and #MC, an unmapped page, then the main stack with struct
 * cpu_info at its top. The boot CPU's block is in the image; the others' are at CPU_AREA(cpu).
 */
#pragma once

#include <hv/pcpu.h>

#define STACK_DF_END       (1 * PAGE_SIZE)
#define STACK_NMI_END      (2 * PAGE_SIZE)
#define STACK_MC_END       (3 * PAGE_SIZE)
#define STACK_GUARD_OFFSET (3 * PAGE_SIZE)

/* Maps cpu's stack block (not the boot CPU's) and stub page; fills arch.stack, arch.syscall_stub
 * and arch.gdt, tss. -ENOMEM. After mm_init(). */
int cpu_area_init(unsigned int cpu);
/* The writable alias of the executable page arch.syscall_stub: entry/ writes the stub there. */
void *cpu_stub_writable(unsigned int cpu);
