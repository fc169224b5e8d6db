/* SPDX-License-Identifier: MIT */
/* xl shutdown, reboot: a request through xenstore that the guest obeys; -w waits for it. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "xl.h"
#include "xsutil.h"

struct target {
    domid_t domid;
    bool done, told;
};

struct request {
    struct target *targets;
    unsigned num;
    bool reboot, until_death;
};

static int ask(struct xl *xl, domid_t domid, bool reboot) {
    const char *what = reboot ? "reboot" : "shutdown";
    struct xen_domctl_getdomaininfo info;
    char *path;
    bool ok;

    fprintf(stderr, "%s domain %u\n", reboot ? "Rebooting" : "Shutting down", domid);
    if (hv_domain_info(xl->hv, domid, &info) < 0) {
        fprintf(stderr, "%s failed: domain %u does not exist\n", what, domid);
        return EXIT_FAILURE;
    }
    path = xasprintf("/local/domain/%u/control/shutdown", domid);
    ok = xsu_write(xl->xs, XBT_NULL, path, reboot ? "reboot" : "poweroff");
    if (!ok) fprintf(stderr, "%s failed: cannot write %s: %s\n", what, path, strerror(errno));
    free(path);
    return !ok;
}

/* Looks at one domain; says what happened to it. */
static void look(struct xl *xl, const struct request *r, struct target *t) {
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(xl->hv, t->domid, &info);

    if (rc == -ESRCH || (rc >= 0 && (info.flags & XEN_DOMINF_dying))) {
        fprintf(stderr, "Domain %u has been destroyed\n", t->domid);
        t->done = true;
    } else if (rc >= 0 && (info.flags & XEN_DOMINF_shutdown) && !t->told) {
        fprintf(stderr, "Domain %u has been shut down, reason code %u\n", t->domid,
                shutdown_reason(&info));
        t->told = true;
        t->done = !r->until_death;
        if (!t->done) fprintf(stderr, "Domain %u continue waiting for death\n", t->domid);
    }
}

static int wait_all(struct xl *xl, const struct request *r) {
    struct pollfd p = {.fd = xs_fileno(xl->xs), .events = POLLIN};
    unsigned left = r->num;
    char **event;

    fprintf(stderr, "Waiting for %u domains\n", r->num);
    while (left) {
        left = 0;
        for (unsigned i = 0; i < r->num; i++) {
            if (!r->targets[i].done) look(xl, r, &r->targets[i]);
            left += !r->targets[i].done;
        }
        if (!left) break;
        if (poll(&p, 1, -1) < 0 && errno != EINTR) break;
        while ((event = xs_check_watch(xl->xs))) free(event);
        if (errno != EAGAIN) {
            fprintf(stderr, "xl: connection to xenstored lost: %s\n", strerror(errno));
            break;
        }
    }
    return left != 0;
}

/* All guests that are not dom0 and not already on their way out. */
static int collect_all(struct xl *xl, struct request *r) {
    struct xen_domctl_getdomaininfo *info;
    int n = list_domains(xl, &info);

    if (n < 0) return EXIT_FAILURE;
    r->targets = xcalloc((size_t)n, sizeof(*r->targets));
    for (int i = 0; i < n; i++)
        if (info[i].domain && !(info[i].flags & XEN_DOMINF_dying))
            r->targets[r->num++].domid = info[i].domain;
    free(info);
    return 0;
}

static int collect_one(struct xl *xl, struct request *r, const char *text) {
    r->targets = xcalloc(1, sizeof(*r->targets));
    r->num = 1;
    return find_domain(xl, text, &r->targets[0].domid) ? 0 : EXIT_FAILURE;
}

static int request_run(struct xl *xl, int argc, char **argv, bool reboot) {
    static const struct option longs[] = {
        {"all", 0, NULL, 'a'},
        {"wait", 0, NULL, 'w'},
        {"help", 0, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct request r = {.reboot = reboot};
    unsigned wait = 0;
    bool all = false;
    int opt, rc;

    while ((opt = xl_getopt(xl, argc, argv, "hawF", longs, 0)) != -1) {
        all |= opt == 'a';
        wait += opt == 'w';
        if (opt == 'F')
            fprintf(stderr, "xl: warning: -F does not apply to PV guests and is ignored\n");
    }
    if (optind == argc && !all) {
        fprintf(stderr, "You must specify -a or a domain id.\n\n");
        return EXIT_FAILURE;
    }
    r.until_death = wait > 1;
    /* The watch stands before the request: an end in between is not missed. */
    if (wait && !xs_watch(xl->xs, "@releaseDomain", "xl-shutdown")) {
        fprintf(stderr, "xl: cannot watch @releaseDomain: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    rc = all ? collect_all(xl, &r) : collect_one(xl, &r, argv[optind]);
    for (unsigned i = 0; i < r.num && !rc; i++) rc = ask(xl, r.targets[i].domid, reboot);
    if (!rc && wait) rc = wait_all(xl, &r);
    free(r.targets);
    return rc;
}

static int shutdown_run(struct xl *xl, int argc, char **argv) {
    return request_run(xl, argc, argv, false);
}

static int reboot_run(struct xl *xl, int argc, char **argv) {
    return request_run(xl, argc, argv, true);
}

const struct command command_shutdown = {
    .name = "shutdown",
    .summary = "Issue a shutdown signal to a domain",
    .usage = "[options] <-a|Domain>",
    .options = "-a, --all               Shutdown all guest domains.\n"
               "-h                      Print this help.\n"
               "-F                      Fallback to ACPI power event for HVM guests with\n"
               "                        no PV drivers.\n"
               "-w, --wait              Wait for guest(s) to shutdown.\n",
    .flags = CMD_MODIFIES,
    .run = shutdown_run,
};

const struct command command_reboot = {
    .name = "reboot",
    .summary = "Issue a reboot signal to a domain",
    .usage = "[options] <-a|Domain>",
    .options = "-a, --all               Shutdown all guest domains.\n"
               "-h                      Print this help.\n"
               "-F                      Fallback to ACPI reset event for HVM guests with\n"
               "                        no PV drivers.\n"
               "-w, --wait              Wait for guest(s) to reboot.\n",
    .flags = CMD_MODIFIES,
    .run = reboot_run,
};
