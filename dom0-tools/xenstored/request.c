/* SPDX-License-Identifier: MIT */
/*
 * The operations of the wire protocol.  A payload is a copy of ours with a NUL after its last
 * byte; "strings" are parts of it that end with a NUL inside its length.
 */
#include "request.h"

#include "conn.h"
#include "control.h"
#include "domain.h"
#include "store.h"
#include "tree.h"
#include "txn.h"
#include "watch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PERMS (XENSTORE_PAYLOAD_MAX / 3)

struct request {
    struct view v;
    char *data;
    uint32_t len;
    char *made; /* a path that was put together for it */
};

static void ack(const struct request *r) {
    conn_reply(r->v.conn, r->v.conn->req.type, "OK", sizeof("OK"));
}

/* The first `want` strings; returns how many there are in all. */
static unsigned int split(const struct request *r, const char **s, unsigned int want) {
    const char *p = r->data, *end = r->data + r->len;
    unsigned int n = 0;

    while (p < end) {
        const char *nul = memchr(p, 0, (size_t)(end - p));

        if (!nul) break;
        if (n < want) s[n] = p;
        n++;
        p = nul + 1;
    }
    return n;
}

/* The payload as one string, or NULL. */
static const char *one_string(const struct request *r) {
    return r->len && strnlen(r->data, r->len) == r->len - 1 ? r->data : NULL;
}

static int one_domid(const struct request *r, uint32_t *domid) {
    const char *s = one_string(r);

    return s && parse_u32(s, UINT16_MAX, domid) ? 0 : -EINVAL;
}

/* A relative path begins at the client's home. One a request. */
static const char *canonical(struct request *r, const char *path) {
    if (path[0] == '/' || path[0] == '@') return path;
    return r->made = xasprintf("%s/%s", conn_home(r->v.conn), path);
}

/* Where the permissions of a special watch are kept, for "@introduceDomain" and so on. */
static const char *canonical_or_special(struct request *r, const char *path) {
    if (!strcmp(path, "@introduceDomain") || !strcmp(path, "@releaseDomain"))
        return r->made = xasprintf("/%s", path);
    return canonical(r, path);
}

static int do_control(struct request *r) { return control_handle(r->v.conn, r->data, r->len); }

/* Sets *path from a payload that is one path. */
static int path_arg(struct request *r, const char **path) {
    const char *s = one_string(r);

    *path = s ? canonical(r, s) : NULL;
    return s ? 0 : -EINVAL;
}

/*
 * Kept in the store's version only.  A transaction uses what is kept of the nodes it shares with
 * the store and adds nothing, or each of many transactions could fill its own version with lists.
 */
static struct value *names_of(const struct request *r, const struct node *n) {
    return node_list(n, !r->v.txn);
}

static int do_directory(struct request *r) {
    const struct node *n;
    const char *path;
    int err = path_arg(r, &path);
    struct value *list;

    if (!err) err = store_get_children(&r->v, path, &n);
    if (!err && n->childbytes > XENSTORE_PAYLOAD_MAX) err = -E2BIG; /* no list need be made */
    if (err) return err;
    list = names_of(r, n);
    conn_reply(r->v.conn, XS_DIRECTORY, list->data, list->len);
    value_put(list);
    return 0;
}

/* How much of the names, each with its NUL, fits; only whole ones. */
static uint32_t whole_names(const char *names, uint32_t len, uint32_t room) {
    const char *last = memrchr(names, 0, len < room ? len : room);

    return last ? (uint32_t)(last - names) + 1 : 0;
}

/* Reply: generation, names from the offset on, and one more NUL after the last name. */
static int reply_part(const struct request *r, const struct node *n, uint32_t off) {
    char reply[XENSTORE_PAYLOAD_MAX];
    uint32_t len = (uint32_t)snprintf(reply, sizeof(reply), "%" PRIu64, n->cgen) + 1, part = 0;

    if (off < n->childbytes) {
        struct value *list = names_of(r, n);

        part = whole_names(list->data + off, list->len - off, (uint32_t)sizeof(reply) - len - 1);
        memcpy(reply + len, list->data + off, part);
        len += part;
        value_put(list);
    }
    if (off >= n->childbytes || off + part == n->childbytes) reply[len++] = 0;
    conn_reply(r->v.conn, XS_DIRECTORY_PART, reply, len);
    return 0;
}

static int do_directory_part(struct request *r) {
    const struct node *n;
    const char *s[2];
    uint32_t off;
    int err;

    if (split(r, s, 2) != 2 || !parse_u32(s[1], UINT32_MAX / 2, &off)) return -EINVAL;
    err = store_get_children(&r->v, canonical(r, s[0]), &n);
    return err ? err : reply_part(r, n, off);
}

static int do_read(struct request *r) {
    const struct node *n;
    const char *path;
    int err = path_arg(r, &path);

    if (!err) err = store_get(&r->v, path, PERM_READ, &n);
    if (!err)
        conn_reply(r->v.conn, XS_READ, n->value ? n->value->data : "",
                   n->value ? n->value->len : 0);
    return err;
}

