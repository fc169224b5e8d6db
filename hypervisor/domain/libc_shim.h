/* SPDX-License-Identifier: MIT */
/* A C library just large enough to read dom0's kernel image. */
#pragma once

#include <stddef.h>

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
void free(void *p);
char *strdup(const char *s);
char *strndup(const char *s, size_t n);
char *strtok_r(char *s, const char *delimiters, char **save);
char *strerror(int error);

/* Around every call of the image reader: SSE usable, stack canary in place. FPU state is lost. */
void libc_shim_enter(void);
void libc_shim_leave(void);
