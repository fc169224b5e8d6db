/* SPDX-License-Identifier: MIT */
/* Descriptors, task state segment and interrupt gates of the CPU. */
#pragma once

#include <hv/types.h>

struct tss64 {
    uint32_t rsvd0;
    uint64_t rsp0, rsp1, rsp2;
    uint64_t rsvd1;
    uint64_t ist[7]; /* ist[0] is IST 1 */
    uint64_t rsvd2;
    uint16_t rsvd3, iopb;
} __packed;
_Static_assert(sizeof(struct tss64) == 104, "by the manual");

/*
 * Interrupt stacks: numbers for the gates' IST field. Each lies within its CPU's STACK_SIZE-aligned
 * stack area, because the handlers find cpu_info() from the stack pointer. #DB has one because
 * "mov ss; syscall" can raise it at the first instruction of the syscall entry, on the guest's
 * stack pointer.
 */
#define IST_DF  1
#define IST_NMI 2
#define IST_MC  3
#define IST_DB  4

struct idt_gate {
    uint64_t lo, hi;
};

struct desc_ptr {
    uint16_t limit;
    uint64_t base;
} __packed;

static inline void lgdt(const struct desc_ptr *p) {
    __asm__ volatile("lgdt %0" : : "m"(*p) : "memory");
}

static inline void lidt(const struct desc_ptr *p) {
    __asm__ volatile("lidt %0" : : "m"(*p) : "memory");
}

static inline void ltr(uint16_t sel) { __asm__ volatile("ltr %0" : : "r"(sel) : "memory"); }

static inline void lldt(uint16_t sel) { __asm__ volatile("lldt %0" : : "r"(sel) : "memory"); }

/* x86/desc.c: fills cpu's GDT page, TSS and loads them; on that CPU. */
void desc_init_cpu(void);

/* entry/: the interrupt descriptor table, the same for all CPUs. */
void idt_init(void);
void idt_load(void);
