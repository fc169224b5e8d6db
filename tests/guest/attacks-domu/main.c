/* SPDX-License-Identifier: MIT */
/*
 * attacks-domu: what a guest without privilege may not do, tried by one (XSA numbers: where it was
 * possible in Xen). Operations of the control domain, by every name; other domains' frames, devices
 * and hypervisor memory as page-table entries; cache attributes of RAM (154, 402); ports and MSRs
 * (351); results written to the hypervisor's memory (212); counts without end. The errors are those
 * of stock Xen.
 */
#include <public/arch-x86/xen-mca.h>
#include <public/callback.h>
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/physdev.h>
#include <public/platform.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "mm.h"
#include "puppet.h"
#include "trap.h"
#include "vcpu.h"

static struct puppet p;

#define ARG(op, cmd, arg, a2) puppet_call_arg(&p, __HYPERVISOR_##op, cmd, arg, sizeof(*(arg)), a2)

static void control_operations(void) {
    struct xen_domctl d = {.interface_version = XEN_DOMCTL_INTERFACE_VERSION};
    struct xen_sysctl s = {.interface_version = XEN_SYSCTL_INTERFACE_VERSION};
    struct xen_platform_op o = {.interface_version = XENPF_INTERFACE_VERSION};
    static const unsigned int domctls[] = {
        XEN_DOMCTL_createdomain,  XEN_DOMCTL_destroydomain,    XEN_DOMCTL_pausedomain,
        XEN_DOMCTL_getdomaininfo, XEN_DOMCTL_iomem_permission, XEN_DOMCTL_set_virq_handler};
    static const unsigned int sysctls[] = {XEN_SYSCTL_readconsole, XEN_SYSCTL_physinfo,
                                           XEN_SYSCTL_debug_keys};

    for (unsigned int i = 0; i < ARRAY_SIZE(domctls); i++)
        for (unsigned int id = 0; id < 2; id++) {
            d.cmd = domctls[i];
            d.domain = id ? p.id : 0;
            expect_eq(puppet_call_arg(&p, __HYPERVISOR_domctl, puppet_va(PUPPET_PAGES - 1), &d,
                                      sizeof(d), 0),
                      -XEN_EPERM);
        }
    for (unsigned int i = 0; i < ARRAY_SIZE(sysctls); i++) {
        s.cmd = sysctls[i];
        expect_eq(
            puppet_call_arg(&p, __HYPERVISOR_sysctl, puppet_va(PUPPET_PAGES - 1), &s, sizeof(s), 0),
            -XEN_EPERM);
    }
    o.cmd = XENPF_settime64;
    expect_eq(puppet_call_arg(&p, __HYPERVISOR_platform_op, puppet_va(PUPPET_PAGES - 1), &o,
                              sizeof(o), 0),
              -XEN_EPERM);
    /* What is wrong with the argument is said first. */
    o.interface_version++;
    expect_eq(puppet_call_arg(&p, __HYPERVISOR_platform_op, puppet_va(PUPPET_PAGES - 1), &o,
                              sizeof(o), 0),
              -XEN_EACCES);
    expect_eq(puppet_call(&p, __HYPERVISOR_platform_op, 0, 0, 0, 0), -XEN_EFAULT);
    expect_eq(puppet_call(&p, __HYPERVISOR_kexec_op, 0, 0, 0, 0), -XEN_EPERM);
    expect_eq(puppet_call(&p, __HYPERVISOR_mca, 0, 0, 0, 0), -XEN_EPERM);
}

