/* SPDX-License-Identifier: MIT */
/*
 * xenconsoled: serves the consoles of all guests.
 *
 * Start: options, devices, xenstore, pid file, background, watches, the guests that are already
 * there; only then does the command return, so whoever started it can rely on it. After a crash
 * and restart the same steps take every guest up again: rings hold their own indices.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "guest.h"

#define XS_RETRY_MS    500
#define EVENTS_A_ROUND 256u

int64_t now_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void usage(FILE *out) {
    fputs("usage: xenconsoled [options]\n"
          "  -i, --interactive        stay in the foreground, messages to stderr\n"
          "  -v, --verbose            say more\n"
          "      --log=WHAT           none, guest, hv or all (default none)\n"
          "      --log-dir=DIR        where (default /var/log/xen/console)\n"
          "      --log-size=KIB       size at which a log file is rotated\n"
          "                           (default 10240, 0: never)\n"
          "      --log-keep=N         rotated files kept of each log (default 4)\n"
          "  -t, --timestamp=WHAT     none, guest, hv or all: time in front of each logged line\n"
          "  -o, --overflow-data=HOW  discard or keep: what happens to output nobody reads\n"
          "      --replace-escape     replace escape characters in guests' output\n"
          "      --pid-file=FILE      (default /run/xenconsoled.pid)\n"
          "  -V, --version, -h, --help\n",
          out);
}

/* none/guest/hv/all into two switches. */
static bool parse_what(const char *text, bool *guest, bool *hv) {
    bool all = !strcmp(text, "all");

    *guest = all || !strcmp(text, "guest");
    *hv = all || !strcmp(text, "hv");
    return *guest || *hv || !strcmp(text, "none");
}

static bool parse_count(const char *text, unsigned long max, unsigned long *value) {
    char *end;

    errno = 0;
    *value = strtoul(text, &end, 10);
    return end != text && !*end && !errno && *value <= max;
}

enum { OPT_LOG = 256, OPT_LOG_DIR, OPT_PID_FILE, OPT_ESCAPE, OPT_LOG_SIZE, OPT_LOG_KEEP };

static const struct option long_options[] = {
    {"help", 0, NULL, 'h'},
    {"version", 0, NULL, 'V'},
    {"verbose", 0, NULL, 'v'},
    {"interactive", 0, NULL, 'i'},
    {"log", 1, NULL, OPT_LOG},
    {"log-dir", 1, NULL, OPT_LOG_DIR},
    {"log-size", 1, NULL, OPT_LOG_SIZE},
    {"log-keep", 1, NULL, OPT_LOG_KEEP},
    {"timestamp", 1, NULL, 't'},
    {"overflow-data", 1, NULL, 'o'},
    {"replace-escape", 0, NULL, OPT_ESCAPE},
    {"pid-file", 1, NULL, OPT_PID_FILE},
    {NULL, 0, NULL, 0},
};

/* One option; false if its argument makes no sense. */
static bool apply_option(struct options *opt, int c, const char *arg) {
    unsigned long number;

    switch (c) {
    case 'i': opt->interactive = true; return true;
    case 'v': opt->verbose = true; return true;
    case 't': return parse_what(arg, &opt->stamp_guest, &opt->stamp_hv);
    case 'o':
        opt->keep_overflow = !strcmp(arg, "keep");
        return opt->keep_overflow || !strcmp(arg, "discard");
    case OPT_LOG: return parse_what(arg, &opt->log_guest, &opt->log_hv);
    case OPT_LOG_DIR: opt->log.dir = arg; return *arg != '\0';
    case OPT_LOG_SIZE:
        if (!parse_count(arg, 1ul << 30, &number)) return false;
        opt->log.max_bytes = (uint64_t)number << 10;
        return true;
    case OPT_LOG_KEEP:
        if (!parse_count(arg, 100, &number)) return false;
        opt->log.keep = (unsigned int)number;
        return true;
    case OPT_PID_FILE: opt->pid_file = arg; return true;
    case OPT_ESCAPE: opt->replace_escape = true; return true;
    default: return false;
    }
}

