/* SPDX-License-Identifier: MIT */
/* The domain's frames: given back, got, exchanged; what it may ask of its memory and the machine's.
 */
#include <public/memory.h>
#include "fuzz.h"
#include "parts.h"

#define MOST 16 /* frames of one call */

/* Slots of the pool that a call concerns, kept with its arguments. */
struct group {
    unsigned int n, slot[MOST];
};

static bool unmapped(unsigned int i) { return pool[i].mfn && !(*pool_pte[i] & PTE_P); }

static bool absent(unsigned int i) { return !pool[i].mfn; }

/* Up to n slots that are so; one of any sort if there is none. */
static struct group *gather(struct fuzzer *f, unsigned int n, bool (*so)(unsigned int)) {
    struct group *g = arg_alloc(f, sizeof(*g));
    unsigned int from = (unsigned int)below(f, POOL_PAGES);

    for (unsigned int k = 0; k < POOL_PAGES && g->n < n; k++)
        if (so((from + k) % POOL_PAGES)) g->slot[g->n++] = (from + k) % POOL_PAGES;
    if (!g->n) g->slot[g->n++] = from;
    return g;
}

static unsigned int some(struct fuzzer *f) {
    return chance(f, 60) ? 1 : 1 + (unsigned int)below(f, MOST);
}

static void got(unsigned int i, uint64_t mfn) {
    pool[i] = (struct slot){.mfn = mfn};
    set_pfn_to_mfn(virt_to_pfn(pool_va(i)), mfn);
}

static struct xen_memory_reservation *reservation(struct fuzzer *f, struct call *c,
                                                  unsigned int cmd, const struct group *g,
                                                  uint64_t **list) {
    struct xen_memory_reservation *r = arg_alloc(f, sizeof(*r));

    *list = arg_alloc(f, MOST * 8);
    set_xen_guest_handle_raw(r->extent_start, (void *)arg_address(f, *list));
    r->nr_extents = g->n;
    r->domid = pick_domain(f);
    if (chance(f, 2)) r->mem_flags = (unsigned int)odd(f);
    if (chance(f, 2)) r->extent_order = 19 + (unsigned int)below(f, 99);
    if (chance(f, 1)) r->nr_extents = 1UL << 32 | rnd(f);
    *c = (struct call){.op = __HYPERVISOR_memory_op, .arg = {cmd, arg_address(f, r)}};
    if (chance(f, 2)) c->arg[0] |= below(f, 4) << 6;
    c->note[0] = (uint64_t)g;
    c->note[1] = (uint64_t)*list;
    return r;
}

/* Slots with 2^order machine frames in a row, the first of which is slot i's. */
static bool in_a_row(struct group *g, unsigned int i, unsigned int order) {
    uint64_t first = pool[i].mfn;

    if (first & ((1UL << order) - 1)) return false;
    for (g->n = 0; g->n < 1U << order; g->n++) {
        unsigned int k = 0;

        while (k < POOL_PAGES && !(pool[k].mfn == first + g->n && unmapped(k))) k++;
        if (k == POOL_PAGES) return false;
        g->slot[g->n] = k;
    }
    return true;
}

/* The first such slots, of *order (1 at least); NULL: there are none. */
static struct group *row_of(struct fuzzer *f, unsigned int *order) {
    struct group *g = arg_alloc(f, sizeof(*g));

    if (!*order) *order = 1;
    for (unsigned int i = 0; i < POOL_PAGES; i++)
        if (unmapped(i) && in_a_row(g, i, *order)) return g;
    return NULL;
}

/* One that says that earlier extents are done gives a count that means nothing. */
static bool continued(const struct call *c) { return c->arg[0] >> 6; }

static void given_back(struct fuzzer *f, struct call *c, long rc) {
    const struct group *g = (const struct group *)c->note[0];

    (void)f;
    if (continued(c)) return;
    for (unsigned int k = 0; rc > 0 && k < g->n && k < (unsigned long)rc << c->note[2]; k++)
        pool[g->slot[k]] = (struct slot){0};
}

static void make_decrease(struct fuzzer *f, struct call *c) {
    unsigned int order = (unsigned int)below(f, 3);
    struct xen_memory_reservation *r;
    struct group *g;
    uint64_t *list;

    /* Never a frame that only happens to lie behind one of the pool's: the M2P would forget it. */
    g = chance(f, 10) ? row_of(f, &order) : NULL;
    if (!g) {
        order = 0;
        g = gather(f, some(f), unmapped);
    }
    r = reservation(f, c, XENMEM_decrease_reservation, g, &list);
    for (unsigned int k = 0; k < g->n; k++) list[k] = pool[g->slot[k]].mfn;
    if (order) {
        r->extent_order = order;
        r->nr_extents = 1;
    }
    c->note[2] = order;
    c->done = given_back;
}

