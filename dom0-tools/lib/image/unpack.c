/* SPDX-License-Identifier: MIT */
/*
 * Unpacking kernel payloads: gzip, xz, zstd, and lz4 in the legacy framing that Linux uses.
 *
 * Input is hostile. Output grows by doubling and never beyond the caller's bound; decoders get a
 * memory limit, so that a small file cannot ask for a huge dictionary. Bytes after the end of the
 * compressed stream are ignored, because Linux appends the unpacked size to its payloads.
 */
#include "image.h"

#include <errno.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define FIRST_OUTPUT     ((size_t)4 << 20)
#define DECODER_MEMORY   ((uint64_t)192 << 20) /* covers a 128 MiB window */
#define LZ4_LEGACY_MAGIC 0x184c2102u
#define LZ4_LEGACY_BLOCK ((size_t)8 << 20)

/* Where unpacked bytes go: size bytes allocated, used of them filled, never above max. */
struct output {
    uint8_t *buf;
    size_t used, size, max;
};

/* Makes room for at least `want` more bytes (or what the bound leaves, which may be none). */
static int output_grow(struct output *out, size_t want) {
    size_t size = out->size ? out->size : FIRST_OUTPUT;
    uint8_t *buf;

    if (out->size - out->used >= want) return 0;
    if (out->used >= out->max) return -EFBIG;
    while (size - out->used < want && size < out->max) size *= 2;
    if (size > out->max) size = out->max;
    if (size == out->size) return -EFBIG;
    buf = realloc(out->buf, size);
    if (!buf) return -ENOMEM;
    out->buf = buf;
    out->size = size;
    return 0;
}

static int unpack_gzip(const uint8_t *data, size_t size, struct output *out) {
    z_stream zs = {.next_in = (uint8_t *)(uintptr_t)data, .avail_in = (uInt)size};
    int ret = 0, zret;

    if (inflateInit2(&zs, 16 + MAX_WBITS) != Z_OK) return -ENOMEM;
    do {
        ret = output_grow(out, 1);
        if (ret) break;
        zs.next_out = out->buf + out->used;
        zs.avail_out = (uInt)(out->size - out->used);
        zret = inflate(&zs, Z_NO_FLUSH);
        out->used = (size_t)(zs.next_out - out->buf);
        if (zret != Z_OK && zret != Z_STREAM_END) ret = zret == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
    } while (!ret && zret != Z_STREAM_END);
    inflateEnd(&zs);
    return ret;
}

static int unpack_xz(const uint8_t *data, size_t size, struct output *out) {
    lzma_stream xz = LZMA_STREAM_INIT;
    lzma_ret lret;
    int ret = 0;

    if (lzma_stream_decoder(&xz, DECODER_MEMORY, 0) != LZMA_OK) return -ENOMEM;
    xz.next_in = data;
    xz.avail_in = size;
    do {
        ret = output_grow(out, 1);
        if (ret) break;
        xz.next_out = out->buf + out->used;
        xz.avail_out = out->size - out->used;
        lret = lzma_code(&xz, LZMA_RUN);
        out->used = (size_t)(xz.next_out - out->buf);
        if (lret != LZMA_OK && lret != LZMA_STREAM_END)
            ret = lret == LZMA_MEM_ERROR || lret == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
    } while (!ret && lret != LZMA_STREAM_END);
    lzma_end(&xz);
    return ret;
}

static int unpack_zstd(const uint8_t *data, size_t size, struct output *out) {
    ZSTD_inBuffer in = {data, size, 0};
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    ZSTD_outBuffer piece;
    size_t zret, before;
    int ret = 0;

    if (!ctx) return -ENOMEM;
    do {
        ret = output_grow(out, 1);
        if (ret) break;
        piece = (ZSTD_outBuffer){out->buf, out->size, out->used};
        before = in.pos;
        zret = ZSTD_decompressStream(ctx, &piece, &in);
        if (ZSTD_isError(zret) || (in.pos == before && piece.pos == out->used)) ret = -EBADMSG;
        out->used = piece.pos;
    } while (!ret && zret);
    ZSTD_freeDCtx(ctx);
    return ret;
}

