/* SPDX-License-Identifier: MIT */
/*
 * A CPU's stack block, STACK_SIZE bytes and so aligned, so that cpu_info() works on every stack in
 * it: a page for each interrupt stack (IST 1..4), unmapped pages, then the main stack with struct
 * cpu_info at its top. The boot CPU's block is in the image; the others' are at CPU_AREA(cpu).
 */
#pragma once

#include <hv/pcpu.h>

#define STACK_IST_NR     4
#define STACK_IST_END    (STACK_IST_NR * PAGE_SIZE)
#define STACK_MAIN_START (STACK_SIZE / 2)

/* Maps the stack block of a CPU other than the boot CPU; allocates its GDT page and TSS. -ENOMEM.
 * After mm_init(). */
int cpu_area_init(struct pcpu *p);
