/* SPDX-License-Identifier: MIT */
/* Escaping of values. */
#include "sanitise.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char plain[] = "tnr\\", special[] = "\t\n\r\\";

static void *checked(void *p) {
    if (!p) err(1, "out of memory");
    return p;
}

static size_t escape_one(char *out, unsigned char c) {
    const char *s = c ? strchr(special, c) : NULL;

    if (s) {
        out[0] = '\\';
        out[1] = plain[s - special];
        return 2;
    }
    if (c >= ' ' && c <= '~') {
        out[0] = (char)c;
        return 1;
    }
    return (size_t)sprintf(out, c < 8 ? "\\%03o" : "\\x%02x", c);
}

char *escape(const char *data, size_t len) {
    char *text = checked(malloc(4 * len + 1)), *p = text;

    for (size_t i = 0; i < len; i++) p += escape_one(p, (unsigned char)data[i]);
    *p = 0;
    return text;
}

/* Reads up to max digits; steps over them. */
static unsigned char number(const char **p, unsigned int base, int max) {
    static const char digits[] = "0123456789abcdef";
    unsigned int v = 0;

    for (; max && **p; max--, (*p)++) {
        const char *d = strchr(digits, **p | (**p >= 'A' ? 0x20 : 0));

        if (!d || (unsigned int)(d - digits) >= base) break;
        v = v * base + (unsigned int)(d - digits);
    }
    return (unsigned char)v;
}

char *unescape(const char *text, size_t *len) {
    char *data = checked(malloc(strlen(text) + 1)), *out = data;
    const char *s;

    while (*text) {
        if (*text != '\\' || !text[1]) {
            *out++ = *text++;
            continue;
        }
        text++;
        s = strchr(plain, *text);
        if (s) {
            *out++ = special[s - plain];
            text++;
        } else if (*text == 'x') {
            text++;
            *out++ = (char)number(&text, 16, 2);
        } else if (*text >= '0' && *text <= '7') {
            *out++ = (char)number(&text, 8, 3);
        } else {
            *out++ = *text++;
        }
    }
    *out = 0;
    *len = (size_t)(out - data);
    return data;
}