static void on_another_domain(void) {
    struct evtchn_alloc_unbound unbound = {.dom = 0};
    struct evtchn_status status = {.dom = 0, .port = 1};
    struct evtchn_reset reset = {.dom = 0};
    struct evtchn_bind_pirq pirq = {.pirq = 4};
    struct sched_remote_shutdown shutdown = {.domain_id = 0};
    struct sched_pin_override pin = {.pcpu = 0};
    struct gnttab_setup_table setup = {.dom = 0, .nr_frames = 1};
    struct gnttab_query_size size = {.dom = 0};
    struct gnttab_get_version version = {.dom = 0};
    domid_t dom0_id[4] = {0};
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = 0};
    struct xen_machphys_mfn_list none = {0};
    struct xen_mem_acquire_resource resource = {.domid = 0, .nr_frames = 1};

    expect_eq(ARG(event_channel_op, EVTCHNOP_alloc_unbound, &unbound, 0), -XEN_EPERM);
    expect_eq(ARG(event_channel_op, EVTCHNOP_status, &status, 0), -XEN_EPERM);
    expect_eq(ARG(event_channel_op, EVTCHNOP_reset, &reset, 0), -XEN_EPERM);
    expect_eq(ARG(event_channel_op, EVTCHNOP_bind_pirq, &pirq, 0), -XEN_EPERM);
    pirq.pirq = 100000;
    expect_eq(ARG(event_channel_op, EVTCHNOP_bind_pirq, &pirq, 0), -XEN_EINVAL);
    expect_eq(ARG(sched_op, SCHEDOP_remote_shutdown, &shutdown, 0), -XEN_EPERM);
    expect_eq(ARG(sched_op, SCHEDOP_pin_override, &pin, 0), -XEN_EPERM);
    expect_eq(ARG(grant_table_op, GNTTABOP_setup_table, &setup, 1), 0);
    expect_eq(setup.status, GNTST_permission_denied);
    expect_eq(ARG(grant_table_op, GNTTABOP_query_size, &size, 1), 0);
    expect_eq(size.status, GNTST_permission_denied);
    expect_eq(ARG(grant_table_op, GNTTABOP_get_version, &version, 1), -XEN_EPERM);
    expect_eq(ARG(memory_op, XENMEM_current_reservation, &dom0_id, 0), -XEN_EPERM);
    expect_eq(ARG(memory_op, XENMEM_maximum_gpfn, &dom0_id, 0), -XEN_EPERM);
    set_xen_guest_handle(r.extent_start, (xen_pfn_t *)puppet_va(PUPPET_FREE));
    expect_eq(ARG(memory_op, XENMEM_populate_physmap, &r, 0), 0);
    expect_eq(ARG(memory_op, XENMEM_decrease_reservation, &r, 0), 0);
    expect_eq(ARG(memory_op, XENMEM_machine_memory_map, &none, 0), -XEN_EPERM);
    expect_eq(ARG(memory_op, XENMEM_acquire_resource, &resource, 0), -XEN_EPERM);
}

static void hardware_operations(void) {
    struct physdev_map_pirq map = {.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 9};
    struct physdev_apic apic = {.apic_physbase = 0xfec00000};
    struct physdev_setup_gsi gsi = {.gsi = 9};
    struct physdev_op old = {.cmd = PHYSDEVOP_map_pirq};
    static const unsigned int rights_first[] = {PHYSDEVOP_pci_mmcfg_reserved, PHYSDEVOP_dbgp_op};
    static const unsigned int unused[] = {0, 1, 3, 18, 22, 32, 99, 1u << 31};

    expect_eq(puppet_call_arg(&p, __HYPERVISOR_physdev_op_compat, puppet_va(PUPPET_PAGES - 1), &old,
                              sizeof(old), 0),
              -XEN_EPERM);
    struct physdev_pirq_eoi_gmfn eoi_map = {.gmfn = p.mfn[PUPPET_FREE + 2]};

    /* Every kernel offers a frame for this, and may. */
    expect_eq(ARG(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &eoi_map, 0), 0);
    expect_eq(ARG(physdev_op, PHYSDEVOP_pirq_eoi_gmfn_v2, &eoi_map, 0), -XEN_EBUSY);
    expect_eq(ARG(physdev_op, PHYSDEVOP_map_pirq, &map, 0), -XEN_EPERM);
    expect_eq(ARG(physdev_op, PHYSDEVOP_apic_read, &apic, 0), -XEN_EPERM);
    expect_eq(ARG(physdev_op, PHYSDEVOP_apic_write, &apic, 0), -XEN_EPERM);
    expect_eq(ARG(physdev_op, PHYSDEVOP_setup_gsi, &gsi, 0), -XEN_EPERM);
    expect_eq(puppet_call(&p, __HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, 0, 0, 0), -XEN_EFAULT);
    expect_eq(puppet_call(&p, __HYPERVISOR_physdev_op, PHYSDEVOP_manage_pci_add, 0, 0, 0),
              -XEN_EFAULT);
    for (unsigned int i = 0; i < ARRAY_SIZE(rights_first); i++)
        expect_eq(puppet_call(&p, __HYPERVISOR_physdev_op, rights_first[i], 0, 0, 0), -XEN_EPERM);
    for (unsigned int i = 0; i < ARRAY_SIZE(unused); i++)
        expect_eq(puppet_call(&p, __HYPERVISOR_physdev_op, unused[i], 0, 0, 0), -XEN_ENOSYS);
    expect_eq(
        puppet_call(&p, __HYPERVISOR_console_io, CONSOLEIO_read, 1, puppet_va(PUPPET_FREE), 0),
        -XEN_EPERM);
    /* One with its checks compiled in shows what guests say. */
    if (strstr((const char *)si->cmd_line, "debug-hypervisor")) return;
    expect_eq(
        puppet_call(&p, __HYPERVISOR_console_io, CONSOLEIO_write, 64, puppet_va(PUPPET_FREE), 0),
        -XEN_EPERM);
}

