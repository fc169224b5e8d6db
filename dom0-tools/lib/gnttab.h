/* SPDX-License-Identifier: MIT */
/*
 * Mapping pages that other domains have granted, through /dev/xen/gntdev.
 * A mapping outlives neither the handle nor the process.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <public/xen.h>

struct gnttab;

struct gnttab *gnttab_open(void); /* NULL and errno; close-on-exec */
void gnttab_close(struct gnttab *gt);

/* Maps count references of one domain in a row, writable or not. NULL and errno. */
void *gnttab_map(struct gnttab *gt, domid_t domid, const uint32_t *refs, size_t count,
                 int writable);
int gnttab_unmap(struct gnttab *gt, void *addr, size_t count);
