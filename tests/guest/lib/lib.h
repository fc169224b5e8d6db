/* SPDX-License-Identifier: MIT */
/*
 * What a test kernel has instead of a C library: text output through the hypervisor's console,
 * memory and string functions, the machine's small operations, and the test's verdict.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <public/errno.h>
#include "asm.h"
#include "hypercall.h"

#define ARRAY_SIZE(a)    (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE        4096UL
#define PAGE_SHIFT       12
#define PAGE_ALIGNED     __attribute__((aligned(4096)))
#define barrier()        asm volatile("" ::: "memory")
#define mb()             asm volatile("mfence" ::: "memory")
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
const char *strstr(const char *s, const char *part);

/* Whether this domain is dom0; if not, its console is a ring, which ring_console_write() fills. */
bool in_dom0(void);
/* For the few places where stock Xen does what a hypervisor should not. */
bool on_stock_xen(void);
void ring_console_write(const char *text, size_t n);

/* %d %i %u %x %c %s %p %%, with l, a width and 0. One call is one piece of console output. */
void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
int vformat(char *to, size_t size, const char *format, va_list ap);
int format(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The verdict only ever worsens: SUCCESS < SKIP < ERROR < FAILURE. */
void skip(const char *format, ...) __attribute__((format(printf, 1, 2)));
void error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
void count_check(void);
/* Prints the verdict so far, which then is the last word; finish() does so and ends the test. */
void print_verdict(void);
void finish(void) __attribute__((noreturn));
/* Ends it as an ERROR: the test can not go on. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The test itself. */
void test_main(void);

#define expect_eq(expr, want)                                                                      \
    do {                                                                                           \
        uint64_t got_ = (uint64_t)(expr), want_ = (uint64_t)(want);                                \
        count_check();                                                                             \
        if (got_ != want_)                                                                         \
            failure("%s:%d: %s is %ld (0x%lx), want %s = %ld (0x%lx)", __FILE__, __LINE__, #expr,  \
                    (long)got_, got_, #want, (long)want_, want_);                                  \
    } while (0)
#define expect(cond)                                                                               \
    do {                                                                                           \
        count_check();                                                                             \
        if (!(cond)) failure("%s:%d: not so: %s", __FILE__, __LINE__, #cond);                      \
    } while (0)
/* For steps without which the rest means nothing. */
#define require(cond)                                                                              \
    do {                                                                                           \
        count_check();                                                                             \
        if (!(cond)) die("%s:%d: needed: %s", __FILE__, __LINE__, #cond);                          \
    } while (0)
#define require_eq(expr, want)                                                                     \
    do {                                                                                           \
        uint64_t got_ = (uint64_t)(expr), want_ = (uint64_t)(want);                                \
        count_check();                                                                             \
        if (got_ != want_)                                                                         \
            die("%s:%d: %s is %ld (0x%lx), needed %s", __FILE__, __LINE__, #expr, (long)got_,      \
                got_, #want);                                                                      \
    } while (0)

static inline uint64_t rdtsc(void) {
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

static inline void outl(uint16_t port, uint32_t value) {
    asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline void relax(void) { asm volatile("pause" ::: "memory"); }

static inline bool test_bit(unsigned int bit, const void *map) {
    return ((const volatile uint8_t *)map)[bit / 8] >> (bit % 8) & 1;
}

static inline bool test_and_set_bit(unsigned int bit, void *map) {
    bool old;
    asm volatile("lock btsl %2, %1" : "=@ccc"(old), "+m"(*(uint32_t *)map) : "Ir"(bit) : "memory");
    return old;
}

static inline bool test_and_clear_bit(unsigned int bit, void *map) {
    bool old;
    asm volatile("lock btrl %2, %1" : "=@ccc"(old), "+m"(*(uint32_t *)map) : "Ir"(bit) : "memory");
    return old;
}
