/* SPDX-License-Identifier: MIT */
/* The table itself: creation, growth, version, its end. */
#include "table.h"

int grant_init_domain(struct domain *d, int max_frames, int max_maptrack, int max_version) {
    struct grant_table *t;

    if (max_version < 1 || max_version > 2) return max_version ? -EINVAL : -EOPNOTSUPP;
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
    t->maptrack = hv_new_array(struct mapping *, t->max_maptrack + 1);
    if (!t->shared || !t->status || !t->active || !t->maptrack) return -ENOMEM;
    return table_grow(d, 1);
}

static int grow_active(struct grant_table *t, uint32_t frames) {
    uint32_t want = (uint32_t)DIV_ROUND_UP(frames * V1_PER_PAGE, ACTIVE_PER_PAGE);

    for (; t->nr_active < want; t->nr_active++)
        if (!(t->active[t->nr_active] = alloc_page_hv())) return -ENOMEM;
    return 0;
}

static int grow_shared(struct domain *d, void **frames, uint32_t *nr, uint32_t want) {
    for (; *nr < want; ++*nr) {
        frames[*nr] = alloc_page_hv();
        if (!frames[*nr]) return -ENOMEM;
        share_hv_frame(mfn_to_frame(virt_to_mfn(frames[*nr])), d, true);
    }
    return 0;
}

static uint32_t status_pages(uint32_t frames) {
    return (uint32_t)DIV_ROUND_UP(frames * V2_PER_PAGE, STATUS_PER_PAGE);
}

/* What a growth that fails has allocated stays for the next one. */
int table_grow(struct domain *d, uint32_t frames) {
    struct grant_table *t = grants_of(d);
    int rc;

    if (frames > t->max_frames || d->state >= DOM_DYING)
        return -EINVAL; /* what is shared with a dying domain is taken back once */
    rc = grow_active(t, frames);
    if (!rc && t->version == 2) rc = grow_shared(d, t->status, &t->nr_status, status_pages(frames));
    return rc ? rc : grow_shared(d, t->shared, &t->nr_frames, frames);
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

/*
 * The tools' entries as version 1 has them, with the marks of those in use, which may stay in use.
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
        } else if (type == GTF_accept_transfer) {
            return -EINVAL;
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
        if ((kept[i].flags & GTF_type_mask) != GTF_permit_access) continue;
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

int table_set_version(struct domain *d, uint32_t version) {
    struct grant_table *t = grants_of(d);
    int rc = 0;

    spin_lock(&t->lock);
    if (version > t->max_version)
        rc = -ENOSYS;
    else if (version != t->version)
        rc = change_version(d, t, version);
    spin_unlock(&t->lock);
    return rc;
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
    void **frames = t->shared;
    int rc = 0;

    if (nr == 0 || frame > GRANT_FRAMES_LIMIT || frame + nr > GRANT_FRAMES_LIMIT) return -EINVAL;
    spin_lock(&t->lock);
    if (id == XENMEM_resource_grant_table_id_shared) {
        if (frame + nr > t->nr_frames) rc = table_grow(d, (uint32_t)(frame + nr));
    } else {
        frames = t->status;
        if (id != XENMEM_resource_grant_table_id_status || t->version != 2 ||
            frame + nr > t->nr_status)
            rc = -EINVAL;
    }
    for (uint32_t i = 0; !rc && i < nr; i++) mfns[i] = mfn_x(virt_to_mfn(frames[frame + i]));
    spin_unlock(&t->lock);
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
