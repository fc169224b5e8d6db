/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, base pointers, flushes, LDT, clearing and copying of frames. Continuation works
 * as in mmu_update.c. Only pins, and clearing and copying, may name another domain's frames.
 */
#include <hv/guest_access.h>

#include "mm_local.h"

#define PREEMPTED 0x80000000u

static int pin(struct domain *d, uint64_t mfn, uint64_t type) {
    struct frame *f = frame_of(mfn);
    int rc;

    if (!f || !frame_try_get(f, owner_tag(d))) return -EINVAL;
    rc = frame_get_type(f, type);
    if (rc) {
        frame_drop(f);
        return rc;
    }
    rc = frame_pin(f) ? 0 : -EINVAL;
    /* The destruction of d looks for pins after it made d dying: one of us sees the other. */
    if (!rc && (READ_ONCE(d->state) < DOM_DYING || !frame_unpin(f))) return 0;
    if (frame_put_type_preemptible(f))
        pending_add(f); /* with our frame reference */
    else
        frame_drop(f);
    return rc;
}

int mm_pin_table(struct domain *d, mfn_t table, unsigned int level) {
    return pin(d, mfn_x(table), (uint64_t)level << FT_SHIFT);
}

static int unpin(struct domain *d, uint64_t mfn) {
    struct frame *f = frame_of(mfn);

    if (!f || !frame_try_get(f, owner_tag(d))) return -EINVAL;
    if (!frame_unpin(f)) {
        frame_drop(f);
        return -EINVAL;
    }
    frame_drop(f); /* ours; the pin's is next */
    if (frame_put_type_preemptible(f))
        pending_add(f);
    else
        frame_drop(f);
    return 0;
}

static int clear_page(struct domain *d, uint64_t mfn) {
    struct frame *f = frame_of(mfn);

    if (!f || !frame_get_writable(f, d)) return -EINVAL;
    clear_frame(frame_virt(f));
    frame_put_writable(f);
    return 0;
}

static int copy_page(struct domain *d, uint64_t dst_mfn, uint64_t src_mfn) {
    struct frame *dst = frame_of(dst_mfn), *src = frame_of(src_mfn);

    if (!src || !frame_get(src, d)) return -EINVAL;
    if (!dst || !frame_get_writable(dst, d)) {
        frame_put(src);
        return -EINVAL;
    }
    copy_frame(frame_virt(dst), frame_virt(src));
    frame_put_writable(dst);
    frame_put(src);
    return 0;
}

static void flush_caches(void *unused) {
    (void)unused;
    __asm__ volatile("wbinvd" : : : "memory");
}

static int flush_cache(struct domain *d) {
    if (!d->is_control && (!d->iomem_caps || rangeset_is_empty(d->iomem_caps)) &&
        (!d->ioport_caps || rangeset_is_empty(d->ioport_caps)))
        return -EACCES;
    flush_caches(NULL);
    smp_call_others(flush_caches, NULL);
    return 0;
}

static int set_ldt(struct vcpu *v, const struct mmuext_op *op) {
    int rc = mm_set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);

    if (!rc) mm_load_ldt(v);
    return rc;
}

static int flush_multi(struct vcpu *v, const struct mmuext_op *op, uint64_t va) {
    return flush_vcpus(v->domain, (uint64_t)(uintptr_t)op->arg2.vcpumask.p, va) ? -EINVAL : 0;
}

/* Operations on current's own state: foreign owners have no business here. */
static int own_op(struct vcpu *v, const struct mmuext_op *op) {
    uint64_t va = op->arg1.linear_addr;

    switch (op->cmd) {
    case MMUEXT_NEW_BASEPTR: return new_base(v, op->arg1.mfn);
    case MMUEXT_NEW_USER_BASEPTR: return new_user_base(v, op->arg1.mfn);
    case MMUEXT_TLB_FLUSH_LOCAL: tlb_flush_local(); return 0;
    case MMUEXT_INVLPG_LOCAL: tlb_flush_page_local(va); return 0;
    case MMUEXT_TLB_FLUSH_MULTI: return flush_multi(v, op, FLUSH_ALL_VA);
    case MMUEXT_INVLPG_MULTI: return guest_va(va) ? flush_multi(v, op, va) : 0;
    case MMUEXT_TLB_FLUSH_ALL: flush_domain(v->domain, FLUSH_ALL_VA); return 0;
    case MMUEXT_INVLPG_ALL:
        if (guest_va(va)) flush_domain(v->domain, va);
        return 0;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL: return flush_cache(v->domain);
    case MMUEXT_SET_LDT: return set_ldt(v, op);
    default: return -ENOSYS;
    }
}

static int one_op(const struct mmuext_op *op, struct domain *d) {
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE: return pin(d, op->arg1.mfn, FT_L1 + ((uint64_t)op->cmd << FT_SHIFT));
    case MMUEXT_UNPIN_TABLE: return unpin(d, op->arg1.mfn);
    case MMUEXT_CLEAR_PAGE: return clear_page(d, op->arg1.mfn);
    case MMUEXT_COPY_PAGE: return copy_page(d, op->arg1.mfn, op->arg2.src_mfn);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER: return -EOPNOTSUPP;
    }
    if (op->cmd > MMUEXT_UNMARK_SUPER || op->cmd == 14) return -ENOSYS;
    if (unlikely(d != current->domain)) return -EPERM;
    return own_op(current, op);
}

static int requests(uint64_t uops, uint32_t count, struct domain *d, uint32_t *done) {
    struct mmuext_op op;
    int rc = 0;

    for (uint32_t i = 0; !rc && i < count; i++) {
        if (unlikely(current->mm.pending || (i && preempt_check()))) return -ERESTART;
        if (unlikely(copy_from_guest_idx(&op, uops, i))) return -EFAULT;
        rc = one_op(&op, d);
        if (likely(!rc)) ++*done;
    }
    return rc;
}

long do_mmuext_op(uint64_t uops, uint32_t count, uint64_t pdone, uint32_t foreigndom) {
    uint32_t earlier = 0, done = 0;
    struct domain *d;
    long rc;

    if (unlikely(mm_finish_pending(current)))
        return hypercall_continue(4, uops, (uint64_t)count, pdone, (uint64_t)foreigndom);
    if (unlikely(count & PREEMPTED)) {
        if (count == PREEMPTED && !uops) return (int)foreigndom;
        count &= ~PREEMPTED;
        if (pdone && copy_from_guest(&earlier, pdone, sizeof(earlier))) earlier = 0;
    }
    d = frames_owner_get((domid_t)foreigndom);
    if (!d) return -ESRCH;
    rc = unlikely(d != current->domain) ? policy_check(current->domain, d, POL_MMU_FOREIGN, 0) : 0;
    if (rc) {
        frames_owner_put(d);
        return rc;
    }
    rc = requests(uops, count, d, &done);
    frames_owner_put(d);
    if (rc == -ERESTART)
        rc =
            hypercall_continue(4, uops + done * sizeof(struct mmuext_op),
                               (uint64_t)((count - done) | PREEMPTED), pdone, (uint64_t)foreigndom);
    else if (unlikely(current->mm.pending))
        rc = hypercall_continue(4, 0UL, (uint64_t)PREEMPTED, 0UL, (uint64_t)(uint32_t)rc);
    if (pdone) {
        done += earlier;
        if (copy_to_guest(pdone, &done, sizeof(done))) return rc;
    }
    return rc;
}
