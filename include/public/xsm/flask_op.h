/* SPDX-License-Identifier: MIT */
/*
 * Security labels and the policy of the Flask module: xsm_op(&op).
 *
 * A label (context) is a text "user:role:type"; the hypervisor knows it by a number, its SID, which
 * holds until the next boot. Each operation is named at its number with the member of op.u that it
 * uses; those without one answer in the hypercall's result. Without a policy module every operation
 * is refused with -ENOSYS, which the tools take for "no labels here".
 */
#ifndef __FLASK_OP_H__
#define __FLASK_OP_H__

#include "../event_channel.h"

#define XEN_FLASK_INTERFACE_VERSION 1

/* LOAD: replace the policy by a compiled one. SIDs in use are kept where the labels still exist. */
struct xen_flask_load {
    XEN_GUEST_HANDLE(char) buffer; /* IN */
    uint32_t size;                 /* IN: bytes */
};
typedef struct xen_flask_load xen_flask_load_t;

struct xen_flask_setenforce {
    uint32_t enforcing; /* IN: 0 only reports what the policy denies */
};
typedef struct xen_flask_setenforce xen_flask_setenforce_t;

/* CONTEXT_TO_SID, SID_TO_CONTEXT. Too little room: -ERANGE, and size is what is needed. */
struct xen_flask_sid_context {
    uint32_t sid;                   /* to_context: IN, to_sid: OUT */
    uint32_t size;                  /* IN: length or room; OUT: length */
    XEN_GUEST_HANDLE(char) context; /* to_context: OUT, to_sid: IN */
};
typedef struct xen_flask_sid_context xen_flask_sid_context_t;

/* ACCESS: what may a subject do to an object? Permissions are bits whose meaning is the class's. */
struct xen_flask_access {
    uint32_t ssid;        /* IN: subject */
    uint32_t tsid;        /* IN: object */
    uint32_t tclass;      /* IN: class of the object */
    uint32_t req;         /* IN: permissions asked for */
    uint32_t allowed;     /* OUT: those of them, and others, that are granted */
    uint32_t audit_allow; /* OUT: granted, and to be logged */
    uint32_t audit_deny;  /* OUT: denied, and to be logged */
    uint32_t seqno;       /* OUT: which load of the policy this is from */
};
typedef struct xen_flask_access xen_flask_access_t;

/* CREATE, MEMBER, RELABEL: the SID that a new object of that class gets. */
struct xen_flask_transition {
    uint32_t ssid;   /* IN: who makes it */
    uint32_t tsid;   /* IN: from what */
    uint32_t tclass; /* IN */
    uint32_t newsid; /* OUT */
};
typedef struct xen_flask_transition xen_flask_transition_t;

/*
 * GETBOOL, SETBOOL: switches inside the policy. A change is pending until it is committed, by
 * COMMITBOOLS or with 'commit'.
 */
struct xen_flask_boolean {
    uint32_t bool_id;            /* IN, or all ones: by name; OUT */
    uint8_t enforcing;           /* OUT: value in force */
    uint8_t pending;             /* OUT: value after the next commit */
    uint8_t new_value;           /* IN for set */
    uint8_t commit;              /* IN for set: at once */
    uint32_t size;               /* IN: of the name, or room for it; OUT: length */
    XEN_GUEST_HANDLE(char) name; /* IN to find, OUT for get by number */
};
typedef struct xen_flask_boolean xen_flask_boolean_t;

/* SETAVC_THRESHOLD: entries that the cache of decisions should have at most. */
struct xen_flask_setavc_threshold {
    uint32_t threshold; /* IN */
};
typedef struct xen_flask_setavc_threshold xen_flask_setavc_threshold_t;

/* AVC_HASHSTATS: all OUT. */
struct xen_flask_hash_stats {
    uint32_t entries;
    uint32_t buckets_used;
    uint32_t buckets_total;
    uint32_t max_chain_len;
};
typedef struct xen_flask_hash_stats xen_flask_hash_stats_t;

