/* SPDX-License-Identifier: MIT */
/*
 * What tests/bench/plugin/cpus.c counts: instructions of the hypervisor between the marks, by CPU,
 * and of them those of loops that wait. A fake of QEMU translates instructions one by one and
 * executes them on the CPU that it is told.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

#define CALL   (HYPERVISOR_START + 0x1000)
#define WAIT   (HYPERVISOR_START + 0x2000)
#define WAIT_2 (HYPERVISOR_START + 0x3000)
#define GUEST  0x1000
enum { START = 0x10, END = 0x20, REPORT = 0x30 };

struct qemu_plugin_insn {
    uint64_t at;
    bool pause;
    exec_cb_t *callback;
    void *data;
};
struct qemu_plugin_tb {
    struct qemu_plugin_insn insn;
};

static tb_cb_t *translate;
static cpu_cb_t *appear;

void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_cb_t *cb) {
    (void)id;
    translate = cb;
}
void qemu_plugin_register_vcpu_init_cb(uint64_t id, cpu_cb_t *cb) {
    (void)id;
    appear = cb;
}
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb) {
    (void)tb;
    return 1;
}
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i) {
    (void)i;
    return (struct qemu_plugin_insn *)(uintptr_t)&tb->insn;
}
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn) {
    return insn->pause ? "\xf3\x90" : "\x89\xc0";
}
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn) {
    (void)insn;
    return 2;
}
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn) { return insn->at; }
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb_t *cb, int flags,
                                            void *data) {
    (void)flags;
    insn->callback = cb;
    insn->data = data;
}

static void run_at(unsigned int cpu, uint64_t at, bool pause) {
    struct qemu_plugin_tb tb = {.insn = {.at = at, .pause = pause}};

    translate(0, &tb);
    if (tb.insn.callback) tb.insn.callback(cpu, tb.insn.data);
}

static void run(unsigned int cpu, uint64_t at, unsigned int n) {
    while (n--) run_at(cpu, at, false);
}

/* So many turns of a loop of so many instructions, of which one is the pause. */
static void spin(unsigned int cpu, uint64_t at, unsigned int turns, unsigned int length) {
    while (turns--) {
        run_at(cpu, at, true);
        run(cpu, at + 2, length - 1);
    }
}

static void samples(void) {
    /* Before the mark, and the guest's own: not counted. */
    run(0, CALL, 100);
    run(0, START, 1);
    run(0, GUEST, 50);
    run(0, CALL, 10);
    run(1, CALL, 20);
    run(0, END, 1);
    /* The first of five turns is path, as is what follows; the loop's own end is, too. */
    run(0, START, 1);
    run(0, CALL, 10);
    spin(0, WAIT, 5, 4);
    run(0, CALL, 10);
    run(0, END, 1);
    /* A turn of 64 waits, one of 65 does something; another pause is another loop. */
    run(0, START, 1);
    spin(1, WAIT, 2, 64);
    spin(1, WAIT_2, 3, 65);
    run(0, END, 1);
    run(0, REPORT, 1);
}

int main(int argc, char **argv) {
    static const char want[] = "10 0\t20 0\n40 16\t0 0\n0 0\t323 64\n-\n";
    static char got[256], out[256];
    char *arguments[] = {"start=10", "end=20", "report=30", out};
    FILE *file;
    size_t n;

    if (argc != 2) return 2;
    snprintf(out, sizeof(out), "out=%s", argv[1]);
    if (qemu_plugin_install(0, NULL, 3, arguments) != -1) return 1; /* no out= */
    if (qemu_plugin_install(0, NULL, 4, arguments)) return 1;
    appear(0, 0);
    appear(0, 1);
    samples();
    file = fopen(argv[1], "r");
    if (!file) return 1;
    n = fread(got, 1, sizeof(got) - 1, file);
    fclose(file);
    if (n != strlen(want) || strcmp(got, want)) {
        printf("counted:\n%swanted:\n%s", got, want);
        return 1;
    }
    puts("cpus plugin: counts and waiting as wanted");
    return 0;
}
