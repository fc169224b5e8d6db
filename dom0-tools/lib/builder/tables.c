/* SPDX-License-Identifier: MIT */
/* Writes the start-up page tables (fill.c) into the new guest's frames. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Tables [first, first + count), which are consecutive in pfn. */
static int write_run(struct builder *b, unsigned int first, unsigned int count, struct err *err) {
    uint64_t(*entries)[512], bytes = count * LAYOUT_PAGE_SIZE;
    unsigned int i;
    int ret;

    if (!count) return 0;
    entries = malloc(bytes);
    if (!entries) return err_set(err, -ENOMEM, "no memory for %u page tables", count);
    for (i = 0; i < count; i++) layout_fill_table(&b->layout, b->p2m, first + i, entries[i]);
    ret = builder_write(b, b->layout.table[first].pfn << LAYOUT_PAGE_SHIFT, entries, bytes, bytes,
                        err);
    free(entries);
    return ret;
}

int builder_write_tables(struct builder *b, struct err *err) {
    unsigned int linear = (unsigned int)b->layout.tables.pages;
    int ret = write_run(b, 0, linear, err);

    if (!ret) ret = write_run(b, linear, b->layout.table_count - linear, err);
    return ret;
}
