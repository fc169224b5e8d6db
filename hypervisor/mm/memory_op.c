/* SPDX-License-Identifier: MIT */
/*
 * memory_op. Reservations count the extents that are done, whatever stopped them; a continuation
 * has the count in the command's upper bits. For a PV domain a gmfn is a machine frame number, and
 * allocation tells the M2P which pfn the frame has.
 */
#include <hv/acpi.h>

#include "mm_local.h"

#define MAX_MAP      1024                           /* entries of a domain's map */
#define M2P_END      (M2P_RO_START + (256UL << 30)) /* of what the ABI sets apart */
#define EXTENT_SHIFT 6                              /* MEMOP_EXTENT_SHIFT */
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
    xen_pfn_t pfn = INVALID_M2P, mfn;
    struct frame *f;

    if (op == XENMEM_populate_physmap && copy_from_guest_idx(&pfn, m->list, at)) return -EFAULT;
    f = alloc_domain_frames(m->d, m->order, m->bits, pfn);
    if (!f) return -ENOMEM;
    mfn = frame_nr(f);
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
    m->list = handle_addr(r->extent_start);
    m->nr = r->nr_extents;
    m->order = r->extent_order;
    m->bits = XENMEMF_get_address_bits(r->mem_flags);
    if (m->bits && m->bits <= PAGE_SHIFT) return false;
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

static long domain_number(unsigned int op, uint64_t arg) {
    struct xen_memory_domain r;
    struct shared_info *shared;
    struct domain *d;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r))) return -EFAULT;
    rc = memop_domain(r.domid, op, &d);
    if (rc) return rc;
    /* It goes when d dies. A number from a page that just went only misleads a caller that may read
     * all memory anyway; d's own vcpu keeps d alive. */
    shared = READ_ONCE(d->shared_info);
    if (op == XENMEM_current_reservation)
        rc = (long)d->mm.tot_pages;
    else if (op == XENMEM_maximum_reservation)
        rc = (long)d->mm.max_pages;
    else if (shared) /* maximum_gpfn: what the guest says, which may not have yet */
        rc = (long)max(READ_ONCE(shared->arch.max_pfn), 1UL) - 1;
    else
        rc = -ESRCH;
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

static long acquire_resource(uint64_t start, uint64_t arg) {
    struct xen_mem_acquire_resource r;
    struct domain *d;
    long rc, most;

    if (copy_from_guest(&r, arg, sizeof(r))) return -EFAULT;
    if (r.pad || r.frame >> 32 || (r.frame + r.nr_frames) >> 32) return -EINVAL;
    if (r.domid == current->domain->id) return -EPERM;
    rc = r.domid == DOMID_SELF ? -ESRCH : memop_domain(r.domid, XENMEM_acquire_resource, &d);
    if (rc) return rc;
    most = grant_resource_max_frames(d, r.id);
    if (r.type != XENMEM_resource_grant_table || most <= 0) {
        rc = r.type > XENMEM_resource_vmtrace_buf ? -EOPNOTSUPP : -EINVAL;
    } else if (handle_addr(r.frame_list)) {
        rc = resource_frames(d, &r, start, arg);
    } else if (r.nr_frames || start) { /* the size is asked for */
        rc = -EINVAL;
    } else {
        r.nr_frames = (uint32_t)most;
        rc = copy_field_to_guest(arg, struct xen_mem_acquire_resource, nr_frames, &r) ? -EFAULT : 0;
    }
    domain_put(d);
    return rc;
}

/* Memory maps, the machine's and the domains', and where the M2P lies. */

