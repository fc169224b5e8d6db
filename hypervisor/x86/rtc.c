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

#define REG_SECONDS 0
#define REG_MINUTES 2
#define REG_HOURS   4
#define REG_DAY     7
#define REG_MONTH   8
#define REG_YEAR    9
#define REG_A       10
#define REG_B       11

#define A_UPDATING 0x80
#define B_24HOURS  0x02
#define B_BINARY   0x04

struct moment {
    unsigned int sec, min, hour, day, month, year;
};

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

static unsigned int decode(uint8_t v, uint8_t mode) {
    return mode & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

static void read_moment(struct moment *m) {
    uint8_t mode = cmos_read(REG_B), hour = cmos_read(REG_HOURS);

    m->sec = decode(cmos_read(REG_SECONDS), mode);
    m->min = decode(cmos_read(REG_MINUTES), mode);
    m->day = decode(cmos_read(REG_DAY), mode);
    m->month = decode(cmos_read(REG_MONTH), mode);
    m->year = 2000 + decode(cmos_read(REG_YEAR), mode);
    m->hour = decode(hour & 0x7f, mode);
    if (!(mode & B_24HOURS)) {
        m->hour %= 12;
        if (hour & 0x80) m->hour += 12;
    }
}

static bool plausible(const struct moment *m) {
    return m->sec < 60 && m->min < 60 && m->hour < 24 && m->day >= 1 && m->day <= 31 &&
           m->month >= 1 && m->month <= 12 && m->year < 2100;
}

/* Days since 1970-01-01 of a date from March 2000 on: years counted from March, so that the leap
 * day comes last. */
static uint64_t days_since_1970(unsigned int y, unsigned int m, unsigned int d) {
    if (m <= 2) {
        y--;
        m += 12;
    }
    return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + d - 1 - 719468;
}

uint64_t rtc_read_seconds(void) {
    struct moment m;

    if (acpi.no_cmos_rtc || !wait_steady()) return 0;
    read_moment(&m);
    if (!plausible(&m)) return 0;
    return days_since_1970(m.year, m.month, m.day) * 86400 + m.hour * 3600UL + m.min * 60UL + m.sec;
}
