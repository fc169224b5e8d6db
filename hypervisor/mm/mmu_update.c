/* SPDX-License-Identifier: MIT */
/*
 * mmu_update, update_va_mapping and mmuext_op. The first and the last carry out lists of requests:
 * those before a failing one stand, and *pdone says how many. A request that is preempted inside (a
 * new table's validation) is issued again; what an old entry's table leaves to tear down is
 * finished by the continuation before anything else.
 */
#include "mm_local.h"

#define PREEMPTED 0x80000000u /* MMU_UPDATE_PREEMPTED: in count, *pdone holds earlier progress */

struct batch {
    uint64_t reqs;
    uint32_t count;
    uint64_t pdone;
    uint32_t foreigndom;
    uint32_t earlier, done; /* requests: before this continuation, in it */
};

/* True: *rc is the hypercall's answer. */
static inline bool batch_begin(struct batch *b, long *rc) {
    if (unlikely(current->mm.pending) && mm_finish_pending(current)) {
        *rc = hypercall_continue(4, b->reqs, (uint64_t)b->count, b->pdone, (uint64_t)b->foreigndom);
        return true;
    }
    if (likely(!(b->count & PREEMPTED))) return false;
    *rc = (int)b->foreigndom; /* all that was left: see batch_end */
    if (b->count == PREEMPTED && !b->reqs) return true;
    b->count &= ~PREEMPTED;
    if (b->pdone && copy_from_guest(&b->earlier, b->pdone, sizeof(b->earlier))) b->earlier = 0;
    return false;
}

/* Copies in request i. */
static inline int batch_next(const struct batch *b, uint32_t i, void *req, size_t size) {
    if (unlikely(current->mm.pending || (i && preempt_check()))) return -ERESTART;
    return likely(!copy_from_guest(req, b->reqs + i * size, size)) ? 0 : -EFAULT;
}

static inline long batch_end(struct batch *b, long rc, size_t size) {
    uint64_t left = (b->count - b->done) | PREEMPTED;

    if (rc == -ERESTART)
        rc = hypercall_continue(4, b->reqs + b->done * size, left, b->pdone,
                                (uint64_t)b->foreigndom);
    else if (unlikely(current->mm.pending)) /* the result travels in foreigndom */
        rc = hypercall_continue(4, 0UL, (uint64_t)PREEMPTED, 0UL, (uint64_t)(uint32_t)rc);
    if (b->pdone) {
        b->done += b->earlier;
        if (copy_to_guest(b->pdone, &b->done, sizeof(b->done)))
            return rc; /* the count is lost; the updates stand, and so does their result */
    }
    return rc;
}

/* The owner of frames named in a hypercall, with a reference; NULL: none. */
static struct domain *frames_owner_get(domid_t id) {
    struct domain *d = current->domain;

    if (id == DOMID_SELF) return d; /* current needs no reference */
    if (id == DOMID_IO) return &dom_io;
    if (id == DOMID_XEN) return &dom_xen;
    if (id == d->id) return NULL; /* as Xen: oneself is named by DOMID_SELF only */
    return domain_get(id);
}

static void frames_owner_put(struct domain *d) {
    if (d != current->domain && d != &dom_io && d != &dom_xen) domain_put(d);
}

static inline int check_owner(const struct domain *d) {
    return likely(d == current->domain) ? 0 : policy_check(current->domain, d, POL_MMU_FOREIGN, 0);
}

/* L1 entries may also name device memory: each such frame is checked by itself. */
static int check_mapped_owner(const struct domain *d) { return d == &dom_io ? 0 : check_owner(d); }

struct targets {
    struct domain *pt, *pg; /* owners of the tables, of the frames that L1 entries name */
    struct frame *table;    /* that of the request before, held; NULL: none */
    uint64_t type;          /* its */
};

/* Writes to a frame that is no table: plain memory of its owner. */
static int write_plain(struct frame *f, uint64_t offset, uint64_t val, const struct domain *d) {
    if (!frame_get_writable(f, d)) return -EINVAL;
    WRITE_ONCE(*(uint64_t *)((char *)frame_virt(f) + offset), val);
    frame_put_writable(f);
    return 0;
}

/* May leave a teardown to current. */
static inline void table_release(struct targets *t) {
    if (t->table) frame_put_typed(t->table);
    t->table = NULL;
}

