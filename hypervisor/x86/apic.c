/* SPDX-License-Identifier: MIT */
/*
 * The local APIC. One accessor pair hides whether registers are memory (xAPIC) or MSRs (x2APIC);
 * the mode is the same on all CPUs. The timer counts down once, or waits for a TSC value where the
 * CPU can do that.
 */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/pcpu.h>
#include <x86/apic.h>

CMDLINE_OPTION(x2apic);
CMDLINE_OPTION(tsc_deadline);

enum { APIC_ID = 0x20, APIC_TPR = 0x80, APIC_EOI = 0xb0, APIC_LDR = 0xd0, APIC_DFR = 0xe0 };
enum { APIC_SVR = 0xf0, APIC_ESR = 0x280, APIC_ICR = 0x300, APIC_ICR_HIGH = 0x310 };
enum { APIC_LVT_TIMER = 0x320, APIC_LVT_LINT0 = 0x350, APIC_LVT_LINT1 = 0x360 };
enum { APIC_LVT_ERROR = 0x370 };
enum { APIC_TIMER_INIT = 0x380, APIC_TIMER_CUR = 0x390, APIC_TIMER_DIV = 0x3e0 };

#define APIC_BASE_ENABLE (1UL << 11)
#define APIC_BASE_X2     (1UL << 10)
#define SVR_ENABLE       0x100
#define LVT_MASKED       0x10000
#define LVT_NMI          0x400
#define LVT_EXTINT       0x700
#define TIMER_DEADLINE   0x40000
#define DIVIDE_BY_16     3
#define ICR_BUSY         0x1000

bool apic_x2;
static volatile uint32_t *regs;
static bool use_deadline;
static uint64_t timer_khz; /* counts of the divided timer in a millisecond */

static uint32_t apic_read(unsigned int reg) {
    return apic_x2 ? (uint32_t)rdmsr(MSR_X2APIC + (reg >> 4)) : regs[reg / 4];
}

static void apic_write(unsigned int reg, uint32_t v) {
    if (apic_x2)
        wrmsr(MSR_X2APIC + (reg >> 4), v);
    else
        regs[reg / 4] = v;
}

uint32_t apic_id(void) {
    uint32_t v = apic_read(APIC_ID);

    return apic_x2 ? v : v >> 24;
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

void apic_ipi(uint32_t dest, uint32_t command) {
    if (apic_x2) {
        /* x2APIC's MSR writes do not order earlier stores. */
        __asm__ volatile("mfence; lfence" : : : "memory");
        wrmsr(MSR_X2APIC + (APIC_ICR >> 4), (uint64_t)dest << 32 | command);
        return;
    }
    while (regs[APIC_ICR / 4] & ICR_BUSY) cpu_relax();
    regs[APIC_ICR_HIGH / 4] = dest << 24;
    regs[APIC_ICR / 4] = command;
}

static void start_timer(void) {
    apic_write(APIC_TIMER_DIV, DIVIDE_BY_16);
    apic_write(APIC_LVT_TIMER, VEC_TIMER | (use_deadline ? TIMER_DEADLINE : 0));
    apic_write(APIC_TIMER_INIT, 0);
    /* The mode must be in place before the first deadline is written. */
    __asm__ volatile("mfence" : : : "memory");
}

void apic_init_cpu(void) {
    uint64_t base = rdmsr(MSR_APIC_BASE);

    wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | (apic_x2 ? APIC_BASE_X2 : 0));
    if (!apic_x2) {
        apic_write(APIC_DFR, ~0u);
        apic_write(APIC_LDR, 0);
    }
    apic_write(APIC_TPR, 0);
    apic_write(APIC_SVR, SVR_ENABLE | VEC_SPURIOUS);
    apic_write(APIC_LVT_LINT0, LVT_MASKED | LVT_EXTINT);
    apic_write(APIC_LVT_LINT1, this_pcpu()->id == 0 ? LVT_NMI : LVT_MASKED);
    apic_write(APIC_LVT_ERROR, VEC_ERROR);
    apic_write(APIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
    apic_write(APIC_ESR, 0);
    apic_eoi();
    if (timer_khz || use_deadline) start_timer();
}

/* x2APIC is used if the firmware left it on, if ids need it, or simply if the CPU has it. */
__init void apic_init(void) {
    apic_x2 =
        (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2) || (cpu_has.x2apic && cmdline_bool("x2apic", true));
    if (!apic_x2) {
        paddr_t base = rdmsr(MSR_APIC_BASE) & 0x000ffffffffff000UL;

        regs = devmap(base ? base : acpi.lapic, PAGE_SIZE, DEVMAP_UC);
    }
    apic_init_cpu();
    this_pcpu()->apic_id = apic_id();
    printk(KERN_INFO "Local APIC: %s mode, boot CPU has id %u\n", apic_x2 ? "x2APIC" : "xAPIC",
           this_pcpu()->apic_id);
}

__init void apic_timer_calibrate(void) {
    uint64_t ticks = (uint64_t)tsc_khz * 5, start;
    uint32_t counted;

    if (cpu_has.tsc_deadline && cmdline_bool("tsc_deadline", true)) {
        use_deadline = true;
    } else {
        apic_write(APIC_TIMER_DIV, DIVIDE_BY_16);
        apic_write(APIC_TIMER_INIT, ~0u);
        start = rdtsc_ordered();
        while (rdtsc_ordered() - start < ticks) cpu_relax();
        counted = ~0u - apic_read(APIC_TIMER_CUR);
        ticks = rdtsc_ordered() - start;
        timer_khz = (uint64_t)counted * tsc_khz / ticks;
        if (timer_khz == 0) panic("The local APIC's timer does not run");
    }
    start_timer();
    printk(KERN_INFO "APIC timer: %s, %lu kHz\n", use_deadline ? "TSC deadline" : "one-shot",
           use_deadline ? (uint64_t)tsc_khz : timer_khz * 16);
}

void apic_timer_set(uint64_t system_ns) {
    uint64_t now, delta, count;

    if (use_deadline) {
        wrmsr(MSR_TSC_DEADLINE, system_ns == ~0UL ? 0 : max(system_ns_to_tsc(system_ns), 1UL));
        return;
    }
    if (system_ns == ~0UL) {
        apic_write(APIC_TIMER_INIT, 0);
        return;
    }
    now = now_ns();
    delta = system_ns > now ? min(system_ns - now, SECONDS(1)) : 0;
    count = delta * timer_khz / 1000000 + 1;
    apic_write(APIC_TIMER_INIT, (uint32_t)min(count, 0xffffffffUL));
}
