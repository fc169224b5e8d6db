/* SPDX-License-Identifier: MIT */
/* Devices in xenstore: making the nodes, waiting for dom0's drivers, taking all down. */
#include "device.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "domjson.h"
#include "userdata.h"
#include "xsutil.h"

#include <public/io/xenbus.h>

#define BACKEND_WAIT_MS 10000 /* as libxl */

void nodes_add(struct node_list *l, const char *key, char *value) {
    if (!value || l->num == MAX_NODES) {
        free(value);
        return;
    }
    l->nodes[l->num++] = (struct node){key, value};
}

void nodes_free(struct node_list *l) {
    for (unsigned i = 0; i < l->num; i++) free(l->nodes[i].value);
    l->num = 0;
}

void device_init(struct device *dev, const char *kind, domid_t domid, int id) {
    const char *front = !strcmp(kind, "qdisk") ? "vbd" : kind;

    dev->kind = kind;
    dev->domid = domid;
    dev->id = id;
    dev->frontend = !strcmp(kind, "console")
                        ? xasprintf("/local/domain/%u/console", domid)
                        : xasprintf("/local/domain/%u/device/%s/%d", domid, front, id);
    dev->backend = xasprintf("/local/domain/0/backend/%s/%u/%d", kind, domid, id);
    dev->libxl = xasprintf("/libxl/%u/device/%s/%d", domid, front, id);
}

void device_free(struct device *dev) {
    free(dev->frontend);
    free(dev->backend);
    free(dev->libxl);
    dev->frontend = dev->backend = dev->libxl = NULL;
}

static bool write_all(struct xl *xl, xs_transaction_t t, const char *dir,
                      const struct node_list *l) {
    bool ok = true;

    for (unsigned i = 0; i < l->num && ok; i++) {
        char *path = xasprintf("%s/%s", dir, l->nodes[i].key);

        ok = xsu_write(xl->xs, t, path, l->nodes[i].value);
        free(path);
    }
    return ok;
}

static bool write_one(struct xl *xl, xs_transaction_t t, const char *dir, const char *key,
                      const char *value) {
    char *path = xasprintf("%s/%s", dir, key);
    bool ok = xsu_write(xl->xs, t, path, value);

    free(path);
    return ok;
}

/* The console's frontend directory is dom0's; those below device/ are the guest's. */
static bool write_in(struct xl *xl, xs_transaction_t t, const struct device *dev,
                     const struct node_list *back, const struct node_list *front) {
    bool own = strcmp(dev->kind, "console") != 0;
    char id[12];

    snprintf(id, sizeof(id), "%u", dev->domid);
    return (own ? xsu_mkdir(xl->xs, t, dev->frontend, dev->domid, 0)
                : xsu_mkdir(xl->xs, t, dev->frontend, 0, dev->domid)) &&
           write_one(xl, t, dev->frontend, "backend", dev->backend) &&
           write_all(xl, t, dev->frontend, front) &&
           xsu_mkdir(xl->xs, t, dev->backend, 0, dev->domid) &&
           write_one(xl, t, dev->backend, "frontend", dev->frontend) &&
           write_one(xl, t, dev->backend, "frontend-id", id) &&
           write_all(xl, t, dev->backend, back) && xsu_mkdir(xl->xs, t, dev->libxl, 0, 0) &&
           write_one(xl, t, dev->libxl, "frontend", dev->frontend) &&
           write_one(xl, t, dev->libxl, "backend", dev->backend) &&
           write_one(xl, t, dev->libxl, "frontend-id", id) && write_all(xl, t, dev->libxl, back);
}

int device_write(struct xl *xl, const struct device *dev, const struct node_list *back,
                 const struct node_list *front, struct err *err) {
    xs_transaction_t t;
    bool ok, retry;
    int saved;

    do {
        t = xs_transaction_start(xl->xs);
        if (!t) return err_set(err, -errno, "xenstore refuses a transaction: %s", strerror(errno));
        xs_together(xl->xs);
        ok = xsu_settle(xl->xs, write_in(xl, t, dev, back, front));
        saved = errno;
        retry = !xs_transaction_end(xl->xs, t, !ok) && ok && errno == EAGAIN;
        if (!ok) return err_set(err, -saved, "cannot write %s: %s", dev->backend, strerror(saved));
    } while (retry);
    return 0;
}

/* ---- states ---- */

struct state_wait {
    struct xl *xl;
    const char *backend;
    int state; /* what it was at the last look; -1: the node is gone */
    int want;
};

static bool state_reached(void *arg) {
    struct state_wait *w = arg;

    w->state = (int)xsu_read_number(w->xl->xs, -1, "%s/state", w->backend);
    return w->want == XenbusStateClosed ? w->state < 0 || w->state == XenbusStateClosed
                                        : w->state >= w->want;
}

static int wait_state(struct xl *xl, const char *backend, int want, int *state) {
    struct state_wait w = {xl, backend, -1, want};
    char *path = xasprintf("%s/state", backend);
    int rc = xsu_wait(xl->xs, path, BACKEND_WAIT_MS, state_reached, &w);

    free(path);
    *state = w.state;
    return rc;
}

int device_wait_backend(struct xl *xl, const struct device *dev, struct err *err) {
    int state, rc = wait_state(xl, dev->backend, XenbusStateInitWait, &state);
    const char *module = !strcmp(dev->kind, "vbd") ? "xen-blkback" : "xen-netback";
    char *why;

    if (!rc) return 0;
    why = xsu_read(xl->xs, XBT_NULL, "/local/domain/0/error/backend/%s/%u/%d/error", dev->kind,
                   dev->domid, dev->id);
    err_set(err, rc,
            "the backend driver did not take %s up within %d s (state %d)%s%s; "
            "try: modprobe %s",
            dev->backend, BACKEND_WAIT_MS / 1000, state, why ? ": " : "", why ? why : "", module);
    free(why);
    return rc;
}

