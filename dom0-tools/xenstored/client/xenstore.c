/* SPDX-License-Identifier: MIT */
/*
 * xenstore: read, write, list, ls, rm, exists, chmod and watch from the shell, with stock's
 * options and output.  Also under the names xenstore-read and so on.  Commands on several keys
 * run in one transaction; their output is kept until it is committed, so that a retry does not
 * print twice.
 */
#include "sanitise.h"

#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <xs.h>

/* Columns that ls keeps for ` = "..."`, and where it puts permissions. */
#define VALUE_MARKS  8
#define PERMS_COLUMN 60

struct run {
    struct xs_handle *h;
    xs_transaction_t t;
    bool flat, show, tidy, upto, recurse, raw; /* -f -p -t -u -r -R */
    long events;                               /* -n; -1: for ever */
    int width;
    FILE *out; /* memory, printed at the end */
    char **args;
    int nargs;
};

struct command {
    const char *name, *usage, *options;
    int (*run)(struct run *r);
    int min_args;
    int no_txn_up_to; /* so many arguments need no transaction */
};

static int cmd_read(struct run *r) {
    for (int i = 0; i < r->nargs; i++) {
        unsigned int len;
        char *val = xs_read(r->h, r->t, r->args[i], &len), *text;

        if (!val) {
            warnx("couldn't read path %s", r->args[i]);
            return 1;
        }
        if (r->show) fprintf(r->out, "%s: ", r->args[i]);
        text = escape(val, len);
        if (r->raw)
            fwrite(val, 1, len, r->out);
        else
            fprintf(r->out, "%s\n", text);
        free(text);
        free(val);
    }
    return 0;
}

static int cmd_write(struct run *r) {
    for (int i = 0; i + 1 < r->nargs; i += 2) {
        size_t len = strlen(r->args[i + 1]);
        char *val = r->raw ? strdup(r->args[i + 1]) : unescape(r->args[i + 1], &len);
        bool ok = xs_write(r->h, r->t, r->args[i], val, (unsigned int)len);

        free(val);
        if (!ok) {
            warnx("could not write path %s", r->args[i]);
            return 1;
        }
    }
    return 0;
}

static bool is_empty(struct run *r, const char *path) {
    unsigned int len, num;
    char *val = xs_read(r->h, r->t, path, &len);
    char **list = val && !len ? xs_directory(r->h, r->t, path, &num) : NULL;
    bool empty = list && !num;

    free(val);
    free(list);
    return empty;
}

static int rm_one(struct run *r, const char *key) {
    char *path = strdup(key), *slash;
    int ret = 0;

    for (;;) {
        if (!xs_rm(r->h, r->t, path)) {
            warnx("could not remove path %s", path);
            ret = 1;
            break;
        }
        slash = r->tidy ? strrchr(path, '/') : NULL;
        if (!slash || slash == path) break;
        *slash = 0;
        if (!is_empty(r, path)) break;
    }
    free(path);
    return ret;
}

static int cmd_rm(struct run *r) {
    for (int i = 0; i < r->nargs; i++)
        if (rm_one(r, r->args[i])) return 1;
    return 0;
}

static int cmd_exists(struct run *r) {
    for (int i = 0; i < r->nargs; i++) {
        char *val = xs_read(r->h, r->t, r->args[i], NULL);

        if (!val) return 1;
        free(val);
    }
    return 0;
}

static int cmd_list(struct run *r) {
    for (int i = 0; i < r->nargs; i++) {
        unsigned int num;
        char **list = xs_directory(r->h, r->t, r->args[i], &num);

        if (!list) {
            warnx("could not list path %s", r->args[i]);
            return 1;
        }
        for (unsigned int n = 0; n < num; n++)
            fprintf(r->out, "%s%s%s\n", r->show ? r->args[i] : "", r->show ? "/" : "", list[n]);
        free(list);
    }
    return 0;
}

static void print_perms(struct run *r, const char *path, const char *name) {
    unsigned int num;
    struct xs_permissions *p = xs_get_permissions(r->h, XBT_NULL, path, &num);

    if (!p) {
        warn("\ncould not access permissions for %s", name);
        return;
    }
    for (unsigned int i = 0; i < num; i++)
        printf("%s%c%u", i ? "," : "  (", "nrwb"[p[i].perms & 3], p[i].id);
    putchar(')');
    free(p);
}

