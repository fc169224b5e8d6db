/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables of guests. Frames that hold descriptors are FT_SEGDESC, all 512 checked, so
 * that no guest descriptor can take the CPU out of ring 3. They are mapped into the vcpu's window
 * in slot 260 where the CPU reads them; the GDT's at once, the LDT's when it is first touched.
 */
#include <hv/boot.h>
#include <x86/desc.h>

#include "mm_local.h"

#define GDT_PAGES RESERVED_GDT_PAGE /* that a guest can set */
#define MAX_LDT   8192

#define VCPUS_PER_TABLE (PT_ENTRIES / VCPU_WINDOW_PAGES)

/* Bits of a descriptor's high half. */
#define DESC_P         (1u << 15)
#define DESC_DPL       (3u << 13)
#define DESC_S         (1u << 12) /* code or data */
#define DESC_TYPE      (15u << 8)
#define DESC_CALL_GATE (12u << 8)

static uint8_t no_descriptors[PAGE_SIZE] __aligned(4096);

/* Mends or refuses a descriptor. Code and data segments become DPL 3. A call gate is made
 * unusable (DPL 0: it faults, as guests expect of gates under Xen); other system descriptors are
 * refused. Type 0 is the second half of a gate. */
static bool descriptor_ok(uint64_t *desc) {
    uint32_t lo = (uint32_t)*desc, hi = (uint32_t)(*desc >> 32);

    if (!(hi & DESC_P)) return true;
    if (hi & DESC_S) {
        hi |= DESC_DPL;
    } else if (!(hi & DESC_TYPE)) {
        return true;
    } else if ((hi & DESC_TYPE) == DESC_CALL_GATE && !(hi & 0xff)) {
        hi &= ~DESC_DPL;
        lo |= 3u << 16; /* selector with RPL 3, as all guest selectors */
    } else {
        return false;
    }
    *desc = (uint64_t)hi << 32 | lo;
    return true;
}

int segdesc_validate(struct frame *f) {
    uint64_t *t = frame_virt(f), d;

    for (unsigned int i = 0; i < PAGE_SIZE / 8; i++) {
        d = READ_ONCE(t[i]);
        if (!descriptor_ok(&d)) return -EINVAL;
        if (d != t[i]) WRITE_ONCE(t[i], d);
    }
    return 0;
}

/* A vcpu without a GDT reads zeros. The CPU's own page 14 is left alone. */
static void gdt_window_clear(struct vcpu *v) {
    uint64_t e = mfn_to_paddr(virt_to_mfn(no_descriptors)) | PTE_P | PTE_A | PTE_NX;

    for (unsigned int i = 0; i < GDT_PAGES; i++) WRITE_ONCE(v->mm.window_l1e[i], e);
}

/* A vcpu's window may be in the TLB of the CPU that runs it, which is this one or none. */
static void window_flush(const struct vcpu *v) {
    if (v == current) tlb_flush_local();
}

void mm_drop_gdt(struct vcpu *v) {
    uint64_t frames[GDT_PAGES];
    unsigned int n = DIV_ROUND_UP(v->arch.gdt_entries, 512);

    memcpy(frames, v->arch.gdt_frames, n * sizeof(frames[0]));
    v->arch.gdt_entries = 0;
    gdt_window_clear(v);
    window_flush(v);
    while (n > 0) frame_put_typed(frame_of(frames[--n]));
}

int mm_set_gdt(struct vcpu *v, const uint64_t *frames, uint32_t entries) {
    unsigned int n = DIV_ROUND_UP(entries, 512), i;
    struct frame *f;

    if (entries > GDT_PAGES * 512) return -EINVAL;
    for (i = 0; i < n; i++)
        if (frame_get_typed(v->domain, frames[i], FT_SEGDESC, &f)) goto undo;
    mm_drop_gdt(v);
    for (i = 0; i < n; i++) {
        v->arch.gdt_frames[i] = frames[i];
        WRITE_ONCE(v->mm.window_l1e[i], frames[i] << PAGE_SHIFT | DATA_PTE);
    }
    v->arch.gdt_entries = entries;
    window_flush(v);
    return 0;
undo:
    while (i > 0) frame_put_typed(frame_of(frames[--i]));
    return -EINVAL;
}

long do_set_gdt(uint64_t frame_list, uint32_t entries) {
    uint64_t frames[GDT_PAGES];

    if (entries > GDT_PAGES * 512) return -EINVAL;
    if (copy_from_guest(frames, frame_list, DIV_ROUND_UP(entries, 512) * sizeof(frames[0])))
        return -EFAULT;
    return mm_set_gdt(current, frames, entries);
}

/* Takes the LDT out of v's window; lazily mapped again. */
void ldt_unmap(struct vcpu *v) {
    uint16_t mapped = v->mm.ldt_mapped;
    uint64_t e[16];

    if (!mapped) return;
    v->mm.ldt_mapped = 0;
    for (unsigned int i = 0; i < 16; i++) {
        e[i] = v->mm.window_l1e[16 + i];
        WRITE_ONCE(v->mm.window_l1e[16 + i], 0);
    }
    window_flush(v);
    for (unsigned int i = 0; i < 16; i++)
        if (mapped & (1u << i)) frame_put_typed(frame_of(pte_mfn(e[i])));
}

int mm_set_ldt(struct vcpu *v, uint64_t base, uint32_t entries) {
    if (!entries) base = 0;
    if (entries > MAX_LDT || (entries && ((base & ~PAGE_MASK) || !guest_va_ok(base))))
        return -EINVAL;
    if (v->arch.ldt_base == base && v->arch.ldt_entries == entries) return 0;
    ldt_unmap(v);
    v->arch.ldt_base = base;
    v->arch.ldt_entries = entries;
    if (v == current) mm_load_ldt(v);
    return 0;
}

