/* SPDX-License-Identifier: MIT */
/* Types and tables: what a guest must not be able to do, tried; and preemption at every step. */
#include "fakes.h"

#include <pthread.h>

#include <hv/boot.h>

static struct domain *u; /* the guest that tries */

static void validates_and_releases(void) {
    struct tables t = make_tables(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    SOUND();
    CHECK(page(t.l1)[0] & PTE_G); /* USER without GUEST_KERNEL */
    CHECK_EQ(page(t.l4)[256], 0);
    CHECK_EQ(page(t.l4)[257], boot_l4[257]);
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), -EINVAL); /* already */
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, t.l4), -EINVAL);
    CHECK_EQ(frame_table[t.data[0]].count, FC_ALLOCATED | 1);
    CHECK_EQ(frame_table[t.l1].type & FT_COUNT_MASK, 0);
    SOUND();
}

/* With XPTI a guest's L4 shows of Hospes what its CPUs need in it, and a change reaches copies. */
static void separate_tables(void) {
    struct tables t = make_tables(u);
    uint64_t clock;

    u->arch.entry_slot = 0xdef000 | PTE_P;
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, t.l4), 0);
    CHECK_EQ(page(t.l4)[256], boot_l4[256]);
    CHECK_EQ(page(t.l4)[261], 0xdef000 | PTE_P);
    for (unsigned int i = 257; i < 272; i++)
        if (i != 260 && i != 261) CHECK_EQ(page(t.l4)[i], 0);
    CHECK(page(t.l4)[260] & PTE_P);
    clock = tlb_flush_clock;
    CHECK_EQ(mmu_update(at(t.l3, 7), 0), 0);
    CHECK_EQ(tlb_flush_clock, clock);
    CHECK_EQ(mmu_update(at(t.l4, 7), pte(t.l3, ROP)), 0);
    CHECK(tlb_flush_clock != clock);
    clock = tlb_flush_clock;
    CHECK_EQ(mmu_update(at(t.l4, 7), pte(t.l3, RWP)), 0); /* the same table with other rights */
    CHECK(tlb_flush_clock != clock);
    SOUND();
    CHECK_EQ(mmu_update(at(t.l4, 7), 0), 0);
    u->arch.entry_slot = 0;
}

static void no_writable_map_of_tables(void) {
    struct tables t = make_tables(u);
    uint64_t tables[4] = {t.l1, t.l2, t.l3, t.l4};

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    for (unsigned int i = 0; i < 4; i++) {
        CHECK_EQ(mmu_update(at(t.l1, 20), pte(tables[i], RWP)), -EBUSY);
        CHECK_EQ(mmu_update(at(t.l1, 20), pte(tables[i], ROP)), 0);
        CHECK_EQ(mmu_update(at(t.l1, 20), pte(tables[i], RWP)), -EBUSY);
        CHECK_EQ(do_update_va_mapping(20UL << 12, pte(tables[i], RWP), 0), -EINVAL); /* no base */
        SOUND();
    }
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, t.l4), 0);
    CHECK_EQ(do_update_va_mapping(20UL << 12, pte(t.l2, RWP), UVMF_INVLPG), -EBUSY);
    CHECK_EQ(do_update_va_mapping(20UL << 12, pte(t.data[1], RWP), UVMF_INVLPG), 0);
    CHECK_EQ(page(t.l1)[20] & PTE_ADDR, t.data[1] << 12);
    SOUND();
}

static void no_table_from_writable(void) {
    struct tables t = make_tables(u);
    uint64_t l1b = new_frame(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, t.data[0]), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l2, 1), pte(t.data[0], RWP)), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, t.data[0]), -EINVAL);
    page(l1b)[3] = pte(l1b, RWP); /* a table that maps itself writable */
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, l1b), -EBUSY);
    page(l1b)[3] = pte(l1b, ROP);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, l1b), 0);
    SOUND();
}

