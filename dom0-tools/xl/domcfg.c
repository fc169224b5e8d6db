/* SPDX-License-Identifier: MIT */
/*
 * The meaning of xl.cfg's keys.  All mistakes of a file are reported in one run.  A key that
 * nobody asked for is unknown: it warns, as does one that has no meaning for a PV guest; a key
 * whose absence would change what the guest can do (pci, bootloader) is an error instead.
 */
#include "domcfg.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char *const action_names[] = {
    [ACTION_DESTROY] = "destroy",
    [ACTION_RESTART] = "restart",
    [ACTION_RENAME_RESTART] = "rename-restart",
    [ACTION_PRESERVE] = "preserve",
    [ACTION_COREDUMP_DESTROY] = "coredump-destroy",
    [ACTION_COREDUMP_RESTART] = "coredump-restart",
    [ACTION_SOFT_RESET] = "soft-reset",
};

enum action action_parse(const char *name) {
    for (size_t i = ACTION_DESTROY; i < ARRAY_SIZE(action_names); i++)
        if (!strcmp(name, action_names[i])) return (enum action)i;
    return 0;
}

const char *action_name(enum action a) { return action_names[a]; }

void domcfg_init(struct domain_config *dc) {
    *dc = (struct domain_config){
        .vcpus = 1,
        .max_vcpus = 1,
        .weight = -1,
        .cap = -1,
        .max_event_channels = -1,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .on_poweroff = ACTION_DESTROY,
        .on_reboot = ACTION_RESTART,
        .on_watchdog = ACTION_DESTROY,
        .on_crash = ACTION_DESTROY,
        .on_soft_reset = ACTION_SOFT_RESET,
    };
}

void domcfg_free(struct domain_config *dc) {
    for (size_t i = 0; i < dc->num_disks; i++) disk_free(&dc->disks[i]);
    for (size_t i = 0; i < dc->num_nics; i++) nic_free(&dc->nics[i]);
    free(dc->disks);
    free(dc->nics);
    free(dc->hard);
    free(dc->soft);
    free(dc->name);
    free(dc->kernel);
    free(dc->ramdisk);
    free(dc->cmdline);
    free(dc->pool);
    domcfg_init(dc);
}

/* ---- typed lookups: *found says whether the key is there and right ---- */

/* A string; a number is taken as it was written. NULL if absent or, after a message, a list. */
static const char *get_text(struct cfg *cfg, const char *key, struct cfg_pos *pos) {
    struct cfg_value *v = cfg_get(cfg, key);

    if (!v) return NULL;
    if (v->type == CFG_LIST) {
        cfg_error(cfg, &v->pos, "%s takes a string, not a list", key);
        return NULL;
    }
    if (pos) *pos = v->pos;
    return v->text;
}

static void copy_text(struct cfg *cfg, const char *key, char **slot) {
    const char *text = get_text(cfg, key, NULL);

    if (text && *text) set_string(slot, xstrdup(text));
}

static bool get_number(struct cfg *cfg, const char *key, long long min, long long max,
                       long long *out) {
    struct cfg_value *v = cfg_get(cfg, key);
    long long n;

    if (!v) return false;
    if (v->type == CFG_LIST) {
        cfg_error(cfg, &v->pos, "%s takes a number, not a list", key);
        return false;
    }
    if (v->type == CFG_NUMBER)
        n = v->number;
    else if (!parse_long(v->text, &n)) {
        cfg_error(cfg, &v->pos, "%s: '%s' is not a number", key, v->text);
        return false;
    }
    if (n < min || n > max) {
        cfg_error(cfg, &v->pos, "%s: %lld is outside %lld..%lld", key, n, min, max);
        return false;
    }
    *out = n;
    return true;
}

static void get_int(struct cfg *cfg, const char *key, long long min, long long max, int *slot) {
    long long n;

    if (get_number(cfg, key, min, max, &n)) *slot = (int)n;
}

/* ---- groups of keys ---- */

bool domain_name_ok(const char *name) {
    if (!*name || strlen(name) > 200) return false;
    for (; *name; name++)
        if (*name == '/' || (unsigned char)*name < ' ' || *name == 0x7f) return false;
    return true;
}

