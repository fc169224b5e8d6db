/* SPDX-License-Identifier: MIT */
/* I/O ports of guests. entry/pio.c */
#pragma once

#include <hv/types.h>

struct domain;

/* bytes: 1, 2 or 4. What the domain may not touch reads as ones and ignores writes. */
void pio_access(struct domain *d, uint16_t port, unsigned int bytes, bool write, uint32_t *v);
