/* SPDX-License-Identifier: MIT */
/* A domain without memory, made and destroyed by dom0. */
#include <public/domctl.h>
#include <public/grant_table.h>
#include <public/sched.h>
#include "bench.h"

static struct xen_domctl create_op, destroy_op;

static void prepare(void) {
    create_op = (struct xen_domctl){
        .cmd = XEN_DOMCTL_createdomain,
        .interface_version = XEN_DOMCTL_INTERFACE_VERSION,
        .u.createdomain = {.handle = {1},
                           .max_vcpus = 1,
                           .max_evtchn_port = 1023,
                           .max_grant_frames = 4,
                           .max_maptrack_frames = 4,
                           .grant_opts = XEN_DOMCTL_GRANT_version(2)},
    };
}

static void create(void) { hypercall1(__HYPERVISOR_domctl, &create_op); }
static void destroy(void) { hypercall1(__HYPERVISOR_domctl, &destroy_op); }

static void create_to_destroy(void) {
    prepare();
    create();
    destroy_op.domain = create_op.domain;
}

/* What is put off until later is done before the next sample. */
static void settle(void) {
    for (unsigned int i = 0; i < 8; i++) HV_sched_op(SCHEDOP_yield, NULL);
}

static void destroy_created(void) {
    destroy_op.domain = create_op.domain;
    destroy();
    settle();
}

/* With what is put off in it, but for the last one's. */
static void create_and_destroy_4(void) {
    for (unsigned int i = 0; i < 4; i++) {
        create_to_destroy();
        destroy();
    }
}

void bench_domains(void) {
    destroy_op.cmd = XEN_DOMCTL_destroydomain;
    destroy_op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    prepare();
    require_eq(hypercall1(__HYPERVISOR_domctl, &create_op), 0);
    destroy_op.domain = create_op.domain;
    require_eq(hypercall1(__HYPERVISOR_domctl, &destroy_op), 0);
    settle();
    measure("domctl createdomain", prepare, create, destroy_created);
    measure("domctl destroydomain", create_to_destroy, destroy, settle);
    measure("domctl createdomain and destroydomain, 4 times", NULL, create_and_destroy_4, settle);
}
