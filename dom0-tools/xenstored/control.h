/* SPDX-License-Identifier: MIT */
/* The XS_CONTROL commands. */
#pragma once

#include <stdint.h>

struct conn;

/* data: NUL-terminated texts, len bytes in all. Replies, or returns -errno. */
int control_handle(struct conn *c, const char *data, uint32_t len);
