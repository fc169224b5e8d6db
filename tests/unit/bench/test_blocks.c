/* SPDX-License-Identifier: MIT */
/*
 * What tests/bench/plugin/blocks.c tells apart: whose a block is, a program's page whatever its
 * address, and what one sample executed. A fake of QEMU has the guest's memory in an array.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"

#define PIECE (2ul << 20)
#define TEXT  KERNEL_START

struct qemu_plugin_insn {
    uint8_t *memory;
};
struct qemu_plugin_tb {
    uint64_t at;
    struct qemu_plugin_insn insn;
};

struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i) {
    (void)i;
    return (struct qemu_plugin_insn *)(uintptr_t)&tb->insn;
}
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn) { return insn->memory; }
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb) { return tb->at; }

static uint8_t *ram;

/* QEMU translates a block and executes so many instructions of it. */
static void execute(uint64_t at, size_t where, enum stage stage, unsigned int n) {
    *block_counter(&(struct qemu_plugin_tb){at, {ram + where}}, stage) += n;
}

static int compare(const void *a, const void *b) { return strcmp(a, b); }

/* The profile's lines, in order. */
static int wrong(const char *folder, const char *name, const char *expected) {
    char path[1024], lines[16][80] = {""}, all[16 * 80] = "";
    size_t n = 0;
    FILE *from;

    snprintf(path, sizeof(path), "%s.%s", folder, name);
    from = fopen(path, "r");
    if (!from) return 1;
    while (n < 16 && fgets(lines[n], sizeof(lines[n]), from)) n++;
    fclose(from);
    qsort(lines, n, sizeof(lines[0]), compare);
    for (size_t i = 0; i < n; i++) strcat(all, lines[i]);
    if (!strcmp(all, expected)) return 0;
    fprintf(stderr, "%s: expected\n%shave\n%s", name, expected, all);
    return 1;
}

int main(int argc, char **argv) {
    int failures = 0;

    ram = aligned_alloc(PIECE, 8 * PIECE);
    if (argc != 2 || !ram || !blocks_start(argv[1])) return 2;
    memset(ram, 0, 8 * PIECE);
    ram[5 * PIECE + 1] = ram[6 * PIECE + 1] = ram[2 * PIECE + 1] = 9; /* one page of a program */

    execute(0x200010, 0, BEFORE_DOM0, 5);
    execute(TEXT, 4 * PIECE, DOM0_KERNEL, 6);
    execute(TEXT + 8, 5 * PIECE - 8, DOM0_KERNEL, 7);
    execute(0x401010, 5 * PIECE + 0x10, DOM0_USER, 8);
    execute(0x7f0010, 6 * PIECE + 0x10, DOM0_USER, 1); /* the same place of another process */
    execute(0x7f1010, 6 * PIECE + 0x2010, DOM0_USER, 2);
    blocks_write_all("all");
    failures += wrong(argv[1], "all",
                      "h 200010 5\nk ffffffff80000000 6\nk ffffffff80000008 7\nu 10 9\nu 1010 2\n");

    blocks_sample_start();
    execute(TEXT, 1 * PIECE, DOM0_USER, 10);            /* another kernel where dom0's is */
    execute(0x401010, 2 * PIECE + 0x10, DOM0_USER, 11); /* its program */
    execute(KERNEL_END, 2 * PIECE, DOM0_USER, 12);      /* its module */
    execute(KERNEL_END, 5 * PIECE, DOM0_USER, 13);      /* dom0's there */
    execute(TEXT, 4 * PIECE, DOM0_USER, 14);
    execute(HYPERVISOR_START, 0, DOM0_USER, 15);
    blocks_sample_is_least();
    blocks_sample_start();
    execute(TEXT, 4 * PIECE, DOM0_USER, 100);
    blocks_write_least("0");
    failures += wrong(argv[1], "0",
                      "g ffffffff80000000 10\ng ffffffffc0000000 12\nh ffff800000000000 15\n"
                      "k ffffffff80000000 14\nk ffffffffc0000000 13\nv 10 11\n");
    blocks_write_least("1");
    failures += wrong(argv[1], "1", "");
    free(ram);
    if (!failures) puts("blocks plugin: whose blocks are and samples as wanted");
    return failures != 0;
}