void mm_load_ldt(const struct vcpu *v) {
    uint64_t base = LDT_WINDOW((uint64_t)v->id), limit = v->arch.ldt_entries * 8UL - 1;
    uint64_t *desc = &this_pcpu()->arch.gdt[(SEL_LDT >> 3) - RESERVED_GDT_PAGE * 512];

    if (!v->arch.ldt_entries) {
        lldt(0);
        return;
    }
    desc[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x82UL << 40 | /* present LDT, DPL 0 */
              (base >> 24 & 0xff) << 56;
    desc[1] = base >> 32;
    lldt(SEL_LDT);
}

/* The CPU touched page 'page' of v's LDT window, which is not mapped. True: it is now. Called for
 * current only. */
bool ldt_map_page(struct vcpu *v, unsigned int page) {
    uint64_t va = v->arch.ldt_base + page * PAGE_SIZE, *slot, e;
    struct frame *l1, *f;

    if (page * 512 >= v->arch.ldt_entries || (v->mm.ldt_mapped & (1u << page))) return false;
    slot = walk_tables(v->domain, v->arch.guest_table, va, &l1);
    e = slot ? READ_ONCE(*slot) : 0;
    if (!(e & PTE_P) || frame_get_typed(v->domain, pte_mfn(e), FT_SEGDESC, &f)) return false;
    WRITE_ONCE(v->mm.window_l1e[16 + page], frame_nr(f) << PAGE_SHIFT | DATA_PTE);
    v->mm.ldt_mapped |= (uint16_t)(1u << page);
    return true;
}

long do_update_descriptor(uint64_t gaddr, uint64_t desc) {
    struct frame *f = frame_of(gaddr >> PAGE_SHIFT);
    uint64_t type;

    if ((gaddr & 7) || !descriptor_ok(&desc) || !f) return -EINVAL;
    type = (READ_ONCE(f->type) & FT_TYPE_MASK) == FT_SEGDESC ? FT_SEGDESC : FT_WRITABLE;
    if (frame_get_typed(current->domain, frame_nr(f), type, &f)) return -EINVAL;
    WRITE_ONCE(*(uint64_t *)((char *)frame_virt(f) + (gaddr & ~PAGE_MASK)), desc);
    frame_put_typed(f);
    return 0;
}

/* What is ours in the L4s of a domain, and the tables of slot 260. */

void mm_fill_l4(struct domain *d, uint64_t *l4, bool whole) {
    for (unsigned int i = HV_SLOT_FIRST; i <= HV_SLOT_LAST; i++) WRITE_ONCE(l4[i], boot_l4[i]);
    if (unlikely(d->arch.entry_slot) && !whole) {
        for (unsigned int i = HV_SLOT_FIRST + 1; i <= HV_SLOT_LAST; i++) WRITE_ONCE(l4[i], 0);
        WRITE_ONCE(l4[HV_SLOT_IMAGE], d->arch.entry_slot);
    }
    if (!m2p_strict(d)) /* tables of user mode do without; base.c shows it to kernels */
        WRITE_ONCE(l4[HV_SLOT_FIRST], 0);
    WRITE_ONCE(l4[HV_SLOT_PERDOMAIN], mfn_to_paddr(d->mm.perdomain_l3) | TABLE_PTE);
}

int mm_init_domain(struct domain *d) {
    uint64_t *l3 = alloc_page_hv(), *l2 = l3 ? alloc_page_hv() : NULL;

    spin_lock_init(&d->mm.lock, ORDER_PAGE_ALLOC);
    if (!l2) {
        free_page_hv(l3);
        return -ENOMEM;
    }
    l3[0] = virt_to_paddr(l2) | TABLE_PTE;
    d->mm.perdomain_l2 = l2;
    d->mm.perdomain_l3 = virt_to_mfn(l3);
    return 0;
}

void mm_free_domain(struct domain *d) {
    uint64_t *l2 = d->mm.perdomain_l2;

    if (!l2) return;
    for (unsigned int i = 0; i < PT_ENTRIES; i++)
        if (l2[i] & PTE_P) free_page_hv(paddr_to_virt(l2[i] & PTE_ADDR));
    free_page_hv(l2);
    free_page_hv(mfn_to_virt(d->mm.perdomain_l3));
    hv_free(d->mm.memory_map);
    domain_set_claim(d, 0);
}

int mm_init_vcpu(struct vcpu *v) {
    uint64_t *l2 = v->domain->mm.perdomain_l2, *e, *l1;

    v->arch.guest_table = v->arch.guest_table_user = INVALID_MFN;
    v->info_mfn = INVALID_MFN;
    e = &l2[v->id / VCPUS_PER_TABLE];
    if (!(*e & PTE_P)) {
        l1 = alloc_page_hv();
        if (!l1) return -ENOMEM;
        WRITE_ONCE(*e, virt_to_paddr(l1) | TABLE_PTE);
    }
    l1 = paddr_to_virt(*e & PTE_ADDR);
    v->mm.window_l1e = &l1[v->id % VCPUS_PER_TABLE * VCPU_WINDOW_PAGES];
    gdt_window_clear(v);
    return 0;
}

void mm_window_set_cpu_gdt(struct vcpu *v) {
    uint64_t e = mfn_to_paddr(this_pcpu()->arch.gdt_mfn) | DATA_PTE;

    if (v->mm.window_l1e[RESERVED_GDT_PAGE] != e)
        WRITE_ONCE(v->mm.window_l1e[RESERVED_GDT_PAGE], e);
}
