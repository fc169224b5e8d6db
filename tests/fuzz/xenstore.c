/* SPDX-License-Identifier: MIT */
/*
 * The xenstore wire protocol, as a tool on a socket and three domains on rings speak it, and as a
 * domain that breaks it does: rubbish bytes and ring indices. Domains shut down and die, time goes
 * on, replies are left unread. Every message that comes back is whole and within its limits; the
 * list of children that a node keeps, in the store and in the versions of transactions, is what a
 * walk finds; in the end the daemon must have given everything back (daemon_stop).
 *
 * Input: steps of a kind, who does it, and what the kind takes.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "fuzz.h"
#include "harness.h"
#include "store.h"
#include "tree.h"
#include "txn.h"
#include "util.h"

#define NR_CLIENTS 4
#define MAX_STEPS  200

enum { MESSAGE, PATH_MESSAGE, RAW, DRAIN, RING, TIME, SHUTDOWN, DESTROY, RECONNECT, NR_KINDS };

static struct peer {
    struct client *c;
    bool rubbish; /* what it reads is not looked at any more */
    size_t have;
    uint8_t in[2 * (sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX)];
} peers[NR_CLIENTS]; /* 0: the tool; n: domain n */

/* Instead of util.c's. */
int trace_open(const char *path) {
    MUST(!path || strlen(path) < XENSTORE_PAYLOAD_MAX);
    return path ? -EACCES : 0;
}

void xlog(int prio, const char *fmt, ...) { (void)prio, (void)fmt; }

static void check_messages(struct peer *p) {
    struct xsd_sockmsg hdr;
    size_t whole;

    for (;;) {
        if (p->have < sizeof(hdr)) return;
        memcpy(&hdr, p->in, sizeof(hdr));
        MUST(hdr.type < XS_TYPE_COUNT && hdr.len <= XENSTORE_PAYLOAD_MAX);
        whole = sizeof(hdr) + hdr.len;
        if (p->have < whole) return;
        p->have -= whole;
        memmove(p->in, p->in + whole, p->have);
    }
}

/* Reads what is there; false: nothing was. */
static bool drain_some(struct peer *p) {
    struct xenstore_domain_interface *page = p->c->page;
    ssize_t n = 0;

    if (p->c->fd >= 0) {
        n = recv(p->c->fd, p->in + p->have, sizeof(p->in) - p->have, 0);
        if (n > 0) p->have += (size_t)n;
    } else {
        for (; p->have < sizeof(p->in) && page->rsp_cons != page->rsp_prod; n++)
            p->in[p->have++] = (uint8_t)page->rsp[MASK_XENSTORE_IDX(page->rsp_cons++)];
    }
    if (p->rubbish)
        p->have = 0;
    else
        check_messages(p);
    return n > 0;
}

static void drain(struct peer *p) {
    for (unsigned int i = 0; i < 64 && drain_some(p); i++) pump();
}

/* Several paths in a payload, made of a few names, so that they meet. */
static size_t make_payload(struct input *in, char *out, size_t room) {
    static const char *const words[] = {
        "/",  "a",  "b",  "/local/domain/",   "1",    "2", "", "@releaseDomain", "tool", "T", "F",
        "n0", "b1", "r2", "@introduceDomain", "/tool"};
    uint8_t n = take8(in);
    size_t len = 0;

    for (unsigned int i = 0; i < n % 16u; i++) {
        uint8_t w = take8(in);
        const char *word = words[w % 16u];

        if (len + strlen(word) + 1 > room) break;
        memcpy(out + len, word, strlen(word));
        len += strlen(word);
        if (w & 0x10) out[len++] = '/';
        if (w & 0x20) out[len++] = 0;
    }
    if (n & 0x10 && len < room) out[len++] = 0;
    return len;
}

static void message(struct input *in, struct peer *p, bool path) {
    char data[512];
    uint32_t type = take8(in), tx = take8(in);
    size_t len;

    if (path) {
        len = make_payload(in, data, sizeof(data));
    } else {
        len = take16(in) % sizeof(data);
        take(in, data, len);
    }
    send_msg(p->c, type, tx, data, len);
}

static void raw(struct input *in, struct peer *p) {
    char data[256];
    size_t len = take8(in);

    take(in, data, len);
    send_raw(p->c, data, len);
}

static void ring_rubbish(struct input *in, struct peer *p) {
    struct xenstore_domain_interface *page = p->c->page;
    uint32_t v = take32(in), what = take8(in);

    if (!page) return;
    p->rubbish = true;
    *(what & 1   ? &page->req_prod
      : what & 2 ? &page->req_cons
      : what & 4 ? &page->rsp_prod
                 : &page->rsp_cons) = v;
    if (what & 8) page->connection = v;
    pump();
}

static void join(unsigned int i) {
    struct peer *p = &peers[i];

    p->have = 0;
    p->rubbish = false;
    p->c = i ? connect_domain(i) : connect_tool();
}

static void leave(unsigned int i) {
    if (i) {
        hv_destroy(i);
        hv_exception();
    }
    disconnect(peers[i].c);
    peers[i].c = NULL;
}

static void check_lists(const struct node *n) {
    MUST(node_list_true(n));
    for (uint32_t i = 0; i < n->nchild; i++) check_lists(n->child[i]);
}

/* A list that was right can only become wrong by a change of the tree. */
static void check_versions(void) {
    static uint64_t seen;

    if (seen == tree_generation) return;
    seen = tree_generation;
    check_lists(store_root);
    for (struct list *c = conns.next; c != &conns; c = c->next) {
        struct list *txns = &list_entry(c, struct conn, all)->txns;

        for (struct list *l = txns->next; l != txns; l = l->next) {
            const struct txn *t = list_entry(l, struct txn, of_conn);

            if (!t->root) continue; /* ended early */
            check_lists(t->base);
            check_lists(t->root);
        }
    }
}

static void step(struct input *in) {
    unsigned int kind = take8(in) % NR_KINDS, i = take8(in) % NR_CLIENTS;
    struct peer *p = &peers[i];

    switch (kind) {
    case MESSAGE: message(in, p, false); break;
    case PATH_MESSAGE: message(in, p, true); break;
    case RAW: raw(in, p); break;
    case DRAIN: drain(p); break;
    case RING: ring_rubbish(in, p); break;
    case TIME: fake_now_ms += take16(in); break;
    case SHUTDOWN:
        if (i) hv_set(i, true, false);
        hv_exception();
        break;
    case DESTROY:
    case RECONNECT:
        leave(i);
        join(i);
        break;
    }
    pump();
    check_versions();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};

    daemon_start();
    for (unsigned int i = 0; i < NR_CLIENTS; i++) join(i);
    for (unsigned int n = 0; in.left && n < MAX_STEPS; n++) step(&in);
    for (unsigned int i = 0; i < NR_CLIENTS; i++) drain(&peers[i]);
    for (unsigned int i = 0; i < NR_CLIENTS; i++) leave(i);
    daemon_stop();
    MUST(!failed);
    return 0;
}
