/* SPDX-License-Identifier: MIT */
/*
 * Bounded formatted printing: d i u x X o c s p %, flags - 0 + space #, width and precision (also
 * *), lengths hh h l ll z t j; and %pS for a code address. No floating point, no %n.
 */
#include <hv/string.h>

struct sink {
    char *buf;
    size_t size; /* room; may be 0 */
    size_t len;  /* length wanted so far */
};

struct spec {
    bool left, zero, plus, space, alt;
    int width, precision; /* precision -1: none */
    int length;           /* bytes of the argument */
};

static void put(struct sink *s, char c) {
    if (s->len + 1 < s->size) s->buf[s->len] = c;
    s->len++;
}

static void pad(struct sink *s, char c, int n) {
    while (n-- > 0) put(s, c);
}

static void put_text(struct sink *s, const struct spec *sp, const char *text, int len) {
    int fill = sp->width - len;

    if (!sp->left) pad(s, ' ', fill);
    for (int i = 0; i < len; i++) put(s, text[i]);
    if (sp->left) pad(s, ' ', fill);
}

static void put_number(struct sink *s, const struct spec *sp, uint64_t val, unsigned int base,
                       bool upper, const char *prefix) {
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char tmp[24];
    int n = 0, plen = (int)strlen(prefix), zeros, fill;

    do tmp[n++] = digits[val % base];
    while ((val /= base) != 0);
    zeros = sp->precision > n ? sp->precision - n : 0;
    if (sp->precision < 0 && sp->zero && !sp->left && sp->width > n + plen)
        zeros = sp->width - n - plen;
    fill = sp->width - n - plen - zeros;

    if (!sp->left) pad(s, ' ', fill);
    while (*prefix) put(s, *prefix++);
    pad(s, '0', zeros);
    while (n > 0) put(s, tmp[--n]);
    if (sp->left) pad(s, ' ', fill);
}

static const char *parse_flags(struct spec *sp, const char *f) {
    for (;; f++) {
        switch (*f) {
        case '-': sp->left = true; break;
        case '0': sp->zero = true; break;
        case '+': sp->plus = true; break;
        case ' ': sp->space = true; break;
        case '#': sp->alt = true; break;
        default: return f;
        }
    }
}

static const char *parse_length(struct spec *sp, const char *f) {
    sp->length = sizeof(int);
    switch (*f) {
    case 'h':
        sp->length = f[1] == 'h' ? sizeof(char) : sizeof(short);
        return f + (f[1] == 'h' ? 2 : 1);
    case 'l': sp->length = sizeof(long); return f + (f[1] == 'l' ? 2 : 1);
    case 'z':
    case 't':
    case 'j': sp->length = sizeof(long); return f + 1;
    default: return f;
    }
}

static uint64_t truncate_unsigned(uint64_t v, int bytes) {
    return bytes == 8 ? v : v & ((1ULL << (bytes * 8)) - 1);
}

static void put_signed(struct sink *s, const struct spec *sp, int64_t v) {
    const char *prefix = v < 0 ? "-" : sp->plus ? "+" : sp->space ? " " : "";

    if (sp->length == 2)
        v = (int16_t)v;
    else if (sp->length == 1)
        v = (int8_t)v;
    put_number(s, sp, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, false, prefix);
}

static void put_pointer(struct sink *s, const struct spec *sp, const void *p, bool symbol) {
    char text[128];

    if (symbol) {
        format_symbol(text, sizeof(text), (unsigned long)p);
        put_text(s, sp, text, (int)strlen(text));
    } else {
        const struct spec wide = {.zero = true, .width = 16, .precision = -1};

        put_number(s, &wide, (uintptr_t)p, 16, false, "");
    }
}

static void put_string(struct sink *s, const struct spec *sp, const char *text) {
    size_t limit = sp->precision >= 0 ? (size_t)sp->precision : 4096;

    if (!text) text = "(null)";
    put_text(s, sp, text, (int)strnlen(text, limit));
}

int format_text(char *buf, size_t size, const char *f, va_list ap) {
    struct sink s = {buf, size, 0};

    for (; *f; f++) {
        struct spec sp = {.precision = -1};
        uint64_t u;
        char c;

        if (*f != '%') {
            put(&s, *f);
            continue;
        }
        f = parse_flags(&sp, f + 1);
        if (*f == '*') {
            sp.width = va_arg(ap, int);
            f++;
        } else {
            while (*f >= '0' && *f <= '9' && sp.width < 1000)
                sp.width = sp.width * 10 + (*f++ - '0');
        }
        if (sp.width < 0) {
            sp.left = true;
            sp.width = -sp.width;
        }
        if (*f == '.') {
            sp.precision = 0;
            if (*++f == '*') {
                sp.precision = va_arg(ap, int);
                f++;
            } else {
                while (*f >= '0' && *f <= '9' && sp.precision < 1000)
                    sp.precision = sp.precision * 10 + (*f++ - '0');
            }
        }
        f = parse_length(&sp, f);
        switch (*f) {
        case 'd':
        case 'i': put_signed(&s, &sp, sp.length == 8 ? va_arg(ap, long) : va_arg(ap, int)); break;
        case 'u':
        case 'x':
        case 'X':
        case 'o':
            u = sp.length == 8 ? va_arg(ap, unsigned long) : va_arg(ap, unsigned int);
            u = truncate_unsigned(u, sp.length);
            put_number(&s, &sp, u,
                       *f == 'u'   ? 10
                       : *f == 'o' ? 8
                                   : 16,
                       *f == 'X',
                       !sp.alt || u == 0 || *f == 'u' ? ""
                       : *f == 'o'                    ? "0"
                       : *f == 'X'                    ? "0X"
                                                      : "0x");
            break;
        case 'c':
            c = (char)va_arg(ap, int);
            put_text(&s, &sp, &c, 1);
            break;
        case 's': put_string(&s, &sp, va_arg(ap, const char *)); break;
        case 'p':
            put_pointer(&s, &sp, va_arg(ap, const void *), f[1] == 'S');
            f += f[1] == 'S';
            break;
        case '%': put(&s, '%'); break;
        case '\0': f--; break;
        default: put(&s, '%'); put(&s, *f);
        }
    }
    if (size > 0) buf[s.len < size ? s.len : size - 1] = '\0';
    return (int)s.len;
}

#if !__STDC_HOSTED__

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) {
    return format_text(buf, size, fmt, ap);
}

int snprintf(char *buf, size_t size, const char *fmt, ...) {
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = format_text(buf, size, fmt, ap);
    va_end(ap);
    return n;
}

#endif
