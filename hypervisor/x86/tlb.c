/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes and the flush clock. The clock advances with every full flush of any CPU, before it;
 * a CPU's stamp is the clock's value of its last one. A frame whose stamp (the clock when its last
 * typed use ended) is below a CPU's stamp cannot be in that CPU's TLB any more.
 *
 * Stamps are compared by signed difference. So that a CPU's own never is 2^31 behind, every 2^30
 * steps all CPUs are asked to flush.
 */
#include <hv/bitops.h>
#include <hv/irq.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <hv/spinlock.h>
#include <x86/apic.h>
#include <x86/cpu.h>
#include <x86/smp.h>

#define CLOCK_ROUND (1u << 30)

uint32_t tlb_flush_clock = 1;

static struct {
    spinlock_t lock;
    uint64_t va; /* lock; FLUSH_ALL_VA: everything */
} mailbox = {.lock = SPINLOCK_INIT(ORDER_LEAF)};

static uint32_t advance_clock(void) {
    uint32_t now = __atomic_add_fetch(&tlb_flush_clock, 1, __ATOMIC_SEQ_CST);

    if (unlikely(now % CLOCK_ROUND == 0)) {
        for (unsigned int i = 0; i < nr_cpus; i++) {
            __atomic_fetch_or(&pcpus[i]->arch.flush.pending, REQ_FLUSH_LATE, __ATOMIC_ACQ_REL);
            if (i != smp_cpu_id()) apic_ipi(pcpus[i]->apic_id, VEC_FLUSH);
        }
    }
    return now;
}

void tlb_load_cr3(uint64_t cr3) {
    uint32_t stamp = advance_clock();

    write_cr3(cr3);
    __atomic_store_n(&this_pcpu()->arch.tlb_stamp, stamp, __ATOMIC_RELEASE);
}

void tlb_flush_local(void) { tlb_load_cr3(read_cr3()); }

void tlb_flush_page_local(uint64_t va) { invlpg(va); }

void tlb_serve(uint32_t reqs) {
    uint64_t va = READ_ONCE(mailbox.va);

    if ((reqs & REQ_FLUSH_LATE) || va == FLUSH_ALL_VA)
        tlb_flush_local();
    else
        tlb_flush_page_local(va);
    __atomic_fetch_and(&this_pcpu()->arch.flush.pending, ~(reqs & (REQ_FLUSH | REQ_FLUSH_LATE)),
                       __ATOMIC_ACQ_REL);
}

static void flush_others(const struct flush_mask *cpus, unsigned int me, uint64_t va) {
    unsigned long bits[4];
    unsigned int cpu;

    for (unsigned int i = 0; i < ARRAY_SIZE(bits); i++) bits[i] = cpus->bits[i];
    __clear_bit(me, bits);
    if (!(bits[0] | bits[1] | bits[2] | bits[3])) return;
    spin_lock(&mailbox.lock);
    WRITE_ONCE(mailbox.va, va);
    for_each_set_bit(cpu, bits, nr_cpus) {
        __atomic_fetch_or(&pcpus[cpu]->arch.flush.pending, REQ_FLUSH, __ATOMIC_ACQ_REL);
        apic_ipi(pcpus[cpu]->apic_id, VEC_FLUSH);
    }
    for_each_set_bit(cpu, bits, nr_cpus) {
        while (__atomic_load_n(&pcpus[cpu]->arch.flush.pending, __ATOMIC_ACQUIRE) & REQ_FLUSH) {
            cpu_relax();
            smp_poll();
        }
    }
    spin_unlock(&mailbox.lock);
}

void smp_flush_tlb(const struct flush_mask *cpus, uint64_t va) {
    unsigned int me = smp_cpu_id();

    if (test_bit(me, cpus->bits)) {
        if (va == FLUSH_ALL_VA)
            tlb_flush_local();
        else
            tlb_flush_page_local(va);
    }
    flush_others(cpus, me, va);
}

void tlb_filter(struct flush_mask *cpus, uint32_t stamp) {
    unsigned int cpu;

    for_each_set_bit(cpu, cpus->bits, nr_cpus) {
        uint32_t own = __atomic_load_n(&pcpus[cpu]->arch.tlb_stamp, __ATOMIC_ACQUIRE);

        if ((int32_t)(own - stamp) > 0) __clear_bit(cpu, cpus->bits);
    }
}
