/* SPDX-License-Identifier: MIT */
/* xl uptime: dom0's from /proc/uptime, a guest's from when it was created. */
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "xl.h"
#include "xsutil.h"

/* Seconds, or -1 if the domain has no start time in xenstore. */
static long uptime_of(struct xl *xl, domid_t domid, time_t now) {
    char *text, *vm;
    long since;

    if (!domid) {
        text = read_file("/proc/uptime", 4096, NULL);
        since = text ? strtol(text, NULL, 10) : -1;
        free(text);
        return since;
    }
    vm = xsu_read(xl->xs, XBT_NULL, "/local/domain/%u/vm", domid);
    text = vm ? xsu_read(xl->xs, XBT_NULL, "%s/start_time", vm) : NULL;
    since = text ? (long)(now - strtol(text, NULL, 10)) : -1;
    free(text);
    free(vm);
    return since;
}

static void print_uptime(struct xl *xl, domid_t domid, bool brief) {
    time_t now = time(NULL);
    long since = uptime_of(xl, domid, now);
    char text[64], clock[16], *name;

    if (since < 0) return;
    name = domid_to_name_or(xl, domid, "(null)");
    format_uptime((unsigned long)since, brief, text, sizeof(text));
    if (brief) {
        strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
        printf(" %s up %s, %s (%u)\n", clock, text, name, domid);
    } else {
        printf("%-33s %4u %s\n", name, domid, text);
    }
    free(name);
}

static int uptime_run(struct xl *xl, int argc, char **argv) {
    struct xen_domctl_getdomaininfo *info;
    domid_t *chosen = xcalloc((size_t)argc, sizeof(*chosen));
    bool brief = false;
    int opt, n = 0;

    while ((opt = xl_getopt(xl, argc, argv, "hs", NULL, 0)) != -1) brief |= opt == 's';
    for (; optind < argc; optind++)
        if (!find_domain(xl, argv[optind], &chosen[n++])) return EXIT_FAILURE;
    if (!brief) printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
    for (int i = 0; i < n; i++) print_uptime(xl, chosen[i], brief);
    free(chosen);
    if (n) return 0;
    n = list_domains(xl, &info);
    for (int i = 0; i < n; i++) print_uptime(xl, info[i].domain, brief);
    if (n >= 0) free(info);
    return n < 0;
}

const struct command command_uptime = {
    .name = "uptime",
    .summary = "Print uptime for all/some domains",
    .usage = "[-s] [Domain]",
    .run = uptime_run,
};
