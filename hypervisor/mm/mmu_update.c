/* SPDX-License-Identifier: MIT */
/*
 * mmu_update and update_va_mapping. Each request is one entry of a table, or of the M2P; requests
 * before a failing one stand, and *pdone says how many. A request that is preempted inside (a new
 * table's validation) is issued again; what an old entry's table leaves to tear down is finished by
 * the continuation before anything else.
 */
#include <hv/guest_access.h>

#include "mm_local.h"

#define PREEMPTED 0x80000000u /* MMU_UPDATE_PREEMPTED: in count, *pdone holds earlier progress */

struct mmu_owners {
    struct domain *pt, *pg; /* of the tables, of the frames that L1 entries name */
};

struct domain *frames_owner_get(domid_t id) {
    struct domain *d = current->domain;

    if (id == DOMID_SELF) return d; /* current needs no reference */
    if (id == DOMID_IO) return &dom_io;
    if (id == DOMID_XEN) return &dom_xen;
    if (id == d->id) return NULL; /* as Xen: oneself is named by DOMID_SELF only */
    return domain_get(id);
}

void frames_owner_put(struct domain *d) {
    if (d != current->domain && d != &dom_io && d != &dom_xen) domain_put(d);
}

/* Writes to a frame that is no table: plain memory of its owner. */
static int write_plain(struct frame *f, uint64_t *slot, uint64_t val) {
    if (frame_type_writable(f)) return -EINVAL;
    WRITE_ONCE(*slot, val);
    frame_drop_writable_type(f);
    return 0;
}

static int write_entry(struct frame *f, uint64_t ptr, uint64_t val, const struct mmu_owners *o,
                       bool preserve_ad) {
    uint64_t *slot = (uint64_t *)((char *)frame_virt(f) + (ptr & (PAGE_SIZE - 1)));
    uint64_t type = frame_ref_table(f);
    int rc = -EINVAL;

    if (likely(type == FT_L1))
        rc = l1_update(slot, val, o->pt, o->pg, preserve_ad);
    else if (type == FT_NONE)
        return write_plain(f, slot, val);
    else if (o->pg == o->pt)
        rc = table_update(f, (unsigned int)(type >> FT_SHIFT), slot, val, o->pt, preserve_ad);
    frame_drop_table(f);
    return rc;
}

static int pt_update(uint64_t ptr, uint64_t val, const struct mmu_owners *o, bool preserve_ad) {
    struct frame *f = frame_of(ptr >> PAGE_SHIFT);
    int rc;

    if (unlikely(!f || !frame_try_get(f, owner_tag(o->pt)))) return -EINVAL;
    rc = write_entry(f, ptr, val, o, preserve_ad);
    frame_drop(f);
    return rc;
}

static int machphys_update(uint64_t ptr, uint64_t pfn, const struct mmu_owners *o) {
    struct frame *f = frame_of(ptr >> PAGE_SHIFT);

    if (o->pt != current->domain) return -EPERM;
    if (!f || !frame_try_get(f, owner_tag(o->pg))) return -EINVAL;
    m2p_set(frame_to_mfn(f), pfn);
    frame_drop(f);
    return 0;
}

/* Whether current may act on these owners. */
static int check_owners(const struct mmu_owners *o) {
    const struct domain *d = current->domain;
    int rc = 0;

    if (unlikely(o->pt != d)) rc = policy_check(d, o->pt, POL_MMU_FOREIGN, 0);
    if (!rc && unlikely(o->pg != d && o->pg != &dom_io))
        rc = policy_check(d, o->pg, POL_MMU_FOREIGN, 0);
    return rc;
}

static int one_request(uint64_t ptr, uint64_t val, const struct mmu_owners *o) {
    unsigned int cmd = ptr & 7;

    switch (cmd) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_PRESERVE_AD:
    case MMU_PT_UPDATE_NO_TRANSLATE:
        return pt_update(ptr - cmd, val, o, cmd == MMU_PT_UPDATE_PRESERVE_AD);
    case MMU_MACHPHYS_UPDATE: return machphys_update(ptr, val, o);
    default: return -ENOSYS;
    }
}

/* Carries out requests until one fails or time is up; *done counts those done. */
static int requests(uint64_t ureqs, uint32_t count, const struct mmu_owners *o, uint32_t *done) {
    struct mmu_update req;
    int rc = count ? check_owners(o) : 0;

    for (uint32_t i = 0; !rc && i < count; i++) {
        if (unlikely(current->mm.pending || (i && preempt_check()))) return -ERESTART;
        if (unlikely(copy_from_guest_idx(&req, ureqs, i))) return -EFAULT;
        rc = one_request(req.ptr, req.val, o);
        if (likely(!rc)) ++*done;
    }
    return rc;
}

