/* SPDX-License-Identifier: MIT */
/*
 * Small things every file of xl uses.  Memory: xl is a short-lived program, so the x*
 * allocators end it when memory is out; nothing in the hypervisor or xenstore depends on a clean
 * end (what is left half-built is listed by `xl list` and removed by `xl destroy`).
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define ARRAY_SIZE(a)   (sizeof(a) / sizeof((a)[0]))
#define XL_PRINTF(f, a) __attribute__((format(printf, f, a)))

#define UUID_STRLEN 36

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) XL_PRINTF(1, 2);

/* Frees *slot and stores value (which it takes over). */
void set_string(char **slot, char *value);

/* Reads a whole file; NULL with errno set. The text is NUL-terminated, *len (may be NULL) is
 * its length without that NUL. At most max bytes, else EFBIG. */
char *read_file(const char *path, size_t max, size_t *len);

/* Trims blanks at both ends, in place; returns the first character. */
char *trim(char *s);

/* The whole text must be a number in base 0 (decimal, 0x, 0). */
bool parse_long(const char *text, long long *value);

bool uuid_parse(const char *text, uint8_t uuid[16]);
void uuid_format(const uint8_t uuid[16], char text[UUID_STRLEN + 1]);

/* n random bytes; ends the program if the kernel has none. */
void random_bytes(void *p, size_t n);

/* A bitmap as stock xl writes one: "all", "none", "0-2,5". */
void format_bitmap(const uint8_t *map, unsigned bits, char *out, size_t size);
/* "0-3,^1", "all": sets bits; false on a syntax error or a number not below bits. */
bool parse_bitmap(const char *text, uint8_t *map, unsigned bits);

/* "12 days,  1:02:03", or without seconds when brief. */
void format_uptime(unsigned long seconds, bool brief, char *out, size_t size);
