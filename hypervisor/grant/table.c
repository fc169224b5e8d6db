/* SPDX-License-Identifier: MIT */
/* The table itself: creation, growth, version, and what its owner and the tools may ask of it. */
#include "table.h"

#include <hv/errno.h>
#include <hv/guest_access.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/string.h>
#include <public/memory.h>

int grant_init_domain(struct domain *d, int max_frames, int max_maptrack, int max_version) {
    struct grant_table *t;

    if (max_version < 1 || max_version > 2) return max_version ? -EINVAL : -EOPNOTSUPP;
    t = hv_new(struct grant_table);
    if (!t) return -ENOMEM;
    d->grant.table = t;
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
    t->status = hv_new_array(grant_status_t *, t->max_frames);
    t->active =
        hv_new_array(struct active *, DIV_ROUND_UP(t->max_frames * V1_PER_PAGE, ACTIVE_PER_PAGE));
    t->maptrack = hv_new_array(struct mapping *, t->max_maptrack + 1);
    if (!t->shared || !t->status || !t->active || !t->maptrack) return -ENOMEM;
    return table_grow(d, 1);
}

static void *share_new_frame(struct domain *d) {
    void *p = alloc_page_hv();

    if (p) share_hv_frame(mfn_to_frame(virt_to_mfn(p)), d, true);
    return p;
}

static int grow_active(struct grant_table *t, uint32_t frames) {
    uint32_t want = (uint32_t)DIV_ROUND_UP(frames * V1_PER_PAGE, ACTIVE_PER_PAGE);

    for (; t->nr_active < want; t->nr_active++)
        if (!(t->active[t->nr_active] = alloc_page_hv())) return -ENOMEM;
    return 0;
}

static int grow_status(struct domain *d, struct grant_table *t, uint32_t frames) {
    uint32_t want = (uint32_t)DIV_ROUND_UP(frames * V2_PER_PAGE, STATUS_PER_PAGE);

    for (; t->nr_status < want; t->nr_status++)
        if (!(t->status[t->nr_status] = share_new_frame(d))) return -ENOMEM;
    return 0;
}

/* What a growth that fails has allocated stays for the next one. */
int table_grow(struct domain *d, uint32_t frames) {
    struct grant_table *t = grants_of(d);
    int rc;

    if (frames > t->max_frames || d->state >= DOM_DYING)
        return -EINVAL; /* what is shared with a dying domain is taken back once */
    rc = grow_active(t, frames);
    if (!rc && t->version == 2) rc = grow_status(d, t, frames);
    for (; !rc && t->nr_frames < frames; t->nr_frames++)
        if (!(t->shared[t->nr_frames] = share_new_frame(d))) rc = -ENOMEM;
    return rc;
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
    d->grant.table = NULL;
}

/* Domain by id with a reference if the caller may act on its table; else *status says why not. */
static struct domain *table_owner(domid_t id, int16_t *status) {
    struct domain *d = domain_get_self_or(id);

    if (!d) {
        *status = GNTST_bad_domain;
        return NULL;
    }
    if (d != current->domain && policy_check(current->domain, d, POL_GRANT_FOREIGN, 0)) {
        domain_put(d);
        *status = GNTST_permission_denied;
        return NULL;
    }
    *status = GNTST_okay;
    return d;
}

static uint64_t shared_mfn(const struct grant_table *t, uint32_t i) {
    return mfn_x(virt_to_mfn(t->shared[i]));
}

static int16_t setup_table(struct domain *d, const struct gnttab_setup_table *op) {
    struct grant_table *t = grants_of(d);
    int16_t rc = GNTST_okay;

    spin_lock(&t->lock);
    if (op->nr_frames > t->max_frames ||
        (op->nr_frames > t->nr_frames && table_grow(d, op->nr_frames)))
        rc = GNTST_general_error;
    spin_unlock(&t->lock);
    /* A table never shrinks while its owner lives, so the frames stay. */
    for (uint32_t i = 0; !rc && i < op->nr_frames; i++) {
        uint64_t mfn = shared_mfn(t, i);

        if (copy_to_guest_idx(handle_addr(op->frame_list), i, &mfn)) rc = GNTST_bad_virt_addr;
    }
    return rc;
}