static void parse_options(struct options *opt, int argc, char **argv) {
    int c;

    while ((c = getopt_long(argc, argv, "hVvit:o:", long_options, NULL)) != -1) {
        if (c == 'h') {
            usage(stdout);
            exit(0);
        }
        if (c == 'V') {
            puts("xenconsoled of Hospes");
            exit(0);
        }
        if (apply_option(opt, c, optarg)) continue;
        if (c != '?') fprintf(stderr, "xenconsoled: '%s' is not a valid option argument\n", optarg);
        usage(stderr);
        exit(2);
    }
    if (optind < argc) {
        fprintf(stderr, "xenconsoled: unexpected argument '%s'\n", argv[optind]);
        exit(2);
    }
}

/* Each guest costs three descriptors. */
static void raise_file_limit(void) {
    struct rlimit limit;

    if (!getrlimit(RLIMIT_NOFILE, &limit)) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int open_devices(struct daemon *d, struct err *err) {
    d->hv = hv_open(err);
    if (!d->hv) return err->code;
    d->ev = evtchn_open();
    if (!d->ev) return err_set(err, -errno, "cannot open /dev/xen/evtchn: %s", strerror(errno));
    d->ttys = epoll_create1(EPOLL_CLOEXEC);
    if (d->ttys < 0) return err_set(err, -errno, "cannot make an epoll: %s", strerror(errno));
    d->gt = gnttab_open(); /* without it rings are mapped by frame number */
    if (!d->gt) syslog(LOG_WARNING, "cannot open /dev/xen/gntdev: %s", strerror(errno));
    return 0;
}

static bool connect_xenstore(struct daemon *d) {
    d->xs = xs_open(0);
    if (d->xs && (!xs_watch(d->xs, "@introduceDomain", "domains") ||
                  !xs_watch(d->xs, "@releaseDomain", "domains"))) {
        xs_close(d->xs);
        d->xs = NULL;
    }
    if (d->xs) fcntl(xs_fileno(d->xs), F_SETFD, FD_CLOEXEC);
    return d->xs != NULL;
}

/* The lock lasts as long as the process, so two daemons cannot fight over the rings. */
static int write_pid_file(const char *path, struct err *err) {
    char text[16];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), len;

    if (fd < 0) return err_set(err, -errno, "cannot write pid file %s: %s", path, strerror(errno));
    if (lockf(fd, F_TLOCK, 0)) {
        close(fd);
        return err_set(err, -EEXIST, "pid file %s is locked: xenconsoled is already running", path);
    }
    len = snprintf(text, sizeof(text), "%d\n", getpid());
    if (ftruncate(fd, 0) || write(fd, text, (size_t)len) != len) {
        close(fd);
        return err_set(err, -EIO, "cannot write pid file %s", path);
    }
    return 0;
}

/* Forks; the parent waits for the child's word and exits with it. Returns the child's end. */
static int into_background(void) {
    int ends[2], null;
    char word = 1;
    pid_t pid;

    if (pipe(ends)) {
        perror("xenconsoled: pipe");
        exit(1);
    }
    pid = fork();
    if (pid < 0) {
        perror("xenconsoled: fork");
        exit(1);
    }
    if (pid) {
        close(ends[1]);
        if (read(ends[0], &word, 1) != 1) word = 1;
        exit(word);
    }
    close(ends[0]);
    setsid();
    if (chdir("/")) exit(1);
    null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        if (null > STDERR_FILENO) close(null);
    }
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    return ends[1];
}

static void report_ready(int fd) {
    char word = 0;
    int null;

    if (fd < 0) return;
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDERR_FILENO);
        close(null);
    }
    if (write(fd, &word, 1) != 1) syslog(LOG_WARNING, "the starting process is gone");
    close(fd);
}

/* xenstore events until none is left. A guest's come in heaps, a transaction's all at once, and
 * what its nodes are is looked at after the last of a heap. */
static void serve_xenstore(struct daemon *d) {
    unsigned int domid, changed = DOMID_INVALID;
    bool rescan = false;
    char **event;

    while (d->xs && (event = xs_check_watch(d->xs))) {
        if (sscanf(event[XS_WATCH_TOKEN], GUEST_TOKEN "%u", &domid) == 1) {
            if (changed != DOMID_INVALID && changed != domid)
                guest_nodes_changed(d, (domid_t)changed);
            changed = domid;
        } else {
            rescan = true;
        }
        free(event);
    }
    if (d->xs && errno != EAGAIN && errno != EINTR) {
        syslog(LOG_WARNING, "connection to xenstored lost: %s", strerror(errno));
        xs_close(d->xs);
        d->xs = NULL;
    }
    if (changed != DOMID_INVALID) guest_nodes_changed(d, (domid_t)changed);
    if (rescan) guests_scan(d);
}