static void populated(struct fuzzer *f, struct call *c, long rc) {
    const struct group *g = (const struct group *)c->note[0];
    const uint64_t *list = (const uint64_t *)c->note[1];

    (void)f;
    if (continued(c)) return;
    for (long k = 0; k < rc && k < g->n; k++)
        if (!pool[g->slot[k]].mfn) got(g->slot[k], list[k]);
}

static void make_populate(struct fuzzer *f, struct call *c) {
    const struct group *g = gather(f, some(f), absent);
    struct xen_memory_reservation *r;
    uint64_t *list;

    if (pool[g->slot[0]].mfn && !chance(f, 5)) {
        make_decrease(f, c);
        return;
    }
    r = reservation(f, c, chance(f, 90) ? XENMEM_populate_physmap : XENMEM_increase_reservation, g,
                    &list);
    for (unsigned int k = 0; k < g->n; k++) list[k] = virt_to_pfn(pool_va(g->slot[k]));
    if (chance(f, 3)) r->extent_order = (unsigned int)below(f, 4);
    c->done = populated;
}

/* note[2]: the order of the extents that came out. */
static void exchanged(struct fuzzer *f, struct call *c, long rc) {
    const struct group *g = (const struct group *)c->note[0];
    const uint64_t *out = (const uint64_t *)c->note[1];

    (void)f;
    if (rc) return;
    for (unsigned int k = 0; k < g->n; k++)
        got(g->slot[k], out[k >> c->note[2]] + (k & ((1UL << c->note[2]) - 1)));
}

/* Single frames, or as many for frames in a row, or the other way round. */
static struct group *exchange_group(struct fuzzer *f, unsigned int *in, unsigned int *out) {
    unsigned int order = (unsigned int)below(f, 4), whole;
    struct group *g;

    *in = *out = 0;
    if (order && chance(f, 50) && (g = row_of(f, &order)) != NULL) {
        *in = order;
        return g;
    }
    g = gather(f, chance(f, 30) ? MOST : 1U << order, unmapped);
    if (chance(f, 30)) return g;
    whole = g->n & ~((1U << order) - 1);
    if (!whole) return g;
    g->n = whole;
    *out = order;
    return g;
}

static void make_exchange(struct fuzzer *f, struct call *c) {
    struct xen_memory_exchange *x = arg_alloc(f, sizeof(*x));
    uint64_t *in = arg_alloc(f, MOST * 8), *out = arg_alloc(f, MOST * 8);
    unsigned int in_order, out_order;
    const struct group *g = exchange_group(f, &in_order, &out_order);

    for (unsigned int k = 0; k < g->n >> in_order; k++) in[k] = pool[g->slot[k << in_order]].mfn;
    for (unsigned int k = 0; k < g->n >> out_order; k++)
        out[k] = virt_to_pfn(pool_va(g->slot[k << out_order]));
    x->in = (struct xen_memory_reservation){
        .nr_extents = g->n >> in_order, .extent_order = in_order, .domid = DOMID_SELF};
    x->out = (struct xen_memory_reservation){
        .nr_extents = g->n >> out_order, .extent_order = out_order, .domid = DOMID_SELF};
    set_xen_guest_handle_raw(x->in.extent_start, (void *)arg_address(f, in));
    set_xen_guest_handle_raw(x->out.extent_start, (void *)arg_address(f, out));
    if (chance(f, 5)) x->in.domid = x->out.domid = pick_domain(f);
    if (chance(f, 5)) x->in.nr_extents = odd(f);
    if (chance(f, 5)) x->out.extent_order = (unsigned int)odd(f);
    if (chance(f, 5)) x->out.mem_flags = XENMEMF_address_bits(below(f, 50));
    if (chance(f, 5)) in[g->n / 2] = pick_frame(f);
    if (chance(f, 3)) x->nr_exchanged = odd(f);
    *c = (struct call){.op = __HYPERVISOR_memory_op,
                       .arg = {XENMEM_exchange, arg_address(f, x)},
                       .done = exchanged,
                       .note = {(uint64_t)g, (uint64_t)out, out_order}};
}

