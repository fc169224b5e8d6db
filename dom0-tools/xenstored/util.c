/* SPDX-License-Identifier: MIT */
/* Memory, hash map, time and messages for xenstored. */
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static bool to_syslog;
static int trace_fd = -1;
uint64_t fake_now_ms = UINT64_MAX;

static void *checked(void *p) {
    if (!p) {
        xlog(LOG_CRIT, "xenstored: out of memory, giving up");
        abort();
    }
    return p;
}

void *xmalloc(size_t size) { return checked(malloc(size ? size : 1)); }

void *xzalloc(size_t size) { return checked(calloc(1, size ? size : 1)); }

void *xrealloc(void *old, size_t size) { return checked(realloc(old, size ? size : 1)); }

void *xmemdup(const void *src, size_t size) {
    void *p = xmalloc(size);

    if (size) memcpy(p, src, size);
    return p;
}

char *xstrdup(const char *s) { return xmemdup(s, strlen(s) + 1); }

char *xasprintf(const char *fmt, ...) {
    va_list ap;
    char *s;

    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0) s = NULL;
    va_end(ap);
    return checked(s);
}

uint64_t hash_bytes(const void *data, size_t len) {
    static uint64_t seed;
    static bool seeded;

    if (!seeded) {
        if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
            seed = (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ull ^ (uint64_t)getpid();
        seeded = true;
    }
    return XXH3_64bits_withSeed(data, len, seed);
}

static void hmap_grow(struct hmap *m) {
    size_t n = m->nbuckets ? m->nbuckets * 2 : 16;
    struct hlink **b = xzalloc(n * sizeof(*b));

    for (size_t i = 0; i < m->nbuckets; i++) {
        for (struct hlink *l = m->bucket[i], *next; l; l = next) {
            next = l->next;
            l->next = b[l->hash & (n - 1)];
            b[l->hash & (n - 1)] = l;
        }
    }
    free(m->bucket);
    m->bucket = b;
    m->nbuckets = n;
}

void hmap_add(struct hmap *m, struct hlink *l, uint64_t hash) {
    struct hlink **b;

    if (m->count >= m->nbuckets) hmap_grow(m);
    b = &m->bucket[hash & (m->nbuckets - 1)];
    l->hash = hash;
    l->next = *b;
    *b = l;
    m->count++;
}

void hmap_del(struct hmap *m, struct hlink *l) {
    struct hlink **p = &m->bucket[l->hash & (m->nbuckets - 1)];

    while (*p != l) p = &(*p)->next;
    *p = l->next;
    m->count--;
}

struct hlink *hmap_first(const struct hmap *m, uint64_t hash) {
    struct hlink *l;

    if (!m->nbuckets) return NULL;
    l = m->bucket[hash & (m->nbuckets - 1)];
    while (l && l->hash != hash) l = l->next;
    return l;
}

struct hlink *hmap_next(const struct hlink *l) {
    struct hlink *n = l->next;

    while (n && n->hash != l->hash) n = n->next;
    return n;
}

void hmap_free(struct hmap *m) {
    free(m->bucket);
    *m = (struct hmap){0};
}

uint64_t now_ms(void) {
    struct timespec ts;

    if (fake_now_ms != UINT64_MAX) return fake_now_ms;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

bool parse_u32(const char *s, uint32_t max, uint32_t *out) {
    uint64_t v = 0;

    if (!*s) return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9') return false;
        v = v * 10 + (uint64_t)(*s - '0');
        if (v > max) return false;
    }
    *out = (uint32_t)v;
    return true;
}

static void trace_line(const char *fmt, va_list ap) {
    char line[1024];
    struct timespec ts;
    struct tm tm;
    size_t n;
    int len;

    clock_gettime(CLOCK_REALTIME, &ts);
    localtime_r(&ts.tv_sec, &tm);
    n = strftime(line, sizeof(line), "%Y%m%d %H:%M:%S ", &tm);
    len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
    if (len < 0) return;
    n += (size_t)len < sizeof(line) - n - 1 ? (size_t)len : sizeof(line) - n - 2;
    /* A domain's bytes must not speak to the terminal of who reads the file, nor make lines. */
    for (size_t i = 0; i < n; i++)
        if (line[i] < ' ' || line[i] > '~') line[i] = '?';
    line[n++] = '\n';
    if (write(trace_fd, line, n) < 0)
        (void)trace_open(NULL); /* a full disk must not become a flood of failing writes */
}

void xtrace(const char *fmt, ...) {
    va_list ap;

    if (trace_fd < 0) return;
    va_start(ap, fmt);
    trace_line(fmt, ap);
    va_end(ap);
}

void xlog(int prio, const char *fmt, ...) {
    va_list ap;

    if (trace_fd >= 0) {
        va_start(ap, fmt);
        trace_line(fmt, ap);
        va_end(ap);
    }
    va_start(ap, fmt);
    if (to_syslog) {
        vsyslog(prio, fmt, ap);
    } else {
        vfprintf(stderr, fmt, ap);
        fputc('\n', stderr);
    }
    va_end(ap);
}

void log_use_syslog(bool on) { to_syslog = on; }

int trace_open(const char *path) {
    if (trace_fd >= 0) close(trace_fd);
    trace_fd = -1;
    if (!path) return 0;
    trace_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return trace_fd < 0 ? -errno : 0;
}

bool trace_on(void) { return trace_fd >= 0; }
