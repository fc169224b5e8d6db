/* SPDX-License-Identifier: MIT */
/* Memory and string functions. Compilers call some of these by themselves. */
#include <hv/string.h>

#if !__STDC_HOSTED__

void *memcpy(void *restrict d, const void *restrict s, size_t n) {
    void *ret = d;

    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
    return ret;
}

void *memmove(void *d, const void *s, size_t n) {
    unsigned char *dc = d;
    const unsigned char *sc = s;

    if ((uintptr_t)dc - (uintptr_t)sc >= n) return memcpy(d, s, n);
    while (n-- > 0) dc[n] = *(const volatile unsigned char *)&sc[n];
    return d;
}

void *memset(void *d, int c, size_t n) {
    void *ret = d;

    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
    return ret;
}

int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;

    for (; n > 0; n--, x++, y++)
        if (*x != *y) return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int c, size_t n) {
    const unsigned char *p = s;

    for (; n > 0; n--, p++)
        if (*p == (unsigned char)c) return (void *)(uintptr_t)p;
    return NULL;
}

size_t strnlen(const char *s, size_t n) {
    size_t len = 0;

    while (len < n && ((const volatile char *)s)[len] != '\0') len++;
    return len;
}

size_t strlen(const char *s) { return strnlen(s, SIZE_MAX); }

int strncmp(const char *a, const char *b, size_t n) {
    for (; n > 0; n--, a++, b++) {
        unsigned char x = (unsigned char)*a, y = (unsigned char)*b;

        if (x != y) return x < y ? -1 : 1;
        if (x == '\0') break;
    }
    return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

char *strchr(const char *s, int c) {
    for (;; s++) {
        if (*s == (char)c) return (char *)(uintptr_t)s;
        if (*s == '\0') return NULL;
    }
}

#endif

size_t strlcpy(char *d, const char *s, size_t size) {
    size_t len = strlen(s);

    if (size > 0) {
        size_t n = len < size ? len : size - 1;

        memcpy(d, s, n);
        d[n] = '\0';
    }
    return len;
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return 99;
}

unsigned long long str_to_ull(const char *s, const char **end, int base) {
    const char *p = s;
    unsigned long long val = 0;
    bool overflow = false;

    if ((base == 0 || base == 16) && p[0] == '0' && (p[1] == 'x' || p[1] == 'X') &&
        digit_value(p[2]) < 16) {
        base = 16;
        p += 2;
    } else if (base == 0) {
        base = p[0] == '0' ? 8 : 10;
    }
    for (; digit_value(*p) < base; p++) {
        if (__builtin_mul_overflow(val, (unsigned int)base, &val) ||
            __builtin_add_overflow(val, (unsigned int)digit_value(*p), &val))
            overflow = true;
    }
    if (overflow) val = ~0ULL;
    if (end) *end = p;
    return val;
}
