/* SPDX-License-Identifier: MIT */
/* Privileged instructions that the hypervisor executes for the kernel. */
#include <public/physdev.h>
#include "bench.h"

#define MSR_EFER    0xc0000080
#define MSR_FS_BASE 0xc0000100

static void cpuid(uint32_t leaf) {
    uint32_t c = 0;

    asm volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(leaf), "+c"(c) : : "rbx", "rdx");
}

static void cpuid_1(void) { cpuid(1); }
static void cpuid_40000000(void) { cpuid(0x40000000); }
static void rdmsr_efer(void) { asm volatile("rdmsr" : : "c"(MSR_EFER) : "rax", "rdx"); }
static void wrmsr_fs_base(void) {
    asm volatile("wrmsr" : : "c"(MSR_FS_BASE), "a"(0x1000), "d"(0) : "memory");
}
static void read_cr0(void) { asm volatile("mov %%cr0, %%rax" : : : "rax"); }
static void clts(void) { asm volatile("clts"); }
static void in_80(void) { asm volatile("inb $0x80, %%al" : : : "rax"); }
static void out_80(void) { asm volatile("outb %%al, $0x80" : : "a"(0)); }

static void set_iopl(unsigned int level) {
    struct physdev_set_iopl op = {.iopl = level};

    require_eq(HV_physdev_op(PHYSDEVOP_set_iopl, &op), 0);
}

void bench_emulation(void) {
    measure("cpuid 1, forced emulation", NULL, cpuid_1, NULL);
    measure("cpuid 0x40000000, forced emulation", NULL, cpuid_40000000, NULL);
    measure("rdmsr EFER", NULL, rdmsr_efer, NULL);
    measure("wrmsr FS_BASE", NULL, wrmsr_fs_base, NULL);
    measure("mov from cr0", NULL, read_cr0, NULL);
    measure("clts", NULL, clts, NULL);
    set_iopl(1);
    measure("in from port 0x80", NULL, in_80, NULL);
    measure("out to port 0x80", NULL, out_80, NULL);
    set_iopl(0);
}
