/* SPDX-License-Identifier: MIT */
/*
 * emul: privileged instructions that the hypervisor does for a guest kernel, and those it does not:
 * cpuid by the forced-emulation prefix, rdmsr and wrmsr, in and out under IOPL and under the
 * bitmap, control and debug registers, clts, cli and sti, rdtsc, xsetbv; user mode gets a fault.
 * And extended state that the CPU refuses to load.
 */
#include <public/arch-x86/cpuid.h>
#include <public/physdev.h>
#include <public/sched.h>
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define MSR_TSC         0x10
#define MSR_APIC_BASE   0x1b
#define MSR_MISC_ENABLE 0x1a0
#define MSR_PAT         0x277
#define MSR_EFER        0xc0000080
#define MSR_STAR        0xc0000081
#define MSR_LSTAR       0xc0000082
#define MSR_FS_BASE     0xc0000100
#define MSR_GS_BASE     0xc0000101
#define MSR_SHADOW_GS   0xc0000102
#define MSR_NONE        0x12345678

static const fault_t refused = FAULT(GP, 0);

static fault_t rdmsr(uint32_t msr, uint64_t *value) {
    uint64_t low = 0, high = 0;
    fault_t f = TRY_IO("rdmsr", (, "+a"(low), "+d"(high)), ("c"(msr)), ("memory"));

    *value = high << 32 | (uint32_t)low;
    return f;
}

