/* SPDX-License-Identifier: MIT */
/*
 * The frame of xl: commands, global options, the two connections (hypervisor and xenstore) and
 * what most commands need of them.
 */
#pragma once

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

#include "domctl.h"
#include "errtext.h"
#include "hypercall.h"
#include "sysctl.h"
#include "util.h"
#include "xs.h"

/* Exit codes that scripts know from stock xl: libxl's error numbers, negated. */
enum { EXIT_USAGE = 2, EXIT_FAIL = 3, EXIT_INVAL = 6 };

struct xl {
    struct hv *hv; /* both open when a command's run() is called */
    struct xs_handle *xs;
    unsigned verbose;              /* -v */
    bool dryrun;                   /* -N */
    const struct command *command; /* the one that runs */
};

enum command_flags {
    CMD_DRYRUN = 1,   /* understands -N */
    CMD_MODIFIES = 2, /* changes something; only shapes the help text, as stock */
    CMD_OFFLINE = 4,  /* opens the hypervisor and xenstore itself, if at all */
};

struct command {
    const char *name, *summary, *usage, *options; /* options NULL: none */
    unsigned flags;
    int (*run)(struct xl *xl, int argc, char **argv); /* argv[0] is the command; exit code */
};

/* main.c */
const struct command *command_find(const char *name);
void command_help(const struct command *cmd); /* NULL: the list of all */
/* Opens what is not open yet; false after a message. */
bool xl_open(struct xl *xl);
void xl_close(struct xl *xl);
/*
 * getopt_long that also serves -h and --help, refuses unknown options and, at the end of the
 * options, fewer than need arguments: for those it ends the program as stock xl does.
 */
int xl_getopt(struct xl *xl, int argc, char **argv, const char *opts, const struct option *longs,
              int need);

/* commands.c: every command in the order of `xl help`; ends with NULL. */
extern const struct command *const commands[];

/* domains.c */
/* By id or name; false after stock's message. */
bool find_domain(struct xl *xl, const char *text, domid_t *domid);
/* -ESRCH if no domain has it. */
int name_to_domid(struct xl *xl, const char *name, domid_t *domid);
char *domid_to_name(struct xl *xl, domid_t domid); /* NULL if it has none */
char *domid_to_name_or(struct xl *xl, domid_t domid, const char *otherwise);
/* The names of n domains, NULL for one that has none; for names_free(). */
char **domain_names(struct xl *xl, const struct xen_domctl_getdomaininfo *info, int n);
void names_free(char **names, int n);
/* *info is malloced; returns the count, or -1 after a message. */
int list_domains(struct xl *xl, struct xen_domctl_getdomaininfo **info);
/* Gives domid the name within t; -EEXIST if another domain has it, -EIO with errno set. */
int rename_in(struct xl *xl, xs_transaction_t t, domid_t domid, const uint8_t uuid[16],
              const char *name);
unsigned shutdown_reason(const struct xen_domctl_getdomaininfo *info);
