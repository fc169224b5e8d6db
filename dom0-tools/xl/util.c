/* SPDX-License-Identifier: MIT */
/* Allocation that cannot fail, small parsers and formatters shared by all commands. */
#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static void out_of_memory(void) {
    fputs("xl: out of memory\n", stderr);
    exit(3);
}

void *xcalloc(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p) out_of_memory();
    return p;
}

void *xrealloc(void *p, size_t size) {
    void *q = realloc(p, size ? size : 1);

    if (!q) out_of_memory();
    return q;
}

char *xstrdup(const char *s) { return xstrndup(s, strlen(s)); }

char *xstrndup(const char *s, size_t n) {
    char *copy = strndup(s, n);

    if (!copy) out_of_memory();
    return copy;
}

char *xasprintf(const char *fmt, ...) {
    va_list ap;
    char *s;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0) out_of_memory();
    va_end(ap);
    return s;
}

void set_string(char **slot, char *value) {
    free(*slot);
    *slot = value;
}

char *read_file(const char *path, size_t max, size_t *len) {
    int fd = open(path, O_RDONLY | O_CLOEXEC), saved;
    size_t used = 0, room = 4096;
    char *buf = NULL;
    ssize_t n;

    if (fd < 0) return NULL;
    for (;;) {
        buf = xrealloc(buf, room + 1);
        n = read(fd, buf + used, room - used);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        used += (size_t)n;
        if (used > max) {
            errno = EFBIG;
            n = -1;
            break;
        }
        if (used == room) room *= 2;
    }
    saved = errno;
    close(fd);
    errno = saved;
    if (n < 0) {
        free(buf);
        return NULL;
    }
    buf[used] = '\0';
    if (len) *len = used;
    return buf;
}

char *trim(char *s) {
    size_t n;

    while (isspace((unsigned char)*s)) s++;
    for (n = strlen(s); n && isspace((unsigned char)s[n - 1]); n--) s[n - 1] = '\0';
    return s;
}

bool parse_long(const char *text, long long *value) {
    char *end;

    if (!*text || isspace((unsigned char)*text)) return false;
    errno = 0;
    *value = strtoll(text, &end, 0);
    return !errno && !*end;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool uuid_parse(const char *text, uint8_t uuid[16]) {
    for (unsigned i = 0; i < 16; i++) {
        int hi, lo;

        if (i && *text == '-') text++;
        hi = hex_digit(*text);
        if (hi < 0) return false;
        lo = hex_digit(text[1]);
        if (lo < 0) return false;
        uuid[i] = (uint8_t)(hi << 4 | lo);
        text += 2;
    }
    return !*text;
}

void uuid_format(const uint8_t uuid[16], char text[UUID_STRLEN + 1]) {
    static const char digits[] = "0123456789abcdef";
    char *p = text;

    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        *p++ = digits[uuid[i] >> 4];
        *p++ = digits[uuid[i] & 15];
    }
    *p = '\0';
}

void random_bytes(void *p, size_t n) {
    if (getrandom(p, n, 0) != (ssize_t)n) {
        perror("xl: getrandom");
        exit(3);
    }
}

void format_bitmap(const uint8_t *map, unsigned bits, char *out, size_t size) {
    unsigned first, i = 0;
    size_t used = 0;

    out[0] = '\0';
    while (i < bits && used < size) {
        if (!(map[i / 8] >> (i % 8) & 1)) {
            i++;
            continue;
        }
        for (first = i; i < bits && (map[i / 8] >> (i % 8) & 1); i++)
            ;
        if (first == 0 && i == bits) {
            snprintf(out, size, "all");
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%u", used ? "," : "", first);
        if (i - 1 > first && used < size)
            used += (size_t)snprintf(out + used, size - used, "-%u", i - 1);
    }
    if (!used) snprintf(out, size, "none");
}

/* One element of a cpu list: "3", "0-7", "^2", "^4-5", "all". */
static bool parse_range(char *item, uint8_t *map, unsigned bits) {
    bool clear = false;
    long long from, to;
    char *dash;

    item = trim(item);
    if (*item == '^') {
        clear = true;
        item = trim(item + 1);
    }
    if (!strcmp(item, "all")) {
        from = 0;
        to = (long long)bits - 1;
    } else {
        dash = strchr(item, '-');
        if (dash) *dash++ = '\0';
        if (!parse_long(trim(item), &from) || from < 0) return false;
        to = from;
        if (dash && (!parse_long(trim(dash), &to) || to < from)) return false;
    }
    if (to >= (long long)bits) return false;
    for (long long i = from; i <= to; i++) {
        if (clear)
            map[i / 8] &= (uint8_t) ~(1u << (i % 8));
        else
            map[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    return true;
}

bool parse_bitmap(const char *text, uint8_t *map, unsigned bits) {
    char *copy = xstrdup(text), *rest = copy, *item;
    bool ok = *text != '\0';

    while (ok && (item = strsep(&rest, ","))) ok = parse_range(item, map, bits);
    free(copy);
    return ok;
}

void format_uptime(unsigned long seconds, bool brief, char *out, size_t size) {
    unsigned long days = seconds / 86400, hours = seconds / 3600 % 24, minutes = seconds / 60 % 60;
    size_t used = 0;

    out[0] = '\0';
    if (days) used = (size_t)snprintf(out, size, "%lu day%s, ", days, days > 1 ? "s" : "");
    if (used >= size) return;
    if (brief)
        snprintf(out + used, size - used, "%2lu:%02lu", hours, minutes);
    else
        snprintf(out + used, size - used, "%2lu:%02lu:%02lu", hours, minutes, seconds % 60);
}