static fault_t wrmsr(uint32_t msr, uint64_t value) {
    return TRY_IO("wrmsr", (), ("c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))),
                  ("memory"));
}

struct leaf {
    uint32_t a, b, c, d;
};

/* The forced-emulation prefix: ud2a, "xen", cpuid. */
static fault_t emulated_cpuid(uint32_t leaf, uint32_t subleaf, struct leaf *out) {
    fault_t f = TRY_IO(XEN_CPUID, (, "=a"(out->a), "=b"(out->b), "=c"(out->c), "=d"(out->d)),
                       ("1"(leaf), "3"(subleaf)), ("memory"));
    return f;
}

static uint64_t cpuid(uint64_t user) {
    struct leaf l;
    char name[13] = {0};

    (void)user;
    expect_eq(emulated_cpuid(0x40000000, 0, &l), 0);
    memcpy(name, &l.b, 4);
    memcpy(name + 4, &l.c, 4);
    memcpy(name + 8, &l.d, 4);
    expect_eq(strcmp(name, "XenVMMXenVMM"), 0);
    expect(l.a >= 0x40000004);
    expect_eq(emulated_cpuid(0x40000001, 0, &l), 0);
    expect_eq(l.a, 4 << 16 | 17);
    expect_eq(emulated_cpuid(1, 0, &l), 0);
    expect(l.d & 1);              /* FPU */
    expect_eq(l.c & 1U << 21, 0); /* no x2APIC for a PV guest */
    expect_eq(l.c & 1U << 5, 0);  /* no VMX */
    expect(l.c & 1U << 31);       /* hypervisor */
    expect_eq(l.d & 1U << 9, 1U << 9);
    expect_eq(emulated_cpuid(7, 0, &l), 0);
    expect_eq(l.c & (1U << 3 | 1U << 4 | 1U << 16), 0); /* no PKU, LA57 */
    expect_eq(emulated_cpuid(0x80000001, 0, &l), 0);
    expect(l.d & 1U << 29);      /* long mode */
    expect(l.d & 1U << 11);      /* syscall */
    expect(l.d & 1U << 20);      /* NX */
    expect_eq(l.c & 1U << 2, 0); /* no SVM */
    return 0;
}

static void msrs(void) {
    uint64_t value, gs;

    expect_eq(rdmsr(MSR_EFER, &value), 0);
    expect_eq(value & 0x501, 0x501); /* LMA, LME, SCE */
    expect_eq(rdmsr(MSR_APIC_BASE, &value), 0);
    expect_eq(rdmsr(MSR_PAT, &value), 0);
    expect_eq(value, 0x050100070406);
    expect_eq(wrmsr(MSR_PAT, value), refused);
    expect_eq(wrmsr(MSR_PAT, 0x0007040600070406), refused);
    expect_eq(rdmsr(MSR_TSC, &value), 0);
    expect_eq(wrmsr(MSR_EFER, 0), refused);
    expect_eq(rdmsr(MSR_LSTAR, &value), refused);
    expect_eq(rdmsr(MSR_STAR, &value), refused);
    expect_eq(wrmsr(MSR_LSTAR, 0), refused);
    expect_eq(rdmsr(MSR_NONE, &value), refused);
    expect_eq(wrmsr(MSR_NONE, 0), refused);

    expect_eq(wrmsr(MSR_FS_BASE, (uint64_t)&vcpus[0]), 0);
    asm volatile("mov %%fs:0, %0" : "=r"(value));
    expect_eq((uint32_t)value, 0);
    expect_eq(rdmsr(MSR_FS_BASE, &value), 0);
    expect_eq(value, &vcpus[0]);
    expect_eq(wrmsr(MSR_FS_BASE, 0x8000000000000000), refused);
    expect_eq(wrmsr(MSR_GS_BASE, 0x1234000), 0);
    expect_eq(rdmsr(MSR_GS_BASE, &gs), 0);
    expect_eq(gs, 0x1234000);
    expect_eq(wrmsr(MSR_SHADOW_GS, 0x5678000), 0);
    expect_eq(rdmsr(MSR_SHADOW_GS, &gs), 0);
    expect_eq(gs, 0x5678000);
    /* The same by hypercall. */
    expect_eq(HV_set_segment_base(SEGBASE_FS, 0x1000), 0);
    expect_eq(rdmsr(MSR_FS_BASE, &value), 0);
    expect_eq(value, 0x1000);
    expect_eq(HV_set_segment_base(SEGBASE_GS_USER, 0x2000), 0);
    expect_eq(rdmsr(MSR_SHADOW_GS, &value), 0);
    expect_eq(value, 0x2000);
    expect_eq(HV_set_segment_base(SEGBASE_GS_KERNEL, 0x3000), 0);
    expect_eq(rdmsr(MSR_GS_BASE, &value), 0);
    expect_eq(value, 0x3000);
    expect_eq(HV_set_segment_base(SEGBASE_FS, 0x8000000000000000), -XEN_EINVAL);
    expect_eq(HV_set_segment_base(9, 0), -XEN_EINVAL);
}

static fault_t in(uint16_t port) {
    return TRY_IO("inb %%dx, %%al", (), ("d"(port)), ("rax", "memory"));
}

static fault_t out(uint16_t port, uint8_t value) {
    return TRY_IO("outb %%al, %%dx", (), ("d"(port), "a"(value)), ("memory"));
}

static uint64_t user_port(uint64_t port) { return in((uint16_t)port); }

static void set_iopl(unsigned int level) {
    struct physdev_set_iopl op = {.iopl = level};

    require_eq(HV_physdev_op(PHYSDEVOP_set_iopl, &op), 0);
}

static void ports(void) {
    static uint8_t bitmap[8192];
    struct physdev_set_iobitmap op = {.nr_ports = 65536};
    struct physdev_set_iopl bad = {.iopl = 4};
    uint32_t word = 0;

    /* Without IOPL a kernel has no ports; with it, user mode has none still. */
    set_iopl(0);
    expect_eq(in(0x80), refused);
    expect_eq(out(0x80, 1), refused);
    set_iopl(1);
    expect_eq(in(0x80), 0);
    expect_eq(out(0x80, 1), 0);
    expect_eq(run_user(user_port, 0x80), refused);
    set_iopl(3);
    expect_eq(run_user(user_port, 0x80), 0);
    set_iopl(0);
    expect_eq(run_user(user_port, 0x80), refused);
    expect_eq(HV_physdev_op(PHYSDEVOP_set_iopl, &bad), -XEN_EINVAL);
    /* A bitmap opens single ports, for both. */
    memset(bitmap, 0xff, sizeof(bitmap));
    bitmap[0x80 / 8] = 0xfe;
    set_xen_guest_handle(op.bitmap, bitmap);
    require_eq(HV_physdev_op(PHYSDEVOP_set_iobitmap, &op), 0);
    expect_eq(in(0x80), 0);
    expect_eq(in(0x81), refused);
    expect_eq(run_user(user_port, 0x80), 0);
    expect_eq(run_user(user_port, 0x81), refused);
    op.nr_ports = 65537;
    expect_eq(HV_physdev_op(PHYSDEVOP_set_iobitmap, &op), -XEN_EINVAL);
    op.nr_ports = 0;
    require_eq(HV_physdev_op(PHYSDEVOP_set_iobitmap, &op), 0);
    set_iopl(1);
    /* Ports of the hypervisor's own read as nothing and take nothing. */
    expect_eq(out(0x21, 0xff), 0);
    expect_eq(in(0x21), 0);
    /* PCI configuration: the host bridge. */
    expect_eq(TRY_IO("outl %%eax, %%dx", (), ("d"(0xcf8), "a"(0x80000000)), ("memory")), 0);
    expect_eq(TRY_IO("inl %%dx, %%eax", (, "=a"(word)), ("d"(0xcfc)), ("memory")), 0);
    expect_eq(word & 0xffff, 0x8086);
    /* String form, immediate form. */
    {
        uint8_t buffer[4] = {1, 2, 3, 4}, *at = buffer;
        uint64_t n = 4;

        expect_eq(TRY_IO("rep outsb", (, "+S"(at), "+c"(n)), ("d"(0x80)), ("memory")), 0);
        expect_eq(n, 0);
        expect_eq(at, buffer + 4);
        expect_eq(TRY_IO("inb $0x80, %%al", (), (), ("rax", "memory")), 0);
        expect_eq(TRY_IO("outb %%al, $0x80", (), ("a"(0)), ("memory")), 0);
    }
}

/* A string element half of which lies in a page that is not there: the fault is at that page. And a
 * bitmap that ends there: two bytes are read, as CPUs do, so its last eight ports are refused. */
static void across_pages(void) {
    uint8_t *window = window_alloc(3), *edge = window + 2 * PAGE_SIZE;
    struct physdev_set_iobitmap op = {.nr_ports = 65536};
    void *at = edge - 1;

    for (unsigned int i = 0; i < 2; i++)
        require_eq(write_entry(l1_entry(window + i * PAGE_SIZE),
                               MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW)),
                   0);
    memset(window, 0xff, 2 * PAGE_SIZE);
    edge[-1] = 0x7f;
    set_xen_guest_handle(op.bitmap, window);
    require_eq(HV_physdev_op(PHYSDEVOP_set_iobitmap, &op), 0);
    set_iopl(0);
    edge[-2] = 0x7f;
    expect_eq(in(0xffff), refused);
    expect_eq(run_user(user_port, 0xffff), refused);
    expect_eq(in(0xfff7), 0);
    expect_eq(in(0xfff6), refused);
    set_iopl(1);
    expect_eq(TRY_IO("outsw", (, "+S"(at)), ("d"(0x80)), ("memory")), FAULT(PF, 0));
    expect_eq(last_cr2, edge);
    expect_eq(TRY_IO("insw", (, "+D"(at)), ("d"(0x80)), ("memory")), FAULT(PF, PF_WRITE));
    expect_eq(last_cr2, edge);
    expect_eq(at, edge - 1);
}