static void no_type_confusion(void) {
    struct tables t = make_tables(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L2_TABLE, t.l1), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, t.l2), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_PIN_L3_TABLE, t.l4), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l3, 1), pte(t.l1, RWP)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l4, 1), pte(t.l2, RWP)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l2, 1), pte(t.l3, RWP)), -EINVAL);
    SOUND();
}

static void superpages_and_flags(void) {
    struct tables t = make_tables(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmu_update(at(t.l2, 1), pte(t.data[0] & ~511UL, RWP | PTE_PSE)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l2, 0), pte(t.l1, RWP | PTE_PSE)), -EINVAL); /* XSA-148 */
    CHECK_EQ(mmu_update(at(t.l3, 0), pte(t.l2, RWP | PTE_PSE)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l4, 0), pte(t.l3, RWP | PTE_PCD)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(t.data[0], RWP | PTE_PAT)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(t.data[0], RWP | PTE_PCD)), -EINVAL);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(t.data[0], PTE_P | PTE_RW)), 0);
    CHECK_EQ(page(t.l1)[9], pte(t.data[0], PTE_P | PTE_RW | PTE_USER | PTE_GUEST_KERNEL));
    CHECK_EQ(mmu_update(at(t.l1, 9) | MMU_PT_UPDATE_PRESERVE_AD, pte(t.data[0], PTE_P | PTE_USER)),
             0);
    page(t.l1)[9] |= PTE_A | PTE_D;
    CHECK_EQ(mmu_update(at(t.l1, 9) | MMU_PT_UPDATE_PRESERVE_AD, pte(t.data[1], ROP & ~PTE_A)), 0);
    CHECK((page(t.l1)[9] & (PTE_A | PTE_D)) == (PTE_A | PTE_D));
    CHECK_EQ(mmu_update(at(t.l1, 9), 0xdeadbeef0), 0); /* not present: the guest's own */
    CHECK_EQ(page(t.l1)[9], 0xdeadbeef0);
    CHECK_EQ(mmu_update(at(t.l1, 9) | 5, 0), -ENOSYS);
    SOUND();
}

static void our_slots(void) {
    struct tables t = make_tables(u);

    page(t.l4)[256] = pte(t.data[0], RWP);
    page(t.l4)[262] = pte(t.l3, RWP);
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    for (unsigned int i = 256; i < 272; i++) {
        CHECK(page(t.l4)[i] != pte(t.l3, RWP));
        CHECK_EQ(mmu_update(at(t.l4, i), pte(t.l3, RWP)), -EINVAL);
        CHECK_EQ(mmu_update(at(t.l4, i), 0), -EINVAL);
    }
    CHECK_EQ(mmu_update(at(t.l4, 272), pte(t.l3, RWP)), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, t.l4), 0);
    CHECK_EQ(frame_table[t.l3].type & FT_COUNT_MASK, 0);
    SOUND();
}

static void foreign_frames(void) {
    struct domain *other = make_domain(7, false);
    struct tables t = make_tables(u), o = make_tables(other);
    uint64_t priv = frame_nr(mfn_to_frame(virt_to_mfn(alloc_page_hv())));

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(o.data[0], ROP)), -EBUSY);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(priv, ROP)), -EBUSY);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(16, ROP)), -EPERM); /* device memory */
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(NR_FRAMES + 5, ROP)), -EPERM);
    CHECK_EQ(mmu_update(at(t.l2, 9), pte(o.l1, RWP)), -EINVAL);
    CHECK_EQ(mmu_update(at(o.l1, 9), 0), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, o.l1), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, o.l4), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, o.data[0]), -EINVAL);
    CHECK_EQ(mmu_update_as(at(t.l1, 9), pte(o.data[0], ROP), 7), -EPERM);
    CHECK_EQ(mmuext_as(MMUEXT_PIN_L1_TABLE, o.l1, 7), -EPERM);
    CHECK_EQ(mmu_update_as(at(o.l1, 9), 0, (7 + 1) << 16 | DOMID_SELF), -EPERM);
    SOUND();

    run_as(dom0, 1);
    struct tables z = make_tables(dom0);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, z.l4), 0);
    CHECK_EQ(mmu_update(at(z.l1, 9), pte(o.data[0], RWP)), -EBUSY); /* must be named */
    CHECK_EQ(mmu_update_as(at(z.l1, 9), pte(o.data[0], RWP), 7), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 10), pte(16, RWP | PTE_PCD), DOMID_IO), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 11), pte(o.l1, RWP), 7), 0);
    CHECK_EQ(mmuext_as(MMUEXT_PIN_L4_TABLE, o.l4, 7), -EINVAL); /* l1 is mapped writable */
    CHECK_EQ(mmu_update_as(at(z.l1, 11), 0, 7), 0);
    CHECK_EQ(mmuext_as(MMUEXT_PIN_L4_TABLE, o.l4, 7), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 11), pte(o.l1, RWP), 7), -EBUSY);
    SOUND();
    /* The mapping outlives the domain's life, and keeps its shell. */
    destroy_domain(other);
    CHECK_EQ(other->state, DOM_DEAD);
    CHECK_EQ(other->mm.tot_pages, 1);
    SOUND();
    CHECK_EQ(mmu_update(at(z.l1, 9), 0), 0);
    CHECK_EQ(other->mm.tot_pages, 0);
    CHECK_EQ(other->refs, 1);
    destroy_domain(other);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, z.l4), 0);
    run_as(u, 0);
    SOUND();
}

