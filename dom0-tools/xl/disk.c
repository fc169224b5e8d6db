/* SPDX-License-Identifier: MIT */
/*
 * Disks.  A file or block device without a script of its own is attached here, without any
 * script: the sharing check, a loop device for a file, and the device's number for xen-blkback.
 * A disk is in use by another guest if any backend in xenstore leads to the same file (device
 * and inode) or the same block device; writers tolerate nobody, readers only readers.  A lock
 * file makes check and claim one step among all xl.
 *
 * A loop device is AUTOCLEAR until blkback has opened it, so that an xl killed on the way leaves
 * none behind; then it stays until it is removed by the name in the backend's "node", as stock's
 * own script expects when stock xl destroys our guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "xsutil.h"

#define LOCK_FILE       "/run/xen-hotplug-block.lock"
#define BLKBACK_WAIT_MS 5000

int disk_write(struct xl *xl, domid_t domid, const struct disk_cfg *disk, struct device *dev,
               struct err *err) {
    struct node_list back = {0}, front = {0};
    bool cdrom = disk->cdrom;
    int rc;

    device_init(dev, "vbd", domid, vdev_number(disk->vdev));
    nodes_add(&back, "params", xstrdup(disk->target ? disk->target : ""));
    nodes_add(&back, "script", script_path(disk->script, "block"));
    nodes_add(&back, "online", xstrdup("1"));
    nodes_add(&back, "removable", xstrdup(disk->removable ? "1" : "0"));
    nodes_add(&back, "bootable", xstrdup("1"));
    nodes_add(&back, "state", xstrdup("1"));
    nodes_add(&back, "dev", xstrdup(disk->vdev));
    nodes_add(&back, "type", xstrdup("phy"));
    nodes_add(&back, "mode", xstrdup(disk->readwrite ? disk->force_shared ? "w!" : "w" : "r"));
    nodes_add(&back, "device-type", xstrdup(cdrom ? "cdrom" : "disk"));
    nodes_add(&back, "discard-enable",
              xstrdup(disk->readwrite && disk->discard != OFF ? "1" : "0"));
    if (disk->direct_io_safe) nodes_add(&back, "direct-io-safe", xstrdup("1"));
    nodes_add(&back, "specification", xstrdup("xen"));
    nodes_add(&front, "backend-id", xstrdup("0"));
    nodes_add(&front, "state", xstrdup("1"));
    nodes_add(&front, "virtual-device", xasprintf("%d", dev->id));
    nodes_add(&front, "device-type", xstrdup(cdrom ? "cdrom" : "disk"));
    nodes_add(&front, "trusted", xstrdup("1"));
    rc = device_write(xl, dev, &back, &front, err);
    nodes_free(&back);
    nodes_free(&front);
    return rc;
}

/* ---- what a path leads to ---- */

struct identity {
    bool block;
    dev_t dev;   /* of the file's file system, or the block device itself */
    ino_t inode; /* files only */
};

static bool same(const struct identity *a, const struct identity *b) {
    return a->block == b->block && a->dev == b->dev && (a->block || a->inode == b->inode);
}

/* A loop device stands for its file. */
static struct identity identity_of_device(dev_t dev) {
    struct identity id = {.block = true, .dev = dev};
    struct loop_info64 info;
    char path[32];
    int fd;

    if (major(dev) != LOOP_MAJOR) return id;
    snprintf(path, sizeof(path), "/dev/loop%u", minor(dev));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return id;
    if (!ioctl(fd, LOOP_GET_STATUS64, &info))
        id = (struct identity){.dev = (dev_t)info.lo_device, .inode = (ino_t)info.lo_inode};
    close(fd);
    return id;
}

static struct identity identity_of(const struct stat *st) {
    if (S_ISBLK(st->st_mode)) return identity_of_device(st->st_rdev);
    return (struct identity){.dev = st->st_dev, .inode = st->st_ino};
}

static bool identity_of_backend(struct xl *xl, const char *backend, struct identity *id) {
    char *number = xsu_read(xl->xs, XBT_NULL, "%s/physical-device", backend);
    unsigned maj, min;
    bool ok = number && sscanf(number, "%x:%x", &maj, &min) == 2;

    free(number);
    if (ok) *id = identity_of_device(makedev(maj, min));
    return ok;
}

/* ---- sharing ---- */

