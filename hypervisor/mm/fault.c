/* SPDX-License-Identifier: MIT */
/*
 * Page faults that are not the guest's business: spurious ones, the first touch of an LDT page, and
 * writes of a guest kernel to its own L1 tables, which it maps read-only: they are decoded and
 * carried out as updates. Writes to read-only device frames are filtered or dropped.
 */
#include "../entry/entry.h"
#include "mm_local.h"

/* A write to an L1 table that is held at its type, or to a read-only device frame. */
struct write {
    struct domain *d;
    uint64_t va; /* of the fault: no other page, or device register, may be written */
    paddr_t paddr;
};

static uint64_t merge(uint64_t whole, uint64_t part, unsigned int bytes, unsigned int bit) {
    uint64_t mask = bytes == 8 ? ~0UL : (BIT(bytes * 8) - 1) << bit;

    return (whole & ~mask) | ((part << bit) & mask);
}

static int pt_store(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes) {
    struct write *w = ctx;
    uint64_t *slot = paddr_to_virt(w->paddr | (va & ~PAGE_MASK & ~7UL));
    uint64_t whole, before;
    unsigned int bit = (va & 7) * 8;
    int rc;

    /* Within one entry of the page, and nowhere else. */
    if (((va ^ w->va) & PAGE_MASK) || (va & (bytes - 1)) || bytes > 8) return -EINVAL;
    whole = READ_ONCE(*slot);
    val = merge(whole, val, bytes, bit);
    if (!old) return l1_update(slot, val, w->d, w->d, false);
    before = merge(whole, *old, bytes, bit);
    rc = l1_cmpxchg(slot, &before, val, w->d);
    if (rc == 1) *old = bytes == 8 ? before : (before >> bit) & (BIT(bytes * 8) - 1);
    return rc;
}

/* Configuration space takes what the MSI filter leaves of it; all else is dropped. */
static int device_store(void *ctx, uint64_t va, uint64_t *old, uint64_t val, unsigned int bytes) {
    const struct write *w = ctx;

    if (old || va != w->va || (va & (bytes - 1))) return -EINVAL;
    if (bytes <= 4) pci_guest_write_mem(w->paddr, bytes, (uint32_t)val);
    return 0;
}

/* A guest kernel wrote to a page that its table maps read-only by entry e. */
static bool write_read_only(struct vcpu *v, uint64_t addr, uint64_t e, struct cpu_user_regs *regs) {
    struct frame *f = frame_of(pte_mfn(e));
    struct write w = {v->domain, addr, (e & PTE_ADDR) | (addr & ~PAGE_MASK)};
    uint64_t type;
    bool done;

    if (!f || f->owner == OWNER_IO)
        return rangeset_contains(mmio_ro_ranges, pte_mfn(e), pte_mfn(e)) &&
               emulate_pt_write(regs, addr, device_store, &w) == 0;
    /* dom0 need not ask for it, as on stock Xen, which looks at its faults anyway. */
    if (!(v->domain->is_control || v->domain->vm_assist & BIT(VMASST_TYPE_writable_pagetables)))
        return false;
    type = table_hold(v->domain, f);
    if (type == FT_NONE) return false;
    w.paddr = frame_nr(f) << PAGE_SHIFT;
    done = type == FT_L1 && emulate_pt_write(regs, addr, pt_store, &w) == 0;
    frame_put_typed(f);
    return done;
}

/* The tables allow by now what faulted: another CPU changed them, or this one remembered old. */
static bool spurious(struct vcpu *v, uint64_t addr, uint32_t ec) {
    mfn_t l4 = v->arch.kernel_mode ? v->arch.guest_table : v->arch.guest_table_user;
    uint64_t rights = ~0UL, *slot, e;

    if (ec & PFEC_RESERVED) return false;
    slot = walk_with_rights(v->domain, l4, addr, &rights);
    e = slot ? READ_ONCE(*slot) : 0;
    rights &= e ^ PTE_NX;
    if (!(e & PTE_P) || ((ec & PFEC_WRITE) && !(rights & PTE_RW)) ||
        ((ec & PFEC_USER) && !(rights & PTE_USER)) || ((ec & PFEC_FETCH) && !(rights & PTE_NX)))
        return false;
    if (v->domain->arch.entry_slot) tlb_flush_local(); /* the copy of the L4 may be what is old */
    tlb_flush_page_local(addr);
    return true;
}

/* The CPU read a descriptor of v's LDT, through the window. */
static bool ldt_fault(struct vcpu *v, uint64_t offset, uint32_t ec,
                      const struct cpu_user_regs *regs) {
    if (ldt_map_page(v, (unsigned int)(offset >> PAGE_SHIFT))) return true;
    if (!from_guest(regs)) return false;
    bounce_page_fault(v, v->arch.ldt_base + offset, ec & ~(PFEC_USER | PFEC_PRESENT));
    return true;
}

bool mm_handle_fault(struct vcpu *v, uint64_t addr, uint32_t ec, struct cpu_user_regs *regs) {
    uint64_t ldt = LDT_WINDOW((uint64_t)v->id), *slot, e;
    struct frame *l1;

    if (unlikely(!guest_va_ok(addr))) {
        if (addr < ldt || addr >= ldt + v->arch.ldt_entries * 8UL) return false;
        return ldt_fault(v, addr - ldt, ec, regs);
    }
    if ((ec & (PFEC_WRITE | PFEC_PRESENT)) == (PFEC_WRITE | PFEC_PRESENT) &&
        !(ec & (PFEC_RESERVED | PFEC_FETCH)) && v->arch.kernel_mode && from_guest(regs)) {
        slot = walk_tables(v->domain, v->arch.guest_table, addr, &l1);
        e = slot ? READ_ONCE(*slot) : 0;
        if ((e & (PTE_P | PTE_RW)) == PTE_P && write_read_only(v, addr, e, regs)) return true;
    }
    return spurious(v, addr, ec);
}
