/* SPDX-License-Identifier: MIT */
/*
 * Kernels that were unpacked before, so that the next guest of the same kernel does without.
 *
 * A file of the folder holds the packed image and the ELF that came of it. It is found by hashes of
 * the packed image (XXH3), and used only if the packed image in it is the same byte for byte:
 * whoever can choose a kernel can make hashes meet, and must not choose another guest's kernel.
 * The folder is the administrator's alone. Whatever goes wrong in here means that a kernel is
 * unpacked again, and nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many kernels are kept; the one that was not used for longest goes. */
#define IMAGE_CACHE_FILES 8

/* NULL, as at first: nothing is cached. */
extern const char *image_cache_folder;

/* The ELF of a packed image, mapped: munmap() it. NULL if it is not there. */
const uint8_t *image_cache_find(const uint8_t *packed, size_t size, size_t *elf_size);
void image_cache_add(const uint8_t *packed, size_t size, const uint8_t *elf, size_t elf_size);
