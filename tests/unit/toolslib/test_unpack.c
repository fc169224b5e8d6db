/* SPDX-License-Identifier: MIT */
/* Decompression: each format inside a bzImage as Linux lays it out, damage, and the bound. */
#include "image/image.h"

#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "check.h"
#include "kernelgen.h"

#define PACKED_MAX (GEN_SIZE * 2)

typedef size_t pack_fn(const uint8_t *data, size_t size, uint8_t *out);

static size_t pack_gzip(const uint8_t *data, size_t size, uint8_t *out) {
    z_stream zs = {.next_in = (uint8_t *)(uintptr_t)data,
                   .avail_in = (uInt)size,
                   .next_out = out,
                   .avail_out = PACKED_MAX};

    deflateInit2(&zs, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    deflate(&zs, Z_FINISH);
    deflateEnd(&zs);
    return zs.total_out;
}

static size_t pack_xz(const uint8_t *data, size_t size, uint8_t *out) {
    size_t used = 0;

    return lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, data, size, out, &used, PACKED_MAX)
               ? 0
               : used;
}

static size_t pack_zstd(const uint8_t *data, size_t size, uint8_t *out) {
    return ZSTD_compress(out, PACKED_MAX, data, size, 19);
}

static size_t pack_lz4(const uint8_t *data, size_t size, uint8_t *out) {
    uint32_t magic = 0x184c2102, len;

    len = (uint32_t)LZ4_compress_default((const char *)data, (char *)out + 8, (int)size,
                                         PACKED_MAX - 8);
    memcpy(out, &magic, 4);
    memcpy(out + 4, &len, 4);
    return len + 8;
}

static const struct {
    const char *name;
    pack_fn *pack;
    bool size_word; /* Linux appends the unpacked size (gzip has it already) */
} packers[] = {
    {"gzip", pack_gzip, false},
    {"xz", pack_xz, true},
    {"lz4", pack_lz4, true},
    {"zstd", pack_zstd, true},
};

#define PACKERS (sizeof(packers) / sizeof(packers[0]))

/* A packed kernel with its size word; returns the length. */
static size_t packed_kernel(size_t n, uint8_t *out) {
    uint32_t word = GEN_SIZE;
    struct gen g;
    size_t size;

    gen_kernel(&g);
    size = packers[n].pack(g.bytes, sizeof(g.bytes), out);
    if (packers[n].size_word) {
        memcpy(out + size, &word, 4);
        size += 4;
    }
    return size;
}

static void in_bzimage(size_t n) {
    uint8_t packed[PACKED_MAX + 4], *bz;
    struct err err = {0, ""};
    struct image *image;
    size_t size, total;

    size = packed_kernel(n, packed);
    bz = gen_bzimage(packed, size, &total);
    if (!CHECK(!image_parse(&image, packers[n].name, bz, total, &err))) printf("  %s\n", err.text);
    if (image) CHECK(image->elf_size == GEN_SIZE && image->entry == GEN_BASE + GEN_PADDR + 0x40);
    image_free(image);
    free(bz);
}

/* The bare compressed ELF, and a compressed bzImage. */
static void whole_file(size_t n) {
    uint8_t packed[PACKED_MAX + 4], again[PACKED_MAX + 4], *bz;
    struct image *image;
    size_t size, total;

    size = packed_kernel(n, packed);
    CHECK(!image_parse(&image, packers[n].name, packed, size, NULL));
    image_free(image);
    bz = gen_bzimage(packed, size, &total);
    size = pack_gzip(bz, total, again);
    CHECK(!image_parse(&image, packers[n].name, again, size, NULL));
    image_free(image);
    free(bz);
}

static void damaged(size_t n) {
    uint8_t packed[PACKED_MAX + 4], *copy;
    size_t size = packed_kernel(n, packed), cut, i;
    unsigned int refused = 0;
    struct image *image;
    struct err err = {0, ""};

    /* Before the size word nothing may be missing. */
    for (cut = 1; cut < size - 4; cut += 7) {
        copy = malloc(cut);
        memcpy(copy, packed, cut);
        CHECK(image_parse(&image, "k", copy, cut, &err) < 0);
        free(copy);
    }
    for (i = 6; i < size; i++) {
        copy = malloc(size);
        memcpy(copy, packed, size);
        copy[i] ^= 0x55;
        if (image_parse(&image, "k", copy, size, NULL)) refused++;
        image_free(image);
        free(copy);
    }
    CHECK(refused > 0);
    copy = malloc(size);
    memcpy(copy, packed, size);
    memset(copy + 12, 0xff, size / 2 < 64 ? size / 2 : 64);
    CHECK(image_parse(&image, "k", copy, size, &err) < 0);
    CHECK_TEXT(err.text, packers[n].name);
    CHECK_TEXT(err.text, "damaged or cut short");
    free(copy);
}

static void bounded(size_t n) {
    uint8_t packed[PACKED_MAX + 4], *out;
    size_t size = packed_kernel(n, packed), out_size;
    struct err err = {0, ""};

    CHECK(image_unpack("k", packed, size, GEN_SIZE, &out, &out_size, &err) == 1);
    CHECK(out_size == GEN_SIZE);
    free(out);
    CHECK(image_unpack("k", packed, size, GEN_SIZE - 1, &out, &out_size, &err) == -EFBIG);
    CHECK_TEXT(err.text, "more than the limit of 16383 bytes");
}

static void refused_formats(void) {
    struct err err = {0, ""};
    struct image *image;
    uint8_t *bz;
    size_t total;

    bz = gen_bzimage((const uint8_t *)"BZh91AY&SY", 10, &total);
    CHECK(image_parse(&image, "k", bz, total, &err) == -EPROTONOSUPPORT);
    CHECK_TEXT(err.text, "compressed with bzip2, which is not supported");
    bz[0x206] = 4; /* boot protocol 2.04 */
    CHECK(image_parse(&image, "k", bz, total, &err) == -ENOEXEC);
    CHECK_TEXT(err.text, "protocol 2.04 is too old");
    bz[0x206] = 15;
    memset(bz + 0x248, 0xff, 4);
    CHECK(image_parse(&image, "k", bz, total, &err) == -ENOEXEC);
    CHECK_TEXT(err.text, "payload lies outside the file");
    memset(bz + 0x248, 0, 4);
    CHECK(image_parse(&image, "k", bz, total - 1, &err) == -ENOEXEC);
    CHECK_TEXT(err.text, "payload lies outside the file");
    free(bz);
}

void test_unpack(void) {
    size_t n;

    for (n = 0; n < PACKERS; n++) {
        in_bzimage(n);
        whole_file(n);
        damaged(n);
        bounded(n);
    }
    refused_formats();
}
