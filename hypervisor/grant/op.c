/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op: dispatch, and what a table's owner or the tools may ask of it. Arrays
 * go on by restarting with the rest, so a preempted operation has done whole elements only.
 */
#include "table.h"

#include <hv/hypercall.h>

/* Above it the array's size would not fit what a guest can hold anyway. */
#define COUNT_MAX (1u << 28)

/* Elements one by one: copied in, acted on, copied out. */
static long one_by_one(uint64_t arg, uint32_t count, size_t size, void (*act)(void *),
                       uint32_t *done) {
    union {
        struct gnttab_map_grant_ref map;
        struct gnttab_copy copy;
        struct gnttab_swap_grant_ref swap;
    } op;

    for (; *done < count; ++*done, arg += size) {
        if (*done && preempt_check()) return -ERESTART;
        if (copy_from_guest(&op, arg, size)) return -EFAULT;
        act(&op);
        if (copy_to_guest(arg, &op, size)) return -EFAULT;
    }
    return 0;
}

/* act NULL: the two sorts of unmapping, which flush once for many elements. */
static long batch(uint32_t cmd, uint64_t arg, uint32_t count, size_t size, void (*act)(void *)) {
    uint32_t done = 0;
    long rc;

    if (!guest_range_ok(arg, (size_t)count * size)) return -EFAULT;
    rc = act ? one_by_one(arg, count, size, act, &done)
             : unmap_batch(arg, count, cmd == GNTTABOP_unmap_and_replace, &done);
    if (rc == -ERESTART)
        return hypercall_continue(3, (uint64_t)cmd, arg + done * size, (uint64_t)(count - done));
    return rc;
}

static int16_t list_frames(uint64_t to, void *const *frames, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        uint64_t mfn = mfn_x(virt_to_mfn(frames[i]));

        if (copy_to_guest_idx(to, i, &mfn)) return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

static int16_t setup_table(struct domain *d, const struct gnttab_setup_table *op) {
    struct grant_table *t = grants_of(d);
    bool bad;

    spin_lock(&t->lock);
    bad = op->nr_frames > t->max_frames ||
          (op->nr_frames > t->nr_frames && table_grow(d, op->nr_frames));
    spin_unlock(&t->lock);
    if (bad) return GNTST_general_error;
    /* A table never shrinks while its owner lives, so the frames stay. */
    return list_frames(handle_addr(op->frame_list), t->shared, op->nr_frames);
}

static int16_t query_size(struct domain *d, struct gnttab_query_size *op) {
    struct grant_table *t = grants_of(d);

    op->nr_frames = READ_ONCE(t->nr_frames);
    op->max_nr_frames = t->max_frames;
    return GNTST_okay;
}

static int16_t status_frames(struct domain *d, const struct gnttab_get_status_frames *op) {
    struct grant_table *t = grants_of(d);
    uint32_t have;

    spin_lock(&t->lock);
    have = t->version == 2 ? t->nr_status : 0;
    spin_unlock(&t->lock);
    if (op->nr_frames > have) return GNTST_general_error;
    return list_frames(handle_addr(op->frame_list), t->status, op->nr_frames);
}

static int16_t dump_table(struct domain *d, const struct gnttab_dump_table *op) {
    (void)op;
    grant_dump(d);
    return GNTST_okay;
}

static long get_version(struct gnttab_get_version *op) {
    struct domain *d;
    long rc = domain_get_checked(op->dom, POL_GRANT_FOREIGN, &d);

    if (rc) return rc;
    op->version = grants_of(d)->version;
    domain_put(d);
    return 0;
}

static long set_version(uint64_t arg) {
    struct gnttab_set_version op;
    int rc;

    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (op.version != 1 && op.version != 2) return -EINVAL;
    rc = table_set_version(current->domain, op.version);
    op.version = grants_of(current->domain)->version;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : rc;
}

/* An operation that names a domain: its structure in, act on that domain's table, the answer out.
 */
#define ON_TABLE(type, act, args_ok)                                                               \
    {                                                                                              \
        struct gnttab_##type op;                                                                   \
        struct domain *d;                                                                          \
        long rc;                                                                                   \
        if (copy_from_guest(&op, arg, sizeof(op)) || !(args_ok)) return -EFAULT;                   \
        rc = domain_get_checked(op.dom, POL_GRANT_FOREIGN, &d);                                    \
        op.status = rc == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;                     \
        if (!rc) {                                                                                 \
            op.status = act(d, &op);                                                               \
            domain_put(d);                                                                         \
        }                                                                                          \
        return copy_to_guest(arg, &op, sizeof(op));                                                \
    }

static long table_op(uint32_t cmd, uint64_t arg) {
    switch (cmd) {
    case GNTTABOP_setup_table:
        ON_TABLE(setup_table, setup_table,
                 guest_range_ok(handle_addr(op.frame_list), op.nr_frames * sizeof(xen_pfn_t)))
    case GNTTABOP_query_size: ON_TABLE(query_size, query_size, true)
    case GNTTABOP_get_status_frames: ON_TABLE(get_status_frames, status_frames, true)
    case GNTTABOP_dump_table: ON_TABLE(dump_table, dump_table, true)
    case GNTTABOP_set_version: return set_version(arg);
    default: WITH_ARG_OUT(gnttab_get_version, get_version(&a))
    }
}

long do_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count) {
    if (count > COUNT_MAX) return -EINVAL;
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_map_grant_ref), map_op);
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_unmap_and_replace:
        return batch(cmd, arg, count, sizeof(struct gnttab_unmap_grant_ref), NULL);
    case GNTTABOP_copy: return batch(cmd, arg, count, sizeof(struct gnttab_copy), copy_op);
    case GNTTABOP_swap_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_swap_grant_ref), swap_op);
    case GNTTABOP_setup_table:
    case GNTTABOP_query_size:
    case GNTTABOP_get_status_frames:
    case GNTTABOP_dump_table:
    case GNTTABOP_set_version:
    case GNTTABOP_get_version: return count == 1 ? table_op(cmd, arg) : -EINVAL;
    case GNTTABOP_transfer:    /* left to die out: nobody calls it */
    case GNTTABOP_cache_flush: /* x86 caches are coherent: 4.17 has none here */
    default: return -ENOSYS;
    }
}
