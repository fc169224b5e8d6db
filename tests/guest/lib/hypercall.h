/* SPDX-License-Identifier: MIT */
/* Hypercalls by a bare `syscall`: no hypercall page is needed. They can be recorded: record.h. */
#pragma once

#include <stdint.h>
#include <public/xen.h>

long hypercall(unsigned int op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

#define HC_ARG(x)                  ((uint64_t)(x))
#define hypercall0(op)             hypercall(op, 0, 0, 0, 0, 0)
#define hypercall1(op, a)          hypercall(op, HC_ARG(a), 0, 0, 0, 0)
#define hypercall2(op, a, b)       hypercall(op, HC_ARG(a), HC_ARG(b), 0, 0, 0)
#define hypercall3(op, a, b, c)    hypercall(op, HC_ARG(a), HC_ARG(b), HC_ARG(c), 0, 0)
#define hypercall4(op, a, b, c, d) hypercall(op, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), 0)

#define HV_sched_op(cmd, arg)            hypercall2(__HYPERVISOR_sched_op, cmd, arg)
#define HV_event_channel_op(cmd, arg)    hypercall2(__HYPERVISOR_event_channel_op, cmd, arg)
#define HV_physdev_op(cmd, arg)          hypercall2(__HYPERVISOR_physdev_op, cmd, arg)
#define HV_memory_op(cmd, arg)           hypercall2(__HYPERVISOR_memory_op, cmd, arg)
#define HV_xen_version(cmd, arg)         hypercall2(__HYPERVISOR_xen_version, cmd, arg)
#define HV_vcpu_op(cmd, vcpu, arg)       hypercall3(__HYPERVISOR_vcpu_op, cmd, vcpu, arg)
#define HV_grant_table_op(cmd, arg, n)   hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, n)
#define HV_mmu_update(req, n, done, dom) hypercall4(__HYPERVISOR_mmu_update, req, n, done, dom)
#define HV_mmuext_op(op, n, done, dom)   hypercall4(__HYPERVISOR_mmuext_op, op, n, done, dom)
#define HV_update_va_mapping(va, val, flags)                                                       \
    hypercall3(__HYPERVISOR_update_va_mapping, va, val, flags)
#define HV_update_descriptor(maddr, desc) hypercall2(__HYPERVISOR_update_descriptor, maddr, desc)
#define HV_set_gdt(frames, entries)       hypercall2(__HYPERVISOR_set_gdt, frames, entries)
#define HV_stack_switch(ss, sp)           hypercall2(__HYPERVISOR_stack_switch, ss, sp)
#define HV_set_trap_table(table)          hypercall1(__HYPERVISOR_set_trap_table, table)
#define HV_set_callbacks(ev, fail, sc)    hypercall3(__HYPERVISOR_set_callbacks, ev, fail, sc)
#define HV_callback_op(cmd, arg)          hypercall2(__HYPERVISOR_callback_op, cmd, arg)
#define HV_fpu_taskswitch(set)            hypercall1(__HYPERVISOR_fpu_taskswitch, set)
#define HV_set_segment_base(which, b)     hypercall2(__HYPERVISOR_set_segment_base, which, b)
#define HV_set_timer_op(when)             hypercall1(__HYPERVISOR_set_timer_op, when)
#define HV_multicall(calls, n)            hypercall2(__HYPERVISOR_multicall, calls, n)
#define HV_vm_assist(cmd, type)           hypercall2(__HYPERVISOR_vm_assist, cmd, type)
#define HV_set_debugreg(reg, val)         hypercall2(__HYPERVISOR_set_debugreg, reg, val)
#define HV_get_debugreg(reg)              hypercall1(__HYPERVISOR_get_debugreg, reg)
#define HV_console_io(cmd, n, buf)        hypercall3(__HYPERVISOR_console_io, cmd, n, buf)
#define HV_platform_op(op)                hypercall1(__HYPERVISOR_platform_op, op)
