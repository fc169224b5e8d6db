/* SPDX-License-Identifier: MIT */
/*
 * Recounts every reference from its holder and compares with the records. All CPUs stand at their
 * return to the guest, so that no operation is under way; preempted ones are PARTIAL states and
 * pending teardowns, which hold what they say.
 */
#include "mm_local.h"

struct tally {
    uint32_t refs, types;
};

static struct tally *tallies; /* by frame number, while an audit runs */
static int differences;

static void hold(const struct frame *f, uint32_t refs, bool typed) {
    struct tally *t = &tallies[frame_nr(f)];

    t->refs += refs;
    if (typed) t->types += refs;
}

static void hold_mfn(uint64_t mfn, bool typed) {
    struct frame *f = frame_of(mfn);

    if (f && f->owner != OWNER_IO) hold(f, 1, typed);
}

static void count_entries(struct frame *f, unsigned int level, unsigned int n) {
    const uint64_t *t = frame_virt(f);

    for (unsigned int i = 0; i < n; i++) {
        if (!(t[i] & PTE_P) || (level == 4 && L4_SLOT_OURS(i))) continue;
        if (level == 1)
            hold_mfn(pte_mfn(t[i]), t[i] & PTE_RW);
        else if (pte_mfn(t[i]) != frame_nr(f)) /* a table's entry for itself holds nothing */
            hold_mfn(pte_mfn(t[i]), true);
    }
}

static void count_frame(struct frame *f) {
    unsigned int level = (unsigned int)((f->type & FT_TYPE_MASK) >> FT_SHIFT);

    if (!(f->count & FC_COUNT_MASK)) return;
    hold(f, FC_MAPPED(f->count), true);
    if (f->count & FC_ALLOCATED) hold(f, 1, f->count & FC_HYPERVISOR);
    if (f->type & FT_PINNED) hold(f, 1, true);
    if (f->type & FT_PARTIAL) hold(f, 1, true);
    if (level < 1 || level > 4 || !(f->type & FT_COUNT_MASK)) return;
    if (f->type & FT_VALIDATED)
        count_entries(f, level, PT_ENTRIES);
    else if (f->type & FT_PARTIAL)
        count_entries(f, level, f->nr_validated);
}

static void count_vcpu(const struct vcpu *v) {
    hold_mfn(mfn_x(v->arch.guest_table), true);
    hold_mfn(mfn_x(v->arch.guest_table_user), true);
    for (unsigned int i = 0; i < DIV_ROUND_UP(v->arch.gdt_entries, 512); i++)
        hold_mfn(v->arch.gdt_frames[i], true);
    for (unsigned int i = 0; i < 16; i++)
        if (v->mm.ldt_mapped & (1u << i)) hold_mfn(pte_mfn(v->mm.window_l1e[16 + i]), true);
    if (v->mm.pending) hold(v->mm.pending, 1, false);
}

static void differ(const struct frame *f, const char *what, uint64_t is, uint64_t should) {
    if (differences++ < 20)
        printk(KERN_ERR
               "audit: frame %#lx of d%d: %s %lu, but %lu were found (count %#lx type %#lx)\n",
               frame_nr(f), (int)f->owner - 1, what, is, should, f->count, f->type);
}

static void compare(const struct frame *f) {
    const struct tally *t = &tallies[frame_nr(f)];
    uint64_t types = f->type & FT_COUNT_MASK;

    if ((f->count & FC_COUNT_MASK) != t->refs)
        differ(f, "references", f->count & FC_COUNT_MASK, t->refs);
    if (types != t->types) differ(f, "type references", types, t->types);
    if (types && !(f->type & (FT_VALIDATED | FT_PARTIAL)))
        differ(f, "busy: type references", types, 0);
}

int mm_audit(void) {
    uint64_t bytes = max_frame * sizeof(struct tally);
    unsigned int order = order_for(bytes);
    struct domain *d;
    struct vcpu *v;

    tallies = alloc_pages_hv(order);
    if (!tallies) {
        printk(KERN_ERR "audit: no %lu KiB of contiguous memory to count in\n", bytes >> 10);
        return -ENOMEM;
    }
    differences = 0;
    for (uint64_t i = 0; i < max_frame; i++)
        if (frame_table[i].owner != OWNER_IO) count_frame(&frame_table[i]);
    spin_lock(&domain_list_lock);
    for_each_domain(d) {
        for_each_vcpu(d, v) count_vcpu(v);
        grant_held_frames(d, hold_mfn);
    }
    spin_unlock(&domain_list_lock);
    for (uint64_t i = 0; i < max_frame; i++)
        if (frame_table[i].owner != OWNER_IO) compare(&frame_table[i]);
    free_pages_hv(tallies, order);
    printk("audit: %lu frames, %d differences\n", max_frame, differences);
    return differences;
}
