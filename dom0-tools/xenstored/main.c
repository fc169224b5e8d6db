/* SPDX-License-Identifier: MIT */
/*
 * xenstored: the daemon around the store.
 *
 * Start, in order: options, log, pid file, socket, store, hypervisor, dom0's ring; only then does
 * the process the user started return, so that the next command of a script finds the store
 * working.  Whatever fails before that is said on stderr and is the exit status.
 */
#include "conn.h"
#include "domain.h"
#include "quota.h"
#include "store.h"
#include "txn.h"
#include "util.h"
#include "xen.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define RUN_DIR    "/run/xenstored"
#define MAX_EVENTS 64

static struct options {
    bool no_domain_init, no_fork, output_pid, verbose;
    const char *pid_file, *trace_file;
} opt;

static int epoll_fd = -1, listen_fd = -1, xen_fd = -1;
static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static volatile sig_atomic_t stop, reopen;

static const char usage_text[] =
    "Usage:\n"
    "\n"
    "  xenstored <options>\n"
    "\n"
    "where options may include:\n"
    "\n"
    "  -D, --no-domain-init    to run without a hypervisor,\n"
    "  -F, --pid-file <file>   giving a file for the daemon's pid to be written,\n"
    "  -H, --help              to output this message,\n"
    "  -N, --no-fork           to request that the daemon does not fork,\n"
    "  -P, --output-pid        to request that the pid of the daemon is output,\n"
    "  -T, --trace-file <file> giving the file for logging, and\n"
    "  -E, --entry-nb <nb>     limit the number of entries per domain,\n"
    "  -S, --entry-size <size> limit the size of entry per domain, and\n"
    "  -W, --watch-nb <nb>     limit the number of watches per domain,\n"
    "  -t, --transaction <nb>  limit the number of transaction allowed per domain,\n"
    "  -A, --perm-nb <nb>      limit the number of permissions per node,\n"
    "  -M, --path-max <chars>  limit the allowed Xenstore node path length,\n"
    "  -Q, --quota <what>=<nb> set the quota <what> to the value <nb>, allowed\n"
    "                          quotas are transaction-nodes, memory, outstanding and\n"
    "                          those that 'xenstore-control quota' lists; 0 is none\n"
    "                          for memory and outstanding,\n"
    "  -q, --quota-soft <what>=<nb> log when <what> (memory) passes <nb>,\n"
    "  -w, --timeout <what>=<seconds>   set the timeout in seconds for <what>,\n"
    "                          which is watch-event: time a watch-event is kept pending\n"
    "  -R, --no-recovery       accepted and ignored: there is no database to recover,\n"
    "  -I, --internal-db [on|off] accepted and ignored: the store is in memory,\n"
    "  -K, --keep-orphans      don't delete nodes owned by a domain when the\n"
    "                          domain is deleted (this is a security risk!)\n"
    "  -V, --verbose           with -N, trace requests to stderr.\n"
    "\n"
    "The socket is $XENSTORED_PATH, or " RUN_DIR "/socket.\n";

