/* SPDX-License-Identifier: MIT */
/*
 * Disk specifications (xl-disk-configuration(5)): up to four positional fields
 *     target, format, vdev, access
 * then key=value fields, of which target= swallows the rest of the text.  The old form
 *     phy:|file:|tap:|aio:TARGET, vdev[:cdrom], access
 * has no format field.  A prefix like iscsi: or drbd: names the script block-iscsi, block-drbd.
 */
#include "domcfg.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

enum field { F_TARGET, F_FORMAT, F_VDEV, F_ACCESS, NUM_POSITIONS };

struct disk_parser {
    struct disk_cfg *disk;
    bool seen[NUM_POSITIONS];
    unsigned next; /* the position an unnamed field would fill */
    char **why;
};

static const char *const format_names[] = {
    [DISK_RAW] = "raw", [DISK_QCOW] = "qcow", [DISK_QCOW2] = "qcow2",
    [DISK_VHD] = "vhd", [DISK_QED] = "qed",   [DISK_EMPTY] = "empty",
};

const char *disk_format_name(enum disk_format f) { return format_names[f]; }

int disk_format_parse(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(format_names); i++)
        if (!strcmp(name, format_names[i])) return (int)i;
    return -1;
}

static bool partition(const char *p, unsigned limit, unsigned *part) {
    long long n;

    *part = 0;
    if (!*p) return true;
    if (!isdigit((unsigned char)*p) || *p == '0' || !parse_long(p, &n) || n > (long long)limit)
        return false;
    *part = (unsigned)n;
    return true;
}

/* "a".."z", "aa"..: counts as the alphabet of disk names does. */
static const char *disk_letters(const char *p, unsigned *disk) {
    unsigned long n = 0;

    if (!islower((unsigned char)*p)) return NULL;
    for (; islower((unsigned char)*p); p++) {
        n = n * 26 + (unsigned long)(*p - 'a') + 1;
        if (n > 1ul << 20) return NULL;
    }
    *disk = (unsigned)(n - 1);
    return p;
}

static int xen_vbd(unsigned disk, unsigned part) {
    if (disk < 16 && part < 16) return (int)(202 << 8 | disk << 4 | part);
    if (disk < 1u << 20 && part < 256) return (int)(1u << 28 | disk << 8 | part);
    return -1;
}

int vdev_number(const char *vdev) {
    unsigned disk, part;
    const char *rest;
    long long n;

    if (vdev[0] == 'd' && isdigit((unsigned char)vdev[1])) {
        char *end;
        unsigned long d = strtoul(vdev + 1, &end, 10);

        part = 0;
        if (*end == 'p' ? !end[1] || !partition(end + 1, 255, &part) : *end != '\0') return -1;
        return d < 1ul << 20 ? xen_vbd((unsigned)d, part) : -1;
    }
    if (!strncmp(vdev, "xvd", 3)) {
        rest = disk_letters(vdev + 3, &disk);
        return rest && partition(rest, 255, &part) ? xen_vbd(disk, part) : -1;
    }
    if (!strncmp(vdev, "hd", 2)) {
        rest = disk_letters(vdev + 2, &disk);
        if (!rest || !partition(rest, 63, &part) || disk > 3) return -1;
        return (int)((disk < 2 ? 3u : 22u) << 8 | (disk & 1) << 6 | part);
    }
    if (!strncmp(vdev, "sd", 2)) {
        rest = disk_letters(vdev + 2, &disk);
        if (!rest || !partition(rest, 15, &part) || disk > 15) return -1;
        return (int)(8 << 8 | disk << 4 | part);
    }
    return parse_long(vdev, &n) && n >= 0 && n < 1 << 29 ? (int)n : -1;
}

static int fail(struct disk_parser *dp, char *why) {
    set_string(dp->why, why);
    return -EINVAL;
}