/* FC_FOREIGN is there for CPUs that may write to the frame by a stale translation. It ends when
 * they were flushed for a new type, although dom0 still sees the frame, read-only. */
static void foreign_flag_ends(void) {
    struct tables z = make_tables(dom0);
    uint64_t f = new_frame(u);
    unsigned int before;

    memset(page(f), 0, PAGE_SIZE);
    run_as(dom0, 1);
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, z.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, z.l4), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 9), pte(f, RWP), 5), 0);
    CHECK_EQ(mmu_update_as(at(z.l1, 9), pte(f, ROP), 5), 0); /* not flushed */
    CHECK(frame_table[f].count & FC_FOREIGN);
    run_as(u, 0);
    before = flushes;
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, f), 0);
    CHECK_EQ(flushes, before + nr_cpus);
    CHECK(!(frame_table[f].count & FC_FOREIGN));
    CHECK_EQ(pte_mfn(page(z.l1)[9]), f);
    SOUND();
    /* The next type is not dom0's business, whose entry cannot write; one that can sets the flag.
     */
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, f), 0);
    before = flushes;
    CHECK_EQ(mmuext(MMUEXT_PIN_L2_TABLE, f), 0);
    CHECK_EQ(flushes, before);
    run_as(dom0, 1);
    CHECK_EQ(mmu_update_as(at(z.l1, 9), pte(f, RWP), 5), -EBUSY);
    run_as(u, 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, f), 0);
    run_as(dom0, 1);
    CHECK_EQ(mmu_update_as(at(z.l1, 9), pte(f, RWP), 5), 0);
    CHECK(frame_table[f].count & FC_FOREIGN);
    SOUND();
    CHECK_EQ(mmu_update(at(z.l1, 9), 0), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, z.l4), 0);
    mm_drop_vcpu_pagetables(dom0->vcpu[0]);
    mm_load_idle_base();
    run_as(u, 0);
    SOUND();
}

