/* SPDX-License-Identifier: MIT */
/* The CPU: features, control registers, model-specific registers, ports. */
#pragma once

#include <hv/types.h>

#define CR0_PE (1UL << 0)
#define CR0_MP (1UL << 1)
#define CR0_TS (1UL << 3)
#define CR0_ET (1UL << 4)
#define CR0_NE (1UL << 5)
#define CR0_WP (1UL << 16)
#define CR0_AM (1UL << 18)
#define CR0_PG (1UL << 31)

#define CR4_TSD        (1UL << 2)
#define CR4_DE         (1UL << 3)
#define CR4_PAE        (1UL << 5)
#define CR4_MCE        (1UL << 6)
#define CR4_OSFXSR     (1UL << 9)
#define CR4_OSXMMEXCPT (1UL << 10)
#define CR4_FSGSBASE   (1UL << 16)
#define CR4_OSXSAVE    (1UL << 18)
#define CR4_SMEP       (1UL << 20)
#define CR4_SMAP       (1UL << 21)

#define EFLAGS_TF   (1UL << 8)
#define EFLAGS_IF   (1UL << 9)
#define EFLAGS_DF   (1UL << 10)
#define EFLAGS_IOPL (3UL << 12)
#define EFLAGS_NT   (1UL << 14)
#define EFLAGS_RF   (1UL << 16)
#define EFLAGS_VM   (1UL << 17)
#define EFLAGS_AC   (1UL << 18)

enum { MSR_TSC = 0x10, MSR_APIC_BASE = 0x1b, MSR_PLATFORM_INFO = 0xce };
enum { MSR_ARCH_CAPABILITIES = 0x10a, MSR_MISC_FEATURES_ENABLES = 0x140, MSR_MISC_ENABLE = 0x1a0 };
enum { MSR_PAT = 0x277, MSR_TSC_DEADLINE = 0x6e0, MSR_X2APIC = 0x800, MSR_EFER = 0xc0000080 };
enum { MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082, MSR_CSTAR = 0xc0000083, MSR_XSS = 0xda0 };
enum { MSR_SYSCALL_MASK = 0xc0000084, MSR_FS_BASE = 0xc0000100, MSR_GS_BASE = 0xc0000101 };
enum { MSR_KERNEL_GS_BASE = 0xc0000102, MSR_TSC_AUX = 0xc0000103, MSR_HWCR = 0xc0010015 };
enum { MSR_LS_CFG = 0xc0011020, MSR_DE_CFG = 0xc0011029 };
#define DE_CFG_LFENCE_SERIALISES (1UL << 1)

#define EFER_SCE   (1UL << 0)
#define EFER_LME   (1UL << 8)
#define EFER_LMA   (1UL << 10)
#define EFER_NX    (1UL << 11)
#define EFER_FFXSR (1UL << 14)

/* The PAT that the guest ABI fixes: WB WT UC- UC WC WP UC UC. */
#define HV_PAT 0x050100070406UL

struct cpuid_regs {
    uint32_t a, b, c, d;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t sub) {
    struct cpuid_regs r;

    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
    return r;
}

/* What Hospes itself wants to know; set once on the boot CPU, read-only afterwards. */
struct cpu_features {
    char vendor[13], model_name[49];
    uint32_t max_leaf, max_ext_leaf;
    uint32_t signature; /* cpuid 1 eax */
    uint8_t family, model, stepping, phys_bits;
    bool amd; /* AMD or Hygon */
    bool intel;
    bool hangs_at_1g; /* by transactions on the 4 MiB there (XSA-282) */
    bool guests_hang; /* by code that runs into the addresses that are not canonical (XSA-9) */
    bool x87_leaks;   /* restoring x87 state without a pending exception leaves FIP, FDP, FOP */
    bool smep, smap, fsgsbase, xsave, xsaveopt, page1g;
    bool x2apic, tsc_deadline, tsc_invariant, rdtscp, mce, pat, sep;
};
extern struct cpu_features cpu_has;
extern unsigned long cpu_cr4; /* CR4 that Hospes runs with */

void cpu_identify(void); /* boot CPU */
void cpu_init(void);     /* CR0, CR4, EFER, PAT of this CPU */

static inline uint64_t rdmsr(uint32_t msr) {
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t v) {
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t rdtsc(void) {
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return lo | (uint64_t)hi << 32;
}

/* read_cr0(), write_cr0(value), and so on. */
#define CONTROL_REGISTER(reg)                                                                      \
    static inline unsigned long read_##reg(void) {                                                 \
        unsigned long v;                                                                           \
                                                                                                   \
        __asm__ volatile("mov %%" #reg ", %0" : "=r"(v));                                          \
        return v;                                                                                  \
    }                                                                                              \
    static inline void write_##reg(unsigned long v) {                                              \
        __asm__ volatile("mov %0, %%" #reg : : "r"(v) : "memory");                                 \
    }
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)

static inline void irq_disable(void) { __asm__ volatile("cli" : : : "memory"); }

static inline void __noreturn halt_forever(void) {
    for (;;) __asm__ volatile("cli; hlt");
}

static inline void cpu_relax(void) { __builtin_ia32_pause(); }

/* Open and close the window to guest memory (SMAP). entry/guest_access.c only. */
static inline void guest_access_begin(void) {
    if (cpu_has.smap) __asm__ volatile("stac" : : : "memory");
}

static inline void guest_access_end(void) {
    if (cpu_has.smap) __asm__ volatile("clac" : : : "memory");
}

/* inb(port), outb(port, value), and so on. */
#define PORT_ACCESS(suffix, type)                                                                  \
    static inline type in##suffix(uint16_t port) {                                                 \
        type v;                                                                                    \
                                                                                                   \
        __asm__ volatile("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port) : "memory");                \
        return v;                                                                                  \
    }                                                                                              \
    static inline void out##suffix(uint16_t port, type v) {                                        \
        __asm__ volatile("out" #suffix " %0, %1" : : "a"(v), "Nd"(port) : "memory");               \
    }
PORT_ACCESS(b, uint8_t)
PORT_ACCESS(w, uint16_t)
PORT_ACCESS(l, uint32_t)

/* bytes: 1, 2 or 4. */
static inline void port_access(uint16_t port, unsigned int bytes, bool write, uint32_t *v) {
    if (!write)
        *v = bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
    else if (bytes == 1)
        outb(port, (uint8_t)*v);
    else if (bytes == 2)
        outw(port, (uint16_t)*v);
    else
        outl(port, *v);
}
