/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU (TCG) that counts what each CPU executes in the hypervisor between the marks of
 * the kernel cpus/, spin loops apart. A line for each sample: for each CPU its instructions and, of
 * them, those spent in spin loops. A line "-" ends the samples of an operation.
 *
 * A spin loop is known by its `pause`: what a CPU executes from one to the next at the same
 * address, if that is short, is one turn of a loop that waits.
 *
 * Arguments: start=, end=, report= addresses of the marks in hexadecimal, out= file.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "qemu_plugin.h"

int qemu_plugin_version = 1;

#define MAX_CPUS 64
/* A turn that does more than this does something. */
#define TURN 64

/* Written by the CPU's thread alone; read by that of CPU 0 when the guest has made sure of it. */
static struct cpu {
    uint64_t all, spun, pause_at, all_at_pause;
    char line_of_its_own[32];
} cpus[MAX_CPUS];
static struct { uint64_t all, spun; } before[MAX_CPUS];
static unsigned int nr_cpus;
static uint64_t mark_start, mark_end, mark_report;
static FILE *out;

static void count(unsigned int cpu, void *data) {
    (void)data;
    cpus[cpu].all++;
}

static void count_pause(unsigned int cpu, void *data) {
    struct cpu *c = &cpus[cpu];

    c->all++;
    if (c->pause_at == (uintptr_t)data && c->all - c->all_at_pause <= TURN)
        c->spun += c->all - c->all_at_pause;
    c->pause_at = (uintptr_t)data;
    c->all_at_pause = c->all;
}

static void start(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    for (unsigned int i = 0; i < nr_cpus; i++) {
        before[i].all = cpus[i].all;
        before[i].spun = cpus[i].spun;
    }
}

static void end(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    for (unsigned int i = 0; i < nr_cpus; i++)
        fprintf(out, "%s%" PRIu64 " %" PRIu64, i ? "\t" : "", cpus[i].all - before[i].all,
                cpus[i].spun - before[i].spun);
    fprintf(out, "\n");
}

static void report(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    fprintf(out, "-\n");
    fflush(out);
}

static bool is_pause(const struct qemu_plugin_insn *insn) {
    return qemu_plugin_insn_size(insn) == 2 && !memcmp(qemu_plugin_insn_data(insn), "\xf3\x90", 2);
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);

        if (at == mark_start) qemu_plugin_register_vcpu_insn_exec_cb(insn, start, 0, NULL);
        if (at == mark_end) qemu_plugin_register_vcpu_insn_exec_cb(insn, end, 0, NULL);
        if (at == mark_report) qemu_plugin_register_vcpu_insn_exec_cb(insn, report, 0, NULL);
        if (at < HYPERVISOR_START || at >= HYPERVISOR_END) continue;
        if (is_pause(insn))
            qemu_plugin_register_vcpu_insn_exec_cb(insn, count_pause, 0, (void *)(uintptr_t)at);
        else
            qemu_plugin_register_vcpu_insn_exec_cb(insn, count, 0, NULL);
    }
}

static void cpu_appears(uint64_t id, unsigned int cpu) {
    (void)id;
    if (cpu >= MAX_CPUS) abort();
    if (cpu >= nr_cpus) nr_cpus = cpu + 1;
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    const struct argument arguments[] = {
        {.name = "start", .number = &mark_start},
        {.name = "end", .number = &mark_end},
        {.name = "report", .number = &mark_report},
        {.name = "out", .file = &out},
    };

    (void)info;
    if (!read_arguments(argc, argv, arguments, sizeof(arguments) / sizeof(*arguments))) return -1;
    qemu_plugin_register_vcpu_init_cb(id, cpu_appears);
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
