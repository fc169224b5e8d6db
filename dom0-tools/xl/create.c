/* SPDX-License-Identifier: MIT */
/*
 * Creating a domain: one list of steps, read from top to bottom.  Everything a step makes is
 * found again through the domain's id, so there is one undo for all steps after the hypervisor's
 * own domain exists: domain_destroy(), which is also what clears up after an xl that was killed.
 */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "builder.h"
#include "device.h"
#include "domjson.h"
#include "lifecycle.h"
#include "tree.h"
#include "userdata.h"
#include "xsutil.h"

#define CONSOLE_WAIT_MS        10000
#define DEFAULT_EVENT_CHANNELS 1023 /* as libxl */

struct creation {
    struct xl *xl;
    struct domain_config *dc;
    domid_t domid;
    bool exists; /* the hypervisor has the domain */
    struct builder *builder;
    struct builder_result built;
    struct device *disks, *nics;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig) { interrupted = sig; }

/* ---- before anything exists ---- */

static int check_disk(const struct disk_cfg *d, struct err *err) {
    struct stat st;

    if (d->script || d->format == DISK_EMPTY) return 0;
    if (d->format != DISK_RAW)
        return err_set(err, -EOPNOTSUPP,
                       "disk %s: format %s is not supported by Hospes yet; "
                       "convert it: qemu-img convert -O raw %s NEW",
                       d->vdev, disk_format_name(d->format), d->target);
    if (d->backend > BACKEND_PHY)
        return err_set(err, -EOPNOTSUPP, "disk %s: only backendtype=phy is supported by Hospes yet",
                       d->vdev);
    if (d->target[0] != '/')
        return err_set(err, -EINVAL, "disk %s: %s is not an absolute path", d->vdev, d->target);
    if (stat(d->target, &st))
        return err_set(err, -errno, "disk %s: %s: %s; check the target in the disk line", d->vdev,
                       d->target, strerror(errno));
    return 0;
}

static int check_nic(const struct nic_cfg *n, struct err *err) {
    const char *bridge = n->bridge ? n->bridge : "xenbr0";

    if (n->script || if_nametoindex(bridge)) return 0;
    return err_set(err, -ENODEV,
                   "vif %d: bridge %s does not exist; make it with: ip link add %s "
                   "type bridge && ip link set %s up",
                   n->devid, bridge, bridge, bridge);
}

static int step_check(struct creation *c, struct err *err) {
    domid_t other;
    int rc = 0;

    if (!name_to_domid(c->xl, c->dc->name, &other))
        return err_set(err, -EEXIST,
                       "a domain named \"%s\" already exists (id %u); choose another "
                       "name, or: xl destroy %u",
                       c->dc->name, other, other);
    for (size_t i = 0; i < c->dc->num_disks && !rc; i++) rc = check_disk(&c->dc->disks[i], err);
    for (size_t i = 0; i < c->dc->num_nics && !rc; i++) rc = check_nic(&c->dc->nics[i], err);
    return rc;
}

static void log_line(const char *line) { fprintf(stderr, "builder: %s\n", line); }

static int step_read_kernel(struct creation *c, struct err *err) {
    struct builder_params p = {
        .kernel = c->dc->kernel,
        .ramdisk = c->dc->ramdisk,
        .cmdline = c->dc->cmdline,
        .memory_kib = c->dc->memkb,
        .maxmem_kib = c->dc->max_memkb,
        .max_vcpus = c->dc->max_vcpus,
        .log = c->xl->verbose ? log_line : NULL,
    };

    return builder_new(&c->builder, &p, err);
}

/* ---- the domain ---- */

static unsigned grant_version(struct xl *xl) {
    struct xen_sysctl_physinfo p;

    return hv_physinfo(xl->hv, &p) >= 0 && (p.capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v2) ? 2 : 1;
}

