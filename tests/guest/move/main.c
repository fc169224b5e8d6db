/* SPDX-License-Identifier: MIT */
/*
 * move: one vcpu alone goes from one CPU to the other and back, again and again. A vector
 * register, a segment base and time come along.
 * Run with: --smp 2 --cmdline dom0_max_vcpus=1
 */
#include <public/sched.h>
#include "vcpu.h"

#define ROUNDS 32

static long pin_to(int cpu) {
    struct sched_pin_override op = {.pcpu = cpu};

    return HV_sched_op(SCHEDOP_pin_override, &op);
}

/* The CPU's own number, which it tells a PV guest without asking the hypervisor. */
static unsigned int this_cpu(void) {
    uint32_t a = 1, b, c = 0, d;

    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b >> 24;
}

/* The compiler uses no vector registers here. */
static void set_vector(uint64_t v) { asm volatile("movq %0, %%xmm5" : : "r"(v)); }

static uint64_t vector(void) {
    uint64_t v;

    asm volatile("movq %%xmm5, %0" : "=r"(v));
    return v;
}

static uint64_t by_fs(void) {
    uint64_t v;

    asm volatile("mov %%fs:0, %0" : "=r"(v));
    return v;
}

void test_main(void) {
    static uint64_t word;
    uint64_t before, after;

    require_eq(HV_set_segment_base(SEGBASE_FS, &word), 0);
    for (unsigned int i = 0; i < ROUNDS; i++) {
        word = i;
        set_vector(~(uint64_t)i);
        before = now();
        require_eq(pin_to(i % 2), 0);
        expect(wait_for(this_cpu() == i % 2, 10000));
        after = now();
        expect(after + 10 >= before); /* a tick of the TSC's rounding is not a step back */
        expect_eq(by_fs(), i);
        expect_eq(vector(), ~(uint64_t)i);
        expect_eq(pin_to(-1), 0);
    }
}