static long set_memory_map(uint64_t arg) {
    struct xen_foreign_memory_map m;
    struct e820entry_hv *map, *old;
    struct domain *d;
    long rc;

    if (copy_from_guest(&m, arg, sizeof(m))) return -EFAULT;
    if (m.map.nr_entries > MAX_MAP) return -EINVAL;
    rc = memop_domain(m.domid, XENMEM_set_memory_map, &d);
    if (rc) return rc;
    map = hv_new_array(struct e820entry_hv, max(m.map.nr_entries, 1u));
    if (!map) {
        rc = -ENOMEM;
    } else if (copy_from_guest(map, handle_addr(m.map.buffer), sizeof(*map) * m.map.nr_entries)) {
        rc = -EFAULT;
    } else {
        spin_lock(&d->mm.lock);
        old = d->mm.memory_map;
        d->mm.memory_map = map;
        d->mm.memory_map_nr = m.map.nr_entries;
        spin_unlock(&d->mm.lock);
        map = old;
    }
    hv_free(map);
    domain_put(d);
    return rc;
}

/* Copies from d's map, which may be replaced at any time, and gives its length; 0: it has none. */
static uint32_t map_entry(struct domain *d, uint32_t i, struct e820entry_hv *e) {
    uint32_t nr;

    spin_lock(&d->mm.lock);
    nr = d->mm.memory_map_nr;
    if (i < nr) *e = d->mm.memory_map[i];
    spin_unlock(&d->mm.lock);
    return nr;
}

