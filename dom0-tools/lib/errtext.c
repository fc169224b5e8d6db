/* SPDX-License-Identifier: MIT */
/* Error texts: see errtext.h. The text is always terminated and printable. */
#include "errtext.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* File contents and guest strings end up in messages; a terminal must not obey them. */
static void make_printable(char *text) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c == 0x7f) *text = '?';
    }
}

int err_set(struct err *err, int code, const char *fmt, ...) {
    va_list ap;

    if (!err) return code;
    err->code = code;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    make_printable(err->text);
    return code;
}

int err_prefix(struct err *err, const char *fmt, ...) {
    char old[sizeof(err->text)];
    va_list ap;
    int used;

    if (!err) return -1;
    memcpy(old, err->text, sizeof(old));
    va_start(ap, fmt);
    used = vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    if (used >= 0 && (size_t)used < sizeof(err->text))
        snprintf(err->text + used, sizeof(err->text) - (size_t)used, ": %.500s", old);
    make_printable(err->text);
    return err->code;
}