static int check_guest(struct xl *xl, const char *backend, const char *domid, bool write,
                       const struct identity *id, struct err *err) {
    struct identity other;
    char *mode, *name;
    bool writes, conflict;

    if (!identity_of_backend(xl, backend, &other) || !same(id, &other)) return 0;
    mode = xsu_read(xl->xs, XBT_NULL, "%s/mode", backend);
    writes = mode && mode[0] == 'w';
    conflict = (write || writes) && !(mode && strchr(mode, '!'));
    free(mode);
    if (!conflict) return 0;
    name = xsu_read(xl->xs, XBT_NULL, "/local/domain/%s/name", domid);
    err_set(err, -EBUSY,
            "in use by guest %s (domain %s) %s; shut it down, or give access r in "
            "both, or w! if both can share it",
            name ? name : "(null)", domid, writes ? "for writing" : "for reading");
    free(name);
    return -EBUSY;
}

static int check_guests(struct xl *xl, const struct device *dev, bool write,
                        const struct identity *id, struct err *err) {
    unsigned num, count;
    char **domids = xs_directory(xl->xs, XBT_NULL, "/local/domain/0/backend/vbd", &num), **ids;
    int rc = 0;

    for (unsigned i = 0; domids && i < num && !rc; i++) {
        char *dir = xasprintf("/local/domain/0/backend/vbd/%s", domids[i]);

        ids = xs_directory(xl->xs, XBT_NULL, dir, &count);
        for (unsigned j = 0; ids && j < count && !rc; j++) {
            char *backend = xasprintf("%s/%s", dir, ids[j]);

            if (strcmp(backend, dev->backend))
                rc = check_guest(xl, backend, domids[i], write, id, err);
            free(backend);
        }
        free(ids);
        free(dir);
    }
    free(domids);
    return rc;
}

/* dom0's own mounts: a writer tolerates none, a reader only read-only ones. */
static int check_mounts(bool write, const struct identity *id, struct err *err) {
    char *mounts = read_file("/proc/mounts", 4 << 20, NULL), *rest = mounts, *line;
    struct identity other;
    struct stat st;
    int rc = 0;

    while (!rc && rest && (line = strsep(&rest, "\n"))) {
        char *source = strsep(&line, " "), *where = strsep(&line, " ");

        strsep(&line, " ");
        if (!line || source[0] != '/' || stat(source, &st)) continue;
        other = identity_of(&st);
        if (!same(id, &other)) continue;
        if (write || strncmp(line, "ro", 2))
            rc = err_set(err, -EBUSY, "mounted in dom0 at %s; unmount it, or use w! to share it",
                         where);
    }
    free(mounts);
    return rc;
}

/* ---- loop devices ---- */

/* An open, configured, auto-clearing loop device; its fd, or -Exxx. */
static int loop_make(const char *path, bool write, char *name, size_t size, struct err *err) {
    struct loop_config lc = {.info.lo_flags = LO_FLAGS_AUTOCLEAR};
    int file = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC), control, fd = -1, n, rc;

    if (file < 0) return err_set(err, -errno, "cannot open: %s", strerror(errno));
    control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) {
        rc = err_set(err, -errno, "/dev/loop-control: %s; try: modprobe loop", strerror(errno));
        close(file);
        return rc;
    }
    lc.fd = (uint32_t)file;
    if (!write) lc.info.lo_flags |= LO_FLAGS_READ_ONLY;
    snprintf((char *)lc.info.lo_file_name, sizeof(lc.info.lo_file_name), "%s", path);
    for (int tries = 0; tries < 64; tries++) {
        n = ioctl(control, LOOP_CTL_GET_FREE);
        if (n < 0) break;
        snprintf(name, size, "/dev/loop%d", n);
        fd = open(name, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
        if (fd < 0 || !ioctl(fd, LOOP_CONFIGURE, &lc)) break;
        rc = errno;
        close(fd);
        fd = -1;
        errno = rc;
        if (rc != EBUSY) /* another process was faster: take the next */
            break;
    }
    rc = fd >= 0 ? fd : err_set(err, -errno, "cannot make a loop device: %s", strerror(errno));
    close(control);
    close(file);
    return rc;
}

static void loop_keep(int fd) {
    struct loop_info64 info;

    if (ioctl(fd, LOOP_GET_STATUS64, &info)) return;
    info.lo_flags &= ~(uint32_t)LO_FLAGS_AUTOCLEAR;
    ioctl(fd, LOOP_SET_STATUS64, &info);
}

