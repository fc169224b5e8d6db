/* SPDX-License-Identifier: MIT */
/*
 * Each CPU's stack block, descriptors and entry page. The GDT page stands at page 14 of
 * whatever GDT is loaded: of a vcpu's window, or of 14 pages that the limit covers but nobody uses,
 * when idle.
 */
#include <hv/boot.h>
#include <x86/desc.h>
#include <x86/spec.h>

#define DESC_CODE64 0x00af9b000000ffffUL
#define DESC_DATA   0x00cf93000000ffffUL
#define DESC_CODE32 0x00cf9b000000ffffUL
#define DESC_DPL3   (3UL << 45)
#define DESC_TSS    (0x89UL << 40)

static void set_entry(uint64_t *page, uint16_t sel, uint64_t desc) {
    page[(sel & 0xfff) >> 3] = desc;
}

static void fill_gdt(uint64_t *page, const struct tss64 *tss) {
    uint64_t base = (uint64_t)tss;

    set_entry(page, SEL_HV_CS, DESC_CODE64);
    set_entry(page, SEL_HV_DS, DESC_DATA);
    set_entry(page, SEL_USER_CS32, DESC_CODE32 | DESC_DPL3);
    set_entry(page, SEL_USER_DS, DESC_DATA | DESC_DPL3);
    set_entry(page, SEL_USER_CS64, DESC_CODE64 | DESC_DPL3);
    set_entry(page, SEL_TSS,
              (sizeof(*tss) - 1) | (base & 0xffffff) << 16 | DESC_TSS |
                  ((base >> 24) & 0xff) << 56);
    set_entry(page, SEL_TSS + 8, base >> 32);
}

void desc_set_stacks(struct arch_pcpu *a) {
    const struct cpu_info *ci = (const void *)((char *)a->stack + STACK_SIZE - sizeof(*ci));
    struct entry_page *e = a->entry;
    bool apart = spec_on & SPEC_XPTI;

    e->entry_rsp = (uint64_t)&ci->guest_regs.es;
    e->tss.rsp0 = apart ? (uint64_t)e->top : e->entry_rsp;
    for (unsigned int i = 0; i < STACK_IST_NR; i++) {
        uint64_t top = (uint64_t)a->stack + (i + 1) * PAGE_SIZE;

        e->ist[i].stack = top - 8; /* so that the frame is aligned behind one word */
        e->tss.ist[i] = apart ? (uint64_t)&e->ist[i].stack : top;
    }
    e->tss.iopb = sizeof(e->tss); /* no I/O bitmap */
    e->hv_cr3 = read_cr3();
}

/* Leaves CS at the new selector by a far return. */
static void load_segments(void) {
    __asm__ volatile("mov %0, %%ss\n\t"
                     "mov %1, %%ds\n\t"
                     "mov %1, %%es\n\t"
                     "mov %1, %%fs\n\t"
                     "mov %1, %%gs\n\t"
                     "push %2\n\t"
                     "lea 1f(%%rip), %%rax\n\t"
                     "push %%rax\n\t"
                     "lretq\n\t"
                     "1:"
                     :
                     : "r"(SEL_HV_DS), "r"(0), "i"(SEL_HV_CS)
                     : "rax", "memory");
}

void desc_init_cpu(void) {
    struct arch_pcpu *a = &this_pcpu()->arch;

    desc_set_stacks(a);
    fill_gdt(a->gdt, &a->entry->tss);
    gdt_load_own(a);
    load_segments();
    lldt(0);
    __asm__ volatile("ltr %0" : : "r"((uint16_t)SEL_TSS) : "memory");
}

static int map_new_page(uint64_t va) {
    uint64_t *l1e = own_entry(boot_l4, va, 1, true);
    void *page = l1e ? alloc_page_hv() : NULL;

    if (!page) return -ENOMEM;
    *l1e = virt_to_paddr(page) | DATA_PTE;
    return 0;
}

int cpu_area_init(struct pcpu *p) {
    uint64_t block = CPU_AREA(p->id);
    struct cpu_info *ci = (struct cpu_info *)(block + STACK_SIZE) - 1;

    for (uint64_t off = 0; off < STACK_SIZE; off += PAGE_SIZE) {
        if (off >= STACK_IST_END && off < STACK_MAIN_START) continue;
        if (map_new_page(block + off)) return -ENOMEM;
    }
    p->arch.stack = (void *)block;
    p->arch.entry = (void *)(block + STACK_SIZE);
    p->arch.gdt = alloc_page_hv();
    if (map_new_page(block + STACK_SIZE) || !p->arch.gdt) return -ENOMEM;
    p->arch.gdt_mfn = virt_to_mfn(p->arch.gdt);
    ci->pcpu = p;
    return spec_on & SPEC_XPTI ? xpti_init_cpu(&p->arch) : 0;
}
