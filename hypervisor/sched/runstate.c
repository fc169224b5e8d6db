/* SPDX-License-Identifier: MIT */
/*
 * How long each vcpu spent running, runnable, blocked, offline (public/vcpu.h), and the copy of it
 * that a guest may register at one of its virtual addresses. That copy is written only while the
 * vcpu's own page tables are loaded; an address that is no longer mapped is silently passed over.
 */
#include <hv/bitops.h>
#include <hv/domain.h>
#include <hv/guest_access.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include "runstate.h"

void runstate_set(struct vcpu *v, int state, uint64_t now) {
    struct vcpu_runstate_info *r = &v->sched.runstate;

    if (now > r->state_entry_time) {
        r->time[r->state] += now - r->state_entry_time;
        r->state_entry_time = now;
    }
    r->state = state;
}

int runstate_when_off(const struct vcpu *v) {
    return (v->pause_flags & BIT(VPF_BLOCKED)) && !v->pause_count && !v->domain->pause_count
               ? RUNSTATE_blocked
               : RUNSTATE_offline;
}

void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out) {
    struct vcpu_runstate_info r;
    uint64_t now;

    for (;;) {
        spinlock_t *l = &pcpus[READ_ONCE(v->sched.cpu)]->sched.lock;

        spin_lock(l);
        if (l == &pcpus[v->sched.cpu]->sched.lock) {
            r = v->sched.runstate;
            spin_unlock(l);
            break;
        }
        spin_unlock(l);
    }
    now = now_ns();
    if (now > r.state_entry_time) r.time[r.state] += now - r.state_entry_time;
    *out = r;
}

static void publish(struct vcpu *v) {
    struct vcpu_runstate_info r = v->sched.runstate;
    uint64_t va = v->runstate_va;
    uint64_t time_field = va + offsetof(struct vcpu_runstate_info, state_entry_time);

    if (v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag)) {
        r.state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (copy_to_guest(time_field, &r.state_entry_time, sizeof(r.state_entry_time)) ||
            copy_to_guest(va, &r, sizeof(r)))
            return;
        r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
        if (copy_to_guest(time_field, &r.state_entry_time, sizeof(r.state_entry_time))) return;
    } else if (copy_to_guest(va, &r, sizeof(r))) {
        return;
    }
}

/* The area is a guest-kernel address: a vcpu in user mode needs its kernel base for the moment. */
void runstate_publish_before_switch(struct vcpu *prev) {
    bool user = !prev->arch.kernel_mode;

    if (!prev->runstate_va) return;
    if (user) {
        prev->arch.kernel_mode = true;
        mm_load_base(prev);
    }
    publish(prev);
    if (user) prev->arch.kernel_mode = false; /* whoever runs next loads its own base */
}

void runstate_publish_after_switch(struct vcpu *next) {
    bool user = !next->arch.kernel_mode;

    if (!next->runstate_va) return;
    if (user) {
        next->arch.kernel_mode = true;
        mm_load_base(next);
    }
    publish(next);
    if (user) {
        next->arch.kernel_mode = false;
        mm_load_base(next);
    }
}
