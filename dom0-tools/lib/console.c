/* SPDX-License-Identifier: MIT */
/*
 * Console client: see console.h.
 *
 * The tty's name comes from xenstore and may change while we run (xenconsoled restarted): at the
 * tty's end the name is looked up again, and only when the guest's nodes are gone is it over.
 */
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "xs/xs.h"

#define TTY_WAIT_MS 5000 /* how long a tty may be missing */

struct session {
    const struct console_params *params;
    struct xs_handle *xs;
    char node[96];
    int tty, signals;
    int ready_fd;
    bool was_attached;
    bool stdin_is_tty;
    struct termios saved;
};

enum outcome { GO_ON, TTY_ENDED, LEAVE };

static void node_path(domid_t domid, unsigned int number, char *path, size_t size) {
    if (number)
        snprintf(path, size, "/local/domain/%u/device/console/%u/tty", domid, number);
    else
        snprintf(path, size, "/local/domain/%u/console/tty", domid);
}

/* 0, -ENOENT if the node is missing or empty, or another -Exxx. */
static int read_tty_name(struct xs_handle *xs, const char *node, char *buf, unsigned int size) {
    char *value = xs_read(xs, XBT_NULL, node, NULL);
    int ret = -errno;

    if (!value) return ret;
    ret = !*value ? -ENOENT : strlen(value) >= size ? -ENAMETOOLONG : 0;
    if (!ret) strcpy(buf, value);
    free(value);
    return ret;
}

int console_tty(domid_t domid, unsigned int number, char *buf, unsigned int size, struct err *err) {
    struct xs_handle *xs = xs_open(0);
    char node[96];
    int ret;

    if (!xs) return err_set(err, -errno, "cannot reach xenstored: %s", strerror(errno));
    node_path(domid, number, node, sizeof(node));
    ret = read_tty_name(xs, node, buf, size);
    xs_close(xs);
    if (ret)
        err_set(err, ret, "no console tty of domain %u at %s: %s", domid, node, strerror(-ret));
    return ret;
}

