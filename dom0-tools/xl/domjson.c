/* SPDX-License-Identifier: MIT */
/* libxl's JSON form of a domain configuration, both ways, and its printed layout. */
#include "domjson.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

typedef struct json_object json;

/* ---- writing ---- */

static void put(json *o, const char *key, json *value) { json_object_object_add(o, key, value); }

static void put_text(json *o, const char *key, const char *text) {
    if (text) put(o, key, json_object_new_string(text));
}

static void put_int(json *o, const char *key, int64_t n) { put(o, key, json_object_new_int64(n)); }

static void put_bool(json *o, const char *key, bool b) { put_text(o, key, b ? "True" : "False"); }

static json *bitmap(const struct cpu_set *set) {
    json *a = json_object_new_array();

    for (int i = 0; i < MAX_VCPUS; i++)
        if (set->map[i / 8] >> (i % 8) & 1) json_object_array_add(a, json_object_new_int(i));
    return a;
}

static void put_affinity(json *o, const char *key, const struct cpu_set *sets, unsigned num) {
    json *a;

    if (!num) return;
    a = json_object_new_array();
    for (unsigned i = 0; i < num; i++) json_object_array_add(a, bitmap(&sets[i]));
    put(o, key, a);
}

/* full: also what libxl fills in when it creates the domain. */
static json *create_info(const struct domain_config *dc, bool full) {
    char uuid[UUID_STRLEN + 1];
    json *o = json_object_new_object();

    put_text(o, "type", "pv");
    put_text(o, "name", dc->name);
    if (full) put_int(o, "domid", UINT32_MAX); /* libxl: any free id */
    if (dc->uuid_set) {
        uuid_format(dc->uuid, uuid);
        put_text(o, "uuid", uuid);
    }
    if (dc->pool) put_text(o, "pool_name", dc->pool);
    put_bool(o, "run_hotplug_scripts", true);
    return o;
}

static json *sched_params(const struct domain_config *dc) {
    json *o = json_object_new_object();

    if (dc->weight >= 0) put_int(o, "weight", dc->weight);
    if (dc->cap >= 0) put_int(o, "cap", dc->cap);
    return o;
}

static const char *const tsc_modes[] = {
    "default",
    "always_emulate",
    "native",
    "native_paravirt",
};

static json *build_info(const struct domain_config *dc, bool full) {
    json *o = json_object_new_object(), *arch, *avail = json_object_new_array();

    for (unsigned i = 0; i < dc->vcpus; i++)
        json_object_array_add(avail, json_object_new_int((int)i));
    put_int(o, "max_vcpus", dc->max_vcpus);
    put(o, "avail_vcpus", avail);
    put_affinity(o, "vcpu_hard_affinity", dc->hard, dc->num_hard);
    put_affinity(o, "vcpu_soft_affinity", dc->soft, dc->num_soft);
    if (dc->tsc_mode) put_text(o, "tsc_mode", tsc_modes[dc->tsc_mode]);
    put_int(o, "max_memkb", (int64_t)dc->max_memkb);
    put_int(o, "target_memkb", (int64_t)dc->memkb);
    if (full) put_int(o, "video_memkb", 0);
    if (dc->rtc_timeoffset) put_int(o, "rtc_timeoffset", (uint32_t)dc->rtc_timeoffset);
    if (dc->localtime) put_bool(o, "localtime", true);
    if (dc->max_grant_frames >= 0) put_int(o, "max_grant_frames", dc->max_grant_frames);
    if (dc->max_maptrack_frames >= 0) put_int(o, "max_maptrack_frames", dc->max_maptrack_frames);
    put(o, "sched_params", sched_params(dc));
    put_bool(o, "claim_mode", true);
    if (dc->max_event_channels >= 0) put_int(o, "event_channels", dc->max_event_channels);
    put_text(o, "kernel", dc->kernel);
    put_text(o, "cmdline", dc->cmdline);
    put_text(o, "ramdisk", dc->ramdisk);
    put(o, "type.pv", json_object_new_object());
    put(o, "arch_arm", json_object_new_object());
    arch = json_object_new_object();
    if (full) put_bool(arch, "msr_relaxed", false);
    put(o, "arch_x86", arch);
    return o;
}

