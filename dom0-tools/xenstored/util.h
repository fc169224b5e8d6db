/* SPDX-License-Identifier: MIT */
/*
 * What every part of xenstored stands on: memory, lists, hashing, time, messages.
 *
 * Memory: a client's use is bounded by its quota, so running out means that the machine is out,
 * and no reply could repair that: the allocators end the daemon with a message, never return NULL.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)                   (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

void *xmalloc(size_t size);
void *xzalloc(size_t size);
void *xrealloc(void *old, size_t size);
void *xmemdup(const void *src, size_t size);
char *xstrdup(const char *s);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Circular doubly linked list; a member that is on no list points to itself. */
struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l) { l->next = l->prev = l; }

static inline bool list_empty(const struct list *l) { return l->next == l; }

static inline void list_add_tail(struct list *head, struct list *l) {
    l->prev = head->prev;
    l->next = head;
    head->prev->next = l;
    head->prev = l;
}

/* Safe on a member that is on no list. */
static inline void list_del(struct list *l) {
    l->next->prev = l->prev;
    l->prev->next = l->next;
    list_init(l);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
/* The current entry may be removed in the loop, no other one. */
#define list_for_each_safe(pos, tmp, head)                                                         \
    for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head);                               \
         (pos) = (tmp), (tmp) = (pos)->next)

/* XXH3 with a seed drawn at start-up: a guest that picks names cannot aim at one bucket. */
uint64_t hash_bytes(const void *data, size_t len);

/*
 * Hash map with the link inside the entry.  The caller compares keys; the map never looks at
 * them.  An entry is in at most one map.
 */
struct hlink {
    struct hlink *next;
    uint64_t hash;
};

struct hmap {
    struct hlink **bucket;
    size_t nbuckets; /* zero or a power of two */
    size_t count;
};

void hmap_add(struct hmap *m, struct hlink *l, uint64_t hash);
void hmap_del(struct hmap *m, struct hlink *l);
/* The first entry with that hash, then the next one after l. */
struct hlink *hmap_first(const struct hmap *m, uint64_t hash);
struct hlink *hmap_next(const struct hlink *l);
void hmap_free(struct hmap *m);

uint64_t now_ms(void);
/* Only for the tests, which let time pass without waiting; UINT64_MAX means the real clock. */
extern uint64_t fake_now_ms;

/* Decimal digits only, nothing before or after, at most max. */
bool parse_u32(const char *s, uint32_t max, uint32_t *out);

/* To syslog once daemonised, to stderr before; always to the trace file if there is one. */
void xlog(int prio, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void xtrace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_use_syslog(bool on);
/* Opens (or closes, for NULL) the trace file; -errno if it cannot. */
int trace_open(const char *path);
bool trace_on(void);
