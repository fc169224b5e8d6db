/* SPDX-License-Identifier: MIT */
/*
 * Reader of xl.cfg text.  One pass, recursive only in nested lists, whose depth is limited; the
 * text may hold any bytes, a NUL included.
 */
#include "cfg.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define MAX_LIST_DEPTH 16
#define MAX_SETTINGS   4096 /* each is looked for among those before it */

struct reader {
    struct cfg *cfg;
    const char *source;
    const char *p, *end, *line_start;
    unsigned line;
};

static void report(struct cfg *cfg, const struct cfg_pos *pos, const char *what, const char *fmt,
                   va_list ap) {
    if (pos)
        fprintf(cfg->err, "%s:%u:%u: ", pos->source, pos->line, pos->column);
    else if (cfg->num_sources)
        fprintf(cfg->err, "%s: ", cfg->sources[0]);
    fprintf(cfg->err, "%s: ", what);
    vfprintf(cfg->err, fmt, ap);
    fputc('\n', cfg->err);
}

void cfg_error(struct cfg *cfg, const struct cfg_pos *pos, const char *fmt, ...) {
    va_list ap;

    cfg->errors++;
    va_start(ap, fmt);
    report(cfg, pos, "error", fmt, ap);
    va_end(ap);
}

void cfg_warn(struct cfg *cfg, const struct cfg_pos *pos, const char *fmt, ...) {
    va_list ap;

    cfg->warnings++;
    va_start(ap, fmt);
    report(cfg, pos, "warning", fmt, ap);
    va_end(ap);
}

static struct cfg_pos here(const struct reader *r) {
    return (struct cfg_pos){r->source, r->line, (unsigned)(r->p - r->line_start) + 1};
}

static int syntax_error(struct reader *r, const char *expected) {
    struct cfg_pos pos = here(r);

    if (r->p == r->end)
        cfg_error(r->cfg, &pos, "expected %s, found the end of the text", expected);
    else if (*r->p == '\n')
        cfg_error(r->cfg, &pos, "expected %s, found the end of the line", expected);
    else if (isprint((unsigned char)*r->p))
        cfg_error(r->cfg, &pos, "expected %s, found '%c'", expected, *r->p);
    else
        cfg_error(r->cfg, &pos, "expected %s, found byte 0x%02x", expected, (unsigned char)*r->p);
    return -EINVAL;
}

static void newline(struct reader *r) {
    r->p++;
    r->line++;
    r->line_start = r->p;
}

/* Skips blanks and comments; line ends too when multiline. */
static void skip_blank(struct reader *r, bool multiline) {
    while (r->p < r->end) {
        if (*r->p == ' ' || *r->p == '\t' || *r->p == '\r') {
            r->p++;
        } else if (*r->p == '#') {
            while (r->p < r->end && *r->p != '\n') r->p++;
        } else if (multiline && *r->p == '\n') {
            newline(r);
        } else {
            return;
        }
    }
}

static void value_free(struct cfg_value *v) {
    if (!v) return;
    for (size_t i = 0; i < v->num_items; i++) value_free(v->items[i]);
    free(v->items);
    free(v->text);
    free(v);
}

/* To a list that has grown by this only: the room is a power of two. */
static void add_item(struct cfg_value *v, struct cfg_value *item) {
    size_t n = v->num_items;

    if (!(n & (n - 1))) v->items = xrealloc(v->items, (n ? 2 * n : 1) * sizeof(*v->items));
    v->items[v->num_items++] = item;
}

static struct cfg_value *value_new(enum cfg_type type, struct cfg_pos pos) {
    struct cfg_value *v = xcalloc(1, sizeof(*v));

    v->type = type;
    v->pos = pos;
    return v;
}

