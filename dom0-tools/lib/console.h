/* SPDX-License-Identifier: MIT */
/*
 * Console client: joins the caller's terminal to a guest's console tty.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "errtext.h"

#include <public/xen.h>

#define CONSOLE_ESCAPE 0x1d /* Ctrl-] */

struct console_params {
    domid_t domid;
    unsigned int number; /* 0: the primary console */
    char escape;         /* leaves; 0: CONSOLE_ESCAPE */
    bool wait;           /* wait until the tty appears (create -c) */
    int ready_fd;        /* >= 0: one byte 0 is written once attached, then it is closed */
};

/*
 * Runs until the escape character, end of input, or the guest's end. Returns 0, or -Exxx with err.
 * The terminal's mode is restored on every way out, signals included.
 */
int console_attach(const struct console_params *params, struct err *err);

/* Path of the tty as xenconsoled published it, into buf. -ENOENT if there is none yet. */
int console_tty(domid_t domid, unsigned int number, char *buf, unsigned int size, struct err *err);