/* Maps, of this domain and of the machine, and where the M2P lies: lists that are written. */
static void make_map(struct fuzzer *f, struct call *c) {
    struct xen_foreign_memory_map *set = arg_alloc(f, sizeof(*set));
    struct xen_memory_map *map = arg_alloc(f, sizeof(*map));
    struct xen_machphys_mfn_list *m2p = arg_alloc(f, sizeof(*m2p));
    char *list = arg_alloc(f, 4096);
    void *arg = map;

    *c = (struct call){.op = __HYPERVISOR_memory_op};
    switch (below(f, 4)) {
    case 0:
        c->arg[0] = XENMEM_machphys_mfn_list;
        m2p->max_extents = (unsigned int)below(f, 200);
        set_xen_guest_handle_raw(m2p->extent_start, (void *)arg_address(f, list));
        arg = m2p;
        break;
    case 1:
        c->arg[0] = XENMEM_set_memory_map;
        set->domid = pick_domain(f);
        set->map.nr_entries = chance(f, 90) ? (unsigned int)below(f, 20) : (unsigned int)odd(f);
        set_xen_guest_handle_raw(set->map.buffer, (void *)arg_address(f, list));
        arg = set;
        break;
    default:
        c->arg[0] = chance(f, 50) ? XENMEM_memory_map : XENMEM_machine_memory_map;
        map->nr_entries = (unsigned int)below(f, 200);
        set_xen_guest_handle_raw(map->buffer, (void *)arg_address(f, list));
    }
    c->arg[1] = arg_address(f, arg);
}

/* Claims, and frames of other domains' resources: of this one they are refused. */
static void make_resource(struct fuzzer *f, struct call *c) {
    struct xen_mem_acquire_resource *r = arg_alloc(f, sizeof(*r));
    struct xen_memory_reservation *claim = arg_alloc(f, sizeof(*claim));
    uint64_t *list = arg_alloc(f, 64 * 8);

    *c = (struct call){.op = __HYPERVISOR_memory_op};
    if (chance(f, 50)) {
        claim->domid = chance(f, 80) ? (domid_t)own_domain : pick_domain(f);
        claim->nr_extents = chance(f, 50) ? 0 : si->nr_pages - below(f, 64);
        if (chance(f, 10)) claim->mem_flags = (unsigned int)odd(f);
        c->arg[0] = XENMEM_claim_pages;
        c->arg[1] = arg_address(f, claim);
        return;
    }
    r->domid = chance(f, 50) ? pick_domain(f) : (domid_t)peer_domain;
    r->type = (uint16_t)below(f, 4);
    r->id = (uint32_t)below(f, 3);
    r->frame = chance(f, 90) ? below(f, 4) : odd(f);
    r->nr_frames = chance(f, 90) ? (uint32_t)below(f, 60) : (uint32_t)odd(f);
    if (chance(f, 70)) set_xen_guest_handle_raw(r->frame_list, (void *)arg_address(f, list));
    c->arg[0] = XENMEM_acquire_resource;
    c->arg[1] = arg_address(f, r);
}

/* Questions, and operations that only have a form in common: a structure of small numbers. */
static void make_memory_other(struct fuzzer *f, struct call *c) {
    static const unsigned int commands[] = {XENMEM_maximum_ram_page,
                                            XENMEM_current_reservation,
                                            XENMEM_maximum_reservation,
                                            XENMEM_maximum_gpfn,
                                            XENMEM_machphys_mfn_list,
                                            XENMEM_machphys_compat_mfn_list,
                                            XENMEM_machphys_mapping,
                                            XENMEM_memory_map,
                                            XENMEM_machine_memory_map,
                                            XENMEM_set_memory_map,
                                            XENMEM_set_pod_target,
                                            XENMEM_get_pod_target,
                                            XENMEM_get_sharing_freed_pages,
                                            XENMEM_add_to_physmap,
                                            XENMEM_add_to_physmap_batch,
                                            XENMEM_remove_from_physmap,
                                            XENMEM_claim_pages,
                                            XENMEM_reserved_device_memory_map,
                                            XENMEM_acquire_resource,
                                            XENMEM_get_vnumainfo,
                                            XENMEM_paging_op,
                                            XENMEM_access_op,
                                            XENMEM_sharing_op,
                                            29,
                                            62};
    uint64_t *arg = arg_alloc(f, 128), *list = arg_alloc(f, 256);

    arg[0] = pick_domain(f);
    if (chance(f, 30)) arg[0] |= below(f, 4) << 32 | below(f, 4) << 16;
    for (unsigned int i = 1; i < 8; i++) arg[i] = chance(f, 50) ? below(f, 4) : (uint64_t)list;
    *c = (struct call){.op = __HYPERVISOR_memory_op,
                       .arg = {PICK(f, commands), arg_address(f, arg)}};
}

const struct generator frame_calls[] = {
    {"memory.decrease", 10, make_decrease, NULL}, {"memory.populate", 14, make_populate, NULL},
    {"memory.exchange", 12, make_exchange, NULL}, {"memory.map", 6, make_map, NULL},
    {"memory.resource", 4, make_resource, NULL},  {"memory.other", 12, make_memory_other, NULL},
};
const unsigned int nr_frame_calls = ARRAY_SIZE(frame_calls);
