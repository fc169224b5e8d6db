/* SPDX-License-Identifier: MIT */
/*
 * What a test kernel asked of the hypervisor and what it was told, each combination once: hypercall
 * number, sub-operation, result. Kept when the command line has the word "record", and printed
 * before the verdict for tests/guest/coverage:
 *
 *     RECORD number sub-operation|-|? result
 *
 * where the result is "ok", an errno's number, or "gN" for a grant operation's status -N. Batches
 * are taken apart as far as the first entries go. "?": the argument that tells was not readable.
 */
#pragma once

#include "lib.h"

extern bool recording;

void record_start(const char *command_line);
void record_print(void);
/* A call without a sub-operation that is made elsewhere than in hypercall(). */
void record_plain(unsigned int op);
