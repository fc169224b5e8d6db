/* SPDX-License-Identifier: MIT */
/*
 * attacks-tables: page tables and what is near them, by tricks that once worked in Xen (XSA
 * numbers). Every flag at every level, in new entries and in changes of live ones (148, 182);
 * tables that show tables: writable, in chains, and the hypervisor's own through them (182, 185,
 * 240); live tables, descriptor frames and mapped pages given up or exchanged (159, 287); large
 * tables that are refused at their end, and what had been accepted of them taken back with
 * interruptions (299); bytes of results that are no field (information leaks).
 */
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sysctl.h>
#include <public/vcpu.h>
#include <public/version.h>
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define REFUSED_BITS (1UL << 3 | 1UL << 4 | 1UL << 7 | 1UL << 8) /* PWT, PCD, PSE, G */
#define LINEAR_SLOT  300
#define UNSET        0xa5 /* what a result did not touch */

static const unsigned int pins[] = {0, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                    MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};

static uint64_t *pinned(unsigned int level) {
    uint64_t *t = table_alloc();

    require_eq(mmuext(pins[level], virt_to_mfn(t), 0), 0);
    return t;
}

static void unpinned(uint64_t *t) {
    require_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(t), 0), 0);
    table_free(t);
}

static long preserving(uint64_t *entry, uint64_t value) {
    return mmu_update(machine_address(entry) | MMU_PT_UPDATE_PRESERVE_AD, value);
}

static bool is_address_bit(unsigned int bit) { return bit == 0 || (bit >= 12 && bit < 52); }

/* A table of the level with an entry for one of the level below. */
static void every_flag(unsigned int level) {
    uint64_t *t = pinned(level), *below = pinned(level - 1);
    uint64_t good = MFN_PTE(virt_to_mfn(below), PTE_TABLE);

    for (unsigned int bit = 0; bit < 64; bit++) {
        uint64_t with = good | 1UL << bit, without = good & ~(1UL << bit);
        long want = 1UL << bit & REFUSED_BITS ? -XEN_EINVAL : 0;

        if (is_address_bit(bit)) continue;
        expect_eq(write_entry(t + 5, with), want);
        expect_eq(write_entry(t + 5, good), 0);
        /* The same where the entry is there already, and only flags change. */
        expect_eq(write_entry(t + 5, with), want);
        expect_eq(preserving(t + 5, with), want);
        expect_eq(write_entry(t + 5, without), 0);
        expect_eq(preserving(t + 5, good), 0);
        if (want) expect_eq(t[5] & REFUSED_BITS, 0);
        expect_eq(write_entry(t + 5, 0), 0);
    }
    /* Not a table: an ordinary page, read-only even. */
    expect_eq(write_entry(t + 5, MFN_PTE(virt_to_mfn(page_alloc()), PTE_RO)), -XEN_EINVAL);
    expect_eq(write_entry(t + 5, MFN_PTE(virt_to_mfn(t), PTE_TABLE)), -XEN_EINVAL);
    unpinned(t);
    unpinned(below);
}

/* What a leaf may have; none of it makes a table writable. */
static void every_leaf_flag(void) {
    uint64_t *t = pinned(1), *victim = pinned(2);
    uint64_t good = MFN_PTE(virt_to_mfn(page_alloc()), PTE_RW);
    uint64_t bad = MFN_PTE(virt_to_mfn(victim), PTE_RO);

    for (unsigned int bit = 0; bit < 64; bit++) {
        if (is_address_bit(bit)) continue;
        expect_eq(write_entry(t + 5, good ^ 1UL << bit), 0);
        expect_eq(write_entry(t + 5, good), 0);
        expect_eq(write_entry(t + 5, bad | 1UL << bit), bit == 1 ? -XEN_EBUSY : 0);
        expect_eq(write_entry(t + 5, bad), 0);
        expect_eq(preserving(t + 5, bad | 1UL << bit | PTE_W), -XEN_EBUSY);
        expect_eq(t[5] & PTE_W, 0);
    }
    unpinned(t);
    unpinned(victim);
}