/* What of the hypervisor's facts only dom0 is told. */
static void facts(void) {
    static const unsigned int open[] = {XENVER_compile_info, XENVER_changeset};
    char line[1024];

    memset(line, 0x5a, sizeof(line));
    puppet_poke(&p, PUPPET_FREE, 0, line, sizeof(line));
    expect_eq(
        puppet_call(&p, __HYPERVISOR_xen_version, XENVER_commandline, puppet_va(PUPPET_FREE), 0, 0),
        0);
    puppet_peek(&p, PUPPET_FREE, 0, line, sizeof(line));
    expect_eq(strcmp(line, "<denied>"), 0);
    expect_eq(line[sizeof("<denied>")], 0x5a);
    expect_eq(puppet_call(&p, __HYPERVISOR_xen_version, XENVER_build_id, 0, 0, 0), -XEN_EPERM);
    /* Who built it and from what everybody is told. */
    for (unsigned int i = 0; i < ARRAY_SIZE(open); i++) {
        memset(line, 0, sizeof(line));
        expect_eq(puppet_call(&p, __HYPERVISOR_xen_version, open[i], puppet_va(PUPPET_FREE), 0, 0),
                  0);
        puppet_peek(&p, PUPPET_FREE, 0, line, sizeof(line));
        expect(strcmp(line, "<denied>") != 0);
    }
}

/* Its L1 entry for one of its pages is changed by each of the ways; *stored: one was taken. */
static uint64_t test_entry_va(void) { return puppet_va(PUPPET_FREE); }

static uint64_t test_entry_at(void) {
    return p.mfn[PUPPET_L1] << PAGE_SHIFT | L1_INDEX(test_entry_va()) * 8;
}

static long update(uint64_t entry, uint32_t foreigndom) {
    struct mmu_update req = {test_entry_at(), entry};

    puppet_poke(&p, PUPPET_PAGES - 1, 0, &req, sizeof(req));
    return puppet_call(&p, __HYPERVISOR_mmu_update, puppet_va(PUPPET_PAGES - 1), 1, 0, foreigndom);
}

static void refuse(const char *what, uint64_t entry, long want) {
    long a = update(entry, DOMID_SELF), b, c;
    uint64_t fault;

    b = puppet_call(&p, __HYPERVISOR_update_va_mapping, test_entry_va(), entry, UVMF_INVLPG, 0);
    /* A plain store to the table, which the puppet sees read-only, is an update too. */
    fault = puppet_do(&p, DO_WRITE, puppet_va(PUPPET_L1) + L1_INDEX(test_entry_va()) * 8, entry);
    c = update(entry, DOMID_IO);
    count_check();
    if (a != want || b != want || fault != FAULT(PF, PF_PRESENT | PF_WRITE) ||
        (c != want && c != -XEN_EPERM))
        failure("%s: %ld, %ld, store %lx, as DOMID_IO's %ld, want %ld", what, a, b, fault, c, want);
}