static void control_registers(void) {
    uint64_t cr0, cr2, cr3, cr4, value;
    fault_t f;

    expect_eq(TRY_IO("mov %%cr0, %1", (, "=r"(cr0)), (), ("memory")), 0);
    expect_eq(cr0 & 0x80000001, 0x80000001);
    expect_eq(TRY_IO("mov %1, %%cr0", (), ("r"(cr0)), ("memory")), 0);
    expect_eq(TRY_IO("mov %1, %%cr0", (), ("r"(cr0 ^ 0x10000)), ("memory")), refused);
    expect_eq(TRY_IO("mov %1, %%cr0", (), ("r"(cr0 | 8)), ("memory")), 0);
    expect_eq(TRY("fninit"), FAULT(NM, 0));
    require_eq(HV_fpu_taskswitch(1), 0);
    expect_eq(TRY_IO("mov %%cr0, %1", (, "=r"(value)), (), ("memory")), 0);
    expect_eq(value & 8, 8);
    expect_eq(TRY("clts"), 0);
    expect_eq(TRY("fninit"), 0);
    try_read((void *)0xffff890000004560, &value);
    expect_eq(TRY_IO("mov %%cr2, %1", (, "=r"(cr2)), (), ("memory")), 0);
    expect_eq(cr2, 0xffff890000004560);
    expect_eq(TRY_IO("mov %1, %%cr2", (), ("r"(0x1000UL)), ("memory")), 0);
    expect_eq(this_vcpu()->info->arch.cr2, 0x1000);
    expect_eq(TRY_IO("mov %%cr3, %1", (, "=r"(cr3)), (), ("memory")), 0);
    expect_eq(cr3 >> PAGE_SHIFT, virt_to_mfn(l4_table()));
    expect_eq(TRY_IO("mov %1, %%cr3", (), ("r"(cr3)), ("memory")), 0);
    f = TRY_IO("mov %1, %%cr3", (), ("r"(0xfffffff000UL)), ("memory"));
    expect_eq(f, refused);
    expect_eq(TRY_IO("mov %%cr4, %1", (, "=r"(cr4)), (), ("memory")), 0);
    expect_eq(cr4 & 0x20, 0x20); /* PAE */
    expect_eq(cr4 & 0x1000, 0);  /* not LA57 */
    expect_eq(TRY_IO("mov %1, %%cr4", (), ("r"(cr4)), ("memory")), 0);
    expect_eq(TRY_IO("mov %%cr8, %1", (, "=r"(value)), (), ("memory")), refused);
}

