/* SPDX-License-Identifier: MIT */
/*
 * Lasting mappings of Hospes's own devices (screen, APICs, HPET, MMCFG), in the image's part of the
 * address space. Works from the first C function on, without the allocator. boot/pagetables.c
 */
#pragma once

#include <hv/types.h>

enum devmap_type { DEVMAP_UC, DEVMAP_WC };

/* NULL when the space for it is used up. Not for guests' devices: ioremap() is. */
void *devmap(paddr_t p, size_t n, enum devmap_type type);