static void serve_events(struct daemon *d) {
    unsigned int n;
    int port;

    for (n = 0; n < EVENTS_A_ROUND; n++) {
        port = evtchn_pending(d->ev);
        if (port < 0) return;
        if (port == d->hv_port)
            hvlog_read(d);
        else if (!guest_event(d, (uint32_t)port))
            syslog(LOG_DEBUG, "event on port %d, which nobody has", port);
    }
}

/* True: go on. SIGHUP reopens log files, the others end the daemon. */
static bool serve_signals(struct daemon *d, int fd) {
    struct signalfd_siginfo info;

    while (read(fd, &info, sizeof(info)) == sizeof(info)) {
        if (info.ssi_signo != SIGHUP) return false;
        guests_reopen_logs(d);
        logfile_reopen(&d->hv_log);
    }
    return true;
}

#define TTYS_A_ROUND 64

static void serve_ttys(struct daemon *d) {
    struct epoll_event ready[TTYS_A_ROUND];
    int n = epoll_wait(d->ttys, ready, TTYS_A_ROUND, 0);

    for (int i = 0; i < n; i++) guest_tty_ready(d, ready[i].data.ptr, ready[i].events);
}

static void reconnect_xenstore(struct daemon *d) {
    if (d->xs || !connect_xenstore(d)) return;
    syslog(LOG_NOTICE, "connected to xenstored again");
    guests_republish(d);
    guests_scan(d);
}

static void main_loop(struct daemon *d, int signal_fd) {
    enum { SIGNALS, EVENTS, STORE, TTYS, COUNT };

    for (;;) {
        struct pollfd fds[COUNT] = {
            [SIGNALS] = {signal_fd, POLLIN, 0},
            [EVENTS] = {evtchn_fd(d->ev), POLLIN, 0},
            [TTYS] = {d->ttys, POLLIN, 0},
        };
        int timeout = guests_tick(d);

        if (!d->xs) {
            reconnect_xenstore(d);
            if (!d->xs && (timeout < 0 || timeout > XS_RETRY_MS)) timeout = XS_RETRY_MS;
        }
        fds[STORE] = (struct pollfd){d->xs ? xs_fileno(d->xs) : -1, POLLIN, 0};
        if (poll(fds, COUNT, timeout) < 0) continue;
        if (fds[TTYS].revents) serve_ttys(d);
        if (fds[EVENTS].revents) serve_events(d);
        if (fds[STORE].revents) serve_xenstore(d);
        if (fds[SIGNALS].revents && !serve_signals(d, signal_fd)) break;
    }
}

static int block_signals(void) {
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int start(struct daemon *d, struct err *err) {
    int ret;

    if ((d->opt.log_guest || d->opt.log_hv) && mkdir(d->opt.log.dir, 0755) && errno != EEXIST)
        return err_set(err, -errno, "cannot make log directory %s: %s", d->opt.log.dir,
                       strerror(errno));
    ret = open_devices(d, err);
    if (!ret) ret = write_pid_file(d->opt.pid_file, err);
    if (!ret && d->opt.log_hv) ret = hvlog_start(d, err);
    if (ret) return ret;
    if (!connect_xenstore(d))
        return err_set(err, -errno, "cannot reach xenstored: %s", strerror(errno));
    guests_scan(d);
    return 0;
}

int main(int argc, char **argv) {
    struct daemon d = {
        .hv_port = -1,
        .hv_log = {.fd = -1},
        .opt =
            {
                .pid_file = "/run/xenconsoled.pid",
                .log = {"/var/log/xen/console", 10u << 20, 4},
            },
    };
    struct err err = {0, ""};
    int ready_fd, signal_fd;

    parse_options(&d.opt, argc, argv);
    openlog("xenconsoled", LOG_PID | (d.opt.interactive ? LOG_PERROR : 0), LOG_DAEMON);
    setlogmask(LOG_UPTO(d.opt.verbose ? LOG_DEBUG : LOG_NOTICE));
    raise_file_limit();
    umask(022);
    ready_fd = d.opt.interactive ? -1 : into_background();
    signal_fd = block_signals();
    if (start(&d, &err)) {
        fprintf(stderr, "xenconsoled: %s\n", err.text);
        return 1;
    }
    report_ready(ready_fd);
    main_loop(&d, signal_fd);
    guests_forget_all(&d);
    unlink(d.opt.pid_file);
    return 0;
}
