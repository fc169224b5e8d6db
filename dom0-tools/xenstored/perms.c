/* SPDX-License-Identifier: MIT */
/* Permission lists: text form, inheritance, and the question "may this connection". */
#include "perms.h"

#include "conn.h"
#include "domain.h"
#include "util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct perms *perms_new(const struct perm_entry *e, unsigned int num, uint64_t gen) {
    struct perms *p = xmalloc(sizeof(*p) + num * sizeof(*e));

    p->refs = 1;
    p->num = num;
    p->gen = gen;
    memcpy(p->e, e, num * sizeof(*e));
    return p;
}

struct perms *perms_get(struct perms *p) {
    p->refs++;
    return p;
}

void perms_put(struct perms *p) {
    if (p && --p->refs == 0) free(p);
}

static int parse_bits(char c, uint32_t *bits) {
    switch (c) {
    case 'n': *bits = PERM_NONE; return 0;
    case 'r': *bits = PERM_READ; return 0;
    case 'w': *bits = PERM_WRITE; return 0;
    case 'b': *bits = PERM_READ | PERM_WRITE; return 0;
    default: return -EINVAL;
    }
}

int perms_parse(const char *s, size_t len, struct perm_entry *e, unsigned int num) {
    const char *end = s + len;

    for (unsigned int i = 0; i < num; i++) {
        size_t n = strnlen(s, (size_t)(end - s));

        if (s + n == end || n < 2 || parse_bits(s[0], &e[i].bits) ||
            !parse_u32(s + 1, UINT16_MAX, &e[i].id))
            return -EINVAL;
        s += n + 1;
    }
    return s == end ? 0 : -EINVAL;
}

/* Entry 0 counts always: the nodes of a dead owner are removed with it. */
static bool counts(const struct perms *p, unsigned int i) {
    struct domain *d = i ? domain_find(p->e[i].id) : NULL;

    return i == 0 || (d && d->gen <= p->gen);
}

size_t perms_format(const struct perms *p, char **out) {
    size_t len = 0;

    *out = xmalloc(p->num * sizeof("n4294967295"));
    for (unsigned int i = 0; i < p->num; i++)
        if (counts(p, i))
            len += (size_t)sprintf(*out + len, "%c%u", "nrwb"[p->e[i].bits], p -> e[i].id) + 1;
    return len;
}

struct perms *perms_inherit(const struct perms *parent, uint32_t owner, uint64_t gen) {
    struct perms *p = perms_new(parent->e, parent->num, gen);

    p->num = 0;
    for (unsigned int i = 0; i < parent->num; i++)
        if (counts(parent, i)) p->e[p->num++] = parent->e[i];
    p->e[0].id = owner;
    return p;
}

static bool speaks_for(const struct conn *c, uint32_t domid) {
    return c->domid == domid || (c->target && c->target->domid == domid);
}

unsigned int perms_of(const struct perms *p, const struct conn *c) {
    if (conn_is_privileged(c) || speaks_for(c, p->e[0].id))
        return PERM_READ | PERM_WRITE | PERM_OWNER;
    for (unsigned int i = 1; i < p->num; i++)
        if (speaks_for(c, p->e[i].id) && counts(p, i)) return p->e[i].bits;
    return p->e[0].bits;
}
