/* SPDX-License-Identifier: MIT */
/*
 * The byte rings in a domain's xenstore page.  The other side may write the whole page at any
 * time: each index is read once, checked, and only the copy is used; the data is copied out
 * before anybody looks at it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <public/io/xs_wire.h>

/* Bytes moved (0: none there, or no room), or -EIO if the indices cannot be right. */
int ring_read(struct xenstore_domain_interface *page, void *buf, size_t len);
int ring_write(struct xenstore_domain_interface *page, const void *buf, size_t len);
void ring_reset(struct xenstore_domain_interface *page);