static void read_identity(struct cfg *cfg, struct domain_config *dc) {
    struct cfg_pos pos;
    const char *text = get_text(cfg, "name", &pos);

    if (text && !domain_name_ok(text))
        cfg_error(cfg, &pos, "name: 1 to 200 characters, no '/' and no control characters");
    else if (text)
        set_string(&dc->name, xstrdup(text));
    else if (!cfg_get(cfg, "name"))
        cfg_error(cfg, NULL, "name is missing: add a line like  name = \"guest1\"");

    text = get_text(cfg, "uuid", &pos);
    if (text) {
        dc->uuid_set = uuid_parse(text, dc->uuid);
        if (!dc->uuid_set)
            cfg_error(cfg, &pos, "uuid: '%s' is not like c6b77475-b79f-4e3f-af88-c9a5dd9950b0",
                      text);
    }
    text = get_text(cfg, "type", &pos);
    if (text && strcmp(text, "pv"))
        cfg_error(cfg, &pos, "type: '%s' is not supported: Hospes runs PV guests, type = \"pv\"",
                  text);
    text = get_text(cfg, "builder", &pos);
    if (text && strcmp(text, "generic") && strcmp(text, "linux"))
        cfg_error(cfg, &pos,
                  "builder: '%s' is not supported: Hospes runs PV guests; "
                  "leave the line out",
                  text);
    copy_text(cfg, "pool", &dc->pool);
    if (dc->pool && strcmp(dc->pool, "Pool-0") && strcmp(dc->pool, "0"))
        cfg_error(cfg, &cfg_get(cfg, "pool")->pos, "pool: only Pool-0 is supported yet");
}

static void read_memory(struct cfg *cfg, struct domain_config *dc) {
    long long mem = 0, max;
    bool have = get_number(cfg, "memory", 1, 1 << 24, &mem);

    if (!get_number(cfg, "maxmem", 1, 1 << 24, &max)) max = have ? mem : 0;
    if (!have) {
        if (!cfg_get(cfg, "memory") && max)
            mem = max;
        else if (!cfg_get(cfg, "memory"))
            cfg_error(cfg, NULL, "memory (in MiB) is missing: add a line like  memory = 256");
    }
    if (have && max < mem)
        cfg_error(cfg, &cfg_get(cfg, "maxmem")->pos, "maxmem: %lld is less than memory, %lld", max,
                  mem);
    dc->memkb = (uint64_t)mem * 1024;
    dc->max_memkb = (uint64_t)max * 1024;
}

static void read_set(struct cfg *cfg, const char *key, const struct cfg_value *v,
                     struct cpu_set *set) {
    if (v->type == CFG_LIST) {
        cfg_error(cfg, &v->pos, "%s: a list in a list", key);
        return;
    }
    memset(set, 0, sizeof(*set));
    if (!strncmp(v->text, "node", 4))
        cfg_error(cfg, &v->pos, "%s: '%s': nodes are not supported yet, list CPUs", key, v->text);
    else if (!parse_bitmap(v->text, set->map, MAX_VCPUS))
        cfg_error(cfg, &v->pos, "%s: '%s' is not like \"0-3,^1\" (CPUs below %d)", key, v->text,
                  MAX_VCPUS);
}

/* One text is for all vcpus; a list gives one set a vcpu. */
static void read_affinity(struct cfg *cfg, const char *key, struct cpu_set **sets, unsigned *num) {
    struct cfg_value *v = cfg_get(cfg, key);
    size_t n;

    if (!v) return;
    n = v->type == CFG_LIST ? v->num_items : 1;
    if (n > MAX_VCPUS) {
        cfg_error(cfg, &v->pos, "%s: more than %d elements", key, MAX_VCPUS);
        return;
    }
    if (!n || (v->type != CFG_LIST && !strcmp(v->text, "all"))) return;
    *sets = xcalloc(n, sizeof(**sets));
    *num = (unsigned)n;
    for (size_t i = 0; i < n; i++)
        read_set(cfg, key, v->type == CFG_LIST ? v->items[i] : v, &(*sets)[i]);
}

static void spread_affinity(const struct cfg_value *v, struct cpu_set **sets, unsigned *num,
                            unsigned vcpus) {
    if (!*num || v->type == CFG_LIST) return;
    *sets = xrealloc(*sets, vcpus * sizeof(**sets));
    for (unsigned i = 1; i < vcpus; i++) (*sets)[i] = (*sets)[0];
    *num = vcpus;
}

