/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op: dispatch. Batched operations go on by restarting with the rest of the
 * array, so a preempted one has done whole elements only.
 */
#include "table.h"

#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/hypercall.h>
#include <hv/pcpu.h>

/* Above it the array's size would not fit what a guest can hold anyway. */
#define COUNT_MAX (1u << 28)

static long batch(uint32_t cmd, uint64_t arg, uint32_t count, size_t size,
                  long (*fn)(uint64_t, uint32_t, uint32_t *)) {
    uint32_t done = 0;
    long rc;

    if (!guest_range_ok(arg, (size_t)count * size)) return -EFAULT;
    rc = fn(arg, count, &done);
    if (rc == -ERESTART)
        return hypercall_continue(3, (uint64_t)cmd, arg + done * size, (uint64_t)(count - done));
    return rc;
}

long do_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count) {
    if (count > COUNT_MAX) return -EINVAL;
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_map_grant_ref), map_batch);
    case GNTTABOP_unmap_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_unmap_grant_ref), unmap_batch);
    case GNTTABOP_unmap_and_replace:
        return batch(cmd, arg, count, sizeof(struct gnttab_unmap_and_replace), replace_batch);
    case GNTTABOP_copy: return batch(cmd, arg, count, sizeof(struct gnttab_copy), copy_batch);
    case GNTTABOP_swap_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_swap_grant_ref), swap_batch);
    case GNTTABOP_setup_table: return setup_table_op(arg, count);
    case GNTTABOP_query_size: return query_size_op(arg, count);
    case GNTTABOP_set_version: return count == 1 ? set_version_op(arg) : -EINVAL;
    case GNTTABOP_get_version: return count == 1 ? get_version_op(arg) : -EINVAL;
    case GNTTABOP_get_status_frames: return get_status_frames_op(arg, count);
    case GNTTABOP_dump_table: return dump_table_op(arg, count);
    case GNTTABOP_transfer:    /* left to die out: nobody calls it */
    case GNTTABOP_cache_flush: /* x86 caches are coherent: 4.17 has none here */
    default: return -ENOSYS;
    }
}
