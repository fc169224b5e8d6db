/* SPDX-License-Identifier: MIT */
/* Foreign frames and hypervisor resources in our address space: see foreign.h. */
#include "foreign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "privcmd.h"

#include <public/grant_table.h>
#include <public/memory.h>

#define PAGED_OUT_TRIES 100 /* -ENOENT means "being paged in": ask again, but not for ever */

static void *reserve_window(struct hv *hv, size_t count) {
    void *addr = mmap(NULL, count * HV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, hv->fd, 0);

    return addr == MAP_FAILED ? NULL : addr;
}

static int map_batch(struct hv *hv, domid_t domid, void *addr, const xen_pfn_t *mfns, int *errs,
                     size_t count) {
    struct privcmd_mmapbatch_v2 batch = {
        .num = (unsigned int)count,
        .dom = domid,
        .addr = (uintptr_t)addr,
        .arr = mfns,
        .err = errs,
    };

    return ioctl(hv->fd, IOCTL_PRIVCMD_MMAPBATCH_V2, &batch) ? -errno : 0;
}

/* Index of the first frame that could not be mapped, or count. */
static size_t first_failure(const int *errs, size_t count) {
    size_t i;

    for (i = 0; i < count && !errs[i]; i++)
        ;
    return i;
}

void *hv_map_foreign(struct hv *hv, domid_t domid, const xen_pfn_t *mfns, size_t count) {
    int *errs = calloc(count, sizeof(*errs)), ret = -ENOMEM, tries;
    void *addr = errs ? reserve_window(hv, count) : NULL;
    size_t bad;

    if (!addr) goto fail;
    ret = map_batch(hv, domid, addr, mfns, errs, count);
    bad = first_failure(errs, count);
    for (tries = 0; ret == -ENOENT && bad < count && tries < PAGED_OUT_TRIES; tries++) {
        if (errs[bad] != -ENOENT) break;
        usleep(100);
        ret = map_batch(hv, domid, (char *)addr + bad * HV_PAGE_SIZE, mfns + bad, errs + bad, 1);
        if (!ret) errs[bad] = 0;
        bad = first_failure(errs, count);
        if (!ret && bad < count) ret = errs[bad];
    }
    if (!ret && bad == count) {
        free(errs);
        return addr;
    }
    if (bad < count) ret = errs[bad];
    munmap(addr, count * HV_PAGE_SIZE);
    hv_note(hv, ret, "mapping mfn %#lx (%zu of %zu) of domain %u",
            bad < count ? (unsigned long)mfns[bad] : 0, bad, count, domid);
    goto out;
fail:
    hv_note(hv, ret, "address space for %zu pages of domain %u", count, domid);
out:
    free(errs);
    errno = -ret;
    return NULL;
}

int hv_unmap(void *addr, size_t count) { return munmap(addr, count * HV_PAGE_SIZE) ? -errno : 0; }

void *hv_map_resource(struct hv *hv, domid_t domid, unsigned int type, unsigned int id,
                      unsigned int idx, size_t count) {
    struct privcmd_mmap_resource res = {
        .dom = domid,
        .type = type,
        .id = id,
        .idx = idx,
        .num = count,
    };
    void *addr = reserve_window(hv, count);
    int ret;

    if (!addr) {
        hv_note(hv, -ENOMEM, "address space for %zu pages", count);
        errno = ENOMEM;
        return NULL;
    }
    res.addr = (uintptr_t)addr;
    if (!ioctl(hv->fd, IOCTL_PRIVCMD_MMAP_RESOURCE, &res)) return addr;
    ret = -errno;
    hv_note(hv, ret, "mapping resource %u:%u of domain %u, frame %u", type, id, domid, idx);
    munmap(addr, count * HV_PAGE_SIZE);
    errno = -ret;
    return NULL;
}

int hv_grant_seed(struct hv *hv, domid_t domid, uint32_t ref, domid_t grantee, xen_pfn_t mfn) {
    const unsigned int per_page = HV_PAGE_SIZE / sizeof(struct grant_entry_v1);
    struct grant_entry_v1 *table;

    if (mfn != (uint32_t)mfn)
        return hv_note(hv, -EOVERFLOW, "grant of mfn %#lx by domain %u", (unsigned long)mfn, domid);
    table = hv_map_resource(hv, domid, XENMEM_resource_grant_table,
                            XENMEM_resource_grant_table_id_shared, ref / per_page, 1);
    if (!table) return -errno;
    table[ref % per_page].domid = grantee;
    table[ref % per_page].frame = (uint32_t)mfn;
    /* The flags make the entry valid, so they come last. */
    __atomic_store_n(&table[ref % per_page].flags, GTF_permit_access, __ATOMIC_RELEASE);
    return hv_unmap(table, 1);
}