static int64_t clock_ms(void) {
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool domain_known(struct session *s) {
    char path[48];
    void *value;

    snprintf(path, sizeof(path), "/local/domain/%u", s->params->domid);
    value = xs_read(s->xs, XBT_NULL, path, NULL);
    free(value);
    return value != NULL;
}

/* The name must be a device below /dev: whoever may write the node may not choose our files. */
static int open_tty(struct session *s, const char *name, struct err *err) {
    struct termios raw;
    int fd, ret;

    if (strncmp(name, "/dev/", 5) || strstr(name, ".."))
        return err_set(err, -EINVAL, "console tty '%s' of domain %u is not a device", name,
                       s->params->domid);
    fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(err, -errno, "cannot open console %s of domain %u: %s", name,
                       s->params->domid, strerror(errno));
    if (!isatty(fd))
        ret = err_set(err, -ENOTTY, "console %s of domain %u is not a terminal", name,
                      s->params->domid);
    else if (flock(fd, LOCK_EX | LOCK_NB))
        ret = err_set(err, -EBUSY, "console of domain %u is in use by another client",
                      s->params->domid);
    else
        ret = 0;
    if (ret) {
        close(fd);
        return ret;
    }
    if (!tcgetattr(fd, &raw)) {
        cfmakeraw(&raw);
        tcsetattr(fd, TCSANOW, &raw);
    }
    s->tty = fd;
    return 0;
}

/* Waits for a xenstore event or a signal, at most until `until` (-1: without end). */
static enum outcome wait_change(struct session *s, int64_t until) {
    struct pollfd fds[] = {{xs_fileno(s->xs), POLLIN, 0}, {s->signals, POLLIN, 0}};
    int64_t left = until < 0 ? -1 : until - clock_ms();
    char **event;

    if (until >= 0 && left <= 0) return GO_ON;
    /* A tty that is listed but gone is not announced: look again now and then. */
    if (left < 0 || left > 200) left = 200;
    if (poll(fds, 2, (int)left) > 0) {
        if (fds[1].revents) return LEAVE;
        while ((event = xs_check_watch(s->xs))) free(event);
    }
    return GO_ON;
}

/* 0: attached; 1: the guest is gone or a signal came; -Exxx. */
static int find_tty(struct session *s, struct err *err) {
    int64_t until = s->params->wait && !s->was_attached ? -1 : clock_ms() + TTY_WAIT_MS;
    char name[128];
    int ret;

    for (;;) {
        ret = read_tty_name(s->xs, s->node, name, sizeof(name));
        if (ret)
            err_set(err, ret, "domain %u has no console tty (is xenconsoled running?)",
                    s->params->domid);
        else
            ret = open_tty(s, name, err);
        if (!ret || ret == -EBUSY) return ret;
        if (!domain_known(s))
            return s->was_attached
                       ? 1
                       : err_set(err, -ESRCH, "domain %u does not exist", s->params->domid);
        if (until >= 0 && clock_ms() >= until) return ret;
        if (wait_change(s, until) == LEAVE) return 1;
    }
}

static void report_ready(struct session *s) {
    char zero = 0;

    s->was_attached = true;
    if (s->ready_fd < 0) return;
    if (write(s->ready_fd, &zero, 1) != 1) perror("console: starting process is gone");
    close(s->ready_fd);
    s->ready_fd = -1;
}

/* Writes all of it to a descriptor that may be non-blocking. */
static bool write_all(int fd, const char *data, size_t size) {
    struct pollfd ready = {fd, POLLOUT, 0};
    ssize_t done;

    while (size) {
        done = write(fd, data, size);
        if (done < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (done < 0) {
            if (poll(&ready, 1, -1) > 0 && ready.revents & (POLLERR | POLLNVAL)) return false;
            continue;
        }
        data += done;
        size -= (size_t)done;
    }
    return true;
}

static enum outcome from_guest(struct session *s) {
    char buf[4096];
    ssize_t got = read(s->tty, buf, sizeof(buf));

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return GO_ON;
    if (got <= 0) return TTY_ENDED;
    return write_all(STDOUT_FILENO, buf, (size_t)got) ? GO_ON : LEAVE;
}

static enum outcome from_user(struct session *s) {
    char buf[512], *leave, escape = s->params->escape ? s->params->escape : CONSOLE_ESCAPE;
    ssize_t got = read(STDIN_FILENO, buf, sizeof(buf));

    if (got < 0 && errno == EINTR) return GO_ON;
    if (got <= 0) return LEAVE;
    leave = memchr(buf, escape, (size_t)got);
    if (!write_all(s->tty, buf, leave ? (size_t)(leave - buf) : (size_t)got)) return TTY_ENDED;
    return leave ? LEAVE : GO_ON;
}

static enum outcome copy_until_end(struct session *s) {
    struct pollfd fds[] = {
        {s->tty, POLLIN, 0},
        {STDIN_FILENO, POLLIN, 0},
        {s->signals, POLLIN, 0},
    };
    enum outcome outcome = GO_ON;

    while (outcome == GO_ON) {
        if (poll(fds, 3, -1) < 0) continue;
        if (fds[2].revents) return LEAVE;
        if (fds[0].revents) outcome = from_guest(s);
        if (outcome == GO_ON && fds[1].revents) outcome = from_user(s);
    }
    return outcome;
}

static void set_raw(struct session *s) {
    struct termios raw;

    s->stdin_is_tty = !tcgetattr(STDIN_FILENO, &s->saved);
    if (!s->stdin_is_tty) return;
    raw = s->saved;
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static int run(struct session *s, struct err *err) {
    enum outcome outcome;
    int ret;

    do {
        ret = find_tty(s, err);
        if (ret) return ret < 0 ? ret : 0;
        report_ready(s);
        outcome = copy_until_end(s);
        close(s->tty);
        s->tty = -1;
    } while (outcome == TTY_ENDED);
    return 0;
}

int console_attach(const struct console_params *params, struct err *err) {
    struct session s = {.params = params, .tty = -1, .ready_fd = params->ready_fd};
    sigset_t set, old;
    int ret;

    s.xs = xs_open(0);
    if (!s.xs) return err_set(err, -errno, "cannot reach xenstored: %s", strerror(errno));
    node_path(params->domid, params->number, s.node, sizeof(s.node));
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigprocmask(SIG_BLOCK, &set, &old);
    s.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s.signals < 0 || !xs_watch(s.xs, s.node, "tty")) {
        ret = err_set(err, -errno, "cannot watch %s: %s", s.node, strerror(errno));
    } else {
        set_raw(&s);
        ret = run(&s, err);
        if (s.stdin_is_tty) tcsetattr(STDIN_FILENO, TCSANOW, &s.saved);
    }
    if (s.signals >= 0) close(s.signals);
    if (s.ready_fd >= 0) close(s.ready_fd);
    sigprocmask(SIG_SETMASK, &old, NULL);
    xs_close(s.xs);
    return ret;
}
