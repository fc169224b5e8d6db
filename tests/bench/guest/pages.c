/* SPDX-License-Identifier: MIT */
/* bench pages: "machine TOTAL FREE", then "domain ID PAGES" for each domain, in pages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "sysctl.h"

int print_pages(void) {
    struct xen_sysctl_physinfo machine;
    struct xen_domctl_getdomaininfo *domains;
    struct err err;
    struct hv *hv = hv_open(&err);
    int count;

    if (!hv || hv_physinfo(hv, &machine) < 0 || (count = hv_domain_list_all(hv, &domains)) < 0) {
        fprintf(stderr, "bench: %s\n", hv ? hv_context(hv) : "no privcmd");
        return 1;
    }
    printf("machine %" PRIu64 " %" PRIu64 "\n", (uint64_t)machine.total_pages,
           (uint64_t)machine.free_pages);
    for (int i = 0; i < count; i++)
        printf("domain %u %" PRIu64 "\n", domains[i].domain, (uint64_t)domains[i].tot_pages);
    free(domains);
    hv_close(hv);
    return 0;
}