long setup_table_op(uint64_t arg, uint32_t count) {
    struct gnttab_setup_table op;
    struct domain *d;

    if (count != 1) return -EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (!guest_range_ok(handle_addr(op.frame_list), (size_t)op.nr_frames * sizeof(xen_pfn_t)))
        return -EFAULT;
    d = table_owner(op.dom, &op.status);
    if (d) {
        op.status = setup_table(d, &op);
        domain_put(d);
    }
    return copy_field_to_guest(arg, struct gnttab_setup_table, status, &op);
}

long query_size_op(uint64_t arg, uint32_t count) {
    struct gnttab_query_size op;
    struct domain *d;

    if (count != 1) return -EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    d = table_owner(op.dom, &op.status);
    if (d) {
        struct grant_table *t = grants_of(d);

        spin_lock(&t->lock);
        op.nr_frames = t->nr_frames;
        op.max_nr_frames = t->max_frames;
        spin_unlock(&t->lock);
        domain_put(d);
    }
    return copy_to_guest(arg, &op, sizeof(op));
}

/* The tools' entries, in the other version's form. Anything but a plain grant cannot be kept. */
static int convert_reserved(struct grant_table *t, grant_entry_v1_t *kept) {
    for (uint32_t i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        kept[i] = (grant_entry_v1_t){0};
        if (t->version == 1) {
            kept[i] = *entry_v1(t, i);
            if ((kept[i].flags & GTF_type_mask) == GTF_accept_transfer) return -EINVAL;
            continue;
        }
        grant_entry_v2_t e = *entry_v2(t, i);

        if ((e.hdr.flags & GTF_type_mask) == GTF_permit_access && !(e.hdr.flags & GTF_sub_page) &&
            e.full_page.frame <= UINT32_MAX)
            kept[i] = (grant_entry_v1_t){e.hdr.flags, e.hdr.domid, (uint32_t)e.full_page.frame};
    }
    return 0;
}

static void write_reserved(struct grant_table *t, const grant_entry_v1_t *kept) {
    for (uint32_t i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        if (t->version == 1) {
            *entry_v1(t, i) = kept[i];
        } else if ((kept[i].flags & GTF_type_mask) == GTF_permit_access) {
            entry_v2(t, i)->full_page.frame = kept[i].frame;
            entry_v2(t, i)->hdr.domid = kept[i].domid;
            barrier();
            entry_v2(t, i)->hdr.flags = kept[i].flags & ~(GTF_reading | GTF_writing);
        }
    }
}

static int free_of_pins(const struct grant_table *t) {
    for (uint32_t i = 0; i < table_entries(t); i++)
        if (is_pinned(active_of(t, i))) return -EBUSY;
    return 0;
}

static int change_version(struct domain *d, struct grant_table *t, uint32_t version) {
    grant_entry_v1_t kept[GNTTAB_NR_RESERVED_ENTRIES];
    int rc = free_of_pins(t);

    if (!rc) rc = convert_reserved(t, kept);
    if (!rc && version == 2) rc = grow_status(d, t, t->nr_frames);
    if (rc) return rc;
    for (uint32_t i = 0; i < t->nr_frames; i++) memset(t->shared[i], 0, PAGE_SIZE);
    for (uint32_t i = 0; i < t->nr_status; i++) memset(t->status[i], 0, PAGE_SIZE);
    t->version = version;
    write_reserved(t, kept);
    return 0;
}

long set_version_op(uint64_t arg) {
    struct grant_table *t = grants_of(current->domain);
    struct gnttab_set_version op;
    int rc = 0;

    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    if (op.version != 1 && op.version != 2) return -EINVAL;
    spin_lock(&t->lock);
    if (op.version > t->max_version)
        rc = -ENOSYS;
    else if (op.version != t->version)
        rc = change_version(current->domain, t, op.version);
    op.version = t->version;
    spin_unlock(&t->lock);
    if (copy_to_guest(arg, &op, sizeof(op))) return -EFAULT;
    return rc;
}

