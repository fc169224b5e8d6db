/* SPDX-License-Identifier: MIT */
/* Shorthands over the xenstore client: formatted paths, permissions, bounded waiting. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util.h"
#include "xs.h"

/* NULL when missing; the caller frees. */
char *xsu_read(struct xs_handle *xs, xs_transaction_t t, const char *fmt, ...) XL_PRINTF(3, 4);
/* def when missing or not a number. */
long long xsu_read_number(struct xs_handle *xs, long long def, const char *fmt, ...)
    XL_PRINTF(3, 4);
bool xsu_write(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *value);
bool xsu_writef(struct xs_handle *xs, xs_transaction_t t, const char *path, const char *fmt, ...)
    XL_PRINTF(4, 5);

/* Sets owner and, if reader differs from owner, one reader. */
bool xsu_perms(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned owner,
               unsigned reader);
/* mkdir and permissions in one. */
bool xsu_mkdir(struct xs_handle *xs, xs_transaction_t t, const char *path, unsigned owner,
               unsigned reader);

/* The end of what xs_together() began, whose calls were all true if ok is: were they all done? */
bool xsu_settle(struct xs_handle *xs, bool ok);

/* Removes a node, then each parent that has become empty, up to but not including stop. */
void xsu_prune(struct xs_handle *xs, const char *path, const char *stop);

/*
 * Waits until check(arg) is true, asking again whenever something below path changes.
 * 0, -ETIMEDOUT, or -Exxx of xenstore.
 */
int xsu_wait(struct xs_handle *xs, const char *path, int timeout_ms, bool (*check)(void *arg),
             void *arg);

/* Milliseconds on a clock that never jumps. */
int64_t now_ms(void);
