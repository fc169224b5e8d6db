/* SPDX-License-Identifier: MIT */
/*
 * memory_op. Reservations count the extents that are done, whatever stopped them; a continuation
 * has the count in the command's upper bits. For a PV domain a gmfn is a machine frame number, and
 * allocation tells the M2P which pfn the frame has.
 */
#include <hv/acpi.h>

#include "mm_local.h"

#define MAX_MAP      1024 /* entries of a domain's map */
#define EXTENT_SHIFT 6    /* MEMOP_EXTENT_SHIFT */
#define CMD_MASK     ((1u << EXTENT_SHIFT) - 1)
#define MAX_EXTENTS  (0xffffffffu >> EXTENT_SHIFT)
/* Those of Xen's common code: of the others it does not know a number with bits above CMD_MASK. */
#define COMMON_OPS                                                                                 \
    (BIT(XENMEM_exchange) | BIT(XENMEM_maximum_ram_page) | BIT(XENMEM_current_reservation) |       \
     BIT(XENMEM_maximum_reservation) | BIT(XENMEM_maximum_gpfn) | BIT(XENMEM_claim_pages) |        \
     BIT(XENMEM_get_vnumainfo) | BIT(XENMEM_remove_from_physmap))

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
        domain_get_checked(r.domid, POL_MEMORY_FOREIGN, op, &m.d))
        return (long)start;
    for (; m.done < m.nr; m.done++) {
        if (m.done != start && preempt_check()) rc = -ERESTART;
        if (!rc)
            rc = op == XENMEM_decrease_reservation ? release_extent(&m) : allocate_extent(&m, op);
        if (rc) break;
    }
    domain_put(m.d);
    return rc == -ERESTART ? hypercall_continue(2, op | m.done << EXTENT_SHIFT, arg) : (long)m.done;
}

static long domain_number(unsigned int op, domid_t id) {
    struct shared_info *shared;
    struct domain *d DOMAIN_PUT_AT_END;
    long rc = domain_get_checked(id, POL_MEMORY_FOREIGN, op, &d);

    if (rc) return rc;
    if (op == XENMEM_current_reservation) return (long)d->mm.tot_pages;
    if (op == XENMEM_maximum_reservation) return (long)d->mm.max_pages;
    /* It goes when d dies. A number from a page that just went only misleads a caller that may read
     * all memory anyway; d's own vcpu keeps d alive. */
    shared = READ_ONCE(d->shared_info);
    /* maximum_gpfn: what the guest says, which may not have yet */
    return shared ? (long)max(READ_ONCE(shared->arch.max_pfn), 1UL) - 1 : 0;
}

static long claim_pages(const struct xen_memory_reservation *r) {
    struct domain *d DOMAIN_PUT_AT_END = domain_get(r->domid);
    long rc;

    if (handle_addr(r->extent_start) || r->extent_order || r->mem_flags || !d) return -EINVAL;
    rc = policy_check(current->domain, d, POL_MEMORY_FOREIGN, XENMEM_claim_pages);
    return rc ? rc : domain_set_claim(d, r->nr_extents);
}

static bool domain_exists(domid_t id) {
    struct domain *d DOMAIN_PUT_AT_END = domain_get_self_or(id);

    return d;
}

/* A PV domain has no physmap to change: the answer is the same for nearly every space. */
static long physmap_op(unsigned int op, uint64_t start, uint64_t arg) {
    union { /* domid is the first of each */
        struct xen_add_to_physmap add;
        struct xen_add_to_physmap_batch batch;
        struct xen_remove_from_physmap remove;
    } a;
    size_t sizes[] = {sizeof(a.add), sizeof(a.remove), sizeof(a.batch)}; /* 7, 15, 23 */

    if (start >> 16) return -EDOM;
    if (copy_from_guest(&a, arg, sizes[op / 8])) return -EFAULT;
    if (op == XENMEM_add_to_physmap && a.add.space == XENMAPSPACE_gmfn_foreign) return -ENOSYS;
    if (op == XENMEM_add_to_physmap_batch && a.batch.space == XENMAPSPACE_gmfn_range)
        return -EOPNOTSUPP;
    return domain_exists(a.add.domid) ? -EACCES : -ESRCH;
}