static uint64_t user_is_refused(uint64_t arg) {
    uint64_t value;

    (void)arg;
    expect_eq(rdmsr(MSR_EFER, &value), refused);
    expect_eq(wrmsr(MSR_FS_BASE, 0), refused);
    expect_eq(TRY_IO("mov %%cr0, %1", (, "=r"(value)), (), ("memory")), refused);
    expect_eq(TRY_IO("mov %1, %%cr3", (), ("r"(0UL)), ("memory")), refused);
    expect_eq(TRY_IO("mov %1, %%dr7", (), ("r"(0UL)), ("memory")), refused);
    expect_eq(TRY("clts"), refused);
    expect_eq(TRY("cli"), refused);
    expect_eq(TRY("sti"), refused);
    expect_eq(TRY("wbinvd"), refused);
    expect_eq(TRY("invlpg (%%rsp)"), refused);
    expect_eq(TRY_IO("lgdt (%1)", (), ("r"(&value)), ("memory")), refused);
    expect_eq(TRY_IO("xsetbv", (), ("a"(3), "d"(0), "c"(0)), ("memory")), refused);
    (void)rdtsc();
    return 0;
}

/* What tells of the hypervisor's tables nobody is refused: programs use it. */
static uint64_t tables_told(uint64_t user) {
    uint64_t value[2] = {0};

    (void)user;
    expect_eq(TRY_IO("sgdt (%1)", (), ("r"(value)), ("memory")), 0);
    expect_eq(TRY_IO("sidt (%1)", (), ("r"(value)), ("memory")), 0);
    expect_eq(TRY_IO("sldt %1", (, "=r"(value[0])), (), ("memory")), 0);
    expect_eq(TRY_IO("str %1", (, "=r"(value[0])), (), ("memory")), 0);
    expect_eq(TRY_IO("smsw %1", (, "=r"(value[0])), (), ("memory")), 0);
    return 0;
}

