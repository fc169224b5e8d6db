/* SPDX-License-Identifier: MIT */
/* xl pause, unpause, destroy, sysrq. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "lifecycle.h"
#include "xl.h"
#include "xsutil.h"

static int pause_or_not(struct xl *xl, int argc, char **argv, int (*op)(struct hv *, domid_t)) {
    domid_t domid;

    while (xl_getopt(xl, argc, argv, "h", NULL, 1) != -1)
        ;
    if (!find_domain(xl, argv[optind], &domid)) return EXIT_FAILURE;
    if (op(xl->hv, domid) < 0) {
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
        return EXIT_FAILURE;
    }
    return 0;
}

static int pause_run(struct xl *xl, int argc, char **argv) {
    return pause_or_not(xl, argc, argv, hv_domain_pause);
}

static int unpause_run(struct xl *xl, int argc, char **argv) {
    return pause_or_not(xl, argc, argv, hv_domain_unpause);
}

const struct command command_pause = {
    .name = "pause",
    .summary = "Pause execution of a domain",
    .usage = "<Domain>",
    .flags = CMD_MODIFIES,
    .run = pause_run,
};

const struct command command_unpause = {
    .name = "unpause",
    .summary = "Unpause a paused domain",
    .usage = "<Domain>",
    .flags = CMD_MODIFIES,
    .run = unpause_run,
};

static int destroy_run(struct xl *xl, int argc, char **argv) {
    struct err err;
    domid_t domid;
    bool force = false;
    int opt;

    while ((opt = xl_getopt(xl, argc, argv, "hf", NULL, 1)) != -1) force |= opt == 'f';
    if (!find_domain(xl, argv[optind], &domid)) return EXIT_FAILURE;
    if (!domid && !force) {
        fprintf(stderr, "Not destroying domain 0; use -f to force.\nThis can only be done when "
                        "using a disaggregated hardware domain and toolstack.\n\n");
        return EXIT_FAILURE;
    }
    if (domain_destroy(xl, domid, &err)) {
        fprintf(stderr, "destroy failed: %s\n", err.text);
        return EXIT_FAILURE;
    }
    return 0;
}

const struct command command_destroy = {
    .name = "destroy",
    .summary = "Terminate a domain immediately",
    .usage = "[options] <Domain>\n",
    .options = "-f                      Permit destroying domain 0, which will only succeed\n"
               "                        when run from disaggregated toolstack domain with a\n"
               "                        hardware domain distinct from domain 0.",
    .flags = CMD_MODIFIES,
    .run = destroy_run,
};

static int sysrq_run(struct xl *xl, int argc, char **argv) {
    struct xen_domctl_getdomaininfo info;
    domid_t domid;
    char *path;
    bool ok;

    while (xl_getopt(xl, argc, argv, "h", NULL, 2) != -1)
        ;
    if (!find_domain(xl, argv[optind], &domid)) return EXIT_FAILURE;
    if (strlen(argv[optind + 1]) != 1) {
        fprintf(stderr, "Invalid sysrq.\n\n");
        command_help(xl->command);
        return EXIT_FAILURE;
    }
    if (hv_domain_info(xl->hv, domid, &info) < 0) {
        fprintf(stderr, "xl: domain %u does not exist\n", domid);
        return EXIT_FAILURE;
    }
    path = xasprintf("/local/domain/%u/control/sysrq", domid);
    ok = xsu_write(xl->xs, XBT_NULL, path, argv[optind + 1]);
    if (!ok) fprintf(stderr, "xl: cannot write %s: %s\n", path, strerror(errno));
    free(path);
    return !ok;
}

const struct command command_sysrq = {
    .name = "sysrq",
    .summary = "Send a sysrq to a domain",
    .usage = "<Domain> <letter>",
    .flags = CMD_MODIFIES,
    .run = sysrq_run,
};
