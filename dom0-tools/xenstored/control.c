/* SPDX-License-Identifier: MIT */
/* XS_CONTROL: what an administrator asks of the running daemon (xenstore-control). */
#include "control.h"

#include "conn.h"
#include "domain.h"
#include "quota.h"
#include "store.h"
#include "tree.h"
#include "txn.h"
#include "util.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define MAX_ARGS 4

struct args {
    unsigned int n;
    const char *v[MAX_ARGS];
};

static void say(struct conn *c, const char *text) {
    conn_reply(c, XS_CONTROL, text, (uint32_t)strlen(text) + 1);
}

static char trace_path[PATH_MAX];

static int cmd_check(struct conn *c, const struct args *a) {
    (void)a;
    say(c, store_check() ? "OK" : "the store is inconsistent, see the log");
    return 0;
}

static int cmd_log(struct conn *c, const struct args *a) {
    if (a->n == 2 && !strcmp(a->v[1], "on"))
        trace_open(trace_path[0] ? trace_path : NULL);
    else if (a->n == 2 && !strcmp(a->v[1], "off"))
        trace_open(NULL);
    else if (a->n != 1)
        return -EINVAL;
    say(c, trace_on() ? "on" : "off");
    return 0;
}

static int cmd_logfile(struct conn *c, const struct args *a) {
    int err;

    if (a->n != 2 || strlen(a->v[1]) >= sizeof(trace_path)) return -EINVAL;
    err = trace_open(a->v[1]);
    if (err) return err;
    strcpy(trace_path, a->v[1]);
    say(c, "OK");
    return 0;
}

static int cmd_print(struct conn *c, const struct args *a) {
    if (a->n != 2) return -EINVAL;
    xlog(LOG_INFO, "control: %s", a->v[1]);
    say(c, "OK");
    return 0;
}

static int cmd_memreport(struct conn *c, const struct args *a) {
    unsigned int nconns = 0;
    char *text;

    (void)a;
    for (struct list *l = conns.next; l != &conns; l = l->next) nconns++;
    text = xasprintf("nodes of all versions: %zu bytes\nconnections: %u\ntransactions: %u\n",
                     tree_bytes, nconns, txn_open_count);
    say(c, text);
    free(text);
    return 0;
}

static void append(char **text, const char *line) {
    char *joined = xasprintf("%s%s", *text, line);

    free(*text);
    *text = joined;
}

static int quota_of_domain(struct conn *c, const char *id) {
    char line[128];
    struct domain *d;
    uint32_t domid;
    char *text;

    if (!parse_u32(id, DOMID_LIMIT, &domid)) return -EINVAL;
    d = domain_find(domid);
    if (!d) return -ENOENT;
    text = xasprintf("Domain %u:\n%-16s: %8u\n%-16s: %8u\n%-16s: %8u\n%-16s: %8u\n%-16s: %8lld\n",
                     domid, "nodes", d->nodes, "watches", d->watches, "transactions",
                     d->conn ? d->conn->ntxns : 0, "outstanding", d->outstanding, "memory",
                     (long long)d->memory);
    for (unsigned int q = 0; q < QUOTA_COUNT; q++) {
        if (!d->hits[q]) continue;
        snprintf(line, sizeof(line), "%s quota was reached %llu times\n", quota[q].name,
                 (unsigned long long)d->hits[q]);
        append(&text, line);
    }
    say(c, text);
    free(text);
    return 0;
}

static int quota_list(struct conn *c) {
    char *text = xstrdup("");
    char line[160];

    for (unsigned int q = 0; q < QUOTA_COUNT; q++) {
        snprintf(line, sizeof(line), "%-20s: %8u %s\n", quota[q].name, quota[q].limit,
                 quota[q].help);
        append(&text, line);
    }
    say(c, text);
    free(text);
    return 0;
}

/* quota | quota <domid> | quota set <name> <limit> */
static int cmd_quota(struct conn *c, const struct args *a) {
    enum quota q;
    uint32_t limit;

    if (a->n == 1) return quota_list(c);
    if (a->n == 2) return quota_of_domain(c, a->v[1]);
    if (a->n != 4 || strcmp(a->v[1], "set")) return -EINVAL;
    q = quota_by_name(a->v[2], strlen(a->v[2]));
    if (q == QUOTA_COUNT || !parse_u32(a->v[3], INT_MAX, &limit)) return -EINVAL;
    quota[q].limit = limit;
    say(c, "OK");
    return 0;
}

static int cmd_help(struct conn *c, const struct args *a);

static const struct command {
    const char *name;
    int (*run)(struct conn *c, const struct args *a);
    const char *help;
} commands[] = {
    {"check", cmd_check, ""},
    {"help", cmd_help, ""},
    {"log", cmd_log, "[on|off]"},
    {"logfile", cmd_logfile, "<file>"},
    {"memreport", cmd_memreport, ""},
    {"print", cmd_print, "<string>"},
    {"quota", cmd_quota, "[<domid> | set <name> <limit>]"},
};

static int cmd_help(struct conn *c, const struct args *a) {
    char *text = xstrdup("Supported commands:\n");
    char line[80];

    (void)a;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        snprintf(line, sizeof(line), "%15s  %s\n", commands[i].name, commands[i].help);
        append(&text, line);
    }
    say(c, text);
    free(text);
    return 0;
}

int control_handle(struct conn *c, const char *data, uint32_t len) {
    const char *end = data + len;
    struct args a = {0};

    while (data < end) {
        size_t n = strnlen(data, (size_t)(end - data));

        if (data + n == end || a.n == MAX_ARGS) return -EINVAL;
        a.v[a.n++] = data;
        data += n + 1;
    }
    for (size_t i = 0; a.n && i < ARRAY_SIZE(commands); i++)
        if (!strcmp(a.v[0], commands[i].name)) return commands[i].run(c, &a);
    return -EINVAL;
}
