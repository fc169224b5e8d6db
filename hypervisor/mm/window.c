/* SPDX-License-Identifier: MIT */
/*
 * What mm/ keeps for a domain and a vcpu: slot 260's tables with the windows in which the CPU reads
 * a vcpu's GDT and LDT, and the L4 slots that are ours.
 */
#include <hv/boot.h>

#include "mm_local.h"

#define VCPUS_PER_TABLE (PT_ENTRIES / VCPU_WINDOW_PAGES)

void mm_fill_l4(struct domain *d, uint64_t *l4) {
    for (unsigned int i = HV_SLOT_FIRST; i <= HV_SLOT_LAST; i++) WRITE_ONCE(l4[i], boot_l4[i]);
    if (!m2p_strict(d)) /* tables of user mode do without; base.c shows it to kernels */
        WRITE_ONCE(l4[HV_SLOT_FIRST], 0);
    WRITE_ONCE(l4[HV_SLOT_PERDOMAIN], mfn_to_paddr(d->mm.perdomain_l3) | TABLE_PTE);
}

int mm_init_domain(struct domain *d) {
    uint64_t *l3, *l2;
    int rc = owner_set(owner_tag(d), d);

    spin_lock_init(&d->mm.lock, ORDER_PAGE_ALLOC);
    if (rc) return rc;
    l3 = alloc_page_hv();
    l2 = alloc_page_hv();
    if (!l3 || !l2) {
        free_page_hv(l3);
        free_page_hv(l2);
        owner_set(owner_tag(d), NULL);
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
    d->mm.perdomain_l2 = NULL;
    d->mm.memory_map = NULL;
    owner_set(owner_tag(d), NULL);
    domain_set_claim(d, 0);
}

int mm_init_vcpu(struct vcpu *v) {
    uint64_t *l2 = v->domain->mm.perdomain_l2, *e, *l1;

    v->arch.guest_table = v->arch.guest_table_user = INVALID_MFN;
    v->info_mfn = INVALID_MFN;
    if (!l2) /* the idle domain: its vcpus have no window */
        return 0;
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

    if (v->mm.window_l1e && v->mm.window_l1e[RESERVED_GDT_PAGE] != e)
        WRITE_ONCE(v->mm.window_l1e[RESERVED_GDT_PAGE], e);
}
