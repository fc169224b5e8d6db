/* SPDX-License-Identifier: MIT */
/* The heap, small objects, reservations, exchange, claims, grants' entries. */
#include "fakes.h"

#include <public/memory.h>

static struct domain *u;

static void heap_is_a_heap(void) {
    uint64_t before = mm_free_pages();
    struct frame *got[64];
    unsigned int seed = 1, n = 0;

    for (unsigned int round = 0; round < 2000; round++) {
        unsigned int order = (unsigned int)rand_r(&seed) % 5;

        if (n == ARRAY_SIZE(got) || (n && rand_r(&seed) % 3 == 0)) {
            struct frame *f = got[--n];
            unsigned int o = f->prev;

            f->prev = 0;
            heap_free(f, o);
            continue;
        }
        got[n] = heap_alloc(order, 0, NULL);
        if (got[n]) {
            CHECK(!(frame_nr(got[n]) & (BIT(order) - 1)));
            for (unsigned int i = 0; i < n; i++)
                CHECK(got[n] + BIT(order) <= got[i] || got[n] >= got[i] + BIT(got[i]->prev));
            got[n++]->prev = order;
        }
    }
    while (n) {
        unsigned int o = got[--n]->prev;

        got[n]->prev = 0;
        heap_free(got[n], o);
    }
    CHECK_EQ(mm_free_pages(), before);
    struct frame *f = heap_alloc(0, 23, NULL); /* below 8 MiB */

    CHECK(f && frame_nr(f) < 2048);
    heap_free(f, 0);
    CHECK(!heap_alloc(0, 12, NULL));
    CHECK_EQ(mm_free_pages_between(0, 0), before);
}

/* A frame freed when the flush clock stands at 0, on its way round, is flushed for all the same. */
static void clock_wraps(void) {
    struct frame *f = heap_alloc(0, 0, NULL), *again;
    uint32_t clock = tlb_flush_clock;
    unsigned int before = flushes;

    for (unsigned int i = 0; i < nr_cpus; i++) pcpus[i]->arch.tlb_stamp = 0;
    tlb_flush_clock = 0;
    heap_free(f, 0);
    again = heap_alloc(0, 0, NULL);
    CHECK(again == f);
    CHECK_EQ(flushes, before + nr_cpus);
    tlb_flush_clock = clock;
    for (unsigned int i = 0; i < nr_cpus; i++) pcpus[i]->arch.tlb_stamp = clock;
    heap_free(again, 0);
}

/* Neighbours of which one was free for more than half a round of the flush clock: a CPU whose last
 * flush lies between is flushed for the other, whichever is first. */
static void old_neighbours(void) {
    uint32_t clock = tlb_flush_clock, old = 0x1234;

    for (unsigned int first = 0; first < 2; first++) {
        struct frame *f = heap_alloc(1, 0, NULL);
        unsigned int before = flushes;

        heap_free(f, 1);
        f[first].tlb_stamp = old;
        f[!first].tlb_stamp = old + 0x80000000U + 10;
        for (unsigned int i = 0; i < nr_cpus; i++)
            pcpus[i]->arch.tlb_stamp = old + 0x80000000U + (i ? 15 : -10U);
        tlb_flush_clock = old + 0x80000000U + 20;
        CHECK(heap_alloc(1, 0, NULL) == f);
        CHECK_EQ(flushes, before + 1);
        CHECK(pcpus[0]->arch.tlb_stamp > old + 0x80000000U + 20);
        heap_free(f, 1);
    }
    tlb_flush_clock = clock;
    for (unsigned int i = 0; i < nr_cpus; i++) pcpus[i]->arch.tlb_stamp = clock;
}

static void small_objects(void) {
    uint64_t before = mm_free_pages();
    unsigned char *p[200];

    for (unsigned int i = 0; i < 200; i++) {
        p[i] = hv_alloc(1 + i * 37);
        CHECK(p[i] && !((uintptr_t)p[i] & 15) && p[i][0] == 0 && p[i][i * 37] == 0);
        memset(p[i], (int)i, 1 + i * 37);
    }
    for (unsigned int i = 0; i < 200; i++) {
        CHECK(p[i][0] == (unsigned char)i && p[i][i * 37] == (unsigned char)i);
        hv_free(p[i]);
    }
    CHECK(before - mm_free_pages() <= 7); /* one page of each class stays */
    CHECK(!hv_alloc(2UL << 30));
    hv_free(NULL);
}

