/* SPDX-License-Identifier: MIT */
/*
 * Giving back a dying domain's frames, after its vcpus let go of theirs. Each frame loses its pin,
 * its partial state and its owner's reference, in that order; most then go at once or when the
 * tables that map them are torn down. What others still hold moves to the list of kept frames and
 * goes with their last reference. The domain is DYING, so no frame comes and no pin stays.
 */
#include "mm_local.h"

static int finish_partial(struct frame *f) {
    while (frame_finish_partial(f))
        if (preempt_check()) return -ERESTART;
    return 0;
}

/* f has a reference of ours. */
static int give_up(struct domain *d, struct frame *f) {
    int rc;

    if (frame_unpin(f)) {
        (void)frame_put_type_preemptible(f); /* what is left to do is partial: next */
        frame_drop(f);
    }
    rc = finish_partial(f);
    if (rc) return rc;
    free_domain_frame(f);
    domain_keep_frame(d, f);
    return 0;
}

int mm_relinquish_domain(struct domain *d) {
    int rc = mm_finish_pending(current);
    struct frame *f;

    if (rc) return rc;
    domain_set_claim(d, 0);
    while (READ_ONCE(d->mm.first_frame)) {
        f = domain_first_frame(d);
        if (f) {
            rc = give_up(d, f);
            frame_drop(f);
            if (rc) return rc;
        } else {
            smp_poll();
        }
        if (preempt_check()) return -ERESTART;
    }
    return 0;
}