/* AVC_CACHESTATS: counters of one CPU; OUT but for the first. */
struct xen_flask_cache_stats {
    uint32_t cpu; /* IN */
    uint32_t lookups;
    uint32_t hits;
    uint32_t misses;
    uint32_t allocations;
    uint32_t reclaims;
    uint32_t frees;
};
typedef struct xen_flask_cache_stats xen_flask_cache_stats_t;

/* ADD_OCONTEXT, DEL_OCONTEXT: label a range of the machine's resources. */
struct xen_flask_ocontext {
    uint32_t ocon;      /* IN: which resource: 1 pirqs, 2 I/O ports, 3 frames, 4 PCI devices */
    uint32_t sid;       /* IN for add */
    uint64_t low, high; /* IN: both included */
};
typedef struct xen_flask_ocontext xen_flask_ocontext_t;

/* GET_PEER_SID: the label of the domain at the other end of a port of the caller. */
struct xen_flask_peersid {
    evtchn_port_t evtchn; /* IN */
    uint32_t sid;         /* OUT */
};
typedef struct xen_flask_peersid xen_flask_peersid_t;

/* RELABEL_DOMAIN */
struct xen_flask_relabel {
    uint32_t domid; /* IN */
    uint32_t sid;   /* IN */
};
typedef struct xen_flask_relabel xen_flask_relabel_t;

/* DEVICETREE_LABEL: not on x86. */
struct xen_flask_devicetree_label {
    uint32_t sid;                /* IN */
    uint32_t length;             /* IN: of path */
    XEN_GUEST_HANDLE(char) path; /* IN */
};
typedef struct xen_flask_devicetree_label xen_flask_devicetree_label_t;

struct xen_flask_op {
    uint32_t cmd;                 /* IN */
#define FLASK_LOAD 1              /* load */
#define FLASK_GETENFORCE 2        /* no argument; returns 0 or 1 */
#define FLASK_SETENFORCE 3        /* enforce */
#define FLASK_CONTEXT_TO_SID 4    /* sid_context */
#define FLASK_SID_TO_CONTEXT 5    /* sid_context */
#define FLASK_ACCESS 6            /* access */
#define FLASK_CREATE 7            /* transition */
#define FLASK_RELABEL 8           /* transition */
#define FLASK_USER 9              /* none in this version */
#define FLASK_POLICYVERS 10       /* no argument; returns the format's version */
#define FLASK_GETBOOL 11          /* boolean */
#define FLASK_SETBOOL 12          /* boolean */
#define FLASK_COMMITBOOLS 13      /* no argument */
#define FLASK_MLS 14              /* no argument; returns whether the policy has levels */
#define FLASK_DISABLE 15          /* no argument; until the next boot */
#define FLASK_GETAVC_THRESHOLD 16 /* no argument; returns it */
#define FLASK_SETAVC_THRESHOLD 17 /* setavc_threshold */
#define FLASK_AVC_HASHSTATS 18    /* hash_stats */
#define FLASK_AVC_CACHESTATS 19   /* cache_stats */
#define FLASK_MEMBER 20           /* transition */
#define FLASK_ADD_OCONTEXT 21     /* ocontext */
#define FLASK_DEL_OCONTEXT 22     /* ocontext */
#define FLASK_GET_PEER_SID 23     /* peersid; any domain may ask */
#define FLASK_RELABEL_DOMAIN 24   /* relabel */
#define FLASK_DEVICETREE_LABEL 25 /* devicetree_label */
    uint32_t interface_version;   /* IN: XEN_FLASK_INTERFACE_VERSION */
    union {
        xen_flask_load_t load;
        xen_flask_setenforce_t enforce;
        xen_flask_sid_context_t sid_context;
        xen_flask_access_t access;
        xen_flask_transition_t transition;
        xen_flask_boolean_t boolean;
        xen_flask_setavc_threshold_t setavc_threshold;
        xen_flask_hash_stats_t hash_stats;
        xen_flask_cache_stats_t cache_stats;
        xen_flask_ocontext_t ocontext;
        xen_flask_peersid_t peersid;
        xen_flask_relabel_t relabel;
        xen_flask_devicetree_label_t devicetree_label;
    } u;
};
typedef struct xen_flask_op xen_flask_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_flask_op_t);

#endif /* __FLASK_OP_H__ */
