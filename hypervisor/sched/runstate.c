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
    struct sched_pcpu *q = vcpu_lock_queue(v);
    uint64_t now;

    *out = v->sched.runstate;
    spin_unlock(&q->lock);
    now = now_ns();
    if (now > out->state_entry_time) out->time[out->state] += now - out->state_entry_time;
}

static void publish(const struct vcpu *v) {
    struct vcpu_runstate_info r = v->sched.runstate;
    uint64_t va = v->runstate_va;
    uint64_t time_field = va + offsetof(struct vcpu_runstate_info, state_entry_time);
    bool flag = v->domain->vm_assist & BIT(VMASST_TYPE_runstate_update_flag);

    if (flag) {
        r.state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (copy_to_guest(time_field, &r.state_entry_time, sizeof(r.state_entry_time))) return;
    }
    if (copy_to_guest(va, &r, sizeof(r)) || !flag) return;
    r.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
    (void)!copy_to_guest(time_field, &r.state_entry_time, sizeof(r.state_entry_time));
}

/* The area is a guest-kernel address: a vcpu in user mode needs its kernel base for the moment. */
void runstate_publish(struct vcpu *v, bool leaving) {
    bool user = !v->arch.kernel_mode;

    if (!v->runstate_va) return;
    if (user) {
        v->arch.kernel_mode = true;
        mm_load_base(v);
    }
    publish(v);
    if (!user) return;
    v->arch.kernel_mode = false;
    if (!leaving) mm_load_base(v); /* else whoever runs next loads its own */
}
