/* SPDX-License-Identifier: MIT */
/* Inside console/: the lock, what needs it held, and the devices. */
#pragma once

#include <hv/boot.h>
#include <hv/console.h>
#include <hv/domain.h>

void console_take(void);
void console_release(void);
/* The lock is held from here to the end of the block. */
#define CONSOLE_SCOPE()                                                                            \
    char scope_ __attribute__((cleanup(console_scope_end), unused)) = (console_take(), 0)
static inline void console_scope_end(const char *scope) {
    (void)scope;
    console_release();
}
void console_put(const char *s, size_t n, bool in_ring); /* lock held */
void printk_init(void);                                  /* reads the levels */
void console_rx(char c); /* a byte received by a device; from interrupt context */

/* Devices; writing with the lock held. Without a device nothing happens. */
void serial_init_early(const char *name);
void serial_init_late(void); /* interrupts */
void serial_write(const char *s, size_t n);
void screen_init(void);
void screen_write(const char *s, size_t n);
