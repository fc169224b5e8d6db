/* SPDX-License-Identifier: MIT */
/* xl console. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "console.h"
#include "xl.h"

/* "^]", "^a" or one plain character; 0 when it is neither. */
static char escape_of(const char *text) {
    if (text[0] == '^' && text[1] && !text[2])
        return (char)(toupper((unsigned char)text[1]) & 0x1f);
    return text[0] && !text[1] ? text[0] : 0;
}

static int console_run(struct xl *xl, int argc, char **argv) {
    struct console_params p = {.ready_fd = -1};
    struct xen_domctl_getdomaininfo info;
    struct err err;
    long long number;
    int opt;

    while ((opt = xl_getopt(xl, argc, argv, "hn:t:e:", NULL, 1)) != -1) {
        if (opt == 't' && strcmp(optarg, "pv")) {
            fprintf(stderr, "console type supported are: pv\n");
            return EXIT_USAGE;
        }
        if (opt == 'n') {
            if (!parse_long(optarg, &number) || number < 0 || number > 255) {
                fprintf(stderr, "xl: '%s' is not a console number\n", optarg);
                return EXIT_USAGE;
            }
            p.number = (unsigned)number;
        }
        if (opt == 'e' && !(p.escape = escape_of(optarg))) {
            fprintf(stderr, "xl: an escape is one character, or ^ and one character\n");
            return EXIT_USAGE;
        }
    }
    if (!find_domain(xl, argv[optind], &p.domid)) return EXIT_FAILURE;
    if (hv_domain_info(xl->hv, p.domid, &info) < 0) {
        fprintf(stderr, "xl: domain %u does not exist\n", p.domid);
        return EXIT_FAILURE;
    }
    if (console_attach(&p, &err)) {
        fprintf(stderr, "xl: cannot attach to the console of domain %u: %s\n", p.domid, err.text);
        return EXIT_FAILURE;
    }
    return 0;
}

const struct command command_console = {
    .name = "console",
    .summary = "Attach to domain's console",
    .usage = "[options] <Domain>\n"
             "-t <type>       console type, pv , serial or vuart\n"
             "-n <number>     console number\n"
             "-e <escape>     escape character",
    .run = console_run,
};
