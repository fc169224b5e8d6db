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

/* A packed file where it is, without a copy; NULL for one that image_read_file() has to judge.
 * Whoever may write to it may do so meanwhile. */
static const uint8_t *map_packed(const char *path, size_t *size) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    uint8_t *data = MAP_FAILED, begin[4];
    struct stat st;

    if (fd < 0) return NULL;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (uint64_t)st.st_size <= IMAGE_MAX_FILE &&
        pread(fd, begin, sizeof(begin), 0) == sizeof(begin) && !is_elf(begin, sizeof(begin))) {
        *size = (size_t)st.st_size;
        data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    }
    close(fd);
    return data == MAP_FAILED ? NULL : data;
}

/* Whether the kernel was unpacked before; then it is loaded. What is used of the file is what was
 * compared. If it is cut short meanwhile xl ends here, where there is no domain yet. */
static bool load_cached(struct image **image, const char *path) {
    size_t size, elf_size;
    const uint8_t *data = image_cache_folder ? map_packed(path, &size) : NULL, *elf;
    struct err ignored;

    if (!data) return false;
    elf = image_cache_find(data, size, &elf_size);
    munmap((void *)(uintptr_t)data, size);
    if (!elf) return false;
    if (!image_parse_lent(image, path, elf, elf_size, &ignored)) return true;
    munmap((void *)(uintptr_t)elf, elf_size);
    return false;
}

int image_load(struct image **image, const char *path, struct err *err) {
    uint8_t *data;
    size_t size;
    int ret;

    *image = NULL;
    if (load_cached(image, path)) return 0;
    ret = image_read_file(path, IMAGE_MAX_FILE, &data, &size, err);
    if (ret) return ret;
    if (!image_cache_folder || is_elf(data, size))
        return image_parse_owned(image, path, data, size, err);
    ret = image_parse(image, path, data, size, err);
    if (!ret) image_cache_add(data, size, (*image)->elf, (*image)->elf_size);
    free(data);
    return ret;
}

void image_unload(struct image *image) {
    if (image && image->lent) munmap((void *)(uintptr_t)image->elf, image->elf_size);
    image_free(image);
}
