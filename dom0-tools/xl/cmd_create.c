/* SPDX-License-Identifier: MIT */
/* xl create. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "console.h"
#include "domjson.h"
#include "lifecycle.h"
#include "xl.h"

#define MAX_CFG (1 << 20)

struct options {
    bool console, debug, unwatched, foreground, paused, quiet, dryrun;
    const char *file;
    char **overrides; /* key=value arguments */
    int num_overrides;
};

static int parse_options(struct xl *xl, int argc, char **argv, struct options *o) {
    static const struct option longs[] = {
        {"defconfig", 1, NULL, 'f'}, {"dryrun", 0, NULL, 'n'},
        {"quiet", 0, NULL, 'q'},     {"ignore-global-affinity-masks", 0, NULL, 'i'},
        {"vncviewer", 0, NULL, 'V'}, {"vncviewer-autopass", 0, NULL, 'A'},
        {"help", 0, NULL, 'h'},      {NULL, 0, NULL, 0},
    };
    int opt;

    while ((opt = xl_getopt(xl, argc, argv, "AFVcdef:hinpq", longs, 0)) != -1) {
        o->console |= opt == 'c';
        o->debug |= opt == 'd';
        o->unwatched |= opt == 'e';
        o->foreground |= opt == 'F';
        o->dryrun |= opt == 'n';
        o->paused |= opt == 'p';
        o->quiet |= opt == 'q';
        if (opt == 'f') o->file = optarg;
        if (opt == 'V' || opt == 'A')
            fprintf(stderr, "xl: warning: there is no VNC display yet; -%c is ignored\n", opt);
    }
    o->overrides = xcalloc((size_t)argc + 1, sizeof(*o->overrides));
    for (; optind < argc; optind++) {
        if (strchr(argv[optind], '=')) {
            o->overrides[o->num_overrides++] = argv[optind];
        } else if (!o->file) {
            o->file = argv[optind];
        } else {
            command_help(xl->command);
            return EXIT_USAGE;
        }
    }
    return 0;
}

/* An exit code; dc is filled on 0. */
static int read_config(const struct options *o, struct domain_config *dc) {
    struct cfg *cfg = cfg_new(stderr);
    char *text = NULL;
    size_t len = 0;
    int rc = 0;

    if (!o->file) {
        fprintf(stderr, "Config file not specified and none in save file\n");
        rc = EXIT_INVAL;
    } else if (strcmp(o->file, "/dev/null")) {
        text = read_file(o->file, MAX_CFG, &len);
        if (!text) {
            fprintf(stderr, "Failed to read config file: %s: %s\n", o->file, strerror(errno));
            rc = EXIT_FAIL;
        }
    }
    if (!rc && !o->quiet) fprintf(stderr, "Parsing config from %s\n", o->file);
    if (!rc && cfg_parse(cfg, o->file, text ? text : "", len)) rc = EXIT_FAILURE;
    for (int i = 0; i < o->num_overrides && !rc; i++)
        if (cfg_parse(cfg, "<command line>", o->overrides[i], strlen(o->overrides[i])))
            rc = EXIT_FAILURE;
    if (!rc && domcfg_from_cfg(cfg, dc)) rc = EXIT_FAILURE;
    free(text);
    cfg_free(cfg);
    return rc;
}

static void print_config(FILE *out, const struct domain_config *dc) {
    struct json_object *json = domjson_from_config(dc, false);

    domjson_print(out, json);
    json_object_put(json);
}

/* From built to running; on failure nothing is left. */
static int start(struct xl *xl, const struct options *o, struct domain_config *dc, domid_t domid,
                 struct err *err) {
    struct err ignored;
    int rc = 0;

    if (!o->unwatched && !o->foreground) {
        rc = monitor_start(dc, domid, err);
        if (rc) err_prefix(err, "starting the monitor process");
    }
    if (!rc && !o->paused) {
        rc = hv_domain_unpause(xl->hv, domid);
        if (rc < 0) err_set(err, rc, "starting the domain: %s", hv_context(xl->hv));
    }
    if (rc < 0) domain_destroy(xl, domid, &ignored);
    return rc;
}

