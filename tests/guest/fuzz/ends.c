/* SPDX-License-Identifier: MIT */
/* How an ordinary guest ends, with all it still holds: by itself, or by what it cannot stand. */
#include <public/sched.h>
#include "fuzz.h"

/* A fault, where the way to its handler is cut off. */
static void fault(void) {
    mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
    asm volatile("mov %rax, 8");
}

static uint64_t in_user(uint64_t unused) {
    asm volatile("int3");
    return unused;
}

/* Until it is destroyed. */
static void go_on(struct fuzzer *f) {
    calls_wanted = ~0UL;
    stop = false;
    for (unsigned int i = 1; i < fuzzing_vcpus; i++) vcpu_start(i, fuzz_loop);
    f->burst = 0;
    fuzz_loop();
}

void end_somehow(struct fuzzer *f) {
    struct sched_shutdown crash = {.reason = SHUTDOWN_crash};
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    struct iret_frame user = {
        .rip = (uint64_t)user_start, .cs = FLAT_USER_CS, .rflags = 2, .ss = FLAT_USER_SS};

    switch (seed % 11) {
    case 0: return;
    case 1: HV_sched_op(SCHEDOP_shutdown, &crash); break;
    case 2: /* no handlers */
        HV_set_trap_table(NULL);
        fault();
        break;
    case 3: /* no memory of its kernel's */
        write_entry(l4_entry(VIRT_BASE), 0);
        fault();
        break;
    case 4: HV_event_channel_op(EVTCHNOP_reset, &reset); return;
    case 5: iret_to(&(struct iret_frame){.rip = 1UL << 63, .cs = FLAT_KERNEL_CS, .rsp = 64});
    case 6: /* a frame for iret that is not there */
        asm volatile("mov %0, %%eax\nmov $64, %%rsp\nsyscall" : : "i"(__HYPERVISOR_iret));
        __builtin_unreachable();
    case 7: /* user mode without its tables */
        mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0);
        iret_to(&user);
    case 8: /* no stack for what user mode raises */
        HV_stack_switch(FLAT_KERNEL_SS, 64);
        run_user(in_user, 0);
        break;
    case 9: /* an upcall without a handler */
        HV_set_callbacks(0, 0, 0);
        f->v->info->evtchn_upcall_pending = 1;
        f->v->info->evtchn_upcall_mask = 0;
        fault();
        break;
    default: go_on(f);
    }
}