/* The same entry in a page that is to become a table. */
static void refuse_table(uint64_t entry) {
    unsigned int page = PUPPET_FREE + 3;
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = p.mfn[page]};

    puppet_poke(&p, page, 0, &entry, sizeof(entry));
    puppet_poke(&p, PUPPET_PAGES - 1, 0, &op, sizeof(op));
    expect_eq(puppet_call(&p, __HYPERVISOR_update_va_mapping, puppet_va(page),
                          MFN_PTE(p.mfn[page], PTE_RO), UVMF_INVLPG, 0),
              0);
    expect_eq(
        puppet_call(&p, __HYPERVISOR_mmuext_op, puppet_va(PUPPET_PAGES - 1), 1, 0, DOMID_SELF),
        -XEN_EINVAL);
    /* Nothing is left of the attempt. */
    expect_eq(puppet_call(&p, __HYPERVISOR_update_va_mapping, puppet_va(page),
                          MFN_PTE(p.mfn[page], PTE_RW), UVMF_INVLPG, 0),
              0);
}

static void page_table_entries(void) {
    uint64_t own = p.mfn[PUPPET_FREE], dom0s = virt_to_mfn(l4_table());
    uint64_t slot = puppet_va(PUPPET_L1) + L1_INDEX(test_entry_va()) * 8;
    uint64_t entry = MFN_PTE(own, PTE_RW | PTE_A | PTE_D);

    /* Without the assist a store to a table is its fault; with it, an update. (dom0 needs none.) */
    expect_eq(puppet_do(&p, DO_WRITE, slot, entry), FAULT(PF, PF_PRESENT | PF_WRITE));
    for (unsigned int i = 0; i < 2; i++) {
        expect_eq(puppet_call(&p, __HYPERVISOR_vm_assist,
                              i ? VMASST_CMD_disable : VMASST_CMD_enable,
                              VMASST_TYPE_writable_pagetables, 0, 0),
                  0);
        expect_eq(puppet_do(&p, DO_WRITE, slot, entry), i ? FAULT(PF, PF_PRESENT | PF_WRITE) : 0);
    }
    expect_eq(puppet_call(&p, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
                          VMASST_TYPE_writable_pagetables, 0, 0),
              0);
    refuse("dom0's L4", MFN_PTE(dom0s, PTE_RO), -XEN_EBUSY);
    refuse("dom0's page", MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW), -XEN_EBUSY);
    refuse("the screen", MFN_PTE(0xb8, PTE_RW), -XEN_EPERM);
    refuse("the local APIC", MFN_PTE(0xfee00, PTE_RO), -XEN_EPERM);
    refuse("the I/O APIC", MFN_PTE(0xfec00, PTE_RO), -XEN_EPERM);
    refuse("nothing", MFN_PTE(1UL << 28, PTE_RW), -XEN_EPERM);
    refuse("its own L1", MFN_PTE(p.mfn[PUPPET_L1], PTE_RW), -XEN_EBUSY);
    refuse("its own L4", MFN_PTE(p.mfn[PUPPET_L4], PTE_RW), -XEN_EBUSY);
    refuse("uncached RAM", MFN_PTE(own, PTE_RW | 1UL << 4), -XEN_EINVAL);
    refuse("write-through RAM", MFN_PTE(own, PTE_RW | 1UL << 3), -XEN_EINVAL);
    refuse("RAM with another PAT entry", MFN_PTE(own, PTE_RW | 1UL << 7), -XEN_EINVAL);
    refuse("RAM with all of them", MFN_PTE(own, PTE_RW | 0x98), -XEN_EINVAL);
    refuse_table(MFN_PTE(own, PTE_RO | 1UL << 4));
    expect_eq(update(MFN_PTE(own, PTE_RW), 0), -XEN_EPERM);
    expect_eq(update(MFN_PTE(dom0s, PTE_RO), 0), -XEN_EPERM);
    expect_eq(update(MFN_PTE(own, PTE_RW), DOMID_SELF | 1u << 16), -XEN_EPERM);
    expect_eq(puppet_call(&p, __HYPERVISOR_update_va_mapping_otherdomain, test_entry_va(),
                          MFN_PTE(dom0s, PTE_RO), 0, 0),
              -XEN_EPERM);
    /* What it had is as it was. */
    expect_eq(puppet_do(&p, DO_WRITE, test_entry_va(), 0x600d), 0);
    expect_eq(puppet_do(&p, DO_READ, test_entry_va(), 0), 0x600d);
}

