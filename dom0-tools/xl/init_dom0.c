/* SPDX-License-Identifier: MIT */
/*
 * xen-init-dom0 [UUID]: run once at boot, after xenstored has started and before the first
 * guest.  Gives dom0 its name and id in xenstore, its memory figures, a stored configuration (so
 * that `xl list -l` shows it) and the cpupool its name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "userdata.h"
#include "xl.h"
#include "xsutil.h"

static struct json_object *dom0_json(const uint8_t uuid[16], bool have_uuid) {
    struct json_object *json = json_object_new_object(), *c = json_object_new_object();
    struct json_object *b = json_object_new_object();
    char text[UUID_STRLEN + 1];

    json_object_object_add(c, "type", json_object_new_string("pv"));
    json_object_object_add(c, "name", json_object_new_string("Domain-0"));
    if (have_uuid) {
        uuid_format(uuid, text);
        json_object_object_add(c, "uuid", json_object_new_string(text));
    }
    json_object_object_add(b, "max_memkb", json_object_new_int64(0));
    json_object_object_add(b, "target_memkb", json_object_new_int64(0));
    json_object_object_add(b, "sched_params", json_object_new_object());
    json_object_object_add(b, "type.pv", json_object_new_object());
    json_object_object_add(b, "arch_arm", json_object_new_object());
    json_object_object_add(b, "arch_x86", json_object_new_object());
    json_object_object_add(json, "c_info", c);
    json_object_object_add(json, "b_info", b);
    return json;
}

static bool write_memory(struct xl *xl, const struct xen_domctl_getdomaininfo *info) {
    unsigned long long kib = (unsigned long long)info->tot_pages * 4;
    unsigned long long max = (unsigned long long)info->max_pages * 4;

    /* Without dom0_mem's max: the limit is "all there is", which is no useful figure. */
    if (info->max_pages >= UINT32_MAX || max < kib) max = kib;
    return xsu_writef(xl->xs, XBT_NULL, "/local/domain/0/memory/static-max", "%llu", max) &&
           xsu_writef(xl->xs, XBT_NULL, "/local/domain/0/memory/target", "%llu", kib);
}

static int set_up(struct xl *xl, const char *uuid_text) {
    struct xen_domctl_getdomaininfo info;
    uint8_t uuid[16] = {0};
    xen_domain_handle_t handle;
    struct json_object *json;
    struct err err;
    bool ok;

    if (uuid_text) {
        if (!uuid_parse(uuid_text, uuid)) {
            fprintf(stderr, "failed to parse UUID %s\n", uuid_text);
            return 1;
        }
        memcpy(handle, uuid, sizeof(handle));
        if (hv_domain_set_handle(xl->hv, 0, handle) < 0) {
            fprintf(stderr, "xen-init-dom0: %s\n", hv_context(xl->hv));
            return 1;
        }
    }
    if (hv_domain_info(xl->hv, 0, &info) < 0) {
        fprintf(stderr, "xen-init-dom0: %s\n", hv_context(xl->hv));
        return 1;
    }
    userdata_remove(0, info.handle);
    json = dom0_json(info.handle, uuid_text != NULL);
    if (userdata_store(0, info.handle, json, &err)) {
        fprintf(stderr, "xen-init-dom0: %s\n", err.text);
        return 1;
    }
    json_object_put(json);
    ok = write_memory(xl, &info) && xsu_write(xl->xs, XBT_NULL, "/local/pool/0/name", "Pool-0") &&
         xsu_write(xl->xs, XBT_NULL, "/local/domain/0/domid", "0") &&
         xsu_write(xl->xs, XBT_NULL, "/local/domain/0/name", "Domain-0");
    if (!ok) fprintf(stderr, "xen-init-dom0: cannot write to xenstore: %s\n", strerror(errno));
    return !ok;
}

int main(int argc, char **argv) {
    struct xl xl = {0};
    struct err err;
    char *name;
    int rc = 0;

    if (argc > 2) {
        fprintf(stderr, "too many arguments\n");
        return 1;
    }
    xl.hv = hv_open(&err);
    if (!xl.hv) {
        fprintf(stderr, "xen-init-dom0: %s\n", err.text);
        return 1;
    }
    xl.xs = xs_open(0);
    if (!xl.xs) {
        fprintf(stderr, "xen-init-dom0: cannot connect to xenstore: %s; is xenstored running?\n",
                strerror(errno));
        return 1;
    }
    name = xsu_read(xl.xs, XBT_NULL, "/local/domain/0/name");
    if (name)
        fprintf(stderr, "Dom0 is already set up\n");
    else
        rc = set_up(&xl, argc > 1 ? argv[1] : NULL);
    if (!name && !rc) printf("Done setting up Dom0\n");
    free(name);
    xs_close(xl.xs);
    hv_close(xl.hv);
    return rc;
}