/* A table that shows itself, or others of its level, as data: to be read only. */
static void linear_tables(unsigned int level) {
    uint64_t *a = pinned(level), *b = pinned(level), *c = pinned(level);
    uint64_t ro = PTE_TABLE & ~PTE_W;

    for (unsigned int i = 0; i < 2; i++) {
        uint64_t *shown = i ? b : a;

        expect_eq(write_entry(a + 9, MFN_PTE(virt_to_mfn(shown), PTE_TABLE)), -XEN_EINVAL);
        expect_eq(write_entry(a + 9, MFN_PTE(virt_to_mfn(shown), ro)), 0);
        expect_eq(write_entry(a + 9, MFN_PTE(virt_to_mfn(shown), PTE_TABLE)), -XEN_EINVAL);
        expect_eq(preserving(a + 9, MFN_PTE(virt_to_mfn(shown), PTE_TABLE)), -XEN_EINVAL);
        expect_eq(write_entry(a + 9, MFN_PTE(virt_to_mfn(shown), ro | PTE_PS)), -XEN_EINVAL);
        expect_eq(a[9] & (PTE_W | PTE_PS), 0);
    }
    /* a shows b: now b may not show others, nor a be shown; the teardown of one is never that of
     * many. */
    expect_eq(write_entry(b + 9, MFN_PTE(virt_to_mfn(c), ro)), -XEN_EINVAL);
    expect_eq(write_entry(c + 9, MFN_PTE(virt_to_mfn(a), ro)), -XEN_EINVAL);
    expect_eq(write_entry(c + 9, MFN_PTE(virt_to_mfn(b), ro)), 0);
    /* What is shown stays a table when nobody pins it. */
    require_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(b), 0), 0);
    expect_eq(set_writable(b), -XEN_EBUSY);
    expect_eq(write_entry(a + 9, 0), 0);
    expect_eq(set_writable(b), -XEN_EBUSY);
    expect_eq(write_entry(c + 9, 0), 0);
    table_free(b);
    unpinned(a);
    unpinned(c);
}

/*
 * The hypervisor itself may read what its tables show: a hypercall whose argument lies there would
 * read it for the guest. Stock Xen 4.17 does; of it that is not asked.
 */
static void by_the_hypervisors_hand(uint64_t self) {
    unsigned int read = 0;

    for (unsigned int slot = 257; slot < 272; slot++)
        for (unsigned int i = 0; i < 2; i++) {
            uint64_t at = self | (i ? (uint64_t)LINEAR_SLOT << 21 | (uint64_t)slot << 12
                                    : (uint64_t)slot << 21);

            read += HV_vcpu_op(VCPUOP_register_runstate_memory_area, 0, at) != -XEN_EFAULT;
        }
    if (on_stock_xen())
        printk("%u of its pages were read\n", read);
    else
        expect_eq(read, 0);
}

/* All of the live tables by one entry of the L4; the hypervisor's are there and not to be had. */
static void through_the_l4(void) {
    uint64_t *l4 = l4_table(), value, base = 0xffff000000000000 | (uint64_t)LINEAR_SLOT << 39;
    uint64_t self = base | (uint64_t)LINEAR_SLOT << 30, at;
    uint64_t *as_data =
        (uint64_t *)(self | (uint64_t)LINEAR_SLOT << 21 | (uint64_t)LINEAR_SLOT << 12);

    require_eq(write_entry(l4 + LINEAR_SLOT, MFN_PTE(virt_to_mfn(l4), PTE_TABLE & ~PTE_W)), 0);
    for (unsigned int i = 0; i < 512; i++) {
        expect_eq(try_read(as_data + i, &value), 0);
        expect_eq(try_write(as_data + i, 0), FAULT(PF, PF_PRESENT | PF_WRITE));
    }
    /* Below each of the hypervisor's slots: its L3 as data, an L2 as data, an L1. */
    for (unsigned int slot = 257; slot < 272; slot++) {
        at = self | (uint64_t)LINEAR_SLOT << 21 | (uint64_t)slot << 12;
        expect_eq(FAULT_VECTOR(try_read((void *)at, &value)), PF);
        expect_eq(FAULT_VECTOR(try_write((void *)at, 0)), PF);
        at = self | (uint64_t)slot << 21;
        for (unsigned int k = 0; k < 512; k += 17)
            expect_eq(FAULT_VECTOR(try_read((void *)(at | (uint64_t)k << 12), &value)), PF);
    }
    by_the_hypervisors_hand(self);
    /* The tables of the machine-to-physical table may be read; not written. */
    at = self | (uint64_t)LINEAR_SLOT << 21 | 256UL << 12;
    expect_eq(FAULT_VECTOR(try_write((void *)at, 0)), PF);
    at = self | 256UL << 21;
    expect_eq(FAULT_VECTOR(try_write((void *)at, 0)), PF);
    expect_eq(write_entry(l4 + LINEAR_SLOT, 0), 0);
}

