/* SPDX-License-Identifier: MIT */
/*
 * Hypercall dispatch. A handler takes the guest's arguments as uint64_t values and returns the
 * result for the guest's rax, or -ERESTART after hypercall_continue(). entry/hypercall_list.h lists
 * every hypercall once.
 */
#pragma once

#include <hv/types.h>

#define ERESTART 85 /* never seen by a guest */

/*
 * Arranges that the guest issues this same hypercall again with these arguments (progress is in
 * them). Returns -ERESTART, to be returned by the handler unchanged. Works inside a multicall too.
 */
long hypercall_continue(unsigned int nr_args, ...); /* uint64_t each */
/* The same, but as another hypercall number (domctl helpers that continue elsewhere). */
long hypercall_continue_as(unsigned int op, unsigned int nr_args, ...);

/* Handlers. Guest addresses are uint64_t; see hv/guest_access.h. */
long do_set_trap_table(uint64_t traps);
long do_mmu_update(uint64_t ureqs, uint32_t count, uint64_t pdone, uint32_t foreigndom);
long do_set_gdt(uint64_t frame_list, uint32_t entries);
long do_stack_switch(uint64_t ss, uint64_t esp);
long do_set_callbacks(uint64_t event, uint64_t failsafe, uint64_t syscall);
long do_fpu_taskswitch(int set);
long do_sched_op_compat(int cmd, uint64_t arg);
long do_platform_op(uint64_t op);
long do_set_debugreg(int reg, uint64_t value);
long do_get_debugreg(int reg);
long do_update_descriptor(uint64_t gaddr, uint64_t desc);
long do_memory_op(uint64_t cmd, uint64_t arg);
long do_multicall(uint64_t calls, uint64_t nr);
long do_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags);
long do_set_timer_op(int64_t timeout);
long do_xen_version(int cmd, uint64_t arg);
long do_console_io(uint32_t cmd, uint32_t count, uint64_t buffer);
long do_grant_table_op(uint32_t cmd, uint64_t uop, uint32_t count);
long do_vm_assist(uint32_t cmd, uint32_t type);
long do_update_va_mapping_otherdomain(uint64_t va, uint64_t val, uint64_t flags, uint16_t domid);
long do_iret(void);
long do_vcpu_op(int cmd, uint32_t vcpu, uint64_t arg);
long do_set_segment_base(uint32_t which, uint64_t base);
long do_mmuext_op(uint64_t ops, uint32_t count, uint64_t pdone, uint32_t foreigndom);
long do_xsm_op(uint64_t op);
long do_nmi_op(uint32_t cmd, uint64_t arg);
long do_sched_op(int cmd, uint64_t arg);
long do_callback_op(int cmd, uint64_t arg);
long do_event_channel_op(int cmd, uint64_t arg);
long do_physdev_op(int cmd, uint64_t arg);
long do_sysctl(uint64_t op);
long do_domctl(uint64_t op);
long do_kexec_op(uint64_t op, uint64_t arg);
long do_xenpmu_op(uint32_t op, uint64_t arg);
long do_mca(uint64_t op);
long do_hypfs_op(uint32_t cmd, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
long do_event_channel_op_compat(uint64_t op);
long do_physdev_op_compat(uint64_t op);

/* The page that kernels with a HYPERCALL_PAGE note, and those that write its MSR, call into. */
void hypercall_page_init(void *page);
