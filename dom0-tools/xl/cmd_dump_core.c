/* SPDX-License-Identifier: MIT */
/* xl dump-core. */
#include <stdlib.h>

#include "commands.h"
#include "coredump.h"

/* The guest stands still while it is written, and then goes on. */
static int dump_core_run(struct xl *xl, int argc, char **argv) {
    struct err err;
    domid_t domid;
    int rc;

    while (xl_getopt(xl, argc, argv, "h", NULL, 2) != -1)
        ;
    if (!find_domain(xl, argv[optind], &domid)) return EXIT_FAILURE;
    if (!domid) {
        fprintf(stderr, "Cannot dump core of domain 0\n");
        return EXIT_FAILURE;
    }
    if (hv_domain_pause(xl->hv, domid) < 0) {
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
        return EXIT_FAILURE;
    }
    rc = core_dump(xl, domid, argv[optind + 1], &err);
    if (hv_domain_unpause(xl->hv, domid) < 0) fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
    if (rc) fprintf(stderr, "xl: cannot dump domain %u: %s\n", domid, err.text);
    return rc ? EXIT_FAILURE : 0;
}

const struct command command_dump_core = {
    .name = "dump-core",
    .summary = "Core dump a domain",
    .usage = "<Domain> <filename>",
    .flags = CMD_MODIFIES,
    .run = dump_core_run,
};