static void linear_tables(void) {
    struct tables a = make_tables(u), b = make_tables(u), c = make_tables(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, a.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, b.l4), 0);
    CHECK_EQ(mmu_update(at(a.l4, 300), pte(a.l4, RWP)), -EINVAL);
    CHECK_EQ(mmu_update(at(a.l4, 300), pte(a.l4, ROP)), 0);
    CHECK_EQ(mmu_update(at(a.l4, 300), pte(a.l4, RWP)), -EINVAL); /* XSA-182 */
    CHECK_EQ(mmu_update(at(a.l4, 301), pte(b.l4, ROP)), 0);
    CHECK_EQ(mmu_update(at(a.l4, 301), pte(b.l4, RWP)), -EINVAL);
    CHECK_EQ(mmu_update(at(b.l4, 301), pte(a.l4, ROP)), -EINVAL); /* XSA-240: both ways */
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, c.l4), 0);
    CHECK_EQ(mmu_update(at(b.l4, 301), pte(c.l4, ROP)), -EINVAL);
    CHECK_EQ(mmu_update(at(c.l4, 301), pte(b.l4, ROP)), 0);
    CHECK_EQ(mmu_update(at(a.l3, 5), pte(a.l3, ROP)), 0);
    CHECK_EQ(mmu_update(at(a.l2, 5), pte(b.l2, ROP)), 0);
    SOUND();
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, b.l4), 0); /* still used by a and c */
    SOUND();
    CHECK(frame_table[b.l4].type & FT_VALIDATED);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, a.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, c.l4), 0);
    CHECK_EQ(frame_table[b.l4].type & (FT_COUNT_MASK | FT_LINEAR_MASK), 0);
    CHECK_EQ(frame_table[a.l4].type & (FT_COUNT_MASK | FT_LINEAR_MASK | FT_LINEAR_USER), 0);
    CHECK_EQ(frame_table[b.l2].type & FT_COUNT_MASK, 0);
    SOUND();
}

static void flushes_before_retyping(void) {
    struct tables t = make_tables(u);
    unsigned int before;

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, t.l4), 0); /* CPU 0 may hold translations now */
    memset(page(t.data[0]), 0, PAGE_SIZE);
    CHECK_EQ(mmu_update(at(t.l1, 0), 0), 0);
    before = flushes;
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, t.data[0]), 0);
    CHECK_EQ(flushes, before + 1);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, t.data[0]), 0);
    tlb_flush_local(); /* the guest did it itself */
    before = flushes;
    CHECK_EQ(mmu_update(at(t.l1, 0), pte(t.data[0], RWP)), 0);
    CHECK_EQ(flushes, before);
    /* Table to writable needs it as much as writable to table. */
    memset(page(t.data[1]), 0, PAGE_SIZE);
    CHECK_EQ(mmu_update(at(t.l1, 1), 0), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, t.data[1]), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, t.data[1]), 0);
    before = flushes;
    CHECK_EQ(mmu_update(at(t.l1, 1), pte(t.data[1], RWP)), 0);
    CHECK_EQ(flushes, before + 1);
    /* Another owner: the frame was mapped by u and is dom0's next. */
    SOUND();
}

static void descriptor_frames(void) {
    struct tables t = make_tables(u);
    uint64_t gdt = new_frame(u), bad = new_frame(u);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, t.l4), 0);
    page(gdt)[1] = 0x00af9a000000ffffUL; /* 64-bit code, DPL 0 */
    page(gdt)[2] = 0x0000ec0000100000UL; /* call gate */
    page(bad)[3] = 0x0000890000000067UL; /* TSS */
    CHECK_EQ(do_set_gdt((uint64_t)&bad, 512), -EINVAL);
    CHECK_EQ(do_set_gdt((uint64_t)&gdt, 14 * 512 + 1), -EINVAL);
    CHECK_EQ(do_set_gdt((uint64_t)&t.l1, 512), -EINVAL);
    CHECK_EQ(do_set_gdt((uint64_t)&t.data[0], 512), -EINVAL); /* mapped writable */
    CHECK_EQ(do_set_gdt((uint64_t)&gdt, 512), 0);
    CHECK_EQ(page(gdt)[1], 0x00affa000000ffffUL);
    CHECK_EQ(page(gdt)[2] >> 45 & 3, 0);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(gdt, RWP)), -EBUSY);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(gdt, ROP)), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, gdt), -EINVAL);
    CHECK_EQ(mmuext(MMUEXT_CLEAR_PAGE, gdt), -EINVAL);
    CHECK_EQ(mmu_update(at(gdt, 5), 0x0000890000000067UL), -EINVAL);
    CHECK_EQ(do_update_descriptor(at(gdt, 4), 0x0000890000000067UL), -EINVAL);
    CHECK_EQ(do_update_descriptor(at(gdt, 4), 0x00cf92000000ffffUL), 0);
    CHECK_EQ(page(gdt)[4], 0x00cff2000000ffffUL);
    CHECK_EQ(do_update_descriptor(at(t.l1, 4), 0x00cf92000000ffffUL), -EINVAL);
    CHECK_EQ(do_update_descriptor(at(gdt, 4) + 4, 0), -EINVAL);
    SOUND();
    CHECK_EQ(do_set_gdt(0, 0), 0);
    CHECK_EQ(mmu_update(at(t.l1, 9), pte(gdt, RWP)), 0);
    SOUND();
}

