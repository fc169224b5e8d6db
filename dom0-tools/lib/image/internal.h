/* SPDX-License-Identifier: MIT */
/* Internal to image/: steps of parsing that image.c strings together, and bounds checks. */
#pragma once

#include "image.h"

/* Whether [offset, offset + length) lies in an object of this size; no sum can wrap. */
static inline bool in_range(uint64_t offset, uint64_t length, uint64_t size) {
    return offset <= size && length <= size - offset;
}

/* elf.c: headers checked, segments filled, sorted, without overlap. */
int image_parse_elf(struct image *image, struct err *err);

/* A note or string section of the image, handed to notes.c. */
struct image_blob {
    const uint8_t *data;
    size_t size;
};

/* elf.c: blob n of the kind asked; false past the last. Only after image_parse_elf. */
enum image_blob_kind { IMAGE_NOTE_SEGMENT, IMAGE_NOTE_SECTION, IMAGE_XEN_GUEST };
bool image_find_blob(const struct image *image, enum image_blob_kind kind, unsigned int n,
                     struct image_blob *blob);

/* notes.c: facts from Xen notes, or the legacy section. -ENOENT if there are none. */
int image_parse_notes(struct image *image, struct err *err);

/* image.c: image_parse that takes ownership of data (malloc'ed), also on failure. */
int image_parse_owned(struct image **image, const char *name, uint8_t *data, size_t size,
                      struct err *err);
/* image.c: image_parse of an ELF that stays where it is, the caller's, as long as the image. */
int image_parse_lent(struct image **image, const char *name, const uint8_t *elf, size_t size,
                     struct err *err);