static const struct option long_options[] = {
    {"no-domain-init", 0, NULL, 'D'}, {"entry-nb", 1, NULL, 'E'},
    {"pid-file", 1, NULL, 'F'},       {"help", 0, NULL, 'H'},
    {"no-fork", 0, NULL, 'N'},        {"output-pid", 0, NULL, 'P'},
    {"entry-size", 1, NULL, 'S'},     {"trace-file", 1, NULL, 'T'},
    {"transaction", 1, NULL, 't'},    {"perm-nb", 1, NULL, 'A'},
    {"path-max", 1, NULL, 'M'},       {"quota", 1, NULL, 'Q'},
    {"quota-soft", 1, NULL, 'q'},     {"timeout", 1, NULL, 'w'},
    {"no-recovery", 0, NULL, 'R'},    {"internal-db", 2, NULL, 'I'},
    {"keep-orphans", 0, NULL, 'K'},   {"verbose", 0, NULL, 'V'},
    {"watch-nb", 1, NULL, 'W'},       {NULL, 0, NULL, 0},
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...) {
    va_list ap;

    fputs("xenstored: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    exit(1);
}

static uint32_t number(const char *option, const char *s) {
    uint32_t v;

    if (!parse_u32(s, INT_MAX, &v))
        die("%s: '%s' is not a number from 0 to %d", option, s, INT_MAX);
    return v;
}

static void set_limit(enum quota q, const char *option, const char *s) {
    quota[q].limit = number(option, s);
    if (q == QUOTA_PATH && quota[q].limit > XENSTORE_REL_PATH_MAX)
        quota[q].limit = XENSTORE_REL_PATH_MAX;
}

/* <what>=<number> */
static void set_named(const char *option, const char *arg, bool soft) {
    const char *eq = strchr(arg, '=');
    enum quota q;

    if (!eq) die("%s: '%s' is not <what>=<number>", option, arg);
    q = quota_by_name(arg, (size_t)(eq - arg));
    if (soft) q = q == QUOTA_MEMORY ? QUOTA_MEMORY_SOFT : QUOTA_COUNT;
    if (q == QUOTA_COUNT) die("%s: there is no quota '%.*s'", option, (int)(eq - arg), arg);
    set_limit(q, option, eq + 1);
}

static void set_timeout(const char *arg) {
    static const char name[] = "watch-event=";

    if (strncmp(arg, name, sizeof(name) - 1))
        die("--timeout: '%s' is not watch-event=<seconds>", arg);
    event_timeout_ms = number("--timeout", arg + sizeof(name) - 1) % (INT_MAX / 1000) * 1000;
}

static void one_option(int c) {
    static const struct {
        int c;
        enum quota q;
        const char *name;
    } limits[] = {
        {'E', QUOTA_NODES, "--entry-nb"},   {'S', QUOTA_NODE_SIZE, "--entry-size"},
        {'W', QUOTA_WATCHES, "--watch-nb"}, {'t', QUOTA_TRANSACTIONS, "--transaction"},
        {'A', QUOTA_PERMS, "--perm-nb"},    {'M', QUOTA_PATH, "--path-max"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
        if (limits[i].c == c) set_limit(limits[i].q, limits[i].name, optarg);
    switch (c) {
    case 'D': opt.no_domain_init = true; break;
    case 'F': opt.pid_file = optarg; break;
    case 'H': fputs(usage_text, stdout); exit(0);
    case 'K': keep_orphans = true; break;
    case 'N': opt.no_fork = true; break;
    case 'P': opt.output_pid = true; break;
    case 'Q': set_named("--quota", optarg, false); break;
    case 'q': set_named("--quota-soft", optarg, true); break;
    case 'T': opt.trace_file = optarg; break;
    case 'V': opt.verbose = true; break;
    case 'w': set_timeout(optarg); break;
    case '?': fprintf(stderr, "Try 'xenstored --help'.\n"); exit(2);
    default: /* a limit, or accepted and ignored */ break;
    }
}

static void parse_options(int argc, char *argv[]) {
    int c;

    while ((c = getopt_long(argc, argv, "DE:F:HI::KNPS:t:A:M:Q:q:T:RVW:w:", long_options, NULL)) !=
           -1)
        one_option(c);
    if (optind != argc) die("unexpected argument '%s', see --help", argv[optind]);
}

/* The lock is held while the daemon lives: a second one says so and leaves the first alone. */
static void write_pid_file(void) {
    int fd = open(opt.pid_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    char text[16];
    int len;

    if (fd < 0) die("cannot open the pid file %s: %s", opt.pid_file, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB))
        die("another xenstored runs: the pid file %s is locked", opt.pid_file);
    len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || write(fd, text, (size_t)len) != len)
        die("cannot write the pid file %s: %s", opt.pid_file, strerror(errno));
}

static void choose_socket_path(void) {
    const char *path = getenv("XENSTORED_PATH");

    if (!path) {
        path = RUN_DIR "/socket";
        /* A failure shows when the socket is made. /var/run is /run, or else linked there. */
        mkdir(RUN_DIR, 0755);
        if (access("/var/run/xenstored", F_OK) && symlink(RUN_DIR, "/var/run/xenstored"))
            xtrace("no /var/run/xenstored: %s", strerror(errno));
    }
    if (strlen(path) >= sizeof(socket_path))
        die("the socket path %s is longer than %zu bytes", path, sizeof(socket_path) - 1);
    strcpy(socket_path, path);
}

static void open_socket(void) {
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int probe;

    choose_socket_path();
    strcpy(addr.sun_path, socket_path);
    probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe >= 0 && !connect(probe, (struct sockaddr *)&addr, sizeof(addr)))
        die("another xenstored answers on %s", socket_path);
    close(probe);
    unlink(socket_path);
    listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listen_fd < 0) die("cannot make a socket: %s", strerror(errno));
    umask(0177);
    if (bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)))
        die("cannot bind the socket to %s: %s", socket_path, strerror(errno));
    umask(022);
    if (listen(listen_fd, 128)) die("cannot listen on %s: %s", socket_path, strerror(errno));
}

static void poll_add(int fd, void *what) {
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = what};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev))
        die("cannot wait for events: %s", strerror(errno));
}

static void poll_out(struct conn *c, bool on) {
    struct epoll_event ev = {.events = EPOLLIN | (on ? EPOLLOUT : 0u), .data.ptr = c};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &ev)) conn_kill(c);
}

static void accept_client(void) {
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLIN};

    if (fd < 0) return;
    ev.data.ptr = conn_new_socket(fd);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev)) conn_kill(ev.data.ptr);
}

static void ring_event(uint32_t port) {
    struct domain *d = domain_by_port(port);

    if (d && d->conn) conn_ready(d->conn);
}