static json *disk_json(const struct disk_cfg *d, bool full) {
    static const char *const backends[] = {
        [BACKEND_UNKNOWN] = NULL,
        [BACKEND_PHY] = "phy",
        [BACKEND_TAP] = "tap",
        [BACKEND_QDISK] = "qdisk",
    };
    json *o = json_object_new_object();

    put_text(o, "pdev_path", d->target);
    put_text(o, "vdev", d->vdev);
    put_text(o, "backend", backends[d->backend]);
    put_text(o, "format", disk_format_name(d->format));
    put_text(o, "script", d->script);
    if (d->removable) put_int(o, "removable", 1);
    if (d->readwrite) put_int(o, "readwrite", 1);
    if (d->cdrom) put_int(o, "is_cdrom", 1);
    if (d->direct_io_safe) put(o, "direct_io_safe", json_object_new_boolean(1));
    if (d->discard != UNSET) put_bool(o, "discard_enable", d->discard == ON);
    if (full) put_bool(o, "colo_restore_enable", false);
    return o;
}

static json *nic_json(const struct nic_cfg *n, bool full) {
    json *o = json_object_new_object();
    char mac[18];

    if (n->devid >= 0) put_int(o, "devid", n->devid);
    if (n->mtu) put_int(o, "mtu", n->mtu);
    put_text(o, "model", n->model);
    if (n->mac_set) {
        snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", n->mac[0], n->mac[1], n->mac[2],
                 n->mac[3], n->mac[4], n->mac[5]);
        put_text(o, "mac", mac);
    }
    put_text(o, "ip", n->ip);
    put_text(o, "bridge", n->bridge);
    put_text(o, "ifname", n->ifname);
    put_text(o, "script", n->script);
    if (full) put_text(o, "nictype", "vif");
    if (n->rate_bytes) {
        put_int(o, "rate_bytes_per_interval", (int64_t)n->rate_bytes);
        put_int(o, "rate_interval_usecs", n->rate_usecs);
    }
    put_text(o, "gatewaydev", n->gatewaydev);
    return o;
}

/* libxl's names of the actions; "destroy" is its default. */
static const char *const action_json[] = {
    [ACTION_DESTROY] = "destroy",
    [ACTION_RESTART] = "restart",
    [ACTION_RENAME_RESTART] = "restart_rename",
    [ACTION_PRESERVE] = "preserve",
    [ACTION_COREDUMP_DESTROY] = "coredump_destroy",
    [ACTION_COREDUMP_RESTART] = "coredump_restart",
    [ACTION_SOFT_RESET] = "soft_reset",
};

static void put_action(json *o, const char *key, enum action a) {
    if (a != ACTION_DESTROY) put_text(o, key, action_json[a]);
}

json *domjson_from_config(const struct domain_config *dc, bool full) {
    json *o = json_object_new_object(), *list;

    put(o, "c_info", create_info(dc, full));
    put(o, "b_info", build_info(dc, full));
    if (dc->num_disks) {
        put(o, "disks", list = json_object_new_array());
        for (size_t i = 0; i < dc->num_disks; i++)
            json_object_array_add(list, disk_json(&dc->disks[i], full));
    }
    if (dc->num_nics) {
        put(o, "nics", list = json_object_new_array());
        for (size_t i = 0; i < dc->num_nics; i++)
            json_object_array_add(list, nic_json(&dc->nics[i], full));
    }
    put_action(o, "on_poweroff", dc->on_poweroff);
    put_action(o, "on_reboot", dc->on_reboot);
    put_action(o, "on_watchdog", dc->on_watchdog);
    put_action(o, "on_crash", dc->on_crash);
    put_action(o, "on_soft_reset", dc->on_soft_reset);
    return o;
}

/* ---- reading ---- */

json *domjson_get(json *o, const char *name, const char *sub) {
    json *member;

    if (!json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, name, &member))
        return NULL;
    return sub ? domjson_get(member, sub, NULL) : member;
}

void domjson_set(json *o, const char *name, const char *sub, json *value) {
    json *parent = sub ? domjson_get(o, name, NULL) : o;

    if (!parent) {
        parent = json_object_new_object();
        put(o, name, parent);
    }
    put(parent, sub ? sub : name, value);
}

static void get_text(json *o, const char *key, char **slot) {
    json *v = domjson_get(o, key, NULL);

    if (json_object_is_type(v, json_type_string))
        set_string(slot, xstrdup(json_object_get_string(v)));
}

static int64_t get_int(json *o, const char *key, int64_t min, int64_t max, int64_t def) {
    json *v = domjson_get(o, key, NULL);
    int64_t n;

    if (!json_object_is_type(v, json_type_int)) return def;
    n = json_object_get_int64(v);
    return n < min || n > max ? def : n;
}

static bool get_bool(json *o, const char *key) {
    json *v = domjson_get(o, key, NULL);

    if (json_object_is_type(v, json_type_string)) return !strcmp(json_object_get_string(v), "True");
    return v && json_object_get_boolean(v);
}