/* After a backslash: stores the character meant, or returns -EINVAL after a message. */
static int read_escape(struct reader *r, char *out) {
    static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
    const char *hit;
    unsigned value = 0, digits = 0;

    if (r->p < r->end && *r->p && (hit = strchr(from, *r->p))) {
        *out = to[hit - from];
        r->p++;
        return 0;
    }
    if (r->p < r->end && *r->p == 'x') {
        r->p++;
        for (; digits < 2 && r->p < r->end && isxdigit((unsigned char)*r->p); digits++, r->p++)
            value =
                value * 16 +
                (unsigned)(isdigit((unsigned char)*r->p) ? *r->p - '0' : tolower(*r->p) - 'a' + 10);
    } else {
        for (; digits < 3 && r->p < r->end && *r->p >= '0' && *r->p <= '7'; digits++, r->p++)
            value = value * 8 + (unsigned)(*r->p - '0');
    }
    if (!digits || !value || value > 255)
        return syntax_error(r, "an escape (\\n, \\t, \\\\, \\', \\\", \\xHH, \\OOO)");
    *out = (char)value;
    return 0;
}

/* Room for a string's text: up to its quote, or to where it cannot go on, and a NUL. */
static size_t string_room(const struct reader *r, char quote) {
    const char *p = r->p;

    while (p < r->end && *p != quote && *p != '\n' && *p) p += *p == '\\' && p + 1 < r->end ? 2 : 1;
    return (size_t)(p - r->p) + 1;
}

static int read_string(struct reader *r, struct cfg_value **out) {
    struct cfg_value *v = value_new(CFG_STRING, here(r));
    char quote = *r->p++, *text = xcalloc(1, string_room(r, quote));
    size_t n = 0;

    while (r->p < r->end && *r->p != quote && *r->p != '\n' && *r->p) {
        if (*r->p != '\\') {
            text[n++] = *r->p++;
            continue;
        }
        r->p++;
        if (read_escape(r, &text[n++])) goto fail;
    }
    if (r->p == r->end || *r->p != quote) {
        syntax_error(r, quote == '"' ? "a closing \"" : "a closing '");
        goto fail;
    }
    r->p++;
    v->text = xrealloc(text, n + 1);
    *out = v;
    return 0;

fail:
    free(text);
    value_free(v);
    return -EINVAL;
}

static int read_number(struct reader *r, struct cfg_value **out) {
    struct cfg_value *v = value_new(CFG_NUMBER, here(r));
    const char *start = r->p++;

    while (r->p < r->end && (isalnum((unsigned char)*r->p) || *r->p == '_' || *r->p == '.')) r->p++;
    v->text = xstrndup(start, (size_t)(r->p - start));
    if (!parse_long(v->text, &v->number)) {
        cfg_error(r->cfg, &v->pos, "'%s' is not a number (texts go in quotes)", v->text);
        value_free(v);
        return -EINVAL;
    }
    *out = v;
    return 0;
}

static int read_value(struct reader *r, unsigned depth, struct cfg_value **out);

static int read_list(struct reader *r, unsigned depth, struct cfg_value **out) {
    struct cfg_value *v = value_new(CFG_LIST, here(r)), *item;

    if (depth >= MAX_LIST_DEPTH) {
        cfg_error(r->cfg, &v->pos, "lists are nested more than %u deep", MAX_LIST_DEPTH);
        goto fail;
    }
    r->p++;
    for (;;) {
        skip_blank(r, true);
        if (r->p < r->end && *r->p == ']') break;
        if (read_value(r, depth + 1, &item)) goto fail;
        add_item(v, item);
        skip_blank(r, true);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
        } else if (r->p == r->end || *r->p != ']') {
            syntax_error(r, "',' or ']' in the list");
            goto fail;
        }
    }
    r->p++;
    *out = v;
    return 0;

fail:
    value_free(v);
    return -EINVAL;
}

static int read_value(struct reader *r, unsigned depth, struct cfg_value **out) {
    if (r->p < r->end) {
        if (*r->p == '\'' || *r->p == '"') return read_string(r, out);
        if (*r->p == '[') return read_list(r, depth, out);
        if (isdigit((unsigned char)*r->p) || *r->p == '-') return read_number(r, out);
    }
    return syntax_error(r, "a value: a quoted string, a number or a [list]");
}

static struct cfg_setting *find(struct cfg *cfg, const char *name) {
    struct cfg_setting *s = cfg->settings;

    while (s && strcmp(s->name, name)) s = s->next;
    return s;
}

