/* SPDX-License-Identifier: MIT */
/* xl vcpu-list. */
#include <stdlib.h>

#include "commands.h"
#include "xl.h"

static void print_affinity(struct xl *xl, domid_t domid, unsigned vcpu, unsigned cpus) {
    uint8_t hard[MAX_CPU_BYTES] = {0}, soft[MAX_CPU_BYTES] = {0};
    char text[2][512];

    if (hv_vcpu_get_affinity(xl->hv, domid, vcpu, hard, soft, sizeof(hard)) < 0) {
        printf("? / ?\n");
        return;
    }
    format_bitmap(hard, cpus, text[0], sizeof(text[0]));
    format_bitmap(soft, cpus, text[1], sizeof(text[1]));
    printf("%s / %s\n", text[0], text[1]);
}

static void print_vcpus(struct xl *xl, const struct xen_domctl_getdomaininfo *d, unsigned cpus) {
    char *name = domid_to_name_or(xl, d->domain, "(null)");

    for (unsigned i = 0; i <= d->max_vcpu_id; i++) {
        struct xen_domctl_getvcpuinfo v;

        if (hv_vcpu_info(xl->hv, d->domain, i, &v) < 0) continue;
        printf("%-32s %5u %5u", name, d->domain, i);
        if (v.online)
            printf("%5u %3c%c- ", v.cpu, v.running ? 'r' : '-', v.blocked ? 'b' : '-');
        else
            printf("%5c %3c%cp ", '-', '-', '-');
        printf("%9.1f  ", (double)v.cpu_time / 1e9);
        print_affinity(xl, d->domain, i, cpus);
    }
    free(name);
}

static int vcpu_list_run(struct xl *xl, int argc, char **argv) {
    struct xen_domctl_getdomaininfo *all, one;
    struct xen_sysctl_physinfo phys;
    domid_t domid;
    int n;

    while (xl_getopt(xl, argc, argv, "h", NULL, 0) != -1)
        ;
    if (hv_physinfo(xl->hv, &phys) < 0) {
        fprintf(stderr, "xl: %s\n", hv_context(xl->hv));
        return EXIT_FAILURE;
    }
    printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
           "Affinity (Hard / Soft)");
    if (optind == argc) {
        n = list_domains(xl, &all);
        for (int i = 0; i < n; i++) print_vcpus(xl, &all[i], phys.max_cpu_id + 1);
        if (n >= 0) free(all);
        return n < 0;
    }
    for (; optind < argc; optind++) {
        if (!find_domain(xl, argv[optind], &domid)) return EXIT_FAILURE;
        if (hv_domain_info(xl->hv, domid, &one) < 0) {
            fprintf(stderr, "xl: domain %u does not exist\n", domid);
            return EXIT_FAILURE;
        }
        print_vcpus(xl, &one, phys.max_cpu_id + 1);
    }
    return 0;
}

const struct command command_vcpu_list = {
    .name = "vcpu-list",
    .summary = "List the VCPUs for all/some domains",
    .usage = "[Domain, ...]",
    .run = vcpu_list_run,
};