static void print_value(struct run *r, const char *val, unsigned int len, int column) {
    char *text = escape(val, len);

    if (r->width < column + (long)len + VALUE_MARKS) {
        printf(" = \"%.*s\\...\"", r->width - VALUE_MARKS - column, text);
    } else {
        column += printf(" = \"%s\"", text);
        if (r->show) {
            int until = r->flat ? 0 : r->width < PERMS_COLUMN ? r->width : PERMS_COLUMN;

            putchar(' ');
            for (column++; column < until; column++) putchar(column & 1 ? '.' : ' ');
        }
    }
    free(text);
}

static void ls_one(struct run *r, const char *path, const char *name, int depth) {
    unsigned int len;
    char *val;
    int column = 0;

    if (r->flat) {
        fputs(path, stdout);
    } else {
        for (; column < depth; column++) putchar(' ');
        column += printf("%.*s", r->width - VALUE_MARKS - column, name);
    }
    val = xs_read(r->h, XBT_NULL, path, &len);
    if (val)
        print_value(r, val, len, column);
    else
        puts(":");
    free(val);
    if (r->show) print_perms(r, path, name);
    putchar('\n');
}

static void ls(struct run *r, const char *path, int depth) {
    unsigned int num;
    char **list = xs_directory(r->h, XBT_NULL, path, &num);

    if (!list && depth && errno == ENOENT) return; /* it went away meanwhile */
    if (!list) err(1, "xs_directory (%s)", path);
    for (unsigned int i = 0; i < num; i++) {
        size_t plen = strlen(path);
        char *sub = malloc(plen + strlen(list[i]) + 2);

        if (!sub) err(1, "out of memory");
        sprintf(sub, "%s%s%s", path, plen && path[plen - 1] == '/' ? "" : "/", list[i]);
        ls_one(r, sub, list[i], depth);
        ls(r, sub, depth + 1);
        free(sub);
    }
    free(list);
}

static int cmd_ls(struct run *r) {
    if (!r->nargs) ls(r, "/", 0);
    for (int i = 0; i < r->nargs; i++) ls(r, r->args[i], 0);
    return 0;
}

static void chmod_tree(struct run *r, const char *path, struct xs_permissions *p, unsigned int n) {
    unsigned int num;
    char **list, *sub;

    if (!xs_set_permissions(r->h, r->t, path, p, n))
        err(1, "Error occurred setting permissions on '%s'", path);
    if (!r->recurse || !(list = xs_directory(r->h, r->t, path, &num))) return;
    for (unsigned int i = 0; i < num; i++) {
        if (asprintf(&sub, "%s/%s", path[1] ? path : "", list[i]) < 0) err(1, "out of memory");
        chmod_tree(r, sub, p, n);
        free(sub);
    }
    free(list);
}

static int cmd_chmod(struct run *r) {
    unsigned int n = (unsigned int)r->nargs - 1;
    struct xs_permissions p[n];
    char *path = strdup(r->args[0]), *slash;
    bool recurse = r->recurse;

    for (unsigned int i = 0; i < n; i++)
        if (!xs_strings_to_perms(&p[i], 1, r->args[i + 1]))
            errx(1, "Invalid permission specification: '%s'", r->args[i + 1]);
    chmod_tree(r, path, p, n);
    r->recurse = false; /* the parents, not all that is below them */
    while (r->upto && (slash = strrchr(path, '/')) && slash != path) {
        *slash = 0;
        chmod_tree(r, path, p, n);
    }
    r->recurse = recurse;
    free(path);
    return 0;
}

static int cmd_watch(struct run *r) {
    for (int i = 0; i < r->nargs; i++)
        if (!xs_watch(r->h, r->args[i], r->args[i]))
            err(1, "Unable to add watch on %s", r->args[i]);
    for (long n = 0; r->events < 0 || n < r->events; n++) {
        unsigned int num;
        char **event = xs_read_watch(r->h, &num);

        if (!event) err(1, "Unable to read watch events");
        puts(event[XS_WATCH_PATH]);
        fflush(stdout);
        free(event);
    }
    return 0;
}