static long get_vnumainfo(const struct xen_vnuma_topology_info *t) {
    struct domain *d DOMAIN_PUT_AT_END = NULL;
    long rc;

    if (t->pad) return -EINVAL;
    rc = domain_get_checked(t->domid, POL_MEMORY_FOREIGN, XENMEM_get_vnumainfo, &d);
    return rc ? rc : -EOPNOTSUPP;
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

static long acquire_resource(struct xen_mem_acquire_resource *r, uint64_t start, uint64_t arg) {
    struct domain *d DOMAIN_PUT_AT_END = NULL;
    long rc, most;

    if (r->pad || r->frame >> 32 || (r->frame + r->nr_frames) >> 32) return -EINVAL;
    if (r->domid == current->domain->id) return -EPERM;
    if (r->domid == DOMID_SELF) return -ESRCH;
    rc = domain_get_checked(r->domid, POL_MEMORY_FOREIGN, XENMEM_acquire_resource, &d);
    if (rc) return rc;
    most = grant_resource_max_frames(d, r->id);
    if (r->type != XENMEM_resource_grant_table || most <= 0)
        return r->type > XENMEM_resource_vmtrace_buf ? -EOPNOTSUPP : -EINVAL;
    if (handle_addr(r->frame_list)) return resource_frames(d, r, start, arg);
    if (r->nr_frames || start) return -EINVAL; /* the size is asked for */
    r->nr_frames = (uint32_t)most;
    return copy_field_to_guest(arg, struct xen_mem_acquire_resource, nr_frames, r);
}

/* Memory maps, the machine's and the domains', and where the M2P lies. */

static long set_memory_map(domid_t id, const struct xen_memory_map *m) {
    struct e820entry_hv *map HV_FREE_AT_END = NULL, *old;
    struct domain *d DOMAIN_PUT_AT_END = NULL;
    long rc;

    if (m->nr_entries > MAX_MAP) return -EINVAL;
    rc = domain_get_checked(id, POL_MEMORY_FOREIGN, XENMEM_set_memory_map, &d);
    if (rc) return rc;
    map = hv_new_array(struct e820entry_hv, max(m->nr_entries, 1u));
    if (!map) return -ENOMEM;
    rc = copy_from_guest(map, handle_addr(m->buffer), sizeof(*map) * m->nr_entries);
    if (!rc) {
        SPIN_SCOPE(&d->mm.lock);
        old = d->mm.memory_map;
        d->mm.memory_map = map;
        d->mm.memory_map_nr = m->nr_entries;
        map = old;
    }
    return rc;
}

/* Copies from d's map, which may be replaced at any time, and gives its length; 0: it has none. */
static uint32_t map_entry(struct domain *d, uint32_t i, struct e820entry_hv *e) {
    uint32_t nr;

    SPIN_SCOPE(&d->mm.lock);
    nr = d->mm.memory_map_nr;
    if (i < nr) *e = d->mm.memory_map[i];
    return nr;
}

static long memory_map(struct xen_memory_map *m) {
    struct e820entry_hv e;
    uint32_t i;

    if (!map_entry(current->domain, 0, &e)) return -ENOSYS;
    for (i = 0; i < m->nr_entries && map_entry(current->domain, i, &e) > i; i++)
        if (copy_to_guest_idx(handle_addr(m->buffer), i, &e)) return -EFAULT;
    m->nr_entries = i;
    return 0;
}

/* The machine's map as it is written out: e820, with what the caller may not map as reserved. */
struct map_writer {
    uint64_t buffer; /* 0: only count */
    uint32_t room, n;
};

static int put_entry(struct map_writer *w, const struct e820entry_hv *e) {
    if (w->buffer) {
        if (w->n + 1 >= w->room) return -EINVAL; /* Xen wants room for one more than it writes */
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

static long machine_memory_map(struct xen_memory_map *m) {
    struct map_writer w = {.buffer = handle_addr(m->buffer), .room = m->nr_entries};
    uint64_t next = 0; /* first frame behind the last entry */
    int rc = 0;

    if (w.buffer && w.room < machine_e820_nr + 1) return -EINVAL;
    for (unsigned int i = 0; !rc && i < machine_e820_nr; i++) {
        const struct e820entry_hv *e = &machine_e820[i];
        uint64_t first = e->addr >> PAGE_SHIFT;

        if (first > next) rc = put_denied(&w, next, first - 1, false);
        if (!rc) rc = put_entry(&w, e);
        next = ROUND_UP(e->addr + e->size, PAGE_SIZE) >> PAGE_SHIFT;
    }
    if (!rc) rc = put_denied(&w, next, BIT(cpu_has.phys_bits - PAGE_SHIFT) - 1, true);
    m->nr_entries = w.n;
    return rc;
}

static long machphys_mapping(uint64_t arg) {
    struct xen_machphys_mapping m = {
        .v_start = M2P_RO_START,
        .v_end = MACH2PHYS_VIRT_END,
        .max_mfn = (current->domain->is_control ? max_frame : MACH2PHYS_NR_ENTRIES) - 1,
    };

    return copy_to_guest(arg, &m, sizeof(m));
}

/* A hole repeats the frame before it, as Xen's does. */
static long machphys_mfn_list(struct xen_machphys_mfn_list *l) {
    uint64_t frames_per_chunk = (2UL << 20) / sizeof(uint64_t), chunk;
    xen_pfn_t mfn = 0;
    uint32_t i;

    for (i = 0; i < l->max_extents && i * frames_per_chunk < max_frame; i++) {
        chunk = m2p_chunk(i);
        if (chunk) mfn = chunk;
        if (copy_to_guest_idx(handle_addr(l->extent_start), i, &mfn)) return -EFAULT;
    }
    l->nr_extents = i;
    return 0;
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
    long rc;

    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap: return reservation(op, start, arg);
    case XENMEM_acquire_resource:
        WITH_ARG(xen_mem_acquire_resource, acquire_resource(&a, start, arg))
    case XENMEM_add_to_physmap:
    case XENMEM_add_to_physmap_batch: return physmap_op(op, start, arg);
    }
    if (start) return COMMON_OPS & BIT(op) ? -EINVAL : -ENOSYS; /* the others are not continued */
    switch (op) {
    case XENMEM_exchange: return memory_exchange(arg);
    case XENMEM_maximum_ram_page: return (long)max_frame;
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn: WITH_ARG(xen_memory_domain, domain_number(op, a.domid))
    case XENMEM_claim_pages: WITH_ARG(xen_memory_reservation, claim_pages(&a))
    case XENMEM_get_vnumainfo: WITH_ARG(xen_vnuma_topology_info, get_vnumainfo(&a))
    case XENMEM_remove_from_physmap: return physmap_op(op, 0, arg);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages: return 0;
    case XENMEM_set_memory_map: WITH_ARG(xen_foreign_memory_map, set_memory_map(a.domid, &a.map))
    case XENMEM_memory_map: WITH_ARG_OUT(xen_memory_map, memory_map(&a))
    case XENMEM_machine_memory_map:
        rc = policy_check(current->domain, NULL, POL_MEMORY_FOREIGN, op);
        if (rc) return rc;
        WITH_ARG_OUT(xen_memory_map, machine_memory_map(&a))
    case XENMEM_machphys_mapping: return machphys_mapping(arg);
    case XENMEM_machphys_mfn_list: WITH_ARG_OUT(xen_machphys_mfn_list, machphys_mfn_list(&a))
    case XENMEM_set_pod_target: /* memory on demand is not for PV domains */
    case XENMEM_get_pod_target: WITH_ARG(xen_pod_target, domain_exists(a.domid) ? -EINVAL : -ESRCH)
    case XENMEM_reserved_device_memory_map:
        WITH_ARG_OUT(xen_reserved_device_memory_map, reserved_device_memory(&a))
    case XENMEM_machphys_compat_mfn_list: return -EOPNOTSUPP; /* 32-bit guests */
    default: return -ENOSYS;
    }
}
