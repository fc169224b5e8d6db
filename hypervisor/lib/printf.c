/* SPDX-License-Identifier: MIT */
/*
 * Bounded formatted printing, right-aligned: d u x X c s p %, flags 0 and #, width, precision of
 * strings (also *), lengths l ll z; and %pS, a code address by name, any other as 16 digits.
 */
#include <hv/string.h>

struct sink {
    char *buf;
    size_t size; /* room; may be 0 */
    size_t len;  /* length wanted so far */
};

struct spec {
    bool zero, alt;
    size_t width;
};

static void put(struct sink *s, char c) {
    if (s->len + 1 < s->size) s->buf[s->len] = c;
    s->len++;
}

static void put_field(struct sink *s, const struct spec *sp, const char *prefix, const char *text,
                      size_t n) {
    size_t used = strlen(prefix) + n, fill = sp->width > used ? sp->width - used : 0;

    for (; !sp->zero && fill > 0; fill--) put(s, ' ');
    while (*prefix) put(s, *prefix++);
    for (; fill > 0; fill--) put(s, '0');
    while (n-- > 0) put(s, *text++);
}

static void put_number(struct sink *s, const struct spec *sp, const char *prefix, uint64_t val,
                       const char *digits, unsigned int base) {
    char text[20], *p = text + sizeof(text);

    do *--p = digits[val % base];
    while ((val /= base) != 0);
    put_field(s, sp, prefix, p, (size_t)(text + sizeof(text) - p));
}

static size_t number(const char **f) {
    size_t n = 0;

    while (**f >= '0' && **f <= '9') n = n * 10 + (size_t)(*(*f)++ - '0');
    return n;
}

int vsnprintf(char *buf, size_t size, const char *f, va_list ap) {
    static const char small[] = "0123456789abcdef", capital[] = "0123456789ABCDEF";
    struct sink s = {buf, size, 0};

    for (; *f; f++) {
        struct spec sp = {0};
        size_t precision = SIZE_MAX;
        bool is_long = false;
        const char *text;
        char symbol[128];
        uint64_t u;
        int64_t i;

        if (*f != '%') {
            put(&s, *f);
            continue;
        }
        for (f++; *f == '0' || *f == '#'; f++) *(*f == '0' ? &sp.zero : &sp.alt) = true;
        sp.width = number(&f);
        if (f[0] == '.' && f[1] == '*') {
            precision = (size_t)va_arg(ap, int);
            f += 2;
        } else if (f[0] == '.') {
            f++;
            precision = number(&f);
        }
        for (; *f == 'l' || *f == 'z'; f++) is_long = true;
        switch (*f) {
        case 'd':
            i = is_long ? va_arg(ap, long) : va_arg(ap, int);
            u = i < 0 ? 0 - (uint64_t)i : (uint64_t)i;
            put_number(&s, &sp, i < 0 ? "-" : "", u, small, 10);
            break;
        case 'u':
        case 'x':
        case 'X':
            u = is_long ? va_arg(ap, unsigned long) : va_arg(ap, unsigned int);
            put_number(&s, &sp, sp.alt && u ? "0x" : "", u, *f == 'X' ? capital : small,
                       *f == 'u' ? 10 : 16);
            break;
        case 'c': put(&s, (char)va_arg(ap, int)); break;
        case 's':
            text = va_arg(ap, const char *);
            if (!text) text = "(null)";
            put_field(&s, &sp, "", text, strnlen(text, precision));
            break;
        case 'p':
            format_symbol(symbol, sizeof(symbol), (uintptr_t)va_arg(ap, const void *));
            put_field(&s, &sp, "", symbol, strlen(symbol));
            f += f[1] == 'S';
            break;
        case '\0': f--; break;
        default: put(&s, *f);
        }
    }
    if (size > 0) buf[s.len < size ? s.len : size - 1] = '\0';
    return (int)s.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...) {
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
