/* SPDX-License-Identifier: MIT */
/* Grants to this domain and to its peer, and mappings of theirs, in both versions. */
#include "fuzz.h"
#include "parts.h"

#define REFS     64
#define MAPPINGS 64
#define FRAMES   2  /* of the table, and as many of status at most */
#define MOST     40 /* elements of an operation */

static struct grant_entry_v1 *v1;
static union grant_entry_v2 *v2;
static volatile unsigned int version = 1;
static struct mapping {
    uint64_t at;
    uint32_t handle, used;
} mappings[MAPPINGS];

static long table_call(unsigned int cmd, void *op) { return HV_grant_table_op(cmd, op, 1); }

void grants_init(void) {
    uint64_t frames[FRAMES];
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = FRAMES};
    char *at = window_alloc(FRAMES);

    set_xen_guest_handle_raw(op.frame_list, frames);
    require_eq(table_call(GNTTABOP_setup_table, &op), 0);
    require_eq(op.status, GNTST_okay);
    for (unsigned int i = 0; i < FRAMES; i++)
        require_eq(map_mfn(at + i * PAGE_SIZE, frames[i], PTE_RW), 0);
    v1 = (struct grant_entry_v1 *)at;
    v2 = (union grant_entry_v2 *)at;
}

static uint32_t pick_ref(struct fuzzer *f) {
    return chance(f, 95) ? 8 + (uint32_t)below(f, REFS) : (uint32_t)odd(f);
}

static domid_t pick_granter(struct fuzzer *f) {
    if (chance(f, 70)) return chance(f, 50) ? (domid_t)own_domain : DOMID_SELF;
    return chance(f, 80) ? (domid_t)peer_domain : pick_domain(f);
}

static void write_v2(struct fuzzer *f, union grant_entry_v2 *e, domid_t domain, uint64_t frame,
                     uint16_t flags) {
    e->hdr.flags = 0;
    e->hdr.domid = domain;
    e->full_page.frame = frame;
    if (chance(f, 20)) {
        flags |= GTF_sub_page;
        e->sub_page.page_off = (uint16_t)below(f, 5000);
        e->sub_page.length = (uint16_t)below(f, 5000);
    }
    if (chance(f, 15)) {
        flags = (uint16_t)((flags & ~GTF_type_mask) | GTF_transitive);
        e->transitive.trans_domid = pick_granter(f);
        e->transitive.gref = pick_ref(f);
    }
    barrier();
    WRITE_ONCE(e->hdr.flags, flags);
}

static unsigned int act_grant(struct fuzzer *f) {
    unsigned int ref = 8 + (unsigned int)below(f, REFS);
    uint64_t frame = chance(f, 90) ? pool[pick_slot(f, DATA, 0)].mfn : pick_frame(f);
    domid_t domain = chance(f, 60) ? (domid_t)own_domain : (domid_t)peer_domain;
    uint16_t flags = GTF_permit_access;

    if (is_vital(frame)) flags |= GTF_readonly;
    if (chance(f, 20)) flags |= GTF_readonly;
    if (chance(f, 6)) flags = GTF_accept_transfer;
    if (chance(f, 10)) flags = (uint16_t)(is_vital(frame) ? 0 : rnd(f));
    if (version == 2) {
        write_v2(f, &v2[ref], domain, frame, flags);
    } else {
        v1[ref].flags = 0;
        v1[ref].domid = domain;
        v1[ref].frame = (uint32_t)frame;
        barrier();
        WRITE_ONCE(v1[ref].flags, flags);
    }
    return 0;
}

static void grant_call(struct fuzzer *f, struct call *c, unsigned int cmd, const void *arg,
                       const int16_t *status) {
    *c = (struct call){
        .op = __HYPERVISOR_grant_table_op, .arg = {cmd, arg_address(f, arg), 1}, .status = status};
    if (chance(f, 2)) c->arg[2] = 0;
}

/* How many elements an operation's array has. */
static unsigned int elements(struct fuzzer *f) {
    return chance(f, 88) ? 1 : 2 + (unsigned int)below(f, MOST - 1);
}

/* So many of the array at op, but not of what stands at a bad address: that may be good for a page
 * table of this kernel. */
static void take_elements(struct call *c, const void *op, unsigned int n) {
    if (c->arg[1] == (uint64_t)op && c->arg[2]) c->arg[2] = n;
}

static void mapped(struct fuzzer *f, struct call *c, long rc) {
    const struct gnttab_map_grant_ref *op = (const struct gnttab_map_grant_ref *)c->note[0];

    for (unsigned int i = 0; !rc && i < c->arg[2]; i++) {
        struct mapping *m = &mappings[below(f, MAPPINGS)];

        if (op[i].status) continue;
        for (unsigned int n = 0; n < MAPPINGS && m->used; n++)
            m = &mappings[(unsigned)(m - mappings + 1) % MAPPINGS];
        *m = (struct mapping){.at = op[i].host_addr, .handle = op[i].handle, .used = 1};
    }
}

