/* SPDX-License-Identifier: MIT */
/* A domain's own console: the ring that dom0's xenconsoled reads. dom0 itself has none. */
#include <public/event_channel.h>
#include <public/io/console.h>
#include "lib.h"
#include "mm.h"
#include "vcpu.h"

static bool console_lock;

bool in_dom0(void) { return !si || (si->flags & SIF_INITDOMAIN); }

/* Waits for room: a reader that is slow loses nothing, one that never reads stops this vcpu. */
void ring_console_write(const char *text, size_t n) {
    static struct xencons_interface *ring;
    struct evtchn_send send = {.port = si->console.domU.evtchn};

    if (!ring) ring = mfn_to_virt(si->console.domU.mfn);
    while (__atomic_test_and_set(&console_lock, __ATOMIC_ACQUIRE)) relax();
    while (n) {
        XENCONS_RING_IDX at = ring->out_prod;

        while (n && at - READ_ONCE(ring->out_cons) < sizeof(ring->out)) {
            ring->out[MASK_XENCONS_IDX(at++, ring->out)] = *text++;
            n--;
        }
        mb();
        WRITE_ONCE(ring->out_prod, at);
        HV_event_channel_op(EVTCHNOP_send, &send);
        if (n) hypercall2(__HYPERVISOR_sched_op, 0 /* yield */, 0);
    }
    __atomic_clear(&console_lock, __ATOMIC_RELEASE);
}
