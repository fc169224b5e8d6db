/* SPDX-License-Identifier: MIT */
/*
 * The xenstore protocol: messages of a header and at most XENSTORE_PAYLOAD_MAX bytes, over a
 * socket or over the ring page of a domain. A reply carries the type and req_id of its request, or
 * the type XS_ERROR with the name of an error; watch events come unasked with type XS_WATCH_EVENT
 * and req_id 0.
 */
#ifndef _XS_WIRE_H
#define _XS_WIRE_H

#include <stdint.h>

enum xsd_sockmsg_type {
    XS_CONTROL,             /* to the daemon itself; dom0 only */
#define XS_DEBUG XS_CONTROL
    XS_DIRECTORY,           /* names of the children */
    XS_READ,                /* value */
    XS_GET_PERMS,           /* permissions, owner first */
    XS_WATCH,               /* path, token */
    XS_UNWATCH,             /* path, token */
    XS_TRANSACTION_START,   /* gives a tx_id */
    XS_TRANSACTION_END,     /* "T" commits, "F" drops */
    XS_INTRODUCE,           /* domid, frame, port */
    XS_RELEASE,             /* domid */
    XS_GET_DOMAIN_PATH,     /* domid */
    XS_WRITE,               /* path, value */
    XS_MKDIR,               /* path */
    XS_RM,                  /* path */
    XS_SET_PERMS,           /* path, permissions */
    XS_WATCH_EVENT,         /* path, token */
    XS_ERROR,               /* name of an error */
    XS_IS_DOMAIN_INTRODUCED, /* domid */
    XS_RESUME,              /* domid */
    XS_SET_TARGET,          /* domid, target */
    /* 20 was XS_RESTRICT */
    XS_RESET_WATCHES = XS_SET_TARGET + 2, /* drop the caller's watches and transactions */
    XS_DIRECTORY_PART,                    /* path, offset: long directories in parts */

    XS_TYPE_COUNT, /* one more than the last */

    XS_INVALID = 0xffff
};

#define XS_WRITE_NONE "NONE"
#define XS_WRITE_CREATE "CREATE"
#define XS_WRITE_CREATE_EXCL "CREATE|EXCL"

/* Errors travel by name. The table exists where the includer has errno.h. */
struct xsd_errors {
    int errnum;
    const char *errstring;
};
#ifdef EINVAL
#define XSD_ERROR(x)                                                                               \
    {                                                                                              \
        x, #x                                                                                      \
    }
static const struct xsd_errors xsd_errors[] __attribute__((unused)) = {
    XSD_ERROR(EINVAL), XSD_ERROR(EACCES),    XSD_ERROR(EEXIST), XSD_ERROR(EISDIR),
    XSD_ERROR(ENOENT), XSD_ERROR(ENOMEM),    XSD_ERROR(ENOSPC), XSD_ERROR(EIO),
    XSD_ERROR(ENOTEMPTY), XSD_ERROR(ENOSYS), XSD_ERROR(EROFS),  XSD_ERROR(EBUSY),
    XSD_ERROR(EAGAIN), XSD_ERROR(EISCONN),   XSD_ERROR(E2BIG),  XSD_ERROR(EPERM),
};
#endif

struct xsd_sockmsg {
    uint32_t type;   /* XS_* */
    uint32_t req_id; /* the sender's, echoed in the reply */
    uint32_t tx_id;  /* transaction; 0 is none */
    uint32_t len;    /* bytes that follow */
};

/* Parts of a watch event's payload. */
enum xs_watch_type { XS_WATCH_PATH = 0, XS_WATCH_TOKEN };

/*
 * The ring page. The guest writes req, req_prod and rsp_cons; the daemon the rest. Indices run
 * freely and are masked on use; those of the other end may be nonsense.
 */
#define XENSTORE_RING_SIZE 1024
typedef uint32_t XENSTORE_RING_IDX;
#define MASK_XENSTORE_IDX(idx) ((idx) & (XENSTORE_RING_SIZE - 1))
struct xenstore_domain_interface {
    char req[XENSTORE_RING_SIZE];
    char rsp[XENSTORE_RING_SIZE];
    XENSTORE_RING_IDX req_cons, req_prod;
    XENSTORE_RING_IDX rsp_cons, rsp_prod;
    uint32_t server_features; /* XENSTORE_SERVER_FEATURE_* */
    uint32_t connection;      /* the guest sets RECONNECT, the daemon CONNECTED when it is done */
    uint32_t error;           /* why the daemon does not serve the ring */
};

#define XENSTORE_PAYLOAD_MAX 4096
#define XENSTORE_ABS_PATH_MAX 3072
#define XENSTORE_REL_PATH_MAX 2048

#define XENSTORE_SERVER_FEATURE_RECONNECTION 1
#define XENSTORE_SERVER_FEATURE_ERROR 2

#define XENSTORE_CONNECTED 0
#define XENSTORE_RECONNECT 1

#define XENSTORE_ERROR_NONE 0
#define XENSTORE_ERROR_COMM 1    /* the port or the page */
#define XENSTORE_ERROR_RINGIDX 2 /* impossible index */
#define XENSTORE_ERROR_PROTO 3   /* impossible message */

#endif /* _XS_WIRE_H */
