/* SPDX-License-Identifier: MIT */
/*
 * Xenstore client library: the interface of libxenstore under the same names, so that a
 * program moves between the two by changing the include and the link line (libhxs.a, -lpthread).
 *
 * A handle is one connection.  Every call sends one request and waits for its reply; watch
 * events that arrive meanwhile are kept in order for xs_read_watch/xs_check_watch.  A handle may
 * be shared by threads: a mutex makes each call whole, and xs_read_watch sleeps without holding
 * it up.  On failure every call sets errno; a lost connection is EBADF or EIO, and stays so.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <public/io/xs_wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The transaction id that means "outside any transaction". */
#define XBT_NULL 0

/* Flags of xs_open: the first two are accepted and ignored. */
#define XS_OPEN_READONLY   (1UL << 0)
#define XS_OPEN_SOCKETONLY (1UL << 1)
/* After xs_unwatch(path, token) returns, no event of that watch is handed out any more. */
#define XS_UNWATCH_FILTER (1UL << 2)

/* Bits of xs_permissions.perms. */
#define XS_PERM_NONE  0x00
#define XS_PERM_READ  0x01
#define XS_PERM_WRITE 0x02

/* Entry 0 of a list is the owner and what everybody else may do; the rest are exceptions. */
struct xs_permissions {
    unsigned int id;
    unsigned int perms;
};

/* xs_read_watch and xs_check_watch return an array with XS_WATCH_PATH and XS_WATCH_TOKEN. */
struct xs_handle;
typedef uint32_t xs_transaction_t;

/* Connects by the socket ($XENSTORED_PATH, else /run/xenstored/socket), else by /dev/xen/xenbus. */
struct xs_handle *xs_open(unsigned long flags);
/* NULL is allowed. */
void xs_close(struct xs_handle *h);
/* Frees the child's copy after fork() without a word to the daemon. */
void xs_daemon_destroy_postfork(struct xs_handle *h);

/* The names of a node's children; one free() releases names and array. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num);
/* A node's value with a NUL added that *len (may be NULL) does not count; caller frees. */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len);
/* Creates the node and its missing parents. */
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
              unsigned int len);
/* As xs_write of nothing, but an existing node keeps its value. */
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);
/* Removes a node with all below it; a missing node with a parent that exists is a success. */
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);

/* The permission list of a node; caller frees. */
struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                                          unsigned int *num);
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
                        struct xs_permissions *perms, unsigned int num_perms);
/* Parses num NUL-terminated texts like "n0" "rw5" laid end to end; false if one is malformed. */
bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num, const char *strings);

/* The daemon reports one event at once, then one for each change of the node or below it. */
bool xs_watch(struct xs_handle *h, const char *path, const char *token);
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);
/* Readable when an event may be waiting: then call xs_check_watch until it says EAGAIN. */
int xs_fileno(struct xs_handle *h);
/* The next event, [XS_WATCH_PATH] and [XS_WATCH_TOKEN]; NULL with EAGAIN if none. One free(). */
char **xs_check_watch(struct xs_handle *h);
/* The same, but waits; *num is 2. */
char **xs_read_watch(struct xs_handle *h, unsigned int *num);

/* XBT_NULL on failure. */
xs_transaction_t xs_transaction_start(struct xs_handle *h);
/* EAGAIN: something read or written was changed by another; start the transaction again. */
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long mfn,
                         unsigned int eventchn);
bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target);
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);
/* "/local/domain/<domid>"; caller frees. */
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);

/*
 * Not in libxenstore, both, and for the same end: the daemon is woken once for many requests.
 *
 * Between xs_together() and xs_settle(), xs_write, xs_mkdir, xs_rm and xs_set_permissions are true
 * at once. The daemon handles them in order, before any later request. xs_settle() waits for all
 * answers: false with the errno of the first that failed; a node to be removed that is not there
 * is no failure. Other threads of the handle are in it too.
 */
void xs_together(struct xs_handle *h);
bool xs_settle(struct xs_handle *h);
/* Reads several nodes: values[i] as xs_read would return it, NULL for one that cannot be read.
 * False, and all are NULL: the connection is lost. */
bool xs_read_all(struct xs_handle *h, xs_transaction_t t, const char *const *paths,
                 unsigned int num, char **values);

/* Is child the same as parent or below it?  By text: does not ask the daemon. */
bool xs_path_is_subpath(const char *parent, const char *child);

/* Sends cmd (and len bytes of data after its NUL) to the daemon's control; caller frees. */
char *xs_control_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len);

/* Where the daemon's socket is: $XENSTORED_PATH, else the usual place. */
const char *xs_daemon_socket(void);

#ifdef __cplusplus
}
#endif
