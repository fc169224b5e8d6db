/* SPDX-License-Identifier: MIT */
/* xl domid, domname, rename. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "domcfg.h"
#include "lifecycle.h"
#include "xl.h"

static int domid_run(struct xl *xl, int argc, char **argv) {
    domid_t domid;

    while (xl_getopt(xl, argc, argv, "h", NULL, 1) != -1)
        ;
    if (name_to_domid(xl, argv[optind], &domid)) {
        fprintf(stderr, "Can't get domid of domain name '%s', maybe this domain does not exist.\n",
                argv[optind]);
        return EXIT_FAILURE;
    }
    printf("%u\n", domid);
    return 0;
}

const struct command command_domid = {
    .name = "domid",
    .summary = "Convert a domain name to domain id",
    .usage = "<DomainName>",
    .run = domid_run,
};

static int domname_run(struct xl *xl, int argc, char **argv) {
    long long domid;
    char *name;

    while (xl_getopt(xl, argc, argv, "h", NULL, 1) != -1)
        ;
    if (!parse_long(argv[optind], &domid) || domid < 0 || domid >= DOMID_FIRST_RESERVED) {
        fprintf(stderr, "Invalid domain id.\n\n");
        return EXIT_FAILURE;
    }
    name = domid_to_name(xl, (domid_t)domid);
    if (!name) {
        fprintf(stderr,
                "Can't get domain name of domain id '%lld', maybe this domain does not "
                "exist.\n",
                domid);
        return EXIT_FAILURE;
    }
    printf("%s\n", name);
    free(name);
    return 0;
}

const struct command command_domname = {
    .name = "domname",
    .summary = "Convert a domain id to domain name",
    .usage = "<DomainId>",
    .run = domname_run,
};

static int rename_run(struct xl *xl, int argc, char **argv) {
    struct err err;
    domid_t domid;

    while (xl_getopt(xl, argc, argv, "h", NULL, 2) != -1)
        ;
    if (!find_domain(xl, argv[optind], &domid)) return EXIT_FAILURE;
    if (!domain_name_ok(argv[optind + 1])) {
        fprintf(stderr, "xl: a name has 1 to 200 characters, no '/' and no control characters\n");
        return EXIT_FAILURE;
    }
    if (domain_rename(xl, domid, argv[optind + 1], &err)) {
        fprintf(stderr, "Can't rename domain '%s'.\nxl: %s\n", argv[optind], err.text);
        return EXIT_FAILURE;
    }
    return 0;
}

const struct command command_rename = {
    .name = "rename",
    .summary = "Rename a domain",
    .usage = "<Domain> <NewDomainName>",
    .flags = CMD_MODIFIES,
    .run = rename_run,
};
