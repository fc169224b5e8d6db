/* SPDX-License-Identifier: MIT */
/* A virtual CPU. */
#pragma once

#include <hv/event.h>
#include <hv/mm.h>
#include <hv/sched.h>
#include <public/vcpu.h>
#include <x86/state.h>

struct vcpu {
    uint32_t id;
    struct domain *domain;
    unsigned long pause_flags; /* enum pause_flag bits, atomic */
    int32_t pause_count;       /* atomic */
    bool initialised;          /* has had a context set. d->lock */
    bool is_running;           /* chosen by CPU sched.cpu, or state not yet saved; atomic */
    struct sched_vcpu sched;
    struct event_vcpu event;
    struct mm_vcpu mm;
    struct vcpu_info *info; /* in shared_info, registered frame, or a private dummy */
    mfn_t info_mfn;         /* registered frame we hold a writable reference on, or INVALID */
    uint64_t runstate_va;   /* guest address, 0: none */
    uint64_t time_va;       /* VCPUOP_register_vcpu_time_memory_area, 0: none */
    struct arch_vcpu arch;
};
