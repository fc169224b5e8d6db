/* SPDX-License-Identifier: MIT */
/*
 * Values as text: bytes that a terminal would not show, and the backslash, are written as \t, \n,
 * \r, \\, \ooo (below octal 10) or \xhh, and read back so.
 */
#pragma once

#include <stddef.h>

/* Both return malloc'ed memory with a NUL at the end, or end the program. */
char *escape(const char *data, size_t len);
char *unescape(const char *text, size_t *len);
