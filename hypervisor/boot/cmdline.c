/* SPDX-License-Identifier: MIT */
/*
 * Hospes's command line. The text stays whole in boot_info.cmdline (guests' tools read it); this
 * file works on a split copy. Option names are Xen's; each reader declares the name it knows.
 */
#include "boot.h"

#define MAX_OPTIONS 64

static char text[sizeof(boot_info.cmdline)];
static struct option { const char *name, *value; /* value NULL: bare */ } options[MAX_OPTIONS];
static unsigned int nr_options;

extern const char cmdline_names_start[], cmdline_names_end[];

void cmdline_parse(void) {
    char *p = text;

    strlcpy(text, boot_info.cmdline, sizeof(text));
    nr_options = 0;
    while (nr_options < MAX_OPTIONS) {
        struct option *o = &options[nr_options];

        while (*p == ' ') p++;
        if (*p == '\0') break;
        *o = (struct option){.name = p};
        for (; *p && *p != ' '; p++) {
            if (*p == '=' && !o->value) {
                *p = '\0';
                o->value = p + 1;
            }
        }
        if (*p) *p++ = '\0';
        if (strcmp(o->name, "--") == 0) break; /* what follows is not for us */
        nr_options++;
    }
}

const char *cmdline_get(const char *name) {
    for (unsigned int i = nr_options; i-- > 0;)
        if (strcmp(options[i].name, name) == 0) return options[i].value ? options[i].value : "";
    return NULL;
}

int parse_bool(const char *v, int dflt) {
    static const char *const yes[] = {"", "yes", "on", "true", "enable", "1"};
    static const char *const no[] = {"no", "off", "false", "disable", "0"};

    for (unsigned int i = 0; i < ARRAY_SIZE(yes); i++)
        if (strcmp(v, yes[i]) == 0) return 1;
    for (unsigned int i = 0; i < ARRAY_SIZE(no); i++)
        if (strcmp(v, no[i]) == 0) return 0;
    return dflt;
}

/* "no-x" and "nox" stand for x=no. */
static bool is_negated(const char *given, const char *name) {
    if (given[0] != 'n' || given[1] != 'o') return false;
    given += 2;
    return strcmp(given, name) == 0 || (given[0] == '-' && strcmp(given + 1, name) == 0);
}

bool cmdline_bool(const char *name, bool dflt) {
    for (unsigned int i = nr_options; i-- > 0;) {
        const struct option *o = &options[i];

        if (strcmp(o->name, name) == 0) return parse_bool(o->value ? o->value : "", dflt);
        if (!o->value && is_negated(o->name, name)) return false;
    }
    return dflt;
}

int cmdline_item_bool(const char *item, const char *name) {
    size_t n = strlen(name);

    if (is_negated(item, name)) return 0;
    if (strncmp(item, name, n) != 0) return -1;
    return item[n] == '=' ? parse_bool(item + n + 1, -1) : item[n] ? -1 : 1;
}

uint64_t parse_size(const char **s) {
    static const char units[] = "bkmgt";
    const char *start = *s, *unit;
    uint64_t n = str_to_ull(start, s, 0);
    size_t shift = 10;

    if (*s == start) return 0;
    unit = **s ? strchr(units, **s | 0x20) : NULL;
    if (unit) {
        shift = 10 * (size_t)(unit - units);
        (*s)++;
    }
    return n > (~0UL >> shift) ? ~0UL : n << shift;
}

static uint64_t number(const char *name, uint64_t dflt, bool size) {
    const char *v = cmdline_get(name), *end = v;
    uint64_t n = !v ? dflt : size ? parse_size(&end) : str_to_ull(v, &end, 0);

    if (!v || (end != v && *end == '\0')) return n;
    printk(KERN_WARN "WARNING: option %s=%s: not a %s; %lu%s is used\n", name, v,
           size ? "size" : "number", size ? dflt >> 10 : dflt, size ? "k" : "");
    return dflt;
}

uint64_t cmdline_uint(const char *name, uint64_t dflt) { return number(name, dflt, false); }
uint64_t cmdline_size(const char *name, uint64_t dflt) { return number(name, dflt, true); }

bool cmdline_list_next(const char **list, char *item, size_t size) {
    size_t n = 0;

    if (!*list || **list == '\0') return false;
    for (; **list && **list != ','; (*list)++)
        if (n + 1 < size) item[n++] = **list;
    item[n] = '\0';
    if (**list == ',') (*list)++;
    return true;
}

static __init bool is_known(const char *given) {
    for (const char *n = cmdline_names_start; n < cmdline_names_end; n += strlen(n) + 1)
        if (strcmp(given, n) == 0 || is_negated(given, n)) return true;
    return false;
}

__init void cmdline_warn_unknown(void) {
    for (unsigned int i = 0; i < nr_options; i++)
        if (!is_known(options[i].name))
            printk(KERN_WARN "WARNING: unknown option on the hypervisor's command line: %s%s%s\n",
                   options[i].name, options[i].value ? "=" : "",
                   options[i].value ? options[i].value : "");
    if (nr_options == MAX_OPTIONS)
        printk(KERN_WARN "WARNING: only the first %u options were read\n", MAX_OPTIONS);
}