static long give_up(uint64_t mfn) {
    struct xen_memory_exchange e = {.in = {.nr_extents = 1, .domid = DOMID_SELF},
                                    .out = {.nr_extents = 1, .domid = DOMID_SELF}};
    xen_pfn_t in = mfn, out = mfn_to_pfn(mfn);
    long rc;

    set_xen_guest_handle(e.in.extent_start, &in);
    set_xen_guest_handle(e.out.extent_start, &out);
    rc = HV_memory_op(XENMEM_exchange, &e);
    expect_eq(e.nr_exchanged, 0);
    return rc;
}

/* Frames in use are not exchanged, and are what they were. */
static void frames_in_use(void) {
    uint64_t *mapped = page_alloc(), *table = pinned(1), *gdt = page_alloc();
    uint64_t frames[1] = {virt_to_mfn(gdt)};

    require_eq(set_readonly(gdt), 0);
    require_eq(HV_set_gdt(frames, 512), 0);
    mapped[3] = 0x600d;
    expect_eq(give_up(virt_to_mfn(mapped)), -XEN_EINVAL);
    expect_eq(mapped[3], 0x600d);
    expect_eq(give_up(virt_to_mfn(table)), -XEN_EINVAL);
    expect_eq(give_up(virt_to_mfn(l4_table())), -XEN_EINVAL);
    expect_eq(give_up(frames[0]), -XEN_EINVAL);
    expect_eq(give_up(si->shared_info >> PAGE_SHIFT), -XEN_EINVAL);
    /* Nothing maps them any more, but they are in use all the same. */
    require_eq(map_pte(gdt, 0), 0);
    expect_eq(give_up(frames[0]), -XEN_EINVAL);
    require_eq(map_pte(table, 0), 0);
    expect_eq(give_up(virt_to_mfn(table)), -XEN_EINVAL);
    require_eq(set_readonly(table), 0);
    require_eq(set_readonly(gdt), 0);
    require_eq(HV_set_gdt(NULL, 0), 0);
    table_free(gdt);
    unpinned(table);
    page_free(mapped);
}

#define FULL_L1S 64

/* An L2 with so many full L1s; its last entry is none. Nothing of it is a table yet. */
static void make_large(uint64_t **l1, uint64_t *l2) {
    uint64_t leaf = MFN_PTE(virt_to_mfn(page_alloc()), PTE_RO);

    for (unsigned int i = 0; i < FULL_L1S; i++) {
        l1[i] = page_alloc();
        for (unsigned int k = 0; k < 512; k++) l1[i][k] = leaf;
        require_eq(set_readonly(l1[i]), 0);
        l2[i] = MFN_PTE(virt_to_mfn(l1[i]), PTE_TABLE);
    }
    l2[511] = MFN_PTE(virt_to_mfn(l2), PTE_TABLE);
}

/*
 * Refused whole, in each of the places where the taking back may have to wait for the next call:
 * nothing is left of it when the answer is there. A timer sees to the interruptions.
 */
