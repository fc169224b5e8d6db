/* SPDX-License-Identifier: MIT */
/*
 * The guest's directories.  /local/domain/N belongs to dom0 and is readable for the guest, except
 * the few nodes the guest writes, which it owns from the start: what it may create is decided
 * here and nowhere else.
 */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "device.h"
#include "xsutil.h"

static bool put(struct xl *xl, xs_transaction_t t, const char *dir, const char *key,
                const char *value) {
    char *path = xasprintf("%s/%s", dir, key);
    bool ok = xsu_write(xl->xs, t, path, value);

    free(path);
    return ok;
}

static bool putf(struct xl *xl, xs_transaction_t t, const char *dir, const char *key,
                 const char *fmt, ...) XL_PRINTF(5, 6);

static bool putf(struct xl *xl, xs_transaction_t t, const char *dir, const char *key,
                 const char *fmt, ...) {
    char value[128];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    return put(xl, t, dir, key, value);
}

static bool make_dir(struct xl *xl, xs_transaction_t t, const char *dir, const char *sub,
                     unsigned owner, unsigned reader) {
    char *path = xasprintf("%s/%s", dir, sub);
    bool ok = xsu_mkdir(xl->xs, t, path, owner, reader);

    free(path);
    return ok;
}

static bool make_guest_nodes(struct xl *xl, xs_transaction_t t, const char *dom, domid_t domid) {
    static const char *const read_only[] = {"cpu", "memory", "device", "control"};
    static const char *const writable[] = {
        "control/shutdown",
        "control/feature-poweroff",
        "control/feature-reboot",
        "control/feature-suspend",
        "control/sysrq",
        "device/suspend/event-channel",
        "data",
        "drivers",
        "feature",
        "attr",
        "error",
    };
    bool ok = true;

    for (size_t i = 0; i < ARRAY_SIZE(read_only) && ok; i++)
        ok = make_dir(xl, t, dom, read_only[i], 0, domid);
    for (size_t i = 0; i < ARRAY_SIZE(writable) && ok; i++)
        ok = make_dir(xl, t, dom, writable[i], domid, domid);
    return ok && put(xl, t, dom, "control/platform-feature-multiprocessor-suspend", "1") &&
           put(xl, t, dom, "control/platform-feature-xs_reset_watches", "1");
}