/* A tree that takes many steps: 3 L3s with 3 L2s with 3 L1s. */
static uint64_t big_tree(struct domain *d, bool broken) {
    uint64_t l4 = new_frame(d), l3 = 0, l2 = 0, l1 = 0;

    for (unsigned int i = 0; i < 3; i++) {
        page(l4)[i * 100] = pte(l3 = new_frame(d), RWP);
        for (unsigned int j = 0; j < 3; j++) {
            page(l3)[j * 100] = pte(l2 = new_frame(d), RWP);
            for (unsigned int k = 0; k < 3; k++) {
                page(l2)[k * 100] = pte(l1 = new_frame(d), RWP);
                page(l1)[k] = pte(new_frame(d), RWP);
            }
        }
    }
    if (broken) page(l1)[511] = pte(l4, RWP);
    return l4;
}

static void settle(void) {
    while (mm_finish_pending(current))
        ;
}

static void preempted_everywhere(void) {
    uint64_t good = big_tree(u, false), bad = big_tree(u, true), free_before;
    long steps = 1;

    for (long at_step = 1; at_step <= steps + 1; at_step++) {
        preempts_asked = 0;
        preempt_at = at_step;
        CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, good), 0);
        SOUND();
        preempt_at = at_step;
        CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, good), 0);
        SOUND();
        steps = max(steps, preempts_asked);
        CHECK_EQ(frame_table[good].type & (FT_COUNT_MASK | FT_PARTIAL), 0);
        preempt_at = at_step;
        CHECK(mmuext(MMUEXT_PIN_L4_TABLE, bad) < 0);
        SOUND();
        CHECK_EQ(frame_table[bad].type & (FT_COUNT_MASK | FT_PARTIAL), 0);
        CHECK_EQ(frame_table[bad].count, FC_ALLOCATED | 1);
    }
    preempt_at = -1; /* at every step */
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, good), 0);
    CHECK_EQ(mmuext(MMUEXT_UNPIN_TABLE, good), 0);
    CHECK(mmuext(MMUEXT_PIN_L4_TABLE, bad) < 0);
    preempt_at = 0;
    SOUND();

    /* An operation that is preempted and never taken up again. */
    for (long at_step = 1; at_step < steps; at_step++) {
        struct domain *d = make_domain(9, false);
        uint64_t l4;
        long rc;

        free_before = mm_free_pages();
        run_as(d, 2);
        l4 = big_tree(d, at_step & 1);
        preempt_at = at_step;
        rc = frame_get(&frame_table[l4], d) ? type_get_now(&frame_table[l4], FT_L4) : -1;
        preempt_at = 0;
        CHECK(rc != -EINTR);
        CHECK_EQ(theorem_violations(), 0);
        if (!rc) CHECK_EQ(type_put(&frame_table[l4], 1), 0);
        frame_put(&frame_table[l4]);
        preempt_at = at_step % 5 ? at_step % 5 : -1;
        run_as(dom0, 3);
        destroy_domain(d);
        preempt_at = 0;
        CHECK_EQ(mm_free_pages(), free_before + 2 + 1); /* and the shell's own tables */
        SOUND();
    }
    run_as(u, 0);
    settle();
}

static void updates_preempted(void) {
    uint64_t a = big_tree(u, false), b = big_tree(u, false), l3b = pte_mfn(page(b)[0]);

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, a), 0);
    for (long at_step = 1; at_step < 40; at_step++) {
        preempt_at = at_step;
        CHECK_EQ(mmu_update(at(a, 7), pte(l3b, RWP)), 0);
        preempt_at = at_step;
        CHECK_EQ(mmu_update(at(a, 7), 0), 0);
        preempt_at = 0;
        SOUND();
        CHECK_EQ(frame_table[l3b].type & (FT_COUNT_MASK | FT_PARTIAL), 0);
    }
}

