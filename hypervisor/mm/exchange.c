/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: frames given up for others, mostly contiguous ones below an address. It works in
 * chunks, the larger of an input and an output extent; a chunk is exchanged as a whole or not at
 * all, and nr_exchanged says how many input extents were. Frames that are given up must have no
 * reference but the owner's: the guest unmaps them first. They keep counting for the domain until
 * the new ones, which then do not count again, are there: so its limit does not matter.
 */
#include "mm_local.h"

struct exchange {
    struct xen_memory_exchange e;
    struct domain *d;
    unsigned int ins, outs; /* log2 of extents in a chunk; one of them is 0 */
    uint32_t stolen, fresh; /* lists of frames; of extents for fresh */
};

static struct frame *unchain(uint32_t *head) {
    struct frame *f = *head ? &frame_table[*head] : NULL;

    if (f) frame_unlink(head, f);
    return f;
}

static int steal_extent(struct exchange *x, uint64_t i) {
    xen_pfn_t mfn;
    struct frame *f;

    if (copy_from_guest_idx(&mfn, handle_addr(x->e.in.extent_start), i)) return -EFAULT;
    for (uint64_t k = 0; k < BIT(x->e.in.extent_order); k++) {
        f = frame_of(mfn + k);
        if (!f || !domain_steal(x->d, f)) return -EINVAL;
        frame_link(&x->stolen, f);
    }
    return 0;
}

static int prepare(struct exchange *x, uint64_t chunk) {
    unsigned int bits = XENMEMF_get_address_bits(x->e.out.mem_flags);
    struct frame *f;
    int rc = 0;

    for (uint64_t j = 0; !rc && j < BIT(x->ins); j++) rc = steal_extent(x, (chunk << x->ins) + j);
    for (uint64_t j = 0; !rc && j < BIT(x->outs); j++) {
        f = heap_alloc(x->e.out.extent_order, bits, x->d);
        if (!f) return -ENOMEM;
        frame_link(&x->fresh, f);
    }
    return rc;
}

static void drop_stolen(struct frame *f) {
    frame_forget_type(f);
    clear_frame(frame_virt(f));
    heap_free(f, 0);
}

/* Frames whose domain died under us, or that are not needed. */
static void drop_fresh(struct exchange *x) {
    struct frame *f;

    while ((f = unchain(&x->fresh))) heap_free(f, x->e.out.extent_order);
}

static void undo(struct exchange *x) {
    struct frame *f;

    while ((f = unchain(&x->stolen)))
        if (!domain_assign(x->d, f, 0, true)) {
            drop_stolen(f);
            domain_uncount(x->d, 1);
        }
    drop_fresh(x);
}

/* Nothing can fail from here on but the guest's own list, and the domain's life. */
static int commit(struct exchange *x, uint64_t chunk) {
    uint64_t n = 0, i, out = handle_addr(x->e.out.extent_start);
    xen_pfn_t pfn, mfn;
    struct frame *f;
    int rc = 0;

    while ((f = unchain(&x->stolen))) {
        m2p_set(frame_to_mfn(f), INVALID_M2P);
        drop_stolen(f);
    }
    while ((f = unchain(&x->fresh))) {
        i = (chunk << x->outs) + n;
        if (copy_from_guest_idx(&pfn, out, i)) {
            pfn = INVALID_M2P;
            rc = -EFAULT;
        }
        m2p_set_extent(f, x->e.out.extent_order, pfn);
        mfn = frame_nr(f);
        if (!domain_assign(x->d, f, x->e.out.extent_order, true)) {
            frame_link(&x->fresh, f);
            drop_fresh(x);
            domain_uncount(x->d, (BIT(x->outs) - n) << x->e.out.extent_order);
            return -EINVAL;
        }
        if (copy_to_guest_idx(out, i, &mfn)) rc = -EFAULT;
        n++;
    }
    return rc;
}

static int check(const struct xen_memory_exchange *e) {
    unsigned int most = memop_max_order(current->domain);

    if (e->in.extent_order > most || e->out.extent_order > most) return -EPERM;
    if (e->nr_exchanged > e->in.nr_extents || e->in.domid != e->out.domid ||
        ~0UL >> e->in.extent_order < e->in.nr_extents ||
        ~0UL >> e->out.extent_order < e->out.nr_extents ||
        e->in.nr_extents << e->in.extent_order != e->out.nr_extents << e->out.extent_order)
        return -EINVAL;
    return 0;
}

/* Chunks from nr_exchanged on, which is kept up to date. -ERESTART: preempted. */
static int exchange(struct exchange *x) {
    uint64_t first = x->e.nr_exchanged >> x->ins;
    int rc = 0;

    for (uint64_t i = first; !rc && i < x->e.in.nr_extents >> x->ins; i++) {
        x->e.nr_exchanged = i << x->ins;
        if (i != first && preempt_check()) return -ERESTART;
        rc = prepare(x, i);
        if (rc)
            undo(x);
        else
            rc = commit(x, i);
    }
    if (!rc) x->e.nr_exchanged = x->e.in.nr_extents;
    return rc;
}

long memory_exchange(uint64_t arg) {
    struct exchange x = {.stolen = 0};
    unsigned int in, out;
    long rc;

    if (copy_from_guest(&x.e, arg, sizeof(x.e))) return -EFAULT;
    rc = check(&x.e);
    if (!rc && x.e.nr_exchanged == x.e.in.nr_extents) return 0;
    if (!rc && !guest_range_ok(handle_addr(x.e.out.extent_start), sizeof(xen_pfn_t))) rc = -EFAULT;
    if (!rc) rc = domain_get_checked(x.e.in.domid, POL_MEMORY_FOREIGN, XENMEM_exchange, &x.d);
    if (!rc) {
        in = x.e.in.extent_order;
        out = x.e.out.extent_order;
        x.ins = max(in, out) - in;
        x.outs = max(in, out) - out;
        rc = exchange(&x);
        domain_put(x.d);
    }
    if (copy_field_to_guest(arg, struct xen_memory_exchange, nr_exchanged, &x.e)) return -EFAULT;
    return rc == -ERESTART ? hypercall_continue(2, (uint64_t)XENMEM_exchange, arg) : rc;
}