static void may_use(bool yes) {
    domctl_op.u.ioport_permission = (struct xen_domctl_ioport_permission){
        .first_port = 0x80, .nr_ports = 1, .allow_access = yes};
    require_eq(domctl(XEN_DOMCTL_ioport_permission, p.id), 0);
    domctl_op.u.iomem_permission =
        (struct xen_domctl_iomem_permission){.first_mfn = 0xb8, .nr_mfns = 1, .allow_access = yes};
    require_eq(domctl(XEN_DOMCTL_iomem_permission, p.id), 0);
}

/* A domain with a device chooses how its memory is cached, not how RAM is. Stock Xen lets it, and
 * keeps account of such frames (402). */
static void with_a_device(void) {
    uint64_t own = p.mfn[PUPPET_FREE];

    may_use(true);
    expect_eq(update(MFN_PTE(0xb8, PTE_RW | 1UL << 4), DOMID_SELF), 0);
    expect_eq(update(MFN_PTE(own, PTE_RW), DOMID_SELF), 0);
    if (!on_stock_xen()) {
        refuse("uncached RAM of one with a device", MFN_PTE(own, PTE_RW | 1UL << 4), -XEN_EINVAL);
        refuse("its RAM with another PAT entry", MFN_PTE(own, PTE_RW | 1UL << 7), -XEN_EINVAL);
        refuse_table(MFN_PTE(own, PTE_RO | 1UL << 4));
    }
    may_use(false);
    refuse("uncached device", MFN_PTE(0xb8, PTE_RW | 1UL << 4), -XEN_EINVAL);
}

static long extended(unsigned int cmd, uint64_t a1, uint64_t a2, uint32_t dom) {
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = a1, .arg2.src_mfn = a2};

    puppet_poke(&p, PUPPET_PAGES - 1, 0, &op, sizeof(op));
    return puppet_call(&p, __HYPERVISOR_mmuext_op, puppet_va(PUPPET_PAGES - 1), 1, 0, dom);
}

static void table_operations(void) {
    uint64_t dom0s = virt_to_mfn(l4_table());

    expect_eq(extended(MMUEXT_PIN_L4_TABLE, dom0s, 0, DOMID_SELF), -XEN_EINVAL);
    expect_eq(extended(MMUEXT_PIN_L4_TABLE, dom0s, 0, 0), -XEN_EPERM);
    expect_eq(extended(MMUEXT_NEW_BASEPTR, dom0s, 0, DOMID_SELF), -XEN_EINVAL);
    expect_eq(extended(MMUEXT_NEW_USER_BASEPTR, dom0s, 0, DOMID_SELF), -XEN_EINVAL);
    expect_eq(extended(MMUEXT_CLEAR_PAGE, dom0s, 0, DOMID_SELF), -XEN_EINVAL);
    expect_eq(extended(MMUEXT_COPY_PAGE, p.mfn[PUPPET_FREE], dom0s, DOMID_SELF), -XEN_EINVAL);
    expect_eq(extended(MMUEXT_FLUSH_CACHE, 0, 0, DOMID_SELF), -XEN_EACCES);
    expect_eq(puppet_call(&p, __HYPERVISOR_update_descriptor, dom0s << PAGE_SHIFT, 0, 0, 0),
              -XEN_EINVAL);
}

