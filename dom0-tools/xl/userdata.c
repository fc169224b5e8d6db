/* SPDX-License-Identifier: MIT */
/* Stored domain configurations. */
#include "userdata.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "domjson.h"
#include "xsutil.h"

#define USERDATA_DIR "/var/lib/xen"
#define MAX_JSON     (4 << 20)

static char *path_of(char which, domid_t domid, const uint8_t uuid[16], const char *user) {
    char text[UUID_STRLEN + 1];

    uuid_format(uuid, text);
    return xasprintf(USERDATA_DIR "/userdata-%c.%u.%s.%s", which, domid, text, user);
}

static int write_json(const char *path, struct json_object *json) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f) {
        if (fd >= 0) close(fd);
        return -errno;
    }
    domjson_print(f, json);
    if (ferror(f) | fclose(f)) return errno ? -errno : -EIO;
    return 0;
}

int userdata_store(domid_t domid, const uint8_t uuid[16], struct json_object *json,
                   struct err *err) {
    char *final = path_of('d', domid, uuid, "libxl-json");
    char *fresh = path_of('n', domid, uuid, "libxl-json");
    int rc;

    if (mkdir(USERDATA_DIR, 0755) && errno != EEXIST)
        rc = -errno;
    else
        rc = write_json(fresh, json);
    if (!rc && rename(fresh, final)) rc = -errno;
    if (rc) {
        unlink(fresh);
        err_set(err, rc, "cannot write %s: %s", final, strerror(-rc));
    }
    free(fresh);
    free(final);
    return rc;
}

struct json_object *userdata_load(domid_t domid, const uint8_t uuid[16], struct err *err) {
    char *path = path_of('d', domid, uuid, "libxl-json");
    char *text = read_file(path, MAX_JSON, NULL);
    struct json_object *json = NULL;
    enum json_tokener_error why;

    if (!text) {
        err_set(err, -errno, "cannot read %s: %s", path, strerror(errno));
    } else {
        json = json_tokener_parse_verbose(text, &why);
        if (!json) err_set(err, -EINVAL, "%s is damaged: %s", path, json_tokener_error_desc(why));
    }
    free(text);
    free(path);
    return json;
}

void userdata_remove(domid_t domid, const uint8_t uuid[16]) {
    char *pattern = path_of('?', domid, uuid, "*");
    glob_t g;

    if (!glob(pattern, 0, NULL, &g)) {
        for (size_t i = 0; i < g.gl_pathc; i++) unlink(g.gl_pathv[i]);
        globfree(&g);
    }
    free(pattern);
}

/* Memory comes first in b_info, as libxl prints it; a configuration without it is dom0's. */
static void set_memory(struct xl *xl, struct json_object *json,
                       const struct xen_domctl_getdomaininfo *info) {
    unsigned domid = info->domain;
    long long now = (long long)info->tot_pages * 4;
    long long max = xsu_read_number(xl->xs, now, "/local/domain/%u/memory/static-max", domid);
    long long target = xsu_read_number(xl->xs, now, "/local/domain/%u/memory/target", domid);
    long long video = xsu_read_number(xl->xs, 0, "/local/domain/%u/memory/videoram", domid);
    struct json_object *old = domjson_get(json, "b_info", NULL), *fresh;

    if (!domjson_get(old, "max_memkb", NULL)) {
        fresh = json_object_new_object();
        json_object_object_add(fresh, "max_memkb", NULL);
        json_object_object_add(fresh, "target_memkb", NULL);
        json_object_object_foreach(old, key, value)
            json_object_object_add(fresh, key, json_object_get(value));
        domjson_set(json, "b_info", NULL, fresh);
    }
    domjson_set(json, "b_info", "max_memkb", json_object_new_int64(max));
    domjson_set(json, "b_info", "target_memkb", json_object_new_int64(target + video));
}

static void set_scheduling(struct xl *xl, struct json_object *json, domid_t domid) {
    struct json_object *sched;
    uint16_t weight, cap;

    if (hv_sched_credit2_get(xl->hv, domid, &weight, &cap) < 0) return;
    sched = json_object_new_object();
    json_object_object_add(sched, "sched", json_object_new_string("credit2"));
    json_object_object_add(sched, "weight", json_object_new_int(weight));
    json_object_object_add(sched, "cap", json_object_new_int(cap));
    domjson_set(json, "b_info", "sched_params", sched);
}

struct json_object *userdata_current(struct xl *xl, const struct xen_domctl_getdomaininfo *info) {
    struct json_object *json = userdata_load(info->domain, info->handle, NULL);
    char *name;

    if (!json) return NULL;
    if (!json_object_is_type(domjson_get(json, "b_info", NULL), json_type_object))
        domjson_set(json, "b_info", NULL, json_object_new_object());
    name = domid_to_name(xl, info->domain);
    if (name) domjson_set(json, "c_info", "name", json_object_new_string(name));
    free(name);
    set_memory(xl, json, info);
    set_scheduling(xl, json, info->domain);
    return json;
}