static int step_create(struct creation *c, struct err *err) {
    const struct domain_config *dc = c->dc;
    struct xen_domctl_createdomain config = {
        .max_vcpus = dc->max_vcpus,
        .max_evtchn_port =
            dc->max_event_channels >= 0 ? dc->max_event_channels : DEFAULT_EVENT_CHANNELS,
        .max_grant_frames = dc->max_grant_frames,
        .max_maptrack_frames = dc->max_maptrack_frames,
        .grant_opts = XEN_DOMCTL_GRANT_version(grant_version(c->xl)),
    };
    int rc;

    memcpy(config.handle, dc->uuid, sizeof(config.handle));
    rc = hv_domain_create(c->xl->hv, &c->domid, &config);
    if (rc < 0)
        return err_set(err, rc, "%s%s", hv_context(c->xl->hv),
                       rc == -ENOMEM ? "; free memory is shown by: xl info free_memory" : "");
    c->exists = true;
    return 0;
}

static int step_tree(struct creation *c, struct err *err) {
    return tree_make(c->xl, c->domid, c->dc, err);
}

static int step_userdata(struct creation *c, struct err *err) {
    struct json_object *json = domjson_from_config(c->dc, true);
    int rc = userdata_store(c->domid, c->dc->uuid, json, err);

    json_object_put(json);
    return rc;
}

static int step_build(struct creation *c, struct err *err) {
    int rc = builder_run(c->builder, c->xl->hv, c->domid, &c->built, err);

    builder_free(c->builder); /* the kernel's pages are not needed any more */
    c->builder = NULL;
    return rc;
}

/* ---- time and scheduling ---- */

static int set_affinity(struct creation *c) {
    const struct domain_config *dc = c->dc;
    int rc = 0;

    for (unsigned i = 0; i < dc->max_vcpus && rc >= 0; i++) {
        struct cpu_set hard, soft;
        bool have_hard = i < dc->num_hard, have_soft = i < dc->num_soft;

        if (!have_hard && !have_soft) continue;
        if (have_hard) hard = dc->hard[i];
        if (have_soft) soft = dc->soft[i];
        rc = hv_vcpu_set_affinity(c->xl->hv, c->domid, i, have_hard ? hard.map : NULL,
                                  have_soft ? soft.map : NULL, sizeof(hard.map));
    }
    return rc;
}

static int set_scheduling(struct creation *c) {
    uint16_t weight, cap;
    int rc;

    if (c->dc->weight < 0 && c->dc->cap < 0) return 0;
    rc = hv_sched_credit2_get(c->xl->hv, c->domid, &weight, &cap);
    if (rc < 0) return rc;
    if (c->dc->weight >= 0) weight = (uint16_t)c->dc->weight;
    if (c->dc->cap >= 0) cap = (uint16_t)c->dc->cap;
    return hv_sched_credit2_set(c->xl->hv, c->domid, weight, cap);
}

static int64_t time_offset(const struct domain_config *dc) {
    time_t now = time(NULL);
    struct tm tm;

    if (!dc->localtime || !localtime_r(&now, &tm)) return dc->rtc_timeoffset;
    return dc->rtc_timeoffset + tm.tm_gmtoff;
}

static int step_time(struct creation *c, struct err *err) {
    struct xen_domctl_tsc_info tsc = {.tsc_mode = c->dc->tsc_mode};
    int rc = hv_domain_set_tsc(c->xl->hv, c->domid, &tsc);

    if (rc >= 0 && time_offset(c->dc))
        rc = hv_domain_set_time_offset(c->xl->hv, c->domid, time_offset(c->dc));
    if (rc >= 0) rc = set_affinity(c);
    if (rc >= 0) rc = set_scheduling(c);
    return rc < 0 ? err_set(err, rc, "%s", hv_context(c->xl->hv)) : 0;
}

/* ---- xenstore and devices ---- */

static int step_publish(struct creation *c, struct err *err) {
    return tree_publish(c->xl, c->domid, c->dc, &c->built, err);
}

static int step_console(struct creation *c, struct err *err) {
    return console_add(c->xl, c->domid, c->built.console_port, c->built.console_mfn, err);
}

/* All first, so that dom0's drivers take them up while we serve the others. */
static int step_write_devices(struct creation *c, struct err *err) {
    int rc;

    for (size_t i = 0; i < c->dc->num_disks; i++) {
        rc = disk_write(c->xl, c->domid, &c->dc->disks[i], &c->disks[i], err);
        if (rc) return err_prefix(err, "disk %s", c->dc->disks[i].vdev);
    }
    for (size_t i = 0; i < c->dc->num_nics; i++) {
        rc = nic_write(c->xl, c->domid, &c->dc->nics[i], &c->nics[i], err);
        if (rc) return err_prefix(err, "vif %d", c->dc->nics[i].devid);
    }
    return 0;
}

