/* SPDX-License-Identifier: MIT */
/*
 * The CMOS clock, read once at boot for the wall clock that dom0 starts with; from then on dom0
 * sets it (XENPF_settime64).
 */
#include <hv/acpi.h>
#include <hv/timer.h>
#include <x86/cpu.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

#define REG_A 10
#define REG_B 11

#define A_UPDATING 0x80
#define B_24HOURS  0x02
#define B_BINARY   0x04
#define HOUR_PM    0x80 /* unless B_24HOURS */

enum { SEC, MIN, HOUR, DAY, MONTH, YEAR, NR_FIELDS };
static const struct {
    uint8_t reg, lowest, highest;
} fields[NR_FIELDS] = {{0, 0, 59}, {2, 0, 59}, {4, 0, 23}, {7, 1, 31}, {8, 1, 12}, {9, 0, 99}};

static uint8_t cmos_read(uint8_t reg) {
    outb(CMOS_INDEX, reg);
    return inb(CMOS_DATA);
}

/* The registers hang together only while no update is under way, which takes 2 ms at the most. */
static bool wait_steady(void) {
    for (unsigned int i = 0; i < 100000; i++)
        if (!(cmos_read(REG_A) & A_UPDATING)) return true;
    return false;
}

/* False: nonsense. */
static bool read_fields(unsigned int *t) {
    uint8_t mode = cmos_read(REG_B);

    for (unsigned int i = 0; i < NR_FIELDS; i++) {
        uint8_t v = cmos_read(fields[i].reg), pm = i == HOUR ? v & HOUR_PM : 0;

        v -= pm;
        t[i] = mode & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
        if (i == HOUR && !(mode & B_24HOURS)) t[i] = t[i] % 12 + (pm ? 12 : 0);
        if (t[i] < fields[i].lowest || t[i] > fields[i].highest) return false;
    }
    return true;
}

/* Days since 1970-01-01 of a date from March 2000 on. In years from March the leap day is last. */
static uint64_t days_since_1970(unsigned int y, unsigned int m, unsigned int d) {
    if (m <= 2) {
        y--;
        m += 12;
    }
    return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + d - 1 - 719468;
}

uint64_t rtc_read_seconds(void) {
    unsigned int t[NR_FIELDS];

    if (acpi.no_cmos_rtc || !wait_steady() || !read_fields(t)) return 0;
    return days_since_1970(2000 + t[YEAR], t[MONTH], t[DAY]) * 86400 + t[HOUR] * 3600UL +
           t[MIN] * 60UL + t[SEC];
}
