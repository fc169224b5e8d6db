/* SPDX-License-Identifier: MIT */
/*
 * memory_op. Reservations count the extents that are done, whatever stopped them; a continuation
 * has the count in the command's upper bits. For a PV domain a gmfn is a machine frame number, and
 * allocation tells the M2P which pfn the frame has.
 */

#include "mm_local.h"

#define EXTENT_SHIFT 6 /* MEMOP_EXTENT_SHIFT */
#define CMD_MASK     ((1u << EXTENT_SHIFT) - 1)
#define MAX_EXTENTS  (0xffffffffu >> EXTENT_SHIFT)

unsigned int memop_max_order(const struct domain *d) { return d->is_control ? 18 : 9; }

struct memop {
    struct domain *d;
    uint64_t list;     /* guest address of the extents, 0: none */
    uint64_t nr, done; /* extents */
    unsigned int order, bits;
};

static int release_frame(struct domain *d, uint64_t mfn) {
    struct frame *f = frame_of(mfn);
    bool ours;

    if (!f || !frame_try_get(f, owner_tag(d))) return -EINVAL;
    ours = READ_ONCE(f->count) & FC_HYPERVISOR;
    if (!ours) {
        m2p_set(_mfn(mfn), INVALID_M2P);
        free_domain_frame(f);
    }
    frame_drop(f);
    return ours ? -EINVAL : 0;
}

/* increase_reservation: pfn INVALID_M2P; populate_physmap: the one that the list has. */
static int allocate_extent(const struct memop *m, unsigned int op) {
    uint64_t at = m->done;
    xen_pfn_t pfn, mfn;
    struct frame *f;

    if (op == XENMEM_populate_physmap && copy_from_guest_idx(&pfn, m->list, at)) return -EFAULT;
    f = alloc_domain_frames(m->d, m->order, m->bits);
    if (!f) return -ENOMEM;
    mfn = frame_nr(f);
    for (uint64_t j = 0; j < BIT(m->order); j++)
        m2p_set(_mfn(mfn + j), op == XENMEM_populate_physmap ? pfn + j : INVALID_M2P);
    if (!m->list || !copy_to_guest_idx(m->list, at, &mfn)) return 0;
    for (uint64_t j = 0; j < BIT(m->order); j++) (void)release_frame(m->d, mfn + j);
    return -EFAULT;
}

static int release_extent(const struct memop *m) {
    xen_pfn_t mfn;
    int rc = 0;

    if (copy_from_guest_idx(&mfn, m->list, m->done)) return -EFAULT;
    for (uint64_t j = 0; !rc && j < BIT(m->order); j++) rc = release_frame(m->d, mfn + j);
    return rc;
}

int memop_domain(domid_t id, unsigned int op, struct domain **out) {
    struct domain *d = domain_get_self_or(id);
    int rc;

    if (!d) return -ESRCH;
    rc = d == current->domain ? 0 : policy_check(current->domain, d, POL_MEMORY_FOREIGN, op);
    if (rc) domain_put(d);
    *out = d;
    return rc;
}

static bool parse_reservation(const struct xen_memory_reservation *r, unsigned int op,
                              struct memop *m) {
    unsigned int bits = XENMEMF_get_address_bits(r->mem_flags);

    m->list = handle_addr(r->extent_start);
    m->nr = r->nr_extents;
    m->order = r->extent_order;
    m->bits = bits && bits < 64 ? bits : 0;
    if (bits && bits <= PAGE_SHIFT) return false;
    if (m->nr > MAX_EXTENTS || m->done >= m->nr || m->order > memop_max_order(current->domain))
        return false;
    if (op == XENMEM_populate_physmap && (r->mem_flags & XENMEMF_populate_on_demand))
        return false; /* PV guests have none */
    return m->list || op == XENMEM_increase_reservation;
}

static long reservation(unsigned int op, uint64_t start, uint64_t arg) {
    struct xen_memory_reservation r;
    struct memop m = {.done = start};
    int rc = 0;

    if (copy_from_guest(&r, arg, sizeof(r)) || !parse_reservation(&r, op, &m) ||
        memop_domain(r.domid, op, &m.d))
        return (long)start;
    for (; m.done < m.nr; m.done++) {
        if (m.done != start && preempt_check()) {
            rc = -ERESTART;
            break;
        }
        rc = op == XENMEM_decrease_reservation ? release_extent(&m) : allocate_extent(&m, op);
        if (rc) break;
    }
    domain_put(m.d);
    if (rc == -ERESTART) return hypercall_continue(2, op | m.done << EXTENT_SHIFT, arg);
    return (long)m.done;
}

/* A guest that has not said yet has no frame above 0. */
static long last_gpfn(const struct domain *d) {
    uint64_t n = READ_ONCE(d->shared_info->arch.max_pfn);

    return n ? (long)n - 1 : 0;
}

static long domain_number(unsigned int op, uint64_t arg) {
    struct xen_memory_domain r;
    struct domain *d;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r))) return -EFAULT;
    rc = memop_domain(r.domid, op, &d);
    if (rc) return rc;
    if (op == XENMEM_current_reservation)
        rc = (long)d->mm.tot_pages;
    else if (op == XENMEM_maximum_reservation)
        rc = (long)d->mm.max_pages;
    else /* maximum_gpfn: what the guest itself says */
        rc = d->shared_info ? last_gpfn(d) : -ESRCH;
    domain_put(d);
    return rc;
}

