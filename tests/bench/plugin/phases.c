/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU (TCG) that counts the instructions that a machine of one CPU executes, idle not
 * counted, and of these the hypervisor's and those of user space, until the places that the suites
 * name:
 *
 *   entry=, dom0=      addresses in hexadecimal of the hypervisor's and dom0's first instruction
 *   marks=             where the program guest/ has its marks (guest/marks.S), whoever executes
 * them out=               a file, often a pipe, that gets a line for each place when it is reached:
 *                      its name, all instructions so far, the hypervisor's, user space's
 *   profile=, to=      a place; the hypervisor's instructions by address, up to that place or, if
 * it is a number, in all samples of that operation
 *
 * "init" is reached with the first instruction in user space after dom0's first. An operation of
 * the guest suite is reported once, with the least of its samples.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

int qemu_plugin_version = 1;

#define USER_END 0x0000800000000000
/* guest/marks.S has one every 16 bytes, in this order. */
enum mark { CREATE, GUEST_INIT, SAMPLE_START, SAMPLE_END, REPORT, NR_MARKS };
static const char *const mark_names[] = {"create", "guest init"};

struct count {
    uint64_t all, hypervisor, user;
};

static uint64_t entry, dom0, marks;
static struct count now, start, least;
static bool entered, dom0_runs, init_runs;
static unsigned int *executed, operation;
static bool profiling;
static const char *profiled, *profile_to;
static FILE *out;

static void write_profile(void) {
    FILE *to = fopen(profile_to, "w");

    if (!to) return;
    for (size_t i = 0; i < IMAGE_SIZE; i++)
        if (executed[i]) fprintf(to, "%zx %u\n", (size_t)IMAGE_START + i, executed[i]);
    fclose(to);
}

static void say(const char *name, const struct count *count) {
    fprintf(out, "%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", name, count->all, count->hypervisor,
            count->user);
    fflush(out);
}

static void reached(const char *name) {
    if (profiled && !strcmp(profiled, name)) {
        profiling = false;
        write_profile();
    }
    say(name, &now);
}

static void at_entry(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    if (entered) return;
    entered = true;
    now = (struct count){0};
    reached("entry");
}

static void at_dom0(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    if (dom0_runs || !entered) return;
    dom0_runs = true;
    reached("dom0");
}

static void at_init(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    if (init_runs) return;
    init_runs = true;
    reached("init");
}

static bool is_profiled_operation(void) {
    char number[16];

    snprintf(number, sizeof(number), "%u", operation);
    return profiled && !strcmp(profiled, number);
}

static void report(void) {
    say("operation", &least);
    if (is_profiled_operation()) write_profile();
    operation++;
    least.all = 0;
}

static void at_mark(unsigned int cpu, void *data) {
    (void)cpu;
    switch ((enum mark)(uintptr_t)data) {
    case SAMPLE_START:
        start = now;
        profiling = is_profiled_operation();
        return;
    case SAMPLE_END:
        profiling = false;
        if (least.all && least.all <= now.all - start.all) return;
        least = (struct count){now.all - start.all, now.hypervisor - start.hypervisor,
                               now.user - start.user};
        return;
    case REPORT: report(); return;
    default: reached(mark_names[(uintptr_t)data]);
    }
}

static void count_executed(unsigned int cpu, void *data) {
    (void)cpu;
    if (profiling) executed[(uintptr_t)data]++;
}

static void watch(struct qemu_plugin_insn *insn) {
    uint64_t at = qemu_plugin_insn_vaddr(insn);

    if (executed && at - IMAGE_START < IMAGE_SIZE)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, count_executed, 0,
                                               (void *)(uintptr_t)(at - IMAGE_START));
    if (at == entry && !entered) qemu_plugin_register_vcpu_insn_exec_cb(insn, at_entry, 0, NULL);
    if (at == dom0 && !dom0_runs) qemu_plugin_register_vcpu_insn_exec_cb(insn, at_dom0, 0, NULL);
    if (at < USER_END && dom0_runs && !init_runs)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_init, 0, NULL);
    if (at - marks < NR_MARKS * 16 && at % 16 == 0)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_mark, 0,
                                               (void *)(uintptr_t)((at - marks) / 16));
}

/* Counted by block, for speed: one that a fault leaves in its middle is counted whole. */
static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
    size_t n = qemu_plugin_tb_n_insns(tb);
    uint64_t at = qemu_plugin_tb_vaddr(tb);

    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &now.all, n);
    if (at >= HYPERVISOR_START && at < HYPERVISOR_END)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &now.hypervisor,
                                                 n);
    else if (at < USER_END)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64, &now.user, n);
    for (size_t i = 0; i < n; i++) watch(qemu_plugin_tb_get_insn(tb, i));
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    (void)info;
    for (int i = 0; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (!value++) return -1;
        if (!strncmp(argv[i], "entry=", 6)) entry = strtoull(value, NULL, 16);
        if (!strncmp(argv[i], "dom0=", 5)) dom0 = strtoull(value, NULL, 16);
        if (!strncmp(argv[i], "marks=", 6)) marks = strtoull(value, NULL, 16);
        if (!strncmp(argv[i], "out=", 4)) out = fopen(value, "w");
        if (!strncmp(argv[i], "to=", 3)) profile_to = strdup(value);
        if (!strncmp(argv[i], "profile=", 8)) profiled = strdup(value);
    }
    if (!out || !entry || !dom0 || !marks || !profiled != !profile_to) return -1;
    if (profiled) {
        executed = calloc(IMAGE_SIZE, sizeof(*executed));
        profiling = !strchr("0123456789", *profiled);
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
