/* SPDX-License-Identifier: MIT */
/* entry/'s part of bringing up a CPU. idt_init() and idt_load() are in x86/desc.h. */
#pragma once

/* System call registers, floating point. On the CPU's own stack, after
 * desc_init_cpu() and cpu_init(). exit_to_guest() does it when a CPU starts to work. */
void entry_init_cpu(void);
