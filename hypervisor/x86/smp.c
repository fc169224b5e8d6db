/* SPDX-License-Identifier: MIT */
/*
 * Requests between CPUs. Each CPU has a word of request bits; the sender describes the request in a
 * mailbox under a lock, sets bits, sends an interrupt and waits until the bits are gone. A CPU that
 * spins with interrupts off serves its own word by smp_poll(), so that two CPUs that wait for each
 * other both get on.
 *
 * The flush clock (README.md): stamps are compared by signed difference. So that a CPU's own never
 * is 2^31 behind, every 2^30 steps all CPUs are asked to flush.
 */
#include <x86/apic.h>
#include <x86/spec.h>

#define REQ_FLUSH      1u /* the one described in flush_mailbox; somebody waits */
#define REQ_FLUSH_LATE 2u /* everything, at its leisure */
#define REQ_CALL       4u /* the one in call_mailbox; somebody waits */
#define REQ_STOP       8u

#define CLOCK_ROUND (1u << 30)

struct pcpu *pcpus[MAX_CPUS];
unsigned int nr_cpus;
uint32_t tlb_flush_clock = 1;

static struct {
    spinlock_t lock;
    uint64_t va; /* lock; FLUSH_ALL_VA: everything */
} flush_mailbox = {.lock = SPINLOCK_INIT(ORDER_LEAF)};

static struct {
    spinlock_t lock;
    void (*fn)(void *); /* lock */
    void *data;
} call_mailbox = {.lock = SPINLOCK_INIT(ORDER_LEAF)};

static void request(unsigned int cpu, uint32_t req) {
    __atomic_fetch_or(&pcpus[cpu]->arch.requests, req, __ATOMIC_ACQ_REL);
    apic_ipi(pcpus[cpu]->apic_id, ICR_FIXED | VEC_REQUEST);
}

static void request_others(uint32_t req) {
    unsigned int me = smp_cpu_id();

    for (unsigned int i = 0; i < nr_cpus; i++)
        if (i != me && pcpus[i] && pcpus[i]->online) request(i, req);
}

static void wait_done(unsigned int cpu, uint32_t req) {
    while (__atomic_load_n(&pcpus[cpu]->arch.requests, __ATOMIC_ACQUIRE) & req) {
        cpu_relax();
        smp_poll();
    }
}

static inline void load_cr3(uint64_t cr3, uint32_t stamp) {
    write_cr3(cr3);
    __atomic_store_n(&this_pcpu()->arch.tlb_stamp, stamp, __ATOMIC_RELEASE);
}

static __attribute__((noinline)) void load_cr3_and_more(uint64_t cr3, uint32_t stamp) {
    if (stamp % CLOCK_ROUND == 0) {
        __atomic_fetch_or(&this_pcpu()->arch.requests, REQ_FLUSH_LATE, __ATOMIC_ACQ_REL);
        request_others(REQ_FLUSH_LATE);
    }
    load_cr3(spec_on & SPEC_XPTI ? xpti_base(cr3) : cr3, stamp);
}

void tlb_load_cr3(uint64_t cr3) {
    uint32_t stamp = __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);

    if (likely(stamp % CLOCK_ROUND && !(spec_on & SPEC_XPTI)))
        load_cr3(cr3, stamp);
    else
        load_cr3_and_more(cr3, stamp);
}

void tlb_flush_local(void) { tlb_load_cr3(read_cr3()); }
void tlb_flush_page_local(uint64_t va) { __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory"); }

static void flush_here(uint64_t va) {
    if (va == FLUSH_ALL_VA)
        tlb_flush_local();
    else
        tlb_flush_page_local(va);
}

void smp_poll(void) {
    uint32_t *word = &this_pcpu()->arch.requests;
    uint32_t reqs = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    if (likely(!reqs)) return;
    if (reqs & REQ_STOP) halt_forever();
    if (reqs & (REQ_FLUSH | REQ_FLUSH_LATE))
        flush_here(reqs & REQ_FLUSH_LATE ? FLUSH_ALL_VA : READ_ONCE(flush_mailbox.va));
    if (reqs & REQ_CALL) call_mailbox.fn(call_mailbox.data);
    __atomic_fetch_and(word, ~reqs, __ATOMIC_ACQ_REL);
}

void smp_send_kick(unsigned int cpu) { apic_ipi(pcpus[cpu]->apic_id, ICR_FIXED | VEC_KICK); }
void apic_stop_others(void) { request_others(REQ_STOP); }

void smp_call_others(void (*fn)(void *), void *data) {
    unsigned int me = smp_cpu_id();

    spin_lock(&call_mailbox.lock);
    call_mailbox.fn = fn;
    call_mailbox.data = data;
    request_others(REQ_CALL);
    for (unsigned int i = 0; i < nr_cpus; i++)
        if (i != me) wait_done(i, REQ_CALL);
    spin_unlock(&call_mailbox.lock);
}

void smp_flush_tlb(cpumask_t *cpus, uint64_t va) {
    unsigned int cpu, me = smp_cpu_id();

    if (test_bit(me, cpus->bits)) flush_here(va);
    __clear_bit(me, cpus->bits);
    if (!(cpus->bits[0] | cpus->bits[1] | cpus->bits[2] | cpus->bits[3])) return;
    spin_lock(&flush_mailbox.lock);
    WRITE_ONCE(flush_mailbox.va, va);
    for_each_set_bit(cpu, cpus->bits, nr_cpus) request(cpu, REQ_FLUSH);
    for_each_set_bit(cpu, cpus->bits, nr_cpus) wait_done(cpu, REQ_FLUSH);
    spin_unlock(&flush_mailbox.lock);
}

void tlb_filter(cpumask_t *cpus, uint32_t stamp) {
    unsigned int cpu;

    for_each_set_bit(cpu, cpus->bits, nr_cpus) {
        uint32_t own = __atomic_load_n(&pcpus[cpu]->arch.tlb_stamp, __ATOMIC_ACQUIRE);

        if ((int32_t)(own - stamp) > 0) __clear_bit(cpu, cpus->bits);
    }
}
