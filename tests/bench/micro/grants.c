/* SPDX-License-Identifier: MIT */
/* Grants of a domain to itself: copied, mapped and unmapped, alone and in batches. */
#include <public/grant_table.h>
#include "bench.h"

#define FIRST_REF 8
#define BATCH     128

static struct grant_entry_v1 *grants;
static struct gnttab_map_grant_ref map_op[BATCH];
static struct gnttab_unmap_grant_ref unmap_op[BATCH];
static struct gnttab_copy copy_op;
static char *window;
static unsigned int batch;

static void copy(void) { HV_grant_table_op(GNTTABOP_copy, &copy_op, 1); }
static void map(void) { HV_grant_table_op(GNTTABOP_map_grant_ref, map_op, batch); }
static void unmap(void) { HV_grant_table_op(GNTTABOP_unmap_grant_ref, unmap_op, batch); }

static void make_grants(void) {
    grants = window_alloc(1);
    map_grant_table(grants);
    window = window_alloc(BATCH);
    for (unsigned int i = 0; i < BATCH; i++) {
        struct grant_entry_v1 *grant = &grants[FIRST_REF + i];

        grant->domid = 0;
        grant->frame = (uint32_t)virt_to_mfn(page_alloc());
        WRITE_ONCE(grant->flags, GTF_permit_access);
        map_op[i] = (struct gnttab_map_grant_ref){
            .host_addr = (uint64_t)window + i * PAGE_SIZE,
            .flags = GNTMAP_host_map,
            .ref = FIRST_REF + i,
        };
    }
}

/* Handles are the hypervisor's choice. */
static void map_to_unmap(void) {
    map();
    for (unsigned int i = 0; i < batch; i++)
        unmap_op[i] = (struct gnttab_unmap_grant_ref){.host_addr = map_op[i].host_addr,
                                                      .handle = map_op[i].handle};
}

static void unmap_mapped(void) {
    for (unsigned int i = 0; i < batch; i++) unmap_op[i].handle = map_op[i].handle;
    unmap();
}

static void copies(void) {
    copy_op.source.u.gmfn = virt_to_mfn(page_alloc());
    copy_op.dest.u.gmfn = virt_to_mfn(page_alloc());
    copy_op.source.domid = copy_op.dest.domid = DOMID_SELF;
    copy_op.len = PAGE_SIZE;
    measure("grant copy of 4096, frame to frame", NULL, copy, NULL);
    copy_op.len = 64;
    measure("grant copy of 64, frame to frame", NULL, copy, NULL);
    copy_op.len = PAGE_SIZE;
    copy_op.source.u.ref = FIRST_REF;
    copy_op.flags = GNTCOPY_source_gref;
    measure("grant copy of 4096, grant to frame", NULL, copy, NULL);
    expect_eq(copy_op.status, GNTST_okay);
}

static void measure_batch(unsigned int n, const char *to_map, const char *to_unmap) {
    batch = n;
    map_to_unmap();
    expect_eq(map_op[n - 1].status, GNTST_okay);
    unmap();
    expect_eq(unmap_op[n - 1].status, GNTST_okay);
    measure(to_map, NULL, map, unmap_mapped);
    measure(to_unmap, map_to_unmap, unmap, NULL);
}

void bench_grants(void) {
    make_grants();
    copies();
    measure_batch(1, "grant map of 1", "grant unmap of 1");
    measure_batch(32, "grant map of 32", "grant unmap of 32");
    measure_batch(128, "grant map of 128", "grant unmap of 128");
}
