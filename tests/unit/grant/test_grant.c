/* SPDX-License-Identifier: MIT */
/*
 * Host tests of hypervisor/grant: entries of both versions through map, copy and unmap; a granter
 * that rewrites its entries, and a grantee whose vcpus unmap the same handles, at the same time;
 * handles that outlive their granter. After each, no pin and no frame reference may be left.
 */
#include <pthread.h>
#include <sched.h>

#include "fakes.h"
#include "table.h"

/* A page-table entry is a word at its "virtual address". */
#define FAKE_RW PTE_RW

static struct frame a_table; /* what stays held after an operation */

void mm_release_l1(struct vcpu *v) { v->mm.l1 = NULL; }

/* Every hypercall releases it. */
static long grant_table_op(uint32_t cmd, void *arg, uint32_t count) {
    long rc = do_grant_table_op(cmd, (uint64_t)arg, count);

    CHECK(!current->mm.l1);
    return rc;
}

int mm_map_grant(uint64_t addr, bool contains_pte, mfn_t mfn, uint64_t flags) {
    uint64_t none = 0;

    (void)contains_pte;
    current->mm.l1 = &a_table;
    if (addr == BAD_VA) return -EINVAL;
    return __atomic_compare_exchange_n((uint64_t *)addr, &none,
                                       mfn_x(mfn) << PAGE_SHIFT | PTE_P | (flags & FAKE_RW), false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
               ? 0
               : -EINVAL;
}

int mm_unmap_grant(uint64_t addr, bool contains_pte, mfn_t mfn, bool writable, uint64_t new_addr) {
    uint64_t old = mfn_x(mfn) << PAGE_SHIFT | PTE_P | (writable ? FAKE_RW : 0);

    (void)contains_pte, (void)new_addr;
    current->mm.l1 = &a_table;
    if (addr == BAD_VA) return -EINVAL;
    sched_yield(); /* somewhere to be overtaken */
    return __atomic_compare_exchange_n((uint64_t *)addr, &old, 0, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST)
               ? 0
               : -EINVAL;
}

void flush_domain(struct domain *d, uint64_t va) { (void)d, (void)va; }

static struct domain *granter, *grantee, *control;
static uint64_t ptes[64]; /* the grantee's entries */

static struct domain *domain_with_table(domid_t id) {
    struct domain *d = make_domain(id, id == 0, 4);

    CHECK_EQ(grant_init_domain(d, 4, 8, 2), 0);
    return d;
}

static void make_all(void) {
    control = domain_with_table(0);
    granter = domain_with_table(1);
    grantee = domain_with_table(2);
    memset(ptes, 0, sizeof(ptes));
    run_as(grantee, 0, 0);
}

static void end_domain(struct domain *d) {
    run_as(control, 0, 0);
    d->state = DOM_DYING;
    while (grant_release_mappings(d) == -ERESTART)
        ;
}

static void free_all(void) {
    struct domain *all[] = {grantee, granter, control};

    for (unsigned int i = 0; i < 3; i++) end_domain(all[i]);
    for (unsigned int i = 0; i < 3; i++) {
        grant_destroy_domain(all[i]);
        free_domain(all[i]);
    }
    CHECK_EQ(frames_in_use(), 0);
}

static void drop_frame(uint64_t mfn) {
    CHECK_EQ(frame_refs(mfn), 1);
    CHECK_EQ(frame_writers(mfn), 0);
    mfn_to_frame(_mfn(mfn))->count = 0;
}

static void grant_v1(uint32_t ref, uint64_t mfn, uint16_t flags) {
    *entry_v1(grants_of(granter), ref) = (grant_entry_v1_t){flags, grantee->id, (uint32_t)mfn};
}

static uint16_t flags_v1(uint32_t ref) {
    return __atomic_load_n(&entry_v1(grants_of(granter), ref)->flags, __ATOMIC_SEQ_CST);
}

static int16_t map(uint32_t ref, unsigned int pte, uint32_t flags, uint32_t *handle) {
    struct gnttab_map_grant_ref m = {
        .host_addr = (uint64_t)&ptes[pte], .flags = flags, .ref = ref, .dom = granter->id};

    CHECK_EQ(grant_table_op(GNTTABOP_map_grant_ref, &m, 1), 0);
    if (handle && !m.status) *handle = m.handle;
    return m.status;
}

static int16_t unmap(uint32_t handle, uint64_t host, uint64_t dev) {
    struct gnttab_unmap_grant_ref u = {.host_addr = host, .dev_bus_addr = dev, .handle = handle};

    CHECK_EQ(grant_table_op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
    return u.status;
}

static bool pinned(uint32_t ref) { return is_pinned(active_of(grants_of(granter), ref)); }

static uint64_t pte_at(unsigned int i) { return (uint64_t)&ptes[i]; }

static void version_1(void) {
    uint64_t f;
    uint32_t h, h2;

    make_all();
    f = new_frame(granter);
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_general_error); /* nothing granted */
    CHECK_EQ(map(1 << 20, 0, GNTMAP_host_map, &h), GNTST_bad_gntref);
    grant_v1(8, f, GTF_permit_access | GTF_readonly);
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_general_error);
    CHECK_EQ(map(8, 0, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
    CHECK_EQ(flags_v1(8), GTF_permit_access | GTF_readonly | GTF_reading);
    CHECK_EQ(frame_refs(f), 2);
    grant_v1(8, f, GTF_permit_access | GTF_reading);
    CHECK_EQ(map(8, 1, GNTMAP_host_map, &h2), GNTST_okay);
    CHECK_EQ(frame_writers(f), 1);
    CHECK_EQ(flags_v1(8), GTF_permit_access | GTF_reading | GTF_writing);
    /* What it had been granted stays, whatever the entry says now. */
    grant_v1(8, 1, GTF_permit_access | GTF_reading | GTF_writing);
    CHECK_EQ(unmap(h2, pte_at(0), 0), GNTST_general_error);
    CHECK_EQ(unmap(h2, pte_at(1), 0), GNTST_okay);
    CHECK_EQ(unmap(h2, pte_at(1), 0), GNTST_bad_handle);
    CHECK_EQ(flags_v1(8), GTF_permit_access | GTF_reading);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay);
    CHECK_EQ(flags_v1(8), GTF_permit_access);
    CHECK_EQ(unmap(12345678, pte_at(0), 0), GNTST_bad_handle);
    CHECK_EQ(granter->refs, 1);
    drop_frame(f);
    free_all();
}

static void both_sorts(void) {
    uint64_t f, dev;
    uint32_t h;

    make_all();
    f = new_frame(granter);
    dev = f << PAGE_SHIFT;
    grant_v1(9, f, GTF_permit_access);
    CHECK_EQ(map(9, 0, GNTMAP_host_map | GNTMAP_device_map, &h), GNTST_okay);
    CHECK_EQ(active_of(grants_of(granter), 9)->writers, 2);
    CHECK_EQ(unmap(h, 0, 0), GNTST_okay);
    CHECK_EQ(unmap(h, 0, dev + 4096), GNTST_bad_dev_addr);
    CHECK_EQ(unmap(h, pte_at(0), dev + 4096), GNTST_bad_dev_addr);
    CHECK_EQ(unmap(h, BAD_VA, dev), GNTST_general_error);
    CHECK_EQ(frame_refs(f), 3);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay);
    CHECK_EQ(frame_refs(f), 2);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay); /* no such mapping left: nothing happens */
    CHECK_EQ(unmap(h, 0, dev), GNTST_okay);
    CHECK_EQ(granter->refs, 1);
    CHECK(!pinned(9));
    CHECK_EQ(unmap(h, 0, dev), GNTST_bad_handle);
    /* Both in one batch, apart. */
    CHECK_EQ(map(9, 0, GNTMAP_host_map | GNTMAP_device_map, &h), GNTST_okay);
    struct gnttab_unmap_grant_ref two[2] = {{.host_addr = pte_at(0), .handle = h},
                                            {.dev_bus_addr = dev, .handle = h}};
    CHECK_EQ(grant_table_op(GNTTABOP_unmap_grant_ref, two, 2), 0);
    CHECK_EQ(two[0].status | two[1].status, GNTST_okay);
    CHECK_EQ(granter->refs, 1);
    drop_frame(f);
    free_all();
}

