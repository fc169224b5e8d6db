/* SPDX-License-Identifier: MIT */
/*
 * The background process of each guest: it waits for the guest's end and does what on_poweroff,
 * on_reboot, on_crash say.  The log lines are those of stock xl, which people grep for.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coredump.h"
#include "domjson.h"
#include "lifecycle.h"
#include "userdata.h"
#include "xsutil.h"

#include <public/sched.h>

#define LOG_DIR  "/var/log/xen"
#define LOG_KEEP 10
#define TOKEN    "xl-monitor"

#define LOG(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))

struct monitor {
    struct xl *xl;
    struct domain_config *dc;
    domid_t domid;
};

enum outcome { WATCH_ON, RESTARTED, FINISHED, FAILED };

static enum action action_for(const struct domain_config *dc, unsigned reason) {
    switch (reason) {
    case SHUTDOWN_poweroff: return dc->on_poweroff;
    case SHUTDOWN_reboot: return dc->on_reboot;
    case SHUTDOWN_crash: return dc->on_crash;
    case SHUTDOWN_watchdog: return dc->on_watchdog;
    case SHUTDOWN_soft_reset: return dc->on_soft_reset;
    default:
        LOG("Unknown shutdown reason code %u. Destroying domain.", reason);
        return ACTION_DESTROY;
    }
}

/* A dump that fails does not keep the second half of the action from being done. */
static enum action dump(struct monitor *m, enum action action) {
    char *path = xasprintf(DUMP_DIR "/%s", m->dc->name);
    struct err err;

    LOG("dumping core to %s", path);
    mkdir(DUMP_DIR, 0700);
    if (core_dump(m->xl, m->domid, path, &err)) LOG("core dump failed: %s", err.text);
    free(path);
    return action == ACTION_COREDUMP_RESTART ? ACTION_RESTART : ACTION_DESTROY;
}

/* The domain may have been renamed or changed since it was made: take what is stored now. */
static void reload(struct monitor *m, const struct xen_domctl_getdomaininfo *info) {
    struct json_object *json = userdata_current(m->xl, info);
    struct domain_config fresh;
    const char *why = "";

    if (json && !domjson_to_config(json, &fresh, &why)) {
        domcfg_free(m->dc);
        *m->dc = fresh;
    } else {
        if (json) domcfg_free(&fresh);
        LOG("failed to read the stored configuration (%s): reusing the old one", why);
    }
    json_object_put(json);
}

static enum outcome restart(struct monitor *m) {
    struct err err;
    int rc;

    LOG("Done. Rebooting now");
    if (domain_create(m->xl, m->dc, &m->domid, &err)) {
        LOG("cannot create %s again: %s", m->dc->name, err.text);
        return FAILED;
    }
    rc = hv_domain_unpause(m->xl->hv, m->domid);
    if (rc < 0) {
        LOG("cannot start %s again: %s", m->dc->name, hv_context(m->xl->hv));
        domain_destroy(m->xl, m->domid, &err);
        return FAILED;
    }
    LOG("Waiting for domain %s (domid %u) to die [pid %ld]", m->dc->name, m->domid, (long)getpid());
    return RESTARTED;
}

static enum outcome destroy(struct monitor *m, bool again) {
    struct err err;

    LOG("Domain %u needs to be cleaned up: destroying the domain", m->domid);
    if (domain_destroy(m->xl, m->domid, &err)) {
        LOG("destroying domain %u failed: %s", m->domid, err.text);
        return FAILED;
    }
    if (again) return restart(m);
    LOG("Done. Exiting now");
    return FINISHED;
}

static enum outcome preserve_and_restart(struct monitor *m) {
    struct err err;

    LOG("Preserving domain %u %s", m->domid, m->dc->name);
    if (domain_preserve(m->xl, m->domid, m->dc, &err)) {
        LOG("preserving failed: %s", err.text);
        return FAILED;
    }
    return restart(m);
}

static enum outcome handle_end(struct monitor *m, const struct xen_domctl_getdomaininfo *info) {
    unsigned reason = shutdown_reason(info);
    enum action action;

    LOG("Domain %u has shut down, reason code %u 0x%x", m->domid, reason, reason);
    if (reason == SHUTDOWN_suspend) {
        LOG("Domain has suspended.\nContinue waiting for domain %u", m->domid);
        return WATCH_ON;
    }
    action = action_for(m->dc, reason);
    LOG("Action for shutdown reason code %u is %s", reason, action_name(action));
    if (action == ACTION_COREDUMP_DESTROY || action == ACTION_COREDUMP_RESTART)
        action = dump(m, action);
    if (action == ACTION_PRESERVE) {
        LOG("Done. Exiting now");
        return FINISHED;
    }
    if (action == ACTION_SOFT_RESET) {
        LOG("soft reset is not supported by Hospes yet: destroying instead");
        action = ACTION_DESTROY;
    }
    if (action != ACTION_DESTROY) reload(m, info);
    return action == ACTION_RENAME_RESTART ? preserve_and_restart(m)
                                           : destroy(m, action == ACTION_RESTART);
}

