/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU (TCG) that counts, for each operation of the micro suite, the serialising
 * instructions that the hypervisor executes between the kernel's marks. One line an operation, of
 * its last sample: how many, then which.
 *
 * Arguments: start=, end=, report= addresses of the marks in hexadecimal, out= file; profile= the
 * number of an operation, whose last sample's instructions by address go to the file to=.
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

enum kind { CR3, CR, DR, IRET, SYSRET, WRMSR, INVLPG, INVPCID, TABLE, CPUID, NR_KINDS };
static const char *const names[NR_KINDS] = {
    "mov cr3", "mov cr", "mov dr",  "iretq",         "sysretq",
    "wrmsr",   "invlpg", "invpcid", "lgdt/lldt/ltr", "cpuid",
};

static uint64_t mark_start, mark_end, mark_report;
static unsigned int counts[NR_KINDS], last[NR_KINDS];
static FILE *out;

static unsigned int *executed, operation;
static uint64_t profiled;
static const char *profile_to;

static int two_byte(const uint8_t *code, size_t size) {
    unsigned int reg = size > 2 ? code[2] >> 3 & 7 : 0;
    bool memory = size > 2 && code[2] < 0xc0;

    switch (code[1]) {
    case 0x00: return reg == 2 || reg == 3 ? TABLE : -1;
    case 0x01:
        if (!memory) return -1;
        return reg == 7 ? INVLPG : reg == 2 || reg == 3 ? TABLE : -1;
    case 0x07: return SYSRET;
    case 0x22: return reg == 3 ? CR3 : CR;
    case 0x23: return DR;
    case 0x30: return WRMSR;
    case 0xa2: return CPUID;
    case 0x38: return size > 2 && code[2] == 0x82 ? INVPCID : -1;
    default: return -1;
    }
}

static int kind_of(const uint8_t *code, size_t size) {
    while (size && (*code == 0x66 || *code == 0xf2 || *code == 0xf3 || (*code & 0xf0) == 0x40)) {
        code++;
        size--;
    }
    if (size == 1 && *code == 0xcf) return IRET;
    return size >= 2 && *code == 0x0f ? two_byte(code, size) : -1;
}

static void count(unsigned int cpu, void *data) {
    (void)cpu;
    counts[(uintptr_t)data]++;
}

static void count_executed(unsigned int cpu, void *data) {
    (void)cpu;
    executed[(uintptr_t)data]++;
}

static void start(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    memset(counts, 0, sizeof(counts));
    if (executed && operation == profiled) memset(executed, 0, IMAGE_SIZE * sizeof(*executed));
}

static void write_profile(void) {
    FILE *to = fopen(profile_to, "w");

    if (!to) return;
    for (size_t i = 0; i < IMAGE_SIZE; i++)
        if (executed[i]) fprintf(to, "%zx %u\n", IMAGE_START + i, executed[i]);
    fclose(to);
}

static void end(unsigned int cpu, void *data) {
    (void)cpu;
    (void)data;
    memcpy(last, counts, sizeof(last));
    if (executed && operation == profiled) write_profile();
}

static void report(unsigned int cpu, void *data) {
    unsigned int sum = 0;

    (void)cpu;
    (void)data;
    for (unsigned int i = 0; i < NR_KINDS; i++) sum += last[i];
    fprintf(out, "%u", sum);
    for (unsigned int i = 0; i < NR_KINDS; i++)
        if (last[i]) fprintf(out, "\t%u %s", last[i], names[i]);
    fprintf(out, "\n");
    fflush(out);
    memset(last, 0, sizeof(last));
    operation++;
}

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        uint64_t at = qemu_plugin_insn_vaddr(insn);
        int kind;

        if (at == mark_start) qemu_plugin_register_vcpu_insn_exec_cb(insn, start, 0, NULL);
        if (at == mark_end) qemu_plugin_register_vcpu_insn_exec_cb(insn, end, 0, NULL);
        if (at == mark_report) qemu_plugin_register_vcpu_insn_exec_cb(insn, report, 0, NULL);
        if (at < HYPERVISOR_START || at >= HYPERVISOR_END) continue;
        if (executed && at - IMAGE_START < IMAGE_SIZE)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, count_executed, 0,
                                                   (void *)(uintptr_t)(at - IMAGE_START));
        kind = kind_of(qemu_plugin_insn_data(insn), qemu_plugin_insn_size(insn));
        if (kind >= 0)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, count, 0, (void *)(uintptr_t)kind);
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    const struct argument arguments[] = {
        {.name = "start", .number = &mark_start},
        {.name = "end", .number = &mark_end},
        {.name = "report", .number = &mark_report},
        {.name = "out", .file = &out},
        {.name = "profile", .number = &profiled, .optional = true},
        {.name = "to", .text = &profile_to, .optional = true},
    };

    (void)info;
    if (!read_arguments(argc, argv, arguments, sizeof(arguments) / sizeof(*arguments))) return -1;
    if (profile_to && !(executed = calloc(IMAGE_SIZE, sizeof(*executed)))) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
