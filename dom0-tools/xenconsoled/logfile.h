/* SPDX-License-Identifier: MIT */
/*
 * Log files that keep their size: NAME, and older parts NAME.1 (newest) .. NAME.n. Appends to what
 * an earlier run left.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_policy {
    const char *dir;
    uint64_t max_bytes; /* of one file; 0: no limit */
    unsigned int keep;  /* older parts */
};

struct logfile {
    const struct log_policy *policy;
    char *path;
    int fd; /* -1: closed or failed */
    uint64_t size;
    bool timestamps, at_line_start;
    bool complained; /* one message per failing file */
};

/* stem: file name without directory; slashes in it are replaced. Returns 0 or -Exxx. */
int logfile_open(struct logfile *log, const struct log_policy *policy, const char *stem,
                 bool timestamps);
void logfile_write(struct logfile *log, const uint8_t *data, size_t size);

/* Opens the path anew, for when somebody has moved the file away. */
void logfile_reopen(struct logfile *log);
void logfile_close(struct logfile *log);
