/* SPDX-License-Identifier: MIT */
/*
 * Domain configurations as libxl's JSON (libxl_domain_config): what stock xl and libvirt read
 * and write in /var/lib/xen/userdata-d.*, and what `xl list -l` prints.
 */
#pragma once

#include <json-c/json.h>
#include <stdio.h>

#include "domcfg.h"

/* A new object; values at their libxl default are left out, as libxl does.  full adds what libxl
 * itself fills in when it creates a domain: the stored form, not that of `xl create -n`. */
struct json_object *domjson_from_config(const struct domain_config *dc, bool full);

/* Fills dc from libxl JSON; what Hospes does not know is passed over.  0 or -EINVAL with a
 * static text in *why. */
int domjson_to_config(struct json_object *json, struct domain_config *dc, const char **why);

/* Prints with libxl's layout: four blanks a level, an empty object over three lines. */
void domjson_print(FILE *out, struct json_object *json);

/* Member by a path of names; NULL when one is missing. */
struct json_object *domjson_get(struct json_object *json, const char *name, const char *sub);
/* Sets json.name.sub, keeping its place if it is there. */
void domjson_set(struct json_object *json, const char *name, const char *sub,
                 struct json_object *value);
