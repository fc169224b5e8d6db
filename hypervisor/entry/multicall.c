/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_multicall: hypercalls one after another, each entry copied once. The whole is
 * preemptible between entries, and inside an entry that is preemptible itself: its new arguments
 * are written to the guest's entry and the multicall goes on there.
 */
#include "entry.h"

#include <hv/domain.h>
#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/softirq.h>

#define PREEMPT_EVERY 8 /* entries */

static int put_result(uint64_t entry, long result) {
    uint64_t v = (uint64_t)result;

    return copy_to_guest(entry + offsetof(struct multicall_entry, result), &v, sizeof(v));
}

#define ENTRY_LAST 1 /* iret: the rest belongs to a context that is gone */

/* 0 or ENTRY_LAST; -ERESTART: this entry wants to be called again; -EFAULT. */
static long do_entry(struct vcpu *v, uint64_t entry, long *result) {
    struct multicall_entry mc;

    if (copy_from_guest(&mc, entry, sizeof(mc))) return -EFAULT;
    v->arch.multicall = &mc;
    *result = hypercall_call((uint32_t)mc.op, (const uint64_t *)mc.args);
    v->arch.multicall = NULL;
    if (unlikely(*result == -ERESTART))
        return copy_to_guest(entry, &mc, sizeof(mc)) ? -EFAULT : -ERESTART;
    if (unlikely((uint32_t)mc.op == __HYPERVISOR_iret)) return ENTRY_LAST;
    return put_result(entry, *result);
}

long do_multicall(uint64_t calls, uint64_t nr) {
    struct vcpu *v = current;
    uint32_t count = (uint32_t)nr, done;
    long rc = 0, result;

    if (v->arch.multicall) return -EINVAL;
    for (done = 0; done < count; done++) {
        uint64_t entry = calls + (uint64_t)done * sizeof(struct multicall_entry);

        if (done && done % PREEMPT_EVERY == 0 && preempt_check()) {
            rc = -ERESTART;
            break;
        }
        rc = do_entry(v, entry, &result);
        if (unlikely(rc == ENTRY_LAST)) return result;
        if (rc) break;
    }
    if (rc == -ERESTART)
        return hypercall_continue(2, calls + (uint64_t)done * sizeof(struct multicall_entry),
                                  (uint64_t)(count - done));
    return rc;
}