/* Frees a loop device and waits until it is free: its last user may still be closing it. */
static void loop_free(const char *name) {
    struct loop_info64 info;
    int fd;

    for (int i = 0; i < 200; i++) {
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        ioctl(fd, LOOP_CLR_FD, 0);
        close(fd);
        fd = open(name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || (ioctl(fd, LOOP_GET_STATUS64, &info) && errno == ENXIO)) {
            if (fd >= 0) close(fd);
            return;
        }
        close(fd);
        poll(NULL, 0, 10);
    }
}

/* ---- attach ---- */

/* blkback shows this file once it has opened the device. */
static void wait_blkback(const struct device *dev) {
    char *path =
        xasprintf("/sys/bus/xen-backend/devices/vbd-%u-%d/physical_device", dev->domid, dev->id);
    int64_t end = now_ms() + BLKBACK_WAIT_MS;

    while (access(path, F_OK) && now_ms() < end) poll(NULL, 0, 2);
    free(path);
}

static bool announce(struct xl *xl, const struct device *dev, const char *path, dev_t number,
                     bool loop) {
    char *key[4] = {
        xasprintf("%s/node", dev->backend),
        xasprintf("%s/physical-device-path", dev->backend),
        xasprintf("%s/physical-device", dev->backend),
        xasprintf("%s/hotplug-status", dev->backend),
    };
    bool ok = (!loop || xsu_write(xl->xs, XBT_NULL, key[0], path)) &&
              xsu_write(xl->xs, XBT_NULL, key[1], path) &&
              xsu_writef(xl->xs, XBT_NULL, key[2], "%x:%x", major(number), minor(number)) &&
              xsu_write(xl->xs, XBT_NULL, key[3], "connected");

    for (unsigned i = 0; i < ARRAY_SIZE(key); i++) free(key[i]);
    return ok;
}

static int attach_locked(struct xl *xl, const struct device *dev, const struct disk_cfg *disk,
                         struct err *err) {
    struct identity id;
    struct stat st;
    char loop[32];
    int fd = -1, rc;

    if (stat(disk->target, &st)) return err_set(err, -errno, "%s", strerror(errno));
    if (!S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
        return err_set(err, -EINVAL, "neither a file nor a block device");
    if (S_ISREG(st.st_mode) && st.st_size < 512) return err_set(err, -EINVAL, "the file is empty");
    id = identity_of(&st);
    if (!disk->force_shared) {
        rc = check_guests(xl, dev, disk->readwrite, &id, err);
        if (!rc) rc = check_mounts(disk->readwrite, &id, err);
        if (rc) return rc;
    }
    if (S_ISREG(st.st_mode)) {
        fd = loop_make(disk->target, disk->readwrite, loop, sizeof(loop), err);
        if (fd < 0) return fd;
        if (fstat(fd, &st)) {
            close(fd);
            return err_set(err, -errno, "%s: %s", loop, strerror(errno));
        }
    }
    rc = announce(xl, dev, fd >= 0 ? loop : disk->target, st.st_rdev, fd >= 0)
             ? 0
             : err_set(err, -errno, "cannot write %s: %s", dev->backend, strerror(errno));
    if (fd >= 0) {
        if (!rc) {
            wait_blkback(dev);
            loop_keep(fd);
        }
        close(fd);
    }
    return rc;
}

int disk_attach(struct xl *xl, const struct device *dev, const struct disk_cfg *disk,
                struct err *err) {
    static const char *const add[] = {"add", NULL};
    int lock, rc;

    if (disk->format == DISK_EMPTY) return 0;
    if (disk->script) {
        char *script = script_path(disk->script, NULL);

        rc = hotplug_run(xl, dev, script, add, NULL, err);
        free(script);
        return rc;
    }
    lock = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX))
        return err_set(err, -errno, "cannot lock %s: %s", LOCK_FILE, strerror(errno));
    rc = attach_locked(xl, dev, disk, err);
    close(lock);
    return rc;
}

void disk_detach(struct xl *xl, const struct device *dev, bool scripted) {
    static const char *const remove[] = {"remove", NULL};
    char *script = xsu_read(xl->xs, XBT_NULL, "%s/script", dev->backend);
    char *node = xsu_read(xl->xs, XBT_NULL, "%s/node", dev->backend);
    struct err err;

    if (script && (scripted || strcmp(script, SCRIPT_DIR "/block"))) {
        if (hotplug_run(xl, dev, script, remove, NULL, &err))
            fprintf(stderr, "xl: warning: disk %d: %s\n", dev->id, err.text);
    } else if (node && !strncmp(node, "/dev/loop", 9)) {
        xs_rm(xl->xs, XBT_NULL, dev->backend); /* blkback lets go of it */
        loop_free(node);
    }
    free(node);
    free(script);
}
