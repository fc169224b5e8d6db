/* SPDX-License-Identifier: MIT */
/* Directories of many children, whose list is kept: it must never be an old one, nor cost more. */
#include "harness.h"

#include "domain.h"
#include "quota.h"
#include "store.h"
#include "tree.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

#define MANY 40

static uint32_t seed = 4711;

static unsigned int rnd(unsigned int n) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

static const char *child_of(const char *dir, int i) {
    static char path[64];

    snprintf(path, sizeof(path), "%s/%d", dir, i);
    return path;
}

static void make(struct client *t, const char *dir, int from, int to) {
    for (int i = from; i < to; i++) CHECK_STR(ask1(t, XS_MKDIR, 0, child_of(dir, i)), "OK");
}

static size_t list_bytes(const char *dir) {
    return sizeof(struct value) + tree_find(store_root, dir)->childbytes;
}

/* Made when asked for, once; gone with the next change; not for few children. */
static void test_kept(struct client *t) {
    size_t before;

    make(t, "/k", 0, MANY);
    make(t, "/few", 0, 8);
    before = tree_bytes;
    names(t, 0, "/few");
    names(t, 0, "/k/1");
    CHECK(tree_bytes == before);
    names(t, 0, "/k");
    CHECK(tree_bytes == before + list_bytes("/k"));
    names(t, 0, "/k");
    CHECK(tree_bytes == before + list_bytes("/k"));
    /* Neither value nor permissions are in the list. */
    ask_write(t, 0, "/k", "1");
    ask_write(t, 0, "/k", "");
    ask_perms(t, 0, "/k", "n0");
    CHECK(tree_bytes == before + list_bytes("/k"));
    ask1(t, XS_MKDIR, 0, "/k/x");
    ask1(t, XS_RM, 0, "/k/x");
    CHECK(tree_bytes == before);
    names(t, 0, "/k");
    ask1(t, XS_RM, 0, "/k/3");
    ask1(t, XS_MKDIR, 0, "/k/3");
    CHECK(tree_bytes == before);
    /* Removed while it is kept, as a child and as the one who keeps it; grown beyond the index. */
    names(t, 0, "/k");
    make(t, "/k", MANY, 4 * MANY);
    names(t, 0, "/k");
    for (int i = 0; i < 4 * MANY - 3; i++) {
        names(t, 0, "/k");
        ask1(t, XS_RM, 0, child_of("/k", i));
    }
    CHECK_STR(names(t, 0, "/k"), "157 158 159");
    make(t, "/k", 0, MANY);
    names(t, 0, "/k");
    CHECK_STR(ask1(t, XS_RM, 0, "/k"), "OK");
    CHECK_STR(names(t, 0, "/k"), "ENOENT");
    CHECK_STR(ask1(t, XS_RM, 0, "/few"), "OK");
}

/* A reply holds what it sends, whatever becomes of the node. */
static void test_held(struct client *t) {
    struct node *root, *n;
    struct value *list, *again;

    make(t, "/held", 0, MANY);
    root = node_get(store_root);
    n = tree_find(store_root, "/held");
    list = node_list(n, true);
    again = node_list(n, false);
    CHECK(list == again && node_list_true(n));
    value_put(again);
    /* The other version's change copies the node: the list is shared until its children differ. */
    node_set_value(tree_edit(&root, "/held"), value_new("v", 1));
    again = node_list(tree_find(root, "/held"), false);
    CHECK(again == list && tree_find(root, "/held") != n);
    value_put(again);
    CHECK(tree_remove(&root, "/held/5"));
    again = node_list(tree_find(root, "/held"), true);
    CHECK(again != list && again->len == list->len - 2 && node_list_true(n));
    CHECK(node_list_true(tree_find(root, "/held")) && n->index->list == list);
    value_put(again);
    /* What the check is for. */
    list->data[0] ^= 1;
    CHECK(!node_list_true(n) && !store_check());
    list->data[0] ^= 1;
    list->len--;
    CHECK(!node_list_true(n));
    list->len++;
    CHECK(node_list_true(n) && store_check());
    node_put(root);
    CHECK_STR(ask1(t, XS_RM, 0, "/held"), "OK");
    CHECK(list->len == 10 * 2 + (MANY - 10) * 3 && !strcmp(list->data, "0"));
    CHECK(!strcmp(list->data + list->len - 3, "39"));
    value_put(list);
}