static void read_vcpus(struct cfg *cfg, struct domain_config *dc) {
    long long vcpus = 1, max;
    bool have = get_number(cfg, "vcpus", 1, MAX_VCPUS, &vcpus);

    if (!get_number(cfg, "maxvcpus", 1, MAX_VCPUS, &max))
        max = vcpus;
    else if (!have)
        vcpus = max;
    if (max < vcpus)
        cfg_error(cfg, &cfg_get(cfg, "maxvcpus")->pos, "maxvcpus: %lld is less than vcpus, %lld",
                  max, vcpus);
    dc->vcpus = (unsigned)vcpus;
    dc->max_vcpus = (unsigned)max;
    get_int(cfg, "cpu_weight", 1, 65535, &dc->weight);
    get_int(cfg, "cap", 0, 65535, &dc->cap);
    read_affinity(cfg, "cpus", &dc->hard, &dc->num_hard);
    read_affinity(cfg, "cpus_soft", &dc->soft, &dc->num_soft);
    spread_affinity(cfg_get(cfg, "cpus"), &dc->hard, &dc->num_hard, dc->max_vcpus);
    spread_affinity(cfg_get(cfg, "cpus_soft"), &dc->soft, &dc->num_soft, dc->max_vcpus);
}

static void read_kernel(struct cfg *cfg, struct domain_config *dc) {
    const char *cmdline = get_text(cfg, "cmdline", NULL), *root = get_text(cfg, "root", NULL);
    const char *extra = get_text(cfg, "extra", NULL);
    struct cfg_value *v = cfg_get(cfg, "bootloader");

    if (v)
        cfg_error(cfg, &v->pos, "bootloader: not supported by Hospes yet: give kernel and ramdisk");
    copy_text(cfg, "kernel", &dc->kernel);
    copy_text(cfg, "ramdisk", &dc->ramdisk);
    if (!dc->kernel && !v)
        cfg_error(cfg, NULL,
                  "Neither kernel nor bootloader specified: add a line like  "
                  "kernel = \"/boot/vmlinuz-guest\"");
    if (cmdline) {
        if (root || extra)
            cfg_warn(cfg, &cfg_get(cfg, "cmdline")->pos,
                     "ignoring root= and extra= in favour of cmdline=");
        set_string(&dc->cmdline, xstrdup(cmdline));
    } else if (root) {
        set_string(&dc->cmdline,
                   xasprintf("root=%s%s%s", root, extra ? " " : "", extra ? extra : ""));
    } else if (extra) {
        set_string(&dc->cmdline, xstrdup(extra));
    }
    if (dc->cmdline && !*dc->cmdline) set_string(&dc->cmdline, NULL);
}

static void read_action(struct cfg *cfg, const char *key, enum action *slot) {
    struct cfg_pos pos;
    const char *text = get_text(cfg, key, &pos);
    enum action a;

    if (!text) return;
    a = action_parse(text);
    if (a && (a != ACTION_SOFT_RESET || !strcmp(key, "on_soft_reset")))
        *slot = a;
    else
        cfg_error(cfg, &pos,
                  "%s: unknown action '%s': destroy, restart, rename-restart, preserve, "
                  "coredump-destroy or coredump-restart",
                  key, text);
}

static void read_limits(struct cfg *cfg, struct domain_config *dc) {
    static const char *const modes[] = {"default", "always_emulate", "native", "native_paravirt"};
    struct cfg_pos pos;
    const char *text;
    long long n;

    get_int(cfg, "max_event_channels", 1, 131071, &dc->max_event_channels);
    get_int(cfg, "max_grant_frames", 1, 65536, &dc->max_grant_frames);
    get_int(cfg, "max_maptrack_frames", 0, 65536, &dc->max_maptrack_frames);
    get_int(cfg, "rtc_timeoffset", INT_MIN, INT_MAX, &dc->rtc_timeoffset);
    if (get_number(cfg, "localtime", 0, 1, &n)) dc->localtime = n;
    text = get_text(cfg, "tsc_mode", &pos);
    if (!text) return;
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!strcmp(text, modes[i]) || (text[0] == (char)('0' + i) && !text[1])) {
            dc->tsc_mode = i;
            return;
        }
    }
    cfg_error(cfg, &pos, "tsc_mode: '%s' is none of default, always_emulate, native", text);
}

/* ---- devices ---- */

