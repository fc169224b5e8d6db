/* SPDX-License-Identifier: MIT */
/*
 * The table itself: creation, growth, version, its end; and HYPERVISOR_grant_table_op: dispatch,
 * and what a table's owner or the tools may ask of it. Arrays go on by restarting with the rest, so
 * a preempted operation has done whole elements only.
 */
#include "table.h"

#include <hv/hypercall.h>

static int grow_active(struct grant_table *t, uint32_t frames) {
    uint32_t want = (uint32_t)DIV_ROUND_UP(frames * V1_PER_PAGE, ACTIVE_PER_PAGE);

    for (; t->nr_active < want; t->nr_active++)
        if (!(t->active[t->nr_active] = alloc_page_hv())) return -ENOMEM;
    return 0;
}

/* All that are wanted, or none. */
static int grow_shared(struct domain *d, void **frames, uint32_t *nr, uint32_t want) {
    uint32_t n = *nr;

    while (n < want && (frames[n] = alloc_page_hv())) n++;
    if (n < want) {
        while (n > *nr) free_page_hv(frames[--n]);
        return -ENOMEM;
    }
    for (; *nr < want; ++*nr) share_hv_frame(mfn_to_frame(virt_to_mfn(frames[*nr])), d, true);
    return 0;
}

static uint32_t status_pages(uint32_t frames) {
    return (uint32_t)DIV_ROUND_UP(frames * V2_PER_PAGE, STATUS_PER_PAGE);
}

/* A growth that fails leaves the table's size; active and status pages stay for the next one. */
static int table_grow(struct domain *d, uint32_t frames) {
    struct grant_table *t = grants_of(d);
    int rc;

    if (frames > t->max_frames || d->state >= DOM_DYING)
        return -EINVAL; /* what is shared with a dying domain is taken back once */
    rc = grow_active(t, frames);
    if (!rc && t->version == 2) rc = grow_shared(d, t->status, &t->nr_status, status_pages(frames));
    return rc ? rc : grow_shared(d, t->shared, &t->nr_frames, frames);
}

int grant_init_domain(struct domain *d, int max_frames, int max_maptrack, int max_version) {
    struct grant_table *t;

    if (max_version < 1 || max_version > 2) return -EINVAL;
    t = hv_new(struct grant_table);
    if (!t) return -ENOMEM;
    d->grants = t;
    spin_lock_init(&t->lock, ORDER_GRANT);
    spin_lock_init(&t->maptrack_lock, ORDER_MAPTRACK);
    t->version = 1;
    t->max_version = (uint32_t)max_version;
    t->max_frames = max_frames < 0 ? GRANT_FRAMES_DEFAULT : (uint32_t)max_frames;
    t->max_maptrack = max_maptrack < 0 ? MAPTRACK_FRAMES_DEFAULT : (uint32_t)max_maptrack;
    t->free_handle = NO_HANDLE;
    if (t->max_frames < 1 || t->max_frames > GRANT_FRAMES_LIMIT ||
        t->max_maptrack > MAPTRACK_FRAMES_LIMIT)
        return -EINVAL;
    t->shared = hv_new_array(void *, t->max_frames);
    t->status = hv_new_array(void *, t->max_frames);
    t->active =
        hv_new_array(struct active *, DIV_ROUND_UP(t->max_frames * V1_PER_PAGE, ACTIVE_PER_PAGE));
    t->maptrack = hv_new_array(struct mapping *, max(t->max_maptrack, 1u));
    return t->shared && t->status && t->active && t->maptrack ? table_grow(d, 1) : -ENOMEM;
}

/* The domain is dying and has no page table left: its view of the table goes. */
void grant_drop_frames(struct domain *d) {
    struct grant_table *t = grants_of(d);
    uint32_t frames, status;

    if (!t) return;
    spin_lock(&t->lock);
    frames = t->nr_frames;
    status = t->nr_status;
    t->nr_frames = t->nr_status = 0;
    spin_unlock(&t->lock);
    while (frames--) unshare_hv_frame(mfn_to_frame(virt_to_mfn(t->shared[frames])));
    while (status--) unshare_hv_frame(mfn_to_frame(virt_to_mfn(t->status[status])));
}

