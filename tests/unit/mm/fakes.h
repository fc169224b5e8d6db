/* SPDX-License-Identifier: MIT */
/* The world beneath mm/ in host tests: memory, CPUs, domains, hypercall continuation. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "mm_local.h"

#ifndef NR_FRAMES
#define NR_FRAMES 8192 /* 32 MiB */
#endif

void world_init(void);
struct domain *make_domain(domid_t id, bool control); /* one vcpu, max_pages NR_FRAMES */
/* Destroys as domctl would, then frees the shell if nothing holds it. Returns how often it had to
 * continue. */
unsigned int destroy_domain(struct domain *d);
bool free_shell(struct domain *d); /* of a destroyed domain, unless something holds it */
void run_as(struct domain *d, unsigned int cpu);
uint64_t m2p_get(mfn_t m);

/* The n-th preempt_check() from now on says yes, once; 0: none does. -1: all do. */
extern __thread long preempt_at;
extern __thread long preempts_asked;
/* What another CPU does at the next one, which says no. */
extern __thread void (*at_preempt_check)(void);
extern __thread uint64_t again[6]; /* arguments of the last hypercall_continue() */
extern __thread bool quiet;        /* printk() says nothing */
/* Where guest addresses are mapped; size 0: everywhere but at 13. */
extern uint64_t guest_start, guest_size;
extern unsigned int flushes; /* full flushes of CPUs */
/* When set, full flushes of CPUs other than the caller's are answered by this hook. */

/* Called through continuations to the end. */
long mmu_update(uint64_t ptr, uint64_t val);
long mmu_update_as(uint64_t ptr, uint64_t val, uint32_t foreigndom);
long mmuext(unsigned int cmd, uint64_t arg);
long mmuext_as(unsigned int cmd, uint64_t arg, uint32_t foreigndom);
long memory_op(uint64_t cmd, void *arg);

extern unsigned int passed, failed;
#define CHECK(c)                                                                                   \
    do {                                                                                           \
        if (c) {                                                                                   \
            __atomic_fetch_add(&passed, 1, __ATOMIC_RELAXED);                                      \
        } else {                                                                                   \
            __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);                                      \
            printf("FAILED %s:%d: %s\n", __FILE__, __LINE__, #c);                                  \
        }                                                                                          \
    } while (0)
#define CHECK_EQ(a, b)                                                                             \
    do {                                                                                           \
        long a_ = (long)(a), b_ = (long)(b);                                                       \
        if (a_ == b_) {                                                                            \
            __atomic_fetch_add(&passed, 1, __ATOMIC_RELAXED);                                      \
        } else {                                                                                   \
            __atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);                                      \
            printf("FAILED %s:%d: %s is %ld, not %ld\n", __FILE__, __LINE__, #a, a_, b_);          \
        }                                                                                          \
    } while (0)

/* No valid or partial L1 entry is writable on a frame that is not of writable type, or shows a
 * frame of another owner than allowed; no table names what it should not. Independent of
 * mm/audit.c. */
unsigned int theorem_violations(void);
/* dom0 has put foreign frames into other domains' tables, where entries that are read-only may
 * outlive FC_FOREIGN (mm/frame.c). Until then no entry may. */
extern bool foreign_in_tables;
/* The audit's own verdict. */
void expect_sound(const char *where, int line);
#define SOUND() expect_sound(__FILE__, __LINE__)

/* Test helpers: frames of a domain and a small address space in them. */
uint64_t new_frame(struct domain *d);
uint64_t *page(uint64_t mfn);
struct tables {
    uint64_t l4, l3, l2, l1, data[8];
};
/* L4[0] -> L3[0] -> L2[0] -> L1, whose entries 0..7 map data read-write. Nothing is pinned. */
struct tables make_tables(struct domain *d);
#define RWP (PTE_P | PTE_RW | PTE_USER | PTE_A | PTE_D)
#define ROP (PTE_P | PTE_USER | PTE_A)
static inline uint64_t pte(uint64_t mfn, uint64_t flags) { return mfn << PAGE_SHIFT | flags; }
static inline uint64_t at(uint64_t mfn, unsigned int index) {
    return (mfn << PAGE_SHIFT) + index * 8;
}

void race_tests(void);
void memory_tests(void);
