/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU (TCG) that counts the instructions that a machine of one CPU executes, idle not
 * counted, and of these the hypervisor's and those of user space, until the places that the suites
 * name:
 *
 *   entry=, dom0=      addresses in hexadecimal of the hypervisor's and dom0's first instruction
 *   marks=             where the program guest/ has its marks (guest/marks.S), whoever executes
 *                      them
 *   out=               a file, often a pipe, that gets a line for each place when it is reached:
 *                      its name, all instructions so far, the hypervisor's, user space's
 *   profile=           the beginning of files' names: the instructions by block (blocks.c), up to
 *                      each place, and of each operation, by its number, in the sample reported
 *
 * "init" is reached with the first instruction in user space after dom0's first. An operation of
 * the guest suite is reported once, with the least of its samples.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "arguments.h"
#include "blocks.h"
#include "qemu_plugin.h"

int qemu_plugin_version = 1;

/* guest/marks.S has one every 16 bytes, in this order. */
enum mark { CREATE, GUEST_INIT, SAMPLE_START, SAMPLE_END, REPORT, NR_MARKS };
static const char *const mark_names[] = {"create", "guest init"};

struct count {
    uint64_t all, hypervisor, user;
};

static uint64_t entry, dom0, marks;
static struct count now, start, least;
static bool entered, dom0_runs, init_runs;
static unsigned int operation;
static const char *profile;
static FILE *out;

static void say(const char *name, const struct count *count) {
    fprintf(out, "%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", name, count->all, count->hypervisor,
            count->user);
    fflush(out);
}

static void reached(const char *name) {
    if (profile) blocks_write_all(name);
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

static void report(void) {
    char number[16];

    snprintf(number, sizeof(number), "%u", operation++);
    if (profile) blocks_write_least(number);
    say("operation", &least);
    least.all = 0;
}

static void at_mark(unsigned int cpu, void *data) {
    (void)cpu;
    switch ((enum mark)(uintptr_t)data) {
    case SAMPLE_START:
        start = now;
        if (profile) blocks_sample_start();
        return;
    case SAMPLE_END:
        if (least.all && least.all <= now.all - start.all) return;
        least = (struct count){now.all - start.all, now.hypervisor - start.hypervisor,
                               now.user - start.user};
        if (profile) blocks_sample_is_least();
        return;
    case REPORT: report(); return;
    default: reached(mark_names[(uintptr_t)data]);
    }
}

static void watch(struct qemu_plugin_insn *insn) {
    uint64_t at = qemu_plugin_insn_vaddr(insn);

    if (at == entry && !entered) qemu_plugin_register_vcpu_insn_exec_cb(insn, at_entry, 0, NULL);
    if (at == dom0 && !dom0_runs) qemu_plugin_register_vcpu_insn_exec_cb(insn, at_dom0, 0, NULL);
    if (at < USER_END && dom0_runs && !init_runs)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_init, 0, NULL);
    if (at - marks < NR_MARKS * 16 && at % 16 == 0)
        qemu_plugin_register_vcpu_insn_exec_cb(insn, at_mark, 0,
                                               (void *)(uintptr_t)((at - marks) / 16));
}

static enum stage stage(void) {
    return init_runs ? DOM0_USER : dom0_runs ? DOM0_KERNEL : BEFORE_DOM0;
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
    if (profile)
        qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
                                                 block_counter(tb, stage()), n);
    for (size_t i = 0; i < n; i++) watch(qemu_plugin_tb_get_insn(tb, i));
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    const struct argument arguments[] = {
        {.name = "entry", .number = &entry},
        {.name = "dom0", .number = &dom0},
        {.name = "marks", .number = &marks},
        {.name = "out", .file = &out},
        {.name = "profile", .text = &profile, .optional = true},
    };

    (void)info;
    if (!read_arguments(argc, argv, arguments, sizeof(arguments) / sizeof(*arguments)) ||
        (profile && !blocks_start(profile)))
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
