/* SPDX-License-Identifier: MIT */
/*
 * From a file to a kernel that can be loaded: unpack, find the ELF, gather its facts, judge them.
 * After success every address in struct image is consistent with the segments: segments are
 * pseudo-physical (offset taken off), entry and hypercall page lie inside the mapped kernel.
 */
#include "image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <public/features.h>

#include "internal.h"

/* The parts of Linux's boot protocol header that locate the payload. */
#define BZ_SETUP_SECTS    0x1f1
#define BZ_BOOT_FLAG      0x1fe
#define BZ_MAGIC          0x202
#define BZ_VERSION        0x206
#define BZ_PAYLOAD_OFFSET 0x248
#define BZ_PAYLOAD_LENGTH 0x24c
#define BZ_HEADER_END     0x250
#define BZ_MIN_VERSION    0x0208 /* first with a payload offset */

static uint32_t get_le(const uint8_t *p, unsigned int bytes) {
    uint32_t v = 0;

    memcpy(&v, p, bytes);
    return v;
}

static bool is_bzimage(const uint8_t *data, size_t size) {
    return size >= BZ_HEADER_END && get_le(data + BZ_BOOT_FLAG, 2) == 0xaa55 &&
           !memcmp(data + BZ_MAGIC, "HdrS", 4);
}

static int bz_payload(const char *name, const uint8_t *data, size_t size,
                      struct image_blob *payload, struct err *err) {
    uint32_t version = get_le(data + BZ_VERSION, 2);
    uint32_t sectors = data[BZ_SETUP_SECTS] ? data[BZ_SETUP_SECTS] : 4;
    uint64_t start = (sectors + 1) * UINT64_C(512) + get_le(data + BZ_PAYLOAD_OFFSET, 4);
    uint32_t length = get_le(data + BZ_PAYLOAD_LENGTH, 4);

    if (version < BZ_MIN_VERSION)
        return err_set(err, -ENOEXEC,
                       "%s: bzImage of boot protocol %u.%02u is too old (2.08 is "
                       "needed)",
                       name, version >> 8, version & 0xff);
    if (!length || !in_range(start, length, size))
        return err_set(err, -ENOEXEC, "%s: bzImage payload lies outside the file (cut short?)",
                       name);
    *payload = (struct image_blob){data + start, length};
    return 0;
}

/* Replaces *data (owned) by its unpacked form if it is compressed. */
static int unpack_in_place(const char *name, uint8_t **data, size_t *size, struct err *err) {
    uint8_t *out;
    size_t out_size;
    int ret = image_unpack(name, *data, *size, IMAGE_MAX_KERNEL, &out, &out_size, err);

    if (ret <= 0) return ret;
    free(*data);
    *data = out;
    *size = out_size;
    return 0;
}

/* Finds the ELF: the file may be compressed as a whole, be a bzImage, or both. */
static int reach_elf(const char *name, uint8_t **data, size_t *size, struct err *err) {
    struct image_blob payload = {NULL, 0};
    uint8_t *copy;
    int ret;

    ret = unpack_in_place(name, data, size, err);
    if (ret || !is_bzimage(*data, *size)) return ret;
    ret = bz_payload(name, *data, *size, &payload, err);
    if (ret) return ret;
    copy = malloc(payload.size);
    if (!copy) return err_set(err, -ENOMEM, "%s: no memory for its payload", name);
    memcpy(copy, payload.data, payload.size);
    free(*data);
    *data = copy;
    *size = payload.size;
    return unpack_in_place(name, data, size, err);
}

/* Takes PADDR_OFFSET off: from here on addresses are what the guest calls physical. */
static int apply_offset(struct image *image, struct err *err) {
    unsigned int i;

    if (image->paddr_start < image->paddr_offset)
        return err_set(err, -ENOEXEC,
                       "%s: kernel's PADDR_OFFSET %#llx is above its first segment "
                       "at %#llx",
                       image->name, (unsigned long long)image->paddr_offset,
                       (unsigned long long)image->paddr_start);
    for (i = 0; i < image->segment_count; i++) image->segments[i].paddr -= image->paddr_offset;
    image->paddr_start -= image->paddr_offset;
    image->paddr_end -= image->paddr_offset;
    return 0;
}

static int check_features(const struct image *image, struct err *err) {
    static const struct {
        unsigned int bit;
        const char *name;
    } impossible[] = {
        {XENFEAT_auto_translated_physmap, "auto_translated_physmap"},
        {XENFEAT_supervisor_mode_kernel, "supervisor_mode_kernel"},
        {XENFEAT_dom0, "dom0"},
    };
    size_t i;

    for (i = 0; i < sizeof(impossible) / sizeof(impossible[0]); i++)
        if (image->required & (UINT32_C(1) << impossible[i].bit))
            return err_set(err, -EOPNOTSUPP,
                           "%s: kernel requires the Xen feature '%s', which PV "
                           "guests do not have",
                           image->name, impossible[i].name);
    return 0;
}