/* Ports read as if nothing were there, whatever level the kernel gives itself. */
static void ports(void) {
    static const uint16_t port[] = {0x00, 0x20, 0x40,  0x61,  0x64, 0x71,
                                    0x80, 0xa0, 0x3f8, 0x4d0, 0xcfc};
    struct physdev_set_iopl iopl = {.iopl = 3};

    expect_eq(puppet_do(&p, DO_IN, 0x3f8, 0), FAULT(GP, 0));
    expect_eq(ARG(physdev_op, PHYSDEVOP_set_iopl, &iopl, 0), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(port); i++) {
        expect_eq((uint32_t)puppet_do(&p, DO_IN, port[i], 0), ~0U);
        expect_eq(puppet_do(&p, DO_OUT, port[i], ~0UL), 0);
    }
    /* The index of the clock chip is remembered, but there is no chip. */
    expect_eq(puppet_do(&p, DO_OUT, 0x70, 0x12), 0);
    expect_eq((uint32_t)puppet_do(&p, DO_IN, 0x70, 0), 0xffffff12);
    /* Configuration space: its address register is remembered, but there are no devices. */
    expect_eq(puppet_do(&p, DO_OUT, 0xcf8, 0x80000000), 0);
    expect_eq((uint32_t)puppet_do(&p, DO_IN, 0xcfc, 0), ~0U);
    /* The exit device of this machine. */
    expect_eq(puppet_do(&p, DO_OUT, 0xf4, 0), 0);
}

static void msrs(void) {
    static const uint32_t hidden[] = {0x48,       0x122,      0x174,      0x175,      0x1d9,
                                      0x1dd,      0x606,      0x611,      0x639,      0x6e0,
                                      0x800,      0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
                                      0xc0000104, 0xc0010010, 0xc0010117, 0xc0011019, 0xc001101a,
                                      0xc001101b, 0xc0011027, 0x12345678};
    static const uint32_t readonly[] = {0x1b, 0x277, 0xc0000080, 0x40000000};
    uint64_t v;

    for (unsigned int i = 0; i < ARRAY_SIZE(hidden); i++) {
        v = puppet_do(&p, DO_RDMSR, hidden[i], 0);
        count_check();
        if (v != FAULT(GP, 0)) failure("MSR %x reads %lx", hidden[i], v);
        v = puppet_do(&p, DO_WRMSR, hidden[i], 0);
        count_check();
        if (v != FAULT(GP, 0)) failure("MSR %x is written", hidden[i]);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(readonly); i++)
        expect_eq(puppet_do(&p, DO_WRMSR, readonly[i], 0x7fff), FAULT(GP, 0));
    /* A page to call into, in a frame that is not there. */
    expect_eq(puppet_do(&p, DO_WRMSR, 0x40000000, 0xfffffff000), FAULT(GP, 0));
    /* Bases that the CPU would not take (XSA-193). */
    for (uint32_t msr = 0xc0000100; msr <= 0xc0000102; msr++)
        expect_eq(puppet_do(&p, DO_WRMSR, msr, 0x8000000000000000), FAULT(GP, 0));
}

/* With msr_relaxed those that the CPU has and nobody emulates read as nothing. */
static void relaxed_msrs(void *windows) {
    static const uint32_t faked[] = {0x174, 0x175, 0x176};
    struct puppet relaxed;

    domctl_misc_flags = XEN_X86_MSR_RELAXED;
    puppet_make(&relaxed, windows);
    domctl_misc_flags = 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(faked); i++) {
        expect_eq(puppet_do(&relaxed, DO_WRMSR, faked[i], 0x10), 0);
        expect_eq(puppet_do(&relaxed, DO_RDMSR, faked[i], 0), 0);
    }
    expect_eq(puppet_do(&relaxed, DO_WRMSR, 0x1b, 0x7fff), 0);
    puppet_destroy(&relaxed);
}

/* What it is told of its TSC. */
static void time_leaf(void) {
    struct xen_domctl_tsc_info *t = &domctl_op.u.tsc_info;
    uint64_t told = puppet_do(&p, DO_CPUID, 0x40000003, 0);

    require_eq(domctl(XEN_DOMCTL_gettscinfo, p.id), 0);
    expect_eq((uint32_t)told, t->gtsc_khz);
    expect_eq(told >> 32, t->incarnation);
    expect((uint32_t)puppet_do(&p, DO_CPUID, 0x40000003, 1) != 0);
    /* Its scale is one that its time information has, too. */
    expect_eq((uint32_t)puppet_do(&p, DO_CPUID, 0x40000003, 1),
              p.shared->vcpu_info[0].time.tsc_to_system_mul);
}