static void kernel_is_refused(void) {
    uint64_t value[2] = {0};

    expect_eq(TRY_IO("invlpg (%1)", (), ("r"(value)), ("memory")), refused);
    expect_eq(TRY_IO("lgdt (%1)", (), ("r"(value)), ("memory")), refused);
    expect_eq(TRY_IO("lidt (%1)", (), ("r"(value)), ("memory")), refused);
    expect_eq(TRY_IO("ltr %w1", (), ("r"(0)), ("memory")), refused);
    expect_eq(TRY_IO("lmsw %w1", (), ("r"(1)), ("memory")), refused);
    expect_eq(TRY("swapgs"), refused);
    expect_eq(TRY("sysretq"), refused);
    expect_eq(TRY("invd"), refused);
    /* Done for the kernel, to no effect of its own. */
    expect_eq(TRY("wbinvd"), 0);
    expect_eq(TRY("cli"), 0);
    expect_eq(TRY("sti"), 0);
}

static fault_t xrstor(const void *area) {
    return TRY_IO("xrstor (%1)", (), ("r"(area), "a"(3), "d"(0)), ("memory"));
}

/* What can not be loaded is the guest's fault, and what was loaded stays, over a switch too. */
static uint64_t refused_state(uint64_t user) {
    static uint64_t area[512] __attribute__((aligned(64)));
    static const uint32_t mine = 0x1fbf, odd = ~0U;
    uint64_t *header = area + 64;
    uint32_t *area_mxcsr = (uint32_t *)area + 6, got;
    fault_t f;

    asm volatile("ldmxcsr %1\n xsave (%0)" : : "r"(area), "m"(mine), "a"(3), "d"(0) : "memory");
    /* Components without number, or not switched on; a compacted form; what is reserved. */
    for (unsigned int bit = 2; bit < 3 * 64; bit++) {
        uint64_t old = header[bit / 64];

        header[bit / 64] |= 1UL << bit % 64;
        expect_eq(xrstor(area), refused);
        header[bit / 64] = old;
    }
    expect_eq(xrstor((char *)area + 8), refused);
    if (!user) HV_sched_op(SCHEDOP_yield, NULL);
    asm volatile("stmxcsr %0" : "=m"(got));
    expect_eq(got, mine);
    /* Reserved bits of MXCSR are refused by CPUs and taken by QEMU 7.2. */
    f = TRY_IO("ldmxcsr %1", (), ("m"(odd)), ("memory"));
    expect(f == 0 || f == refused);
    *area_mxcsr = odd;
    expect_eq(xrstor(area), f);
    expect_eq(TRY_IO("fxrstor (%1)", (), ("r"(area)), ("memory")), f);
    if (!user) HV_sched_op(SCHEDOP_yield, NULL);
    asm volatile("stmxcsr %0" : "=m"(got));
    expect_eq(got, f ? mine : odd);
    *area_mxcsr = mine;
    expect_eq(xrstor(area), 0);
    return 0;
}

static void extended_state(void) {
    uint32_t low = 0, high = 0;
    struct leaf l;
    uint64_t cr4;

    require_eq(emulated_cpuid(1, 0, &l), 0);
    if (!(l.c & 1U << 26)) {
        printk("no xsave here\n");
        return;
    }
    /* Only once the kernel has switched it on. */
    expect_eq(TRY_IO("xsetbv", (), ("a"(3), "d"(0), "c"(0)), ("memory")), FAULT(UD, 0));
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    expect_eq(TRY_IO("mov %1, %%cr4", (), ("r"(cr4 | 1UL << 18)), ("memory")), 0);
    require_eq(emulated_cpuid(1, 0, &l), 0);
    expect(l.c & 1U << 27);
    expect_eq(TRY_IO("xgetbv", (, "+a"(low), "+d"(high)), ("c"(0)), ("memory")), 0);
    expect_eq(low & 1, 1);
    expect_eq(TRY_IO("xsetbv", (), ("a"(3), "d"(0), "c"(0)), ("memory")), 0);
    expect_eq(TRY_IO("xsetbv", (), ("a"(2), "d"(0), "c"(0)), ("memory")), refused);
    expect_eq(TRY_IO("xsetbv", (), ("a"(5), "d"(0), "c"(0)), ("memory")), refused);
    expect_eq(TRY_IO("xsetbv", (), ("a"(1), "d"(0x40000000), "c"(0)), ("memory")), refused);
    expect_eq(TRY_IO("xsetbv", (), ("a"(3), "d"(0), "c"(1)), ("memory")), refused);
    expect_eq(TRY_IO("xsetbv", (), ("a"(3), "d"(0), "c"(0)), ("memory")), 0);
    refused_state(0);
    run_user(refused_state, 1);
    expect_eq(TRY_IO("xsetbv", (), ("a"(low), "d"(high), "c"(0)), ("memory")), 0);
}

