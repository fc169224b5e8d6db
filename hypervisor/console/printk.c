/* SPDX-License-Identifier: MIT */
/*
 * Formatted messages: level, "(XEN) " before each line, and the rate limit for what guests cause.
 * loglvl= and guest_loglvl= as "<level>[/<level>]": up to the first level always, up to the second
 * rate-limited.
 */
#include "console.h"
#include <x86/cpu.h>

CMDLINE_OPTION(loglvl);
CMDLINE_OPTION(guest_loglvl);
CMDLINE_OPTION(console_to_ring);

enum level { LVL_NONE, LVL_ERROR, LVL_WARNING, LVL_INFO, LVL_DEBUG };

static struct threshold {
    enum level always, limited;
} own = {LVL_WARNING, LVL_WARNING}, guest = {LVL_NONE, LVL_WARNING};
static bool dom0_to_ring;

static bool line_open;  /* the last message had no newline yet; console lock */
static char line[1024]; /* formatting buffer; console lock */

static enum level parse_level(const char **s, enum level dflt) {
    static const char *const names[] = {"none", "error", "warning", "info", "debug", "all"};

    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
        size_t n = strlen(names[i]);

        if (strncmp(*s, names[i], n)) continue;
        *s += n;
        return i < LVL_DEBUG ? (enum level)i : LVL_DEBUG;
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

void printk_init(void) {
    read_threshold("loglvl", &own);
    read_threshold("guest_loglvl", &guest);
    dom0_to_ring = cmdline_bool("console_to_ring", true);
}

/* At most 10 messages in 5 seconds on average. */
static bool within_limit(void) {
    static uint64_t credit = 50, last;
    static uint32_t dropped;
    uint64_t now = tsc_khz ? rdtsc() / tsc_khz / 100 : 0; /* tenths of a second */

    if (now > last) credit = min(credit + (now - last), (uint64_t)50); /* CPUs' clocks may differ */
    last = max(now, last);
    if (credit < 5) {
        dropped++;
        return false;
    }
    credit -= 5;
    if (dropped) {
        char text[64];
        int n = snprintf(text, sizeof(text), "(XEN) %u messages suppressed\n", dropped);

        console_put(text, (size_t)n, true);
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

    if (f[0] != '\001') return true;
    *fmt = f + 2;
    return wanted(&own, (enum level)(f[1] - '0'));
}

bool printk_for_guest(const struct domain *d) {
    CONSOLE_SCOPE();
    return d->is_control || wanted(&guest, LVL_WARNING);
}

static void put_lines(const char *s) {
    while (*s) {
        const char *nl = strchr(s, '\n');
        size_t n = nl ? (size_t)(nl - s) + 1 : strlen(s);

        if (!line_open) console_put("(XEN) ", 6, true);
        console_put(s, n, true);
        line_open = !nl;
        s += n;
    }
}

void vprintk(const char *fmt, va_list ap) {
    CONSOLE_SCOPE();
    if (!check_level(&fmt)) return;
    vsnprintf(line, sizeof(line), fmt, ap);
    put_lines(line);
}

void printk(const char *fmt, ...) {
    va_list ap;

    va_start(ap, fmt);
    vprintk(fmt, ap);
    va_end(ap);
}

static void put_guest_line(struct domain *d) {
    char head[16];
    int n = snprintf(head, sizeof(head), "(d%u) ", d->id);

    if (wanted(&guest, LVL_WARNING)) {
        console_put(head, (size_t)n, true);
        console_put(d->console_line, d->console_used, true);
        console_put("\n", 1, true);
    }
    d->console_used = 0;
}

void console_write_guest(struct domain *d, const char *s, size_t n) {
    CONSOLE_SCOPE();
    if (d->is_control) console_put(s, n, dom0_to_ring);
    for (size_t i = 0; !d->is_control && i < n; i++) {
        if (s[i] == '\n' || d->console_used == sizeof(d->console_line)) put_guest_line(d);
        if (s[i] >= ' ' && s[i] < 127) d->console_line[d->console_used++] = s[i];
    }
}
