/* SPDX-License-Identifier: MIT */
/*
 * Building a PV x86-64 domain: see builder.h. builder_run() is the list of steps; each step either
 * does all of its work or says what it could not do. Nothing needs undoing here: what a step has
 * given the domain goes away with the domain.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <public/grant_table.h>

#include "../domctl.h"
#include "../foreign.h"
#include "../guestmem.h"

void builder_log(const struct builder *b, const char *fmt, ...) {
    char line[256];
    va_list ap;

    if (!b->params.log) return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    b->params.log(line);
}

static int copy_params(struct builder *b, const struct builder_params *params, struct err *err) {
    const char *cmdline = params->cmdline ? params->cmdline : "";

    if (strlen(cmdline) >= MAX_GUEST_CMDLINE)
        return err_set(err, -E2BIG, "kernel command line has %zu bytes; the limit is %u",
                       strlen(cmdline), MAX_GUEST_CMDLINE - 1);
    if (!params->kernel) return err_set(err, -EINVAL, "no kernel given");
    if (!params->max_vcpus) return err_set(err, -EINVAL, "a domain needs at least one vcpu");
    b->params = *params;
    b->kernel_path = strdup(params->kernel);
    b->ramdisk_path = params->ramdisk ? strdup(params->ramdisk) : NULL;
    b->cmdline = strdup(cmdline);
    if (!b->kernel_path || !b->cmdline || (params->ramdisk && !b->ramdisk_path))
        return err_set(err, -ENOMEM, "out of memory");
    return 0;
}

static int load_files(struct builder *b, struct err *err) {
    uint64_t nr_pages = b->params.memory_kib >> 2;
    int ret;

    ret = image_load(&b->image, b->kernel_path, err);
    if (ret) {
        err_prefix(err, "kernel");
        return ret;
    }
    if (b->ramdisk_path) {
        ret = image_read_file(b->ramdisk_path, b->params.memory_kib << 10, &b->ramdisk,
                              &b->ramdisk_size, err);
        if (ret) {
            err_prefix(err, "ramdisk");
            return ret;
        }
    }
    ret = layout_compute(&b->layout, b->image, b->ramdisk_size, nr_pages, err);
    if (ret) err_prefix(err, "kernel");
    return ret;
}

int builder_new(struct builder **builder, const struct builder_params *params, struct err *err) {
    struct builder *b = calloc(1, sizeof(*b));
    int ret;

    *builder = NULL;
    if (!b) return err_set(err, -ENOMEM, "out of memory");
    ret = copy_params(b, params, err);
    if (!ret) ret = load_files(b, err);
    if (ret) {
        builder_free(b);
        return ret;
    }
    *builder = b;
    return 0;
}

void builder_free(struct builder *b) {
    if (!b) return;
    layout_free(&b->layout);
    image_unload(b->image);
    free(b->ramdisk);
    free(b->p2m);
    free(b->kernel_path);
    free(b->ramdisk_path);
    free(b->cmdline);
    free(b);
}

static int step_limits(struct builder *b, struct err *err) {
    uint64_t map_kib = b->params.maxmem_kib ? b->params.maxmem_kib : b->params.memory_kib;
    struct hv_e820 ram = {.addr = 0, .size = map_kib << 10, .type = 1};
    struct xen_domctl_getdomaininfo info;
    int ret;

    ret = hv_domain_max_vcpus(b->hv, b->domid, b->params.max_vcpus);
    if (ret >= 0)
        ret = hv_domain_max_mem(b->hv, b->domid, b->params.memory_kib + BUILDER_MAXMEM_SLACK_KIB);
    if (ret >= 0) ret = hv_set_memory_map(b->hv, b->domid, &ram, 1);
    if (ret >= 0) ret = hv_domain_info(b->hv, b->domid, &info);
    if (ret < 0) return err_set(err, ret, "%s", hv_context(b->hv));
    b->shared_info_mfn = info.shared_info_frame;
    return 0;
}

static int step_channels(struct builder *b, struct err *err) {
    int ret =
        hv_evtchn_alloc_unbound(b->hv, b->domid, b->params.store_domid, &b->result.store_port);

    if (ret >= 0)
        ret = hv_evtchn_alloc_unbound(b->hv, b->domid, b->params.console_domid,
                                      &b->result.console_port);
    return ret < 0 ? err_set(err, ret, "%s", hv_context(b->hv)) : 0;
}

static int step_kernel(struct builder *b, struct err *err) {
    const struct image_segment *seg;
    unsigned int i;
    int ret = 0;

    for (i = 0; !ret && i < b->image->segment_count; i++) {
        seg = &b->image->segments[i];
        builder_log(b, "segment %u: %#" PRIx64 "+%#" PRIx64, i, seg->paddr, seg->mem_size);
        ret = builder_write(b, seg->paddr, seg->data, seg->file_size, seg->mem_size, err);
    }
    return ret;
}

static int step_ramdisk(struct builder *b, struct err *err) {
    const struct layout_range *at = &b->layout.ramdisk;

    return builder_write(b, at->pfn << LAYOUT_PAGE_SHIFT, b->ramdisk, b->ramdisk_size,
                         at->pages << LAYOUT_PAGE_SHIFT, err);
}

static int step_p2m(struct builder *b, struct err *err) {
    const struct layout_range *at = &b->layout.p2m;

    return builder_write(b, at->pfn << LAYOUT_PAGE_SHIFT, b->p2m,
                         b->layout.nr_pages * sizeof(*b->p2m), at->pages << LAYOUT_PAGE_SHIFT, err);
}

static void fill_start_info(struct builder *b, struct start_info *si) {
    si->shared_info = (uint64_t)b->shared_info_mfn << LAYOUT_PAGE_SHIFT;
    si->flags = b->params.start_flags;
    si->store_mfn = b->result.store_mfn;
    si->store_evtchn = b->result.store_port;
    si->console.domU.mfn = b->result.console_mfn;
    si->console.domU.evtchn = b->result.console_port;
    layout_fill_start_info(&b->layout, si);
    memcpy(si->cmd_line, b->cmdline, strlen(b->cmdline));
}

/* start_info and the two rings and the stack: zeroed pages, since rings start from zero. */
static int step_start_info(struct builder *b, struct err *err) {
    const struct layout *l = &b->layout;
    struct start_info si;
    int ret;

    b->result.store_mfn = b->p2m[l->store_pfn];
    b->result.console_mfn = b->p2m[l->console_pfn];
    memset(&si, 0, sizeof(si));
    fill_start_info(b, &si);
    ret = builder_write(b, l->start_info_pfn << LAYOUT_PAGE_SHIFT, &si, sizeof(si),
                        LAYOUT_PAGE_SIZE, err);
    if (!ret)
        ret = builder_write(b, l->store_pfn << LAYOUT_PAGE_SHIFT, NULL, 0, LAYOUT_PAGE_SIZE, err);
    if (!ret)
        ret = builder_write(b, l->console_pfn << LAYOUT_PAGE_SHIFT, NULL, 0, LAYOUT_PAGE_SIZE, err);
    if (!ret)
        ret = builder_write(b, l->stack_pfn << LAYOUT_PAGE_SHIFT, NULL, 0, LAYOUT_PAGE_SIZE, err);
    return ret;
}

