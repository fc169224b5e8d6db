/* SPDX-License-Identifier: MIT */
/*
 * Every hypercall once: HYPERCALL(number, name, how many arguments, do_name()'s parameters).
 * hv/hypercall.h expands this to declarations, entry/hypercall.c to the dispatch switch. A number
 * that is not here is -ENOSYS. Who may call, a handler decides, mostly by policy_check().
 *
 * Guest addresses are uint64_t; see hv/guest_access.h. The guest's registers are cut to narrower
 * parameters.
 */
HYPERCALL(0, set_trap_table, 1, (uint64_t traps))
HYPERCALL(1, mmu_update, 4, (uint64_t ureqs, uint32_t count, uint64_t pdone, uint32_t foreigndom))
HYPERCALL(2, set_gdt, 2, (uint64_t frame_list, uint32_t entries))
HYPERCALL(3, stack_switch, 2, (uint64_t ss, uint64_t esp))
HYPERCALL(4, set_callbacks, 3, (uint64_t event, uint64_t failsafe, uint64_t syscall))
HYPERCALL(5, fpu_taskswitch, 1, (int set))
HYPERCALL(6, sched_op_compat, 2, (int cmd, uint64_t arg))
HYPERCALL(7, platform_op, 1, (uint64_t op))
HYPERCALL(8, set_debugreg, 2, (int reg, uint64_t value))
HYPERCALL(9, get_debugreg, 1, (int reg))
HYPERCALL(10, update_descriptor, 2, (uint64_t gaddr, uint64_t desc))
HYPERCALL(12, memory_op, 2, (uint64_t cmd, uint64_t arg))
HYPERCALL(13, multicall, 2, (uint64_t calls, uint64_t nr))
HYPERCALL(14, update_va_mapping, 3, (uint64_t va, uint64_t val, uint64_t flags))
HYPERCALL(15, set_timer_op, 1, (int64_t timeout))
HYPERCALL(16, event_channel_op_compat, 1, (uint64_t op))
HYPERCALL(17, xen_version, 2, (int cmd, uint64_t arg))
HYPERCALL(18, console_io, 3, (uint32_t cmd, uint32_t count, uint64_t buffer))
HYPERCALL(19, physdev_op_compat, 1, (uint64_t op))
HYPERCALL(20, grant_table_op, 3, (uint32_t cmd, uint64_t uop, uint32_t count))
HYPERCALL(21, vm_assist, 2, (uint32_t cmd, uint32_t type))
HYPERCALL(22, update_va_mapping_otherdomain, 4,
          (uint64_t va, uint64_t val, uint64_t flags, uint16_t domid))
HYPERCALL(23, iret, 0, (void))
HYPERCALL(24, vcpu_op, 3, (int cmd, uint32_t vcpu, uint64_t arg))
HYPERCALL(25, set_segment_base, 2, (uint32_t which, uint64_t base))
HYPERCALL(26, mmuext_op, 4, (uint64_t ops, uint32_t count, uint64_t pdone, uint32_t foreigndom))
HYPERCALL(28, nmi_op, 2, (uint32_t cmd, uint64_t arg))
HYPERCALL(29, sched_op, 2, (int cmd, uint64_t arg))
HYPERCALL(30, callback_op, 2, (int cmd, uint64_t arg))
HYPERCALL(32, event_channel_op, 2, (int cmd, uint64_t arg))
HYPERCALL(33, physdev_op, 2, (int cmd, uint64_t arg))
HYPERCALL(35, sysctl, 1, (uint64_t op))
HYPERCALL(36, domctl, 1, (uint64_t op))
HYPERCALL(37, kexec_op, 0, (void))
HYPERCALL(40, xenpmu_op, 0, (void))
HYPERCALL(48, mca, 1, (uint64_t op))
