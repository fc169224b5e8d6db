/* SPDX-License-Identifier: MIT */
/* xenconsoled: what its parts share. One thread, one loop (main.c). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "domctl.h"
#include "evtchn.h"
#include "gnttab.h"
#include "hypercall.h"
#include "logfile.h"
#include "xs/xs.h"

struct options {
    bool log_guest, log_hv, stamp_guest, stamp_hv;
    bool keep_overflow; /* stop reading a guest whose backlog is full, instead of dropping */
    bool replace_escape;
    bool interactive, verbose;
    const char *pid_file;
    struct log_policy log;
};

struct guest;

struct daemon {
    struct options opt;
    struct hv *hv;
    struct evtchn *ev;
    struct gnttab *gt;
    struct xs_handle *xs; /* NULL while the connection is lost */
    struct guest *guests;
    int ttys; /* epoll of the guests' ptys */
    struct logfile hv_log;
    uint32_t hv_index; /* how far the hypervisor's ring was read */
    int hv_port;       /* VIRQ_CON_RING, or -1 */
};

/* Milliseconds of a clock that only goes forward. */
int64_t now_ms(void);

/* hvlog.c: the hypervisor's own console. */
int hvlog_start(struct daemon *d, struct err *err);
void hvlog_read(struct daemon *d);