long get_version_op(uint64_t arg) {
    struct gnttab_get_version op;
    struct domain *d;
    int16_t status;

    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    d = table_owner(op.dom, &status);
    if (!d) return status == GNTST_bad_domain ? -ESRCH : -EPERM;
    op.version = grants_of(d)->version;
    domain_put(d);
    return copy_field_to_guest(arg, struct gnttab_get_version, version, &op);
}

static int16_t status_frames(struct domain *d, const struct gnttab_get_status_frames *op) {
    struct grant_table *t = grants_of(d);
    int16_t rc = GNTST_okay;
    uint32_t have;

    spin_lock(&t->lock);
    have = t->version == 2 ? t->nr_status : 0;
    spin_unlock(&t->lock);
    if (op->nr_frames > have) return GNTST_general_error;
    for (uint32_t i = 0; !rc && i < op->nr_frames; i++) {
        uint64_t mfn = mfn_x(virt_to_mfn(t->status[i]));

        if (copy_to_guest_idx(handle_addr(op->frame_list), i, &mfn)) rc = GNTST_bad_virt_addr;
    }
    return rc;
}

long get_status_frames_op(uint64_t arg, uint32_t count) {
    struct gnttab_get_status_frames op;
    struct domain *d;

    if (count != 1) return -EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    d = table_owner(op.dom, &op.status);
    if (d) {
        op.status = status_frames(d, &op);
        domain_put(d);
    }
    return copy_field_to_guest(arg, struct gnttab_get_status_frames, status, &op);
}

long dump_table_op(uint64_t arg, uint32_t count) {
    struct gnttab_dump_table op;
    struct domain *d;

    if (count != 1) return -EINVAL;
    if (copy_from_guest(&op, arg, sizeof(op))) return -EFAULT;
    d = table_owner(op.dom, &op.status);
    if (d) {
        grant_dump(d);
        domain_put(d);
    }
    return copy_field_to_guest(arg, struct gnttab_dump_table, status, &op);
}

void grant_dump(struct domain *d) {
    struct grant_table *t = grants_of(d);

    spin_lock(&t->lock);
    printk("d%u: grant table v%u, %u frames of %u\n", d->id, t->version, t->nr_frames,
           t->max_frames);
    for (uint32_t i = 0; t->nr_frames && i < table_entries(t); i++) {
        const struct active *a = active_of(t, i);

        if (is_pinned(a))
            printk("  [%u] d%u mfn %lx r%u w%u\n", i, a->domid, a->mfn, a->readers, a->writers);
    }
    spin_unlock(&t->lock);
}

/* Frames for the tools (XENMEM_acquire_resource): ids 0 and 1 are the table and its status. */
int grant_acquire_resource(struct domain *d, uint32_t id, uint64_t frame, uint32_t nr,
                           uint64_t *mfns) {
    struct grant_table *t = grants_of(d);
    int rc = 0;

    if (nr == 0 || frame > GRANT_FRAMES_LIMIT || frame + nr > GRANT_FRAMES_LIMIT) return -EINVAL;
    spin_lock(&t->lock);
    if (id == XENMEM_resource_grant_table_id_shared) {
        if (frame + nr > t->nr_frames) rc = table_grow(d, (uint32_t)(frame + nr));
        for (uint32_t i = 0; !rc && i < nr; i++) mfns[i] = shared_mfn(t, (uint32_t)frame + i);
    } else if (id == XENMEM_resource_grant_table_id_status && t->version == 2) {
        if (frame + nr > t->nr_status) rc = -EINVAL;
        for (uint32_t i = 0; !rc && i < nr; i++) mfns[i] = mfn_x(virt_to_mfn(t->status[frame + i]));
    } else {
        rc = -EINVAL;
    }
    spin_unlock(&t->lock);
    return rc;
}

int grant_resource_max_frames(struct domain *d, uint32_t id) {
    struct grant_table *t = grants_of(d);

    switch (id) {
    case XENMEM_resource_grant_table_id_shared: return (int)t->max_frames;
    case XENMEM_resource_grant_table_id_status:
        return t->version == 2 ? (int)DIV_ROUND_UP(t->max_frames * V2_PER_PAGE, STATUS_PER_PAGE)
                               : 0;
    default: return -EINVAL;
    }
}
