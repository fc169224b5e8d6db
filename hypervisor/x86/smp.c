/* SPDX-License-Identifier: MIT */
/*
 * Requests between CPUs. Each CPU has a word of request bits; the sender describes the request in a
 * mailbox under a lock, sets bits, sends an interrupt and waits until the bits are gone. A CPU that
 * spins with interrupts off serves its own word by smp_poll(), so that two CPUs that wait for each
 * other both get on.
 */
#include <hv/irq.h>
#include <hv/pcpu.h>
#include <hv/spinlock.h>
#include <x86/apic.h>
#include <x86/cpu.h>
#include <x86/smp.h>

struct pcpu *pcpus[MAX_CPUS];
unsigned int nr_cpus;

static struct {
    spinlock_t lock;
    void (*fn)(void *); /* lock */
    void *data;
} call = {.lock = SPINLOCK_INIT(ORDER_LEAF)};

struct pcpu *pcpu_of(unsigned int cpu) {
    return cpu < nr_cpus ? pcpus[cpu] : NULL;
}

void smp_send_kick(unsigned int cpu) { apic_ipi(pcpus[cpu]->apic_id, VEC_KICK); }

void smp_poll(void) {
    uint32_t *word = &this_pcpu()->arch.flush.pending;
    uint32_t reqs = __atomic_load_n(word, __ATOMIC_ACQUIRE);

    if (likely(!reqs)) return;
    if (reqs & REQ_STOP)
        for (;;) __asm__ volatile("cli; hlt");
    if (reqs & (REQ_FLUSH | REQ_FLUSH_LATE)) tlb_serve(reqs);
    if (reqs & REQ_CALL) {
        call.fn(call.data);
        __atomic_fetch_and(word, ~REQ_CALL, __ATOMIC_ACQ_REL);
    }
}

static void request(unsigned int cpu, uint32_t req, uint8_t vector) {
    __atomic_fetch_or(&pcpus[cpu]->arch.flush.pending, req, __ATOMIC_ACQ_REL);
    apic_ipi(pcpus[cpu]->apic_id, vector);
}

static void wait_done(unsigned int cpu, uint32_t req) {
    while (__atomic_load_n(&pcpus[cpu]->arch.flush.pending, __ATOMIC_ACQUIRE) & req) {
        cpu_relax();
        smp_poll();
    }
}

void smp_call_others(void (*fn)(void *), void *data) {
    unsigned int me = smp_cpu_id();

    spin_lock(&call.lock);
    call.fn = fn;
    call.data = data;
    for (unsigned int i = 0; i < nr_cpus; i++)
        if (i != me && pcpus[i]->online) request(i, REQ_CALL, VEC_CALL);
    for (unsigned int i = 0; i < nr_cpus; i++)
        if (i != me) wait_done(i, REQ_CALL);
    spin_unlock(&call.lock);
}

void smp_call_on(unsigned int cpu, void (*fn)(void *), void *data) {
    if (cpu == smp_cpu_id()) {
        fn(data);
        return;
    }
    spin_lock(&call.lock);
    call.fn = fn;
    call.data = data;
    request(cpu, REQ_CALL, VEC_CALL);
    wait_done(cpu, REQ_CALL);
    spin_unlock(&call.lock);
}

void apic_stop_others(void) {
    unsigned int me = smp_cpu_id();

    for (unsigned int i = 0; i < nr_cpus; i++)
        if (i != me && pcpus[i] && pcpus[i]->online) request(i, REQ_STOP, VEC_STOP);
}
