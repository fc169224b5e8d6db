/* SPDX-License-Identifier: MIT */
/* Hypercalls that do next to nothing: their cost is that of the way in and out. */
#include <public/callback.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "bench.h"

static struct multicall_entry calls[8];
static uint64_t soon, descriptors;
static struct vcpu_set_singleshot_timer singleshot;
extern char entry_stacks[MAX_VCPUS][STACK_SIZE];

static void version(void) { HV_xen_version(XENVER_version, NULL); }
static void unassigned(void) { hypercall0(45); }
static void out_of_range(void) { hypercall0(200); }
static void multicall_8(void) { HV_multicall(calls, 8); }
static void multicall_1(void) { HV_multicall(calls, 1); }
static void stack_switch(void) {
    HV_stack_switch(FLAT_KERNEL_SS, entry_stacks[0] + STACK_SIZE - 16);
}
static void base_fs(void) { HV_set_segment_base(SEGBASE_FS, 0x1000); }
static void base_gs_user(void) { HV_set_segment_base(SEGBASE_GS_USER, 0x1000); }
static void fpu_set(void) { HV_fpu_taskswitch(1); }
static void fpu_clear(void) { HV_fpu_taskswitch(0); }
static void debugreg(void) { HV_set_debugreg(0, 0x1000); }
static void descriptor(void) { HV_update_descriptor(descriptors, 0); }
static void yield(void) { HV_sched_op(SCHEDOP_yield, NULL); }

static void timer_stop(void) { HV_set_timer_op(0); }
static void timer_far(void) { HV_set_timer_op(1UL << 62); }
static void find_soon(void) { singleshot.timeout_abs_ns = soon = now() + SECOND; }
static void timer_second(void) { HV_set_timer_op(soon); }
static void timer_singleshot(void) { HV_vcpu_op(VCPUOP_set_singleshot_timer, 0, &singleshot); }

void bench_calls(void) {
    for (unsigned int i = 0; i < 8; i++) calls[i].op = __HYPERVISOR_xen_version;
    descriptors = virt_to_mfn(page_alloc()) << PAGE_SHIFT;
    measure("xen_version", NULL, version, NULL);
    measure("hypercall 45, unassigned", NULL, unassigned, NULL);
    measure("hypercall 200, out of range", NULL, out_of_range, NULL);
    measure("multicall of 8 xen_version", NULL, multicall_8, NULL);
    measure("multicall of 1 xen_version", NULL, multicall_1, NULL);
    measure("iret, kernel to kernel", NULL, iret_to_self, NULL);
    measure("stack_switch", NULL, stack_switch, NULL);
    measure("set_segment_base FS", NULL, base_fs, NULL);
    measure("set_segment_base GS_USER", NULL, base_gs_user, NULL);
    measure("fpu_taskswitch", NULL, fpu_set, fpu_clear);
    measure("set_debugreg", NULL, debugreg, NULL);
    measure("update_descriptor", NULL, descriptor, NULL);
    measure("sched_op yield", NULL, yield, NULL);
    measure("set_timer_op stop", find_soon, timer_stop, NULL);
    measure("set_timer_op far", find_soon, timer_far, timer_stop);
    measure("set_timer_op +1 s", find_soon, timer_second, timer_stop);
    measure("set_singleshot_timer", find_soon, timer_singleshot, timer_stop);
}