/* 0, -EEXIST for the name, or -EIO with errno. Of what is together the caller waits for the end. */
static int make_in(struct xl *xl, xs_transaction_t t, domid_t domid,
                   const struct domain_config *dc) {
    char uuid[UUID_STRLEN + 1], dom[40], vm[60], libxl[30];
    bool ok;
    int rc;

    uuid_format(dc->uuid, uuid);
    snprintf(dom, sizeof(dom), "/local/domain/%u", domid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    snprintf(libxl, sizeof(libxl), "/libxl/%u", domid);
    xs_rm(xl->xs, t, dom);
    xs_rm(xl->xs, t, libxl);
    xs_rm(xl->xs, t, vm);
    ok = xsu_mkdir(xl->xs, t, dom, 0, domid) && xsu_mkdir(xl->xs, t, vm, 0, domid) &&
         xsu_mkdir(xl->xs, t, libxl, 0, 0) && put(xl, t, dom, "vm", vm);
    rc = ok ? rename_in(xl, t, domid, dc->uuid, dc->name) : -EIO;
    if (rc) return rc;
    ok = put(xl, t, vm, "uuid", uuid) && make_guest_nodes(xl, t, dom, domid) &&
         put(xl, t, libxl, "type", "pv") && put(xl, t, libxl, "dm-version", "qemu_xen");
    return ok ? 0 : -EIO;
}

int tree_make(struct xl *xl, domid_t domid, const struct domain_config *dc, struct err *err) {
    xs_transaction_t t;
    int rc, saved;

    do {
        t = xs_transaction_start(xl->xs);
        if (!t) return err_set(err, -errno, "xenstore refuses a transaction: %s", strerror(errno));
        xs_together(xl->xs);
        rc = make_in(xl, t, domid, dc);
        if (!xsu_settle(xl->xs, !rc) && !rc) rc = -EIO;
        saved = errno;
        if (!xs_transaction_end(xl->xs, t, rc != 0) && !rc) {
            saved = errno;
            rc = saved == EAGAIN ? -EAGAIN : -EIO;
        }
    } while (rc == -EAGAIN);
    if (rc == -EEXIST)
        return err_set(err, rc,
                       "a domain named \"%s\" already exists; choose another name or "
                       "destroy it",
                       dc->name);
    if (rc)
        return err_set(err, -saved, "cannot write /local/domain/%u: %s", domid, strerror(saved));
    return 0;
}

static bool publish_domain(struct xl *xl, xs_transaction_t t, domid_t domid,
                           const struct domain_config *dc, const struct builder_result *built) {
    char dom[40], key[40];
    bool ok;

    snprintf(dom, sizeof(dom), "/local/domain/%u", domid);
    ok = putf(xl, t, dom, "memory/static-max", "%llu", (unsigned long long)dc->max_memkb) &&
         putf(xl, t, dom, "memory/target", "%llu", (unsigned long long)dc->memkb) &&
         put(xl, t, dom, "memory/videoram", "0") && putf(xl, t, dom, "domid", "%u", domid) &&
         putf(xl, t, dom, "store/port", "%u", built->store_port) &&
         putf(xl, t, dom, "store/ring-ref", "%llu", (unsigned long long)built->store_mfn);
    for (unsigned i = 0; i < dc->max_vcpus && ok; i++) {
        snprintf(key, sizeof(key), "cpu/%u/availability", i);
        ok = put(xl, t, dom, key, i < dc->vcpus ? "online" : "offline");
    }
    return ok;
}

static bool publish_vm(struct xl *xl, xs_transaction_t t, const struct domain_config *dc) {
    char uuid[UUID_STRLEN + 1], vm[60];
    struct timeval now;

    gettimeofday(&now, NULL);
    uuid_format(dc->uuid, uuid);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    return put(xl, t, vm, "image/ostype", "linux") && put(xl, t, vm, "image/kernel", dc->kernel) &&
           (!dc->ramdisk || put(xl, t, vm, "image/ramdisk", dc->ramdisk)) &&
           (!dc->cmdline || put(xl, t, vm, "image/cmdline", dc->cmdline)) &&
           putf(xl, t, vm, "start_time", "%lld.%02d", (long long)now.tv_sec,
                (int)(now.tv_usec / 10000));
}

int tree_publish(struct xl *xl, domid_t domid, const struct domain_config *dc,
                 const struct builder_result *built, struct err *err) {
    xs_transaction_t t;
    bool ok, again;
    int saved;

    do {
        t = xs_transaction_start(xl->xs);
        if (!t) return err_set(err, -errno, "xenstore refuses a transaction: %s", strerror(errno));
        xs_together(xl->xs);
        ok = publish_domain(xl, t, domid, dc, built) && publish_vm(xl, t, dc);
        ok = xsu_settle(xl->xs, ok);
        saved = errno;
        again = !xs_transaction_end(xl->xs, t, !ok) && ok && errno == EAGAIN;
    } while (again);
    if (!ok)
        return err_set(err, -saved, "cannot write /local/domain/%u: %s", domid, strerror(saved));
    if (!xs_introduce_domain(xl->xs, domid, built->store_mfn, built->store_port))
        return err_set(err, -errno, "xenstored does not take domain %u up: %s", domid,
                       strerror(errno));
    return 0;
}

void tree_remove(struct xl *xl, domid_t domid, const uint8_t uuid[16]) {
    char text[UUID_STRLEN + 1], *vm = xsu_read(xl->xs, XBT_NULL, "/local/domain/%u/vm", domid);
    char *path = xasprintf("/local/domain/0/device-model/%u", domid);

    xs_together(xl->xs);
    xs_rm(xl->xs, XBT_NULL, path);
    free(path);
    /* The uuid of the hypervisor and the node agree, except in a domain that is half renamed. */
    uuid_format(uuid, text);
    path = xasprintf("/vm/%s", text);
    xs_rm(xl->xs, XBT_NULL, path);
    if (vm && !strncmp(vm, "/vm/", 4) && strcmp(vm, path)) xs_rm(xl->xs, XBT_NULL, vm);
    free(path);
    free(vm);
    path = xasprintf("/local/domain/%u", domid);
    xs_rm(xl->xs, XBT_NULL, path);
    free(path);
    path = xasprintf("/libxl/%u", domid);
    xs_rm(xl->xs, XBT_NULL, path);
    free(path);
    xs_settle(xl->xs);
}

/* The console is older than the device protocol: its ring is a frame number, its directory is
 * dom0's, and xenconsoled serves it as soon as it is written. */
int console_add(struct xl *xl, domid_t domid, uint32_t port, uint64_t mfn, struct err *err) {
    struct node_list back = {0}, front = {0};
    struct device dev;
    char *path;
    int rc;

    device_init(&dev, "console", domid, 0);
    nodes_add(&back, "online", xstrdup("1"));
    nodes_add(&back, "state", xstrdup("1"));
    nodes_add(&back, "protocol", xstrdup("vt100"));
    nodes_add(&front, "backend-id", xstrdup("0"));
    nodes_add(&front, "limit", xstrdup("1048576"));
    nodes_add(&front, "type", xstrdup("xenconsoled"));
    nodes_add(&front, "output", xstrdup("pty"));
    nodes_add(&front, "tty", xstrdup(""));
    nodes_add(&front, "port", xasprintf("%u", port));
    nodes_add(&front, "ring-ref", xasprintf("%llu", (unsigned long long)mfn));
    rc = device_write(xl, &dev, &back, &front, err);
    path = xasprintf("%s/backend-id", dev.frontend);
    if (!rc && !xsu_perms(xl->xs, XBT_NULL, path, domid, 0))
        rc = err_set(err, -errno, "permissions of %s: %s", path, strerror(errno));
    free(path);
    nodes_free(&back);
    nodes_free(&front);
    device_free(&dev);
    return rc;
}