#define MAX_DEVICES 4096 /* of a kind; each disk is compared with those before it */

/* Calls one() for each element of a list of texts. */
static void for_each_text(struct cfg *cfg, const char *key, struct domain_config *dc,
                          void (*one)(struct cfg *, const struct cfg_value *,
                                      struct domain_config *)) {
    struct cfg_value *v = cfg_get(cfg, key);

    if (!v) return;
    if (v->type != CFG_LIST) {
        cfg_error(cfg, &v->pos, "%s takes a list: %s = [ '...' ]", key, key);
        return;
    }
    if (v->num_items > MAX_DEVICES) {
        cfg_error(cfg, &v->pos, "%s: more than %d elements", key, MAX_DEVICES);
        return;
    }
    for (size_t i = 0; i < v->num_items; i++) {
        if (v->items[i]->type == CFG_STRING)
            one(cfg, v->items[i], dc);
        else
            cfg_error(cfg, &v->items[i]->pos, "%s: an element is not a string", key);
    }
}

static void read_disk(struct cfg *cfg, const struct cfg_value *v, struct domain_config *dc) {
    struct disk_cfg disk;
    char *why;

    if (disk_parse(v->text, &disk, &why)) {
        cfg_error(cfg, &v->pos, "disk '%s': %s", v->text, why);
        free(why);
        return;
    }
    for (size_t i = 0; i < dc->num_disks; i++) {
        if (vdev_number(dc->disks[i].vdev) == vdev_number(disk.vdev)) {
            cfg_error(cfg, &v->pos, "disk '%s': another disk is already %s", v->text, disk.vdev);
            disk_free(&disk);
            return;
        }
    }
    dc->disks = xrealloc(dc->disks, (dc->num_disks + 1) * sizeof(*dc->disks));
    dc->disks[dc->num_disks++] = disk;
}

static void read_nic(struct cfg *cfg, const struct cfg_value *v, struct domain_config *dc) {
    struct nic_cfg nic;
    char *why, *warn;

    if (nic_parse(v->text, &nic, &why, &warn)) {
        cfg_error(cfg, &v->pos, "vif '%s': %s", v->text, why);
        free(why);
        free(warn);
        return;
    }
    if (warn) cfg_warn(cfg, &v->pos, "%s", warn);
    free(warn);
    if (nic.type == NIC_IOEMU)
        cfg_warn(cfg, &v->pos, "vif type=ioemu does not apply to PV guests: a vif is made");
    nic.type = NIC_VIF;
    dc->nics = xrealloc(dc->nics, (dc->num_nics + 1) * sizeof(*dc->nics));
    dc->nics[dc->num_nics++] = nic;
}

/* Gives each vif without devid= the lowest free number. */
static void number_nics(struct cfg *cfg, struct domain_config *dc) {
    bool *taken = xcalloc(MAX_DEVID + 1, sizeof(*taken));
    int next = 0;

    for (size_t i = 0; i < dc->num_nics; i++) {
        int id = dc->nics[i].devid;

        if (id < 0) continue;
        if (taken[id])
            cfg_error(cfg, &cfg_get(cfg, "vif")->pos, "vif: devid=%d is given twice", id);
        taken[id] = true;
    }
    for (size_t i = 0; i < dc->num_nics; i++) {
        if (dc->nics[i].devid >= 0) continue;
        while (taken[next]) next++; /* there are more numbers than vifs */
        dc->nics[i].devid = next++;
    }
    free(taken);
}

/* ---- keys that are known but not obeyed ---- */