static void frame_rules(void) {
    uint64_t f;
    uint32_t h;

    make_all();
    f = new_frame(granter);
    grant_v1(8, f, GTF_permit_access);
    frame_is_table(f, true);
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_general_error);
    CHECK(!pinned(8));
    CHECK_EQ(flags_v1(8), GTF_permit_access);
    CHECK_EQ(map(8, 0, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay);
    frame_is_table(f, false);
    grant_v1(8, NR_FRAMES + 5, GTF_permit_access); /* no such frame */
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_bad_page);
    grant_v1(8, mfn_x(virt_to_mfn(grantee->shared_info)), GTF_permit_access); /* not its own */
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_bad_page);
    CHECK(!pinned(8));
    CHECK_EQ(map(8, 0, 0, &h), GNTST_bad_gntref);
    drop_frame(f);
    free_all();
}

/* The grantee wrote over its entry: its handle does not keep the granter, and once that is gone
 * means nobody, also when the id, and the frame, are another's. */
static void handle_outlives(void) {
    uint64_t f;
    uint32_t h, other;

    make_all();
    f = new_frame(granter);
    grant_v1(8, f, GTF_permit_access);
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_okay);
    ptes[0] = 0;
    frame_put_writable(mfn_to_frame(_mfn(f)));
    drop_frame(f);
    end_domain(granter);
    grant_destroy_domain(granter);
    free_domain(granter);
    granter = domain_with_table(1);
    granter->incarnation = 1;
    run_as(grantee, 0, 0);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_general_error);
    CHECK_EQ(new_frame(granter), f);
    grant_v1(8, f, GTF_permit_access);
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &other), GNTST_okay);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay); /* its entry, and the entry's references */
    CHECK_EQ(frame_refs(f), 1);
    CHECK(pinned(8));
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_bad_handle);
    end_domain(grantee);
    CHECK(!pinned(8));
    drop_frame(f);
    free_all();
}