/* Its registers, as the tools get them: what it never had, and what is no field, is zero (132). */
static void context_told(void) {
    static struct vcpu_guest_context c;
    const struct cpu_user_regs *r = &c.user_regs;
    static const struct trap_info unused = {.cs = 3}; /* made a selector of ring 3 */

    memset(&c, 0xa5, sizeof(c));
    require_eq(domctl(XEN_DOMCTL_pausedomain, p.id), 0);
    domctl_op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &c);
    expect_eq(domctl(XEN_DOMCTL_getvcpucontext, p.id), 0);
    require_eq(domctl(XEN_DOMCTL_unpausedomain, p.id), 0);
    expect_eq(c.ctrlreg[3], p.mfn[PUPPET_L4] << PAGE_SHIFT);
    expect_eq(r->_pad0[0] | r->_pad1[0] | r->_pad1[1] | r->_pad1[2], 0);
    for (unsigned int i = 0; i < 3; i++)
        expect_eq(r->_pad2[i] | r->_pad3[i] | r->_pad4[i] | r->_pad5[i] | r->_pad6[i], 0);
    for (unsigned int i = 32; i < ARRAY_SIZE(c.trap_ctxt); i++)
        expect_eq(memcmp(&c.trap_ctxt[i], &unused, sizeof(unused)), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(c.gdt_frames); i++) expect_eq(c.gdt_frames[i], 0);
    expect_eq(c.ctrlreg[5] | c.ctrlreg[6] | c.ctrlreg[7] | c.debugreg[4] | c.debugreg[5], 0);
}

static void hypervisor_memory(void) {
    static const uint64_t at[] = {0xffff808000000000, 0xffff810000000000, 0xffff818000000000,
                                  0xffff820000000000, 0xffff82d040000000, 0xffff830000000000};

    for (unsigned int i = 0; i < ARRAY_SIZE(at); i++) {
        uint64_t r = puppet_do(&p, DO_READ, at[i], 0), w = puppet_do(&p, DO_WRITE, at[i], 1);

        expect_eq(r >> 32, FAULT(PF, 0) >> 32);
        expect_eq(w >> 32, FAULT(PF, 0) >> 32);
        /* By the hypervisor's own hand: strings, counts, structures. */
        expect_eq(puppet_call(&p, __HYPERVISOR_xen_version, XENVER_extraversion, at[i], 0, 0),
                  -XEN_EFAULT);
        expect_eq(puppet_call(&p, __HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, at[i], 0),
                  -XEN_EFAULT);
        expect(puppet_call(&p, __HYPERVISOR_mmu_update, puppet_va(PUPPET_FREE), 0, at[i],
                           DOMID_SELF) <= 0);
        expect_eq(puppet_call(&p, __HYPERVISOR_set_trap_table, at[i], 0, 0, 0), -XEN_EFAULT);
    }
}