static void read_others(struct cfg *cfg) {
    static const char *const not_pv[] = {
        "hap",
        "oos",
        "shadow_memory",
        "boot",
        "hdtype",
        "acpi",
        "acpi_s3",
        "acpi_s4",
        "acpi_laptop_slate",
        "apic",
        "pae",
        "nx",
        "hpet",
        "altp2m",
        "altp2mhvm",
        "nestedhvm",
        "timer_mode",
        "vpt_align",
        "viridian",
        "xen_platform_pci",
        "vga",
        "videoram",
        "stdvga",
        "spice",
        "serial",
        "soundhw",
        "usb",
        "usbdevice",
        "smbios_firmware",
        "acpi_firmware",
        "ms_vm_genid",
        "bios",
        "bios_path_override",
        "pvshim",
        "pvshim_path",
        "pvshim_cmdline",
        "device_model_version",
        "device_model_override",
        "device_model_args",
        "device_model_args_hvm",
        "device_model_stubdomain_override",
        "firmware_override",
        "mmio_hole",
        "rdm",
        "gfx_passthru",
        "sdl",
        "opengl",
        "vnc",
        "vnclisten",
        "vncdisplay",
        "vncunused",
        "vncpasswd",
        "nographic",
        "keymap",
        "hvm",
        "passthrough",
        "vuart",
        "dm_restrict",
    };
    static const char *const not_yet[] = {
        "vfb",
        "vkb",
        "channel",
        "nomigrate",
        "claim_mode",
        "seclabel",
        "init_seclabel",
        "driver_domain",
        "cpuid",
        "on_xend_start",
        "on_xend_stop",
        "xend_suspend_evtchn_compat",
        "vnuma",
        "vpmu",
        "vmtrace_buf_kb",
        "max_grant_version",
        "e820_host",
        "mca_caps",
        "msr_relaxed",
        "blkdev_start",
        "bootloader_args",
        "bootargs",
        "localtime_offset",
        "device_model_args_pv",
        "exec_ssidref",
        "rtds",
        "irqs_affinity",
    };
    static const char *const refused[] = {
        "pci",  "usbctrl", "usbdev", "vtpm", "p9",    "pvcalls",     "vdispl",
        "vsnd", "ioports", "iomem",  "irqs", "dtdev", "device_tree", "firmware",
    };
    struct cfg_value *v;

    for (size_t i = 0; i < ARRAY_SIZE(not_pv); i++)
        if ((v = cfg_get(cfg, not_pv[i])))
            cfg_warn(cfg, &v->pos, "%s does not apply to PV guests and is ignored", not_pv[i]);
    for (size_t i = 0; i < ARRAY_SIZE(not_yet); i++)
        if ((v = cfg_get(cfg, not_yet[i])))
            cfg_warn(cfg, &v->pos, "%s is not supported by Hospes yet and is ignored", not_yet[i]);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        if ((v = cfg_get(cfg, refused[i])) && !(v->type == CFG_LIST && !v->num_items))
            cfg_error(cfg, &v->pos, "%s is not supported by Hospes yet: remove it", refused[i]);
    for (struct cfg_setting *s = cfg->settings; s; s = s->next)
        if (!s->used) cfg_warn(cfg, &s->pos, "unknown key '%s' is ignored", s->name);
}

int domcfg_from_cfg(struct cfg *cfg, struct domain_config *dc) {
    domcfg_init(dc);
    read_identity(cfg, dc);
    read_memory(cfg, dc);
    read_vcpus(cfg, dc);
    read_kernel(cfg, dc);
    read_limits(cfg, dc);
    read_action(cfg, "on_poweroff", &dc->on_poweroff);
    read_action(cfg, "on_reboot", &dc->on_reboot);
    read_action(cfg, "on_watchdog", &dc->on_watchdog);
    read_action(cfg, "on_crash", &dc->on_crash);
    read_action(cfg, "on_soft_reset", &dc->on_soft_reset);
    for_each_text(cfg, "disk", dc, read_disk);
    for_each_text(cfg, "vif", dc, read_nic);
    number_nics(cfg, dc);
    read_others(cfg);
    if (!cfg->errors) return 0;
    domcfg_free(dc);
    return -EINVAL;
}

void domcfg_complete_uuid(struct domain_config *dc) {
    if (dc->uuid_set) return;
    random_bytes(dc->uuid, sizeof(dc->uuid));
    dc->uuid[6] = (dc->uuid[6] & 0x0f) | 0x40; /* version 4, RFC 4122 variant */
    dc->uuid[8] = (dc->uuid[8] & 0x3f) | 0x80;
    dc->uuid_set = true;
}

void domcfg_complete(struct domain_config *dc) {
    static const uint8_t xen_oui[3] = {0x00, 0x16, 0x3e};

    domcfg_complete_uuid(dc);
    for (size_t i = 0; i < dc->num_nics; i++) {
        if (dc->nics[i].mac_set) continue;
        memcpy(dc->nics[i].mac, xen_oui, 3);
        random_bytes(dc->nics[i].mac + 3, 3);
        dc->nics[i].mac[3] &= 0x7f;
        dc->nics[i].mac_set = true;
    }
}
