/* SPDX-License-Identifier: MIT */
/*
 * smoke: the environment a kernel starts in. start_info, version and features, the memory
 * reservation, shared_info and vcpu_info, and time that only goes forward.
 */
#include <public/features.h>
#include <public/memory.h>
#include <public/version.h>
#include "event.h"
#include "mm.h"
#include "vcpu.h"

static char text[1024] PAGE_ALIGNED;

static void check_version(void) {
    struct xen_feature_info features = {.submap_idx = 0};
    struct xen_platform_parameters params;

    expect_eq(HV_xen_version(XENVER_version, NULL), 4 << 16 | 17);
    expect_eq(HV_xen_version(XENVER_extraversion, text), 0);
    expect(text[0] == '.');
    expect_eq(HV_xen_version(XENVER_capabilities, text), 0);
    expect(strstr(text, "xen-3.0-x86_64"));
    expect_eq(HV_xen_version(XENVER_platform_parameters, &params), 0);
    expect_eq(params.virt_start, HYPERVISOR_VIRT_START);
    expect_eq(HV_xen_version(XENVER_pagesize, NULL), 4096);
    expect_eq(HV_xen_version(XENVER_commandline, text), 0);
    expect(strstr(text, "dom0_mem="));
    expect_eq(HV_xen_version(XENVER_compile_info, text), 0);
    expect_eq(HV_xen_version(XENVER_changeset, text), 0);
    expect_eq(HV_xen_version(XENVER_guest_handle, text), 0);
    expect_eq(HV_xen_version(99, NULL), -XEN_ENOSYS);

    expect_eq(HV_xen_version(XENVER_get_features, &features), 0);
    printk("features 0x%x\n", features.submap);
    expect_eq(features.submap & 1U << XENFEAT_auto_translated_physmap, 0);
    expect(features.submap & 1U << XENFEAT_mmu_pt_update_preserve_ad);
    expect(features.submap & 1U << XENFEAT_gnttab_map_avail_bits);
    expect(features.submap & 1U << XENFEAT_dom0);
    expect_eq(features.submap & 1U << XENFEAT_hvm_callback_vector, 0);
    expect_eq(features.submap, 0x228f0);
    features.submap_idx = 1;
    expect_eq(HV_xen_version(XENVER_get_features, &features), -XEN_EINVAL);
}

static void check_start_info(void) {
    expect(!strncmp(si->magic, "xen-3.0-x86_64", 14));
    expect(si->flags & SIF_PRIVILEGED);
    expect(si->flags & SIF_INITDOMAIN);
    expect_eq(si->store_mfn, 0);
    expect_eq(si->store_evtchn, 0);
    expect_eq(si->shared_info & (PAGE_SIZE - 1), 0);
    expect(si->nr_pt_frames > 3);
    expect(si->nr_pages > 2048);
    expect_eq(mfn_to_virt(PTE_MFN(l4_table()[511] & PTE_ADDR)) != NULL, true);
    expect_eq((uint64_t)l4_table(), si->pt_base);
    printk("cmdline '%s' nr_pages %lu mod %lx+%lx\n", (char *)si->cmd_line, si->nr_pages,
           si->mod_start, si->mod_len);
    for (uint64_t pfn = 0; pfn < 64; pfn++) expect_eq(mfn_to_pfn(pfn_to_mfn(pfn)), pfn);
}

static void check_memory(void) {
    domid_t self = DOMID_SELF;

    expect_eq(HV_memory_op(XENMEM_current_reservation, &self), si->nr_pages);
    expect((uint64_t)HV_memory_op(XENMEM_maximum_reservation, &self) >= si->nr_pages);
    expect((uint64_t)HV_memory_op(XENMEM_maximum_ram_page, NULL) >= si->nr_pages);
}

static void check_vcpu_info(void) {
    struct vcpu_info *info = this_vcpu()->info;

    expect_eq(info->evtchn_upcall_mask, 1);
    expect_eq(info->time.version & 1, 0);
    expect(info->time.tsc_to_system_mul != 0);
    expect(info->time.tsc_timestamp != 0);
    expect(now() != 0);
    expect(shared->wc_version % 2 == 0);
    expect(shared->wc_sec > 1600000000);
    expect_eq(sizeof(struct shared_info) <= PAGE_SIZE, true);
}

static void check_time(void) {
    uint64_t last = now(), start = last, n = 0;

    while (last < start + 20 * MS && n < 50000000) {
        uint64_t t = now();

        if (t < last) failure("time went back from %lu to %lu", last, t);
        last = t;
        n++;
    }
    expect(last >= start + 20 * MS);
}

void test_main(void) {
    printk("Hello from a test kernel\n");
    check_version();
    check_start_info();
    check_memory();
    check_vcpu_info();
    check_time();
}
