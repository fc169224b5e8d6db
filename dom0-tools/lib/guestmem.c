/* SPDX-License-Identifier: MIT */
/*
 * Guest memory on behalf of another domain. Long lists are cut into pieces of one bounce buffer;
 * a short answer in the middle ends the operation there.
 */
#include "guestmem.h"

#include <errno.h>
#include <string.h>

#include "privcmd.h"

#define CHUNK 1024u /* extents or updates in one hypercall */

static int64_t memory_op(struct hv *hv, unsigned int cmd, void *arg) {
    return hv_call(hv, __HYPERVISOR_memory_op, cmd, (uintptr_t)arg, 0, 0, 0);
}

/* One hypercall of at most CHUNK extents; *buf is the bounce buffer. */
static int64_t reservation(struct hv *hv, unsigned int cmd, domid_t domid, xen_pfn_t *buf,
                           unsigned int count, unsigned int order, unsigned int mem_flags) {
    struct xen_memory_reservation *arg = hv_op_block(hv, sizeof(*arg));

    set_xen_guest_handle(arg->extent_start, buf);
    arg->nr_extents = count;
    arg->extent_order = order;
    arg->mem_flags = mem_flags;
    arg->domid = domid;
    return memory_op(hv, cmd, arg);
}

int hv_populate_physmap(struct hv *hv, domid_t domid, xen_pfn_t *extents, unsigned int count,
                        unsigned int order, unsigned int mem_flags) {
    xen_pfn_t *buf = hv_buf_alloc(hv, CHUNK * sizeof(*buf));
    unsigned int done = 0, part;
    int64_t ret = 0;

    if (!buf) return hv_note(hv, -ENOMEM, "buffer for populate_physmap");
    while (done < count) {
        part = count - done < CHUNK ? count - done : CHUNK;
        memcpy(buf, extents + done, part * sizeof(*buf));
        ret = reservation(hv, XENMEM_populate_physmap, domid, buf, part, order, mem_flags);
        if (ret < 0 || ret > part) break;
        memcpy(extents + done, buf, (size_t)ret * sizeof(*buf));
        done += (unsigned int)ret;
        if (ret < part) break;
    }
    hv_buf_free(hv, buf, CHUNK * sizeof(*buf));
    if (ret < 0 && !done)
        return hv_note(hv, ret, "memory_op populate_physmap of domain %u, %u extents of order %u",
                       domid, count, order);
    return (int)done;
}

int hv_decrease_reservation(struct hv *hv, domid_t domid, const xen_pfn_t *extents,
                            unsigned int count, unsigned int order) {
    xen_pfn_t *buf = hv_buf_alloc(hv, CHUNK * sizeof(*buf));
    unsigned int done = 0, part;
    int64_t ret = 0;

    if (!buf) return hv_note(hv, -ENOMEM, "buffer for decrease_reservation");
    while (done < count) {
        part = count - done < CHUNK ? count - done : CHUNK;
        memcpy(buf, extents + done, part * sizeof(*buf));
        ret = reservation(hv, XENMEM_decrease_reservation, domid, buf, part, order, 0);
        if (ret < 0 || ret > part) break;
        done += (unsigned int)ret;
        if (ret < part) break;
    }
    hv_buf_free(hv, buf, CHUNK * sizeof(*buf));
    if (ret < 0 && !done)
        return hv_note(hv, ret, "memory_op decrease_reservation of domain %u", domid);
    return (int)done;
}

int hv_claim_pages(struct hv *hv, domid_t domid, uint64_t pages) {
    struct xen_memory_reservation *arg = hv_op_block(hv, sizeof(*arg));

    arg->nr_extents = pages;
    arg->domid = domid;
    return hv_note(hv, memory_op(hv, XENMEM_claim_pages, arg),
                   "memory_op claim_pages of domain %u, %llu pages", domid,
                   (unsigned long long)pages);
}

