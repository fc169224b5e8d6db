/* SPDX-License-Identifier: MIT */
/*
 * The profile of a whole machine: how many instructions it executed in each block of code, by what
 * tells afterwards which program or kernel the block belongs to (profiles.py).
 */
#pragma once

#include <stdbool.h>

#include "qemu_plugin.h"

/* Files are written beside each other: PREFIX.pages, and PREFIX.NAME for each profile. */
bool blocks_start(const char *prefix);

/* How far the machine has come, as far as it tells whose a block is. */
enum stage { BEFORE_DOM0, DOM0_KERNEL, DOM0_USER };

/* Where the instructions of this block are to be counted. */
uint64_t *block_counter(const struct qemu_plugin_tb *tb, enum stage stage);

/* Of an operation's samples the last that was said to be the least is kept. */
void blocks_sample_start(void);
void blocks_sample_is_least(void);

/* What was executed so far; what was in the least sample since the last call. */
void blocks_write_all(const char *name);
void blocks_write_least(const char *name);