static uint64_t map_address(struct fuzzer *f, uint32_t *flags) {
    uint64_t page = below(f, WINDOW_PAGES), va = (uint64_t)grant_window + page * PAGE_SIZE;
    unsigned int i;

    *flags = GNTMAP_host_map | (chance(f, 30) ? GNTMAP_readonly : 0);
    if (chance(f, 20)) *flags |= GNTMAP_device_map;
    if (chance(f, 10)) *flags |= (uint32_t)odd(f) & ~GNTMAP_contains_pte;
    if (chance(f, 70)) return va;
    *flags |= GNTMAP_contains_pte;
    if (chance(f, 70)) return machine_address(grant_window_pte + page);
    i = pick_slot(f, TABLE, 1);
    return pool[i].mfn << PAGE_SHIFT | below(f, 512) * 8;
}

static void make_map(struct fuzzer *f, struct call *c) {
    unsigned int n = elements(f);
    struct gnttab_map_grant_ref *op = arg_alloc(f, n * sizeof(*op));

    for (unsigned int i = 0; i < n; i++) {
        op[i].host_addr = map_address(f, &op[i].flags);
        op[i].dom = pick_granter(f);
        op[i].ref = pick_ref(f);
    }
    grant_call(f, c, GNTTABOP_map_grant_ref, op, &op->status);
    take_elements(c, op, n);
    c->note[0] = (uint64_t)op;
    c->done = mapped;
}

static struct mapping *pick_mapping(struct fuzzer *f) {
    unsigned int i = (unsigned int)below(f, MAPPINGS);

    for (unsigned int n = 0; n < MAPPINGS && !mappings[i].used; n++) i = (i + 1) % MAPPINGS;
    return &mappings[i];
}

/* note: the operations, which of the mappings each concerns, whether it replaces. */
static void unmapped(struct fuzzer *f, struct call *c, long rc) {
    const struct gnttab_unmap_grant_ref *op = (const struct gnttab_unmap_grant_ref *)c->note[0];
    struct mapping *const *m = (struct mapping *const *)c->note[1];

    (void)f;
    /* The form that replaces has its status at the same place. */
    for (unsigned int i = 0; !rc && i < c->arg[2]; i++)
        if (op[i].status != GNTST_general_error) m[i]->used = 0;
}

static void make_unmap(struct fuzzer *f, struct call *c) {
    bool with = chance(f, 20);
    unsigned int n = elements(f);
    struct gnttab_unmap_grant_ref *op = arg_alloc(f, n * sizeof(*op));
    struct mapping **m = arg_alloc(f, n * sizeof(*m));

    for (unsigned int i = 0; i < n; i++) {
        m[i] = pick_mapping(f);
        op[i].host_addr = chance(f, 95) ? m[i]->at : 0;
        op[i].handle = chance(f, 96) ? m[i]->handle : (uint32_t)odd(f);
        if (chance(f, 10)) op[i].dev_bus_addr = pick_frame(f) << PAGE_SHIFT;
        if (!with) continue;
        /* unmap_and_replace has the new address there */
        op[i].dev_bus_addr = (uint64_t)window + below(f, WINDOW_PAGES) * PAGE_SIZE;
        if (chance(f, 5)) op[i].dev_bus_addr = bad_address(f) & 0xffff8affffffffff;
    }
    grant_call(f, c, with ? GNTTABOP_unmap_and_replace : GNTTABOP_unmap_grant_ref, op, &op->status);
    take_elements(c, op, n);
    c->note[0] = (uint64_t)op;
    c->note[1] = (uint64_t)m;
    c->done = unmapped;
}

/* Into frames that may be written only. */
static void fill_copy(struct fuzzer *f, struct gnttab_copy *op) {
    op->source.offset = (uint16_t)below(f, 4096);
    op->dest.offset = (uint16_t)below(f, 4096);
    op->len =
        (uint16_t)below(f, chance(f, 90) ? 4096 - (op->source.offset | op->dest.offset) : 5000);
    op->flags = (uint16_t)below(f, 4);
    op->source.domid = op->flags & GNTCOPY_source_gref ? pick_granter(f) : pick_domain(f);
    op->dest.domid = op->flags & GNTCOPY_dest_gref ? pick_granter(f) : pick_domain(f);
    if (op->flags & GNTCOPY_source_gref)
        op->source.u.ref = pick_ref(f);
    else
        op->source.u.gmfn = pick_frame(f);
    if (op->flags & GNTCOPY_dest_gref)
        op->dest.u.ref = pick_ref(f);
    else
        op->dest.u.gmfn = pool[pick_slot(f, WRITABLE, 0)].mfn;
}

