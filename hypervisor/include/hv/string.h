/* SPDX-License-Identifier: MIT */
/*
 * The freestanding part of <string.h> that Hospes needs, and bounded printing. lib/
 * In host test builds the C library's own functions stand behind the standard names; what is ours
 * there too is strlcpy and str_to_ull.
 */
#pragma once

#include <stdarg.h>
#include <hv/types.h>

#if __STDC_HOSTED__
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#else
void *memcpy(void *restrict d, const void *restrict s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

/* The conversions that lib/printf.c lists. Returns the length wanted. */
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
#endif

/* Copies at most size-1 bytes and always terminates; returns strlen(s). */
size_t strlcpy(char *d, const char *s, size_t size);
/* base 0 accepts 0x and 0 prefixes; saturates at ULLONG_MAX. end may be NULL. */
unsigned long long str_to_ull(const char *s, const char **end, int base);
/* Writes "symbol+0xoff/0xsize" or the bare number, as snprintf does. boot/symbols.c */
int format_symbol(char *buf, size_t size, unsigned long addr);