static void dying_grantee(void) {
    uint64_t f;
    uint32_t h;

    make_all();
    f = new_frame(granter);
    grant_v1(8, f, GTF_permit_access);
    for (unsigned int i = 0; i < 20; i++)
        CHECK_EQ(map(8, i, GNTMAP_host_map | (i & 1 ? GNTMAP_device_map : 0), &h), GNTST_okay);
    end_domain(grantee);
    CHECK_EQ(granter->refs, 1);
    CHECK(!pinned(8));
    for (unsigned int i = 0; i < 20; i++) /* the entries drop theirs with the tables */
        frame_put_writable(mfn_to_frame(_mfn(f)));
    drop_frame(f);
    free_all();
}

static long set_version(struct domain *d, uint32_t version) {
    struct gnttab_set_version v = {version};
    struct vcpu *was = current;
    long rc;

    run_as(d, 0, 0);
    rc = grant_table_op(GNTTABOP_set_version, &v, 1);
    fake_current = was;
    return rc;
}

static int16_t copy_from_ref(struct domain *from, uint32_t ref, uint16_t offset, uint64_t to,
                             uint16_t len) {
    struct gnttab_copy c = {.source = {.u.ref = ref, .domid = from->id, .offset = offset},
                            .dest = {.u.gmfn = to, .domid = DOMID_SELF},
                            .len = len,
                            .flags = GNTCOPY_source_gref};

    CHECK_EQ(grant_table_op(GNTTABOP_copy, &c, 1), 0);
    return c.status;
}

static void version_2(void) {
    struct grant_table *t;
    grant_entry_v2_t *e;
    uint64_t f, own;
    uint32_t h;

    make_all();
    t = grants_of(granter);
    f = new_frame(granter);
    own = new_frame(grantee);
    grant_v1(8, f, GTF_permit_access);
    CHECK_EQ(map(8, 0, GNTMAP_host_map, &h), GNTST_okay);
    CHECK_EQ(set_version(granter, 2), -EBUSY);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay);
    CHECK_EQ(set_version(granter, 3), -EINVAL);
    CHECK_EQ(set_version(granter, 2), 0);
    CHECK_EQ(table_entries(t), t->nr_frames * 256);
    e = entry_v2(t, 9);
    e->full_page.frame = f;
    e->hdr.domid = grantee->id;
    e->hdr.flags = GTF_permit_access;
    CHECK_EQ(map(9, 0, GNTMAP_host_map, &h), GNTST_okay);
    CHECK_EQ(*status_of(t, 9), GTF_reading | GTF_writing);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay);
    CHECK_EQ(*status_of(t, 9), 0);
    /* Part of a page: to copy, not to map. */
    e->hdr.flags = 0;
    e->sub_page.page_off = 100;
    e->sub_page.length = 50;
    e->sub_page.frame = f;
    e->hdr.flags = GTF_permit_access | GTF_sub_page;
    CHECK_EQ(map(9, 0, GNTMAP_host_map, &h), GNTST_general_error);
    memset(frame_bytes(f), 'x', PAGE_SIZE);
    CHECK_EQ(copy_from_ref(granter, 9, 100, own, 50), GNTST_okay);
    CHECK_EQ(((char *)frame_bytes(own))[49], 'x');
    CHECK_EQ(((char *)frame_bytes(own))[50], 0);
    CHECK_EQ(copy_from_ref(granter, 9, 99, own, 1), GNTST_general_error);
    CHECK_EQ(copy_from_ref(granter, 9, 150, own, 1), GNTST_general_error);
    CHECK_EQ(copy_from_ref(granter, 9, 4000, own, 97), GNTST_bad_copy_arg);
    frame_is_table(own, true);
    CHECK_EQ(copy_from_ref(granter, 9, 100, own, 50), GNTST_general_error);
    CHECK(!pinned(9));
    CHECK_EQ(frame_refs(f), 1);
    drop_frame(f);
    drop_frame(own);
    free_all();
}

