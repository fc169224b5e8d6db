/* SPDX-License-Identifier: MIT */
/*
 * The console: a ring that tools read, the serial line, the screen, input and debug keys. Printing
 * is in hv/printk.h. console/
 */
#pragma once

#include <hv/types.h>

struct domain;

/* Start. Early: serial and screen from boot_info and the command line. Late: ring of conring_size,
 * serial interrupt, keys. end_boot: input goes to dom0; the screen too, unless vga=keep. */
void console_init_early(void);
void console_init_late(void);
void console_end_boot(void);

/* Text that a guest printed (CONSOLEIO_write), already copied from it. dom0's goes out as it is;
 * another domain's by whole lines, prefixed "(dN) ", rate-limited and subject to guest_loglvl. */
void console_write_guest(struct domain *d, const char *s, size_t n);
/* After it no lock is taken any more: for panic. */
void console_force(void);
/* Waits until the serial line has sent everything. */
void console_flush(void);

/* The ring. An index is the number of bytes ever written, modulo 2^32. read copies from *index
 * (first moved up to the oldest byte kept), advances it and returns the number of bytes. */
uint32_t console_ring_start(void); /* after the last clear */
uint32_t console_ring_read(uint32_t *index, char *buf, uint32_t size);
void console_ring_clear(void);

/* Input for dom0 (CONSOLEIO_read): the bytes received so far, at most n. */
uint32_t console_guest_read(char *buf, uint32_t n);
bool console_owns_port(uint16_t port); /* hidden from dom0 */

/* Debug keys. fn runs in softirq context with no lock held (an interrupt's for urgent ones). */
void register_key(char key, void (*fn)(void), const char *help);
void handle_keys(const char *keys, size_t n); /* sysctl debug_keys */
void console_softirq(void);                   /* SOFTIRQ_KEYS */
