/* SPDX-License-Identifier: MIT */
/*
 * What our plugins use of QEMU's plugin interface, version 1. Its header is in no Debian package.
 * Addresses are the guest's virtual ones.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void tb_cb_t(uint64_t id, struct qemu_plugin_tb *tb);
typedef void exec_cb_t(unsigned int cpu, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_cb_t *cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb_t *cb, int flags,
                                            void *data);
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);

/* The hypervisor's image, by the ABI's division of its address space. */
#define IMAGE_START 0xffff82d040000000
#define IMAGE_SIZE  0x800000
