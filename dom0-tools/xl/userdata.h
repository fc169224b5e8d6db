/* SPDX-License-Identifier: MIT */
/*
 * The configuration a domain was created with, kept for its lifetime in
 * /var/lib/xen/userdata-d.DOMID.UUID.libxl-json: the file stock xl and libvirt use, so that
 * either can list or rebuild the other's domains.
 */
#pragma once

#include <json-c/json.h>

#include "xl.h"

/* Writes atomically; 0 or -Exxx with err. */
int userdata_store(domid_t domid, const uint8_t uuid[16], struct json_object *json,
                   struct err *err);
/* NULL with err when there is none or it is damaged. */
struct json_object *userdata_load(domid_t domid, const uint8_t uuid[16], struct err *err);
/* Removes every userdata file of the domain, those of other programs too. */
void userdata_remove(domid_t domid, const uint8_t uuid[16]);

/* The stored configuration with today's name, memory and scheduling in it; NULL when none. */
struct json_object *userdata_current(struct xl *xl, const struct xen_domctl_getdomaininfo *info);
