/* SPDX-License-Identifier: MIT */
/* What building dom0 takes beside dom0_build.c: libc_shim.c, dom0_caps.c. */
#pragma once

#include <stddef.h>

struct domain;
struct dom0_vga_console_info;

/* Around the one call of the image reader: a C library just large enough, SSE usable, stack canary
 * in place; FPU state is lost. leave() tells how many bytes malloc() could not give, if any. */
void libc_shim_enter(void);
size_t libc_shim_leave(void);

/* I/O ports, device memory and interrupt lines, all but what Hospes uses itself. -ENOMEM */
int dom0_grant_hardware(struct domain *d);
void dom0_fill_video(struct dom0_vga_console_info *info);
