/* SPDX-License-Identifier: MIT */
/*
 * A plugin of QEMU (TCG) that notes which instructions of the hypervisor's image run. What QEMU
 * translates it runs next, so the cost is nothing but a store at the translation; only what stands
 * behind an instruction that faults, in the same block, is noted without having run.
 *
 * Argument: out= a file of a byte an address, 1 where an instruction was. It is mapped, so that it
 * is whole however QEMU ends, and later runs add to it.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arguments.h"
#include "qemu_plugin.h"

int qemu_plugin_version = 1;

static uint8_t *executed;

static void translated(uint64_t id, struct qemu_plugin_tb *tb) {
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        uint64_t at = qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, i)) - IMAGE_START;

        if (at < IMAGE_SIZE) executed[at] = 1;
    }
}

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
    const char *out;
    const struct argument arguments[] = {{.name = "out", .text = &out}};
    int fd;

    (void)info;
    if (!read_arguments(argc, argv, arguments, 1)) return -1;
    fd = open(out, O_RDWR | O_CREAT, 0644);
    if (fd < 0 || ftruncate(fd, IMAGE_SIZE)) return -1;
    executed = mmap(NULL, IMAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (executed == MAP_FAILED) return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    return 0;
}
