/* SPDX-License-Identifier: MIT */
/*
 * Operations of a xenstored, by the wire protocol over its socket: the same bytes to whichever
 * daemon listens there. Nothing of a client library is in the figures. What a daemon answers is
 * looked at, so that none is measured at refusing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <public/io/xs_wire.h>

#include "bench.h"

#define TOGETHER 32
#define CHILDREN 1000
#define WATCHERS 100
#define FEW      17

#define NODE    "/bench/node"
#define WATCHED "/bench/watched"
#define VALUE   "0123456789012345678901234567890123456789"

struct message {
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX];
};

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int store, watchers[WATCHERS];

static int connected(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address))) die(address.sun_path);
    return fd;
}

static void receive(int fd, void *to, size_t size) {
    for (size_t have = 0; have < size;) {
        ssize_t n = read(fd, (char *)to + have, size - have);

        if (n <= 0) die("read from xenstored");
        have += (size_t)n;
    }
}

static void transmit(int fd, const void *data, size_t size) {
    if (write(fd, data, size) != (ssize_t)size) die("write to xenstored");
}

/* The parts are strings; the payload is the first with its NUL, and the second, which XS_WRITE
 * wants without one. */
static size_t compose(struct message *m, uint32_t type, uint32_t transaction, const char *first,
                      const char *second) {
    size_t length = strlen(first) + 1, more = second ? strlen(second) + (type != XS_WRITE) : 0;

    m->header =
        (struct xsd_sockmsg){.type = type, .tx_id = transaction, .len = (uint32_t)(length + more)};
    memcpy(m->payload, first, length);
    if (more) memcpy(m->payload + length, second, more);
    return sizeof(m->header) + length + more;
}

/* Into `m`, which it returns the payload of; 0-terminated. */
static const char *answer(int fd, struct message *m, uint32_t type) {
    receive(fd, &m->header, sizeof(m->header));
    if (m->header.len >= sizeof(m->payload)) die("length of an answer");
    receive(fd, m->payload, m->header.len);
    m->payload[m->header.len] = 0;
    if (m->header.type != type) {
        fprintf(stderr, "type %u wanted, %u came: %s\n", type, m->header.type, m->payload);
        exit(1);
    }
    return m->payload;
}

static const char *ask(int fd, uint32_t type, uint32_t transaction, const char *first,
                       const char *second) {
    static struct message m;

    transmit(fd, &m, compose(&m, type, transaction, first, second));
    return answer(fd, &m, type);
}

static void make_node(void) { ask(store, XS_WRITE, 0, NODE, VALUE); }

static void read_node(unsigned int at) {
    (void)at;
    if (strcmp(ask(store, XS_READ, 0, NODE, NULL), VALUE)) die("value of " NODE);
}

static void write_node(unsigned int at) {
    (void)at;
    ask(store, XS_WRITE, 0, NODE, VALUE);
}

static void make_and_remove(unsigned int at) {
    (void)at;
    ask(store, XS_MKDIR, 0, NODE "/new", NULL);
    ask(store, XS_RM, 0, NODE "/new", NULL);
}

static void transaction(unsigned int at) {
    uint32_t id = (uint32_t)atoi(ask(store, XS_TRANSACTION_START, 0, "", NULL));

    (void)at;
    ask(store, XS_READ, id, NODE, NULL);
    ask(store, XS_WRITE, id, NODE, VALUE);
    ask(store, XS_TRANSACTION_END, id, "T", NULL);
}

static void together(uint32_t type, const char *second) {
    static char all[TOGETHER * 256];
    struct message m;
    size_t length = 0;

    for (unsigned int i = 0; i < TOGETHER; i++) {
        size_t size = compose(&m, type, 0, NODE, second);

        memcpy(all + length, &m, size);
        length += size;
    }
    transmit(store, all, length);
    for (unsigned int i = 0; i < TOGETHER; i++) answer(store, &m, type);
}

static void reads_together(unsigned int at) {
    (void)at;
    together(XS_READ, NULL);
}

static void writes_together(unsigned int at) {
    (void)at;
    together(XS_WRITE, VALUE);
}

/* Names of up to three digits: the list fits in one message. */
static void make_children(void) {
    char path[64];

    for (unsigned int i = 0; i < CHILDREN; i++) {
        snprintf(path, sizeof(path), "/bench/many/%u", i);
        ask(store, XS_WRITE, 0, path, "x");
    }
}

static void list_children(unsigned int at) {
    (void)at;
    ask(store, XS_DIRECTORY, 0, "/bench/many", NULL);
}

static void remove_children(void) { ask(store, XS_RM, 0, "/bench/many", NULL); }

/* Each gets one event at once. */
static void start_watching(void) {
    struct message m;

    ask(store, XS_WRITE, 0, WATCHED, VALUE);
    for (unsigned int i = 0; i < WATCHERS; i++) {
        int fd = watchers[i] = connected();

        transmit(fd, &m, compose(&m, XS_WATCH, 0, WATCHED, "token"));
        answer(fd, &m, XS_WATCH);
        answer(fd, &m, XS_WATCH_EVENT);
    }
}

static void write_watched(unsigned int at) {
    struct message m;

    (void)at;
    ask(store, XS_WRITE, 0, WATCHED, VALUE);
    for (unsigned int i = 0; i < WATCHERS; i++) answer(watchers[i], &m, XS_WATCH_EVENT);
}

static void stop_watching(void) {
    for (unsigned int i = 0; i < WATCHERS; i++) close(watchers[i]);
}

static const struct operation operations[] = {
    NO_OPERATION,
    {"read", MOST, make_node, read_node, NULL},
    {"write", MOST, make_node, write_node, NULL},
    {"mkdir and rm", MOST, make_node, make_and_remove, NULL},
    {"transaction: start, read, write, end", MOST, make_node, transaction, NULL},
    {"32 reads sent together", MOST, make_node, reads_together, NULL},
    {"32 writes sent together", MOST, make_node, writes_together, NULL},
    {"directory of 1000", MOST, make_children, list_children, remove_children},
    {"write that 100 clients watch, to the last event", FEW, start_watching, write_watched,
     stop_watching},
};

int run_xenstore(const char *socket, const char *only) {
    if (strlen(socket) >= sizeof(address.sun_path)) die(socket);
    strcpy(address.sun_path, socket);
    store = connected();
    measure_all(operations, sizeof(operations) / sizeof(*operations), only);
    return 0;
}
