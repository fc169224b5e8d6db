/* SPDX-License-Identifier: MIT */
/* How fast the TSC runs: measured against the HPET, the ACPI timer or the PIT, whichever exists. */
#include <hv/acpi.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/timer.h>
#include <x86/cpu.h>

#define MEASURE_MS    20
#define PIT_HZ        1193182u
#define PM_TIMER_HZ   3579545u
#define FEMTO_PER_SEC 1000000000000000UL

void delay_us(uint64_t us) {
    uint64_t start = rdtsc(), ticks = us * tsc_khz / 1000;

    while (rdtsc() - start < ticks) cpu_relax();
}

static volatile uint32_t *hpet;

static uint64_t read_hpet(void) { return hpet[0xf0 / 4]; }
static uint64_t read_pm_timer(void) { return inl(acpi.pm_timer); }

/* PIT channel 2 counts down from 65535 without being started again: as an up-counter. */
static uint64_t read_pit(void) {
    uint32_t v;

    outb(0x43, 0x80);
    v = inb(0x42);
    v |= (uint32_t)inb(0x42) << 8;
    return 0xffff - v;
}

static __init void start_pit(void) {
    outb(0x61, (uint8_t)((inb(0x61) & ~2) | 1));
    outb(0x43, 0xb0);
    outb(0x42, 0xff);
    outb(0x42, 0xff);
}

struct reference {
    const char *name;
    uint64_t (*read)(void);
    uint64_t hz, mask;
};

static __init bool find_hpet(struct reference *r) {
    uint32_t period;

    hpet = acpi.hpet ? devmap(acpi.hpet, 1024, DEVMAP_UC) : NULL;
    if (!hpet) return false;
    period = hpet[1];
    if (period == 0 || period > 100000000) return false;
    hpet[0x10 / 4] |= 1; /* counter on */
    *r = (struct reference){"HPET", read_hpet, FEMTO_PER_SEC / period, 0xffffffff};
    return true;
}

/* Reads reference and TSC together; the narrowest of a few tries, against interruptions. */
static __init uint64_t read_pair(const struct reference *r, uint64_t *tsc) {
    uint64_t best = ~0UL, ref = 0;

    for (int i = 0; i < 5; i++) {
        uint64_t t0 = rdtsc_ordered(), v = r->read(), t1 = rdtsc_ordered();

        if (t1 - t0 < best) {
            best = t1 - t0;
            ref = v;
            *tsc = t0 + (t1 - t0) / 2;
        }
    }
    return ref;
}

static __init uint64_t measure_khz(const struct reference *r) {
    uint64_t want = r->hz * MEASURE_MS / 1000, t0 = 0, t1 = 0, spins = 0, first, delta;

    first = read_pair(r, &t0);
    do {
        delta = (read_pair(r, &t1) - first) & r->mask;
        if (++spins > 50000000) return 0;
    } while (delta < want);
    return (t1 - t0) * (r->hz / 1000) / delta;
}

__init void tsc_calibrate(void) {
    struct reference r;
    uint64_t khz;

    if (!find_hpet(&r)) {
        if (acpi.pm_timer) {
            r = (struct reference){"ACPI PM Timer", read_pm_timer, PM_TIMER_HZ, 0xffffff};
        } else {
            start_pit();
            r = (struct reference){"PIT", read_pit, PIT_HZ, 0xffff};
        }
    }
    printk("Platform timer is %lu.%03luMHz %s\n", r.hz / 1000000, r.hz / 1000 % 1000, r.name);
    khz = measure_khz(&r);
    if (khz == 0 || khz > 0xffffffff)
        panic("The TSC cannot be measured: the %s does not run", r.name);
    tsc_khz = (uint32_t)khz;
}