static void reservations(void) {
    xen_pfn_t list[8];
    struct xen_memory_reservation r = {.nr_extents = 8, .domid = DOMID_SELF};

    r.extent_start.p = list;
    for (unsigned int i = 0; i < 8; i++) list[i] = 1000 + i;
    preempt_at = 3;
    CHECK_EQ(memory_op(XENMEM_populate_physmap, &r), 8);
    CHECK_EQ(u->mm.tot_pages, 8);
    for (unsigned int i = 0; i < 8; i++) {
        CHECK_EQ(m2p_get(_mfn(list[i])), 1000 + i);
        CHECK_EQ(page(list[i])[17], 0); /* never old data */
        page(list[i])[17] = 0x5ec4e7;
    }
    CHECK_EQ(memory_op(XENMEM_decrease_reservation, &r), 8);
    CHECK_EQ(u->mm.tot_pages, 0);
    CHECK_EQ(memory_op(XENMEM_decrease_reservation, &r), 0);
    u->mm.max_pages = 5;
    CHECK_EQ(memory_op(XENMEM_increase_reservation, &r), 5);
    r.nr_extents = 5;
    CHECK_EQ(memory_op(XENMEM_decrease_reservation, &r), 5);
    u->mm.max_pages = NR_FRAMES;
    r.domid = 0;
    CHECK_EQ(memory_op(XENMEM_increase_reservation, &r), 0);
    r.domid = DOMID_SELF;
    r.extent_order = 10;
    CHECK_EQ(memory_op(XENMEM_increase_reservation, &r), 0);
    r.extent_order = 0;
    r.extent_start.p = (void *)13;
    CHECK_EQ(memory_op(XENMEM_increase_reservation, &r), 0);
    CHECK_EQ(u->mm.tot_pages, 0); /* nothing half done */
    SOUND();
}

static void exchanges(void) {
    xen_pfn_t in[16], out[2] = {500, 508}, first;
    struct xen_memory_exchange e = {
        .in = {.nr_extents = 16, .domid = DOMID_SELF},
        .out = {.nr_extents = 2, .extent_order = 3, .domid = DOMID_SELF},
    };
    struct tables t = make_tables(u);
    uint64_t owned;

    e.in.extent_start.p = in;
    e.out.extent_start.p = out;
    for (unsigned int i = 0; i < 16; i++) in[i] = new_frame(u);
    owned = u->mm.tot_pages;
    u->mm.max_pages = owned; /* the limit does not matter */
    preempt_at = 1;
    CHECK_EQ(memory_op(XENMEM_exchange, &e), 0);
    CHECK_EQ(e.nr_exchanged, 16);
    CHECK_EQ(u->mm.tot_pages, owned);
    for (unsigned int i = 0; i < 16; i++)
        CHECK_EQ(m2p_get(_mfn(out[i / 8] + i % 8)), (i < 8 ? 500 : 508) + i % 8);
    CHECK(!(out[0] & 7));
    SOUND();
    /* Back to single frames; the second chunk has one that is in use. */
    first = out[0];
    e = (struct xen_memory_exchange){
        .in = {.nr_extents = 2, .extent_order = 3, .domid = DOMID_SELF},
        .out = {.nr_extents = 16, .domid = DOMID_SELF},
    };
    e.in.extent_start.p = out;
    e.out.extent_start.p = in;
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmu_update(at(t.l1, 50), pte(out[1] + 5, ROP)), 0);
    CHECK_EQ(memory_op(XENMEM_exchange, &e), -EINVAL);
    CHECK_EQ(e.nr_exchanged, 1);
    CHECK_EQ(u->mm.tot_pages, owned);
    CHECK_EQ(frame_table[out[1]].owner, owner_tag(u));
    CHECK(frame_table[first].owner != owner_tag(u) || !(frame_table[first].count & FC_FREE));
    SOUND();
    u->mm.max_pages = NR_FRAMES;
}