int hv_set_memory_map(struct hv *hv, domid_t domid, const struct hv_e820 *map, unsigned int count) {
    struct xen_foreign_memory_map *arg;
    size_t size = count * sizeof(*map);
    int64_t ret;
    void *buf;

    if (hv_bounce_in(hv, &buf, map, size))
        return hv_note(hv, -ENOMEM, "buffer for set_memory_map of domain %u", domid);
    arg = hv_op_block(hv, sizeof(*arg));
    arg->domid = domid;
    arg->map.nr_entries = count;
    set_xen_guest_handle(arg->map.buffer, buf);
    ret = memory_op(hv, XENMEM_set_memory_map, arg);
    hv_bounce_out(hv, NULL, buf, size);
    return hv_note(hv, ret, "memory_op set_memory_map of domain %u", domid);
}

int hv_maximum_ram_page(struct hv *hv, uint64_t *mfn) {
    int64_t ret = memory_op(hv, XENMEM_maximum_ram_page, NULL);

    if (ret < 0) return hv_note(hv, ret, "memory_op maximum_ram_page");
    *mfn = (uint64_t)ret;
    return 0;
}

static int64_t reservation_query(struct hv *hv, unsigned int cmd, const char *name, domid_t domid) {
    struct xen_memory_domain *arg = hv_op_block(hv, sizeof(*arg));
    int64_t ret;

    arg->domid = domid;
    ret = memory_op(hv, cmd, arg);
    if (ret < 0) hv_note(hv, ret, "memory_op %s of domain %u", name, domid);
    return ret;
}

int64_t hv_current_reservation(struct hv *hv, domid_t domid) {
    return reservation_query(hv, XENMEM_current_reservation, "current_reservation", domid);
}

int64_t hv_maximum_reservation(struct hv *hv, domid_t domid) {
    return reservation_query(hv, XENMEM_maximum_reservation, "maximum_reservation", domid);
}

/* One mmu_update call. The hypervisor stops at the first entry it refuses and says how far. */
static int64_t mmu_update(struct hv *hv, domid_t domid, struct mmu_update *req,
                          unsigned int count) {
    uint32_t *done = hv_op_block(hv, sizeof(*done));
    int64_t ret;

    ret = hv_call(hv, __HYPERVISOR_mmu_update, (uintptr_t)req, count, (uintptr_t)done, domid, 0);
    if (!ret && *done != count) return -EIO;
    return ret;
}

int hv_m2p_update(struct hv *hv, domid_t domid, const struct hv_m2p *list, unsigned int count) {
    struct mmu_update *req = hv_buf_alloc(hv, CHUNK * sizeof(*req));
    unsigned int done, part, i;
    int64_t ret = 0;

    if (!req) return hv_note(hv, -ENOMEM, "buffer for mmu_update");
    for (done = 0; done < count && !ret; done += part) {
        part = count - done < CHUNK ? count - done : CHUNK;
        for (i = 0; i < part; i++) {
            req[i].ptr = ((uint64_t)list[done + i].mfn << 12) | MMU_MACHPHYS_UPDATE;
            req[i].val = list[done + i].pfn;
        }
        ret = mmu_update(hv, domid, req, part);
    }
    hv_buf_free(hv, req, CHUNK * sizeof(*req));
    return hv_note(hv, ret, "mmu_update machphys of domain %u", domid);
}

static int64_t mmuext_op(struct hv *hv, unsigned int cmd, domid_t domid, xen_pfn_t mfn) {
    struct mmuext_op *op = hv_op_block(hv, sizeof(*op));

    op->cmd = cmd;
    op->arg1.mfn = mfn;
    return hv_call(hv, __HYPERVISOR_mmuext_op, (uintptr_t)op, 1, 0, domid, 0);
}

int hv_pin_l4(struct hv *hv, domid_t domid, xen_pfn_t mfn) {
    return hv_note(hv, mmuext_op(hv, MMUEXT_PIN_L4_TABLE, domid, mfn),
                   "mmuext_op PIN_L4_TABLE of domain %u, mfn %#lx", domid, (unsigned long)mfn);
}

int hv_unpin(struct hv *hv, domid_t domid, xen_pfn_t mfn) {
    return hv_note(hv, mmuext_op(hv, MMUEXT_UNPIN_TABLE, domid, mfn),
                   "mmuext_op UNPIN_TABLE of domain %u, mfn %#lx", domid, (unsigned long)mfn);
}
