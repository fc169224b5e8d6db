/* SPDX-License-Identifier: MIT */
/*
 * Shared file systems: the messages of 9P2000.L over rings of bytes (XEN_FLEX_RING in ring.h).
 *
 * Back end's nodes: versions (a list of those it speaks, such as "1"), max-rings,
 * max-ring-page-order; and for itself path and security_model (none), what it serves and how.
 * Front end's nodes: version, num-rings, and for each ring N ring-refN, the grant of an
 * xen_9pfs_data_intf, and event-channel-N; tag, the name by which the guest mounts it, is written
 * by the tools.
 *
 *  1. The back end writes its nodes and goes to InitWait.
 *  2. The front end chooses a version and a number of rings, prepares the rings (see ring.h),
 *     writes its nodes and goes to Initialised.
 *  3. The back end maps the rings, binds the ports and goes to Connected; so does the front end.
 *  4. The front end writes a whole 9P request into "out" of any ring, then moves out_prod on and
 *     notifies. The back end answers in "in" of the same ring, in any order; the tag of the request
 *     tells which one it answers.
 *
 * A message begins with its length (4 bytes, little endian, itself included), its kind (1 byte) and
 * its tag (2 bytes). The back end checks the length against what the ring holds, and against its
 * own limit, before it believes it.
 */
#ifndef __XEN_PUBLIC_IO_9PFS_H__
#define __XEN_PUBLIC_IO_9PFS_H__

#include "../grant_table.h"
#include "ring.h"

DEFINE_XEN_FLEX_RING_AND_INTF(xen_9pfs);

#endif /* __XEN_PUBLIC_IO_9PFS_H__ */
