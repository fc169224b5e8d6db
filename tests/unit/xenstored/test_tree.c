/* SPDX-License-Identifier: MIT */
/* The persistent tree alone: versions do not see each other's changes. */
#include "harness.h"

#include "perms.h"
#include "tree.h"
#include "util.h"

#include <stdlib.h>
#include <string.h>

static struct node *fresh(const char *name) {
    struct perm_entry e = {0, PERM_NONE};

    return node_new(name, strlen(name), perms_new(&e, 1, 0));
}

static void add(struct node **root, const char *path) {
    char parent[256];
    size_t len = path_parent_len(path);

    memcpy(parent, path, len);
    parent[len] = 0;
    node_add_child(tree_edit(root, parent), fresh(path_base(path)));
}

static void test_find(void) {
    struct node *root = fresh("");

    add(&root, "/a");
    add(&root, "/a/b");
    add(&root, "/ab");
    CHECK(tree_find(root, "/") == root);
    CHECK(tree_find(root, "/a/b") && tree_find(root, "/ab"));
    CHECK(!tree_find(root, "/b") && !tree_find(root, "/a/b/c") && !tree_find(root, "/abc"));
    CHECK(root->childbytes == 5 && !memcmp(root->child[0]->name, "a", 2));
    CHECK(!tree_remove(&root, "/x/y"));
    CHECK(tree_remove(&root, "/a") && !tree_find(root, "/a/b") && tree_find(root, "/ab"));
    node_put(root);
}

/* Many children: the index has to agree with the list through growth and removal. */
static void test_many(void) {
    struct node *root = fresh(""), *snapshot;
    char path[32];
    bool good = true;

    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/n%d", i);
        add(&root, path);
    }
    snapshot = node_get(root);
    for (int i = 0; i < 2000; i += 3) {
        snprintf(path, sizeof(path), "/n%d", i);
        good = good && tree_remove(&root, path);
    }
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/n%d", i);
        good = good && !tree_find(root, path) == (i % 3 == 0) && tree_find(snapshot, path);
    }
    CHECK(good);
    CHECK(root->nchild == 1333 && snapshot->nchild == 2000);
    CHECK(!strcmp(root->child[0]->name, "n1") && !strcmp(root->child[1332]->name, "n1999"));
    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/n%d", i);
        tree_remove(&root, path);
    }
    CHECK(root->nchild == 0 && !root->index && root->childbytes == 0);
    node_put(snapshot);
    node_put(root);
}

static void test_versions(void) {
    struct node *root = fresh(""), *old, *shared;

    add(&root, "/a");
    add(&root, "/a/x");
    add(&root, "/b");
    add(&root, "/b/y");
    old = node_get(root);
    shared = tree_find(root, "/b");
    node_set_value(tree_edit(&root, "/a/x"), value_new("new", 3));
    CHECK(root != old && tree_find(root, "/a/x")->value && !tree_find(old, "/a/x")->value);
    CHECK(tree_find(root, "/b") == shared && tree_find(old, "/b") == shared);
    CHECK(tree_find(root, "/a/x")->gen > tree_find(old, "/a/x")->gen);
    CHECK(tree_find(root, "/a")->cgen == tree_find(old, "/a")->cgen);
    tree_remove(&root, "/b/y");
    CHECK(tree_find(old, "/b/y") && !tree_find(root, "/b/y"));
    CHECK(tree_find(root, "/b")->cgen > tree_find(old, "/b")->cgen);
    node_put(old);
    /* Nobody else holds it now: changed in place. */
    shared = tree_find(root, "/a/x");
    CHECK(tree_edit(&root, "/a/x") == shared);
    node_put(root);
}

static void collect(const struct node *n, const char *path, void *arg) {
    (void)n;
    strcat(arg, path);
    strcat(arg, " ");
}

static void test_walk(void) {
    struct node *root = fresh("");
    char seen[256] = "";

    add(&root, "/a");
    add(&root, "/a/b");
    add(&root, "/c");
    tree_walk(root, "/", collect, seen);
    CHECK_STR(seen, "/a/b /a /c / ");
    seen[0] = 0;
    tree_walk(tree_find(root, "/a"), "/a", collect, seen);
    CHECK_STR(seen, "/a/b /a ");
    node_put(root);
    CHECK(tree_bytes == 0);
}

void test_tree(void) {
    test_find();
    test_many();
    test_versions();
    test_walk();
}
