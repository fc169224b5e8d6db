/* SPDX-License-Identifier: MIT */
/* Memory and string functions. Compilers call some of these by themselves. */
#include <hv/string.h>

void *memcpy(void *restrict d, const void *restrict s, size_t n) {
    void *ret = d;
    size_t words = n / 8, rest = n & 7;

    __asm__ volatile("rep movsq; mov %[rest], %%rcx; rep movsb"
                     : "+D"(d), "+S"(s), "+c"(words)
                     : [rest] "r"(rest)
                     : "memory");
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
    size_t words = n / 8, rest = n & 7;

    __asm__ volatile("rep stosq; mov %[rest], %%rcx; rep stosb"
                     : "+D"(d), "+c"(words)
                     : [rest] "r"(rest), "a"((uint8_t)c * 0x0101010101010101)
                     : "memory");
    return ret;
}

int memcmp(const void *a, const void *b, size_t n) {
    const unsigned char *x = a, *y = b;

    for (; n > 0; n--, x++, y++)
        if (*x != *y) return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *s, int c, size_t n) {
    for (const unsigned char *p = s; n > 0; n--, p++)
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

size_t strlcpy(char *d, const char *s, size_t size) {
    size_t len = strlen(s), n = len < size ? len : size - 1;

    if (size == 0) return len;
    memcpy(d, s, n);
    d[n] = '\0';
    return len;
}

static unsigned int digit_value(char c) {
    if (c >= '0' && c <= '9') return (unsigned int)(c - '0');
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? (unsigned int)(c - 'a') + 10 : 99;
}

unsigned long long str_to_ull(const char *s, const char **end, int base) {
    bool hex = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;
    unsigned int radix = base ? (unsigned int)base : hex ? 16 : *s == '0' ? 8 : 10;
    unsigned long long val = 0;
    bool overflow = false;

    if (hex && radix == 16) s += 2;
    for (; digit_value(*s) < radix; s++) {
        overflow |= __builtin_mul_overflow(val, radix, &val);
        overflow |= __builtin_add_overflow(val, digit_value(*s), &val);
    }
    if (end) *end = s;
    return overflow ? ~0ULL : val;
}
