/* SPDX-License-Identifier: MIT */
/*
 * What the kernel image reader (dom0-tools/lib/image) and the decompression libraries behind it
 * expect of a C library, for the one time that Hospes reads an image (README.md). libc_shim_enter()
 * gives them SSE registers and a stack canary at %fs:0x28.
 */
#include "dom0_build.h"

#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/string.h>
#include <x86/cpu.h>

static struct {
    uint64_t tls[8]; /* the canary is tls[5] */
    uint64_t fs_base;
    size_t refused; /* bytes that malloc() could not give */
} shim;

/* In front of each block; its size keeps malloc's alignment. */
struct header {
    size_t size, pad;
};

void *malloc(size_t n) {
    struct header *h = n + sizeof(*h) < n ? NULL : hv_alloc(n + sizeof(*h));

    if (!h) {
        shim.refused = n;
        return NULL;
    }
    h->size = n;
    return h + 1;
}

void free(void *p) {
    if (p) hv_free((struct header *)p - 1);
}

void *calloc(size_t n, size_t size) {
    size_t bytes;

    return __builtin_mul_overflow(n, size, &bytes) ? NULL : malloc(bytes); /* zeroed already */
}

void *realloc(void *p, size_t n) {
    void *q = malloc(n);

    if (q && p) {
        memcpy(q, p, min(((struct header *)p - 1)->size, n));
        free(p);
    }
    return q;
}

char *strndup(const char *s, size_t n) {
    size_t len = strnlen(s, n);
    char *p = malloc(len + 1);

    return p ? memcpy(p, s, len) : NULL;
}

char *strdup(const char *s) { return strndup(s, strlen(s)); }

char *strtok_r(char *s, const char *delimiters, char **save) {
    char *start = s ? s : *save, *end;

    while (*start && strchr(delimiters, *start)) start++;
    for (end = start; *end && !strchr(delimiters, *end);) end++;
    *save = *end ? end + 1 : end;
    *end = 0;
    return *start ? start : NULL;
}

unsigned long long strtoull(const char *s, char **end, int base) {
    return str_to_ull(s, (const char **)end, base);
}

/* Hooks of libzstd that a program may define; weak references do not reach this far. */
unsigned long long ZSTD_trace_decompress_begin(const void *ctx) {
    (void)ctx;
    return 0;
}

void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace) {
    (void)ctx;
    (void)trace;
}

char *strerror(int error) {
    static char text[24];

    snprintf(text, sizeof(text), "error %d", error);
    return text;
}

void __stack_chk_fail(void) { panic("stack overrun in a decompression library"); }

/* liblzma builds a table in a constructor. */
static void run_constructors(void) {
    extern void (*const init_array_start[])(void), (*const init_array_end[])(void);

    for (void (*const *f)(void) = init_array_start; f < init_array_end; f++) (*f)();
}

void libc_shim_enter(void) {
    shim.fs_base = rdmsr(MSR_FS_BASE);
    shim.tls[5] = 0x5ca1ab1e0ddba11;
    wrmsr(MSR_FS_BASE, (uint64_t)(uintptr_t)shim.tls);
    __asm__ volatile("clts");
    run_constructors();
}

size_t libc_shim_leave(void) {
    wrmsr(MSR_FS_BASE, shim.fs_base);
    return shim.refused;
}
