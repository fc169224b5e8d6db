/* SPDX-License-Identifier: MIT */
/* A CPU's descriptors, task state segment, interrupt gates and stacks. */
#pragma once

#include <hv/pcpu.h>

/* A CPU's stack block, STACK_SIZE bytes and so aligned, so that cpu_info() works on every stack in
 * it: a page for each interrupt stack (IST 1..4), unmapped pages, then the main stack with struct
 * cpu_info at its top. The boot CPU's block is in the image; the others' are at CPU_AREA(cpu). */
#define STACK_IST_NR     4
#define STACK_IST_END    (STACK_IST_NR * PAGE_SIZE)
#define STACK_MAIN_START (STACK_SIZE / 2)

struct tss64 {
    uint32_t rsvd0;
    uint64_t rsp0, rsp1, rsp2;
    uint64_t rsvd1;
    uint64_t ist[7]; /* ist[0] is IST 1 */
    uint64_t rsvd2;
    uint16_t rsvd3, iopb;
} __packed;
_Static_assert(sizeof(struct tss64) == 104, "by the manual");

/* Numbers for the gates' IST field. #DB has a stack because "mov ss; syscall" can raise it at the
 * first instruction of the syscall entry, on the guest's stack pointer. */
#define IST_DF  1
#define IST_NMI 2
#define IST_MC  3
#define IST_DB  4

struct idt_gate {
    uint64_t lo, hi;
};
extern struct idt_gate idt[256]; /* entry/idt.c; a page */

/* A CPU's entry page: its TSS, and what entry code needs while it has no stack yet. With XPTI
 * guests' page tables show it, and the CPU pushes its frames here, which go on from here
 * (entry/entry.S). */
struct entry_page {
    struct tss64 tss;
    uint64_t user_rsp;          /* the syscall entries' only scratch */
    uint64_t entry_rsp;         /* the address of this CPU's guest_regs.es */
    uint64_t hv_cr3, guest_cr3; /* XPTI: to be loaded on the way in, and before a guest runs */
    struct entry_ist {
        uint64_t frame[10];  /* its top is what the TSS has */
        uint64_t stack, cr3; /* where the handler runs; of what was interrupted */
    } ist[STACK_IST_NR] __aligned(16);
    uint64_t stack[19], rip, cs, rflags, rsp, ss; /* a guest's frame, at the top: rsp0 */
    uint64_t top[] __aligned(16);
} __aligned(4096);
_Static_assert(offsetof(struct entry_page, top) == offsetof(struct entry_page, ss) + 8,
               "the CPU pushes its frame right below the top");

struct desc_ptr {
    uint16_t limit;
    uint64_t base;
} __packed;

#define GDT_LIMIT 0xefff /* up to the end of page 14; guests see this number too */

static inline void gdt_load(uint64_t base) {
    const struct desc_ptr p = {GDT_LIMIT, base};

    __asm__ volatile("lgdt %0" : : "m"(p) : "memory");
}

/* Where page 14 is all that there is. */
static inline void gdt_load_own(const struct arch_pcpu *a) {
    gdt_load((uint64_t)(uintptr_t)a->gdt - RESERVED_GDT_PAGE * PAGE_SIZE);
}

static inline void lidt(const struct desc_ptr *p) {
    __asm__ volatile("lidt %0" : : "m"(*p) : "memory");
}

static inline void lldt(uint16_t sel) { __asm__ volatile("lldt %0" : : "r"(sel) : "memory"); }

/* After spec_init(): stack block, GDT and entry page of a CPU other than the boot CPU. -ENOMEM. */
int cpu_area_init(struct pcpu *p);
/* Fills this CPU's GDT and entry page, and loads them. */
void desc_init_cpu(void);
void desc_set_stacks(struct arch_pcpu *a); /* in the entry page; by what spec_on says */

/* entry/: the interrupt descriptor table, the same for all CPUs. */
void idt_init(void);
void idt_load(void);
