/* SPDX-License-Identifier: MIT */
/* The folder of unpacked kernels: found again, never another's, and bounded. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "image/cache.h"
#include "image/image.h"

#define SIZE 5000

static char folder[] = "/tmp/hospes-cache.XXXXXX";

static unsigned int files(char *last) {
    DIR *dir = opendir(folder);
    struct dirent *entry;
    unsigned int n = 0;

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        if (last) sprintf(last, "%s/%s", folder, entry->d_name);
        n++;
    }
    if (dir) closedir(dir);
    return n;
}

static void empty(void) {
    char path[512];

    while (files(path)) unlink(path);
}

/* Is this packed image known, with the ELF of the same number? */
static bool known(uint8_t number) {
    uint8_t packed[SIZE], elf[2 * SIZE];
    const uint8_t *found;
    size_t size;
    bool right;

    memset(packed, number, sizeof(packed));
    memset(elf, number + 1, sizeof(elf));
    found = image_cache_find(packed, sizeof(packed), &size);
    if (!found) return false;
    right = size == sizeof(elf) && !memcmp(found, elf, size);
    munmap((void *)(uintptr_t)found, size);
    CHECK(right);
    return right;
}

static void add(uint8_t number) {
    uint8_t packed[SIZE], elf[2 * SIZE];

    memset(packed, number, sizeof(packed));
    memset(elf, number + 1, sizeof(elf));
    image_cache_add(packed, sizeof(packed), elf, sizeof(elf));
}

static void patch(const char *path, long offset) {
    FILE *f = fopen(path, "r+");

    CHECK(f != NULL);
    fseek(f, offset, SEEK_SET);
    fputc(0x55, f);
    fclose(f);
}

/* What lies under the right name is used only if the packed image in it is the same. */
static void not_anothers(void) {
    char path[512];

    add(1);
    CHECK(files(path) == 1 && known(1) && !known(2));
    patch(path, 24 + SIZE - 1);
    CHECK(!known(1));
    add(1);
    CHECK(files(path) == 1 && known(1));
    patch(path, 8);
    CHECK(!known(1));
    add(1);
    CHECK(!truncate(path, SIZE + 100) && !known(1));
    CHECK(!truncate(path, 3) && !known(1));
    unlink(path);
}

/* Whatever was used since the last time was used then. */
static void note_use(time_t when) {
    DIR *dir = opendir(folder);
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir)))
        if (!fstatat(dirfd(dir), entry->d_name, &st, 0) && st.st_mtime > 1000)
            utimensat(dirfd(dir), entry->d_name, times, 0);
    if (dir) closedir(dir);
}

/* Of two with the same ends the later one is there. */
static void same_ends(void) {
    static uint8_t packed[2][300000], elf[2][10] = {"first", "second"};
    const uint8_t *found;
    size_t size;

    packed[1][150000] = 1;
    for (unsigned int i = 0; i < 2; i++) {
        image_cache_add(packed[i], sizeof(packed[i]), elf[i], sizeof(elf[i]));
        found = image_cache_find(packed[i], sizeof(packed[i]), &size);
        CHECK(found && size == sizeof(elf[i]) && !memcmp(found, elf[i], size));
        munmap((void *)(uintptr_t)found, size);
    }
    CHECK(files(NULL) == 1 && !image_cache_find(packed[0], sizeof(packed[0]), &size));
    empty();
}

static void bounded(void) {
    for (uint8_t i = 0; i < IMAGE_CACHE_FILES + 3; i++) {
        add(i);
        note_use(i);
    }
    CHECK(files(NULL) == IMAGE_CACHE_FILES);
    CHECK(!known(0) && !known(2) && known(3));
    /* 3 was the oldest; now 4 is. */
    add(100);
    CHECK(known(3) && !known(4) && known(100));
}

/* Anybody could have put something in. */
static void not_a_strangers(void) {
    add(1);
    CHECK(known(1));
    CHECK(!chmod(folder, 0770) && !known(1));
    CHECK(!chmod(folder, 0700) && known(1));
}

/* A real kernel, from the cache the second time: the same. */
static bool same(const struct image *a, const struct image *b) {
    bool is = a->elf_size == b->elf_size && a->segment_count == b->segment_count &&
              a->entry == b->entry && !memcmp(a->elf, b->elf, a->elf_size);

    for (unsigned int i = 0; is && i < a->segment_count; i++)
        is = a->segments[i].paddr == b->segments[i].paddr &&
             a->segments[i].data - a->elf == b->segments[i].data - b->elf;
    return is;
}

void test_cached_kernel(const char *path) {
    struct image *image[2];
    struct err err;

    if (!CHECK(mkdtemp(strcpy(folder, "/tmp/hospes-cache.XXXXXX")) != NULL)) return;
    image_cache_folder = folder;
    for (unsigned int i = 0; i < 2; i++) {
        CHECK(!image_load(&image[i], path, &err));
        CHECK(image[i]->lent == (i == 1));
    }
    CHECK(same(image[0], image[1]));
    for (unsigned int i = 0; i < 2; i++) image_unload(image[i]);
    image_cache_folder = NULL;
    empty();
    rmdir(folder);
}

void test_cache(void) {
    CHECK(!image_cache_folder && !known(1));
    add(1); /* does nothing */
    if (!CHECK(mkdtemp(folder) != NULL)) return;
    image_cache_folder = folder;
    not_anothers();
    same_ends();
    bounded();
    empty();
    not_a_strangers();
    empty();
    rmdir(folder);
    /* It is made when it is first needed. */
    add(1);
    CHECK(known(1));
    empty();
    rmdir(folder);
    image_cache_folder = NULL;
}
