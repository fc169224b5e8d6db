/* SPDX-License-Identifier: MIT */
/* The freestanding part of <string.h> that Hospes needs, and bounded printing. lib/ */
#pragma once

#include <stdarg.h>
#include <hv/types.h>

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
/* Copies at most size-1 bytes and always terminates; returns strlen(s). */
size_t strlcpy(char *d, const char *s, size_t size);
/* base 0 accepts 0x and 0 prefixes. end may be NULL. */
unsigned long long strtoull(const char *s, const char **end, int base);

/* C99 conversions without floating point; also %pS (symbol+offset). Returns the length wanted. */
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