static void test_in_txn(struct client *t, struct client *u) {
    char before[256], want[512];
    size_t bytes;
    uint32_t x;

    make(t, "/t", 0, MANY);
    snprintf(before, sizeof(before), "%.255s", names(t, 0, "/t"));
    bytes = tree_bytes;
    /* Changed inside, seen inside alone; aborted. */
    x = begin(t);
    CHECK_STR(names(t, x, "/t"), before);
    CHECK(tree_bytes == bytes);
    ask1(t, XS_MKDIR, x, "/t/new");
    snprintf(want, sizeof(want), "%s new", before);
    bytes = tree_bytes;
    CHECK_STR(names(t, x, "/t"), want);
    CHECK(tree_bytes == bytes); /* a version of its own keeps no list */
    CHECK_STR(names(u, 0, "/t"), before);
    ask1(t, XS_RM, x, "/t/new");
    ask1(t, XS_RM, x, "/t/0");
    CHECK_STR(names(t, x, "/t"), before + 2);
    CHECK_STR(names(u, 0, "/t"), before);
    CHECK_STR(ask(t, XS_TRANSACTION_END, x, P("F")), "OK");
    CHECK_STR(names(t, 0, "/t"), before);
    /* Committed, the store's root being the one it began with. */
    x = begin(t);
    ask1(t, XS_RM, x, "/t/0");
    CHECK_STR(names(t, x, "/t"), before + 2);
    CHECK_STR(names(u, 0, "/t"), before);
    CHECK_STR(commit(t, x), "OK");
    CHECK_STR(names(u, 0, "/t"), before + 2);
    /* Committed into a store that has changed meanwhile, and been listed. */
    x = begin(t);
    ask1(t, XS_MKDIR, x, "/t/mine");
    ask1(t, XS_RM, x, "/t/1");
    ask1(u, XS_MKDIR, 0, "/t/theirs");
    snprintf(want, sizeof(want), "%s theirs", before + 2);
    CHECK_STR(names(u, 0, "/t"), want);
    CHECK_STR(commit(t, x), "OK");
    snprintf(want, sizeof(want), "%s theirs mine", before + 4);
    CHECK_STR(names(u, 0, "/t"), want);
    /* One that has seen the list loses against a change of it. */
    x = begin(t);
    CHECK_STR(names(t, x, "/t"), want);
    ask1(t, XS_MKDIR, x, "/t/lost");
    ask1(u, XS_RM, 0, "/t/mine");
    CHECK_STR(commit(t, x), "EAGAIN");
    want[strlen(want) - 5] = 0;
    CHECK_STR(names(u, 0, "/t"), want);
    /* An old version answers as it was when it began. */
    x = begin(t);
    CHECK_STR(names(u, 0, "/t"), want);
    ask1(u, XS_RM, 0, "/t");
    CHECK_STR(names(u, 0, "/t"), "ENOENT");
    CHECK_STR(names(t, x, "/t"), want);
    CHECK_STR(ask(t, XS_TRANSACTION_END, x, P("F")), "OK");
    CHECK_STR(names(t, 0, "/t"), "ENOENT");
}

/* The order in which the children were made, as the client has followed it. */
struct model {
    int n, child[MANY];
};

static void model_change(struct model *m, int child, bool make_it) {
    int i = 0;

    while (i < m->n && m->child[i] != child) i++;
    if (i < m->n && !make_it) {
        m->n--;
        memmove(&m->child[i], &m->child[i + 1], (size_t)(m->n - i) * sizeof(m->child[0]));
    } else if (i == m->n && make_it) {
        m->child[m->n++] = child;
    }
}