void grant_destroy_domain(struct domain *d) {
    struct grant_table *t = grants_of(d);

    if (!t) return;
    grant_drop_frames(d);
    for (uint32_t i = 0; i < t->nr_active; i++) free_page_hv(t->active[i]);
    for (uint32_t i = 0; i < t->nr_maptrack; i++) free_page_hv(t->maptrack[i]);
    hv_free(t->shared);
    hv_free(t->status);
    hv_free(t->active);
    hv_free(t->maptrack);
    hv_free(t);
    d->grants = NULL;
}

/* The tools' entries as version 1 has them, with the marks of those in use, which may stay in use.
 * The guest may be writing them. Part of a page is lost; what else version 1 cannot say, refused.
 */
static int keep_reserved(const struct grant_table *t, grant_entry_v1_t *kept) {
    for (uint32_t i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        const grant_entry_v1_t *v1 = entry_v1(t, i);
        const grant_entry_v2_t *v2 = entry_v2(t, i);
        uint16_t flags = READ_ONCE(*(t->version == 1 ? &v1->flags : &v2->hdr.flags));
        domid_t domid = READ_ONCE(*(t->version == 1 ? &v1->domid : &v2->hdr.domid));
        uint64_t frame = t->version == 1 ? READ_ONCE(v1->frame) : READ_ONCE(v2->full_page.frame);
        uint16_t type = flags & GTF_type_mask;

        if (t->version == 2) {
            if (type == GTF_transitive || (type == GTF_permit_access && frame > UINT32_MAX))
                return -ERANGE;
            if (type != GTF_permit_access || (flags & GTF_sub_page)) flags = domid = frame = 0;
            flags |= READ_ONCE(*status_of(t, i)) & MARKS;
        }
        kept[i] = (grant_entry_v1_t){flags, domid, (uint32_t)frame};
    }
    return 0;
}

static void write_reserved(const struct grant_table *t, const grant_entry_v1_t *kept) {
    for (uint32_t i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        if (t->version == 1) {
            *entry_v1(t, i) = kept[i];
            continue;
        }
        *status_of(t, i) = kept[i].flags & MARKS;
        entry_v2(t, i)->full_page.frame = kept[i].frame;
        entry_v2(t, i)->hdr.domid = kept[i].domid;
        barrier();
        entry_v2(t, i)->hdr.flags = kept[i].flags & ~MARKS;
    }
}

/* No entry but the tools' is in use, and nobody maps the frames that only version 2 has. */
static bool may_change_version(const struct grant_table *t) {
    for (uint32_t i = GNTTAB_NR_RESERVED_ENTRIES; i < table_entries(t); i++)
        if (is_pinned(active_of(t, i))) return false;
    for (uint32_t i = 0; t->version == 2 && i < t->nr_status; i++)
        if ((READ_ONCE(mfn_to_frame(virt_to_mfn(t->status[i]))->count) & FC_COUNT_MASK) > 1)
            return false;
    return true;
}

static int change_version(struct domain *d, struct grant_table *t, uint32_t version) {
    grant_entry_v1_t kept[GNTTAB_NR_RESERVED_ENTRIES];
    int rc = may_change_version(t) ? keep_reserved(t, kept) : -EBUSY;

    if (!rc && version == 2)
        rc = grow_shared(d, t->status, &t->nr_status, status_pages(t->nr_frames));
    if (rc) return rc;
    for (uint32_t i = 0; i < t->nr_frames; i++) memset(t->shared[i], 0, PAGE_SIZE);
    for (uint32_t i = 0; i < t->nr_status; i++) memset(t->status[i], 0, PAGE_SIZE);
    t->version = version;
    write_reserved(t, kept);
    return 0;
}