/* What two vcpus can bring about: one operation gives up the last references of two big trees. The
 * second stays partial. To tear it down at once, in one go, could take as long as a guest likes. */
static void two_teardowns_at_once(void) {
    uint64_t l4[2] = {big_tree(u, false), big_tree(u, false)};

    for (unsigned int i = 0; i < 2; i++) {
        CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, l4[i]), 0);
        CHECK(frame_unpin(&frame_table[l4[i]]));
    }
    preempt_at = -1;
    preempts_asked = 0;
    for (unsigned int i = 0; i < 2; i++) frame_put_typed(&frame_table[l4[i]]);
    CHECK(preempts_asked < 10);
    preempt_at = 0;
    CHECK(current->mm.pending == &frame_table[l4[0]]);
    CHECK(frame_table[l4[1]].type & FT_PARTIAL);
    SOUND();
    settle();
    CHECK_EQ(frame_table[l4[0]].type & (FT_COUNT_MASK | FT_PARTIAL), 0);
    CHECK_EQ(mmuext(MMUEXT_PIN_L1_TABLE, l4[1]), -EINVAL);
    SOUND();
    /* Whoever pins it takes it up; so does the destruction of its domain, which is next. */
    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, l4[1]), 0);
    SOUND();
    CHECK(frame_unpin(&frame_table[l4[1]]));
    preempt_at = 1;
    CHECK_EQ(type_put(&frame_table[l4[1]], 1), -ERESTART);
    preempt_at = 0;
    frame_drop(&frame_table[l4[1]]);
    SOUND();
}

#define CHAIN 3000

/* A table left partial before an entry that names the next of the chain, which nobody looked at. */
static void leave_partial(struct domain *d, uint64_t table, uint64_t type, uint64_t child,
                          uint64_t next) {
    struct frame *f = &frame_table[table];

    memset(page(table), 0, PAGE_SIZE);
    page(table)[0] = pte(child, RWP);
    page(table)[1] = pte(next, RWP);
    CHECK(frame_get(f, d));
    preempt_at = 1;
    CHECK_EQ(type_get_now(f, type), -ERESTART);
    preempt_at = 0;
    CHECK(f->type & FT_PARTIAL);
    frame_put(f);
}

static void *destroy_on_small_stack(void *d) {
    run_as(dom0, 3);
    destroy_domain(d);
    return NULL;
}

/* A teardown helps the table that it may have left partial. It must not follow a guest's chain of
 * those down a stack of 32 KiB: of one level, or of two in turn. */
static void chains_of_partial_tables(void) {
    pthread_attr_t small;
    pthread_t thread;

    CHECK_EQ(pthread_attr_init(&small), 0);
    CHECK_EQ(pthread_attr_setstacksize(&small, 128 << 10), 0);
    for (unsigned int kind = 0; kind < 2; kind++) {
        struct domain *d = make_domain(9, false);
        uint64_t free_before = mm_free_pages(), l1, l2, next;

        run_as(d, 2);
        l1 = new_frame(d);
        l2 = new_frame(d);
        next = l1;
        memset(page(l1), 0, PAGE_SIZE);
        memset(page(l2), 0, PAGE_SIZE);
        /* The last made is the first that the destruction meets. */
        for (unsigned int i = 0; i < CHAIN; i++) {
            uint64_t table = new_frame(d);
            bool third = kind && i % 2;

            leave_partial(d, table, third ? FT_L3 : FT_L2, third ? l2 : l1, next);
            next = table;
        }
        CHECK_EQ(theorem_violations(), 0);
        CHECK_EQ(pthread_create(&thread, &small, destroy_on_small_stack, d), 0);
        CHECK_EQ(pthread_join(thread, NULL), 0);
        CHECK_EQ(mm_free_pages(), free_before + 2 + 1); /* and the shell's own tables */
    }
    run_as(u, 0);
    SOUND();
}

