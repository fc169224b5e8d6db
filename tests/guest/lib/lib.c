/* SPDX-License-Identifier: MIT */
/* Memory and string functions, and text formatting. */
#include "lib.h"

void *memset(void *to, int byte, size_t n) {
    void *at = to;
    asm volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, size_t n) {
    void *at = to;
    asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n) {
    volatile uint8_t *t = to;
    const volatile uint8_t *f = from;

    if ((uintptr_t)to <= (uintptr_t)from) return memcpy(to, from, n);
    while (n--) t[n] = f[n];
    return to;
}

int memcmp(const void *a, const void *b, size_t n) {
    const volatile uint8_t *x = a, *y = b;

    for (size_t i = 0; i < n; i++)
        if (x[i] != y[i]) return x[i] - y[i];
    return 0;
}

size_t strlen(const char *s) {
    const volatile char *at = s;

    while (*at) at++;
    return (size_t)(at - s);
}

int strcmp(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n) {
    for (; n; n--, a++, b++)
        if (*a != *b || !*a) return (unsigned char)*a - (unsigned char)*b;
    return 0;
}

const char *strstr(const char *s, const char *part) {
    size_t n = strlen(part);

    for (; *s; s++)
        if (!strncmp(s, part, n)) return s;
    return n ? NULL : s;
}

struct out {
    char *to;
    size_t size, used;
};

static void put(struct out *out, char c) {
    if (out->used + 1 < out->size) out->to[out->used++] = c;
}

static void put_number(struct out *out, uint64_t value, unsigned int base, int width, char fill) {
    char digits[24];
    int n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (; width > n; width--) put(out, fill);
    while (n) put(out, digits[--n]);
}

static void put_string(struct out *out, const char *s, int width) {
    int n = (int)strlen(s);

    while (*s) put(out, *s++);
    for (; width > n; width--) put(out, ' ');
}

static void put_signed(struct out *out, int64_t value, int width, char fill) {
    if (value < 0) {
        put(out, '-');
        value = (int64_t)(0 - (uint64_t)value);
    }
    put_number(out, (uint64_t)value, 10, width, fill);
}

/* One conversion, after its '%'; returns the place behind it. */
static const char *convert(struct out *out, const char *f, va_list *ap) {
    bool is_long = false;
    char fill = *f == '0' ? '0' : ' ';
    int width = 0;
    uint64_t value;

    for (; *f >= '0' && *f <= '9'; f++) width = width * 10 + (*f - '0');
    for (; *f == 'l' || *f == 'z'; f++) is_long = true;
    switch (*f) {
    case 'c': put(out, (char)va_arg(*ap, int)); break;
    case 's': put_string(out, va_arg(*ap, const char *), width); break;
    case 'p': put_number(out, (uint64_t)va_arg(*ap, void *), 16, 16, '0'); break;
    case 'd':
    case 'i': put_signed(out, is_long ? va_arg(*ap, long) : va_arg(*ap, int), width, fill); break;
    case 'u':
    case 'x':
        value = is_long ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);
        put_number(out, value, *f == 'x' ? 16 : 10, width, fill);
        break;
    default: put(out, *f); break;
    }
    return f + 1;
}

int vformat(char *to, size_t size, const char *format, va_list ap) {
    struct out out = {to, size, 0};
    va_list copy;

    va_copy(copy, ap);
    while (*format) {
        if (*format == '%')
            format = convert(&out, format + 1, &copy);
        else
            put(&out, *format++);
    }
    va_end(copy);
    to[out.used] = '\0';
    return (int)out.used;
}

int format(char *to, size_t size, const char *format, ...) {
    va_list ap;
    int n;

    va_start(ap, format);
    n = vformat(to, size, format, ap);
    va_end(ap);
    return n;
}
