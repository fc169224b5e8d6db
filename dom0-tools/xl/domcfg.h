/* SPDX-License-Identifier: MIT */
/*
 * What a domain shall be: the meaning of an xl.cfg, and what the stored configuration (libxl's
 * JSON, domjson.c) says.  Strings are owned by the structure; NULL is "not given".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cfg.h"

#define SCRIPT_DIR "/etc/xen/scripts"

enum disk_format { DISK_RAW, DISK_QCOW, DISK_QCOW2, DISK_VHD, DISK_QED, DISK_EMPTY };
enum disk_backend { BACKEND_UNKNOWN, BACKEND_PHY, BACKEND_TAP, BACKEND_QDISK };
enum tristate { UNSET = -1, OFF, ON };

struct disk_cfg {
    char *target; /* file or device, or what a script understands */
    char *vdev;   /* "xvda" */
    char *script; /* as given: a name below SCRIPT_DIR, or absolute */
    enum disk_format format;
    enum disk_backend backend;
    bool readwrite, force_shared, removable, cdrom, direct_io_safe;
    enum tristate discard;
};

#define MAX_DEVID 65535

enum nic_type { NIC_UNSET, NIC_VIF, NIC_IOEMU };

struct nic_cfg {
    uint8_t mac[6];
    bool mac_set;
    char *bridge, *ip, *ifname, *script, *model, *gatewaydev;
    enum nic_type type;
    int devid, mtu;      /* up to MAX_DEVID; -1 and 0: not given */
    uint64_t rate_bytes; /* per interval; 0: no limit */
    uint32_t rate_usecs;
};

/* Numbered as libxl_action_on_shutdown. */
enum action {
    ACTION_DESTROY = 1,
    ACTION_RESTART,
    ACTION_RENAME_RESTART,
    ACTION_PRESERVE,
    ACTION_COREDUMP_DESTROY,
    ACTION_COREDUMP_RESTART,
    ACTION_SOFT_RESET,
};

#define MAX_VCPUS 512

struct cpu_set {
    uint8_t map[MAX_VCPUS / 8];
};

struct domain_config {
    char *name;
    uint8_t uuid[16];
    bool uuid_set;
    unsigned vcpus, max_vcpus;
    uint64_t memkb, max_memkb;
    char *kernel, *ramdisk, *cmdline, *pool;
    int weight, cap; /* -1: the scheduler's default */
    /* Hard and soft affinity: none, one set for all vcpus, or one a vcpu. */
    struct cpu_set *hard, *soft;
    unsigned num_hard, num_soft;
    int max_event_channels, max_grant_frames, max_maptrack_frames; /* -1: default */
    int rtc_timeoffset;
    bool localtime;
    unsigned tsc_mode;
    enum action on_poweroff, on_reboot, on_watchdog, on_crash, on_soft_reset;
    struct disk_cfg *disks;
    size_t num_disks;
    struct nic_cfg *nics;
    size_t num_nics;
};

void domcfg_init(struct domain_config *dc);
void domcfg_free(struct domain_config *dc);

/* Checks everything and reports every mistake; 0 or -EINVAL.  Random parts (uuid, MACs) are left
 * out: domcfg_complete() fills them. */
int domcfg_from_cfg(struct cfg *cfg, struct domain_config *dc);
void domcfg_complete(struct domain_config *dc);
void domcfg_complete_uuid(struct domain_config *dc);

/* 1 to 200 characters, no '/' (the name is part of file names), no control characters. */
bool domain_name_ok(const char *name);

/* NAME as xl.cfg writes an action ("rename-restart"); 0 when unknown. */
enum action action_parse(const char *name);
const char *action_name(enum action a);

/* ---- one disk or vif specification; on failure *why says what is wrong (static or malloced in
 *      *why, to be freed) and the structure is left empty ---- */
int disk_parse(const char *spec, struct disk_cfg *disk, char **why);
void disk_free(struct disk_cfg *disk);
/* warn (may be NULL) receives a malloced warning. */
int nic_parse(const char *spec, struct nic_cfg *nic, char **why, char **warn);
void nic_free(struct nic_cfg *nic);
bool mac_parse(const char *text, uint8_t mac[6]);
bool rate_parse(const char *text, uint64_t *bytes, uint32_t *usecs);

/* The number of a virtual disk name in xenstore ("xvda" is 51712), or -1. */
int vdev_number(const char *vdev);

const char *disk_format_name(enum disk_format f);
int disk_format_parse(const char *name); /* -1: unknown */