static int set_access(struct disk_parser *dp, const char *text) {
    struct disk_cfg *d = dp->disk;
    size_t n = strcspn(text, "!");

    d->force_shared = text[n] == '!';
    if ((n == 1 && text[0] == 'r') || (n == 2 && !strncmp(text, "ro", 2)))
        d->readwrite = false;
    else if ((n == 1 && text[0] == 'w') || (n == 2 && !strncmp(text, "rw", 2)))
        d->readwrite = true;
    else
        return fail(dp, xasprintf("unknown access '%s': r, ro, w or rw", text));
    return 0;
}

static int set_devtype(struct disk_parser *dp, const char *text) {
    if (!strcmp(text, "cdrom")) {
        dp->disk->cdrom = dp->disk->removable = true;
        dp->disk->readwrite = false;
    } else if (strcmp(text, "disk")) {
        return fail(dp, xasprintf("unknown devtype '%s': disk or cdrom", text));
    }
    return 0;
}

static int set_vdev(struct disk_parser *dp, const char *text) {
    const char *colon = strchr(text, ':');

    set_string(&dp->disk->vdev, xstrndup(text, colon ? (size_t)(colon - text) : strlen(text)));
    if (vdev_number(dp->disk->vdev) < 0)
        return fail(dp, xasprintf("unknown virtual disk '%s': use xvda, xvdb, ... (also hdX, sdX)",
                                  dp->disk->vdev));
    return colon ? set_devtype(dp, colon + 1) : 0;
}

static int set_format(struct disk_parser *dp, const char *text) {
    int f = disk_format_parse(!strcmp(text, "aio") ? "raw" : text);

    if (f < 0)
        return fail(dp, xasprintf("unknown format '%s': raw, qcow, qcow2, vhd or qed", text));
    dp->disk->format = (enum disk_format)f;
    return 0;
}

static int set_backend(struct disk_parser *dp, const char *text) {
    if (!strcmp(text, "phy"))
        dp->disk->backend = BACKEND_PHY;
    else if (!strcmp(text, "tap"))
        dp->disk->backend = BACKEND_TAP;
    else if (!strcmp(text, "qdisk"))
        dp->disk->backend = BACKEND_QDISK;
    else
        return fail(dp, xasprintf("unknown backendtype '%s': phy, tap or qdisk", text));
    return 0;
}

/* Strips the old prefixes; they say that the format field is left out. */
static int set_target(struct disk_parser *dp, const char *text) {
    static const char *const raw[] = {"phy:", "file:", "aio:", "tap2:", "tap:", "raw:"};
    static const char *const scripts[] = {"iscsi:", "nbd:", "enbd:", "drbd:", "rbd:"};
    struct disk_cfg *d = dp->disk;
    bool again;

    do {
        again = false;
        for (size_t i = 0; i < ARRAY_SIZE(raw); i++) {
            if (strncmp(text, raw[i], strlen(raw[i]))) continue;
            text += strlen(raw[i]);
            d->format = DISK_RAW;
            dp->seen[F_FORMAT] = again = true;
        }
        for (int f = DISK_QCOW; f <= DISK_QED; f++) {
            size_t n = strlen(format_names[f]);

            if (strncmp(text, format_names[f], n) || text[n] != ':') continue;
            text += n + 1;
            d->format = (enum disk_format)f;
            dp->seen[F_FORMAT] = again = true;
        }
    } while (again);
    for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
        size_t n = strlen(scripts[i]);

        if (strncmp(text, scripts[i], n)) continue;
        set_string(&d->script, xasprintf("block-%.*s", (int)n - 1, scripts[i]));
        text += n;
        dp->seen[F_FORMAT] = true;
        break;
    }
    set_string(&d->target, *text ? xstrdup(text) : NULL);
    return 0;
}

static int set_field(struct disk_parser *dp, enum field f, const char *text) {
    static int (*const set[])(struct disk_parser *, const char *) = {
        [F_TARGET] = set_target,
        [F_FORMAT] = set_format,
        [F_VDEV] = set_vdev,
        [F_ACCESS] = set_access,
    };
    static const char *const names[] = {"target", "format", "vdev", "access"};

    if (dp->seen[f] && f != F_FORMAT) return fail(dp, xasprintf("%s is given twice", names[f]));
    dp->seen[f] = true;
    return set[f](dp, text);
}

