/* SPDX-License-Identifier: MIT */
/*
 * How many instructions requests to xenstored take, from the client's call to its reply, with what
 * the kernel does in between. Over the socket, one after the other; a sample is so many of them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench.h"

#define SAMPLES  5
#define REQUESTS 100

enum {
    DIRECTORY = 1,
    READ = 2,
    TRANSACTION_START = 6,
    TRANSACTION_END = 7,
    WRITE = 11,
    ERROR = 16
};

struct header {
    uint32_t type, request, transaction, length;
};

static int store;
static char reply[65536];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void all_of(ssize_t done, size_t size) {
    if (done != (ssize_t)size) die("xenstored");
}

/* The reply's text is in `reply`. */
static void ask(uint32_t type, uint32_t transaction, const char *text, size_t size) {
    static char message[256];
    struct header *h = (struct header *)message;
    size_t had = 0;

    *h = (struct header){.type = type, .transaction = transaction, .length = (uint32_t)size};
    memcpy(h + 1, text, size);
    all_of(write(store, message, sizeof(*h) + size), sizeof(*h) + size);
    all_of(recv(store, h, sizeof(*h), MSG_WAITALL), sizeof(*h));
    if (h->type != type || h->length >= sizeof(reply)) die("xenstored refuses");
    while (had < h->length) {
        ssize_t n = read(store, reply + had, h->length - had);

        if (n <= 0) die("xenstored");
        had += (size_t)n;
    }
    reply[had] = 0;
}

static void read_name(void) { ask(READ, 0, "/local/domain/0/name", 21); }
static void write_node(void) { ask(WRITE, 0, "/tool/bench\0value", 17); }
static void transaction(void) {
    uint32_t id;

    ask(TRANSACTION_START, 0, "", 1);
    id = (uint32_t)strtoul(reply, NULL, 10);
    ask(WRITE, id, "/tool/bench\0value", 17);
    ask(TRANSACTION_END, id, "T", 2);
}
static void list_domains(void) { ask(DIRECTORY, 0, "/local/domain", 14); }

static const struct {
    const char *name;
    void (*request)(void);
} requests[] = {
    {"read", read_name},
    {"write", write_node},
    {"transaction of one write", transaction},
    {"directory of the domains", list_domains},
};

int run_store(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/run/xenstored/socket"};

    store = socket(AF_UNIX, SOCK_STREAM, 0);
    if (store < 0 || connect(store, (struct sockaddr *)&address, sizeof(address))) die("socket");
    write_node();
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
        for (unsigned int sample = 0; sample < SAMPLES; sample++) {
            mark(MARK_START);
            for (unsigned int n = 0; n < REQUESTS; n++) requests[i].request();
            mark(MARK_END);
            mark(MARK_REPORT);
        }
    for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
        printf("STORE %d %d %s\n", SAMPLES, REQUESTS, requests[i].name);
    return 0;
}
