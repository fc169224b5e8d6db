/* SPDX-License-Identifier: MIT */
/*
 * The tree of nodes as a persistent structure: a version is a reference to a root, and taking
 * one is O(1).
 *
 * Invariant: a node that more than one owner holds (refs > 1: parents in several versions, or a
 * snapshot of the root) is never changed.  Changing begins at the root and makes each node on the
 * way down private by copying it if it is shared; below a private node a child with one
 * reference is reachable from this version only, so it may be changed in place.  A pointer to a
 * node is therefore good until the next change of that version.
 *
 * The one thing that comes to a node whoever holds it is the list of its children's names, made
 * when somebody asks: it says nothing that child[] does not.  Whatever changes child[] drops it;
 * the list itself never changes, so that versions and replies may share it.
 *
 * gen changes with value or permissions and tells apart a node from a later one of its name;
 * cgen changes with the set of children.  Both come from one counter that never repeats.
 * Children keep the order in which they were made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perms;

struct value {
    unsigned int refs;
    uint32_t len;
    char data[];
};

/* What a node with many children has, and the many nodes with few do without. */
struct child_index {
    struct value *list; /* what node_list() kept, NULL: nothing since the last change of child[] */
    uint32_t size;      /* a power of two */
    uint32_t slot[];    /* open addressing: 1 + position in child[], 0 is free */
};

struct node {
    unsigned int refs;
    uint32_t namelen;
    uint64_t hash; /* of the name */
    uint64_t gen, cgen;
    struct perms *perms;
    struct value *value; /* NULL: empty */
    struct node **child;
    uint32_t nchild, cap;
    uint32_t childbytes;       /* the names of the children with their NULs */
    struct child_index *index; /* NULL: few children */
    char name[];
};

/* The source of gen and cgen: the last number given out. */
extern uint64_t tree_generation;
/* What all versions together take: nodes that only old versions hold are in it, kept lists too. */
extern size_t tree_bytes;

struct node *node_new(const char *name, size_t namelen, struct perms *perms);
struct node *node_get(struct node *n);
void node_put(struct node *n);
struct value *value_new(const void *data, uint32_t len);
void value_put(struct value *v);

/* Paths are absolute and valid: "/" or "/a/b". NULL if there is no such node. */
struct node *tree_find(struct node *root, const char *path);
struct node *node_child(const struct node *n, const char *name, size_t len);

/* The node, made private to this version; NULL (and nothing changed) if it does not exist. */
struct node *tree_edit(struct node **root, const char *path);
/* The same of a node that exists. */
struct node *tree_edit_known(struct node **root, const char *path);
/* Adds a child to a private node; the name must be new.  Takes over the reference. */
void node_add_child(struct node *parent, struct node *child);
/* Removes a node (not "/") and all below it; false if it does not exist. */
bool tree_remove(struct node **root, const char *path);
/* Both bump gen; the node must be private.  The references are taken over. */
void node_set_value(struct node *n, struct value *v);
void node_set_perms(struct node *n, struct perms *p);

/*
 * The names of the children, each with its NUL: childbytes bytes, and a reference for the caller.
 * keep: the node is to have it ready the next time, if it has many children.  No quota counts
 * what is kept.  In the store it is less than the children themselves, which their owners are
 * charged for; what old versions keep is in tree_bytes and goes with them (txn_squeeze()).
 */
struct value *node_list(const struct node *n, bool keep);
/* For checks: whether what is kept, if anything is, is what a walk finds. */
bool node_list_true(const struct node *n);

/* Length of path without its last component: "/a/b" -> 2, "/a" -> 1 (the root). */
size_t path_parent_len(const char *path);
const char *path_base(const char *path);

/*
 * Calls fn for the node and all below it, a child before its parent.  The path passed is valid
 * during the call.  fn must not change the version that is walked.
 */
void tree_walk(const struct node *n, const char *path,
               void (*fn)(const struct node *n, const char *path, void *arg), void *arg);
