/* SPDX-License-Identifier: MIT */
/*
 * Kernel images for PV x86-64 guests: bzImage (gzip, xz, lz4, zstd payloads), compressed or plain
 * ELF. The file comes from an untrusted user: every offset and size is checked before use, output
 * is bounded, and nothing of it is executed here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../errtext.h"

#define IMAGE_MAX_FILE     ((size_t)512 << 20) /* of the file on disk */
#define IMAGE_MAX_KERNEL   ((size_t)512 << 20) /* of the unpacked ELF and of its memory span */
#define IMAGE_MAX_SEGMENTS 32

/* A piece of memory to load: file bytes, then zeros. Sorted, without overlap. */
struct image_segment {
    uint64_t paddr; /* guest pseudo-physical, PADDR_OFFSET taken off */
    uint64_t file_size, mem_size;
    const uint8_t *data;
};

/* Facts from the ELF headers and the Xen notes (or the legacy __xen_guest section). */
struct image {
    char *name; /* path, for messages */
    const uint8_t *elf;
    size_t elf_size;
    bool lent; /* elf is somebody else's to free */
    unsigned int segment_count;
    struct image_segment segments[IMAGE_MAX_SEGMENTS];
    uint64_t paddr_start, paddr_end; /* span of all segments */

    uint64_t virt_base, paddr_offset, entry;
    uint64_t init_p2m;       /* valid if has_init_p2m */
    uint64_t hypercall_page; /* virtual address; valid if has_hypercall_page */
    bool has_init_p2m, has_hypercall_page;
    bool mod_start_pfn; /* ramdisk need not be mapped */
    char guest_os[32], guest_version[32], xen_version[32], loader[32];
    uint32_t supported, required; /* bit n: XENFEAT n */
};

/* Reads, unpacks (or finds it unpacked: cache.h) and parses. On failure *image is NULL and err
 * names file and fault. */
int image_load(struct image **image, const char *path, struct err *err);
void image_unload(struct image *image);

/* The same from memory; name is used in messages only. Takes no ownership of data. */
int image_parse(struct image **image, const char *name, const uint8_t *data, size_t size,
                struct err *err);
void image_free(struct image *image);

/* Reads a whole regular file, at most max bytes. *data is malloc'ed. */
int image_read_file(const char *path, size_t max, uint8_t **data, size_t *size, struct err *err);

/*
 * If data starts with the magic of a known compression, unpacks it into *out (malloc'ed, at most
 * max bytes) and returns 1; returns 0 if it is not compressed.
 */
int image_unpack(const char *name, const uint8_t *data, size_t size, size_t max, uint8_t **out,
                 size_t *out_size, struct err *err);
