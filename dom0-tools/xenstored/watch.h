/* SPDX-License-Identifier: MIT */
/*
 * Watches, indexed by path: a change costs one look-up for each of its parents, however many
 * watches there are.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct conn;
struct perms;

/* path is canonical, or begins with '@'; relative: report paths without the client's home. */
int watch_add(struct conn *c, const char *path, const char *token, bool relative);
/* -ENOENT if there is no such watch. */
int watch_del(struct conn *c, const char *path, const char *token);
void watch_del_all(struct conn *c);

/* Rights that let a client know of the change: one of these lists must allow it to read. */
struct watch_perms {
    const struct perms *node; /* as it is, or was before it was removed */
    const struct perms *old;  /* as it was before a change of permissions; any may be NULL */
    /* Its parent's, which only few changes need: found when a watch asks. */
    const struct perms *(*parent_of)(const char *path);
};

/*
 * Sends the event for a change of path to the watches on it, and unless exact to those on its
 * parents.  cause is the connection that made the change, or NULL.
 */
void watch_fire(const char *path, bool exact, const struct watch_perms *perms, struct conn *cause);