static int set_flag(struct disk_parser *dp, const char *word) {
    struct disk_cfg *d = dp->disk;

    if (!strcmp(word, "cdrom")) return set_devtype(dp, "cdrom");
    if (!strcmp(word, "discard"))
        d->discard = ON;
    else if (!strcmp(word, "no-discard"))
        d->discard = OFF;
    else if (!strcmp(word, "direct-io-safe"))
        d->direct_io_safe = true;
    else if (!strcmp(word, "removable"))
        d->removable = true;
    else
        return -ENOENT;
    return 0;
}

static int set_key(struct disk_parser *dp, const char *key, const char *value) {
    if (!strcmp(key, "format")) return set_field(dp, F_FORMAT, value);
    if (!strcmp(key, "vdev")) return set_field(dp, F_VDEV, value);
    if (!strcmp(key, "access")) return set_field(dp, F_ACCESS, value);
    if (!strcmp(key, "devtype")) return set_devtype(dp, value);
    if (!strcmp(key, "backendtype")) return set_backend(dp, value);
    if (!strcmp(key, "script")) {
        set_string(&dp->disk->script, xstrdup(value));
        return 0;
    }
    if (!strcmp(key, "backend"))
        return !strcmp(value, "0") || !strcmp(value, "Domain-0")
                   ? 0
                   : fail(dp, xasprintf("backend=%s: Hospes has no driver domains yet", value));
    if (!strcmp(key, "removable")) {
        dp->disk->removable = !strcmp(value, "1");
        return 0;
    }
    return fail(dp, xasprintf("unknown key '%s'", key));
}

static int set_positional(struct disk_parser *dp, const char *text) {
    while (dp->next < NUM_POSITIONS && dp->seen[dp->next]) dp->next++;
    if (dp->next == NUM_POSITIONS) return fail(dp, xasprintf("'%s' is one field too many", text));
    if (!*text) { /* an empty field takes the default */
        dp->seen[dp->next++] = true;
        return 0;
    }
    return set_field(dp, (enum field)dp->next, text);
}

static bool is_key(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!islower((unsigned char)text[i])) return false;
    return n > 0;
}

/* One comma-separated field starting at s (modified); *rest is what follows it. */
static int parse_field(struct disk_parser *dp, char *s, char **rest) {
    char *comma, *eq;
    int rc;

    while (isspace((unsigned char)*s)) s++;
    if (!strncmp(s, "target=", 7)) {
        *rest = NULL;
        if (dp->seen[F_TARGET]) return fail(dp, xstrdup("target is given twice"));
        dp->seen[F_TARGET] = true;
        return set_target(dp, s + 7);
    }
    comma = strchr(s, ',');
    *rest = comma ? comma + 1 : NULL;
    if (comma) *comma = '\0';
    s = trim(s);
    eq = strchr(s, '=');
    if (eq && is_key(s, (size_t)(eq - s))) {
        *eq = '\0';
        return set_key(dp, s, eq + 1);
    }
    rc = set_flag(dp, s);
    return rc == -ENOENT ? set_positional(dp, s) : rc;
}

void disk_free(struct disk_cfg *disk) {
    free(disk->target);
    free(disk->vdev);
    free(disk->script);
    memset(disk, 0, sizeof(*disk));
}

int disk_parse(const char *spec, struct disk_cfg *disk, char **why) {
    struct disk_parser dp = {.disk = disk, .why = why};
    char *copy = xstrdup(spec), *s = copy;
    int rc = 0;

    *why = NULL;
    *disk = (struct disk_cfg){.format = DISK_RAW, .readwrite = true, .discard = UNSET};
    while (s && !rc) rc = parse_field(&dp, s, &s);
    if (!rc && !disk->vdev) rc = fail(&dp, xstrdup("no vdev (such as xvda) is given"));
    if (!rc && !disk->target && disk->cdrom) disk->format = DISK_EMPTY;
    if (!rc && !disk->target && !disk->cdrom)
        rc = fail(&dp, xstrdup("no target (a file or a block device) is given"));
    if (rc) disk_free(disk);
    free(copy);
    return rc;
}
