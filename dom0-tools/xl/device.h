/* SPDX-License-Identifier: MIT */
/*
 * Paravirtual devices of a guest as xenstore shows them.  A device is three directories:
 *   frontend  /local/domain/N/device/KIND/ID    the guest's, which it may write
 *   backend   /local/domain/0/backend/KIND/N/ID dom0's, which the guest may read
 *   libxl     /libxl/N/device/KIND/ID           the tools' own copy, which no guest sees
 * They are made in one transaction, so a device is there whole or not at all.
 */
#pragma once

#include "domcfg.h"
#include "xl.h"

struct node {
    const char *key;
    char *value; /* owned by the list; NULL: the node is left out */
};

#define MAX_NODES 24

struct node_list {
    struct node nodes[MAX_NODES];
    unsigned num;
};

void nodes_add(struct node_list *l, const char *key, char *value);
void nodes_free(struct node_list *l);

struct device {
    const char *kind; /* "vbd", "vif" */
    domid_t domid;
    int id;
    char *frontend, *backend, *libxl;
};

void device_init(struct device *dev, const char *kind, domid_t domid, int id);
void device_free(struct device *dev);

/* Makes the three directories; back goes into backend and libxl, front into frontend. */
int device_write(struct xl *xl, const struct device *dev, const struct node_list *back,
                 const struct node_list *front, struct err *err);

/* Waits until the backend driver in dom0 has taken the device up (InitWait). */
int device_wait_backend(struct xl *xl, const struct device *dev, struct err *err);

/* ---- one kind each ---- */
int console_add(struct xl *xl, domid_t domid, uint32_t port, uint64_t mfn, struct err *err);

int disk_write(struct xl *xl, domid_t domid, const struct disk_cfg *disk, struct device *dev,
               struct err *err);
/* Checks sharing, makes the loop device or runs the script, names the device to the backend. */
int disk_attach(struct xl *xl, const struct device *dev, const struct disk_cfg *disk,
                struct err *err);
/* Undoes disk_attach from what xenstore says; never fails. */
void disk_detach(struct xl *xl, const struct device *dev, bool scripted);

int nic_write(struct xl *xl, domid_t domid, const struct nic_cfg *nic, struct device *dev,
              struct err *err);
int nic_attach(struct xl *xl, const struct device *dev, const struct nic_cfg *nic, struct err *err);
void nic_detach(struct xl *xl, const struct device *dev, bool scripted);

/*
 * Takes all devices of a domain down, whoever made them and however far: connected ones are
 * closed first, scripts run, loop devices are freed and the nodes removed.
 */
void devices_remove_all(struct xl *xl, domid_t domid, const uint8_t uuid[16]);

/* ---- hotplug.c ---- */
/* "block-x" is below SCRIPT_DIR, an absolute path is itself; malloced. */
char *script_path(const char *script, const char *otherwise);
/* Runs dev's script with the documented environment; -Exxx with the script's own words in err. */
int hotplug_run(struct xl *xl, const struct device *dev, const char *script,
                const char *const args[], const char *const env[], struct err *err);
