/* SPDX-License-Identifier: MIT */
/* memory_op: memory maps, the machine's and the domains', and where the M2P lies. */
#include <hv/acpi.h>

#include "mm_local.h"

#define MAX_MAP 1024                           /* entries of a domain's map */
#define M2P_END (M2P_RO_START + (256UL << 30)) /* of what the ABI sets apart */

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

/* Copies from d's map, which may be replaced at any time. -ENOSYS: it has none. */
static int map_entry(struct domain *d, uint32_t i, struct e820entry_hv *e, uint32_t *nr) {
    int rc = -ENOSYS;

    spin_lock(&d->mm.lock);
    *nr = d->mm.memory_map_nr;
    if (d->mm.memory_map && *nr) {
        if (i < *nr) *e = d->mm.memory_map[i];
        rc = 0;
    }
    spin_unlock(&d->mm.lock);
    return rc;
}

static long memory_map(uint64_t arg) {
    struct xen_memory_map m;
    struct e820entry_hv e;
    uint32_t nr, i = 0;
    int rc;

    if (copy_from_guest(&m, arg, sizeof(m))) return -EFAULT;
    rc = map_entry(current->domain, 0, &e, &nr);
    if (rc) return rc;
    for (; i < min(m.nr_entries, nr); i++) {
        if (map_entry(current->domain, i, &e, &nr) || i >= nr) break;
        if (copy_to_guest_idx(handle_addr(m.buffer), i, &e)) return -EFAULT;
    }
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

long memory_map_op(unsigned int op, uint64_t arg) {
    switch (op) {
    case XENMEM_set_memory_map: return set_memory_map(arg);
    case XENMEM_memory_map: return memory_map(arg);
    case XENMEM_machine_memory_map: return machine_memory_map(arg);
    case XENMEM_machphys_mapping: return machphys_mapping(arg);
    case XENMEM_machphys_mfn_list: return machphys_mfn_list(arg);
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target: return -EINVAL;               /* not for PV */
    case XENMEM_machphys_compat_mfn_list: return -EOPNOTSUPP; /* 32-bit guests */
    default: return -ENOSYS;
    }
}