/* Looks once; the end of a guest is reported once, so a preserved one is not seen again. */
static enum outcome look(struct monitor *m, bool *suspended) {
    struct xen_domctl_getdomaininfo info;
    int rc = hv_domain_info(m->xl->hv, m->domid, &info);
    enum outcome out;

    if (rc == -ESRCH || (rc >= 0 && ((info.flags & XEN_DOMINF_dying) ||
                                     memcmp(info.handle, m->dc->uuid, sizeof(info.handle))))) {
        LOG("Domain %u has been destroyed.", m->domid);
        return FINISHED;
    }
    if (rc < 0) {
        LOG("cannot look at domain %u: %s", m->domid, hv_context(m->xl->hv));
        return FAILED;
    }
    if (!(info.flags & XEN_DOMINF_shutdown)) {
        *suspended = false;
        return WATCH_ON;
    }
    if (*suspended) return WATCH_ON;
    out = handle_end(m, &info);
    *suspended = out == WATCH_ON;
    return out;
}

static bool wait_event(struct xl *xl) {
    struct pollfd p = {.fd = xs_fileno(xl->xs), .events = POLLIN};
    bool seen = false;
    char **event;

    while (!seen) {
        while ((event = xs_check_watch(xl->xs))) {
            seen = true;
            free(event);
        }
        if (!seen && errno != EAGAIN) {
            LOG("connection to xenstored lost: %s", strerror(errno));
            return false;
        }
        if (!seen && poll(&p, 1, -1) < 0 && errno != EINTR) return false;
    }
    return true;
}

int monitor_run(struct xl *xl, struct domain_config *dc, domid_t domid, int ready_fd) {
    struct monitor m = {xl, dc, domid};
    enum outcome out = WATCH_ON;
    bool suspended = false;

    LOG("Waiting for domain %s (domid %u) to die [pid %ld]", dc->name, domid, (long)getpid());
    if (!xs_watch(xl->xs, "@releaseDomain", TOKEN)) {
        LOG("cannot watch @releaseDomain: %s", strerror(errno));
        return EXIT_FAIL;
    }
    if (ready_fd >= 0) {
        if (write(ready_fd, "", 1) != 1) LOG("the creating xl has gone");
        close(ready_fd);
    }
    while (out == WATCH_ON || out == RESTARTED) {
        out = look(&m, &suspended);
        if (out == WATCH_ON && !wait_event(xl)) out = FAILED;
    }
    return out == FINISHED ? 0 : EXIT_FAIL;
}

/* ---- becoming a daemon ---- */

static void rotate(const char *path) {
    char *from, *to;

    for (int i = LOG_KEEP - 1; i >= 0; i--) {
        from = i ? xasprintf("%s.%d", path, i) : xstrdup(path);
        to = xasprintf("%s.%d", path, i + 1);
        rename(from, to);
        free(from);
        free(to);
    }
}

static int open_log(const char *name) {
    char *path = xasprintf(LOG_DIR "/xl-%s.log", name);
    struct stat st;
    int fd;

    mkdir(LOG_DIR, 0755);
    if (!stat(path, &st) && st.st_size > 0) rotate(path);
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    free(path);
    return fd;
}

/* All above the standard ones, but this one. */
static void close_others(int fd) {
    if (fd > 3) close_range(3, (unsigned)fd - 1, 0);
    close_range((unsigned)fd + 1, ~0u, 0);
}

static void daemon_main(const struct domain_config *dc, domid_t domid, int ready_fd) {
    struct domain_config *own = xcalloc(1, sizeof(*own));
    struct xl xl = {0};
    int log = open_log(dc->name), null = open("/dev/null", O_RDONLY);

    setsid();
    if (chdir("/") || log < 0 || null < 0) _exit(EXIT_FAIL);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    close_others(ready_fd);
    *own = *dc; /* this process owns its copy of the memory */
    if (!xl_open(&xl)) _exit(EXIT_FAIL);
    _exit(monitor_run(&xl, own, domid, ready_fd));
}

int monitor_start(const struct domain_config *dc, domid_t domid, struct err *err) {
    int fds[2];
    char byte;
    ssize_t n;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC)) return err_set(err, -errno, "pipe: %s", strerror(errno));
    fflush(NULL);
    pid = fork();
    if (pid < 0) return err_set(err, -errno, "cannot start the monitor: %s", strerror(errno));
    if (!pid) daemon_main(dc, domid, fds[1]);
    close(fds[1]);
    do {
        n = read(fds[0], &byte, 1);
    } while (n < 0 && errno == EINTR);
    close(fds[0]);
    if (n == 1) return 0;
    return err_set(err, -EIO, "the monitor process did not start; see " LOG_DIR "/xl-%s.log",
                   dc->name);
}