static long set_version(uint64_t arg) {
    struct domain *d = current->domain;
    struct grant_table *t = grants_of(d);
    struct gnttab_set_version op;
    int rc = 0;

    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    spin_lock(&t->lock);
    if (op.version != 1 && op.version != 2)
        rc = -EINVAL;
    else if (op.version > t->max_version)
        rc = -ENOSYS;
    else if (op.version != t->version)
        rc = change_version(d, t, op.version);
    op.version = t->version;
    spin_unlock(&t->lock);
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : rc;
}

void grant_dump(struct domain *d) {
    struct grant_table *t = grants_of(d);

    SPIN_SCOPE(&t->lock);
    printk("d%u: grant table v%u, %u frames of %u\n", d->id, t->version, t->nr_frames,
           t->max_frames);
    for (uint32_t i = 0; t->nr_frames && i < table_entries(t); i++) {
        const struct active *a = active_of(t, i);

        if (is_pinned(a))
            printk("  [%u] d%u mfn %lx r%u w%u\n", i, a->domid, a->mfn, a->readers, a->writers);
    }
}

/* Frames for the tools (XENMEM_acquire_resource): ids 0 and 1 are the table and its status. */
int grant_acquire_resource(struct domain *d, uint32_t id, uint64_t frame, uint32_t nr,
                           uint64_t *mfns) {
    struct grant_table *t = grants_of(d);
    void **frames = t->shared;
    int rc = 0;

    if (nr == 0 || frame > GRANT_FRAMES_LIMIT || frame + nr > GRANT_FRAMES_LIMIT) return -EINVAL;
    SPIN_SCOPE(&t->lock);
    if (id == XENMEM_resource_grant_table_id_shared) {
        if (frame + nr > t->nr_frames) rc = table_grow(d, (uint32_t)(frame + nr));
    } else {
        frames = t->status;
        if (id != XENMEM_resource_grant_table_id_status || t->version != 2 ||
            frame + nr > t->nr_status)
            rc = -EINVAL;
    }
    for (uint32_t i = 0; !rc && i < nr; i++) mfns[i] = mfn_x(virt_to_mfn(frames[frame + i]));
    return rc;
}

int grant_resource_max_frames(struct domain *d, uint32_t id) {
    struct grant_table *t = grants_of(d);

    switch (id) {
    case XENMEM_resource_grant_table_id_shared: return (int)t->max_frames;
    case XENMEM_resource_grant_table_id_status:
        return t->version == 2 ? (int)status_pages(t->max_frames) : 0;
    default: return -EINVAL;
    }
}

/* Elements one by one: copied in, acted on, copied out. Inlined, with sizes that are constants. */
static ALWAYS_INLINE long one_by_one(uint64_t arg, uint32_t count, size_t size, void (*act)(void *),
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
static ALWAYS_INLINE long batch(uint32_t cmd, uint64_t arg, uint32_t count, size_t size,
                                void (*act)(void *)) {
    uint32_t done = 0;
    long rc;

    if (!guest_range_ok(arg, (size_t)count * size)) return -EFAULT;
    rc = act ? one_by_one(arg, count, size, act, &done)
             : unmap_batch(arg, count, cmd == GNTTABOP_unmap_and_replace, &done);
    if (current->mm.l1) mm_release_l1(current);
    if (rc == -ERESTART)
        return hypercall_continue(3, (uint64_t)cmd, arg + done * size, (uint64_t)(count - done));
    return rc;
}

/* Caches are coherent, so nobody needs it for granted frames: only the guest's own are served. */
static long cache_flush_one(const struct gnttab_cache_flush *op) {
    struct frame *f;
    const char *page;
    bool clean = op->op & GNTTAB_CACHE_CLEAN;

    if (op->offset >= PAGE_SIZE || op->length > PAGE_SIZE - op->offset ||
        op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL))
        return -EINVAL;
    if (!op->length || !op->op) return 0;
    if (granted_frame_get(current->domain, op->a.dev_bus_addr >> PAGE_SHIFT, true, &f))
        return -EINVAL;
    page = mfn_to_virt(frame_to_mfn(f));
    for (uint32_t at = op->offset & ~63u; clean && at < op->offset + (uint32_t)op->length; at += 64)
        __asm__ volatile("clflush %0" : : "m"(page[at]) : "memory");
    frame_refs_put(f, true);
    return clean ? 0 : -EOPNOTSUPP;
}