static int report_failure(const struct domain_config *dc, const struct err *err) {
    fprintf(stderr, "xl: cannot create \"%s\": %s\n", dc->name, err->text);
    return EXIT_FAIL;
}

/* In a child: lets the guest run once the console is joined, so that its first line is seen. */
static void unpause_later(domid_t domid, int ready_fd) {
    struct hv *hv = hv_open(NULL);
    char byte;

    if (read(ready_fd, &byte, 1) != 1) _exit(EXIT_FAIL);
    if (!hv || hv_domain_unpause(hv, domid) < 0) {
        fprintf(stderr, "xl: cannot start domain %u: %s\n", domid,
                hv ? hv_context(hv) : "no access to the hypervisor");
        _exit(EXIT_FAIL);
    }
    _exit(0);
}

static int with_console(struct xl *xl, struct options *o, struct domain_config *dc, domid_t domid,
                        struct err *err) {
    struct console_params p = {.domid = domid, .wait = true, .ready_fd = -1};
    bool paused = o->paused;
    int fds[2], rc;

    o->paused = true;
    rc = start(xl, o, dc, domid, err);
    if (rc) return report_failure(dc, err);
    if (!paused && !pipe2(fds, O_CLOEXEC)) {
        if (!fork()) unpause_later(domid, fds[0]);
        close(fds[0]);
        p.ready_fd = fds[1];
    }
    if (!console_attach(&p, err)) return 0;
    fprintf(stderr, "xl: console: %s\n", err->text);
    return EXIT_FAIL;
}

static int create(struct xl *xl, struct options *o, struct domain_config *dc) {
    struct err err;
    domid_t domid;
    int rc = domain_create(xl, dc, &domid, &err);

    if (rc) return report_failure(dc, &err);
    if (o->console) return with_console(xl, o, dc, domid, &err);
    rc = start(xl, o, dc, domid, &err);
    if (rc) return report_failure(dc, &err);
    return o->foreground ? monitor_run(xl, dc, domid, -1) : 0;
}

static int create_run(struct xl *xl, int argc, char **argv) {
    struct options o = {0};
    struct domain_config dc;
    int rc;

    domcfg_init(&dc);
    /* A file name may stand before the options. */
    if (argc > 1 && argv[1][0] != '-' && !strchr(argv[1], '=')) {
        o.file = argv[1];
        argc--;
        argv++;
    }
    rc = parse_options(xl, argc, argv, &o);
    if (!rc) rc = read_config(&o, &dc);
    if (!rc) domcfg_complete_uuid(&dc);
    if (!rc && (o.dryrun || xl->dryrun || o.debug))
        print_config(o.dryrun || xl->dryrun ? stdout : stderr, &dc);
    if (!rc && !o.dryrun && !xl->dryrun) rc = xl_open(xl) ? create(xl, &o, &dc) : EXIT_FAILURE;
    free(o.overrides);
    domcfg_free(&dc);
    return rc;
}

const struct command command_create = {
    .name = "create",
    .summary = "Create a domain from config file <filename>",
    .usage = "<ConfigFile> [options] [vars]",
    .options =
        "-c                      Connect to the console after the domain is created.\n"
        "-d                      Enable debug messages.\n"
        "-e                      Do not wait in the background for the death of the domain.\n"
        "-F                      Run in foreground until death of the domain.\n"
        "-f FILE, --defconfig=FILE\n"
        "                     Use the given configuration file.\n"
        "-h                      Print this help.\n"
        "-n, --dryrun            Dry run - prints the resulting configuration\n"
        "                         (deprecated in favour of global -N option).\n"
        "-p                      Leave the domain paused after it is created.\n"
        "-q, --quiet             Quiet.\n"
        "-V, --vncviewer         Connect to the VNC display after the domain is created.\n"
        "-A, --vncviewer-autopass\n"
        "                        Pass VNC password to viewer via stdin.\n"
        "--ignore-global-affinity-masks Ignore global masks in xl.conf.",
    .flags = CMD_DRYRUN | CMD_MODIFIES | CMD_OFFLINE,
    .run = create_run,
};
