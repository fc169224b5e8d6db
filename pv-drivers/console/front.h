/* SPDX-License-Identifier: MIT */
/*
 * A guest's console: its end of the two rings of public/io/console.h. One user at a time: callers
 * on several vcpus lock around it.
 */
#pragma once

#include <public/io/console.h>

#include "../port.h"
#include "../stream/stream.h"

struct console_front {
    struct pv_port *port;
    struct stream_out out;
    struct stream_in in;
};

/* page: start_info's console.domU.mfn, mapped. port: its evtchn. Both outlive the console. */
void console_front_init(struct console_front *c, struct xencons_interface *page,
                        struct pv_port *port);

/*
 * Writes all n bytes, waiting for room: a reader that is slow loses nothing, one that never reads
 * stops the caller. -XEN_EIO if the other end's index is impossible; then the rest is lost.
 */
long console_front_write(struct console_front *c, const char *text, size_t n);

/* Takes what was typed, at most max bytes, without waiting: how many, or -XEN_EIO. */
long console_front_read(struct console_front *c, char *to, size_t max);