static const struct command commands[] = {
    {"chmod", "[-h] [-u] [-r] [-s] key <mode [modes...]>", "hsur", cmd_chmod, 2, 0},
    {"exists", "[-h] [-s] key [...]", "hs", cmd_exists, 1, 0},
    {"list", "[-h] [-p] [-s] key [...]", "hsp", cmd_list, 1, 0},
    {"ls", "[-h] [-f] [-p] [-s] [path]", "hsfp", cmd_ls, 0, INT_MAX},
    {"read", "[-h] [-p] [-s] [-R] key [...]", "hspR", cmd_read, 1, 1},
    {"rm", "[-h] [-s] [-t] key [...]", "hst", cmd_rm, 1, 0},
    {"watch", "[-h] [-n NR] key", "hsn:", cmd_watch, 1, INT_MAX},
    {"write", "[-h] [-s] [-R] key value [...]", "hsR", cmd_write, 2, 2},
};

static void __attribute__((noreturn)) usage(const struct command *c, const char *name, bool sub) {
    errx(1, "Usage: %s %s%s%s", name, sub ? c->name : "", sub ? " " : "", c->usage);
}

static const struct command *find_command(const char *name) {
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (!strcmp(commands[i].name, name)) return &commands[i];
    errx(1, "unknown mode %s", name);
}

static void set_option(struct run *r, int c) {
    char *end;

    r->flat |= c == 'f';
    r->show |= c == 'p';
    r->tidy |= c == 't';
    r->upto |= c == 'u';
    r->recurse |= c == 'r';
    r->raw |= c == 'R';
    if (c != 'n') return;
    r->events = strtol(optarg, &end, 10);
    if (!*optarg || *end) errx(1, "'%s' is not a number of events", optarg);
}

static int run_command(struct run *r, const struct command *c) {
    char *text = NULL;
    size_t len;
    int ret;

    for (;;) {
        if (r->nargs > c->no_txn_up_to && !(r->t = xs_transaction_start(r->h)))
            err(1, "couldn't start transaction");
        r->out = open_memstream(&text, &len);
        if (!r->out) err(1, "out of memory");
        ret = c->run(r);
        fclose(r->out);
        if (!r->t || xs_transaction_end(r->h, r->t, ret != 0)) break;
        if (ret || errno != EAGAIN) err(1, "couldn't end transaction");
        free(text);
    }
    fwrite(text, 1, len, stdout);
    free(text);
    return ret;
}

static void find_width(struct run *r) {
    struct winsize ws;

    r->width = r->flat ? INT_MAX / 2 : 80;
    if (!r->flat && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws)) r->width = ws.ws_col - 2;
}

int main(int argc, char **argv) {
    static const struct option names[] = {
        {"help", 0, NULL, 'h'}, {"flat", 0, NULL, 'f'},   {"prefix", 0, NULL, 'p'},
        {"tidy", 0, NULL, 't'}, {"upto", 0, NULL, 'u'},   {"recurse", 0, NULL, 'r'},
        {"raw", 0, NULL, 'R'},  {"number", 1, NULL, 'n'}, {NULL, 0, NULL, 0},
    };
    struct run r = {.events = -1};
    const char *base = strrchr(argv[0], '/'), *self = argv[0];
    const struct command *c;
    bool sub;
    int opt;

    base = base ? base + 1 : argv[0];
    sub = strncmp(base, "xenstore-", 9) != 0;
    if (sub && argc < 2) errx(1, "Usage: %s <mode> [-h] [...]", self);
    c = find_command(sub ? argv[1] : base + 9);
    while ((opt = getopt_long(argc - sub, argv + sub, "hfspturn:R", names, NULL)) != -1) {
        if (opt == 'h' || opt == '?' || !strchr(c->options, opt)) usage(c, self, sub);
        set_option(&r, opt);
    }
    r.args = argv + sub + optind;
    r.nargs = argc - sub - optind;
    if (r.nargs < c->min_args || (c->run == cmd_write && r.nargs % 2)) usage(c, self, sub);
    find_width(&r);
    r.h = xs_open(0);
    if (!r.h) err(1, "xs_open: cannot reach xenstored on %s", xs_daemon_socket());
    opt = run_command(&r, c);
    xs_close(r.h);
    return opt;
}
