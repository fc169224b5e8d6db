/* SPDX-License-Identifier: MIT */
/*
 * What the parts of the fuzzer share: a fuzzing vcpu, a call in the making, the generators, the
 * model of the domain's resources.
 */
#pragma once

#include <public/grant_table.h>
#include "event.h"
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

/* How a call ended, in one number: 0 well, an errno, a grant status, a fault. */
enum { OUT_ERRNO_END = 160, OUT_GNTST = 160, OUT_FAULT = 192, OUT_NR = 192 + 32 + 4 };

struct fuzzer;
struct call;
/* What the model learns from a call that was made. */
typedef void call_done_t(struct fuzzer *f, struct call *c, long rc);

struct call {
    unsigned int op;
    uint64_t arg[4];
    call_done_t *done;
    const int16_t *status; /* of grant operations: where the operation's own result will be */
    uint64_t note[3];      /* for done */
};

/* One kind of call: it makes one that the caller issues, or (act) does something itself and tells
 * how it ended. */
struct generator {
    const char *name;
    unsigned int weight;
    void (*make)(struct fuzzer *f, struct call *c);
    unsigned int (*act)(struct fuzzer *f);
};

/* Flags of a list of generators. */
#define NO_MULTICALL 1 /* not inside a multicall */
#define NO_HYPERCALL 2 /* is not a hypercall: outside the share of calls that succeed */
#define NO_UPCALL    4 /* changes what upcalls need, or waits for one: none meanwhile */

/* A hypervisor that dies leaves these in memory, where the host finds them by their magic. */
#define RECORD_MAGIC 0x445243525a5a5546ULL /* "FUZZRCRD" */
#define RECORD_CALLS 38
/* One page: the frames of a domain lie anywhere. */
struct record {
    uint64_t magic, seed, vcpu, made; /* the last is in call[(made - 1) % RECORD_CALLS] */
    struct recorded {
        char name[24];
        uint64_t op, arg[4], data[4], result;
    } call[RECORD_CALLS];
} PAGE_ALIGNED;
_Static_assert(sizeof(struct record) == PAGE_SIZE, "a record is one page");

#define ARENA_SIZE 0x30000UL /* holds the arguments of a multicall */
struct fuzzer {
    struct vcpu *v;
    uint64_t random, serial;
    struct context recover;
    const struct generator *doing;
    unsigned int doing_index, burst; /* burst: so many calls, 0 until the end */
    bool working, stopped;
    bool together;     /* calls are being made for a multicall: others will come before them */
    uint64_t detail;   /* which of its forms an act chose */
    unsigned int used; /* of the arena, from which a call's arguments come */
    struct record *record;
    char *arena;
};
extern struct fuzzer fuzzers[MAX_VCPUS];
extern unsigned int fuzzing_vcpus, victim_vcpu, all_vcpus;
extern uint64_t seed, calls_wanted, trace_from, trace_to, audit_every, report_every;
extern volatile bool stop;

/* random.c */
uint64_t mix(uint64_t x);
uint64_t rnd(struct fuzzer *f);
uint64_t below(struct fuzzer *f, uint64_t n);
bool chance(struct fuzzer *f, unsigned int percent);
uint64_t odd(struct fuzzer *f); /* a value at some edge */
/* Memory for a call's arguments, zeroed, good until the next call. */
void *arg_alloc(struct fuzzer *f, size_t n);
/* The address of an argument, now and then a bad one. */
uint64_t arg_address(struct fuzzer *f, const void *arg);
/* The same where garbage that can be read would stop the fuzzer. */
uint64_t arg_or_fault(struct fuzzer *f, const void *arg);
uint64_t bad_address(struct fuzzer *f);
uint16_t pick_domain(struct fuzzer *f);
unsigned int pick_vcpu(struct fuzzer *f);
#define PICK(f, array) ((array)[below(f, ARRAY_SIZE(array))])

/* pool.c: the frames that are played with. */
#define POOL_PAGES   192
#define WINDOW_PAGES 64
#define DESCRIPTORS  5 /* a level of its own: a page of segment descriptors */
struct slot {
    uint64_t mfn; /* 0: given back to the hypervisor */
    uint8_t level, pinned;
};
extern struct slot pool[POOL_PAGES];
extern uint64_t *pool_pte[POOL_PAGES]; /* the entries that map it linearly */
extern uint64_t *window_pte, *grant_window_pte;
extern char *pool_start, *window, *grant_window;
/* STAGED: filled but still writable; FILLED: no longer, could be pinned. */
enum slot_kind { ANY, DATA, WRITABLE, STAGED, FILLED, TABLE, ABSENT };
void pool_init(void);
void *pool_va(unsigned int i);
/* A slot of that kind (and level, unless 0), or with bad luck any. */
unsigned int pick_slot(struct fuzzer *f, enum slot_kind kind, unsigned int level);
bool mapped_writable(unsigned int i);
/* Frames by a role that would suit, or by one that would not. */
uint64_t pick_frame(struct fuzzer *f);
uint64_t pick_table_frame(struct fuzzer *f, unsigned int level);
/* A frame of this domain that the fuzzer itself lives on, which must not be written. */
bool is_vital(uint64_t mfn);
uint64_t pick_entry(struct fuzzer *f, unsigned int level);
void fill_slot(struct fuzzer *f, unsigned int i, unsigned int level);
void pool_sweep(struct fuzzer *f);
uint64_t home_l4(void);

void events_init(void);
extern uint32_t own_domain, peer_domain;
extern unsigned int protected_ports[16], nr_protected;
void grants_init(void);
void low_prepare(void);
void cpu_repair(struct fuzzer *f);
void upcall_taken(void);
void clock_save(void);
void clock_repair(void);
void end_somehow(struct fuzzer *f);

/* main.c: whether the hypervisor's recount of references finds no difference. */
bool audit(void);

/* run.c: making calls. */
void run_init(void);
void fuzz_loop(void);
extern volatile uint64_t calls_made;

/* report.c: counting how they end. */
unsigned int fault_outcome(fault_t fault);
void count(unsigned int index, unsigned int outcome);
void report(void);
/* The same now and then, so that something is left of a run that dies. */
void report_progress(void);
unsigned int percent_succeeded(void);
#define MAX_GENERATORS 96
extern struct kind {
    const struct generator *g;
    unsigned int flags;
} kinds[MAX_GENERATORS];
extern unsigned int nr_kinds, multicall_kind;
