/* SPDX-License-Identifier: MIT */
/* Inside boot/: memory map, page tables of the start, tables of the image. */
#pragma once

#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/pcpu.h>

/* Linker symbols. */
extern char image_start[], image_text_end[], image_rodata_end[], image_end[];
extern char boot_stack[];
extern uint64_t boot_l3_low[512], boot_l2_image[512];

bool multiboot_read(uint32_t magic, paddr_t info);

void memmap_add_raw(const void *entry); /* a struct e820entry_hv, as the loader says */
void memmap_finish(void);               /* sorts, resolves overlaps, prints; fills machine_e820 */
void memmap_give_ram(void);             /* everything usable and unreserved to mm_boot_add_ram() */
paddr_t memmap_low_page(void); /* a usable page below 640 KiB for the APs' start, 0: none */

void cmdline_parse(void);
void cmdline_warn_unknown(void);

void boot_protect_image(void); /* W^X for the image, guard page under the boot stack */

void smp_boot_aps(void); /* boot/ap.c */
