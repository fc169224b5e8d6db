/* SPDX-License-Identifier: MIT */
/* Start of xl: global options, choice of the command, help. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image/cache.h"
#include "xl.h"

#define KERNEL_CACHE "/var/cache/hospes/kernels"

/* An exact name, or the only command that begins with it. */
const struct command *command_find(const char *name) {
    const struct command *hit = NULL;
    unsigned hits = 0;

    for (const struct command *const *c = commands; *c; c++) {
        if (strncmp((*c)->name, name, strlen(name))) continue;
        if (!strcmp((*c)->name, name)) return *c;
        hit = *c;
        hits++;
    }
    return hits == 1 ? hit : NULL;
}

static void help_all(void) {
    printf("Usage xl [-vfNtT] <subcommand> [args]\n\nxl full list of subcommands:\n\n");
    for (const struct command *const *c = commands; *c; c++) {
        printf(" %-19s ", (*c)->name);
        if (strlen((*c)->name) > 19) printf("\n %-19s ", "");
        printf("%s\n", (*c)->summary);
    }
}

void command_help(const struct command *cmd) {
    if (!cmd) {
        help_all();
        return;
    }
    printf("Usage: xl [-vtT%s%s] %s %s\n\n%s.\n\n", cmd->flags & CMD_MODIFIES ? "f" : "",
           cmd->flags & CMD_DRYRUN ? "N" : "", cmd->name, cmd->usage, cmd->summary);
    if (cmd->options) printf("Options:\n\n%s\n", cmd->options);
}

static int help(const char *name) {
    const struct command *cmd;

    if (!name || !strcmp(name, "help")) {
        help_all();
        return 0;
    }
    cmd = command_find(name);
    if (cmd)
        command_help(cmd);
    else
        printf("command \"%s\" not implemented\n", name);
    return 0;
}

bool xl_open(struct xl *xl) {
    struct err err;

    if (!xl->hv) xl->hv = hv_open(&err);
    if (!xl->hv) {
        fprintf(stderr, "xl: %s. xl works in the control domain, as root.\n", err.text);
        return false;
    }
    if (!xl->xs) xl->xs = xs_open(0);
    if (!xl->xs) {
        fprintf(stderr, "xl: cannot connect to xenstore: %s. Is xenstored running?\n",
                strerror(errno));
        return false;
    }
    return true;
}

void xl_close(struct xl *xl) {
    xs_close(xl->xs);
    if (xl->hv) hv_close(xl->hv);
    xl->xs = NULL;
    xl->hv = NULL;
}

int xl_getopt(struct xl *xl, int argc, char **argv, const char *opts, const struct option *longs,
              int need) {
    static const struct option only_help[] = {{"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int opt;

    opterr = 0;
    opt = getopt_long(argc, argv, opts, longs ? longs : only_help, NULL);
    if (opt == 'h' || (opt == '?' && optopt == 'h')) {
        command_help(xl->command);
        exit(0);
    }
    if (opt == '?') {
        if (optopt)
            fprintf(stderr, "option `%c' not supported.\n", optopt);
        else
            fprintf(stderr, "option `%s' not supported.\n", argv[optind - 1]);
        exit(EXIT_USAGE);
    }
    if (opt == -1 && argc - optind < need) {
        fprintf(stderr, "'xl %s' requires at least %d argument%s.\n\n", xl->command->name, need,
                need > 1 ? "s" : "");
        command_help(xl->command);
        exit(EXIT_USAGE);
    }
    return opt;
}

static int run(struct xl *xl, const struct command *cmd, int argc, char **argv) {
    int rc;

    if (xl->dryrun && !(cmd->flags & CMD_DRYRUN)) {
        fprintf(stderr, "command does not implement -N (dryrun) option\n");
        return EXIT_FAILURE;
    }
    xl->command = cmd;
    if (!(cmd->flags & CMD_OFFLINE) && !xl_open(xl)) return EXIT_FAILURE;
    optind = 0; /* glibc: start over, options may follow arguments */
    rc = cmd->run(xl, argc, argv);
    if (fflush(stdout) || ferror(stdout)) {
        perror("stdout");
        rc = EXIT_FAILURE;
    }
    xl_close(xl);
    return rc;
}

int main(int argc, char **argv) {
    struct xl xl = {0};
    const struct command *cmd;
    int opt;

    image_cache_folder = KERNEL_CACHE;
    opterr = 0;
    while ((opt = getopt(argc, argv, "+vftTN")) != -1) {
        if (opt == 'v') {
            xl.verbose++;
        } else if (opt == 'N') {
            xl.dryrun = true;
        } else if (opt == '?') {
            fprintf(stderr, "unknown global option\n");
            return EXIT_FAILURE;
        }
    }
    if (optind == argc) {
        help_all();
        return EXIT_FAILURE;
    }
    cmd = command_find(argv[optind]);
    if (cmd) return run(&xl, cmd, argc - optind, argv + optind);
    if (!strcmp(argv[optind], "help")) return help(argv[optind + 1]);
    fprintf(stderr, "command not implemented\n");
    return EXIT_FAILURE;
}