static int owners_get(struct mmu_owners *o, uint32_t foreigndom) {
    struct domain *d = current->domain;

    o->pt = o->pg = d;
    if (likely(foreigndom == DOMID_SELF)) return 0;
    if (foreigndom >> 16) {
        o->pt = domain_get((domid_t)((foreigndom >> 16) - 1));
        if (!o->pt) return -ESRCH;
        if (!domain_vcpu(o->pt, 0)) {
            domain_put(o->pt);
            return -EINVAL;
        }
    }
    o->pg = frames_owner_get((domid_t)foreigndom);
    if (o->pg) return 0;
    if (foreigndom >> 16) domain_put(o->pt);
    return -ESRCH;
}

static void owners_put(const struct mmu_owners *o, uint32_t foreigndom) {
    if (likely(foreigndom == DOMID_SELF)) return;
    frames_owner_put(o->pg);
    if (foreigndom >> 16) domain_put(o->pt);
}

long do_mmu_update(uint64_t ureqs, uint32_t count, uint64_t pdone, uint32_t foreigndom) {
    uint32_t earlier = 0, done = 0;
    struct mmu_owners o;
    long rc;

    if (unlikely(mm_finish_pending(current)))
        return hypercall_continue(4, ureqs, (uint64_t)count, pdone, (uint64_t)foreigndom);
    if (unlikely(count & PREEMPTED)) {
        if (count == PREEMPTED && !ureqs) return (int)foreigndom; /* all that was left: see below */
        count &= ~PREEMPTED;
        if (pdone && copy_from_guest(&earlier, pdone, sizeof(earlier))) earlier = 0;
    }
    rc = owners_get(&o, foreigndom);
    if (!rc) {
        rc = requests(ureqs, count, &o, &done);
        owners_put(&o, foreigndom);
    }
    if (rc == -ERESTART)
        rc =
            hypercall_continue(4, ureqs + done * sizeof(struct mmu_update),
                               (uint64_t)((count - done) | PREEMPTED), pdone, (uint64_t)foreigndom);
    else if (unlikely(current->mm.pending)) /* the result travels in foreigndom */
        rc = hypercall_continue(4, 0UL, (uint64_t)PREEMPTED, 0UL, (uint64_t)(uint32_t)rc);
    if (pdone) {
        done += earlier;
        if (copy_to_guest(pdone, &done, sizeof(done)))
            return rc; /* the count is lost; the updates stand, and so does their result */
    }
    return rc;
}

/* The flush that goes with a changed mapping. */
static int uvm_flush(uint64_t va, uint64_t flags) {
    struct domain *d = current->domain;
    uint64_t scope = flags & ~UVMF_FLUSHTYPE_MASK;
    bool all_va = (flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH;

    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE || (flags & UVMF_FLUSHTYPE_MASK) == 3) return 0;
    if (likely(scope == UVMF_LOCAL)) {
        if (all_va)
            tlb_flush_local();
        else
            tlb_flush_page_local(va);
        return 0;
    }
    if (scope == UVMF_ALL) {
        flush_domain(d, all_va ? FLUSH_ALL_VA : va);
        return 0;
    }
    return flush_vcpus(d, scope, all_va ? FLUSH_ALL_VA : va);
}

static int update_va(uint64_t va, uint64_t val, uint64_t flags, struct domain *pg_owner) {
    struct vcpu *v = current;
    struct domain *d = v->domain;
    struct frame *l1;
    uint64_t *slot = walk_tables(d, v->arch.guest_table, va, &l1);
    int rc = -EINVAL;

    if (unlikely(!slot || !frame_try_get(l1, owner_tag(d)))) return -EINVAL;
    switch (frame_ref_table(l1)) {
    case FT_L1: rc = l1_update(slot, val, d, pg_owner, false); break;
    case FT_NONE: frame_drop(l1); return -EINVAL;
    }
    frame_drop_table(l1);
    frame_drop(l1);
    return rc ? rc : uvm_flush(va, flags);
}

long do_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags) {
    if (unlikely(mm_finish_pending(current))) return hypercall_continue(3, va, val, flags);
    return update_va(va, val, flags, current->domain);
}

long do_update_va_mapping_otherdomain(uint64_t va, uint64_t val, uint64_t flags, uint16_t domid) {
    struct domain *pg;
    long rc = 0;

    if (unlikely(mm_finish_pending(current)))
        return hypercall_continue(4, va, val, flags, (uint64_t)domid);
    pg = frames_owner_get(domid);
    if (!pg) return -ESRCH;
    if (pg != current->domain && pg != &dom_io)
        rc = policy_check(current->domain, pg, POL_MMU_FOREIGN, 0);
    if (!rc) rc = update_va(va, val, flags, pg);
    frames_owner_put(pg);
    return rc;
}
