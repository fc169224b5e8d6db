/* SPDX-License-Identifier: MIT */
/*
 * Domains as xenstored knows them.
 *
 * A record exists for dom0 always, and for any other domain from the moment it is introduced or
 * named in a permission list until it is found dead.  Invariant: the owner of every node in the
 * store has a record, so each node is counted to somebody; when a record goes, the domain's
 * nodes go first (or move to dom0 with --keep-orphans).
 *
 * life: known -> introduced (ring mapped, connection) -> dead.  A domain that shuts down stays
 * connected: tools still talk about it, and it may be resumed; @releaseDomain is fired then, and
 * again when it dies.
 */
#pragma once

#include "quota.h"
#include "util.h"

#include <stdbool.h>
#include <stdint.h>

/* Domain numbers from here on are not domains (DOMID_FIRST_RESERVED). */
#define DOMID_LIMIT 0x7ff0u

struct conn;
struct xenstore_domain_interface;

struct domain {
    struct hlink by_id;
    struct hlink by_port;
    struct list all;
    uint32_t domid;
    uint64_t gen; /* permission lists made before this do not mean this domain */
    bool introduced;
    bool shutdown; /* seen, so that it is announced once */
    uint32_t port; /* ours; 0: none */
    struct xenstore_domain_interface *page;
    struct conn *conn;
    char home[24]; /* "/local/domain/<id>" */

    /* Use that quotas limit. */
    unsigned int nodes, watches, outstanding;
    int64_t memory;
    uint64_t hits[QUOTA_COUNT];
    uint64_t hit_logged[QUOTA_COUNT];

    /* Write rate: thousandths of a write that may be done now, see rate.h. */
    int64_t credit;
    uint64_t credit_ms;
};

extern struct list domains;
extern bool keep_orphans;

/* The record, or NULL. */
struct domain *domain_find(uint32_t domid);
/* The record, made if the domain exists; NULL if it does not. */
struct domain *domain_known(uint32_t domid);
struct domain *domain_by_port(uint32_t port);

/* Maps the ring, binds the event channel, makes the connection; only the port, if there is one. */
int domain_introduce(uint32_t domid, uint64_t gfn, uint32_t remote_port);
/* Drops connection, nodes and record, and fires @releaseDomain. */
void domain_release(struct domain *d);
/* Looks at every domain after VIRQ_DOM_EXC. */
void domains_check(void);
/* Makes the record of dom0; domain_introduce_dom0 then connects its kernel's ring. */
void domains_init(void);
/* Frees all records; no connection may be left. */
void domains_fini(void);
int domain_introduce_dom0(uint32_t port);

/*
 * Counts bytes for the domain.  The checked form fails with -ENOMEM if the domain would pass its
 * quota.  A domain without a record is not counted.
 */
void domain_memory(uint32_t domid, int64_t delta);
int domain_memory_check(struct domain *d, int64_t delta);