static size_t list_length(json *list) {
    return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void get_affinity(json *o, const char *key, struct cpu_set **sets, unsigned *num) {
    json *list = domjson_get(o, key, NULL);
    size_t n = list_length(list);

    if (!n || n > MAX_VCPUS) return;
    *sets = xcalloc(n, sizeof(**sets));
    *num = (unsigned)n;
    for (size_t i = 0; i < n; i++) {
        json *map = json_object_array_get_idx(list, i);

        for (size_t j = 0; j < list_length(map); j++) {
            int64_t cpu = json_object_get_int64(json_object_array_get_idx(map, j));

            if (cpu >= 0 && cpu < MAX_VCPUS) (*sets)[i].map[cpu / 8] |= (uint8_t)(1u << (cpu % 8));
        }
    }
}

static void get_build_info(json *o, struct domain_config *dc) {
    json *sched = domjson_get(o, "sched_params", NULL), *tsc = domjson_get(o, "tsc_mode", NULL);
    size_t online = list_length(domjson_get(o, "avail_vcpus", NULL));

    dc->max_vcpus = (unsigned)get_int(o, "max_vcpus", 1, MAX_VCPUS, 1);
    dc->vcpus = online && online <= dc->max_vcpus ? (unsigned)online : dc->max_vcpus;
    dc->max_memkb = (uint64_t)get_int(o, "max_memkb", 0, INT64_MAX, 0);
    dc->memkb = (uint64_t)get_int(o, "target_memkb", 0, INT64_MAX, (int64_t)dc->max_memkb);
    dc->rtc_timeoffset = (int)get_int(o, "rtc_timeoffset", INT_MIN, UINT32_MAX, 0);
    dc->localtime = get_bool(o, "localtime");
    for (unsigned i = 0; i < ARRAY_SIZE(tsc_modes); i++)
        if (json_object_is_type(tsc, json_type_string) &&
            !strcmp(json_object_get_string(tsc), tsc_modes[i]))
            dc->tsc_mode = i;
    dc->max_grant_frames = (int)get_int(o, "max_grant_frames", 0, INT_MAX, -1);
    dc->max_maptrack_frames = (int)get_int(o, "max_maptrack_frames", 0, INT_MAX, -1);
    dc->max_event_channels = (int)get_int(o, "event_channels", 1, INT_MAX, -1);
    dc->weight = (int)get_int(sched, "weight", 1, 65535, -1);
    dc->cap = (int)get_int(sched, "cap", 0, 65535, -1);
    get_affinity(o, "vcpu_hard_affinity", &dc->hard, &dc->num_hard);
    get_affinity(o, "vcpu_soft_affinity", &dc->soft, &dc->num_soft);
    get_text(o, "kernel", &dc->kernel);
    get_text(o, "cmdline", &dc->cmdline);
    get_text(o, "ramdisk", &dc->ramdisk);
}

static bool get_disk(json *o, struct disk_cfg *d) {
    json *v = domjson_get(o, "format", NULL);
    int format = json_object_is_type(v, json_type_string)
                     ? disk_format_parse(json_object_get_string(v))
                     : DISK_RAW;

    *d = (struct disk_cfg){.format = format < 0 ? DISK_RAW : (enum disk_format)format,
                           .discard = UNSET};
    get_text(o, "pdev_path", &d->target);
    get_text(o, "vdev", &d->vdev);
    get_text(o, "script", &d->script);
    d->readwrite = get_int(o, "readwrite", INT_MIN, INT_MAX, 0) != 0;
    d->removable = get_int(o, "removable", INT_MIN, INT_MAX, 0) != 0;
    d->cdrom = get_int(o, "is_cdrom", INT_MIN, INT_MAX, 0) != 0;
    d->direct_io_safe = get_bool(o, "direct_io_safe");
    if (domjson_get(o, "discard_enable", NULL))
        d->discard = get_bool(o, "discard_enable") ? ON : OFF;
    v = domjson_get(o, "backend", NULL);
    if (v && !strcmp(json_object_get_string(v), "phy")) d->backend = BACKEND_PHY;
    return d->vdev && vdev_number(d->vdev) >= 0;
}

static void get_nic(json *o, struct nic_cfg *n) {
    json *v = domjson_get(o, "mac", NULL);

    *n = (struct nic_cfg){.type = NIC_VIF};
    n->devid = (int)get_int(o, "devid", 0, 65535, 0);
    n->mtu = (int)get_int(o, "mtu", 0, 65535, 0);
    n->rate_bytes = (uint64_t)get_int(o, "rate_bytes_per_interval", 0, UINT32_MAX, 0);
    n->rate_usecs = (uint32_t)get_int(o, "rate_interval_usecs", 0, UINT32_MAX, 0);
    n->mac_set =
        json_object_is_type(v, json_type_string) && mac_parse(json_object_get_string(v), n->mac);
    get_text(o, "model", &n->model);
    get_text(o, "ip", &n->ip);
    get_text(o, "bridge", &n->bridge);
    get_text(o, "ifname", &n->ifname);
    get_text(o, "script", &n->script);
    get_text(o, "gatewaydev", &n->gatewaydev);
}

static void get_action(json *o, const char *key, enum action *slot) {
    json *v = domjson_get(o, key, NULL);

    *slot = ACTION_DESTROY;
    for (size_t i = ACTION_DESTROY; i < ARRAY_SIZE(action_json); i++)
        if (json_object_is_type(v, json_type_string) &&
            !strcmp(json_object_get_string(v), action_json[i]))
            *slot = (enum action)i;
}

static int get_devices(json *o, struct domain_config *dc, const char **why) {
    json *disks = domjson_get(o, "disks", NULL), *nics = domjson_get(o, "nics", NULL);

    dc->disks = xcalloc(list_length(disks), sizeof(*dc->disks));
    dc->nics = xcalloc(list_length(nics), sizeof(*dc->nics));
    for (size_t i = 0; i < list_length(disks); i++) {
        if (!get_disk(json_object_array_get_idx(disks, i), &dc->disks[dc->num_disks++])) {
            *why = "a disk has no usable vdev";
            return -EINVAL;
        }
    }
    for (size_t i = 0; i < list_length(nics); i++)
        get_nic(json_object_array_get_idx(nics, i), &dc->nics[dc->num_nics++]);
    return 0;
}

int domjson_to_config(json *o, struct domain_config *dc, const char **why) {
    json *c = domjson_get(o, "c_info", NULL), *b = domjson_get(o, "b_info", NULL);
    json *uuid = domjson_get(c, "uuid", NULL), *type = domjson_get(c, "type", NULL);

    domcfg_init(dc);
    if (!c || !b) {
        *why = "it has no c_info or no b_info";
        return -EINVAL;
    }
    if (type && strcmp(json_object_get_string(type), "pv")) {
        *why = "its type is not pv";
        return -EINVAL;
    }
    get_text(c, "name", &dc->name);
    get_text(c, "pool_name", &dc->pool);
    if (json_object_is_type(uuid, json_type_string))
        dc->uuid_set = uuid_parse(json_object_get_string(uuid), dc->uuid);
    get_build_info(b, dc);
    get_action(o, "on_poweroff", &dc->on_poweroff);
    get_action(o, "on_reboot", &dc->on_reboot);
    get_action(o, "on_watchdog", &dc->on_watchdog);
    get_action(o, "on_crash", &dc->on_crash);
    get_action(o, "on_soft_reset", &dc->on_soft_reset);
    return get_devices(o, dc, why);
}

/* ---- printing ---- */

static void print_string(FILE *out, const char *s) {
    fputc('"', out);
    for (; *s; s++) {
        static const char plain[] = "\b\f\n\r\t\"\\", letter[] = "bfnrt\"\\";
        const char *hit = strchr(plain, *s);

        if (hit)
            fprintf(out, "\\%c", letter[hit - plain]);
        else if ((unsigned char)*s < ' ')
            fprintf(out, "\\u%04x", (unsigned char)*s);
        else
            fputc(*s, out);
    }
    fputc('"', out);
}

static void indent(FILE *out, unsigned level) { fprintf(out, "%*s", (int)level * 4, ""); }

static void print_value(FILE *out, json *v, unsigned level);

static void print_array(FILE *out, json *v, unsigned level) {
    size_t n = json_object_array_length(v);

    fputs("[\n", out);
    for (size_t i = 0; i < n; i++) {
        indent(out, level + 1);
        print_value(out, json_object_array_get_idx(v, i), level + 1);
        fputs(i + 1 < n ? ",\n" : "", out);
    }
    fputc('\n', out);
    indent(out, level);
    fputc(']', out);
}

static void print_object(FILE *out, json *v, unsigned level) {
    bool first = true;

    fputs("{\n", out);
    json_object_object_foreach(v, key, member) {
        fputs(first ? "" : ",\n", out);
        first = false;
        indent(out, level + 1);
        print_string(out, key);
        fputs(": ", out);
        print_value(out, member, level + 1);
    }
    fputc('\n', out);
    indent(out, level);
    fputc('}', out);
}

static void print_value(FILE *out, json *v, unsigned level) {
    if (json_object_is_type(v, json_type_object))
        print_object(out, v, level);
    else if (json_object_is_type(v, json_type_array))
        print_array(out, v, level);
    else if (json_object_is_type(v, json_type_string))
        print_string(out, json_object_get_string(v));
    else
        fputs(json_object_to_json_string(v), out);
}

void domjson_print(FILE *out, json *o) {
    print_value(out, o, 0);
    fputc('\n', out);
}
