/* SPDX-License-Identifier: MIT */
/* xl list, xl vm-list: the shapes here are parsed by Ganeti, Pacemaker and many scripts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "domjson.h"
#include "userdata.h"
#include "xl.h"
#include "xsutil.h"

struct columns {
    bool verbose, context, cpupool, numa;
};

static void print_header(const struct columns *c) {
    printf("Name                                        ID   Mem VCPUs\tState\tTime(s)");
    if (c->verbose)
        printf("   UUID                            Reason-Code\tSecurity Label");
    else if (c->context)
        printf("   Security Label");
    if (c->cpupool) printf("         Cpupool");
    if (c->numa) printf(" NODE Affinity");
    putchar('\n');
}

static void print_pool(struct xl *xl, uint32_t pool) {
    char *name = xsu_read(xl->xs, XBT_NULL, "/local/pool/%u/name", pool);

    if (!name) name = xasprintf("Pool-%u", pool);
    printf("%16s", name);
    free(name);
}

static void print_nodes(struct xl *xl, domid_t domid) {
    struct xen_domctl op = {.cmd = XEN_DOMCTL_getnodeaffinity, .domain = domid};
    int nodes = hv_numa_info(xl->hv, NULL, NULL, 0);
    uint8_t *map = hv_buf_alloc(xl->hv, 4096);
    char text[256];

    if (!map || nodes <= 0 || nodes > 4096 * 8) {
        printf(" ?");
    } else {
        set_xen_guest_handle(op.u.nodeaffinity.nodemap.bitmap, map);
        op.u.nodeaffinity.nodemap.nr_bits = 4096 * 8;
        if (hv_domctl_plain(xl->hv, &op, "getnodeaffinity") < 0)
            snprintf(text, sizeof(text), "?");
        else
            format_bitmap(map, (unsigned)nodes, text, sizeof(text));
        printf(" %s", text);
    }
    if (map) hv_buf_free(xl->hv, map, 4096);
}

static void print_domain(struct xl *xl, const struct xen_domctl_getdomaininfo *d, const char *name,
                         const struct columns *c) {
    static const char reasons[] = "-rscwS";
    bool down = d->flags & XEN_DOMINF_shutdown;
    unsigned reason = down ? shutdown_reason(d) : 0;
    uint64_t tenths = (d->cpu_time + 50000000) / 100000000; /* printf takes long for doubles */
    char uuid[UUID_STRLEN + 1];

    printf("%-40s %5d %5lu %5d     %c%c%c%c%c%c  %6lu.%lu", name ? name : "(null)", d->domain,
           (unsigned long)((d->tot_pages + d->outstanding_pages) / 256), d->nr_online_vcpus,
           d->flags & XEN_DOMINF_running ? 'r' : '-', d->flags & XEN_DOMINF_blocked ? 'b' : '-',
           d->flags & XEN_DOMINF_paused ? 'p' : '-', down ? 's' : '-',
           reason < sizeof(reasons) - 1 ? reasons[reason] : '?',
           d->flags & XEN_DOMINF_dying ? 'd' : '-', tenths / 10, tenths % 10);
    if (c->verbose) {
        uuid_format(d->handle, uuid);
        if (down)
            printf(" %s %8x", uuid, reason);
        else
            printf(" %s %8s", uuid, "-");
    }
    if (c->verbose || c->context) printf(" %16s", "-");
    if (c->cpupool) print_pool(xl, d->cpupool);
    if (c->numa) print_nodes(xl, d->domain);
    putchar('\n');
}

static void print_table(struct xl *xl, const struct xen_domctl_getdomaininfo *info, int n,
                        const struct columns *c) {
    char **names = domain_names(xl, info, n);

    print_header(c);
    for (int i = 0; i < n; i++) print_domain(xl, &info[i], names[i], c);
    names_free(names, n);
}

static void print_long(struct xl *xl, const struct xen_domctl_getdomaininfo *info, int n) {
    struct json_object *all = json_object_new_array();

    for (int i = 0; i < n; i++) {
        struct json_object *one, *config = userdata_current(xl, &info[i]);

        if (!config) continue;
        one = json_object_new_object();
        json_object_object_add(one, "domid", json_object_new_int(info[i].domain));
        json_object_object_add(one, "config", config);
        json_object_array_add(all, one);
    }
    domjson_print(stdout, all);
    putchar('\n');
    json_object_put(all);
}

/* As libxl sees it: running is "not idle", paused by anyone but the hypervisor, and so on. */
static int fetch(struct xl *xl, const char *which, struct xen_domctl_getdomaininfo **info) {
    domid_t domid;
    int rc;

    if (!which) return list_domains(xl, info);
    if (!find_domain(xl, which, &domid)) return -1;
    *info = xcalloc(1, sizeof(**info));
    rc = hv_domain_info(xl->hv, domid, *info);
    if (rc >= 0) return 1;
    if (rc == -ESRCH)
        fprintf(stderr, "Error: Domain '%s' does not exist.\n", which);
    else
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
    free(*info);
    return -1;
}

static int list_run(struct xl *xl, int argc, char **argv) {
    static const struct option longs[] = {
        {"long", 0, NULL, 'l'},    {"verbose", 0, NULL, 'v'}, {"context", 0, NULL, 'Z'},
        {"cpupool", 0, NULL, 'c'}, {"numa", 0, NULL, 'n'},    {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct xen_domctl_getdomaininfo *info;
    struct columns c = {0};
    bool details = false;
    int opt, n;

    while ((opt = xl_getopt(xl, argc, argv, "lvhZcn", longs, 0)) != -1) {
        details |= opt == 'l';
        c.verbose |= opt == 'v';
        c.context |= opt == 'Z';
        c.cpupool |= opt == 'c';
        c.numa |= opt == 'n';
    }
    if (argc - optind > 1) {
        command_help(xl->command);
        return EXIT_FAILURE;
    }
    n = fetch(xl, optind < argc ? argv[optind] : NULL, &info);
    if (n < 0) return EXIT_FAILURE;
    if (details)
        print_long(xl, info, n);
    else
        print_table(xl, info, n, &c);
    free(info);
    return 0;
}

const struct command command_list = {
    .name = "list",
    .summary = "List information about all/some domains",
    .usage = "[options] [Domain]\n",
    .options = "-l, --long              Output all VM details\n"
               "-v, --verbose           Prints out UUIDs and security context\n"
               "-Z, --context           Prints out security context\n"
               "-c, --cpupool           Prints the cpupool the domain is in\n"
               "-n, --numa              Prints out NUMA node affinity",
    .run = list_run,
};

static int vm_list_run(struct xl *xl, int argc, char **argv) {
    struct xen_domctl_getdomaininfo *info;
    int n;

    while (xl_getopt(xl, argc, argv, "h", NULL, 0) != -1)
        ;
    n = list_domains(xl, &info);
    if (n < 0) return EXIT_FAILURE;
    printf("UUID                                  ID    name\n");
    for (int i = 0; i < n; i++) {
        char uuid[UUID_STRLEN + 1], *name;

        if (info[i].flags & XEN_DOMINF_dying) continue;
        uuid_format(info[i].handle, uuid);
        name = domid_to_name_or(xl, info[i].domain, "(null)");
        printf("%s  %d    %-30s\n", uuid, info[i].domain, name);
        free(name);
    }
    free(info);
    return 0;
}

const struct command command_vm_list = {
    .name = "vm-list",
    .summary = "List guest domains, excluding dom0, stubdoms, etc.",
    .usage = "",
    .run = vm_list_run,
};