/* Requests mostly come one after another for one table, which is held meanwhile. */
static int pt_update(uint64_t ptr, uint64_t val, struct targets *t, bool preserve_ad) {
    struct frame *f = frame_of(ptr >> PAGE_SHIFT);
    uint64_t *slot;

    if (unlikely(!f)) return -EINVAL;
    if (f != t->table) {
        table_release(t);
        if (unlikely(current->mm.pending)) return -ERESTART; /* val may leave one too */
        t->type = table_hold(t->pt, f);
        if (unlikely(t->type == FT_NONE)) return write_plain(f, ptr & ~PAGE_MASK, val, t->pt);
        t->table = f;
    }
    /* Not of f, which a CPU might only guess to be the one that is held. */
    slot = (uint64_t *)((char *)frame_virt(t->table) + (ptr & ~PAGE_MASK));
    if (likely(t->type == FT_L1)) return l1_update(slot, val, t->pt, t->pg, preserve_ad);
    if (t->pg != t->pt) return -EINVAL;
    return table_update(t->table, (unsigned int)(t->type >> FT_SHIFT), slot, val, preserve_ad);
}

static int machphys_update(uint64_t ptr, uint64_t pfn, struct targets *t) {
    struct frame *f = frame_of(ptr >> PAGE_SHIFT);

    if (t->pt != current->domain) return -EPERM;
    if (!f || !frame_try_get(f, owner_tag(t->pg))) return -EINVAL;
    m2p_set(frame_to_mfn(f), pfn);
    frame_drop(f);
    return 0;
}

static int one_request(uint64_t ptr, uint64_t val, struct targets *t) {
    unsigned int cmd = ptr & 7;

    switch (cmd) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_PRESERVE_AD:
    case MMU_PT_UPDATE_NO_TRANSLATE:
        return pt_update(ptr - cmd, val, t, cmd == MMU_PT_UPDATE_PRESERVE_AD);
    case MMU_MACHPHYS_UPDATE: return machphys_update(ptr, val, t);
    default: return -ENOSYS;
    }
}

static int owners_get(struct targets *t, uint32_t foreigndom) {
    t->pt = t->pg = current->domain;
    if (likely(foreigndom == DOMID_SELF)) return 0;
    if (foreigndom >> 16) {
        t->pt = domain_get((domid_t)((foreigndom >> 16) - 1));
        if (!t->pt) return -ESRCH;
        if (!domain_vcpu(t->pt, 0)) {
            domain_put(t->pt);
            return -EINVAL;
        }
    }
    t->pg = frames_owner_get((domid_t)foreigndom);
    if (t->pg) return 0;
    if (foreigndom >> 16) domain_put(t->pt);
    return -ESRCH;
}

static void owners_put(struct targets *t, uint32_t foreigndom) {
    if (likely(foreigndom == DOMID_SELF)) return;
    frames_owner_put(t->pg);
    if (foreigndom >> 16) domain_put(t->pt);
}

long do_mmu_update(uint64_t ureqs, uint32_t count, uint64_t pdone, uint32_t foreigndom) {
    struct batch b = {ureqs, count, pdone, foreigndom, 0, 0};
    struct mmu_update req;
    struct targets t = {0};
    long rc;

    if (unlikely(batch_begin(&b, &rc))) return rc;
    rc = owners_get(&t, foreigndom);
    if (unlikely(rc)) return batch_end(&b, rc, sizeof(req));
    if (b.count) rc = check_owner(t.pt);
    if (b.count && !rc) rc = check_mapped_owner(t.pg);
    for (uint32_t i = 0; !rc && i < b.count; i++) {
        rc = batch_next(&b, i, &req, sizeof(req));
        if (likely(!rc)) rc = one_request(req.ptr, req.val, &t);
        if (likely(!rc)) b.done++;
    }
    table_release(&t);
    owners_put(&t, foreigndom);
    return batch_end(&b, rc, sizeof(req));
}

/* update_va_mapping. */

/* The flush that goes with a changed mapping. */
static int uvm_flush(uint64_t va, uint64_t flags) {
    struct domain *d = current->domain;
    uint64_t scope = flags & ~UVMF_FLUSHTYPE_MASK, type = flags & UVMF_FLUSHTYPE_MASK;

    if (type != UVMF_TLB_FLUSH && type != UVMF_INVLPG) return 0;
    if (likely(scope == UVMF_LOCAL)) {
        if (type == UVMF_TLB_FLUSH)
            tlb_flush_local();
        else
            tlb_flush_page_local(va);
        return 0;
    }
    if (type == UVMF_TLB_FLUSH) va = FLUSH_ALL_VA;
    if (scope != UVMF_ALL) return flush_vcpus(d, scope, va);
    flush_domain(d, va);
    return 0;
}

