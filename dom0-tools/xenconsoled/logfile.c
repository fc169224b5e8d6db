/* SPDX-License-Identifier: MIT */
/* Size-bounded log files: see logfile.h. */
#include "logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

static int open_path(struct logfile *log) {
    struct stat st;

    /* Guests may print secrets: not for everybody. Links are not followed, whoever made them. */
    log->fd = open(log->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (log->fd < 0) return -errno;
    log->size = fstat(log->fd, &st) ? 0 : (uint64_t)st.st_size;
    return 0;
}

static void complain(struct logfile *log, const char *what, int code) {
    if (!log->complained) syslog(LOG_ERR, "%s: cannot %s: %s", log->path, what, strerror(code));
    log->complained = true;
}

int logfile_open(struct logfile *log, const struct log_policy *policy, const char *stem,
                 bool timestamps) {
    char *slash;
    int ret;

    memset(log, 0, sizeof(*log));
    log->fd = -1;
    log->policy = policy;
    log->timestamps = timestamps;
    log->at_line_start = true;
    if (asprintf(&log->path, "%s/%s", policy->dir, stem) < 0) {
        log->path = NULL;
        return -ENOMEM;
    }
    for (slash = log->path + strlen(policy->dir) + 1; *slash; slash++)
        if (*slash == '/') *slash = '_';
    ret = open_path(log);
    if (ret) complain(log, "open", -ret);
    return ret;
}

/* NAME.n-1 becomes NAME.n and so on; NAME becomes NAME.1, or is emptied if none is kept. */
static void rotate(struct logfile *log) {
    unsigned int n = log->policy->keep;
    char *from, *to;

    close(log->fd);
    log->fd = -1;
    if (!n) unlink(log->path);
    for (; n; n--) {
        if ((n > 1 ? asprintf(&from, "%s.%u", log->path, n - 1)
                   : asprintf(&from, "%s", log->path)) < 0)
            break;
        if (asprintf(&to, "%s.%u", log->path, n) >= 0) {
            if (rename(from, to) && errno != ENOENT) complain(log, "rotate", errno);
            free(to);
        }
        free(from);
    }
    open_path(log);
}

/* Writes all or reports; a full disk must not stop the guest's console. */
static void write_raw(struct logfile *log, const uint8_t *data, size_t size) {
    ssize_t done;

    if (log->fd >= 0 && log->policy->max_bytes && log->size + size > log->policy->max_bytes &&
        log->size)
        rotate(log);
    while (size && log->fd >= 0) {
        done = write(log->fd, data, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            complain(log, "write", errno);
            return;
        }
        data += done;
        size -= (size_t)done;
        log->size += (uint64_t)done;
    }
}

static void write_stamp(struct logfile *log) {
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    size_t len;

    localtime_r(&now, &tm);
    len = strftime(stamp, sizeof(stamp), "[%Y-%m-%d %H:%M:%S] ", &tm);
    write_raw(log, (const uint8_t *)stamp, len);
}

void logfile_write(struct logfile *log, const uint8_t *data, size_t size) {
    const uint8_t *end;
    size_t part;

    if (!log->timestamps) {
        write_raw(log, data, size);
        return;
    }
    while (size) {
        if (log->at_line_start) write_stamp(log);
        end = memchr(data, '\n', size);
        part = end ? (size_t)(end - data) + 1 : size;
        write_raw(log, data, part);
        log->at_line_start = end != NULL;
        data += part;
        size -= part;
    }
}

void logfile_reopen(struct logfile *log) {
    int ret;

    if (!log->path) return;
    if (log->fd >= 0) close(log->fd);
    log->complained = false;
    ret = open_path(log);
    if (ret) complain(log, "reopen", -ret);
}

void logfile_close(struct logfile *log) {
    if (log->fd >= 0) close(log->fd);
    free(log->path);
    log->path = NULL;
    log->fd = -1;
}
