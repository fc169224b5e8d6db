/* SPDX-License-Identifier: MIT */
/*
 * For the tests of xenstored: the daemon's core in this process, with clients on socket pairs
 * (dom0's tools) and on rings in ordinary memory (domains), and a hypervisor that is a table.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <public/io/xs_wire.h>

extern unsigned int passed, failed;

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (cond) {                                                                                \
            passed++;                                                                              \
        } else {                                                                                   \
            failed++;                                                                              \
            printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #cond);                              \
        }                                                                                          \
    } while (0)

/* Compares texts, and shows both if they differ. */
#define CHECK_STR(got, want) check_str(__FILE__, __LINE__, got, want)
void check_str(const char *file, int line, const char *got, const char *want);

/* A literal with all its NULs, the last one too. */
#define P(s) (s), sizeof(s)

struct client {
    int fd; /* -1: a ring */
    uint32_t domid;
    struct xenstore_domain_interface *page;
    uint32_t next_id;
    struct reply {
        struct xsd_sockmsg hdr;
        char data[XENSTORE_PAYLOAD_MAX + 1]; /* NUL-terminated */
    } reply;                                 /* the last one that was read */
};

/* The daemon as new: empty store, no domains but dom0, default quotas. */
void daemon_start(void);
/* Ends it and checks that it gave everything back. */
void daemon_stop(void);

struct client *connect_tool(void);
/* Creates a domain in the fake hypervisor and introduces it. */
struct client *connect_domain(uint32_t domid);
void disconnect(struct client *c);
/* Dom0's kernel, on its ring; to be disconnected by disconnect_kernel(). */
struct client *connect_kernel(void);
void disconnect_kernel(struct client *c);

/* The fake hypervisor. */
void hv_create(uint32_t domid);
void hv_set(uint32_t domid, bool shutdown, bool dying);
void hv_destroy(uint32_t domid);
/* As VIRQ_DOM_EXC. */
void hv_exception(void);
struct xenstore_domain_interface *hv_page(uint32_t domid);

/* Lets the daemon work until it waits. */
void pump(void);
/* Puts raw bytes on the connection. */
void send_raw(struct client *c, const void *data, size_t len);
void send_msg(struct client *c, uint32_t type, uint32_t tx, const void *data, size_t len);
/* The next message, into c->reply; false if there is none. */
bool next_msg(struct client *c);
/* Request and reply: the reply's text (its error name if it failed), "(none)" without one.
 * Events that come before the reply are dropped. */
const char *ask(struct client *c, uint32_t type, uint32_t tx, const void *data, size_t len);
/* ask() for one path. */
const char *ask1(struct client *c, uint32_t type, uint32_t tx, const char *path);
const char *ask_write(struct client *c, uint32_t tx, const char *path, const char *value);
const char *ask_perms(struct client *c, uint32_t tx, const char *path, const char *perms);
uint32_t begin(struct client *c);
const char *commit(struct client *c, uint32_t tx);
/* The names of a directory, with spaces between. */
const char *names(struct client *c, uint32_t tx, const char *path);
/* Every waiting event as "path=token", with spaces between. */
const char *events(struct client *c);

void test_tree(void);
void test_ops(void);
void test_list(void);
void test_perms(void);
void test_txn(void);
void test_serial(void);
void test_watch(void);
void test_quota(void);
void test_wire(void);
void test_domain(void);
void test_client(const char *daemon);
