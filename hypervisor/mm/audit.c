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

#define MAX_REPORTERS 8
static void (*reporters[MAX_REPORTERS])(void);
static struct tally *tallies; /* by frame number, while an audit runs */
static int differences;

void mm_audit_register(void (*report)(void)) {
    for (unsigned int i = 0; i < MAX_REPORTERS; i++)
        if (!reporters[i]) {
            reporters[i] = report;
            return;
        }
    BUG();
}

void mm_audit_hold(struct frame *f, unsigned int refs, bool typed) {
    struct tally *t = &tallies[frame_nr(f)];

    t->refs += refs;
    if (typed) t->types += refs;
}

static void hold_mfn(uint64_t mfn, bool typed) {
    struct frame *f = frame_of(mfn);

    if (f && f->owner != OWNER_IO) mm_audit_hold(f, 1, typed);
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
    if (f->count & FC_ALLOCATED) mm_audit_hold(f, 1, f->count & FC_HYPERVISOR);
    if (f->type & FT_PINNED) mm_audit_hold(f, 1, true);
    if (f->type & FT_PARTIAL) mm_audit_hold(f, 1, true);
    if (level < 1 || level > 4 || !(f->type & FT_COUNT_MASK)) return;
    if (f->type & FT_VALIDATED)
        count_entries(f, level, PT_ENTRIES);
    else if (f->type & FT_PARTIAL)
        count_entries(f, level, f->nr_validated);
}

static void count_vcpu(const struct vcpu *v) {
    if (!mfn_eq(v->arch.guest_table, INVALID_MFN)) hold_mfn(mfn_x(v->arch.guest_table), true);
    if (!mfn_eq(v->arch.guest_table_user, INVALID_MFN))
        hold_mfn(mfn_x(v->arch.guest_table_user), true);
    for (unsigned int i = 0; i < DIV_ROUND_UP(v->arch.gdt_entries, 512); i++)
        hold_mfn(v->arch.gdt_frames[i], true);
    for (unsigned int i = 0; i < 16; i++)
        if (v->mm.ldt_mapped & (1u << i)) hold_mfn(pte_mfn(v->mm.window_l1e[16 + i]), true);
    if (!mfn_eq(v->info_mfn, INVALID_MFN)) hold_mfn(mfn_x(v->info_mfn), true);
    if (v->mm.pending) mm_audit_hold(v->mm.pending, 1, false);
}

static void count_domains(void) {
    struct mapped_frame *m;
    struct domain *d;
    struct vcpu *v;

    spin_lock(&domain_list_lock);
    for_each_domain(d) {
        for_each_vcpu(d, v) count_vcpu(v);
        list_for_each(m, &d->mm.mapped, list) mm_audit_hold(m->frame, 1, true);
    }
    spin_unlock(&domain_list_lock);
}

static void differ(const struct frame *f, const char *what, uint64_t is, uint64_t should) {
    if (differences++ < 20)
        printk(KERN_ERR
               "audit: frame %#lx of d%d: %s %lu, but %lu were found (count %#lx type %#lx)\n",
               frame_nr(f), (int)f->owner - 1, what, is, should, f->count, f->type);
}

static void compare(const struct frame *f) {
    const struct tally *t = &tallies[frame_nr(f)];

    if ((f->count & FC_COUNT_MASK) != t->refs)
        differ(f, "references", f->count & FC_COUNT_MASK, t->refs);
    if ((f->type & FT_COUNT_MASK) != t->types)
        differ(f, "type references", f->type & FT_COUNT_MASK, t->types);
    if ((f->type & FT_COUNT_MASK) && !(f->type & (FT_VALIDATED | FT_PARTIAL)))
        differ(f, "busy: type references", f->type & FT_COUNT_MASK, 0);
}

int mm_audit(void) {
    uint64_t bytes = max_frame * sizeof(struct tally);
    unsigned int order = bytes <= PAGE_SIZE ? 0 : fls64((bytes - 1) >> PAGE_SHIFT) + 1;

    tallies = alloc_pages_hv(order);
    if (!tallies) {
        printk(KERN_ERR "audit: no %lu KiB of contiguous memory to count in\n", bytes >> 10);
        return -ENOMEM;
    }
    differences = 0;
    for (uint64_t i = 0; i < max_frame; i++)
        if (frame_table[i].owner != OWNER_IO) count_frame(&frame_table[i]);
    count_domains();
    for (unsigned int i = 0; i < MAX_REPORTERS && reporters[i]; i++) reporters[i]();
    for (uint64_t i = 0; i < max_frame; i++)
        if (frame_table[i].owner != OWNER_IO) compare(&frame_table[i]);
    free_pages_hv(tallies, order);
    tallies = NULL;
    printk("audit: %lu frames, %d differences\n", max_frame, differences);
    return differences;
}