static void handle_event(const struct epoll_event *ev) {
    if (ev->data.ptr == &listen_fd)
        accept_client();
    else if (ev->data.ptr == &xen_fd)
        xen_linux_events(domains_check, ring_event);
    else
        conn_ready(ev->data.ptr);
}

/* Gives each waiting connection one turn; returns how long the loop may sleep. */
static int work(void) {
    static struct list waiting = {&waiting, &waiting};
    struct list turn;
    int timeout = conn_expire_events();

    while (!list_empty(&waiting)) {
        struct list *l = waiting.next;

        list_del(l);
        list_add_tail(&ready_conns, l);
    }
    list_init(&turn);
    while (!list_empty(&ready_conns)) {
        struct list *l = ready_conns.next;

        list_del(l);
        list_add_tail(&turn, l);
    }
    while (!list_empty(&turn)) {
        struct conn *c = list_entry(turn.next, struct conn, ready);
        int wait = -1;

        list_del(&c->ready);
        if (conn_work(c, &wait)) {
            conn_ready(c);
        } else if (wait >= 0 && !c->dead) {
            list_del(&c->ready);
            list_add_tail(&waiting, &c->ready);
            timeout = timeout < 0 || wait < timeout ? wait : timeout;
        }
    }
    conn_reap();
    return list_empty(&ready_conns) ? timeout : 0;
}

static void on_signal(int sig) {
    if (sig == SIGHUP)
        reopen = 1;
    else
        stop = 1;
}

/* Only epoll_pwait lets signals in, so none is missed between the check and the sleep. */
static void loop(const sigset_t *unblocked) {
    struct epoll_event ev[MAX_EVENTS];

    while (!stop) {
        int timeout = work();
        int n = epoll_pwait(epoll_fd, ev, MAX_EVENTS, timeout, unblocked);

        if (n < 0 && errno != EINTR) {
            xlog(LOG_CRIT, "cannot wait for events: %s", strerror(errno));
            exit(1);
        }
        for (int i = 0; i < n; i++) handle_event(&ev[i]);
        if (reopen) {
            reopen = 0;
            if (opt.trace_file && trace_open(opt.trace_file))
                xlog(LOG_WARNING, "cannot open the trace file %s", opt.trace_file);
        }
    }
}

/* Returns in the daemon only; the first process waits for finish_fork() and passes it on. */
static int fork_daemon(void) {
    int ready[2], status = 1;
    pid_t pid;

    if (pipe2(ready, O_CLOEXEC)) die("cannot make a pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0) die("cannot fork: %s", strerror(errno));
    if (pid) {
        close(ready[1]);
        if (read(ready[0], &status, sizeof(status)) != sizeof(status))
            status = 1; /* it died, and has said why */
        exit(status);
    }
    close(ready[0]);
    setsid();
    if (chdir("/")) die("cannot change to /: %s", strerror(errno));
    return ready[1];
}

static void finish_fork(int ready) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC), status = 0;

    if (opt.output_pid) {
        printf("%ld\n", (long)getpid());
        fflush(stdout);
    }
    if (ready < 0) return;
    openlog("xenstored", LOG_PID, LOG_DAEMON);
    log_use_syslog(true);
    for (int fd = 0; fd < 3 && null >= 0; fd++) dup2(null, fd);
    if (null > 2) close(null);
    if (write(ready, &status, sizeof(status)) < 0)
        xlog(LOG_WARNING, "the process that started the daemon is gone");
    close(ready);
}

static void setup_signals(sigset_t *unblocked) {
    struct sigaction sa = {.sa_handler = on_signal};
    sigset_t block;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGHUP);
    sigprocmask(SIG_BLOCK, &block, unblocked);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
}

static void connect_hypervisor(void) {
    uint32_t port;
    int err = xen_linux_init(&xen_fd, &port);

    if (err) die("cannot start without the hypervisor: %s (--no-domain-init does)", strerror(-err));
    err = domain_introduce_dom0(port);
    if (err) die("cannot map the ring of dom0's kernel: %s", strerror(-err));
    poll_add(xen_fd, &xen_fd);
}

int main(int argc, char *argv[]) {
    struct rlimit files = {65536, 65536};
    sigset_t unblocked;
    int ready = -1;

    parse_options(argc, argv);
    if (opt.verbose && opt.no_fork && !opt.trace_file) opt.trace_file = "/dev/stderr";
    if (opt.trace_file && trace_open(opt.trace_file))
        die("cannot open the trace file %s", opt.trace_file);
    setup_signals(&unblocked);
    setrlimit(RLIMIT_NOFILE, &files); /* as far as we may: one client needs one */
    if (!opt.no_fork) ready = fork_daemon();
    if (opt.pid_file) write_pid_file();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    open_socket();
    domains_init();
    store_init();
    conn_poll_out = poll_out;
    poll_add(listen_fd, &listen_fd);
    if (!opt.no_domain_init) connect_hypervisor();
    finish_fork(ready);
    loop(&unblocked);
    unlink(socket_path);
    if (opt.pid_file) unlink(opt.pid_file);
    return 0;
}
