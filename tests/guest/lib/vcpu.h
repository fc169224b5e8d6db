/* SPDX-License-Identifier: MIT */
/*
 * Virtual CPUs, the pages shared with the hypervisor, and time. Each vcpu has a kernel stack, a
 * stack for entries from user mode and a user stack; the first word of each names the vcpu.
 */
#pragma once

#include "lib.h"
#include "trap.h"

#define MAX_VCPUS 8
#define SECOND    1000000000ULL
#define MS        1000000ULL

typedef void vcpu_fn_t(void);

struct vcpu {
    unsigned int id;
    struct vcpu_info *info;
    struct context user_caller;
    bool in_user;
    vcpu_fn_t *fn; /* what a vcpu other than 0 does */
};

extern struct vcpu vcpus[MAX_VCPUS];
extern char vcpu_stacks[MAX_VCPUS][STACK_SIZE];
extern struct shared_info *shared;
extern struct start_info *si;

struct vcpu *this_vcpu(void);
void vcpu_init(void);
/*
 * Starts fn on the vcpu; returns what the hypercalls give. fn's end stops the vcpu (VCPUOP_down),
 * which can then be started again.
 */
long vcpu_start(unsigned int id, vcpu_fn_t *fn);
/* What vcpu_start() gives a vcpu to begin with. */
struct vcpu_guest_context;
void vcpu_fill_context(struct vcpu_guest_context *c, unsigned int id);
void vcpu_wait_down(unsigned int id);
/* How many vcpus this domain was given. */
unsigned int nr_vcpus(void);
void vcpu_main(void) __attribute__((noreturn));
extern char start_vcpu[];

uint64_t now(void);
/* Busy-waits for the condition, at most so many milliseconds; true if it came. */
#define wait_for(cond, ms)                                                                         \
    ({                                                                                             \
        uint64_t end_ = now() + (ms)*MS;                                                           \
        bool done_;                                                                                \
        while (!(done_ = (cond)) && now() < end_) relax();                                         \
        done_ || (cond);                                                                           \
    })
