/* SPDX-License-Identifier: MIT */
#include <public/memory.h>
#include "domctl.h"

struct xen_domctl domctl_op;

long domctl(unsigned int cmd, domid_t id) {
    domctl_op.cmd = cmd;
    domctl_op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    domctl_op.domain = id;
    return hypercall1(__HYPERVISOR_domctl, &domctl_op);
}

uint32_t domctl_misc_flags;

domid_t domctl_create(unsigned int grant_version) {
    domctl_op.u.createdomain = (struct xen_domctl_createdomain){
        .handle = {1},
        .max_vcpus = 1,
        .max_evtchn_port = 1023,
        .max_grant_frames = 4,
        .max_maptrack_frames = 4,
        .grant_opts = XEN_DOMCTL_GRANT_version(grant_version),
        .arch.misc_flags = domctl_misc_flags,
    };
    require_eq(domctl(XEN_DOMCTL_createdomain, 0), 0);
    return domctl_op.domain;
}

void domctl_populate(domid_t id, uint64_t *frames, unsigned int nr) {
    struct xen_memory_reservation r = {.nr_extents = nr, .domid = id};

    domctl_op.u.max_mem.max_memkb = nr * 4;
    require_eq(domctl(XEN_DOMCTL_max_mem, id), 0);
    for (unsigned int i = 0; i < nr; i++) frames[i] = i;
    set_xen_guest_handle(r.extent_start, frames);
    require_eq(HV_memory_op(XENMEM_populate_physmap, &r), nr);
}
