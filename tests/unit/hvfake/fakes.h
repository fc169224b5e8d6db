/* SPDX-License-Identifier: MIT */
/*
 * The world beneath event/, grant/ and sched/ in host tests: frames with plain reference counts,
 * domains in a table, guest memory that is the test's own, CPUs that are threads.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/hypercall.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <hv/printk.h>

#define NR_FRAMES 1024
#define BAD_VA    13 /* the one guest address that is not mapped */

/* Where guest addresses are mapped; size 0: everywhere but at BAD_VA. */
extern uint64_t guest_start, guest_size;

void world_init(void);
struct domain *make_domain(domid_t id, bool control, unsigned int vcpus); /* no parts but vcpus */
void free_domain(struct domain *d); /* takes it off the table; refs must be 1 */
void run_as(struct domain *d, unsigned int vcpu, unsigned int cpu);

uint64_t new_frame(struct domain *d); /* owned, reference count 1 */
void *frame_bytes(uint64_t mfn);
uint64_t frame_refs(uint64_t mfn);           /* reference count */
uint64_t frame_writers(uint64_t mfn);        /* writable type references */
void frame_is_table(uint64_t mfn, bool yes); /* refuses the writable type */
unsigned int frames_in_use(void);

extern unsigned int wakes, kicks;            /* vcpu_unblock(), vcpu_kick() */
extern __thread long preempt_at;             /* the n-th preempt_check() says yes, once; 0: none */
extern __thread uint64_t again[6];           /* arguments of the last hypercall_continue() */
extern __thread void (*while_waiting)(void); /* runs once, when a lock is found taken */

extern unsigned int passed, failed;
int report(void); /* prints the sum; the exit status */
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
