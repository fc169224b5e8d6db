/* SPDX-License-Identifier: MIT */
/*
 * Random clients with transactions against a model: every transaction that commits must have
 * seen and done what it would have, run alone at the moment of its commit.  The model replays
 * its requests then and compares each answer.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#define CLIENTS 4
#define NODES   39 /* 3 + 9 + 27 paths below /s, three names a level */
#define MAX_LOG 12
#define ROUNDS  20000

struct step {
    uint32_t type;
    int node;
    char arg[8];
    char answer[64];
};

struct actor {
    struct client *c;
    uint32_t tx;
    unsigned int n;
    struct step log[MAX_LOG];
};

static struct {
    bool exists;
    char value[8];
} model[NODES];
static char paths[NODES][16];
static uint32_t seed = 12345;

static unsigned int rnd(unsigned int n) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % n;
}

/* 0..2 are /s/a../s/c, then their children; the parent of n is (n - 3) / 3. */
static int parent_of(int n) { return n < 3 ? -1 : (n - 3) / 3; }

static void make_paths(void) {
    for (int n = 0; n < NODES; n++)
        snprintf(paths[n], sizeof(paths[n]), "%s/%c", n < 3 ? "/s" : paths[parent_of(n)],
                 'a' + n % 3);
}

static void model_make(int n) {
    for (; n >= 0 && !model[n].exists; n = parent_of(n)) {
        model[n].exists = true;
        model[n].value[0] = 0;
    }
}

static void model_remove(int n) {
    for (int i = 0; i < NODES; i++)
        if (!strncmp(paths[i], paths[n], strlen(paths[n]))) model[i].exists = false;
}

static int by_letter(const void *a, const void *b) { return *(const char *)a - *(const char *)b; }

/* The children's order depends on history, their set does not. */
static void model_names(int n, char *out) {
    for (int i = 3 * n + 3; i < 3 * n + 6 && i < NODES; i++)
        if (model[i].exists) *out++ = (char)('a' + i % 3);
    *out = 0;
}

static void model_answer(const struct step *s, char *out) {
    bool exists = model[s->node].exists;
    int parent = parent_of(s->node);

    strcpy(out, "OK");
    if (s->type == XS_READ) {
        strcpy(out, exists ? model[s->node].value : "ENOENT");
    } else if (s->type == XS_DIRECTORY) {
        if (exists)
            model_names(s->node, out);
        else
            strcpy(out, "ENOENT");
    } else if (s->type == XS_RM) {
        if (exists)
            model_remove(s->node);
        else if (parent >= 0 && !model[parent].exists)
            strcpy(out, "ENOENT");
    } else {
        model_make(s->node);
        if (s->type == XS_WRITE) strcpy(model[s->node].value, s->arg);
    }
}

static void real_answer(struct actor *a, struct step *s) {
    const char *text;
    size_t n = 0;

    if (s->type == XS_WRITE)
        text = ask_write(a->c, a->tx, paths[s->node], s->arg);
    else if (s->type == XS_DIRECTORY)
        text = names(a->c, a->tx, paths[s->node]);
    else
        text = ask1(a->c, s->type, a->tx, paths[s->node]);
    if (s->type != XS_DIRECTORY || !strcmp(text, "ENOENT")) {
        snprintf(s->answer, sizeof(s->answer), "%s", text);
        return;
    }
    for (; *text; text++)
        if (*text != ' ') s->answer[n++] = *text;
    s->answer[n] = 0;
    qsort(s->answer, n, 1, by_letter);
}

static void pick_step(struct step *s) {
    static const uint32_t types[] = {XS_READ,  XS_READ,  XS_DIRECTORY, XS_WRITE,
                                     XS_WRITE, XS_MKDIR, XS_RM};

    s->type = types[rnd(sizeof(types) / sizeof(types[0]))];
    s->node = (int)rnd(NODES);
    snprintf(s->arg, sizeof(s->arg), "%u", rnd(100));
}

static bool replay(const struct actor *a) {
    bool good = true;

    for (unsigned int i = 0; i < a->n; i++) {
        char want[64];

        model_answer(&a->log[i], want);
        if (strcmp(want, a->log[i].answer)) {
            printf("step %u of %u: type %u %s: got '%s', alone it is '%s'\n", i, a->n,
                   a->log[i].type, paths[a->log[i].node], a->log[i].answer, want);
            good = false;
        }
    }
    return good;
}

static bool same_as_model(struct client *c) {
    for (int n = 0; n < NODES; n++) {
        const char *text = ask1(c, XS_READ, 0, paths[n]);

        if (strcmp(text, model[n].exists ? model[n].value : "ENOENT")) return false;
    }
    return true;
}

void test_serial(void) {
    struct actor a[CLIENTS] = {0};
    unsigned int committed = 0, again = 0;
    bool good = true;

    daemon_start();
    make_paths();
    for (int i = 0; i < CLIENTS; i++) a[i].c = connect_tool();
    ask1(a[0].c, XS_MKDIR, 0, "/s");
    for (int round = 0; round < ROUNDS && good; round++) {
        struct actor *who = &a[rnd(CLIENTS)];

        if (!who->n) who->tx = rnd(4) ? begin(who->c) : 0;
        pick_step(&who->log[who->n]);
        real_answer(who, &who->log[who->n]);
        who->n++;
        if (who->tx && who->n < MAX_LOG && rnd(6)) continue;
        if (!who->tx || !strcmp(commit(who->c, who->tx), "OK")) {
            good = replay(who);
            committed += who->tx != 0;
        } else {
            again++;
        }
        who->n = 0;
        if (round % 500 == 0) good = good && same_as_model(who->c);
    }
    CHECK(good);
    CHECK(same_as_model(a[0].c));
    CHECK(committed > 500 && again > 50);
    for (int i = 0; i < CLIENTS; i++) disconnect(a[i].c);
    daemon_stop();
}