/* Off until the kernel switches them on: one that does not save a GS base must not lose its own. */
static void base_instructions(void) {
    struct leaf l;
    uint64_t cr4, base;

    require_eq(emulated_cpuid(7, 0, &l), 0);
    if (!(l.b & 1)) {
        printk("no instructions for segment bases here\n");
        return;
    }
    asm volatile("mov %%cr4, %0" : "=r"(cr4));
    expect_eq(cr4 & 1UL << 16, 0);
    expect_eq(TRY_IO("rdgsbase %1", (, "=r"(base)), (), ("memory")), FAULT(UD, 0));
    expect_eq(TRY_IO("mov %1, %%cr4", (), ("r"(cr4 | 1UL << 16)), ("memory")), 0);
    expect_eq(HV_set_segment_base(SEGBASE_FS, 0x1234567), 0);
    HV_sched_op(SCHEDOP_yield, NULL);
    expect_eq(TRY_IO("rdfsbase %1", (, "=r"(base)), (), ("memory")), 0);
    expect_eq(base, 0x1234567);
    expect_eq(TRY_IO("wrfsbase %1", (), ("r"(0UL)), ("memory")), 0);
    expect_eq(TRY_IO("mov %1, %%cr4", (), ("r"(cr4)), ("memory")), 0);
    expect_eq(TRY_IO("rdfsbase %1", (, "=r"(base)), (), ("memory")), FAULT(UD, 0));
}

static unsigned int debug_traps;

static bool debug_hook(struct regs *r) {
    debug_traps++;
    r->rflags |= 0x10000; /* RF: go on over an instruction breakpoint */
    return true;
}

/* A port's breakpoint (DR0, which is on) is hit by that port, and by nothing that comes later while
 * DR6 still tells of it. */
static void port_breakpoint(void) {
    uint64_t value;

    expect_eq(HV_set_debugreg(0, 0x80), 0);
    expect_eq(HV_set_debugreg(6, 0), 0);
    debug_traps = 0;
    expect_eq(in(0x81), 0);
    expect_eq(debug_traps, 0);
    expect_eq(in(0x80), 0);
    expect_eq(debug_traps, 1);
    expect_eq(HV_get_debugreg(6) & 15, 1);
    expect_eq(in(0x81), 0);
    expect_eq(TRY_IO("mov %%cr0, %1", (, "=r"(value)), (), ("memory")), 0);
    expect_eq(debug_traps, 1);
}

static uint64_t stepped_to;

static bool step_hook(struct regs *r) {
    if (!stepped_to) stepped_to = r->rip;
    r->rflags &= ~0x100UL;
    return true;
}

/* Single-stepping stops behind each instruction that is done for the guest, stores to page tables
 * among them. */
