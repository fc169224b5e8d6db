/* SPDX-License-Identifier: MIT */
/* The folder of unpacked kernels: see cache.h. */
#include "cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define PAGE         ((size_t)4096)
#define PIECE        ((size_t)65536)
#define NAME_SIZE    56
#define UNFINISHED   "new."
#define CACHE_FORMAT "hospes-1"

const char *image_cache_folder;

/* At the beginning of a file. The packed image follows, the ELF begins at the next whole page. */
struct header {
    char format[8];
    uint64_t packed_size, elf_size;
};

static size_t elf_offset(size_t packed_size) {
    return (sizeof(struct header) + packed_size + PAGE - 1) & ~(PAGE - 1);
}

/* By the hashes of both ends and the size. Two that differ only in between, as compressed kernels
 * with their checksums do not, would take each other's place. */
static void name_of(const uint8_t *packed, size_t size, char name[NAME_SIZE]) {
    size_t piece = size < PIECE ? size : PIECE;

    snprintf(name, NAME_SIZE, "%016llx%016llx%llx", (unsigned long long)XXH3_64bits(packed, piece),
             (unsigned long long)XXH3_64bits(packed + size - piece, piece),
             (unsigned long long)size);
}

/* The folder, or a negative number. */
static int open_folder(void) {
    struct stat st;
    int fd = open(image_cache_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    /* Others could have put anything into a folder that they may write to. */
    if (fd >= 0 && (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 022))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The whole file, mapped, if it holds this packed image. */
static uint8_t *map_file(int fd, const uint8_t *packed, size_t size, size_t *file_size) {
    const struct header *header;
    struct stat st;
    uint8_t *file;

    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size <= elf_offset(size))
        return NULL;
    *file_size = (size_t)st.st_size;
    file = mmap(NULL, *file_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (file == MAP_FAILED) return NULL;
    header = (const struct header *)file;
    if (!memcmp(header->format, CACHE_FORMAT, sizeof(header->format)) &&
        header->packed_size == size && header->elf_size == *file_size - elf_offset(size) &&
        !memcmp(header + 1, packed, size))
        return file;
    munmap(file, *file_size);
    return NULL;
}

const uint8_t *image_cache_find(const uint8_t *packed, size_t size, size_t *elf_size) {
    int folder = image_cache_folder ? open_folder() : -1, fd;
    char name[NAME_SIZE];
    size_t file_size;
    uint8_t *file = NULL;

    if (folder < 0) return NULL;
    name_of(packed, size, name);
    fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd >= 0) {
        file = map_file(fd, packed, size, &file_size);
        if (file) futimens(fd, NULL); /* used now: see make_room() */
        close(fd);
    }
    close(folder);
    if (!file) return NULL;
    *elf_size = file_size - elf_offset(size);
    munmap(file, elf_offset(size));
    return file + elf_offset(size);
}

static bool write_all(int fd, const void *data, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, (const uint8_t *)data + done, size - done);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        done += (size_t)n;
    }
    return true;
}

/* Whole on the disk before it gets its name: a machine that stops in between leaves no half. */
static bool write_file(int fd, const uint8_t *packed, size_t size, const uint8_t *elf,
                       size_t elf_size) {
    struct header header = {.packed_size = size, .elf_size = elf_size};

    memcpy(header.format, CACHE_FORMAT, sizeof(header.format));
    return write_all(fd, &header, sizeof(header)) && write_all(fd, packed, size) &&
           lseek(fd, (off_t)elf_offset(size), SEEK_SET) >= 0 && write_all(fd, elf, elf_size) &&
           !fsync(fd);
}

/* Removes the files that were not used for longest until there is room for one more. Another xl
 * that does the same at the same time does no harm: what it maps stays until it unmaps it. */
static void make_room(int folder) {
    char oldest[NAME_SIZE];
    unsigned int files;

    do {
        int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct timespec when = {0};
        struct dirent *entry;
        struct stat st;

        if (!dir) {
            if (fd >= 0) close(fd);
            return;
        }
        files = 0;
        while ((entry = readdir(dir))) {
            if (entry->d_name[0] == '.' || strlen(entry->d_name) >= NAME_SIZE ||
                fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
                continue;
            if (!files++ || st.st_mtim.tv_sec < when.tv_sec ||
                (st.st_mtim.tv_sec == when.tv_sec && st.st_mtim.tv_nsec < when.tv_nsec)) {
                when = st.st_mtim;
                strcpy(oldest, entry->d_name);
            }
        }
        closedir(dir);
    } while (files >= IMAGE_CACHE_FILES && !unlinkat(folder, oldest, 0));
}

/* With its parents, which are anybody's to read. */
static void make_folder(void) {
    char path[256];

    if (strlen(image_cache_folder) >= sizeof(path)) return;
    strcpy(path, image_cache_folder);
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(path, 0755);
        *at = '/';
    }
    mkdir(path, 0700);
}

void image_cache_add(const uint8_t *packed, size_t size, const uint8_t *elf, size_t elf_size) {
    char name[NAME_SIZE], fresh[NAME_SIZE];
    int folder, fd;

    if (!image_cache_folder) return;
    make_folder();
    folder = open_folder();
    if (folder < 0) return;
    make_room(folder);
    name_of(packed, size, name);
    snprintf(fresh, sizeof(fresh), UNFINISHED "%ld", (long)getpid());
    unlinkat(folder, fresh, 0);
    fd = openat(folder, fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        bool written = write_file(fd, packed, size, elf, elf_size);

        if (close(fd) || !written || renameat(folder, fresh, folder, name))
            unlinkat(folder, fresh, 0);
    }
    close(folder);
}
