/* SPDX-License-Identifier: MIT */
/*
 * Contents of the start-up page tables, and what a guest finds when it starts: pure computation,
 * used by the tools for guests and by the hypervisor for dom0.
 *
 * Invariant: no page table is reachable through a writable entry, or the hypervisor would refuse
 * to pin the L4. Entries name machine frames.
 */
#include "layout.h"

#include <string.h>

#include <public/xen.h>

#define PTE_PRESENT  UINT64_C(0x001)
#define PTE_WRITE    UINT64_C(0x002)
#define PTE_USER     UINT64_C(0x004)
#define PTE_ACCESSED UINT64_C(0x020)
#define PTE_DIRTY    UINT64_C(0x040)

#define GUEST_TYPE "xen-3.0-x86_64"
#define EFLAGS_IF  (1u << 9)
#define DR6_RESET  0xffff0ff0u
#define DR7_RESET  0x400u

#define LEAF_FLAGS  (PTE_PRESENT | PTE_ACCESSED)
#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

static bool in_pages(const struct layout_range *range, uint64_t pfn) {
    return pfn >= range->pfn && pfn - range->pfn < range->pages;
}

/* What a virtual page maps to: its pfn, or false for a hole. */
static bool page_at(const struct layout *layout, uint64_t va, uint64_t *pfn) {
    if (va >= layout->virt_base && va <= layout->virt_end - 1) {
        *pfn = (va - layout->virt_base) >> LAYOUT_PAGE_SHIFT;
        return *pfn < layout->nr_pages;
    }
    if (!layout->p2m_mapped && va >= layout->p2m_va &&
        (va - layout->p2m_va) >> LAYOUT_PAGE_SHIFT < layout->p2m.pages) {
        *pfn = layout->p2m.pfn + ((va - layout->p2m_va) >> LAYOUT_PAGE_SHIFT);
        return true;
    }
    return false;
}

static void fill_leaf(const struct layout *layout, const uint64_t *p2m,
                      const struct layout_table *table, uint64_t entries[512]) {
    uint64_t pfn, flags;
    unsigned int i;

    for (i = 0; i < 512; i++) {
        if (!page_at(layout, table->va + i * LAYOUT_PAGE_SIZE, &pfn)) continue;
        flags = LEAF_FLAGS;
        if (!in_pages(&layout->tables, pfn) && !in_pages(&layout->p2m_tables, pfn))
            flags |= PTE_WRITE;
        entries[i] = p2m[pfn] << LAYOUT_PAGE_SHIFT | flags;
    }
}

/* Whether child lies under parent, and in which slot. */
static bool is_child(const struct layout_table *parent, const struct layout_table *child,
                     unsigned int *slot) {
    unsigned int shift = 3 + 9 * parent->level; /* bits below this level's index */

    if (child->level != parent->level - 1) return false;
    if (parent->level < 4 && (parent->va ^ child->va) >> (shift + 9)) return false;
    *slot = (child->va >> shift) & 511;
    return true;
}

void layout_fill_table(const struct layout *layout, const uint64_t *p2m, unsigned int n,
                       uint64_t entries[512]) {
    const struct layout_table *table = &layout->table[n];
    unsigned int i, slot;

    memset(entries, 0, 512 * sizeof(*entries));
    if (table->level == 1) {
        fill_leaf(layout, p2m, table, entries);
        return;
    }
    for (i = 0; i < layout->table_count; i++)
        if (is_child(table, &layout->table[i], &slot))
            entries[slot] = p2m[layout->table[i].pfn] << LAYOUT_PAGE_SHIFT | TABLE_FLAGS;
}

void layout_fill_start_info(const struct layout *l, struct start_info *si) {
    memcpy(si->magic, GUEST_TYPE, sizeof(GUEST_TYPE));
    si->nr_pages = l->nr_pages;
    si->pt_base = layout_va(l, l->tables.pfn);
    si->nr_pt_frames = l->tables.pages;
    si->mfn_list = l->p2m_va;
    if (!l->p2m_mapped) {
        si->first_p2m_pfn = l->p2m.pfn;
        si->nr_p2m_frames = l->p2m.pages + l->p2m_tables.pages;
    }
    if (l->ramdisk_bytes) {
        si->mod_len = l->ramdisk_bytes;
        si->mod_start = l->ramdisk_mapped ? layout_va(l, l->ramdisk.pfn) : l->ramdisk.pfn;
        if (!l->ramdisk_mapped) si->flags |= SIF_MOD_START_PFN;
    }
}

void layout_fill_context(const struct layout *l, const struct image *image, const uint64_t *p2m,
                         struct vcpu_guest_context *c) {
    struct cpu_user_regs *regs = &c->user_regs;

    regs->rip = image->entry;
    regs->rsp = layout_va(l, l->stack_pfn + 1);
    regs->rsi = layout_va(l, l->start_info_pfn);
    regs->rflags = EFLAGS_IF;
    regs->cs = FLAT_KERNEL_CS;
    regs->ss = FLAT_KERNEL_SS;
    regs->ds = regs->es = regs->fs = regs->gs = FLAT_KERNEL_DS;
    c->flags = VGCF_in_kernel | VGCF_online;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = regs->rsp;
    c->ctrlreg[3] = p2m[l->tables.pfn] << LAYOUT_PAGE_SHIFT;
    c->debugreg[6] = DR6_RESET;
    c->debugreg[7] = DR7_RESET;
}
