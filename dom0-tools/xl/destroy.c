/* SPDX-License-Identifier: MIT */
/*
 * Destroying a domain.  Order: stop it, close its devices while its memory is still there, remove
 * what xenstore and disk know of it, and only then the domain itself: killed in between, xl
 * leaves a domain that `xl list` shows and that can be destroyed again.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device.h"
#include "lifecycle.h"
#include "tree.h"
#include "userdata.h"
#include "xsutil.h"

/* A domain made by stock xl may have a QEMU for qcow2 disks. */
static void stop_device_model(struct xl *xl, domid_t domid) {
    long long pid = xsu_read_number(xl->xs, -1, "/local/domain/%u/image/device-model-pid", domid);
    char *path, *comm;

    if (pid <= 1) return;
    path = xasprintf("/proc/%lld/cmdline", pid);
    comm = read_file(path, 1 << 20, NULL);
    if (comm && strstr(comm, "qemu")) kill((pid_t)pid, SIGHUP);
    free(comm);
    free(path);
}

static int destroy_in_hypervisor(struct xl *xl, domid_t domid, struct err *err) {
    int rc;

    do {
        rc = hv_domain_destroy(xl->hv, domid);
        if (rc == -EAGAIN || rc == -EINTR) poll(NULL, 0, 1);
    } while (rc == -EAGAIN || rc == -EINTR);
    /* -ESRCH: another xl, or the domain's monitor, was at it too and was faster. */
    return rc < 0 && rc != -ESRCH ? err_set(err, rc, "%s", hv_context(xl->hv)) : 0;
}

int domain_destroy(struct xl *xl, domid_t domid, struct err *err) {
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(xl->hv, domid, &info);

    if (rc == -ESRCH) return err_set(err, rc, "domain %u does not exist", domid);
    if (rc >= 0) rc = hv_domain_pause(xl->hv, domid);
    if (rc < 0) return err_set(err, rc, "%s", hv_context(xl->hv));
    stop_device_model(xl, domid);
    devices_remove_all(xl, domid, info.handle);
    userdata_remove(domid, info.handle);
    tree_remove(xl, domid, info.handle);
    return destroy_in_hypervisor(xl, domid, err);
}

static bool copy_vm(struct xl *xl, domid_t domid, const char *old, const char *fresh) {
    static const char *const keys[] = {
        "name", "start_time", "image/ostype", "image/kernel", "image/ramdisk", "image/cmdline",
    };
    char *path;
    bool ok = xsu_mkdir(xl->xs, XBT_NULL, fresh, 0, domid);

    for (size_t i = 0; i < ARRAY_SIZE(keys) && ok; i++) {
        char *value = xsu_read(xl->xs, XBT_NULL, "%s/%s", old, keys[i]);

        path = xasprintf("%s/%s", fresh, keys[i]);
        ok = !value || xsu_write(xl->xs, XBT_NULL, path, value);
        free(path);
        free(value);
    }
    path = xasprintf("%s/uuid", fresh);
    ok = ok && xsu_write(xl->xs, XBT_NULL, path, fresh + strlen("/vm/"));
    free(path);
    path = xasprintf("/local/domain/%u/vm", domid);
    ok = ok && xsu_write(xl->xs, XBT_NULL, path, fresh);
    free(path);
    return ok && xs_rm(xl->xs, XBT_NULL, old);
}

static void preserved_name(const char *name, char *out, size_t size) {
    time_t now = time(NULL);
    struct tm tm;
    char suffix[32];

    gmtime_r(&now, &tm);
    strftime(suffix, sizeof(suffix), "-%Y%m%dT%H%MZ", &tm);
    snprintf(out, size, "%s%s", name, suffix);
}

int domain_preserve(struct xl *xl, domid_t domid, struct domain_config *dc, struct err *err) {
    struct domain_config kept = {0};
    struct json_object *json = userdata_load(domid, dc->uuid, NULL);
    char text[2][UUID_STRLEN + 1], *old, *fresh, name[256];
    xen_domain_handle_t handle;
    struct err ignored;
    int rc;

    domcfg_complete(&kept);
    preserved_name(dc->name, name, sizeof(name));
    devices_remove_all(xl, domid, dc->uuid);
    uuid_format(dc->uuid, text[0]);
    uuid_format(kept.uuid, text[1]);
    old = xasprintf("/vm/%s", text[0]);
    fresh = xasprintf("/vm/%s", text[1]);
    memcpy(handle, kept.uuid, sizeof(handle));
    rc = hv_domain_set_handle(xl->hv, domid, handle);
    if (rc < 0)
        err_set(err, rc, "%s", hv_context(xl->hv));
    else if (!copy_vm(xl, domid, old, fresh))
        rc = err_set(err, -errno, "cannot move %s: %s", old, strerror(errno));
    else
        rc = domain_rename(xl, domid, name, err);
    if (json && rc >= 0) userdata_store(domid, kept.uuid, json, &ignored);
    userdata_remove(domid, dc->uuid);
    json_object_put(json);
    free(old);
    free(fresh);
    return rc < 0 ? rc : 0;
}