static void refused_late(void) {
    static uint64_t *l1[FULL_L1S];
    struct vcpu_set_periodic_timer often = {.period_ns = MS};
    uint64_t *l2 = page_alloc(), *l3 = page_alloc(), *live = pinned(3);

    make_large(l1, l2);
    l3[0] = MFN_PTE(virt_to_mfn(l2), PTE_TABLE);
    require_eq(set_readonly(l2), 0);
    require_eq(set_readonly(l3), 0);
    require_eq(HV_vcpu_op(VCPUOP_set_periodic_timer, 0, &often), 0);
    for (unsigned int i = 0; i < 10; i++) {
        expect_eq(mmuext(MMUEXT_PIN_L2_TABLE, virt_to_mfn(l2), 0), -XEN_EINVAL);
        expect_eq(mmuext(MMUEXT_PIN_L3_TABLE, virt_to_mfn(l3), 0), -XEN_EINVAL);
        expect_eq(write_entry(live + 5, l3[0]), -XEN_EINVAL);
        expect_eq(live[5], 0);
    }
    require_eq(HV_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    unpinned(live);
    table_free(l3);
    table_free(l2);
    for (unsigned int i = 0; i < FULL_L1S; i++) table_free(l1[i]);
}

/* Text and, from its end on, zeros. */
static void expect_text(unsigned int cmd, size_t size) {
    static char buffer[2048];
    size_t at;

    memset(buffer, UNSET, sizeof(buffer));
    expect_eq(HV_xen_version(cmd, buffer), 0);
    for (at = 0; at < size && buffer[at]; at++) continue;
    expect(at < size);
    for (; at < size; at++)
        if (buffer[at]) break;
    expect_eq(at, size);
    expect_eq((uint8_t)buffer[size], UNSET);
}

/* Bytes of a result, from one offset to another, that are no field: nothing, or the caller's. */
static void expect_no_field(const void *result, size_t from, size_t to) {
    const uint8_t *bytes = result;

    for (size_t i = from; i < to; i++) {
        count_check();
        if (bytes[i] && bytes[i] != UNSET) failure("byte %lu of a result is 0x%x", i, bytes[i]);
    }
}
#define END_OF(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))

static void padding(void) {
    struct evtchn_alloc_unbound port = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_status status;
    struct gnttab_query_size size;
    struct xen_sysctl list;
    static struct xen_domctl_getdomaininfo infos[2];

    require_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &port), 0);
    memset(&status, UNSET, sizeof(status));
    status.dom = DOMID_SELF;
    status.port = port.port;
    expect_eq(HV_event_channel_op(EVTCHNOP_status, &status), 0);
    expect_no_field(&status, sizeof(status.dom), offsetof(struct evtchn_status, port));
    expect_no_field(&status, END_OF(struct evtchn_status, u.unbound.dom), sizeof(status));

    memset(&size, UNSET, sizeof(size));
    size.dom = DOMID_SELF;
    expect_eq(HV_grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    expect_no_field(&size, sizeof(size.dom), offsetof(struct gnttab_query_size, nr_frames));
    expect_no_field(&size, END_OF(struct gnttab_query_size, status), sizeof(size));

    memset(&list, UNSET, sizeof(list));
    memset(infos, UNSET, sizeof(infos));
    list.cmd = XEN_SYSCTL_getdomaininfolist;
    list.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    list.u.getdomaininfolist.first_domain = 0;
    list.u.getdomaininfolist.max_domains = 2;
    set_xen_guest_handle(list.u.getdomaininfolist.buffer, infos);
    expect_eq(hypercall1(__HYPERVISOR_sysctl, &list), 0);
    expect_eq(list.u.getdomaininfolist.num_domains, 1);
    expect_no_field(&list, END_OF(struct xen_sysctl, u.getdomaininfolist), sizeof(list));
    expect_no_field(infos, offsetof(struct xen_domctl_getdomaininfo, pad1),
                    offsetof(struct xen_domctl_getdomaininfo, flags));
    expect_no_field(infos, offsetof(struct xen_domctl_getdomaininfo, pad2),
                    offsetof(struct xen_domctl_getdomaininfo, arch_config));
    for (size_t i = 0; i < sizeof(infos[1]); i++) expect_eq(((uint8_t *)&infos[1])[i], UNSET);

    /* What is pushed for a handler. */
    expect_eq(TRY("ud2"), FAULT(UD, 0));
    expect_eq(last_trap.cs_pad | last_trap.mask_pad[0] | last_trap.mask_pad[1] |
                  last_trap.mask_pad[2],
              0);
    expect_eq(last_trap.ss, FLAT_KERNEL_SS);
}

static void results(void) {
    static struct {
        union {
            struct vcpu_runstate_info r;
            struct vcpu_register_runstate_memory_area area;
            uint8_t bytes[64];
        } a, b;
    } s;
    const struct vcpu_time_info *t = &this_vcpu()->info->time;
    struct vcpu_register_runstate_memory_area area;

    memset(&s, 0xa5, sizeof(s));
    expect_eq(HV_vcpu_op(VCPUOP_get_runstate_info, 0, &s.a), 0);
    set_xen_guest_handle(area.addr.h, &s.b.r);
    expect_eq(HV_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area), 0);
    for (unsigned int i = 4; i < 8; i++) {
        expect_eq(s.a.bytes[i], 0);
        expect_eq(s.b.bytes[i], 0);
    }
    for (unsigned int i = sizeof(s.a.r); i < 64; i++) expect_eq(s.a.bytes[i] & s.b.bytes[i], 0xa5);
    expect_eq(t->pad0 | t->pad1[0] | (t->pad1[1] & 0), 0);
    expect_text(XENVER_extraversion, sizeof(xen_extraversion_t));
    expect_text(XENVER_capabilities, sizeof(xen_capabilities_info_t));
    expect_text(XENVER_changeset, sizeof(xen_changeset_info_t));
}

void test_main(void) {
    for (unsigned int level = 2; level <= 4; level++) every_flag(level);
    every_leaf_flag();
    for (unsigned int level = 2; level <= 4; level++) linear_tables(level);
    through_the_l4();
    frames_in_use();
    refused_late();
    results();
    padding();
}