static int step_hypercall_page(struct builder *b, struct err *err) {
    uint64_t pfn;
    int ret;

    if (!b->image->has_hypercall_page) return 0;
    pfn = (b->image->hypercall_page - b->image->virt_base) >> LAYOUT_PAGE_SHIFT;
    if (pfn >= b->layout.nr_pages)
        return err_set(err, -ERANGE, "hypercall page is beyond the guest's memory");
    ret = hv_domain_hypercall_init(b->hv, b->domid, b->p2m[pfn]);
    return ret < 0 ? err_set(err, ret, "%s", hv_context(b->hv)) : 0;
}

static int step_pin(struct builder *b, struct err *err) {
    int ret = hv_pin_l4(b->hv, b->domid, b->p2m[b->layout.tables.pfn]);

    return ret < 0 ? err_set(err, ret, "%s", hv_context(b->hv)) : 0;
}

/* Events start out masked on every vcpu that has its vcpu_info in this page. */
static int step_shared_info(struct builder *b, struct err *err) {
    struct shared_info *si = hv_map_foreign(b->hv, b->domid, &b->shared_info_mfn, 1);
    unsigned int i;

    if (!si) return err_set(err, -errno, "%s", hv_context(b->hv));
    memset(si, 0, sizeof(*si));
    for (i = 0; i < XEN_LEGACY_MAX_VCPUS; i++) si->vcpu_info[i].evtchn_upcall_mask = 1;
    hv_unmap(si, 1);
    return 0;
}

static int step_grants(struct builder *b, struct err *err) {
    int ret = hv_grant_seed(b->hv, b->domid, GNTTAB_RESERVED_CONSOLE, b->params.console_domid,
                            b->result.console_mfn);

    if (ret >= 0)
        ret = hv_grant_seed(b->hv, b->domid, GNTTAB_RESERVED_XENSTORE, b->params.store_domid,
                            b->result.store_mfn);
    return ret < 0 ? err_set(err, ret, "%s", hv_context(b->hv)) : 0;
}

static int step_vcpu(struct builder *b, struct err *err) {
    struct vcpu_guest_context *ctxt = calloc(1, sizeof(*ctxt));
    int ret;

    if (!ctxt) return err_set(err, -ENOMEM, "out of memory");
    layout_fill_context(&b->layout, b->image, b->p2m, ctxt);
    ret = hv_vcpu_set_context(b->hv, b->domid, 0, ctxt);
    free(ctxt);
    return ret < 0 ? err_set(err, ret, "%s", hv_context(b->hv)) : 0;
}

/* Page tables must be pinned only after the last writable mapping of any of them is gone. */
static const struct {
    const char *name;
    int (*run)(struct builder *b, struct err *err);
} steps[] = {
    {"limits", step_limits},
    {"event channels", step_channels},
    {"memory", builder_populate},
    {"kernel", step_kernel},
    {"ramdisk", step_ramdisk},
    {"p2m", step_p2m},
    {"start_info", step_start_info},
    {"hypercall page", step_hypercall_page},
    {"page tables", builder_write_tables},
    {"pin", step_pin},
    {"shared_info", step_shared_info},
    {"grants", step_grants},
    {"vcpu 0", step_vcpu},
};

int builder_run(struct builder *b, struct hv *hv, domid_t domid, struct builder_result *result,
                struct err *err) {
    size_t i;
    int ret = 0;

    b->hv = hv;
    b->domid = domid;
    for (i = 0; !ret && i < sizeof(steps) / sizeof(steps[0]); i++) {
        builder_log(b, "domain %u: %s", domid, steps[i].name);
        ret = steps[i].run(b, err);
        if (ret) err_prefix(err, "building domain %u failed at step '%s'", domid, steps[i].name);
    }
    if (!ret) *result = b->result;
    free(b->p2m);
    b->p2m = NULL;
    return ret;
}
