/* SPDX-License-Identifier: MIT */
/*
 * Makes one call after the other, alone or several as a multicall. Each is recorded before it is
 * made. A trap that was not foreseen takes the vcpu back to fuzz_loop().
 */
#include "fuzz.h"
#include "parts.h"

#define RUNNING   0x676e696e6e7552ULL /* as a result: the call did not return */
#define MAX_MULTI 24

struct fuzzer fuzzers[MAX_VCPUS];
volatile uint64_t calls_made;
volatile bool stop;
struct kind kinds[MAX_GENERATORS];
unsigned int nr_kinds, multicall_kind;

static char arenas[MAX_VCPUS][ARENA_SIZE] PAGE_ALIGNED;
static struct record records[MAX_VCPUS];
static const struct generator multicall = {.name = "multicall", .weight = 60};

static void add(const struct generator *list, unsigned int nr, unsigned int flags) {
    for (unsigned int i = 0; i < nr; i++) {
        require(nr_kinds < MAX_GENERATORS);
        kinds[nr_kinds++] = (struct kind){&list[i], flags};
    }
}

static bool recover(struct regs *r) {
    struct fuzzer *f = &fuzzers[this_vcpu()->id];

    if (!f->working) return false;
    context_load(&f->recover, r->vector + 1);
}

/* Breakpoints and single steps: no more of them, go on. */
static bool debug_trap(struct regs *r) {
    HV_set_debugreg(7, 0);
    r->rflags &= ~0x100UL;
    return false;
}

/* Takes nothing off the queues, whose words may be scribbled on. */
static bool upcall(struct regs *r) {
    (void)r;
    upcall_taken();
    return true;
}

static bool nmi(struct regs *r) {
    (void)r;
    return true;
}

/* Odd selectors may first be missed when a vcpu comes back from being down: nothing is lost. */
static bool failsafe(struct regs *r) {
    (void)r;
    return !fuzzers[this_vcpu()->id].working;
}

void run_init(void) {
    add(memory_calls, nr_memory_calls, 0);
    add(frame_calls, nr_frame_calls, 0);
    add(event_calls, nr_event_calls, 0);
    add(grant_calls, nr_grant_calls, 0);
    add(cpu_calls, nr_cpu_calls, 0);
    add(cpu_entry, nr_cpu_entry, NO_UPCALL);
    add(sched_calls, nr_sched_calls, NO_UPCALL);
    add(misc_calls, nr_misc_calls, 0);
    add(cpu_iret, nr_cpu_iret, NO_MULTICALL);
    multicall_kind = nr_kinds;
    add(&multicall, 1, NO_MULTICALL);
    add(memory_acts, nr_memory_acts, NO_HYPERCALL | NO_MULTICALL);
    add(store_acts, nr_store_acts, NO_HYPERCALL | NO_MULTICALL);
    add(event_acts, nr_event_acts, NO_HYPERCALL | NO_MULTICALL);
    add(grant_acts, nr_grant_acts, NO_HYPERCALL | NO_MULTICALL);
    add(cpu_acts, nr_cpu_acts, NO_HYPERCALL | NO_MULTICALL);
    add(instruction_acts, nr_instruction_acts, NO_HYPERCALL | NO_MULTICALL);
    add(debug_acts, nr_debug_acts, NO_HYPERCALL | NO_MULTICALL);
    for (unsigned int i = 0; i < MAX_VCPUS; i++) {
        fuzzers[i].v = &vcpus[i];
        fuzzers[i].arena = arenas[i];
        fuzzers[i].record = &records[i];
        records[i].vcpu = i;
        records[i].seed = seed;
        records[i].magic = RECORD_MAGIC;
    }
    trap_unexpected = recover;
    trap_hooks[DB] = debug_trap;
    trap_hooks[VEC_EVENT] = upcall;
    trap_hooks[2] = trap_hooks[VEC_NMI] = nmi; /* by the trap table, by the callback */
    trap_hooks[VEC_FAILSAFE] = failsafe;
}

