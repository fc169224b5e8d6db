/* SPDX-License-Identifier: MIT */
/* Grant mappings through /dev/xen/gntdev: see gnttab.h. */
#include "gnttab.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u

struct gntdev_ref {
    uint32_t domid, ref;
};

/* The kernel's argument declares one reference; more follow in the same memory. */
struct gntdev_map {
    uint32_t count, pad;
    uint64_t index;
    struct gntdev_ref refs[1];
};

struct gntdev_unmap {
    uint64_t index;
    uint32_t count, pad;
};

struct gntdev_offset {
    uint64_t vaddr, offset;
    uint32_t count, pad;
};

#define GNTDEV_IOC(nr, type)        _IOC(_IOC_NONE, 'G', nr, sizeof(type))
#define GNTDEV_MAP_GRANT_REF        GNTDEV_IOC(0, struct gntdev_map)
#define GNTDEV_UNMAP_GRANT_REF      GNTDEV_IOC(1, struct gntdev_unmap)
#define GNTDEV_GET_OFFSET_FOR_VADDR GNTDEV_IOC(2, struct gntdev_offset)

struct gnttab {
    int fd;
};

struct gnttab *gnttab_open(void) {
    struct gnttab *gt = malloc(sizeof(*gt));
    int saved;

    if (!gt) return NULL;
    gt->fd = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    if (gt->fd >= 0) return gt;
    saved = errno;
    free(gt);
    errno = saved;
    return NULL;
}

void gnttab_close(struct gnttab *gt) {
    if (!gt) return;
    close(gt->fd);
    free(gt);
}

static void forget(struct gnttab *gt, uint64_t index, size_t count) {
    struct gntdev_unmap unmap = {.index = index, .count = (uint32_t)count};

    ioctl(gt->fd, GNTDEV_UNMAP_GRANT_REF, &unmap);
}

void *gnttab_map(struct gnttab *gt, domid_t domid, const uint32_t *refs, size_t count,
                 int writable) {
    int prot = writable ? PROT_READ | PROT_WRITE : PROT_READ, saved;
    struct gntdev_map *map;
    void *addr = NULL;
    size_t i;

    if (!count || count > UINT32_MAX) {
        errno = EINVAL;
        return NULL;
    }
    map = calloc(1, sizeof(*map) + (count - 1) * sizeof(map->refs[0]));
    if (!map) return NULL;
    map->count = (uint32_t)count;
    for (i = 0; i < count; i++) map->refs[i] = (struct gntdev_ref){domid, refs[i]};
    if (!ioctl(gt->fd, GNTDEV_MAP_GRANT_REF, map)) {
        addr = mmap(NULL, count * PAGE, prot, MAP_SHARED, gt->fd, (off_t)map->index);
        if (addr == MAP_FAILED) {
            saved = errno;
            addr = NULL;
            forget(gt, map->index, count);
            errno = saved;
        }
    }
    saved = errno;
    free(map);
    errno = saved;
    return addr;
}

int gnttab_unmap(struct gnttab *gt, void *addr, size_t count) {
    struct gntdev_offset where = {.vaddr = (uintptr_t)addr};

    if (ioctl(gt->fd, GNTDEV_GET_OFFSET_FOR_VADDR, &where)) return -errno;
    if (where.count != count) return -EINVAL;
    if (munmap(addr, count * PAGE)) return -errno;
    forget(gt, where.offset, count);
    return 0;
}
