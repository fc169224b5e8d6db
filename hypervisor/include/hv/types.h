/* SPDX-License-Identifier: MIT */
/* Basic types. A frame number is a struct of its own and cannot be passed as a byte address. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <hv/errno.h>

typedef uint64_t paddr_t; /* machine byte address */

typedef struct {
    uint64_t m;
} mfn_t; /* machine frame number; for PV guests the guest frame number too */

#define _mfn(x)     ((mfn_t){(x)})
#define INVALID_MFN _mfn(~0UL)

static inline uint64_t mfn_x(mfn_t m) { return m.m; }
static inline bool mfn_eq(mfn_t a, mfn_t b) { return a.m == b.m; }

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

static inline paddr_t mfn_to_paddr(mfn_t m) { return m.m << PAGE_SHIFT; }
static inline mfn_t paddr_to_mfn(paddr_t p) { return _mfn(p >> PAGE_SHIFT); }

#define ARRAY_SIZE(a)      (sizeof(a) / sizeof((a)[0]))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define ROUND_UP(n, a)     (((n) + (a)-1) & ~((a)-1))
#define min(a, b)                                                                                  \
    ({                                                                                             \
        __typeof__(a) a_ = (a);                                                                    \
        __typeof__(b) b_ = (b);                                                                    \
        a_ < b_ ? a_ : b_;                                                                         \
    })
#define max(a, b)                                                                                  \
    ({                                                                                             \
        __typeof__(a) a_ = (a);                                                                    \
        __typeof__(b) b_ = (b);                                                                    \
        a_ > b_ ? a_ : b_;                                                                         \
    })
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __packed       __attribute__((packed))
#define __aligned(n)   __attribute__((aligned(n)))
#define __noreturn     __attribute__((noreturn))
#define __must_check   __attribute__((warn_unused_result))
#define ALWAYS_INLINE  inline __attribute__((always_inline))
#define __printf(f, a) __attribute__((format(printf, f, a)))
#define __init         __attribute__((section(".init.text"))) /* not called after boot */
#define __initdata     __attribute__((section(".init.data")))

/* Read or write a location that another CPU or a guest changes, exactly once. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()        __asm__ volatile("" ::: "memory")

/* Clamp an index against speculation past a bounds check that has already been made. */
static inline unsigned long array_index_nospec(unsigned long idx, unsigned long size) {
    unsigned long mask;
    __asm__("cmp %1, %2; sbb %0, %0" : "=r"(mask) : "g"(size), "r"(idx) : "cc");
    return idx & mask;
}