/* ---- removal ---- */

struct found {
    struct device *devs;
    unsigned num;
};

static void found_add(struct found *f, const char *kind, domid_t domid, int id) {
    for (unsigned i = 0; i < f->num; i++)
        if (f->devs[i].id == id && !strcmp(f->devs[i].kind, kind)) return;
    f->devs = xrealloc(f->devs, (f->num + 1) * sizeof(*f->devs));
    device_init(&f->devs[f->num++], xstrdup(kind), domid, id);
}

/* Ids below dir, "DIR/ID"; kind is what the backend calls it. */
static void find_ids(struct xl *xl, struct found *f, const char *dir, const char *kind,
                     domid_t domid) {
    unsigned num;
    char **ids = xs_directory(xl->xs, XBT_NULL, dir, &num);
    long long id;

    for (unsigned i = 0; ids && i < num; i++)
        if (parse_long(ids[i], &id) && id >= 0 && id <= INT32_MAX)
            found_add(f, kind, domid, (int)id);
    free(ids);
}

/* Both what the tools noted and what backends exist: a half-built domain may have either. */
static struct found find_devices(struct xl *xl, domid_t domid) {
    struct found f = {0};
    unsigned num;
    char **kinds = xs_directory(xl->xs, XBT_NULL, "/local/domain/0/backend", &num), *dir;

    for (unsigned i = 0; kinds && i < num; i++) {
        dir = xasprintf("/local/domain/0/backend/%s/%u", kinds[i], domid);
        find_ids(xl, &f, dir, kinds[i], domid);
        free(dir);
    }
    free(kinds);
    dir = xasprintf("/libxl/%u/device", domid);
    kinds = xs_directory(xl->xs, XBT_NULL, dir, &num);
    free(dir);
    for (unsigned i = 0; kinds && i < num; i++) {
        if (!strcmp(kinds[i], "vbd")) continue; /* its backend may be vbd or qdisk: found above */
        dir = xasprintf("/libxl/%u/device/%s", domid, kinds[i]);
        find_ids(xl, &f, dir, kinds[i], domid);
        free(dir);
    }
    free(kinds);
    return f;
}

/* Asks the backend to close and takes the frontend away. True if it is worth waiting for. */
static bool begin_close(struct xl *xl, const struct device *dev) {
    int state = (int)xsu_read_number(xl->xs, -1, "%s/state", dev->backend);
    bool driven = state >= XenbusStateInitWait && state != XenbusStateClosed;
    char *online = xasprintf("%s/online", dev->backend), *path;
    xs_transaction_t t;
    bool ok, again;

    path = xasprintf("%s/state", dev->backend);
    do {
        t = xs_transaction_start(xl->xs);
        if (!t) break;
        ok = state < 0 || xsu_write(xl->xs, t, online, "0");
        if (ok && driven) ok = xsu_write(xl->xs, t, path, "5");
        if (strcmp(dev->kind, "console")) xs_rm(xl->xs, t, dev->frontend);
        again = !xs_transaction_end(xl->xs, t, !ok) && ok && errno == EAGAIN;
    } while (again);
    free(online);
    free(path);
    return driven && strcmp(dev->kind, "console") != 0;
}

/* Did the configuration name a script for this device itself? */
static bool has_own_script(struct json_object *json, const struct device *dev) {
    bool vbd = !strcmp(dev->kind, "vbd");
    struct json_object *list = domjson_get(json, vbd ? "disks" : "nics", NULL);
    size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

    for (size_t i = 0; i < n; i++) {
        struct json_object *o = json_object_array_get_idx(list, i);
        struct json_object *key = domjson_get(o, vbd ? "vdev" : "devid", NULL);
        int id = -1;

        if (json_object_is_type(key, json_type_string))
            id = vdev_number(json_object_get_string(key));
        else if (json_object_is_type(key, json_type_int))
            id = json_object_get_int(key);
        if (id == dev->id) return domjson_get(o, "script", NULL) != NULL;
    }
    return false;
}

static void finish_close(struct xl *xl, const struct device *dev, bool wait, bool scripted) {
    int state;

    if (wait && wait_state(xl, dev->backend, XenbusStateClosed, &state) == -ETIMEDOUT)
        fprintf(stderr,
                "xl: warning: the backend of %s did not close within %d s (state %d); "
                "it is removed anyway\n",
                dev->backend, BACKEND_WAIT_MS / 1000, state);
    if (!strcmp(dev->kind, "vbd"))
        disk_detach(xl, dev, scripted);
    else if (!strcmp(dev->kind, "vif"))
        nic_detach(xl, dev, scripted);
    xsu_prune(xl->xs, dev->backend, "/local/domain/0");
    xs_rm(xl->xs, XBT_NULL, dev->libxl);
}

void devices_remove_all(struct xl *xl, domid_t domid, const uint8_t uuid[16]) {
    struct found f = find_devices(xl, domid);
    struct json_object *json = f.num ? userdata_load(domid, uuid, NULL) : NULL;
    bool *wait = xcalloc(f.num, sizeof(*wait));

    for (unsigned i = 0; i < f.num; i++) wait[i] = begin_close(xl, &f.devs[i]);
    for (unsigned i = 0; i < f.num; i++) {
        finish_close(xl, &f.devs[i], wait[i], has_own_script(json, &f.devs[i]));
        free((char *)f.devs[i].kind);
        device_free(&f.devs[i]);
    }
    json_object_put(json);
    free(wait);
    free(f.devs);
}