/* granter passes on to grantee what control granted to it. */
static void transitive(void) {
    grant_entry_v2_t *e, *last;
    uint64_t f, own;
    uint32_t h;

    make_all();
    f = new_frame(control);
    own = new_frame(grantee);
    *entry_v1(grants_of(control), 20) =
        (grant_entry_v1_t){GTF_permit_access, granter->id, (uint32_t)f};
    CHECK_EQ(set_version(granter, 2), 0);
    e = entry_v2(grants_of(granter), 10);
    e->transitive.trans_domid = control->id;
    e->transitive.gref = 20;
    e->hdr.domid = grantee->id;
    e->hdr.flags = GTF_transitive;
    memset(frame_bytes(f), 'y', PAGE_SIZE);
    CHECK_EQ(copy_from_ref(granter, 10, 5, own, 7), GNTST_okay);
    CHECK_EQ(((char *)frame_bytes(own))[6], 'y');
    CHECK_EQ(map(10, 0, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_general_error);
    e->transitive.trans_domid = granter->id; /* to itself */
    CHECK_EQ(copy_from_ref(granter, 10, 5, own, 7), GNTST_general_error);
    e->transitive.trans_domid = 9; /* to nobody */
    CHECK_EQ(copy_from_ref(granter, 10, 5, own, 7), GNTST_general_error);
    /* Two steps are one too many. */
    CHECK_EQ(set_version(control, 2), 0);
    last = entry_v2(grants_of(control), 20);
    last->transitive.trans_domid = grantee->id;
    last->transitive.gref = 8;
    last->hdr.domid = granter->id;
    last->hdr.flags = GTF_transitive;
    e->transitive.trans_domid = control->id;
    CHECK_EQ(copy_from_ref(granter, 10, 5, own, 7), GNTST_general_error);
    CHECK(!pinned(10) && !is_pinned(active_of(grants_of(control), 20)));
    CHECK_EQ(*status_of(grants_of(granter), 10), 0);
    CHECK_EQ(control->refs, 1);
    CHECK_EQ(granter->refs, 1);
    drop_frame(f);
    drop_frame(own);
    free_all();
}

/* Entries that only version 2 has are refused; the tools' may stay in use; status frames may not be
 * mapped when they go. */
static void changing_version(void) {
    struct grant_table *t;
    struct frame *status;
    uint64_t f;
    uint32_t h;

    make_all();
    t = grants_of(granter);
    f = new_frame(granter);
    grant_v1(1, f, GTF_permit_access);
    CHECK_EQ(map(1, 0, GNTMAP_host_map, &h), GNTST_okay);
    CHECK_EQ(set_version(granter, 2), 0);
    CHECK_EQ(entry_v2(t, 1)->hdr.flags, GTF_permit_access);
    CHECK_EQ(entry_v2(t, 1)->full_page.frame, f);
    CHECK_EQ(*status_of(t, 1), GTF_reading | GTF_writing);
    status = mfn_to_frame(virt_to_mfn(t->status[0]));
    CHECK(frame_get(status, granter)); /* as a page-table entry would */
    CHECK_EQ(set_version(granter, 1), -EBUSY);
    CHECK_EQ(t->version, 2);
    frame_put(status);
    entry_v2(t, 1)->full_page.frame = 1UL << 32;
    CHECK_EQ(set_version(granter, 1), -ERANGE);
    entry_v2(t, 1)->full_page.frame = f;
    CHECK_EQ(set_version(granter, 1), 0);
    CHECK_EQ(flags_v1(1), GTF_permit_access | GTF_reading | GTF_writing);
    CHECK_EQ(unmap(h, pte_at(0), 0), GNTST_okay);
    CHECK_EQ(flags_v1(1), GTF_permit_access);
    drop_frame(f);
    free_all();
}

static void limits(void) {
    struct gnttab_setup_table s = {.dom = DOMID_SELF, .nr_frames = 5};
    struct gnttab_dump_table dump = {.dom = DOMID_SELF};
    uint64_t list[8];
    uint32_t h, n = 0;
    uint64_t f;

    make_all();
    set_xen_guest_handle_raw(s.frame_list, list);
    CHECK_EQ(grant_table_op(GNTTABOP_setup_table, &s, 1), 0);
    CHECK_EQ(s.status, GNTST_general_error);
    s.nr_frames = 4;
    CHECK_EQ(grant_table_op(GNTTABOP_setup_table, &s, 1), 0);
    CHECK_EQ(s.status, GNTST_okay);
    s.dom = granter->id;
    CHECK_EQ(grant_table_op(GNTTABOP_setup_table, &s, 1), 0);
    CHECK_EQ(s.status, GNTST_permission_denied);
    /* As in Xen 4.17; here it would let a guest fill the console. */
    CHECK_EQ(grant_table_op(GNTTABOP_dump_table, &dump, 1), -ENOSYS);
    f = new_frame(granter);
    grant_v1(8, f, GTF_permit_access);
    while (!map(8, 0, GNTMAP_device_map | GNTMAP_readonly, &h)) n++;
    CHECK_EQ(n, 8 * MAPPING_PER_PAGE);
    CHECK_EQ(map(8, 0, GNTMAP_device_map, &h), GNTST_no_space);
    /* A table does not grow any more when its frames have been taken back. */
    granter->state = DOM_DYING;
    grant_drop_frames(granter);
    run_as(control, 0, 0);
    CHECK_EQ(grant_table_op(GNTTABOP_setup_table, &s, 1), 0);
    CHECK_EQ(s.status, GNTST_general_error);
    end_domain(grantee);
    CHECK_EQ(granter->refs, 1);
    drop_frame(f);
    free_all();
}

/* Races. */

static bool stop;
static uint32_t handles[16];
static uint64_t raced[4];

static uint32_t next_random(uint32_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

/* The granter writes anything that names its own frames, and worse, into two entries. */
static void *rewriter(void *arg) {
    uint32_t seed = (uint32_t)(uintptr_t)arg;

    run_as(granter, 0, 3);
    while (!__atomic_load_n(&stop, __ATOMIC_SEQ_CST)) {
        uint32_t ref = 8 + (next_random(&seed) & 1), r = next_random(&seed);
        uint32_t frame = r & 1 ? (uint32_t)raced[r >> 1 & 3] : next_random(&seed);
        grant_entry_v1_t e = {
            (uint16_t)(r >> 8 & 3 ? GTF_permit_access | (r >> 12 & GTF_readonly) : r >> 16),
            r >> 10 & 7 ? grantee->id : (domid_t)r, frame};
        uint64_t raw;

        memcpy(&raw, &e, sizeof(raw));
        __atomic_store_n((uint64_t *)entry_v1(grants_of(granter), ref), raw, __ATOMIC_SEQ_CST);
        if (r % 16 == 0) sched_yield();
    }
    return NULL;
}

/* A vcpu of the grantee: maps, and unmaps what any vcpu mapped, rightly or not. */
static void *mapper(void *arg) {
    uint32_t me = (uint32_t)(uintptr_t)arg, seed = me * 7919 + 1;
    uint64_t own = new_frame(grantee);

    run_as(grantee, me, me);
    for (unsigned int i = 0; i < 20000; i++) {
        uint32_t r = next_random(&seed), slot = r & 15, pte = r >> 4 & 31, h;
        uint32_t how = (r >> 10 & 3) ? (r >> 10 & 3) : 3; /* device, host, both */
        uint64_t dev = raced[r >> 20 & 3] << PAGE_SHIFT;

        switch (r >> 16 & 7) {
        case 0:
        case 1:
            if (!map(8 + (r >> 12 & 1), pte, how | (r >> 13 & 1 ? GNTMAP_readonly : 0), &h))
                __atomic_store_n(&handles[slot], h, __ATOMIC_SEQ_CST);
            break;
        case 2: (void)copy_from_ref(granter, 8 + (r >> 12 & 1), 0, own, 100); break;
        default:
            (void)unmap(__atomic_load_n(&handles[slot], __ATOMIC_SEQ_CST),
                        how & GNTMAP_host_map ? pte_at(pte) : 0, how & GNTMAP_device_map ? dev : 0);
        }
    }
    drop_frame(own);
    return NULL;
}

/* Every reference on the frames is explained by an entry, or by a handle's device mapping; every
 * pin by a handle. */
static void check_books(void) {
    struct grant_table *lt = grants_of(grantee), *t = grants_of(granter);
    uint64_t refs[4] = {1, 1, 1, 1}, writers[4] = {0};
    unsigned int pins[16][2] = {{0}}, used = 0, nr_free = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(ptes); i++)
        for (unsigned int f = 0; f < 4; f++)
            if (ptes[i] && ptes[i] >> PAGE_SHIFT == raced[f]) {
                refs[f]++;
                writers[f] += !!(ptes[i] & FAKE_RW);
            }
    for (uint32_t h = 0; h < lt->nr_maptrack * MAPPING_PER_PAGE; h++) {
        struct mapping *m = &lt->maptrack[h / MAPPING_PER_PAGE][h % MAPPING_PER_PAGE];
        bool ro = m->flags & GNTMAP_readonly;

        if (!(m->flags & MAPPING_SORTS)) continue;
        used++;
        pins[m->ref][!ro] += !!(m->flags & GNTMAP_host_map) + !!(m->flags & GNTMAP_device_map);
        for (unsigned int f = 0; f < 4; f++)
            if ((m->flags & GNTMAP_device_map) && m->mfn == raced[f]) {
                refs[f]++;
                writers[f] += !ro;
            }
    }
    for (uint32_t h = lt->free_handle; h != NO_HANDLE && nr_free <= 8 * MAPPING_PER_PAGE; nr_free++)
        h = lt->maptrack[h / MAPPING_PER_PAGE][h % MAPPING_PER_PAGE].ref;
    CHECK_EQ(used + nr_free, lt->nr_maptrack * MAPPING_PER_PAGE);
    CHECK_EQ(granter->refs, 1);
    for (unsigned int f = 0; f < 4; f++) {
        CHECK_EQ(frame_refs(raced[f]), refs[f]);
        CHECK_EQ(frame_writers(raced[f]), writers[f]);
    }
    for (uint32_t ref = 8; ref < 10; ref++) {
        CHECK_EQ(active_of(t, ref)->readers, pins[ref][0]);
        CHECK_EQ(active_of(t, ref)->writers, pins[ref][1]);
    }
}

static void race(void) {
    pthread_t m[3], w;

    make_all();
    stop = false;
    for (unsigned int i = 0; i < 4; i++) raced[i] = new_frame(granter);
    pthread_create(&w, NULL, rewriter, (void *)3);
    for (uintptr_t i = 0; i < 3; i++) pthread_create(&m[i], NULL, mapper, (void *)i);
    for (unsigned int i = 0; i < 3; i++) pthread_join(m[i], NULL);
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    pthread_join(w, NULL);
    check_books();
    end_domain(grantee);
    for (unsigned int i = 0; i < ARRAY_SIZE(ptes); i++) {
        if (!ptes[i]) continue;
        if (ptes[i] & FAKE_RW)
            frame_put_writable(mfn_to_frame(_mfn(ptes[i] >> PAGE_SHIFT)));
        else
            frame_put(mfn_to_frame(_mfn(ptes[i] >> PAGE_SHIFT)));
    }
    CHECK(!pinned(8) && !pinned(9));
    for (unsigned int i = 0; i < 4; i++) drop_frame(raced[i]);
    free_all();
}

int main(void) {
    world_init();
    version_1();
    both_sorts();
    frame_rules();
    handle_outlives();
    dying_grantee();
    version_2();
    transitive();
    changing_version();
    limits();
    for (unsigned int i = 0; i < 5; i++) race();
    return report();
}