static unsigned int choose(struct fuzzer *f, unsigned int forbidden) {
    uint64_t total = 0, at;
    unsigned int i;

    for (i = 0; i < nr_kinds; i++)
        if (!(kinds[i].flags & forbidden)) total += kinds[i].g->weight;
    at = below(f, total);
    for (i = 0; i < nr_kinds; i++) {
        if (kinds[i].flags & forbidden) continue;
        if (at < kinds[i].g->weight) break;
        at -= kinds[i].g->weight;
    }
    return i;
}

static struct recorded *record(struct fuzzer *f, const char *name, const struct call *c) {
    struct recorded *r = &f->record->call[f->record->made % RECORD_CALLS];

    memset(r, 0, sizeof(*r));
    memcpy(r->name, name, strlen(name));
    if (c) {
        r->op = c->op;
        memcpy(r->arg, c->arg, sizeof(r->arg));
    }
    memcpy(r->data, f->arena, sizeof(r->data));
    r->result = RUNNING;
    if (f->serial >= trace_from && f->serial < trace_to)
        printk("T %lu.%u %s?\n", f->serial, f->v->id, name);
    barrier();
    f->record->made++;
    return r;
}

/* What stands where most operations have their argument. */
static void trace_argument(const struct call *c) {
    bool first = c->op == __HYPERVISOR_mmuext_op || c->op == __HYPERVISOR_mmu_update;
    const uint64_t *at = (const uint64_t *)c->arg[!first];
    uint64_t w[6] = {0};

    for (unsigned int i = 0; i < 6; i++)
        if (try_read(at + i, &w[i])) break;
    printk("T   %lx %lx %lx %lx %lx %lx\n", w[0], w[1], w[2], w[3], w[4], w[5]);
}

static void trace(struct fuzzer *f, unsigned int kind, const struct call *c, long rc,
                  unsigned int outcome) {
    uint64_t serial = f->serial;

    if (serial < trace_from || serial >= trace_to) return;
    printk("T %lu.%u %s %u %lx %lx %lx %lx: %lx %u\n", serial, f->v->id, kinds[kind].g->name,
           c ? c->op : 0, c ? c->arg[0] : f->detail, c ? c->arg[1] : 0, c ? c->arg[2] : 0,
           c ? c->arg[3] : 0, rc, outcome);
    if (c) trace_argument(c);
}

static void ended(struct fuzzer *f, unsigned int kind, struct call *c, long rc) {
    unsigned int outcome = rc < 0 && rc > -OUT_ERRNO_END ? (unsigned int)-rc : 0;

    if (!outcome && c->status && c->arg[2] && *c->status < 0)
        outcome = OUT_GNTST + (unsigned int)-*c->status % 32;
    count(kind, outcome);
    if (c->done) c->done(f, c, rc);
    trace(f, kind, c, rc, outcome);
}

/* Lets upcalls come during the call, at times one that is due already: so what can be preempted is.
 * Returns the page in which that was said, for the call may move it. */
static struct vcpu_info *upcalls_on(struct fuzzer *f) {
    struct vcpu_info *info = f->v->info;
    bool due = chance(f, 50);

    if (!chance(f, 50)) return info;
    WRITE_ONCE(info->evtchn_upcall_mask, 0);
    if (due) WRITE_ONCE(info->evtchn_upcall_pending, 1);
    return info;
}

static void alone(struct fuzzer *f, unsigned int kind) {
    struct vcpu_info *info = f->v->info;
    struct call c = {0};
    struct recorded *r;
    long rc;

    kinds[kind].g->make(f, &c);
    r = record(f, kinds[kind].g->name, &c);
    if (!(kinds[kind].flags & NO_UPCALL)) info = upcalls_on(f);
    rc = hypercall(c.op, c.arg[0], c.arg[1], c.arg[2], c.arg[3], 0);
    WRITE_ONCE(info->evtchn_upcall_mask, 1);
    r->result = (uint64_t)rc;
    ended(f, kind, &c, rc);
}