/* An exchange whose list lies in the hypervisor, or next to it (XSA-212). */
static void exchange_lists(void) {
    static const uint64_t lists[] = {0xffff830000000000, 0xffff82d040000000, 0xffff87fffffffff8,
                                     0x00007ffffffffff8, 0x8000000000000000};
    struct xen_memory_exchange e;
    xen_pfn_t mfn = p.mfn[PUPPET_FREE + 1];

    puppet_poke(&p, PUPPET_FREE, 0, &mfn, sizeof(mfn));
    for (unsigned int i = 0; i < ARRAY_SIZE(lists); i++) {
        e = (struct xen_memory_exchange){.in = {.nr_extents = 1, .domid = DOMID_SELF},
                                         .out = {.nr_extents = 1, .domid = DOMID_SELF}};
        set_xen_guest_handle(e.in.extent_start, (xen_pfn_t *)lists[i]);
        set_xen_guest_handle(e.out.extent_start, (xen_pfn_t *)puppet_va(PUPPET_FREE));
        expect_eq(ARG(memory_op, XENMEM_exchange, &e, 0), -XEN_EFAULT);
        set_xen_guest_handle(e.in.extent_start, (xen_pfn_t *)puppet_va(PUPPET_FREE));
        set_xen_guest_handle(e.out.extent_start, (xen_pfn_t *)lists[i]);
        e.nr_exchanged = 2;
        expect(ARG(memory_op, XENMEM_exchange, &e, 0) < 0);
        /* Progress and sizes that wrap. */
        e.nr_exchanged = 0;
        e.in.nr_extents = e.out.nr_extents = 1UL << 63;
        e.in.extent_order = e.out.extent_order = 1;
        expect(ARG(memory_op, XENMEM_exchange, &e, 0) < 0);
        e.in.extent_order = e.out.extent_order = 64;
        expect(ARG(memory_op, XENMEM_exchange, &e, 0) < 0);
    }
}

/* Numbers of elements that no memory holds: each call ends, and soon. */
static void long_lists(void) {
    uint64_t at = puppet_va(PUPPET_PAGES - 1);
    uint64_t zeros[512] = {0};

    puppet_poke(&p, PUPPET_PAGES - 1, 0, zeros, sizeof(zeros));
    expect(puppet_call(&p, __HYPERVISOR_mmu_update, at, 0x7fffffff, 0, DOMID_SELF) < 0);
    expect(puppet_call(&p, __HYPERVISOR_mmu_update, at, 0xffffffff, 0, DOMID_SELF) < 0);
    expect(puppet_call(&p, __HYPERVISOR_mmuext_op, at, 0x7fffffff, 0, DOMID_SELF) < 0);
    expect_eq(puppet_call(&p, __HYPERVISOR_multicall, at, 0xffffffff, 0, 0), -XEN_EFAULT);
    for (unsigned int op = 0; op <= GNTTABOP_cache_flush + 1; op++)
        expect(puppet_call(&p, __HYPERVISOR_grant_table_op, op, at, 0xffffffff, 0) < 0);
    expect(puppet_call(&p, __HYPERVISOR_grant_table_op, GNTTABOP_copy, at, 0x0fffffff, 0) < 0);
    expect(puppet_call(&p, __HYPERVISOR_set_gdt, at, 0xffffffff, 0, 0) < 0);
    expect(puppet_call(&p, __HYPERVISOR_set_gdt, at, 14 * 512 + 1, 0, 0) < 0);
    expect(extended(MMUEXT_SET_LDT, PUPPET_VA, 8193, DOMID_SELF) < 0);
    expect(extended(MMUEXT_SET_LDT, 0xffff830000000000, 1, DOMID_SELF) < 0);
    expect(puppet_call(&p, __HYPERVISOR_console_io, CONSOLEIO_write, 0xffffffff, at, 0) < 0);
}

/* Numbers that there are not. */
static void unknown_numbers(void) {
    static const uint8_t unused[] = {11, 43, 44, 45, 46, 47, 56, 57, 58, 59, 60, 61, 62, 63};

    for (unsigned int i = 0; i < ARRAY_SIZE(unused); i++)
        expect_eq(puppet_call(&p, unused[i], 0, 0, 0, 0), -XEN_ENOSYS);
    for (unsigned int bit = 6; bit < 32; bit++)
        expect_eq(puppet_call(&p, 1U << bit, 0, 0, 0, 0), -XEN_ENOSYS);
}

void test_main(void) {
    puppet_make(&p, window_alloc(2));
    control_operations();
    on_another_domain();
    hardware_operations();
    facts();
    page_table_entries();
    with_a_device();
    table_operations();
    ports();
    msrs();
    relaxed_msrs(window_alloc(2));
    time_leaf();
    context_told();
    hypervisor_memory();
    exchange_lists();
    long_lists();
    unknown_numbers();
    puppet_destroy(&p);
    expect_eq(domctl(XEN_DOMCTL_pausedomain, p.id), -XEN_ESRCH);
}
