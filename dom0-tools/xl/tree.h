/* SPDX-License-Identifier: MIT */
/* A guest's own directories in xenstore, laid out as libxl does. */
#pragma once

#include "builder.h"
#include "domcfg.h"
#include "xl.h"

/* /local/domain/N, /vm/UUID, /libxl/N, and the name, which must be free (-EEXIST). */
int tree_make(struct xl *xl, domid_t domid, const struct domain_config *dc, struct err *err);

/* What is known after building: memory, vcpus, store ring, image; then tells xenstored. */
int tree_publish(struct xl *xl, domid_t domid, const struct domain_config *dc,
                 const struct builder_result *built, struct err *err);

/* Removes all of it. */
void tree_remove(struct xl *xl, domid_t domid, const uint8_t uuid[16]);
