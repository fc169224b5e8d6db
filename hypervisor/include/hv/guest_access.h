/* SPDX-License-Identifier: MIT */
/*
 * The one door to guest memory: the current vcpu's address space (its loaded page tables), with
 * fault recovery. A guest address outside the guest's half, or that faults, gives -EFAULT and may
 * leave a prefix copied. Whatever is read is a private copy: never read the same guest field twice.
 * entry/guest_access.c
 */
#pragma once

#include <hv/types.h>

int copy_bytes_from_guest(void *dst, uint64_t guest_va, size_t n) __must_check;
int copy_bytes_to_guest(uint64_t guest_va, const void *src, size_t n) __must_check;
/* n times 8 bytes, which takes less: most of what is copied has such a size, known here. */
int copy_words_from_guest(void *dst, uint64_t guest_va, uint32_t n) __must_check;
int copy_words_to_guest(uint64_t guest_va, const void *src, uint32_t n) __must_check;
/* 4 bytes: the argument of the event channel operations that guests call all the time. */
int copy_u32_from_guest(void *dst, uint64_t guest_va) __must_check;

static ALWAYS_INLINE int __must_check copy_from_guest(void *dst, uint64_t guest_va, size_t n) {
    if (__builtin_constant_p(n) && n % 8 == 0)
        return copy_words_from_guest(dst, guest_va, (uint32_t)(n / 8));
    if (__builtin_constant_p(n) && n == 4) return copy_u32_from_guest(dst, guest_va);
    return copy_bytes_from_guest(dst, guest_va, n);
}

static ALWAYS_INLINE int __must_check copy_to_guest(uint64_t guest_va, const void *src, size_t n) {
    if (__builtin_constant_p(n) && n % 8 == 0)
        return copy_words_to_guest(guest_va, src, (uint32_t)(n / 8));
    return copy_bytes_to_guest(guest_va, src, n);
}

int clear_guest(uint64_t guest_va, size_t n) __must_check;
bool guest_range_ok(uint64_t guest_va, size_t n);

/* Element i of a guest array of objects of dst's type. */
#define copy_from_guest_idx(dst, guest_va, i)                                                      \
    copy_from_guest((dst), (guest_va) + (uint64_t)(i) * sizeof(*(dst)), sizeof(*(dst)))
#define copy_to_guest_idx(guest_va, i, src)                                                        \
    copy_to_guest((guest_va) + (uint64_t)(i) * sizeof(*(src)), (src), sizeof(*(src)))
/* One field of a structure in guest memory, as sized by type. */
#define copy_field_to_guest(guest_va, type, field, src)                                            \
    copy_to_guest((guest_va) + offsetof(type, field), &(src)->field, sizeof((src)->field))
/* The address inside a XEN_GUEST_HANDLE that has been copied from the guest. */
#define handle_addr(h) ((uint64_t)(uintptr_t)(h).p)

/* A case's body, for an operation whose one structure, a, is at arg: copied in, what (of it) done;
 * with OUT copied back when that was 0. */
#define WITH_ARG(type, what)                                                                       \
    {                                                                                              \
        struct type a;                                                                             \
        return copy_from_guest(&a, arg, sizeof(a)) ? -EFAULT : (what);                             \
    }
#define WITH_ARG_OUT(type, what)                                                                   \
    {                                                                                              \
        struct type a;                                                                             \
        long rc_ = copy_from_guest(&a, arg, sizeof(a)) ? -EFAULT : (what);                         \
        return rc_ ? rc_ : copy_to_guest(arg, &a, sizeof(a));                                      \
    }
