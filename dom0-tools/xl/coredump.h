/* SPDX-License-Identifier: MIT */
/* Core dumps of guests, in the format of Xen's docs/misc/dump-core-format.txt. */
#pragma once

#include "xl.h"

#define DUMP_DIR "/var/lib/xen/dump"

/*
 * Writes the memory and vcpus of a domain to a file; the domain must not run. On failure there is
 * no file.
 */
int core_dump(struct xl *xl, domid_t domid, const char *path, struct err *err);