static const char *model_names(const struct model *m) {
    static char text[XENSTORE_PAYLOAD_MAX];
    size_t len = 0;

    text[0] = 0;
    for (int i = 0; i < m->n; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d", i ? " " : "", m->child[i]);
    return text;
}

/* Makes and removes at random around the number from which lists are kept, and above. */
static void test_random(struct client *t) {
    struct model store = {0}, inside = {0};
    uint32_t x = 0;

    ask1(t, XS_MKDIR, 0, "/rnd");
    for (int round = 0; round < 4000; round++) {
        int child = (int)rnd(round % 1000 < 500 ? 16 : MANY);
        bool add = rnd(16) < 9;

        if (!x && !rnd(8)) {
            x = begin(t);
            inside = store;
        }
        ask1(t, add ? XS_MKDIR : XS_RM, x, child_of("/rnd", child));
        model_change(x ? &inside : &store, child, add);
        if (rnd(3)) CHECK_STR(names(t, x, "/rnd"), model_names(x ? &inside : &store));
        if (x && rnd(2)) CHECK_STR(names(t, 0, "/rnd"), model_names(&store));
        if (x && !rnd(6)) {
            bool keep = rnd(2);

            CHECK_STR(ask(t, XS_TRANSACTION_END, x, keep ? "T" : "F", 2), "OK");
            if (keep) store = inside;
            x = 0;
        }
        if (round % 200 == 0) CHECK(store_check());
    }
    if (x) commit(t, x);
    ask1(t, XS_RM, 0, "/rnd");
}

/* What one part has to be: whole names, one after the other, while they fit. */
static size_t part_wanted(const char *list, size_t len, size_t off, const char *gen, char *out) {
    size_t n = strlen(gen) + 1;

    memcpy(out, gen, n);
    while (off < len && n + strlen(list + off) + 1 < XENSTORE_PAYLOAD_MAX) {
        strcpy(out + n, list + off);
        n += strlen(list + off) + 1;
        off += strlen(list + off) + 1;
    }
    if (off >= len) out[n++] = 0;
    return n;
}

/* From every offset, inside names too, and beyond the end; before and after it is kept. */
static void test_every_part(struct client *t) {
    char path[80], arg[32], gen[32], want[XENSTORE_PAYLOAD_MAX + 1];
    char *list = NULL;
    size_t len = 0, before;

    for (int i = 0; i < 300; i++) {
        snprintf(path, sizeof(path), "/parts/%0*d", 1 + i % 40, i);
        CHECK_STR(ask1(t, XS_MKDIR, 0, path), "OK");
        list = realloc(list, len + 64);
        len += (size_t)sprintf(list + len, "%s", path + 7) + 1;
    }
    before = tree_bytes;
    CHECK_STR(names(t, 0, "/parts"), "E2BIG");
    CHECK(tree_bytes == before && t->reply.hdr.type == XS_ERROR && t->reply.hdr.len == 6);
    snprintf(gen, sizeof(gen), "%llu", (unsigned long long)tree_find(store_root, "/parts")->cgen);
    for (size_t off = 0; off < len + 3; off++) {
        size_t n = part_wanted(list, len, off, gen, want);

        ask(t, XS_DIRECTORY_PART, 0, arg, (size_t)sprintf(arg, "/parts%c%zu", 0, off) + 1);
        CHECK(t->reply.hdr.len == n && !memcmp(t->reply.data, want, n));
    }
    CHECK(tree_bytes == before + list_bytes("/parts"));
    ask1(t, XS_RM, 0, "/parts/0");
    ask(t, XS_DIRECTORY_PART, 0, P("/parts\0000"));
    CHECK(strcmp(t->reply.data, gen) != 0);
    snprintf(gen, sizeof(gen), "%.31s", t->reply.data);
    CHECK(t->reply.hdr.len == part_wanted(list + 2, len - 2, 0, gen, want) &&
          !memcmp(t->reply.data, want, t->reply.hdr.len));
    ask1(t, XS_RM, 0, "/parts");
    free(list);
}

/* Longest whole list that goes into one reply, and one byte more. */
static void test_full_reply(struct client *t) {
    char path[128];

    for (int i = 0; i < 64; i++) {
        snprintf(path, sizeof(path), "/full/%063d", i);
        ask1(t, XS_MKDIR, 0, path);
    }
    ask1(t, XS_DIRECTORY, 0, "/full");
    CHECK(t->reply.hdr.type == XS_DIRECTORY && t->reply.hdr.len == XENSTORE_PAYLOAD_MAX);
    ask1(t, XS_RM, 0, path);
    snprintf(path, sizeof(path), "/full/%064d", 0);
    ask1(t, XS_MKDIR, 0, path);
    CHECK_STR(ask1(t, XS_DIRECTORY, 0, "/full"), "E2BIG");
    ask1(t, XS_RM, 0, "/full");
}

/* What is kept is nobody's to pay, is no more than the names, and does not open what is closed. */
static void test_guest(struct client *t, struct client *d) {
    struct domain *rec = domain_find(d->domid);
    size_t before = tree_bytes, owned = 0, lists;
    struct client *other;
    int64_t paid;
    char path[32];

    ask1(t, XS_MKDIR, 0, "/local/domain/6");
    ask_perms(t, 0, "/local/domain/6", "n6");
    for (int i = 0; i < 980; i++) {
        snprintf(path, sizeof(path), "%d/%d", i / 100, i);
        CHECK_STR(ask1(d, XS_MKDIR, 0, path), "OK");
        owned += strlen(path) - strcspn(path, "/");
    }
    paid = rec->memory;
    lists = tree_bytes;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 10; i++) {
            snprintf(path, sizeof(path), "%d", i);
            CHECK(strlen(names(d, 0, path)) >= 2);
        }
    }
    lists = tree_bytes - lists;
    CHECK(rec->memory == paid && lists == owned + 10 * sizeof(struct value));
    /* Listed by its owner, it is still closed to another. */
    other = connect_domain(7);
    CHECK_STR(names(other, 0, "/local/domain/6/9"), "EACCES");
    CHECK_STR(ask(other, XS_DIRECTORY_PART, 0, P("/local/domain/6/9\0000")), "EACCES");
    /* The names count to node-size as they did, kept or not. */
    quota[QUOTA_NODE_SIZE].limit = 24 + 8 + 4 * 80 + 10;
    names(d, 0, "9");
    CHECK_STR(ask1(d, XS_MKDIR, 0, "9/1234567890"), "ENOSPC");
    CHECK_STR(ask1(d, XS_MKDIR, 0, "9/12345678"), "OK");
    /* The domain dies while its lists are kept. */
    hv_destroy(6);
    hv_exception();
    CHECK_STR(names(t, 0, "/local/domain/6"), "ENOENT");
    ask1(t, XS_RM, 0, "/local/domain/6");
    disconnect(other);
    hv_destroy(7);
    hv_exception();
    CHECK(tree_bytes == before);
}