static void make_copy(struct fuzzer *f, struct call *c) {
    unsigned int n = elements(f);
    struct gnttab_copy *op = arg_alloc(f, n * sizeof(*op));

    for (unsigned int i = 0; i < n; i++) fill_copy(f, &op[i]);
    grant_call(f, c, GNTTABOP_copy, op, &op->status);
    take_elements(c, op, n);
}

static void given_away(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc && c->arg[2] && *c->status == GNTST_okay) pool[c->note[0]] = (struct slot){0};
}

static void make_transfer(struct fuzzer *f, struct call *c) {
    struct gnttab_transfer *op = arg_alloc(f, sizeof(*op));
    unsigned int i = (unsigned int)below(f, POOL_PAGES);

    for (unsigned int n = 0; n < POOL_PAGES && (!pool[i].mfn || (*pool_pte[i] & PTE_P)); n++)
        i = (i + 1) % POOL_PAGES;
    op->mfn = pool[i].mfn;
    op->domid = chance(f, 80) ? (domid_t)peer_domain : pick_granter(f);
    op->ref = pick_ref(f);
    grant_call(f, c, GNTTABOP_transfer, op, &op->status);
    c->note[0] = i;
    c->done = given_away;
}

static void version_set(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc) version = (unsigned int)c->note[0];
}

static void make_version(struct fuzzer *f, struct call *c) {
    struct gnttab_set_version *op = arg_alloc(f, sizeof(*op));

    op->version = chance(f, 90) ? 1 + (uint32_t)below(f, 2) : (uint32_t)odd(f);
    grant_call(f, c, GNTTABOP_set_version, op, NULL);
    c->note[0] = op->version;
    c->done = version_set;
}

static void make_swap(struct fuzzer *f, struct call *c) {
    struct gnttab_swap_grant_ref *op = arg_alloc(f, sizeof(*op));

    op->ref_a = pick_ref(f);
    op->ref_b = pick_ref(f);
    grant_call(f, c, GNTTABOP_swap_grant_ref, op, &op->status);
}

static void make_question(struct fuzzer *f, struct call *c) {
    struct gnttab_query_size *size = arg_alloc(f, sizeof(*size));
    struct gnttab_get_version *get = arg_alloc(f, sizeof(*get));
    struct gnttab_setup_table *setup = arg_alloc(f, sizeof(*setup));
    struct gnttab_get_status_frames *status = arg_alloc(f, sizeof(*status));
    uint64_t *list = arg_alloc(f, 64 * 8);

    size->dom = get->dom = setup->dom = status->dom = pick_domain(f);
    switch (below(f, 4)) {
    case 0: grant_call(f, c, GNTTABOP_query_size, size, &size->status); break;
    case 1: grant_call(f, c, GNTTABOP_get_version, get, NULL); break;
    case 2:
        setup->nr_frames = chance(f, 90) ? (uint32_t)below(f, 5) : (uint32_t)odd(f);
        set_xen_guest_handle_raw(setup->frame_list, (void *)arg_address(f, list));
        grant_call(f, c, GNTTABOP_setup_table, setup, &setup->status);
        break;
    default:
        status->nr_frames = (uint32_t)below(f, 3);
        set_xen_guest_handle_raw(status->frame_list, list);
        grant_call(f, c, GNTTABOP_get_status_frames, status, &status->status);
    }
}

static void make_grant_other(struct fuzzer *f, struct call *c) {
    struct gnttab_cache_flush *op = arg_alloc(f, sizeof(*op));

    op->a.ref = pick_ref(f);
    op->op = (uint32_t)below(f, 4) | (chance(f, 70) ? GNTTAB_CACHE_SOURCE_GREF : 0);
    op->length = (uint16_t)below(f, 5000);
    if (!(op->op & GNTTAB_CACHE_SOURCE_GREF)) op->a.dev_bus_addr = pick_frame(f) << PAGE_SHIFT;
    grant_call(f, c, GNTTABOP_cache_flush, op, NULL);
    if (chance(f, 30)) c->arg[0] = 13 + below(f, 100);
}

const struct generator grant_calls[] = {
    {"grant.map", 40, make_map, NULL},
    {"grant.unmap", 40, make_unmap, NULL},
    {"grant.copy", 25, make_copy, NULL},
    {"grant.transfer", 4, make_transfer, NULL},
    {"grant.set_version", 4, make_version, NULL},
    {"grant.swap", 6, make_swap, NULL},
    {"grant.question", 10, make_question, NULL},
    {"grant.other", 3, make_grant_other, NULL},
};
const unsigned int nr_grant_calls = ARRAY_SIZE(grant_calls);

const struct generator grant_acts[] = {{"(grant entry)", 60, NULL, act_grant}};
const unsigned int nr_grant_acts = ARRAY_SIZE(grant_acts);