static int do_get_perms(struct request *r) {
    const char *s = one_string(r);
    const struct node *n;
    char *text;
    size_t len;
    int err;

    if (!s) return -EINVAL;
    err = store_get(&r->v, canonical_or_special(r, s), PERM_READ, &n);
    if (err) return err;
    len = perms_format(n->perms, &text);
    conn_reply(r->v.conn, XS_GET_PERMS, text, (uint32_t)len);
    free(text);
    return 0;
}

static int do_set_perms(struct request *r) {
    struct perm_entry e[MAX_PERMS];
    unsigned int n;
    const char *s[2];
    size_t rest;
    int err;

    n = split(r, s, 2);
    if (n < 2 || n - 1 > MAX_PERMS) return -EINVAL;
    rest = r->len - (size_t)(s[1] - r->data);
    err = perms_parse(s[1], rest, e, n - 1);
    if (err) return err;
    err = store_set_perms(&r->v, canonical_or_special(r, s[0]), e, n - 1);
    if (!err) ack(r);
    return err;
}

static int do_write(struct request *r) {
    size_t n = strnlen(r->data, r->len);
    int err;

    if (n == r->len) return -EINVAL;
    err = store_write(&r->v, canonical(r, r->data), r->data + n + 1, r->len - (uint32_t)n - 1);
    if (!err) ack(r);
    return err;
}

static int on_path(struct request *r, int (*op)(const struct view *v, const char *path)) {
    const char *path;
    int err = path_arg(r, &path);

    if (!err) err = op(&r->v, path);
    if (!err) ack(r);
    return err;
}

static int do_mkdir(struct request *r) { return on_path(r, store_mkdir); }

static int do_rm(struct request *r) { return on_path(r, store_rm); }

/* A special name, or a valid path. */
static bool watchable(const char *path) {
    return path[0] == '@' ? strlen(path) <= XENSTORE_REL_PATH_MAX : store_path_valid(path);
}

static int do_watch(struct request *r) {
    struct conn *c = r->v.conn;
    const char *s[2], *path;
    bool relative;
    int err;

    if (split(r, s, 2) != 2) return -EINVAL;
    relative = s[0][0] != '/' && s[0][0] != '@';
    path = canonical(r, s[0]);
    err = watchable(path) ? watch_add(c, path, s[1], relative) : -EINVAL;
    if (!err) {
        ack(r);
        /* At once and whatever the permissions: the client then reads what is there. */
        conn_event(c, s[0], s[1], NULL);
    }
    return err;
}

static int do_unwatch(struct request *r) {
    const char *s[2];
    int err;

    if (split(r, s, 2) != 2) return -EINVAL;
    err = watch_del(r->v.conn, canonical(r, s[0]), s[1]);
    if (!err) ack(r);
    return err;
}

static int do_reset_watches(struct request *r) {
    watch_del_all(r->v.conn);
    txn_drop_all(r->v.conn);
    ack(r);
    return 0;
}

static int do_transaction_start(struct request *r) {
    char text[16];
    uint32_t id;
    int err;

    if (r->v.txn) return -EBUSY;
    err = txn_start(r->v.conn, &id);
    if (err) return err;
    conn_reply(r->v.conn, XS_TRANSACTION_START, text,
               (uint32_t)snprintf(text, sizeof(text), "%u", id) + 1);
    return 0;
}

static int do_transaction_end(struct request *r) {
    const char *s = one_string(r);
    int err;

    if (!s || (strcmp(s, "T") && strcmp(s, "F"))) return -EINVAL;
    if (!r->v.txn) return -ENOENT;
    err = txn_end(r->v.txn, s[0] == 'T');
    if (!err) ack(r);
    return err;
}

static int do_introduce(struct request *r) {
    uint32_t domid, port;
    const char *s[3];
    char *end;
    uint64_t gfn;
    int err;

    if (split(r, s, 3) < 3 || !parse_u32(s[0], UINT16_MAX, &domid) ||
        !parse_u32(s[2], INT32_MAX, &port) || !port)
        return -EINVAL;
    gfn = strtoull(s[1], &end, 10);
    if (!*s[1] || *end || domid >= DOMID_LIMIT) return -EINVAL;
    err = domain_introduce(domid, gfn, port);
    if (!err) ack(r);
    return err;
}

static int connected(uint32_t domid, struct domain **d) {
    *d = domain_find(domid);
    return *d && (*d)->introduced ? 0 : -ENOENT;
}

/* An introduced domain other than dom0. */
static int guest_arg(const struct request *r, struct domain **d) {
    uint32_t domid;
    int err = one_domid(r, &domid);

    if (err || !domid) return -EINVAL;
    return connected(domid, d);
}

static int do_release(struct request *r) {
    struct domain *d;
    int err = guest_arg(r, &d);

    if (err) return err;
    domain_release(d);
    ack(r);
    return 0;
}

static int do_resume(struct request *r) {
    struct domain *d;
    int err = guest_arg(r, &d);

    if (err) return err;
    d->shutdown = false;
    ack(r);
    return 0;
}