static uint64_t unhook; /* the entry */

static void clear_entry(void) {
    CHECK_EQ(mmu_update(unhook, 0), 0);
    preempt_at = -1;
}

/* Another vcpu takes away the last entry for a table that a batch of requests holds: its teardown
 * is the batch's, and so is that of what the next request gives up. One after the other, for each
 * is preempted and there is room to remember one. */
static void table_unhooked_while_held(void) {
    uint64_t a = big_tree(u, false), b = big_tree(u, false), x = pte_mfn(page(b)[0]);
    uint64_t y = pte_mfn(page(a)[0]), z = pte_mfn(page(y)[0]);
    struct mmu_update reqs[2] = {{at(x, 500), 0}, {at(y, 0), 0}};
    uint32_t done = 99;
    long rc;

    CHECK_EQ(mmuext(MMUEXT_PIN_L4_TABLE, a), 0);
    CHECK_EQ(mmu_update(at(a, 7), pte(x, RWP)), 0);
    CHECK_EQ(frame_table[x].type & FT_COUNT_MASK, 1);
    CHECK_EQ(frame_table[z].type & FT_COUNT_MASK, 1);
    unhook = at(a, 7);
    at_preempt_check = clear_entry;
    rc = do_mmu_update((uint64_t)reqs, 2, (uint64_t)&done, DOMID_SELF);
    while (rc == -ERESTART)
        rc = do_mmu_update(again[0], (uint32_t)again[1], again[2], (uint32_t)again[3]);
    preempt_at = 0;
    CHECK_EQ(rc, 0);
    CHECK_EQ(done, 2);
    CHECK_EQ(page(y)[0], 0);
    CHECK_EQ(frame_table[x].type & (FT_COUNT_MASK | FT_PARTIAL), 0);
    CHECK_EQ(frame_table[z].type & (FT_COUNT_MASK | FT_PARTIAL), 0);
    SOUND();
    settle();
}

static void base_pointers(void) {
    struct tables a = make_tables(u), b = make_tables(u);

    u->vm_assist = 1UL << VMASST_TYPE_m2p_strict;
    for (long at_step = 0; at_step < 12; at_step++) {
        preempt_at = at_step;
        CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, a.l4), 0);
        CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, b.l4), 0);
        CHECK_EQ(page(b.l4)[256], 0);
        SOUND();
        preempt_at = at_step;
        CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, b.l4), 0);
        CHECK_EQ(page(b.l4)[256], boot_l4[256]);
        CHECK_EQ(mmuext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
        CHECK_EQ(frame_table[a.l4].type & FT_COUNT_MASK, 0);
        preempt_at = 0;
        SOUND();
    }
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, a.data[0]), 0); /* an empty table is one */
    CHECK_EQ(mmuext(MMUEXT_NEW_BASEPTR, 16), -EINVAL);
}

int main(void) {
    static void (*const tests[])(void) = {
        validates_and_releases,
        separate_tables,
        no_writable_map_of_tables,
        no_table_from_writable,
        no_type_confusion,
        superpages_and_flags,
        our_slots,
        foreign_frames,
        foreign_flag_ends,
        linear_tables,
        flushes_before_retyping,
        descriptor_frames,
        preempted_everywhere,
        table_unhooked_while_held,
        updates_preempted,
        two_teardowns_at_once,
        chains_of_partial_tables,
        base_pointers,
    };
    uint64_t free_before;

    world_init();
    dom0 = make_domain(0, true);
    for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++) {
        free_before = mm_free_pages();
        u = make_domain(5, false);
        run_as(u, 0);
        tests[i]();
        run_as(dom0, 3);
        destroy_domain(u);
        SOUND();
        if (tests[i] != foreign_frames && tests[i] != foreign_flag_ends && /* dom0's stay */
            tests[i] != validates_and_releases)
            CHECK_EQ(mm_free_pages(), free_before);
    }
    memory_tests();
    race_tests();
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