/* f can be given up, busy can not: f comes back. */
static void exchange_fails(uint64_t f, uint64_t busy) {
    xen_pfn_t in[2] = {f, busy}, out = 1;
    struct xen_memory_exchange e = {
        .in = {.nr_extents = 2, .domid = DOMID_SELF},
        .out = {.nr_extents = 1, .extent_order = 1, .domid = DOMID_SELF},
    };

    e.in.extent_start.p = in;
    e.out.extent_start.p = &out;
    CHECK_EQ(memory_op(XENMEM_exchange, &e), -EINVAL);
}

/* A frame that comes back from a failed exchange is still flushed for. */
static void exchange_keeps_history(void) {
    struct tables t = make_tables(u);
    uint64_t f = new_frame(u);
    unsigned int before;

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, f), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, f), 0);
    exchange_fails(f, t.l1);
    before = flushes;
    CHECK_EQ(mmu_update(at(t.l1, 60), pte(f, RWP)), 0);
    CHECK_EQ(flushes, before + 1);
    SOUND();
}

/* Nor does such a frame forget that another domain's CPU may still write to it. */
static void exchange_keeps_foreign(void) {
    struct tables t = make_tables(u), z = make_tables(dom0);
    uint64_t f = new_frame(u);
    unsigned int before;

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    run_as(dom0, 1);
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, z.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, z.l4), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 9), pte(f, RWP), 5), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 9), 0, 5), 0); /* not flushed */
    run_as(u, 0);
    exchange_fails(f, t.l1);
    for (unsigned int i = 0; i < nr_cpus; i++) /* all but the one that mapped it flush */
        if (i != 1) {
            run_as(u, i);
            tlb_flush_local();
        }
    run_as(u, 0);
    before = flushes;
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, f), 0);
    CHECK_EQ(flushes, before + 1);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, f), 0);
    run_as(dom0, 1);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, z.l4), 0);
    mm_drop_vcpu_pagetables(dom0->vcpu[0]);
    mm_load_idle_base();
    run_as(u, 0);
    SOUND();
}

static void claims(void) {
    struct xen_memory_reservation r = {.nr_extents = 100, .domid = 5};
    uint64_t all = mm_free_pages();

    CHECK_EQ(memory_op(XENMEM_claim_pages, &r), -EPERM);
    run_as(dom0, 1);
    CHECK_EQ(memory_op(XENMEM_claim_pages, &r), 0);
    CHECK_EQ(mm_outstanding_claims(), 100 - u->mm.tot_pages);
    CHECK_EQ(memory_op(XENMEM_claim_pages, &r), -EINVAL); /* one at a time */
    run_as(u, 0);
    new_frame(u);
    CHECK_EQ(mm_outstanding_claims(), 100 - u->mm.tot_pages);
    run_as(dom0, 1);
    r.nr_extents = 0;
    CHECK_EQ(memory_op(XENMEM_claim_pages, &r), 0);
    CHECK_EQ(mm_outstanding_claims(), 0);
    r.nr_extents = all + 1;
    CHECK(memory_op(XENMEM_claim_pages, &r) < 0);
    run_as(u, 0);
}

static void sound_when_released(void) {
    mm_release_l1(current);
    SOUND();
}

