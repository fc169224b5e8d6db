/* SPDX-License-Identifier: MIT */
/*
 * A kernel file: unpacking, ELF, notes; and when it is good, the layout of a guest for it, with
 * every one of its first page tables. The input is the file.
 */
#include <public/xen.h>

#include "builder/layout.h"
#include "fuzz.h"

static void check_layout(const struct image *image) {
    enum { pages = 16384 }; /* a guest of 64 MiB */
    static uint64_t entries[512], p2m[pages];
    struct layout l;
    struct err err;

    if (layout_compute(&l, image, 100000, pages, &err)) return;
    MUST(l.pages_needed <= pages && l.kernel.pfn + l.kernel.pages <= pages);
    for (unsigned int i = 0; i < l.table_count && i < 64; i++) {
        MUST(l.table[i].pfn < pages);
        layout_fill_table(&l, p2m, i, entries);
    }
    layout_free(&l);
}

static void check_image(const struct image *image) {
    uint64_t end = image->paddr_start;
    unsigned int sum = 0;

    MUST(image->segment_count && image->segment_count <= IMAGE_MAX_SEGMENTS);
    for (unsigned int i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];

        MUST(s->paddr >= end && s->file_size <= s->mem_size);
        MUST(s->paddr + s->mem_size >= s->paddr);
        MUST(s->data >= image->elf && s->file_size <= image->elf_size &&
             (size_t)(s->data - image->elf) <= image->elf_size - s->file_size);
        if (s->file_size) sum += s->data[s->file_size - 1];
        end = s->paddr + s->mem_size;
    }
    MUST(sum <= 255 * IMAGE_MAX_SEGMENTS);
    MUST(end == image->paddr_end && end - image->paddr_start <= IMAGE_MAX_KERNEL);
    MUST(image->entry >= image->virt_base + image->paddr_start &&
         image->entry < image->virt_base + image->paddr_end);
    MUST(memchr(image->loader, 0, sizeof(image->loader)) &&
         memchr(image->guest_os, 0, sizeof(image->guest_os)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct image *image;
    struct err err;

    if (image_parse(&image, "fuzz", data, size, &err)) {
        MUST(!image);
        return 0;
    }
    check_image(image);
    check_layout(image);
    image_free(image);
    return 0;
}