static uint32_t le32(const uint8_t *p) {
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * Legacy lz4: a magic number, then blocks of a size word and that many bytes, each at most 8 MiB
 * when unpacked. There is no end mark: the stream ends with the data or with Linux's size word.
 */
static int unpack_lz4(const uint8_t *data, size_t size, struct output *out) {
    size_t pos = 0, left, room;
    uint32_t len;
    int got, ret;

    while (size - pos >= 4) {
        len = le32(data + pos);
        pos += 4;
        left = size - pos;
        if (len == LZ4_LEGACY_MAGIC) continue;
        if (!left || !len) break;
        if (len > left || len > (uint32_t)LZ4_compressBound((int)LZ4_LEGACY_BLOCK)) return -EBADMSG;
        ret = output_grow(out, LZ4_LEGACY_BLOCK);
        if (ret && ret != -EFBIG) return ret;
        room = out->size - out->used;
        if (room > LZ4_LEGACY_BLOCK) room = LZ4_LEGACY_BLOCK;
        got = LZ4_decompress_safe((const char *)data + pos, (char *)out->buf + out->used, (int)len,
                                  (int)room);
        if (got < 0) return room < LZ4_LEGACY_BLOCK ? -EFBIG : -EBADMSG;
        out->used += (size_t)got;
        pos += len;
    }
    return out->used ? 0 : -EBADMSG;
}

struct format {
    const char *name;
    uint8_t magic[6];
    size_t magic_len;
    int (*unpack)(const uint8_t *data, size_t size, struct output *out);
};

static const struct format formats[] = {
    {"gzip", {0x1f, 0x8b}, 2, unpack_gzip},
    {"xz", {0xfd, '7', 'z', 'X', 'Z', 0}, 6, unpack_xz},
    {"lz4", {0x02, 0x21, 0x4c, 0x18}, 4, unpack_lz4},
    {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, 4, unpack_zstd},
    {"bzip2", {'B', 'Z', 'h'}, 3, NULL},
    {"lzma", {0x5d, 0, 0}, 3, NULL},
    {"lzo", {0x89, 'L', 'Z', 'O'}, 4, NULL},
};

static const struct format *find_format(const uint8_t *data, size_t size) {
    size_t i;

    for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (size >= formats[i].magic_len && !memcmp(data, formats[i].magic, formats[i].magic_len))
            return &formats[i];
    return NULL;
}

static int unpack_failed(struct err *err, const char *name, const char *format, int ret,
                         size_t max) {
    switch (ret) {
    case -EFBIG:
        return err_set(err, ret, "%s: %s data unpacks to more than the limit of %zu bytes", name,
                       format, max);
    case -ENOMEM:
        return err_set(err, ret, "%s: not enough memory to unpack its %s data", name, format);
    default: return err_set(err, ret, "%s: %s data is damaged or cut short", name, format);
    }
}

int image_unpack(const char *name, const uint8_t *data, size_t size, size_t max, uint8_t **out,
                 size_t *out_size, struct err *err) {
    const struct format *format = find_format(data, size);
    struct output output = {.max = max};
    int ret;

    if (!format) return 0;
    if (!format->unpack)
        return err_set(err, -EPROTONOSUPPORT,
                       "%s: compressed with %s, which is not supported "
                       "(gzip, xz, lz4 and zstd are)",
                       name, format->name);
    ret = size > IMAGE_MAX_FILE ? -EFBIG : format->unpack(data, size, &output);
    if (ret) {
        free(output.buf);
        return unpack_failed(err, name, format->name, ret, max);
    }
    *out = output.buf;
    *out_size = output.used;
    return 1;
}