/* A table stays held from one operation to the next that it serves. */
static void held_tables(const struct tables *t, const struct domain *g, uint64_t m) {
    struct frame *f = &frame_table[m], *l1 = &frame_table[t->l1];
    uint64_t other = new_frame(u), types = l1->type & FT_COUNT_MASK;
    const uint64_t far = 1UL << 21;

    CHECK_EQ(mmu_update(at(t->l2, 1), pte(other, RWP)), 0);
    for (unsigned int i = 0; i < 5; i++) CHECK(frame_get(f, g));
    CHECK_EQ(mm_map_grant(100UL << 12, false, _mfn(m), 0), 0);
    CHECK_EQ(mm_map_grant(101UL << 12, false, _mfn(m), 0), 0);
    CHECK_EQ(l1->type & FT_COUNT_MASK, types + 1);
    CHECK_EQ(mm_map_grant(far + (100UL << 12), false, _mfn(m), 0), 0);
    CHECK_EQ(l1->type & FT_COUNT_MASK, types);
    CHECK_EQ(mm_map_grant(at(t->l1, 102), true, _mfn(m), 0), 0);
    CHECK_EQ(mm_map_grant(at(t->l1, 103) + 4, true, _mfn(m), 0), -EINVAL);
    CHECK_EQ(mm_map_grant(at(other, 101), true, _mfn(m), 0), 0);
    for (unsigned int i = 100; i < 103; i++) CHECK_EQ(pte_mfn(page(t->l1)[i]), m);
    for (unsigned int i = 100; i < 102; i++) CHECK_EQ(pte_mfn(page(other)[i]), m);
    sound_when_released();
    /* From one table to another, and within one. */
    CHECK_EQ(mm_unmap_grant(at(t->l1, 102), true, _mfn(m), false, far + (101UL << 12)), -EINVAL);
    CHECK_EQ(pte_mfn(page(other)[101]), m);
    CHECK_EQ(mm_unmap_grant(102UL << 12, false, _mfn(m), false, far + (101UL << 12)), 0);
    CHECK_EQ(page(other)[101], 0);
    CHECK_EQ(mm_unmap_grant(101UL << 12, false, _mfn(m), false, 102UL << 12), 0);
    CHECK_EQ(page(t->l1)[102], 0);
    CHECK_EQ(pte_mfn(page(t->l1)[101]), m);
    frame_put(f);
    frame_put(f);
    sound_when_released();
    /* The last entry for a held table goes: its own go when it is released. */
    for (unsigned int i = 0; i < 3; i++) CHECK(frame_get(f, g));
    CHECK_EQ(mm_map_grant(far, false, _mfn(m), 0), 0);
    CHECK_EQ(mmu_update(at(t->l2, 1), 0), 0);
    CHECK(frame_table[other].type & FT_COUNT_MASK);
    CHECK_EQ(mm_map_grant(far + 4096, false, _mfn(m), 0), 0);
    CHECK_EQ(mm_map_grant(at(t->l1, 9), true, _mfn(m), 0), 0);
    CHECK(!(frame_table[other].type & FT_COUNT_MASK));
    CHECK_EQ(mm_map_grant(far + 8192, false, _mfn(m), 0), -EINVAL);
    CHECK_EQ(mmu_update(at(t->l1, 9), 0), 0);
    CHECK_EQ(mmu_update(at(t->l1, 100), 0), 0);
    CHECK_EQ(mmu_update(at(t->l1, 101), 0), 0);
    sound_when_released();
    CHECK_EQ(f->count & FC_COUNT_MASK, 1);
}

static void grant_entries(void) {
    struct domain *g = make_domain(6, false);
    struct tables t = make_tables(u);
    uint64_t m = new_frame(g);
    struct frame *f = &frame_table[m];

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, t.l4), 0);
    CHECK(frame_get_writable(f, g));
    CHECK_EQ(mm_map_grant(70UL << 12, false, _mfn(m), PTE_RW | PTE_A | PTE_D), 0);
    sound_when_released();
    CHECK_EQ(mm_unmap_grant(70UL << 12, false, _mfn(m), false, 0), -EINVAL); /* it is writable */
    CHECK_EQ(mm_unmap_grant(71UL << 12, false, _mfn(m), true, 0), -EINVAL);
    CHECK_EQ(mm_unmap_grant(at(t.l1, 70), true, _mfn(m), true, 0), 0);
    frame_put_writable(f);
    CHECK_EQ(page(t.l1)[70], 0);
    sound_when_released();
    /* unmap and replace: the entry of data[3] moves. */
    CHECK(frame_get(f, g));
    CHECK_EQ(mm_map_grant(at(t.l1, 72), true, _mfn(m), PTE_A), 0);
    CHECK_EQ(mm_unmap_grant(72UL << 12, false, _mfn(m), false, 3UL << 12), 0);
    frame_put(f);
    CHECK_EQ(pte_mfn(page(t.l1)[72]), t.data[3]);
    CHECK_EQ(page(t.l1)[3], 0);
    sound_when_released();
    CHECK_EQ(mm_map_grant(at(t.l2, 9), true, _mfn(m), 0), -EINVAL); /* no L1 table */
    CHECK_EQ(mm_map_grant(at(t.data[1], 9), true, _mfn(m), 0), -EINVAL);
    /* Overwritten by the guest itself: the references go with the entry. */
    CHECK(frame_get_writable(f, g));
    CHECK_EQ(mm_map_grant(at(t.l1, 70), true, _mfn(m), PTE_RW), 0);
    CHECK_EQ(mmu_update(at(t.l1, 70), pte(t.data[0], ROP)), 0);
    CHECK_EQ(f->count & FC_COUNT_MASK, 1);
    sound_when_released();
    held_tables(&t, g, m);
    destroy_domain(g);
}