static int do_set_target(struct request *r) {
    struct domain *d, *target;
    uint32_t id, target_id;
    const char *s[2];
    int err;

    if (split(r, s, 2) < 2 || !parse_u32(s[0], UINT16_MAX, &id) ||
        !parse_u32(s[1], UINT16_MAX, &target_id))
        return -EINVAL;
    err = connected(id, &d);
    if (!err) err = connected(target_id, &target);
    if (err) return err;
    d->conn->target = target;
    ack(r);
    return 0;
}

static int do_get_domain_path(struct request *r) {
    char path[40];
    uint32_t domid;
    int err = one_domid(r, &domid);

    if (!err)
        conn_reply(r->v.conn, XS_GET_DOMAIN_PATH, path,
                   (uint32_t)snprintf(path, sizeof(path), "/local/domain/%u", domid) + 1);
    return err;
}

static int do_is_domain_introduced(struct request *r) {
    struct domain *d;
    uint32_t domid;
    int err = one_domid(r, &domid);

    if (err) return err;
    /* DOMID_SELF is whoever asks, and who can ask is introduced. */
    if (domid != DOMID_LIMIT) err = connected(domid, &d);
    conn_reply(r->v.conn, XS_IS_DOMAIN_INTRODUCED, err ? "F" : "T", 2);
    return 0;
}

#define NO_TXN     1u /* the transaction id is not looked at */
#define PRIVILEGED 2u

static const struct operation {
    const char *name;
    int (*run)(struct request *r);
    unsigned int flags;
} operations[XS_TYPE_COUNT] = {
    [XS_CONTROL] = {"CONTROL", do_control, PRIVILEGED},
    [XS_DIRECTORY] = {"DIRECTORY", do_directory, 0},
    [XS_READ] = {"READ", do_read, 0},
    [XS_GET_PERMS] = {"GET_PERMS", do_get_perms, 0},
    [XS_WATCH] = {"WATCH", do_watch, NO_TXN},
    [XS_UNWATCH] = {"UNWATCH", do_unwatch, NO_TXN},
    [XS_TRANSACTION_START] = {"TRANSACTION_START", do_transaction_start, 0},
    [XS_TRANSACTION_END] = {"TRANSACTION_END", do_transaction_end, 0},
    [XS_INTRODUCE] = {"INTRODUCE", do_introduce, PRIVILEGED},
    [XS_RELEASE] = {"RELEASE", do_release, PRIVILEGED},
    [XS_GET_DOMAIN_PATH] = {"GET_DOMAIN_PATH", do_get_domain_path, 0},
    [XS_WRITE] = {"WRITE", do_write, 0},
    [XS_MKDIR] = {"MKDIR", do_mkdir, 0},
    [XS_RM] = {"RM", do_rm, 0},
    [XS_SET_PERMS] = {"SET_PERMS", do_set_perms, 0},
    [XS_WATCH_EVENT] = {"WATCH_EVENT", NULL, 0},
    [XS_ERROR] = {"ERROR", NULL, 0},
    [XS_IS_DOMAIN_INTRODUCED] = {"IS_DOMAIN_INTRODUCED", do_is_domain_introduced, PRIVILEGED},
    [XS_RESUME] = {"RESUME", do_resume, PRIVILEGED},
    [XS_SET_TARGET] = {"SET_TARGET", do_set_target, PRIVILEGED},
    [XS_RESET_WATCHES] = {"RESET_WATCHES", do_reset_watches, 0},
    [XS_DIRECTORY_PART] = {"DIRECTORY_PART", do_directory_part, 0},
};

const char *request_name(unsigned int type) {
    return type < XS_TYPE_COUNT && operations[type].name ? operations[type].name : "UNKNOWN";
}

static int find_txn(const struct operation *op, struct conn *c, struct txn **t) {
    *t = NULL;
    if ((op->flags & NO_TXN) || !c->req.tx_id) return 0;
    *t = txn_find(c, c->req.tx_id);
    if (!*t) return -ENOENT;
    if (!(*t)->root && op->run != do_transaction_end) return -EAGAIN; /* ended early, see txn.h */
    return 0;
}

static int run(struct conn *c, char *data) {
    struct request r = {.v.conn = c, .data = data, .len = c->req.len};
    const struct operation *op;
    int err;

    if (c->req.type >= XS_TYPE_COUNT || !operations[c->req.type].run) return -ENOSYS;
    op = &operations[c->req.type];
    if ((op->flags & PRIVILEGED) && !conn_is_privileged(c)) return -EACCES;
    err = find_txn(op, c, &r.v.txn);
    if (!err) err = op->run(&r);
    free(r.made);
    return err;
}

void request_handle(struct conn *c, char *data) {
    int err;

    if (trace_on())
        xtrace("IN %u req %u tx %u %s %.*s", c->domid, c->req.req_id, c->req.tx_id,
               request_name(c->req.type), c->req.len < 200 ? (int)c->req.len : 200, data);
    err = run(c, data);
    if (err) conn_reply_error(c, -err);
}
