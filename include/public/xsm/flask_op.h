/* SPDX-License-Identifier: MIT */
/*
 * Security labels: xsm_op(&op). Of Flask's operations only those are described that turn labels
 * into numbers and back, and that ask for the state; the tools call them even without a policy and
 * take -ENOSYS for "none".
 */
#ifndef __FLASK_OP_H__
#define __FLASK_OP_H__

#include "../event_channel.h"

#define XEN_FLASK_INTERFACE_VERSION 1

struct xen_flask_setenforce {
    uint32_t enforcing; /* IN */
};
typedef struct xen_flask_setenforce xen_flask_setenforce_t;

struct xen_flask_sid_context {
    uint32_t sid;                   /* to_context: IN, to_sid: OUT */
    uint32_t size;                  /* IN: length or room; OUT: length */
    XEN_GUEST_HANDLE(char) context; /* to_context: OUT, to_sid: IN */
};
typedef struct xen_flask_sid_context xen_flask_sid_context_t;

struct xen_flask_relabel {
    uint32_t domid; /* IN */
    uint32_t sid;   /* IN */
};
typedef struct xen_flask_relabel xen_flask_relabel_t;

struct xen_flask_op {
    uint32_t cmd; /* IN */
#define FLASK_LOAD 1
#define FLASK_GETENFORCE 2
#define FLASK_SETENFORCE 3
#define FLASK_CONTEXT_TO_SID 4
#define FLASK_SID_TO_CONTEXT 5
#define FLASK_ACCESS 6
#define FLASK_CREATE 7
#define FLASK_RELABEL 8
#define FLASK_USER 9
#define FLASK_POLICYVERS 10
#define FLASK_GETBOOL 11
#define FLASK_SETBOOL 12
#define FLASK_COMMITBOOLS 13
#define FLASK_MLS 14
#define FLASK_DISABLE 15
#define FLASK_GETAVC_THRESHOLD 16
#define FLASK_SETAVC_THRESHOLD 17
#define FLASK_AVC_HASHSTATS 18
#define FLASK_AVC_CACHESTATS 19
#define FLASK_MEMBER 20
#define FLASK_ADD_OCONTEXT 21
#define FLASK_DEL_OCONTEXT 22
#define FLASK_GET_PEER_SID 23
#define FLASK_RELABEL_DOMAIN 24
#define FLASK_DEVICETREE_LABEL 25
    uint32_t interface_version; /* IN: XEN_FLASK_INTERFACE_VERSION */
    union {
        xen_flask_setenforce_t enforce;
        xen_flask_sid_context_t sid_context;
        xen_flask_relabel_t relabel;
        uint64_t pad[4]; /* the size that the other operations need */
    } u;
};
typedef struct xen_flask_op xen_flask_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_flask_op_t);

#endif /* __FLASK_OP_H__ */