static void vcpu_info_frame(void) {
    struct vcpu *v = u->vcpu[0];
    struct tables t = make_tables(u);
    uint64_t m = new_frame(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK(mm_map_vcpu_info(v, m, 4096 - 8) < 0);
    CHECK_EQ(mm_map_vcpu_info(v, t.l1, 0), -EINVAL);
    /* What others left in the dummy is not for this one. */
    dummy_vcpu_info.arch.cr2 = 0x5ec0d;
    dummy_vcpu_info.evtchn_upcall_mask = 0;
    CHECK_EQ(mm_map_vcpu_info(v, m, 64), 0);
    CHECK(v->info->arch.cr2 == 0 && v->info->evtchn_upcall_mask == 1);
    CHECK_EQ(mm_map_vcpu_info(v, m, 128), -EINVAL); /* once */
    CHECK((void *)v->info == (char *)page(m) + 64);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, m), -EINVAL);
    SOUND();
}

static void mapped_frames(void) {
    struct tables t = make_tables(u);
    uint64_t m = new_frame(u);
    void *a, *b;

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK(!mm_map_guest_frame(u, t.l2));
    CHECK(!mm_map_guest_frame(u, NR_FRAMES));
    a = mm_map_guest_frame(u, m);
    b = mm_map_guest_frame(u, m);
    CHECK(a == page(m) && b == a);
    SOUND();
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, m), -EINVAL);
    mm_unmap_guest_frame((char *)b + 100);
    SOUND();
    mm_unmap_guest_frame(a);
    memset(page(m), 0, PAGE_SIZE);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, m), 0);
    SOUND();
}

static void shared_frames(void) {
    struct tables t = make_tables(u);
    uint64_t before;
    void *p = alloc_page_hv(), *q = alloc_page_hv();
    struct frame *rw = mfn_to_frame(virt_to_mfn(p)), *ro = mfn_to_frame(virt_to_mfn(q));

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    share_hv_frame(rw, u, true);
    share_hv_frame(ro, u, false);
    CHECK_EQ(mmu_update(at(t.l1, 80), pte(frame_nr(rw), RWP)), 0);
    CHECK_EQ(mmu_update(at(t.l1, 81), pte(frame_nr(ro), RWP)), -EBUSY);
    CHECK_EQ(mmu_update(at(t.l1, 81), pte(frame_nr(ro), ROP)), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, frame_nr(ro)), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, frame_nr(rw)), -EINVAL);
    SOUND();
    before = mm_free_pages();
    unshare_hv_frame(rw);
    unshare_hv_frame(ro);
    CHECK_EQ(mm_free_pages(), before); /* still mapped */
    CHECK_EQ(mmu_update(at(t.l1, 82), pte(frame_nr(ro), ROP)), -EBUSY);
    CHECK_EQ(mmu_update(at(t.l1, 80), 0), 0);
    CHECK_EQ(mmu_update(at(t.l1, 81), 0), 0);
    CHECK_EQ(mm_free_pages(), before + 2);
    SOUND();
}

void memory_tests(void) {
    static void (*const tests[])(void) = {
        heap_is_a_heap, clock_wraps,   old_neighbours,         small_objects,
        reservations,   exchanges,     exchange_keeps_history, exchange_keeps_foreign,
        claims,         grant_entries, vcpu_info_frame,        mapped_frames,
        shared_frames};

    for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++) {
        u = make_domain(5, false);
        run_as(u, 0);
        preempt_at = 0;
        tests[i]();
        preempt_at = 0;
        run_as(dom0, 3);
        destroy_domain(u);
        SOUND();
    }
}
