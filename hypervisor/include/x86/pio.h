/* SPDX-License-Identifier: MIT */
/* I/O ports of guests. entry/pio.c, entry/emul_pit.c */
#pragma once

#include <hv/types.h>

struct domain;

/* bytes: 1, 2 or 4. What the domain may not touch reads as ones and ignores writes. */
uint32_t pio_read(struct domain *d, uint16_t port, unsigned int bytes);
void pio_write(struct domain *d, uint16_t port, unsigned int bytes, uint32_t v);

bool pit_port(uint16_t port);
uint8_t pit_read(struct domain *d, uint16_t port);
void pit_write(struct domain *d, uint16_t port, uint8_t v);

/* The clock chip's registers: shared with dom0, index and data under one lock. */
uint8_t cmos_read(uint8_t index);
void cmos_write(uint8_t index, uint8_t v);
