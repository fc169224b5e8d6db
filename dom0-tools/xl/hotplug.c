/* SPDX-License-Identifier: MIT */
/*
 * Running hotplug scripts.  The contract is that of stock Xen on Linux: the environment names the
 * device (XENBUS_PATH=backend/KIND/N/ID and so on), the script reads and writes xenstore, exits 0
 * when done, and writes hotplug-error when it is not.  A script that hangs is killed with all it
 * started; what it printed is part of the error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "xsutil.h"

#define SCRIPT_TIMEOUT_MS 40000 /* as libxl */

char *script_path(const char *script, const char *otherwise) {
    if (!script) script = otherwise;
    return script[0] == '/' ? xstrdup(script) : xasprintf(SCRIPT_DIR "/%s", script);
}

static void child(const struct device *dev, const char *script, const char *const args[],
                  const char *const env[], int out) {
    char *path = xasprintf("backend/%s/%u/%d", dev->kind, dev->domid, dev->id);
    const char *argv[8] = {script};
    int null = open("/dev/null", O_RDONLY);
    unsigned n = 1;

    setpgid(0, 0);
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    setenv("script", script, 1);
    setenv("XENBUS_TYPE", dev->kind, 1);
    setenv("XENBUS_PATH", path, 1);
    setenv("XENBUS_BASE_PATH", "backend", 1);
    for (; env && env[0]; env += 2) setenv(env[0], env[1], 1);
    while (*args && n < ARRAY_SIZE(argv) - 1) argv[n++] = *args++;
    argv[n] = NULL;
    execv(script, (char *const *)argv);
    dprintf(2, "%s: %s", script, strerror(errno));
    _exit(127);
}

/* Reads once and keeps the end of what the script says; false at the end of its output. */
static bool collect_some(int fd, char *text, size_t size) {
    size_t used = strlen(text);
    char buf[256];
    ssize_t n = read(fd, buf, sizeof(buf) < size ? sizeof(buf) : size - 1);

    if (n <= 0) return n < 0 && errno == EINTR;
    if (used + (size_t)n >= size) {
        size_t drop = used + (size_t)n - size + 1;

        memmove(text, text + drop, used - drop);
        used -= drop;
    }
    memcpy(text + used, buf, (size_t)n);
    text[used + (size_t)n] = '\0';
    return true;
}

/* Until the script itself ended (a process it leaves behind may keep the pipe open). */
static bool collect(pid_t pid, int fd, char *text, size_t size, int timeout_ms) {
    int64_t end = now_ms() + timeout_ms, left;
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.events = POLLIN}};
    bool finished = false;

    p[1].fd = (int)syscall(SYS_pidfd_open, pid, 0);
    text[0] = '\0';
    while (!finished && (left = end - now_ms()) > 0) {
        if (poll(p, 2, (int)left) < 0 && errno != EINTR) break;
        if (p[0].revents && !collect_some(fd, text, size)) {
            p[0].fd = -1;
            finished = p[1].fd < 0;
        }
        finished |= p[1].revents != 0;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    while (finished && p[0].fd >= 0 && collect_some(fd, text, size))
        ;
    if (p[1].fd >= 0) close(p[1].fd);
    return finished;
}

/* Waits for the script itself; a process it left behind may hold the pipe open. */
static int reap(pid_t pid, bool finished, const char *script, const char *said, struct err *err) {
    int status;

    if (!finished) kill(-pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!finished)
        return err_set(err, -ETIMEDOUT, "script %s did not end within %d s%s%s", script,
                       SCRIPT_TIMEOUT_MS / 1000, *said ? "; it said: " : "", said);
    if (WIFSIGNALED(status))
        return err_set(err, -EIO, "script %s was killed by signal %d", script, WTERMSIG(status));
    if (WEXITSTATUS(status))
        return err_set(err, -EIO, "script %s failed with exit code %d%s%s", script,
                       WEXITSTATUS(status), *said ? ": " : "", said);
    return 0;
}

int hotplug_run(struct xl *xl, const struct device *dev, const char *script,
                const char *const args[], const char *const env[], struct err *err) {
    char said[400], *reason;
    int fds[2], rc;
    bool finished;
    pid_t pid;

    if (access(script, X_OK))
        return err_set(err, -errno, "script %s: %s", script,
                       errno == EACCES ? "not executable" : strerror(errno));
    if (pipe2(fds, O_CLOEXEC)) return err_set(err, -errno, "pipe: %s", strerror(errno));
    pid = fork();
    if (pid < 0) {
        rc = err_set(err, -errno, "cannot start %s: %s", script, strerror(errno));
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    if (!pid) child(dev, script, args, env, fds[1]);
    close(fds[1]);
    finished = collect(pid, fds[0], said, sizeof(said), SCRIPT_TIMEOUT_MS);
    close(fds[0]);
    rc = reap(pid, finished, script, trim(said), err);
    if (!rc) return 0;
    reason = xsu_read(xl->xs, XBT_NULL, "%s/hotplug-error", dev->backend);
    if (reason && *reason) err_prefix(err, "%s", reason);
    free(reason);
    return rc;
}
