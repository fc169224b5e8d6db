/* SPDX-License-Identifier: MIT */
/*
 * A puppet: an ordinary domain that a test kernel, as dom0, makes by bare domctls, and whose one
 * vcpu does what it is told by a page that both map. So a test sees what a guest without privilege
 * gets, and what becomes of it when the guest is destroyed.
 */
#pragma once

#include "domctl.h"

#define PUPPET_PAGES 24
#define PUPPET_VA    0x400000UL /* page i is at PUPPET_VA + i * PAGE_SIZE */
#define PUPPET_ARG   (PUPPET_PAGES - 1)

/* Its first pages; those from PUPPET_FREE on are the test's, mapped writable. */
enum { PUPPET_L4, PUPPET_L3, PUPPET_L2, PUPPET_L1, PUPPET_CODE, PUPPET_MAIL, PUPPET_FREE };

/* What it can be told to do; a fault in it is the result, as trap.h's FAULT(). */
enum {
    DO_HYPERCALL,
    DO_READ,    /* of arg[0] */
    DO_WRITE,   /* to arg[0] of arg[1] */
    DO_IN,      /* 4 bytes from port arg[0] */
    DO_OUT,     /* 4 bytes to port arg[0] */
    DO_RDMSR,   /* arg[0] */
    DO_WRMSR,   /* arg[0], arg[1] */
    DO_FOREVER, /* the hypercall, again and again: there is no end to wait for */
    DO_CPUID,   /* leaf arg[0], subleaf arg[1], emulated: ecx and edx */
    DO_CMPXCHG, /* at arg[0], from what is there to arg[1]; 0: done */
};

struct mailbox {
    uint32_t go; /* set by the test, cleared by the puppet */
    uint32_t pad;
    uint64_t what, op, arg[5], result, rounds;
};

struct puppet {
    domid_t id;
    uint64_t mfn[PUPPET_PAGES];
    volatile struct mailbox *mail;
    struct shared_info *shared;
};

/* The highest version of grant tables that those made from now on may choose: 2 at first. */
extern unsigned int puppet_grant_version;
/* Makes and starts it. windows: two pages of the test's address space without mappings. */
void puppet_make(struct puppet *p, void *windows);
/* Parts of that, for a test that makes a domain with the frames p->mfn itself: what is in them, and
 * the test's mappings; the context of vcpu 0, and what the hypercall that sets it gives. */
void puppet_fill(struct puppet *p, void *windows);
struct vcpu_guest_context *puppet_context(const struct puppet *p);
long puppet_set_context(struct puppet *p, struct vcpu_guest_context *c);
/* Unmaps what the test maps of it and destroys it, as far as others do not keep it. */
void puppet_destroy(struct puppet *p);

static inline uint64_t puppet_va(unsigned int page) { return PUPPET_VA + page * PAGE_SIZE; }
/* Copies to its page, through a window of the test's. */
void puppet_poke(struct puppet *p, unsigned int page, unsigned int offset, const void *from,
                 size_t n);
void puppet_peek(struct puppet *p, unsigned int page, unsigned int offset, void *to, size_t n);

/* Starts it on something; waits for its end and gives the result. */
void puppet_start(struct puppet *p, uint64_t what, uint64_t op, const uint64_t *arg);
uint64_t puppet_do(struct puppet *p, uint64_t what, uint64_t a0, uint64_t a1);
long puppet_call(struct puppet *p, unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2,
                 uint64_t a3);
/* The same with an argument in memory, given as its second; it is copied to and from PUPPET_ARG. */
long puppet_call_arg(struct puppet *p, unsigned int op, uint64_t cmd, void *arg, size_t n,
                     uint64_t a2);
