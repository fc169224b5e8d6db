/* SPDX-License-Identifier: MIT */
/* What dom0 alone is given: hardware, and knowledge of the screen. dom0_caps.c */
#pragma once

struct domain;
struct dom0_vga_console_info;

/* I/O ports, device memory and interrupt lines, all but what Hospes uses itself. -ENOMEM */
int dom0_grant_hardware(struct domain *d);
void dom0_fill_video(struct dom0_vga_console_info *info);
