/* SPDX-License-Identifier: MIT */
/* Sets of numbers as sorted disjoint inclusive ranges. Own lock inside (leaf). lib/rangeset.c */
#pragma once

#include <hv/types.h>

struct rangeset;

struct rangeset *rangeset_new(void); /* NULL: no memory */
void rangeset_free(struct rangeset *r);
int rangeset_add(struct rangeset *r, uint64_t s, uint64_t e);    /* -ENOMEM, -EINVAL */
int rangeset_remove(struct rangeset *r, uint64_t s, uint64_t e); /* -ENOMEM, -EINVAL */
bool rangeset_contains(struct rangeset *r, uint64_t s, uint64_t e);
bool rangeset_overlaps(struct rangeset *r, uint64_t s, uint64_t e);
bool rangeset_is_empty(struct rangeset *r);