static void several(struct fuzzer *f) {
    unsigned int n = 2 + (unsigned int)below(f, chance(f, 90) ? 7 : MAX_MULTI - 1);
    unsigned int kind[MAX_MULTI], flags = 0;
    struct multicall_entry *entries = arg_alloc(f, MAX_MULTI * sizeof(*entries));
    struct call c[MAX_MULTI] = {0}, whole = {.op = __HYPERVISOR_multicall};
    struct vcpu_info *info = f->v->info;
    struct recorded *r;
    long rc;

    f->together = true;
    for (unsigned int i = 0; i < n; i++) {
        do {
            kind[i] = choose(f, NO_MULTICALL | NO_HYPERCALL);
        } while (kind[i] == multicall_kind);
        kinds[kind[i]].g->make(f, &c[i]);
        flags |= kinds[kind[i]].flags;
        entries[i].op = c[i].op;
        for (unsigned int k = 0; k < 4; k++) entries[i].args[k] = c[i].arg[k];
        entries[i].result = RUNNING;
        record(f, kinds[kind[i]].g->name, &c[i]);
    }
    f->together = false;
    if (chance(f, 2)) entries[below(f, n)].op = __HYPERVISOR_multicall;
    whole.arg[0] = arg_address(f, entries);
    whole.arg[1] = n;
    r = record(f, multicall.name, &whole);
    if (!(flags & NO_UPCALL)) info = upcalls_on(f);
    rc = HV_multicall(whole.arg[0], whole.arg[1]);
    WRITE_ONCE(info->evtchn_upcall_mask, 1);
    r->result = (uint64_t)rc;
    cpu_repair(f);
    ended(f, multicall_kind, &whole, rc);
    for (unsigned int i = 0; i < n; i++)
        if (entries[i].result != RUNNING && entries[i].op == c[i].op)
            ended(f, kind[i], &c[i], (long)entries[i].result);
}

static void act(struct fuzzer *f, unsigned int kind) {
    unsigned int outcome;

    record(f, kinds[kind].g->name, NULL);
    outcome = kinds[kind].g->act(f);
    count(kind, outcome);
    trace(f, kind, NULL, 0, outcome);
}

static void one(struct fuzzer *f) {
    unsigned int kind;

    f->serial++;
    f->random = mix(seed * 64 + f->v->id) + mix(f->serial);
    f->used = 0;
    f->detail = 0;
    WRITE_ONCE(f->v->info->evtchn_upcall_mask, 1);
    kind = choose(f, 0);
    f->doing_index = kind;
    if (kind == multicall_kind)
        several(f);
    else if (kinds[kind].g->make)
        alone(f, kind);
    else
        act(f, kind);
    if (f->v->id == 0) report_progress();
    if (audit_every && f->serial % audit_every == 0 && !audit()) {
        printk("a difference first seen after call %lu\n", f->serial);
        stop = true;
    }
}

void fuzz_loop(void) {
    struct fuzzer *f = &fuzzers[this_vcpu()->id];
    uint64_t trapped, until = f->serial + f->burst;

    trapped = context_save(&f->recover);
    f = &fuzzers[this_vcpu()->id];
    if (trapped) {
        unsigned int vector = (unsigned int)trapped - 1, kind = f->doing_index;
        bool landed = vector == UD && !(kinds[kind].flags & NO_HYPERCALL);
        unsigned int outcome = landed ? 0 : OUT_FAULT + (vector < 32 ? vector : 32 + vector % 4);

        cpu_repair(f);
        count(kind, outcome);
        trace(f, kind, NULL, 0, outcome);
    }
    f->working = true;
    while (!stop && (!f->burst || f->serial < until)) one(f);
    f->working = false;
    f->stopped = true;
}
