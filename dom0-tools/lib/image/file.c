/* SPDX-License-Identifier: MIT */
/* Reading a file that a user named, with its size bounded before any memory is taken. */
#include "cache.h"
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_all(int fd, uint8_t *buf, size_t size) {
    size_t done = 0;
    ssize_t got;

    while (done < size) {
        got = read(fd, buf + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (!got) return -ENODATA;
        done += (size_t)got;
    }
    return 0;
}

int image_read_file(const char *path, size_t max, uint8_t **data, size_t *size, struct err *err) {
    struct stat st;
    uint8_t *buf;
    int fd, ret;

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return err_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &st)) {
        ret = err_set(err, -errno, "%s: cannot stat: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        ret = err_set(err, -EINVAL, "%s: not a regular file", path);
        goto out;
    }
    if (st.st_size <= 0 || (uint64_t)st.st_size > max) {
        ret = err_set(err, st.st_size > 0 ? -EFBIG : -ENODATA,
                      st.st_size > 0 ? "%s: file of %lld bytes is larger than the limit of %zu"
                                     : "%s: file is empty (%lld bytes, limit %zu)",
                      path, (long long)st.st_size, max);
        goto out;
    }
    buf = malloc((size_t)st.st_size);
    if (!buf) {
        ret = err_set(err, -ENOMEM, "%s: no memory for %lld bytes", path, (long long)st.st_size);
        goto out;
    }
    ret = read_all(fd, buf, (size_t)st.st_size);
    if (ret) {
        free(buf);
        ret = err_set(err, ret, "%s: cannot read: %s", path, strerror(-ret));
        goto out;
    }
    *data = buf;
    *size = (size_t)st.st_size;
out:
    close(fd);
    return ret;
}

static bool is_elf(const uint8_t *data, size_t size) {
    return size >= 4 && !memcmp(data, "\177ELF", 4);
}

/* Without the unpacking if that was done before; else notes what came of it. */
static int load_packed(struct image **image, const char *path, const uint8_t *data, size_t size,
                       struct err *err) {
    size_t elf_size;
    const uint8_t *elf = image_cache_find(data, size, &elf_size);
    int ret;

    if (elf) {
        if (!image_parse_lent(image, path, elf, elf_size, err)) return 0;
        munmap((void *)(uintptr_t)elf, elf_size);
    }
    ret = image_parse(image, path, data, size, err);
    if (!ret) image_cache_add(data, size, (*image)->elf, (*image)->elf_size);
    return ret;
}

int image_load(struct image **image, const char *path, struct err *err) {
    uint8_t *data;
    size_t size;
    int ret;

    *image = NULL;
    ret = image_read_file(path, IMAGE_MAX_FILE, &data, &size, err);
    if (ret) return ret;
    if (!image_cache_folder || is_elf(data, size))
        return image_parse_owned(image, path, data, size, err);
    ret = load_packed(image, path, data, size, err);
    free(data);
    return ret;
}

void image_unload(struct image *image) {
    if (image && image->lent) munmap((void *)(uintptr_t)image->elf, image->elf_size);
    image_free(image);
}
