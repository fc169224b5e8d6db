/* SPDX-License-Identifier: MIT */
/*
 * What the kernel image reader (dom0-tools/lib/image) and the decompression libraries behind it
 * expect of a C library, for the one time that Hospes reads an image: building dom0, on the boot
 * CPU, with interrupts off. The libraries are compiled for user space: they use SSE registers and
 * find a stack canary at %fs:0x28, which libc_shim_enter() provides.
 */

#include <hv/bitops.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/string.h>
#include <x86/cpu.h>

#undef strtoull /* hv/string.h's has another type */
#include "libc_shim.h"

#define SMALL_MAX ((size_t)1 << 20) /* above: whole pages from the frame allocator */

/* In front of each block; 16 bytes keep malloc's alignment. */
struct header {
    size_t size;    /* as asked */
    uint64_t order; /* of pages, or SMALL */
};
#define SMALL (~0UL)
_Static_assert(sizeof(struct header) == 16, "alignment of what malloc returns");

void *malloc(size_t n) {
    size_t total = n + sizeof(struct header);
    struct header *h;
    uint64_t order = SMALL;

    if (total < n) return NULL;
    if (total <= SMALL_MAX) {
        h = hv_alloc(total);
    } else {
        order = fls64((total - 1) >> PAGE_SHIFT) + 1;
        h = alloc_pages_hv((unsigned int)order);
    }
    if (!h) return NULL;
    h->size = n;
    h->order = order;
    return h + 1;
}

void free(void *p) {
    struct header *h = p;

    if (!p) return;
    h--;
    if (h->order == SMALL)
        hv_free(h);
    else
        free_pages_hv(h, (unsigned int)h->order);
}

void *calloc(size_t n, size_t size) {
    size_t bytes;
    void *p;

    if (__builtin_mul_overflow(n, size, &bytes)) return NULL;
    p = malloc(bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

void *realloc(void *p, size_t n) {
    void *q = malloc(n);

    if (q && p) {
        size_t old = ((struct header *)p - 1)->size;

        memcpy(q, p, old < n ? old : n);
        free(p);
    }
    return q;
}

char *strdup(const char *s) {
    size_t n = strlen(s) + 1;
    char *p = malloc(n);

    return p ? memcpy(p, s, n) : NULL;
}

char *strndup(const char *s, size_t n) {
    size_t len = strnlen(s, n);
    char *p = malloc(len + 1);

    if (p) {
        memcpy(p, s, len);
        p[len] = 0;
    }
    return p;
}

char *strtok_r(char *s, const char *delimiters, char **save) {
    char *start = s ? s : *save, *end;

    while (*start && strchr(delimiters, *start)) start++;
    if (!*start) {
        *save = start;
        return NULL;
    }
    for (end = start; *end && !strchr(delimiters, *end); end++)
        ;
    *save = *end ? end + 1 : end;
    *end = 0;
    return start;
}

unsigned long long strtoull(const char *s, char **end, int base);
unsigned long long strtoull(const char *s, char **end, int base) {
    const char *stop;
    unsigned long long v = str_to_ull(s, &stop, base);

    if (end) *end = (char *)(uintptr_t)stop;
    return v;
}

/* Hooks of libzstd that a program may define; weak references do not reach this far. */
unsigned long long ZSTD_trace_decompress_begin(const void *ctx);
void ZSTD_trace_decompress_end(unsigned long long ctx, const void *trace);

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

void __stack_chk_fail(void);
void __stack_chk_fail(void) { panic("stack overrun in a decompression library"); }

static struct {
    uint64_t tls[8]; /* the canary is tls[5] */
    uint64_t fs_base;
} shim;

/* liblzma builds a table in a constructor. */
static void run_constructors(void) {
    extern void (*const init_array_start[])(void), (*const init_array_end[])(void);
    static bool done;

    for (void (*const *f)(void) = init_array_start; !done && f < init_array_end; f++) (*f)();
    done = true;
}

void libc_shim_enter(void) {
    shim.fs_base = rdmsr(MSR_FS_BASE);
    shim.tls[5] = 0x5ca1ab1e0ddba11;
    wrmsr(MSR_FS_BASE, (uint64_t)(uintptr_t)shim.tls);
    __asm__ volatile("clts");
    run_constructors();
}

void libc_shim_leave(void) { wrmsr(MSR_FS_BASE, shim.fs_base); }