static long cache_flush(uint64_t arg, uint32_t count) {
    struct gnttab_cache_flush op;
    long rc = 0;

    for (uint32_t i = 0; !rc && i < count; i++) {
        uint64_t at = arg + i * sizeof(op);

        if (i && preempt_check()) /* the count fits 31 bits */
            return hypercall_continue(3, (uint64_t)GNTTABOP_cache_flush, at, (uint64_t)(count - i));
        rc = copy_from_guest(&op, at, sizeof(op)) ? -EFAULT : cache_flush_one(&op);
    }
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

static long get_version(struct gnttab_get_version *op) {
    struct domain *d DOMAIN_PUT_AT_END;
    long rc = domain_get_checked(op->dom, POL_GRANT_FOREIGN, GNTTABOP_get_version, &d);

    if (!rc) op->version = grants_of(d)->version;
    return rc;
}

/* An operation that names a domain: structure in, act on that domain's table, the answer out. */
#define ON_TABLE(type, act, args_ok)                                                               \
    {                                                                                              \
        struct gnttab_##type op;                                                                   \
        struct domain *d DOMAIN_PUT_AT_END = NULL;                                                 \
        long rc;                                                                                   \
        if (copy_from_guest(&op, arg, sizeof(op)) || !(args_ok)) return -EFAULT;                   \
        rc = domain_get_checked(op.dom, POL_GRANT_FOREIGN, cmd, &d);                               \
        op.status = rc == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;                     \
        if (!rc) op.status = act(d, &op);                                                          \
        return copy_to_guest(arg, &op, sizeof(op));                                                \
    }

static long table_op(uint32_t cmd, uint64_t arg) {
    switch (cmd) {
    case GNTTABOP_setup_table:
        ON_TABLE(setup_table, setup_table,
                 guest_range_ok(handle_addr(op.frame_list), op.nr_frames * sizeof(xen_pfn_t)))
    case GNTTABOP_query_size: ON_TABLE(query_size, query_size, true)
    case GNTTABOP_get_status_frames: ON_TABLE(get_status_frames, status_frames, true)
    case GNTTABOP_set_version: return set_version(arg);
    default: WITH_ARG_OUT(gnttab_get_version, get_version(&a))
    }
}

long do_grant_table_op(uint32_t cmd, uint64_t arg, uint32_t count) {
    if ((int32_t)count < 0 || cmd >> 12) return -EINVAL;
    switch (cmd) {
    case GNTTABOP_map_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_map_grant_ref), map_op);
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_unmap_and_replace:
        return batch(cmd, arg, count, sizeof(struct gnttab_unmap_grant_ref), NULL);
    case GNTTABOP_copy: return batch(cmd, arg, count, sizeof(struct gnttab_copy), copy_op);
    case GNTTABOP_swap_grant_ref:
        return batch(cmd, arg, count, sizeof(struct gnttab_swap_grant_ref), swap_op);
    case GNTTABOP_cache_flush: return cache_flush(arg, count);
    case GNTTABOP_setup_table:
    case GNTTABOP_query_size:
    case GNTTABOP_get_status_frames:
        if (count != 1) return -EINVAL;
        /* fall through */
    case GNTTABOP_set_version:
    case GNTTABOP_get_version: return table_op(cmd, arg);
    case GNTTABOP_dump_table: /* 4.17 has none: a guest could fill the console */
    case GNTTABOP_transfer:   /* left to die out: nobody calls it */
    default: return -ENOSYS;
    }
}