/* Whether size bytes at a virtual address belong to the kernel's span. */
static bool inside_kernel(const struct image *image, uint64_t va, uint64_t size) {
    uint64_t offset = va - image->virt_base;

    return va >= image->virt_base && offset >= image->paddr_start &&
           in_range(offset, size, image->paddr_end);
}

static bool canonical(uint64_t va) { return va >> 47 == 0 || va >> 47 == 0x1ffff; }

static int check_addresses(const struct image *image, struct err *err) {
    const char *name = image->name;
    uint64_t last = image->virt_base + image->paddr_end;

    if (image->virt_base & 0xfff || !canonical(image->virt_base) || !canonical(last) ||
        last < image->virt_base)
        return err_set(err, -ENOEXEC, "%s: kernel's VIRT_BASE %#llx is not usable", name,
                       (unsigned long long)image->virt_base);
    if (!inside_kernel(image, image->entry, 1))
        return err_set(err, -ENOEXEC, "%s: kernel's entry point %#llx is outside its segments",
                       name, (unsigned long long)image->entry);
    if (image->has_hypercall_page &&
        (image->hypercall_page & 0xfff || !inside_kernel(image, image->hypercall_page, 4096)))
        return err_set(err, -ENOEXEC, "%s: kernel's hypercall page %#llx is outside its segments",
                       name, (unsigned long long)image->hypercall_page);
    if (image->has_init_p2m && (image->init_p2m & 0xfff || !canonical(image->init_p2m)))
        return err_set(err, -ENOEXEC, "%s: kernel's INIT_P2M address %#llx is not usable", name,
                       (unsigned long long)image->init_p2m);
    return 0;
}

static int check_identity(const struct image *image, struct err *err) {
    if (image->loader[0] && strcmp(image->loader, "generic"))
        return err_set(err, -ENOEXEC, "%s: kernel wants the loader '%s'; only 'generic' exists",
                       image->name, image->loader);
    if (image->xen_version[0] && strcmp(image->xen_version, "xen-3.0"))
        return err_set(err, -ENOEXEC, "%s: kernel is for Xen interface '%s', not 'xen-3.0'",
                       image->name, image->xen_version);
    return 0;
}

/* What is left to do once the ELF is there. */
static int judge(struct image **result, struct image *image, struct err *err) {
    int ret;

    if ((ret = image_parse_elf(image, err)) || (ret = image_parse_notes(image, err)) ||
        (ret = apply_offset(image, err)) || (ret = check_identity(image, err)) ||
        (ret = check_features(image, err)) || (ret = check_addresses(image, err))) {
        image_free(image);
        return ret;
    }
    *result = image;
    return 0;
}

static struct image *new_image(const char *name, struct err *err) {
    struct image *image = calloc(1, sizeof(*image));

    if (image) image->name = strdup(name);
    if (image && image->name) return image;
    free(image);
    err_set(err, -ENOMEM, "%s: out of memory", name);
    return NULL;
}

int image_parse_owned(struct image **result, const char *name, uint8_t *data, size_t size,
                      struct err *err) {
    struct image *image = new_image(name, err);
    int ret;

    *result = NULL;
    if (!image) {
        free(data);
        return -ENOMEM;
    }
    ret = reach_elf(name, &data, &size, err);
    image->elf = data;
    image->elf_size = size;
    if (!ret) return judge(result, image, err);
    image_free(image);
    return ret;
}

int image_parse_lent(struct image **result, const char *name, const uint8_t *elf, size_t size,
                     struct err *err) {
    struct image *image = new_image(name, err);

    *result = NULL;
    if (!image) return -ENOMEM;
    image->elf = elf;
    image->elf_size = size;
    image->lent = true;
    return judge(result, image, err);
}

int image_parse(struct image **image, const char *name, const uint8_t *data, size_t size,
                struct err *err) {
    uint8_t *copy = malloc(size ? size : 1);

    *image = NULL;
    if (!copy) return err_set(err, -ENOMEM, "%s: out of memory", name);
    memcpy(copy, data, size);
    return image_parse_owned(image, name, copy, size, err);
}

void image_free(struct image *image) {
    if (!image) return;
    if (!image->lent) free((void *)(uintptr_t)image->elf);
    free(image->name);
    free(image);
}
