/* SPDX-License-Identifier: MIT */
/*
 * Formatted messages: level, "(XEN) " before each line, and the rate limit for what guests cause.
 * loglvl= and guest_loglvl= as "<level>[/<level>]": up to the first level always, up to the second
 * rate-limited.
 */
#include "console.h"
#include <hv/boot.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/printk.h>
#include <hv/string.h>
#include <hv/timer.h>
#include <x86/cpu.h>

CMDLINE_OPTION(loglvl);
CMDLINE_OPTION(guest_loglvl);

enum level { LVL_NONE, LVL_ERROR, LVL_WARNING, LVL_INFO, LVL_DEBUG };

struct threshold {
    enum level always, limited;
};
static struct threshold own = {LVL_WARNING, LVL_WARNING}, guest = {LVL_NONE, LVL_WARNING};
static bool levels_read;

static bool line_open;  /* the last message had no newline yet; console lock */
static char line[1024]; /* formatting buffer; console lock */

#define GUEST_LINE  160
#define GUEST_LINES 16
/* Unfinished lines of guests other than dom0; console lock. */
static struct guest_line {
    domid_t domid;
    uint32_t used, age;
    char text[GUEST_LINE];
} guest_lines[GUEST_LINES];
static uint32_t guest_age;

static enum level parse_level(const char **s, enum level dflt) {
    static const struct {
        const char *name;
        enum level level;
    } names[] = {{"none", LVL_NONE}, {"error", LVL_ERROR}, {"warning", LVL_WARNING},
                 {"info", LVL_INFO}, {"debug", LVL_DEBUG}, {"all", LVL_DEBUG}};

    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
        size_t n = strlen(names[i].name);

        if (strncmp(*s, names[i].name, n) == 0) {
            *s += n;
            return names[i].level;
        }
    }
    return dflt;
}

static void read_threshold(const char *name, struct threshold *t) {
    const char *s = cmdline_get(name);

    if (!s) return;
    t->always = t->limited = parse_level(&s, t->always);
    if (*s == '/') {
        s++;
        t->limited = parse_level(&s, t->limited);
    }
}

static void read_levels(void) {
    levels_read = true;
    read_threshold("loglvl", &own);
    read_threshold("guest_loglvl", &guest);
}

/* At most 10 messages in 5 seconds on average. */
static bool within_limit(void) {
    static uint64_t credit = 50, last;
    static uint32_t dropped;
    uint64_t now = tsc_khz ? rdtsc() / tsc_khz / 100 : 0; /* tenths of a second */

    credit = min(credit + (now - last), (uint64_t)50);
    last = now;
    if (credit < 5) {
        dropped++;
        return false;
    }
    credit -= 5;
    if (dropped) {
        char text[64];
        int n = snprintf(text, sizeof(text), "(XEN) %u messages suppressed\n", dropped);

        console_put_locked(text, (size_t)n, true);
        dropped = 0;
    }
    return true;
}

static bool wanted(const struct threshold *t, enum level l) {
    return l <= t->always || (l <= t->limited && within_limit());
}

/* Takes the level mark off; tells whether the message is to be printed. */
static bool check_level(const char **fmt) {
    const char *f = *fmt;

    if (f[0] != '\001' || f[1] == '\0') return true;
    *fmt = f + 2;
    if (!levels_read) read_levels();
    switch (f[1]) {
    case 'e': return wanted(&own, LVL_ERROR);
    case 'w': return wanted(&own, LVL_WARNING);
    case 'i': return wanted(&own, LVL_INFO);
    case 'd': return wanted(&own, LVL_DEBUG);
    case 'g': return wanted(&guest, LVL_WARNING);
    default: return true;
    }
}

static void put_lines(const char *s) {
    while (*s) {
        const char *nl = strchr(s, '\n');
        size_t n = nl ? (size_t)(nl - s) + 1 : strlen(s);

        if (!line_open) console_put_locked("(XEN) ", 6, true);
        console_put_locked(s, n, true);
        line_open = !nl;
        s += n;
    }
}

void vprintk(const char *fmt, va_list ap) {
    console_take();
    if (check_level(&fmt)) {
        vsnprintf(line, sizeof(line), fmt, ap);
        put_lines(line);
    }
    console_release();
}

void printk(const char *fmt, ...) {
    va_list ap;

    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
}

static void put_guest_line(struct guest_line *l) {
    char head[16];
    int n = snprintf(head, sizeof(head), "(d%u) ", l->domid);

    if (!levels_read) read_levels();
    if (wanted(&guest, LVL_WARNING)) {
        console_put_locked(head, (size_t)n, true);
        console_put_locked(l->text, l->used, true);
        console_put_locked("\n", 1, true);
    }
    l->used = 0;
}

static struct guest_line *line_of(domid_t domid) {
    struct guest_line *oldest = &guest_lines[0];

    for (unsigned int i = 0; i < GUEST_LINES; i++) {
        struct guest_line *l = &guest_lines[i];

        if (l->used && l->domid == domid) return l;
        if (!l->used || (oldest->used && l->age < oldest->age)) oldest = l;
    }
    if (oldest->used) put_guest_line(oldest);
    oldest->domid = domid;
    oldest->age = guest_age++;
    return oldest;
}

void console_write_guest(struct domain *d, const char *s, size_t n) {
    struct guest_line *l;

    if (d->is_control) {
        console_put_dom0(s, n);
        return;
    }
    console_take();
    l = line_of(d->id);
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\n' || l->used == GUEST_LINE) put_guest_line(l);
        if (s[i] >= ' ' && s[i] < 127) l->text[l->used++] = s[i];
    }
    console_release();
}