/* Appends b to a where that has a meaning: text to text, elements to a list. Consumes b. */
static int append_value(struct cfg *cfg, struct cfg_value *a, struct cfg_value *b) {
    if (a->type == CFG_LIST && b->type == CFG_LIST) {
        a->items = xrealloc(a->items, (a->num_items + b->num_items + 1) * sizeof(*a->items));
        for (size_t i = 0; i < b->num_items; i++) a->items[a->num_items++] = b->items[i];
        b->num_items = 0;
    } else if (a->type == CFG_STRING && b->type == CFG_STRING) {
        set_string(&a->text, xasprintf("%s%s", a->text, b->text));
    } else {
        cfg_error(cfg, &b->pos, "+= joins two strings or two lists, not different kinds");
        value_free(b);
        return -EINVAL;
    }
    value_free(b);
    return 0;
}

/* Takes name and value over. */
static int store(struct cfg *cfg, char *name, struct cfg_pos pos, struct cfg_value *value,
                 bool append) {
    struct cfg_setting *s = find(cfg, name), **tail = &cfg->settings;

    if (s) {
        free(name);
        if (append) return append_value(cfg, s->value, value);
        value_free(s->value);
        s->value = value;
        s->pos = pos;
        return 0;
    }
    s = xcalloc(1, sizeof(*s));
    s->name = name;
    s->pos = pos;
    s->value = value;
    while (*tail) tail = &(*tail)->next;
    *tail = s;
    return 0;
}

static int read_setting(struct reader *r) {
    struct cfg_pos pos = here(r);
    const char *start = r->p;
    struct cfg_value *value;
    bool append = false;
    char *name;

    if (!isalpha((unsigned char)*r->p) && *r->p != '_')
        return syntax_error(r, "the name of a setting");
    if (r->cfg->num_settings++ == MAX_SETTINGS) {
        cfg_error(r->cfg, &pos, "there are more than %u settings", MAX_SETTINGS);
        return -EINVAL;
    }
    while (r->p < r->end && (isalnum((unsigned char)*r->p) || *r->p == '_')) r->p++;
    name = xstrndup(start, (size_t)(r->p - start));
    skip_blank(r, false);
    if (r->p < r->end && *r->p == '+') {
        append = true;
        r->p++;
    }
    if (r->p == r->end || *r->p != '=') {
        free(name);
        return syntax_error(r, append ? "'=' after '+'" : "'=' after the name");
    }
    r->p++;
    skip_blank(r, false);
    if (read_value(r, 0, &value)) {
        free(name);
        return -EINVAL;
    }
    if (store(r->cfg, name, pos, value, append)) return -EINVAL;
    skip_blank(r, false);
    if (r->p < r->end && *r->p != '\n' && *r->p != ';')
        return syntax_error(r, "the end of the line or ';' after the value");
    return 0;
}

int cfg_parse(struct cfg *cfg, const char *source, const char *text, size_t len) {
    struct reader r = {.cfg = cfg, .p = text, .end = text + len, .line_start = text, .line = 1};

    cfg->sources = xrealloc(cfg->sources, (cfg->num_sources + 1) * sizeof(*cfg->sources));
    cfg->sources[cfg->num_sources] = xstrdup(source);
    r.source = cfg->sources[cfg->num_sources++];

    for (;;) {
        skip_blank(&r, true);
        if (r.p == r.end) return 0;
        if (*r.p == ';') {
            r.p++;
            continue;
        }
        if (read_setting(&r)) return -EINVAL;
    }
}

struct cfg_value *cfg_get(struct cfg *cfg, const char *name) {
    struct cfg_setting *s = find(cfg, name);

    if (!s) return NULL;
    s->used = true;
    return s->value;
}

struct cfg *cfg_new(FILE *err) {
    struct cfg *cfg = xcalloc(1, sizeof(*cfg));

    cfg->err = err;
    return cfg;
}

void cfg_free(struct cfg *cfg) {
    struct cfg_setting *s, *next;

    if (!cfg) return;
    for (s = cfg->settings; s; s = next) {
        next = s->next;
        value_free(s->value);
        free(s->name);
        free(s);
    }
    for (size_t i = 0; i < cfg->num_sources; i++) free(cfg->sources[i]);
    free(cfg->sources);
    free(cfg);
}
