/* SPDX-License-Identifier: MIT */
/* Internal to builder/: the builder's state and the steps that builder.c strings together. */
#pragma once

#include "../builder.h"
#include "../image/image.h"
#include "layout.h"

struct builder {
    struct builder_params params; /* strings are our own copies */
    char *kernel_path, *ramdisk_path, *cmdline;
    struct image *image;
    uint8_t *ramdisk;
    size_t ramdisk_size;
    struct layout layout;

    /* From here on: only while builder_run is under way. */
    struct hv *hv;
    domid_t domid;
    xen_pfn_t *p2m; /* nr_pages entries, valid after builder_populate */
    xen_pfn_t shared_info_mfn;
    struct builder_result result;
};

void builder_log(const struct builder *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* memory.c: gives the domain its pages, in 2 MiB pieces as far as possible; fills p2m. */
int builder_populate(struct builder *b, struct err *err);

/*
 * memory.c: copies size bytes (data may be NULL if 0) to guest-physical paddr and zeros the rest
 * of mem_size.
 */
int builder_write(struct builder *b, uint64_t paddr, const void *data, uint64_t size,
                  uint64_t mem_size, struct err *err);

/* tables.c: writes all page tables; leaves none of them mapped here. */
int builder_write_tables(struct builder *b, struct err *err);
