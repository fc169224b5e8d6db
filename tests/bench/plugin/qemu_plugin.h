/* SPDX-License-Identifier: MIT */
/*
 * What is used of the interface of QEMU's plugins, version 1: its header is in no Debian package.
 * And the hypervisor's part of the address space, by the ABI.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };
typedef void tb_cb_t(uint64_t id, struct qemu_plugin_tb *tb);
typedef void exec_cb_t(unsigned int cpu, void *data);
typedef void cpu_cb_t(uint64_t id, unsigned int cpu);
void qemu_plugin_register_vcpu_init_cb(uint64_t id, cpu_cb_t *cb);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, tb_cb_t *cb);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
/* Where QEMU has the guest's memory. */
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb_t *cb, int flags,
                                            void *data);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, enum qemu_plugin_op op,
                                              void *ptr, uint64_t imm);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
EXPORT int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv);
EXPORT extern int qemu_plugin_version;

#define USER_END         0x0000800000000000
#define HYPERVISOR_START 0xffff800000000000
#define HYPERVISOR_END   0xffff880000000000
/* Its image: stock Xen's and Hospes's. */
#define IMAGE_START 0xffff82d040000000
#define IMAGE_SIZE  0x800000
/* Where Linux's image is; behind it are its modules. */
#define KERNEL_START 0xffffffff80000000
#define KERNEL_END   0xffffffffc0000000
