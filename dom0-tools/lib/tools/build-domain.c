/* SPDX-License-Identifier: MIT */
/*
 * build-domain KERNEL RAMDISK|- MEMMB CMDLINE [VCPUS]: builds and starts one PV guest without
 * devices, for testing the builder where no xl is wanted. Prints the new domain's id.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../builder.h"
#include "../domctl.h"
#include "../xs/xs.h"

static void log_line(const char *line) { fprintf(stderr, "build-domain: %s\n", line); }

static bool put(struct xs_handle *xs, unsigned int domid, const char *node, const char *value,
                bool guest_readable) {
    struct xs_permissions perms[] = {{0, XS_PERM_NONE}, {domid, XS_PERM_READ}};
    char path[128];

    snprintf(path, sizeof(path), "/local/domain/%u%s%s", domid, *node ? "/" : "", node);
    return xs_write(xs, XBT_NULL, path, value, (unsigned int)strlen(value)) &&
           (!guest_readable || xs_set_permissions(xs, XBT_NULL, path, perms, 2));
}

static bool put_number(struct xs_handle *xs, unsigned int domid, const char *node,
                       unsigned long value) {
    char text[32];

    snprintf(text, sizeof(text), "%lu", value);
    return put(xs, domid, node, text, true);
}

/* The nodes that xenstored, xenconsoled and the guest look for; then the introduction. */
static bool publish(struct xs_handle *xs, unsigned int domid, const struct builder_result *built) {
    char name[32];

    snprintf(name, sizeof(name), "built-%u", domid);
    return put(xs, domid, "", "", true) && put(xs, domid, "name", name, true) &&
           put_number(xs, domid, "domid", domid) && put(xs, domid, "console", "", true) &&
           put(xs, domid, "console/type", "xenconsoled", true) &&
           put(xs, domid, "console/output", "pty", true) &&
           put_number(xs, domid, "console/limit", 1048576) &&
           put_number(xs, domid, "console/ring-ref", built->console_mfn) &&
           put_number(xs, domid, "console/port", built->console_port) &&
           put(xs, domid, "console/tty", "", true) &&
           xs_introduce_domain(xs, domid, built->store_mfn, built->store_port);
}

static void configure(struct xen_domctl_createdomain *config, unsigned int vcpus) {
    memset(config, 0, sizeof(*config));
    config->max_vcpus = vcpus;
    config->max_evtchn_port = 1023;
    config->max_grant_frames = 64;
    config->max_maptrack_frames = 1024;
    config->grant_opts = XEN_DOMCTL_GRANT_version(2);
    config->handle[0] = 0xb1;
    config->handle[15] = (uint8_t)getpid();
}

static int run(struct hv *hv, struct xs_handle *xs, struct builder *b, unsigned int vcpus,
               struct err *err) {
    struct xen_domctl_createdomain config;
    struct builder_result built;
    domid_t domid = 0;
    int ret;

    configure(&config, vcpus);
    ret = hv_domain_create(hv, &domid, &config);
    if (ret < 0) return err_set(err, ret, "%s", hv_context(hv));
    ret = builder_run(b, hv, domid, &built, err);
    if (!ret && !publish(xs, domid, &built))
        ret = err_set(err, -errno, "xenstore nodes of domain %u: %s", domid, strerror(errno));
    if (!ret && hv_domain_unpause(hv, domid) < 0) ret = err_set(err, -EIO, "%s", hv_context(hv));
    if (ret)
        hv_domain_destroy(hv, domid);
    else
        printf("%u\n", domid);
    return ret;
}

int main(int argc, char **argv) {
    struct builder_params params = {.log = log_line};
    unsigned int vcpus = argc > 5 ? (unsigned int)atoi(argv[5]) : 1;
    struct err err = {0, ""};
    struct builder *b = NULL;
    struct xs_handle *xs;
    struct hv *hv = NULL;
    int ret = -EINVAL;

    if (argc < 5) {
        fprintf(stderr, "usage: build-domain KERNEL RAMDISK|- MEMMB CMDLINE [VCPUS]\n");
        return 2;
    }
    params.kernel = argv[1];
    params.ramdisk = strcmp(argv[2], "-") ? argv[2] : NULL;
    params.memory_kib = strtoull(argv[3], NULL, 0) << 10;
    params.cmdline = argv[4];
    params.max_vcpus = vcpus;
    xs = xs_open(0);
    if (!xs)
        err_set(&err, -errno, "cannot reach xenstored: %s", strerror(errno));
    else if (!builder_new(&b, &params, &err) && (hv = hv_open(&err)))
        ret = run(hv, xs, b, vcpus, &err);
    if (ret) fprintf(stderr, "build-domain: %s\n", err.text);
    builder_free(b);
    hv_close(hv);
    if (xs) xs_close(xs);
    return ret ? 1 : 0;
}