static long memory_map(uint64_t arg) {
    struct xen_memory_map m;
    struct e820entry_hv e;
    uint32_t i;

    if (copy_from_guest(&m, arg, sizeof(m))) return -EFAULT;
    if (!map_entry(current->domain, 0, &e)) return -ENOSYS;
    for (i = 0; i < m.nr_entries && map_entry(current->domain, i, &e) > i; i++)
        if (copy_to_guest_idx(handle_addr(m.buffer), i, &e)) return -EFAULT;
    m.nr_entries = i;
    return copy_to_guest(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

/* The machine's map as it is written out: e820, with what the caller may not map as reserved. */
struct map_writer {
    uint64_t buffer; /* 0: only count */
    uint32_t room, n;
};

static int put_entry(struct map_writer *w, const struct e820entry_hv *e) {
    if (w->buffer) {
        if (w->n >= w->room) return -EINVAL;
        if (copy_to_guest_idx(w->buffer, w->n, e)) return -EFAULT;
    }
    w->n++;
    return 0;
}

/* The first frame of [s, e] that is in the set, or is not; e + 1: none. */
static uint64_t first_frame(struct rangeset *r, uint64_t s, uint64_t e, bool in_set) {
    uint64_t mid, x;

    if (in_set ? !rangeset_overlaps(r, s, e) : rangeset_contains(r, s, e)) return e + 1;
    if (in_set ? rangeset_contains(r, s, s) : !rangeset_overlaps(r, s, s)) return s;
    mid = s + (e - s) / 2;
    x = first_frame(r, s, mid, in_set);
    return x <= mid ? x : first_frame(r, mid + 1, e, in_set);
}

/* An I/O APIC is not the caller's to use, though it may look at it. e + 1: none in [s, e]. */
static uint64_t first_ioapic(uint64_t s, uint64_t e) {
    uint64_t first = e + 1, f;

    for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
        f = acpi.ioapics[i].addr >> PAGE_SHIFT;
        if (f >= s && f < first) first = f;
    }
    return first;
}

/* Reserved entries for frames of [s, e] that are denied; not for a last range that is open. */
static int put_denied(struct map_writer *w, uint64_t s, uint64_t e, bool last) {
    struct rangeset *caps = current->domain->iomem_caps;
    struct e820entry_hv entry = {.type = 2};
    uint64_t next;
    int rc;

    while (s <= e && (s = min(first_frame(caps, s, e, false), first_ioapic(s, e))) <= e) {
        next = first_frame(caps, s, e, true);
        while (next <= e && first_ioapic(next, next) == next)
            next = next < e ? first_frame(caps, next + 1, e, true) : e + 1;
        if (last && next > e) return 0;
        entry.addr = s << PAGE_SHIFT;
        entry.size = (next - s) << PAGE_SHIFT;
        rc = put_entry(w, &entry);
        if (rc) return rc;
        s = next;
    }
    return 0;
}

static long machine_memory_map(uint64_t arg) {
    struct xen_memory_map m;
    struct map_writer w = {0};
    uint64_t next = 0; /* first frame behind the last entry */
    int rc = policy_check(current->domain, NULL, POL_MEMORY_FOREIGN, XENMEM_machine_memory_map);

    if (rc) return rc;
    if (copy_from_guest(&m, arg, sizeof(m))) return -EFAULT;
    w.buffer = handle_addr(m.buffer);
    w.room = m.nr_entries;
    if (w.buffer && m.nr_entries < machine_e820_nr + 1) return -EINVAL;
    for (unsigned int i = 0; !rc && i < machine_e820_nr; i++) {
        const struct e820entry_hv *e = &machine_e820[i];
        uint64_t first = e->addr >> PAGE_SHIFT;

        if (first > next) rc = put_denied(&w, next, first - 1, false);
        if (!rc) rc = put_entry(&w, e);
        next = ROUND_UP(e->addr + e->size, PAGE_SIZE) >> PAGE_SHIFT;
    }
    if (!rc) rc = put_denied(&w, next, BIT(cpu_has.phys_bits - PAGE_SHIFT) - 1, true);
    if (rc) return rc;
    m.nr_entries = w.n;
    return copy_to_guest(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

static long machphys_mapping(uint64_t arg) {
    struct xen_machphys_mapping m = {
        .v_start = M2P_RO_START,
        .v_end = M2P_END,
        .max_mfn = current->domain->is_control ? max_frame - 1 : (M2P_END - M2P_RO_START) / 8 - 1,
    };

    return copy_to_guest(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

/* A hole repeats the frame before it, as Xen's does. */
static long machphys_mfn_list(uint64_t arg) {
    uint64_t frames_per_chunk = (2UL << 20) / sizeof(uint64_t);
    struct xen_machphys_mfn_list l;
    xen_pfn_t mfn, last = 0;
    uint32_t i;

    if (copy_from_guest(&l, arg, sizeof(l))) return -EFAULT;
    for (i = 0; i < l.max_extents && i * frames_per_chunk < max_frame; i++) {
        mfn = m2p_chunk(i);
        if (!mfn) mfn = last;
        if (copy_to_guest_idx(handle_addr(l.extent_start), i, &mfn)) return -EFAULT;
        last = mfn;
    }
    l.nr_extents = i;
    return copy_to_guest(arg, &l, sizeof(l)) ? -EFAULT : 0;
}

/* Memory on demand is not for PV domains. */
static long pod_target(domid_t id) {
    struct domain *d = domain_get_self_or(id);

    if (!d) return -ESRCH;
    domain_put(d);
    return -EINVAL;
}

/* Without an IOMMU no device has any. */
static long reserved_device_memory(struct xen_reserved_device_memory_map *m) {
    size_t size = m->nr_entries * sizeof(struct xen_reserved_device_memory);

    if (!guest_range_ok(handle_addr(m->buffer), size)) return -EFAULT;
    if (m->flags & ~XENMEM_RDM_ALL) return -EINVAL;
    m->nr_entries = 0;
    return 0;
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
    case XENMEM_set_memory_map: return set_memory_map(arg);
    case XENMEM_memory_map: return memory_map(arg);
    case XENMEM_machine_memory_map: return machine_memory_map(arg);
    case XENMEM_machphys_mapping: return machphys_mapping(arg);
    case XENMEM_machphys_mfn_list: return machphys_mfn_list(arg);
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target: WITH_ARG(xen_pod_target, pod_target(a.domid))
    case XENMEM_reserved_device_memory_map:
        WITH_ARG_OUT(xen_reserved_device_memory_map, reserved_device_memory(&a))
    case XENMEM_machphys_compat_mfn_list: return -EOPNOTSUPP; /* 32-bit guests */
    default: return -ENOSYS;
    }
}