/* Lists of old versions that guests pin: the oldest transactions go before they pile up. */
static void test_pinned(struct client *t) {
    struct client *d[5];
    char path[1100], arg[16];
    uint32_t first = 0, x = 0;
    size_t most = 0, store;

    for (uint32_t i = 0; i < 5; i++) d[i] = connect_domain(20 + i);
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/pin/%01000d", i);
        ask1(t, XS_MKDIR, 0, path);
    }
    ask_perms(t, 0, "/pin", "r0");
    ask_perms(t, 0, "/", "r0");
    store = tree_bytes;
    for (int i = 0; i < 50; i++) {
        ask(d[i % 5], XS_DIRECTORY_PART, 0, arg, (size_t)sprintf(arg, "/pin%c%d", 0, 0) + 1);
        x = begin(d[i % 5]);
        if (!i) first = x;
        CHECK(x != 0);
        ask1(t, XS_MKDIR, 0, child_of("/pin", i));
        most = tree_bytes > most ? tree_bytes : most;
    }
    CHECK(most > 20u << 20 && most < (32u << 20) + 4 * store);
    CHECK_STR(ask1(d[0], XS_READ, first, "/"), "EAGAIN");
    CHECK_STR(ask1(d[4], XS_READ, x, "/"), "");
    ask1(t, XS_RM, 0, "/pin");
    for (uint32_t i = 0; i < 5; i++) {
        disconnect(d[i]);
        hv_destroy(20 + i);
    }
    hv_exception();
}

void test_list(void) {
    struct client *t, *u, *d;

    daemon_start();
    t = connect_tool();
    u = connect_tool();
    test_kept(t);
    test_held(t);
    test_in_txn(t, u);
    test_random(t);
    test_every_part(t);
    test_full_reply(t);
    test_pinned(t);
    d = connect_domain(6);
    test_guest(t, d);
    disconnect(t);
    disconnect(u);
    disconnect(d);
    daemon_stop();
}