static void single_step(void) {
    uint64_t *entry = l1_entry(window_alloc(1)), next;

    trap_hooks[DB] = step_hook;
    stepped_to = 0;
    asm volatile("lea 1f(%%rip), %0\n pushfq\n orl $0x100, (%%rsp)\n popfq\n"
                 "mov %%cr0, %%rax\n1: nop\n nop"
                 : "=&r"(next)
                 :
                 : "rax", "memory", "cc");
    expect_eq(stepped_to, next);
    stepped_to = 0;
    asm volatile("lea 1f(%%rip), %0\n pushfq\n orl $0x100, (%%rsp)\n popfq\n"
                 "movq $0, (%1)\n1: nop\n nop"
                 : "=&r"(next)
                 : "r"(entry)
                 : "memory", "cc");
    expect_eq(stepped_to, next);
    trap_hooks[DB] = NULL;
}

static void debug_registers(void) {
    static volatile uint64_t watched;
    uint64_t value;

    trap_hooks[DB] = debug_hook;
    expect_eq(HV_set_debugreg(0, &watched), 0);
    expect_eq(HV_get_debugreg(0), &watched);
    /* An address that is also an error number. */
    expect_eq(HV_set_debugreg(3, -85UL), 0);
    expect_eq(HV_get_debugreg(3), -85UL);
    expect_eq(HV_set_debugreg(3, 0), 0);
    expect_eq(HV_set_debugreg(7, 0x401 | 0x9UL << 16), 0); /* 4 or 8 bytes written */
    debug_traps = 0;
    watched = 1;
    barrier();
    expect_eq(debug_traps, 1);
    expect_eq(HV_get_debugreg(6) & 1, 1);
    expect_eq(TRY_IO("mov %%dr0, %1", (, "=r"(value)), (), ("memory")), 0);
    expect_eq(value, &watched);
    expect_eq(TRY_IO("mov %1, %%dr7", (), ("r"(0x400UL)), ("memory")), 0);
    watched = 2;
    expect_eq(debug_traps, 1);
    expect_eq(HV_get_debugreg(7), 0x400);
    /* Not on the hypervisor's own memory. */
    expect_eq(HV_set_debugreg(1, 0xffff830000000000), -XEN_EPERM);
    expect_eq(HV_set_debugreg(1, 0xffff87ffffffffff), -XEN_EPERM);
    expect_eq(TRY_IO("mov %1, %%dr1", (), ("r"(0xffff830000000000)), ("memory")), refused);
    expect_eq(HV_set_debugreg(9, 0), -XEN_ENODEV);
    expect_eq(HV_get_debugreg(9), -XEN_ENODEV);
    expect_eq(HV_set_debugreg(7, 0x2000), -XEN_EPERM); /* general detect */
    expect_eq(HV_set_debugreg(7, 1UL << 32), -XEN_EINVAL);
    expect_eq(HV_set_debugreg(6, 1UL << 32), -XEN_EINVAL);
    /* Breakpoints on ports, and two names for DR6 and DR7 that go, come with CR4.DE. */
    expect_eq(HV_set_debugreg(7, 1 | 2UL << 16), -XEN_EPERM);
    expect_eq(HV_get_debugreg(5), HV_get_debugreg(7));
    asm volatile("mov %%cr4, %0" : "=r"(value));
    expect_eq(TRY_IO("mov %1, %%cr4", (), ("r"(value | 8)), ("memory")), 0);
    expect_eq(HV_set_debugreg(7, 1 | 2UL << 16), 0);
    port_breakpoint();
    expect_eq(HV_set_debugreg(4, 0), -XEN_ENODEV);
    expect_eq(HV_get_debugreg(5), -XEN_ENODEV);
    expect_eq(TRY_IO("mov %1, %%cr4", (), ("r"(value)), ("memory")), 0);
    expect_eq(in(0x80), 0); /* and they go with it */
    expect_eq(debug_traps, 1);
    expect_eq(HV_set_debugreg(7, 0), 0);
    trap_hooks[DB] = NULL;
}

void test_main(void) {
    cpuid(0);
    run_user(cpuid, 1);
    msrs();
    ports();
    across_pages();
    control_registers();
    extended_state();
    base_instructions();
    run_user(user_is_refused, 0);
    tables_told(0);
    run_user(tables_told, 1);
    kernel_is_refused();
    debug_registers();
    single_step();
}
