/* SPDX-License-Identifier: MIT */
/*
 * Separate page tables (Meltdown, XSA-254). While a guest runs, CR3 has its own L4, which shows of
 * Hospes the M2P that guests may read, their descriptor windows, and in slot 261 what the ways in
 * and out need: entry.S's code, the IDT and each CPU's entry page. Hospes itself runs on its CPU's
 * root, whose slots 256..271 are whole and whose others are a copy of the L4's.
 *
 * Such a copy may be as old as a TLB entry: it is made when the base is loaded and at each full
 * flush, after the flush clock has advanced, so that whoever may rely on a flush may rely on it.
 */
#include <hv/boot.h>
#include <x86/desc.h>
#include <x86/spec.h>

CMDLINE_OPTION(xpti);

extern const char entry_text_start[], entry_text_end[]; /* linker script */

static uint64_t *entry_l4;    /* holds guests' slot 261 */
static struct spec_choice on; /* read-only once parsed */

/* Guests' tables show this page from here on. -ENOMEM. */
static int show(const void *page) {
    uint64_t *e = own_entry(entry_l4, (uint64_t)page, 1, true);

    if (e) WRITE_ONCE(*e, *own_entry(boot_l4, (uint64_t)page, 1, false));
    return e ? 0 : -ENOMEM;
}

int xpti_init_cpu(struct arch_pcpu *a) {
    a->root = alloc_page_hv();
    if (!a->root) return -ENOMEM;
    memcpy(a->root, boot_l4, PAGE_SIZE);
    return show(a->entry);
}

__init void xpti_init(void) {
    bool dflt = spec_on & SPEC_XPTI;
    int rc;

    on = spec_choose("xpti", dflt, dflt);
    printk("  XPTI (64-bit PV only): Dom0 %s, DomU %s (without PCID)\n",
           on.dom0 ? "enabled" : "disabled", on.domu ? "enabled" : "disabled");
    spec_on &= ~(unsigned int)SPEC_XPTI;
    if (!on.dom0 && !on.domu) return;
    entry_l4 = alloc_page_hv();
    rc = entry_l4 ? xpti_init_cpu(&this_pcpu()->arch) | show(idt) : -ENOMEM;
    for (const char *p = entry_text_start; !rc && p < entry_text_end; p += PAGE_SIZE) rc = show(p);
    if (rc) panic("Too little memory for separate page tables");
    spec_on |= SPEC_XPTI; /* base loads use the root from here on */
    desc_set_stacks(&this_pcpu()->arch);
}

uint64_t xpti_entry_slot(const struct domain *d) {
    return spec_chosen(on, d) ? entry_l4[HV_SLOT_IMAGE] : 0;
}

/* An NMI may come at any moment: what it enters by is whole when hv_cr3 names it. */
uint64_t xpti_base(uint64_t cr3) {
    const struct arch_pcpu *a = &this_pcpu()->arch;
    uint64_t root = virt_to_paddr(a->root), *l4;

    if (cr3 == root) cr3 = a->entry->guest_cr3;
    l4 = paddr_to_virt(cr3);
    if (l4[HV_SLOT_DIRECTMAP]) { /* it is whole itself: Hospes's own, or of a domain without XPTI */
        root = cr3;
    } else {
        memcpy(a->root, l4, HV_SLOT_FIRST * sizeof(*l4));
        a->root[HV_SLOT_PERDOMAIN] = l4[HV_SLOT_PERDOMAIN];
        memcpy(a->root + HV_SLOT_LAST + 1, l4 + HV_SLOT_LAST + 1,
               (511 - HV_SLOT_LAST) * sizeof(*l4));
    }
    WRITE_ONCE(a->entry->guest_cr3, cr3);
    WRITE_ONCE(a->entry->hv_cr3, root);
    return root;
}
