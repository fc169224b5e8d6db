/* SPDX-License-Identifier: MIT */
/*
 * micro: how many instructions each operation of the hypervisor takes, seen by its guest. To be run
 * under -icount, where that is exact; tests/bench/README.md tells what it shows and what it cannot.
 * Each operation is one line, BENCH median least most name; a first one names the hypervisor's
 * compiler.
 * Run with: --icount --cpu max,-smap --cmdline dom0_max_vcpus=2
 */
#include <public/vcpu.h>
#include <public/version.h>
#include "bench.h"

volatile uint64_t sample_end;
static uint64_t samples[SAMPLES], empty;
static step_t *user_step;

static void sort(void) {
    for (unsigned int i = 1; i < SAMPLES; i++) {
        uint64_t sample = samples[i];
        unsigned int at = i;

        for (; at && samples[at - 1] > sample; at--) samples[at] = samples[at - 1];
        samples[at] = sample;
    }
}

static __attribute__((noinline)) void report(const char *name) {
    /* For tests/bench/plugin: the samples of this operation are complete. */
    asm volatile("mark_report: nop");
    sort();
    count_check();
    printk("BENCH %ld %ld %ld %s\n", samples[SAMPLES / 2] - empty, samples[0] - empty,
           samples[SAMPLES - 1] - empty, name);
}

static void call(step_t *step) {
    if (step) step();
}

/*
 * Not inlined, and alone: every operation is called from the same instructions. What is executed
 * between the marks is one sample for tests/bench/plugin too.
 */
static __attribute__((noinline)) uint64_t timed(step_t *run) {
    uint32_t low, high, end_low, end_high;

    asm volatile("mark_start: rdtsc" : "=a"(low), "=d"(high));
    run();
    asm volatile("mark_end: rdtsc" : "=a"(end_low), "=d"(end_high));
    return ((uint64_t)end_high << 32 | end_low) - ((uint64_t)high << 32 | low);
}

static __attribute__((noinline)) uint64_t start_of(step_t *run) {
    uint64_t start = rdtsc();

    run();
    return start;
}

void measure(const char *name, step_t *before, step_t *run, step_t *after) {
    for (unsigned int i = 0; i < SAMPLES; i++) {
        call(before);
        samples[i] = timed(run);
        call(after);
    }
    report(name);
}

void measure_to_end(const char *name, step_t *before, step_t *run, step_t *after) {
    for (unsigned int i = 0; i < SAMPLES; i++) {
        call(before);
        sample_end = 0;
        samples[i] = start_of(run);
        samples[i] = sample_end - samples[i];
        call(after);
    }
    report(name);
}

static uint64_t timed_in_user(uint64_t arg) {
    (void)arg;
    return timed(user_step);
}

void measure_in_user(const char *name, step_t *run) {
    user_step = run;
    for (unsigned int i = 0; i < SAMPLES; i++) samples[i] = run_user(timed_in_user, 0);
    report(name);
}

static void find_empty(void) {
    uint64_t start;

    for (unsigned int i = 0; i < SAMPLES; i++) {
        start = rdtsc();
        samples[i] = rdtsc() - start;
    }
    sort();
    empty = samples[SAMPLES / 2];
}

static void hundred_nops(void) { asm volatile(".rept 100; nop; .endr"); }

void set_entry(unsigned int vector, const char *entry) {
    struct trap_info table[2] = {{.vector = (uint8_t)vector,
                                  .flags = vector == BP || vector == 0x80 ? 3 : 0,
                                  .cs = FLAT_KERNEL_CS,
                                  .address = (uint64_t)entry}};

    require_eq(HV_set_trap_table(table), 0);
}

void restore_entry(unsigned int vector) { set_entry(vector, trap_stubs + 16 * vector); }

void set_callbacks(const char *event_entry, const char *syscall_entry) {
    require_eq(HV_set_callbacks(event_entry, entry_failsafe, syscall_entry), 0);
}

void set_event_entry(const char *entry) { set_callbacks(entry, entry_syscall); }

static void name_compiler(void) {
    struct xen_compile_info info;

    require_eq(HV_xen_version(XENVER_compile_info, &info), 0);
    printk("COMPILER %s\n", info.compiler);
}

void test_main(void) {
    /* The 100 Hz tick that a PV vcpu starts with. */
    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    name_compiler();
    find_empty();
    measure("(100 nops)", NULL, hundred_nops, NULL);
    bench_calls();
    bench_events();
    bench_traps();
    bench_emulation();
    bench_page_tables();
    bench_pins();
    bench_grants();
    bench_timers();
    bench_two_vcpus();
    bench_domains();
    bench_peers();
    bench_fifo();
}
