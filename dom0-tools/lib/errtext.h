/* SPDX-License-Identifier: MIT */
/*
 * Error values with a text for the user.
 *
 * Functions return 0 (or a count) or -Exxx. Those that take a `struct err *` also leave one
 * sentence that names the object and what is wrong with it; err may be NULL. The text has no
 * trailing newline or full stop and is printable: bytes from files and guests are made safe.
 */
#pragma once

struct err {
    int code; /* the -Exxx that was returned */
    char text[600];
};

/* Replaces the text; returns code, so that `return err_set(e, -EINVAL, "...")` reads well. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "<step>: " in front of the text that is there. Returns the code. */
int err_prefix(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