static int step_disks(struct creation *c, struct err *err) {
    for (size_t i = 0; i < c->dc->num_disks; i++) {
        struct disk_cfg *d = &c->dc->disks[i];
        int rc = device_wait_backend(c->xl, &c->disks[i], err);

        if (!rc) rc = disk_attach(c->xl, &c->disks[i], d, err);
        if (rc) return err_prefix(err, "disk %s, %s", d->vdev, d->target ? d->target : "(empty)");
    }
    return 0;
}

static int step_nics(struct creation *c, struct err *err) {
    for (size_t i = 0; i < c->dc->num_nics; i++) {
        int rc = device_wait_backend(c->xl, &c->nics[i], err);

        if (!rc) rc = nic_attach(c->xl, &c->nics[i], &c->dc->nics[i], err);
        if (rc) return err_prefix(err, "vif %d", c->dc->nics[i].devid);
    }
    return 0;
}

static bool has_tty(void *arg) {
    struct creation *c = arg;
    char *tty = xsu_read(c->xl->xs, XBT_NULL, "/local/domain/%u/console/tty", c->domid);
    bool ok = tty && *tty;

    free(tty);
    return ok;
}

static int step_tty(struct creation *c, struct err *err) {
    char *path = xasprintf("/local/domain/%u/console", c->domid);
    int rc = xsu_wait(c->xl->xs, path, CONSOLE_WAIT_MS, has_tty, c);

    free(path);
    if (!rc) return 0;
    return err_set(err, rc, "xenconsoled did not take the console up within %d s; is it running?",
                   CONSOLE_WAIT_MS / 1000);
}

static const struct step {
    const char *name;
    int (*run)(struct creation *c, struct err *err);
} steps[] = {
    {"checking the configuration", step_check},
    {"reading the kernel", step_read_kernel},
    {"creating the domain", step_create},
    {"making its xenstore nodes", step_tree},
    {"storing the configuration", step_userdata},
    {"building the domain", step_build},
    {"setting time and scheduling", step_time},
    {"introducing it to xenstored", step_publish},
    {"making the console", step_console},
    {"making the devices", step_write_devices},
    {"attaching disks", step_disks},
    {"attaching network interfaces", step_nics},
    {"waiting for the console", step_tty},
};

static int run_steps(struct creation *c, struct err *err) {
    int rc = 0;

    for (size_t i = 0; i < ARRAY_SIZE(steps) && !rc; i++) {
        if (c->xl->verbose) fprintf(stderr, "xl: %s\n", steps[i].name);
        rc = interrupted ? err_set(err, -EINTR, "interrupted") : steps[i].run(c, err);
        if (rc) err_prefix(err, "%s", steps[i].name);
    }
    return rc;
}

static void undo(struct creation *c) {
    struct err err;

    if (c->exists && domain_destroy(c->xl, c->domid, &err))
        fprintf(stderr, "xl: clearing up after the failure: %s; try: xl destroy %u\n", err.text,
                c->domid);
}

int domain_create(struct xl *xl, struct domain_config *dc, domid_t *domid, struct err *err) {
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction catch = {.sa_handler = on_signal}, old[ARRAY_SIZE(signals)];
    struct creation c = {.xl = xl, .dc = dc};
    int rc;

    interrupted = 0;
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) sigaction(signals[i], &catch, &old[i]);
    domcfg_complete(dc);
    c.disks = xcalloc(dc->num_disks, sizeof(*c.disks));
    c.nics = xcalloc(dc->num_nics, sizeof(*c.nics));
    rc = run_steps(&c, err);
    if (rc) undo(&c);
    builder_free(c.builder);
    for (size_t i = 0; i < dc->num_disks; i++) device_free(&c.disks[i]);
    for (size_t i = 0; i < dc->num_nics; i++) device_free(&c.nics[i]);
    free(c.disks);
    free(c.nics);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) sigaction(signals[i], &old[i], NULL);
    *domid = c.domid;
    return rc;
}
