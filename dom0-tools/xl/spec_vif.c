/* SPDX-License-Identifier: MIT */
/* Virtual interface specifications (xl-network-configuration(5)): key=value, comma-separated. */
#include "domcfg.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

bool mac_parse(const char *text, uint8_t mac[6]) {
    for (unsigned i = 0; i < 6; i++) {
        char pair[3] = {text[0], text[0] ? text[1] : '\0', '\0'};

        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1])) return false;
        mac[i] = (uint8_t)strtoul(pair, NULL, 16);
        text += 2;
        if (i < 5 && *text != ':' && *text != '-') return false;
        if (i < 5) text++;
    }
    return !*text;
}

/* "10Mb/s", "1GB/s@20ms": bytes per interval (50 ms unless given). */
bool rate_parse(const char *text, uint64_t *bytes, uint32_t *usecs) {
    static const struct {
        const char *unit;
        uint64_t factor;
    } intervals[] = {
        {"us", 1},
        {"ms", 1000},
        {"s", 1000000},
    };
    unsigned long long n, interval = 50000, per_second, scale = 1;
    char *p;

    if (!isdigit((unsigned char)*text)) return false;
    errno = 0;
    n = strtoull(text, &p, 10);
    if (errno) return false;
    if (*p == 'G' || *p == 'M' || *p == 'K') {
        scale = *p == 'G' ? 1000000000 : *p == 'M' ? 1000000 : 1000;
        p++;
    }
    if ((*p != 'b' && *p != 'B') || strncmp(p + 1, "/s", 2) || n > UINT64_MAX / scale / 1000000)
        return false;
    per_second = *p == 'b' ? n * scale / 8 : n * scale;
    p += 3;
    if (*p == '@') {
        size_t i = 0;

        if (!isdigit((unsigned char)*++p)) return false;
        interval = strtoull(p, &p, 10);
        while (i < ARRAY_SIZE(intervals) && strcmp(p, intervals[i].unit)) i++;
        if (i == ARRAY_SIZE(intervals) || interval > UINT32_MAX) return false;
        interval *= intervals[i].factor;
    } else if (*p) {
        return false;
    }
    if (!interval || interval > UINT32_MAX) return false;
    *usecs = (uint32_t)interval;
    *bytes = (uint64_t)((unsigned __int128)per_second * interval / 1000000);
    return *bytes && *bytes <= UINT32_MAX;
}

static int bad(char **why, char *text) {
    *why = text;
    return -EINVAL;
}

static int set_type(struct nic_cfg *nic, const char *value, char **why) {
    if (!strcmp(value, "vif"))
        nic->type = NIC_VIF;
    else if (!strcmp(value, "ioemu"))
        nic->type = NIC_IOEMU;
    else
        return bad(why, xasprintf("unknown type '%s': vif", value));
    return 0;
}

static int set_number(int *slot, const char *key, const char *value, int min, int max, char **why) {
    long long n;

    if (!parse_long(value, &n) || n < min || n > max)
        return bad(why, xasprintf("%s=%s: not a number from %d to %d", key, value, min, max));
    *slot = (int)n;
    return 0;
}

static int set_text(struct nic_cfg *nic, const char *key, const char *value) {
    const struct {
        const char *key;
        char **slot;
    } texts[] = {
        {"bridge", &nic->bridge},         {"ip", &nic->ip},       {"vifname", &nic->ifname},
        {"script", &nic->script},         {"model", &nic->model}, {"netdev", &nic->gatewaydev},
        {"gatewaydev", &nic->gatewaydev},
    };

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        if (!strcmp(key, texts[i].key)) {
            set_string(texts[i].slot, xstrdup(value));
            return 0;
        }
    }
    return -ENOENT;
}

static int check_interface_names(const struct nic_cfg *nic, char **why) {
    if (nic->ifname && (!*nic->ifname || strlen(nic->ifname) >= IFNAMSIZ ||
                        strchr(nic->ifname, '/') || strpbrk(nic->ifname, " \t")))
        return bad(why, xasprintf("vifname=%s: an interface name has 1 to %d characters, no '/' "
                                  "and no blanks",
                                  nic->ifname, IFNAMSIZ - 1));
    if (nic->bridge && (!*nic->bridge || strlen(nic->bridge) >= IFNAMSIZ))
        return bad(why, xasprintf("bridge=%s: an interface name has 1 to %d characters",
                                  nic->bridge, IFNAMSIZ - 1));
    return 0;
}

static int set_nic_key(struct nic_cfg *nic, const char *key, const char *value, char **why,
                       char **warn) {
    static const char *const ignored[] = {"accel", "trusted", "forwarddev", "vlan"};

    if (!strcmp(key, "mac")) {
        if (!mac_parse(value, nic->mac))
            return bad(why, xasprintf("mac=%s: an address looks like 00:16:3e:01:02:03", value));
        if (nic->mac[0] & 1)
            return bad(why, xasprintf("mac=%s: a multicast address (odd first byte)", value));
        nic->mac_set = true;
        return 0;
    }
    if (!strcmp(key, "type")) return set_type(nic, value, why);
    if (!strcmp(key, "rate"))
        return rate_parse(value, &nic->rate_bytes, &nic->rate_usecs)
                   ? 0
                   : bad(why, xasprintf("rate=%s: a rate looks like 10Mb/s or 1MB/s@20ms", value));
    if (!strcmp(key, "mtu")) return set_number(&nic->mtu, key, value, 68, 65535, why);
    if (!strcmp(key, "devid")) return set_number(&nic->devid, key, value, 0, MAX_DEVID, why);
    if (!strcmp(key, "backend"))
        return !strcmp(value, "0") || !strcmp(value, "Domain-0")
                   ? 0
                   : bad(why, xasprintf("backend=%s: Hospes has no driver domains yet", value));
    for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
        if (!strcmp(key, ignored[i])) return 0;
    if (set_text(nic, key, value) == -ENOENT && warn && !*warn)
        *warn = xasprintf("unknown vif key '%s' is ignored", key);
    return 0;
}

void nic_free(struct nic_cfg *nic) {
    free(nic->bridge);
    free(nic->ip);
    free(nic->ifname);
    free(nic->script);
    free(nic->model);
    free(nic->gatewaydev);
    memset(nic, 0, sizeof(*nic));
}

int nic_parse(const char *spec, struct nic_cfg *nic, char **why, char **warn) {
    char *copy = xstrdup(spec), *rest = copy, *item, *eq;
    int rc = 0;

    *why = NULL;
    if (warn) *warn = NULL;
    *nic = (struct nic_cfg){.devid = -1};
    while (!rc && (item = strsep(&rest, ","))) {
        item = trim(item);
        if (!*item) continue;
        eq = strchr(item, '=');
        if (!eq) {
            rc = bad(why, xasprintf("'%s' is not of the form key=value", item));
        } else {
            *eq = '\0';
            rc = set_nic_key(nic, trim(item), trim(eq + 1), why, warn);
        }
    }
    if (!rc) rc = check_interface_names(nic, why);
    if (rc) nic_free(nic);
    free(copy);
    return rc;
}