static long claim_pages(uint64_t arg) {
    struct xen_memory_reservation r;
    struct domain *d;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r))) return -EFAULT;
    if (handle_addr(r.extent_start) || r.extent_order || r.mem_flags) return -EINVAL;
    d = domain_get(r.domid);
    if (!d) return -EINVAL;
    rc = policy_check(current->domain, d, POL_MEMORY_FOREIGN, XENMEM_claim_pages);
    if (!rc) rc = d->state >= DOM_DYING ? -EINVAL : domain_set_claim(d, r.nr_extents);
    domain_put(d);
    return rc;
}

/* A PV domain has no physmap to change: the answer is the same for every space. */
static long physmap_op(unsigned int op, uint64_t arg) {
    struct xen_add_to_physmap a = {0};
    struct domain *d;
    domid_t id;

    if (copy_from_guest(&id, arg, sizeof(id))) return -EFAULT;
    if (op == XENMEM_add_to_physmap) {
        if (copy_from_guest(&a, arg, sizeof(a))) return -EFAULT;
        if (a.space == XENMAPSPACE_gmfn_foreign) return -ENOSYS;
    }
    d = domain_get_self_or(id);
    if (!d) return -ESRCH;
    domain_put(d);
    return -EACCES;
}

static long get_vnumainfo(uint64_t arg) {
    struct xen_vnuma_topology_info t;
    struct domain *d;
    long rc;

    if (copy_from_guest(&t, arg, sizeof(t))) return -EFAULT;
    if (t.pad) return -EINVAL;
    rc = memop_domain(t.domid, XENMEM_get_vnumainfo, &d);
    if (rc) return rc;
    domain_put(d);
    return -EOPNOTSUPP;
}

#define RESOURCE_STEP 32

/* Frames of a resource from 'start' on; the list in guest memory. */
static long resource_frames(struct domain *d, const struct xen_mem_acquire_resource *r,
                            uint64_t start, uint64_t arg) {
    uint64_t mfns[RESOURCE_STEP], list = handle_addr(r->frame_list);
    long rc;

    if (start >= r->nr_frames || r->nr_frames > MAX_EXTENTS) return -EINVAL;
    while (start < r->nr_frames) {
        uint32_t n = (uint32_t)min((uint64_t)RESOURCE_STEP, r->nr_frames - start);

        rc = grant_acquire_resource(d, r->id, r->frame + start, n, mfns);
        if (rc < 0) return rc;
        if (copy_to_guest(list + start * sizeof(mfns[0]), mfns, n * sizeof(mfns[0])))
            return -EFAULT;
        start += n;
        if (start < r->nr_frames && preempt_check())
            return hypercall_continue(2, XENMEM_acquire_resource | start << EXTENT_SHIFT, arg);
    }
    return 0;
}

static long resource_size(struct domain *d, struct xen_mem_acquire_resource *r, uint64_t start,
                          uint64_t arg) {
    if (r->nr_frames || start) return -EINVAL;
    r->nr_frames = (uint32_t)grant_resource_max_frames(d, r->id);
    return copy_field_to_guest(arg, struct xen_mem_acquire_resource, nr_frames, r) ? -EFAULT : 0;
}

static long acquire_resource(uint64_t start, uint64_t arg) {
    struct xen_mem_acquire_resource r;
    struct domain *d;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r))) return -EFAULT;
    if (r.pad || r.frame >> 32 || (r.frame + r.nr_frames) >> 32) return -EINVAL;
    if (r.domid == DOMID_SELF || r.domid == current->domain->id) return -EPERM;
    rc = memop_domain(r.domid, XENMEM_acquire_resource, &d);
    if (rc) return rc;
    if (r.type != XENMEM_resource_grant_table || grant_resource_max_frames(d, r.id) <= 0)
        rc = -EINVAL;
    else if (!handle_addr(r.frame_list))
        rc = resource_size(d, &r, start, arg);
    else
        rc = resource_frames(d, &r, start, arg);
    domain_put(d);
    return rc;
}

long do_memory_op(uint64_t cmd, uint64_t arg) {
    unsigned int op = cmd & CMD_MASK;
    uint64_t start = cmd >> EXTENT_SHIFT;

    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap: return reservation(op, start, arg);
    case XENMEM_acquire_resource: return acquire_resource(start, arg);
    case XENMEM_add_to_physmap:
    case XENMEM_add_to_physmap_batch: return physmap_op(op, arg);
    }
    if (start) return -EINVAL; /* the others are not continued */
    switch (op) {
    case XENMEM_exchange: return memory_exchange(arg);
    case XENMEM_maximum_ram_page: return (long)max_frame;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: return domain_number(op, arg);
    case XENMEM_claim_pages: return claim_pages(arg);
    case XENMEM_get_vnumainfo: return get_vnumainfo(arg);
    case XENMEM_remove_from_physmap: return physmap_op(op, arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages: return 0;
    default: return memory_map_op(op, arg);
    }
}
