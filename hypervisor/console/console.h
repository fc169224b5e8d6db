/* SPDX-License-Identifier: MIT */
/* Inside console/: the lock and what needs it held. */
#pragma once

#include <hv/spinlock.h>
#include <hv/types.h>

void console_take(void);
void console_release(void);
void console_put_locked(const char *s, size_t n, bool in_ring);
void console_put_dom0(const char *s, size_t n);
bool console_next_key(char *c); /* received while input is for Hospes */
void keys_init(void);