static int update_va(uint64_t va, uint64_t val, uint64_t flags, struct domain *pg_owner) {
    struct vcpu *v = current;
    struct domain *d = v->domain;
    struct frame *l1;
    uint64_t *slot = walk_tables(d, v->arch.guest_table, va, &l1);
    uint64_t type = likely(slot) ? table_hold(d, l1) : FT_NONE;
    int rc = -EINVAL;

    if (unlikely(type == FT_NONE)) return -EINVAL;
    if (likely(type == FT_L1)) rc = l1_update(slot, val, d, pg_owner, false);
    frame_put_typed(l1);
    return rc ? rc : uvm_flush(va, flags);
}

long do_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags) {
    if (unlikely(current->mm.pending) && mm_finish_pending(current))
        return hypercall_continue(3, va, val, flags);
    return update_va(va, val, flags, current->domain);
}

long do_update_va_mapping_otherdomain(uint64_t va, uint64_t val, uint64_t flags, uint16_t domid) {
    struct domain *pg;
    long rc;

    if (unlikely(mm_finish_pending(current)))
        return hypercall_continue(4, va, val, flags, (uint64_t)domid);
    pg = frames_owner_get(domid);
    if (!pg) return -ESRCH;
    rc = check_mapped_owner(pg);
    if (!rc) rc = update_va(va, val, flags, pg);
    frames_owner_put(pg);
    return rc;
}

/* mmuext_op: only pins, and clearing and copying, may name another domain's frames. */

static int pin(struct domain *d, uint64_t mfn, uint64_t type) {
    struct frame *f;
    int rc = frame_get_typed(d, mfn, type, &f);

    if (rc) return rc;
    rc = frame_pin(f) ? 0 : -EINVAL;
    /* The destruction of d looks for pins after it made d dying: one of us sees the other. */
    if (!rc && (READ_ONCE(d->state) < DOM_DYING || !frame_unpin(f))) return 0;
    frame_put_typed(f);
    return rc;
}

int mm_pin_table(struct domain *d, mfn_t table, unsigned int level) {
    return pin(d, mfn_x(table), (uint64_t)level << FT_SHIFT);
}

static int unpin(struct domain *d, uint64_t mfn) {
    struct frame *f = frame_of(mfn);
    bool pinned;

    if (!f || !frame_try_get(f, owner_tag(d))) return -EINVAL;
    pinned = frame_unpin(f);
    frame_drop(f);                  /* ours */
    if (pinned) frame_put_typed(f); /* the pin's */
    return pinned ? 0 : -EINVAL;
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
    bool ok;

    if (!src || !frame_get(src, d)) return -EINVAL;
    ok = dst && frame_get_writable(dst, d);
    if (ok) {
        memcpy(frame_virt(dst), frame_virt(src), PAGE_SIZE);
        frame_put_writable(dst);
    }
    frame_put(src);
    return ok ? 0 : -EINVAL;
}

static void flush_caches(void *unused) {
    (void)unused;
    __asm__ volatile("wbinvd" : : : "memory");
}

static int flush_cache(struct domain *d) {
    if (!owns_devices(d)) return -EACCES;
    flush_caches(NULL);
    smp_call_others(flush_caches, NULL);
    return 0;
}

static int flush_multi(struct vcpu *v, const struct mmuext_op *op, uint64_t va) {
    return flush_vcpus(v->domain, handle_addr(op->arg2.vcpumask), va) ? -EINVAL : 0;
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
    case MMUEXT_INVLPG_MULTI: return guest_va_ok(va) ? flush_multi(v, op, va) : 0;
    case MMUEXT_TLB_FLUSH_ALL: flush_domain(v->domain, FLUSH_ALL_VA); return 0;
    case MMUEXT_INVLPG_ALL:
        if (guest_va_ok(va)) flush_domain(v->domain, va);
        return 0;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL: return flush_cache(v->domain);
    default: return mm_set_ldt(v, va, op->arg2.nr_ents); /* MMUEXT_SET_LDT: one_op() saw to it */
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
    return unlikely(d != current->domain) ? -EPERM : own_op(current, op);
}

long do_mmuext_op(uint64_t uops, uint32_t count, uint64_t pdone, uint32_t foreigndom) {
    struct batch b = {uops, count, pdone, foreigndom, 0, 0};
    struct mmuext_op op;
    struct domain *d;
    long rc;

    if (unlikely(batch_begin(&b, &rc))) return rc;
    d = frames_owner_get((domid_t)foreigndom);
    if (!d) return -ESRCH;
    rc = check_owner(d);
    if (rc) {
        frames_owner_put(d);
        return rc;
    }
    for (uint32_t i = 0; !rc && i < b.count; i++) {
        rc = batch_next(&b, i, &op, sizeof(op));
        if (likely(!rc)) rc = one_op(&op, d);
        if (likely(!rc)) b.done++;
    }
    frames_owner_put(d);
    return batch_end(&b, rc, sizeof(op));
}
