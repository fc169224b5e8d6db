/* SPDX-License-Identifier: MIT */
/*
 * xl.cfg syntax: NAME = VALUE or NAME += VALUE, one a line or separated by ';', where a value is
 * a string ('..' or ".."), a number or a list of values in [ ].  '#' starts a comment.  This
 * layer knows no key; domcfg.c gives them meaning.  Every value knows where it stood.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cfg_pos {
    const char *source;    /* owned by the struct cfg */
    unsigned line, column; /* from 1 */
};

enum cfg_type { CFG_STRING, CFG_NUMBER, CFG_LIST };

struct cfg_value {
    enum cfg_type type;
    struct cfg_pos pos;
    char *text; /* strings, and numbers as they were written */
    long long number;
    struct cfg_value **items;
    size_t num_items;
};

struct cfg_setting {
    char *name;
    struct cfg_pos pos;
    struct cfg_value *value;
    bool used; /* set by the lookups; what stays false is an unknown key */
    struct cfg_setting *next;
};

struct cfg {
    struct cfg_setting *settings; /* in the order of first appearance */
    char **sources;
    size_t num_sources;
    FILE *err; /* where messages go */
    unsigned errors, warnings;
    unsigned num_settings; /* read so far, of whatever name */
};

struct cfg *cfg_new(FILE *err);
void cfg_free(struct cfg *cfg);

/* Adds the settings of a text; a later setting of a name replaces an earlier one.  0, or
 * -EINVAL after a message "SOURCE:LINE:COLUMN: error: ..." for the first mistake. */
int cfg_parse(struct cfg *cfg, const char *source, const char *text, size_t len);

/* Looks a setting up and marks it as known; NULL when absent. */
struct cfg_value *cfg_get(struct cfg *cfg, const char *name);

void cfg_error(struct cfg *cfg, const struct cfg_pos *pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void cfg_warn(struct cfg *cfg, const struct cfg_pos *pos, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
