/* SPDX-License-Identifier: MIT */
/*
 * Guest frames that Hospes itself writes: vcpu_info, event FIFO pages. They are reached by the
 * direct map and held by a frame and a writable type reference, so they stay with their owner and
 * never become tables. A list of those that others mapped is kept for the audit. For a PV guest a
 * gfn is a machine frame number.
 */
#include "mm_local.h"

void *mm_map_guest_frame(struct domain *d, uint64_t gfn, int *err) {
    struct mapped_frame *m = hv_new(struct mapped_frame);
    struct frame *f = frame_of(gfn);

    *err = m ? -EINVAL : -ENOMEM;
    if (!m || !f || !frame_get_writable(f, d)) {
        hv_free(m);
        return NULL;
    }
    m->frame = f;
    spin_lock(&d->mm.lock);
    list_add(&m->list, &d->mm.mapped);
    spin_unlock(&d->mm.lock);
    *err = 0;
    return frame_virt(f);
}

void mm_unmap_guest_frame(void *va) {
    struct frame *f = mfn_to_frame(virt_to_mfn(va));
    struct domain *d = frame_owner(f);
    struct mapped_frame *m;

    spin_lock(&d->mm.lock);
    list_for_each(m, &d->mm.mapped, list)
        if (m->frame == f) break;
    BUG_ON(&m->list == &d->mm.mapped);
    list_del(&m->list);
    spin_unlock(&d->mm.lock);
    hv_free(m);
    frame_put_writable(f);
}

/* Registers, once. Pending events of the old place count for the new one: all are marked. */
int mm_map_vcpu_info(struct vcpu *v, uint64_t gfn, uint32_t offset) {
    struct vcpu_info *new, *old = v->info;
    struct frame *f = frame_of(gfn);

    if (offset > PAGE_SIZE - sizeof(*new) || (offset & 7)) return -ENXIO;
    if (!mfn_eq(v->info_mfn, INVALID_MFN)) return -EINVAL;
    if (v != current && !test_bit(VPF_DOWN, &v->pause_flags)) return -EINVAL;
    if (!f || !frame_get_writable(f, v->domain)) return -EINVAL;
    new = (struct vcpu_info *)((char *)frame_virt(f) + offset);
    memcpy(new, old, sizeof(*new));
    v->info_mfn = frame_to_mfn(f);
    __atomic_store_n(&v->info, new, __ATOMIC_SEQ_CST);
    /* Events sent to the old place while it was copied must not be lost. */
    __atomic_store_n(&new->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
    vcpu_mark_events_pending(v);
    return 0;
}

/* The vcpu never runs again; what still sends events to it finds the dummy. */
void vcpu_info_drop(struct vcpu *v) {
    mfn_t m = v->info_mfn;

    if (mfn_eq(m, INVALID_MFN)) return;
    __atomic_store_n(&v->info, &dummy_vcpu_info, __ATOMIC_SEQ_CST);
    v->info_mfn = INVALID_MFN;
    frame_put_writable(mfn_to_frame(m));
}
