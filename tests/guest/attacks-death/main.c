/* SPDX-License-Identifier: MIT */
/*
 * attacks-death: domains that die in the middle of things. Grants mapped by the dead or of the
 * dead, whatever became of the page-table entries (XSA numbers: 224, 234, 380, 384); event channels
 * to and from the dead (317, 343); what is left in frames that come back; destruction while the
 * guest retypes tables, maps grants, sends events or runs long lists on another CPU (299, 344); or
 * after it left a long chain of tables half validated. And by a frame that does not fit (215).
 * Afterwards nothing of it is left: no mark, no reference, no domain, no memory.
 * Run with: --smp 2
 */
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/sysctl.h>
#include "event.h"
#include "mm.h"
#include "puppet.h"
#include "trap.h"

#define REF    8
#define SECRET 0x5ec4e75ec4e7UL

static struct puppet p;
static struct grant_entry_v1 *own_grants, *its_grants;
static uint64_t *window, *shared_page;
static void *mail_windows;

static uint64_t first_grant_frame(domid_t id) {
    struct gnttab_setup_table setup = {.dom = id, .nr_frames = 1};
    uint64_t frame = 0;

    set_xen_guest_handle(setup.frame_list, &frame);
    require_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    require_eq(setup.status, 0);
    return frame;
}

static void grant(struct grant_entry_v1 *table, domid_t to, uint64_t mfn, uint16_t flags) {
    table[REF].domid = to;
    table[REF].frame = (uint32_t)mfn;
    barrier();
    WRITE_ONCE(table[REF].flags, flags);
}

/* A puppet with its grant table in view. */
static void make(void) {
    puppet_make(&p, mail_windows);
    require_eq(mmu_update_dom(machine_address(l1_entry(its_grants)),
                              MFN_PTE(first_grant_frame(p.id), PTE_RW), p.id),
               0);
}

static bool is_there(void) {
    return domctl(XEN_DOMCTL_getdomaininfo, p.id) == 0 && domctl_op.domain == p.id;
}

static void end(void) {
    require_eq(map_pte(its_grants, 0), 0);
    puppet_destroy(&p);
}

static void expect_gone(void) { expect(wait_for(!is_there(), 20000)); }

/* No reference is left on a frame of ours: it can be a table. */
static void expect_free(void *page) {
    memset(page, 0, PAGE_SIZE);
    require_eq(set_readonly(page), 0);
    expect_eq(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(page), 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(page), 0), 0);
    require_eq(set_writable(page), 0);
}

static int its_map(uint64_t at, uint32_t flags, uint32_t *handle) {
    struct gnttab_map_grant_ref op = {.host_addr = at, .flags = flags, .ref = REF, .dom = 0};

    expect_eq(puppet_call_arg(&p, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &op,
                              sizeof(op), 1),
              0);
    *handle = op.handle;
    return op.status;
}

static int its_unmap(uint64_t at, uint32_t handle) {
    struct gnttab_unmap_grant_ref op = {.host_addr = at, .handle = handle};

    expect_eq(puppet_call_arg(&p, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &op,
                              sizeof(op), 1),
              0);
    return op.status;
}

static long its_update(unsigned int page, uint64_t entry) {
    return puppet_call(&p, __HYPERVISOR_update_va_mapping, puppet_va(page), entry, UVMF_INVLPG, 0);
}

/* The puppet maps a page of ours and dies with it. */
static void grantee_dies(bool overwrite, uint32_t sort) {
    uint64_t at = puppet_va(PUPPET_FREE);
    uint32_t handle;

    make();
    grant(own_grants, p.id, virt_to_mfn(shared_page), GTF_permit_access);
    expect_eq(its_map(at, sort, &handle), GNTST_okay);
    expect_eq(its_map(puppet_va(PUPPET_FREE + 1), sort | GNTMAP_readonly, &handle), GNTST_okay);
    if (sort & GNTMAP_host_map) {
        shared_page[7] = SECRET;
        expect_eq(puppet_do(&p, DO_READ, at + 7 * 8, 0), SECRET);
        expect_eq(puppet_do(&p, DO_WRITE, at + 8 * 8, 0x600d), 0);
        expect_eq(shared_page[8], 0x600d);
        expect_eq(puppet_do(&p, DO_WRITE, at + PAGE_SIZE, 1), FAULT(PF, PF_PRESENT | PF_WRITE));
        /* Read-only stays so; and the frame is not the puppet's. */
        expect_eq(its_update(PUPPET_FREE + 1, MFN_PTE(virt_to_mfn(shared_page), PTE_RW)),
                  -XEN_EBUSY);
        expect_eq(its_update(PUPPET_FREE + 2, MFN_PTE(virt_to_mfn(shared_page), PTE_RO)),
                  -XEN_EBUSY);
    }
    if (overwrite) {
        expect_eq(its_update(PUPPET_FREE, MFN_PTE(p.mfn[PUPPET_FREE], PTE_RW)), 0);
        expect_eq(its_update(PUPPET_FREE + 1, 0), 0);
        /* The handle stands for nothing that could be unmapped; its pin stays. */
        expect_eq(its_unmap(at + PAGE_SIZE, handle), GNTST_general_error);
        expect_eq(its_unmap(at, handle), GNTST_general_error);
    }
    WRITE_ONCE(own_grants[REF].flags, own_grants[REF].flags & ~GTF_permit_access);
    expect_eq(own_grants[REF].flags, GTF_reading | GTF_writing);
    end();
    expect_gone();
    expect_eq(own_grants[REF].flags, 0);
    expect_free(shared_page);
}

static long set_handler(unsigned int virq, domid_t id) {
    domctl_op.u.set_virq_handler.virq = virq;
    return domctl(XEN_DOMCTL_set_virq_handler, id);
}

/* A domain of which only the shell is left gets nothing new. */
static void asked_of_the_shell(void) {
    struct evtchn_alloc_unbound alloc = {.dom = p.id, .remote_dom = DOMID_SELF};
    struct xen_memory_reservation claim = {.domid = p.id, .nr_extents = PUPPET_PAGES};
    long claimed;

    expect_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), -XEN_EINVAL);
    expect_eq(HV_memory_op(XENMEM_maximum_gpfn, &(domid_t){p.id}), 0);
    claimed = HV_memory_op(XENMEM_claim_pages, &claim);
    expect(claimed == -XEN_EINVAL || claimed == 0); /* stock Xen claims for it */
    claim.nr_extents = 0;
    expect_eq(HV_memory_op(XENMEM_claim_pages, &claim), 0);
    /* As the one that an interrupt goes to it is gone at once, or (stock Xen) kept by that. */
    expect_eq(set_handler(VIRQ_CON_RING, p.id), 0);
    expect_eq(set_handler(VIRQ_CON_RING, 0), 0);
}

/* We map a page of the puppet's and have it die. */
static void granter_dies(void) {
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)window, .flags = GNTMAP_host_map, .ref = REF};
    struct gnttab_map_grant_ref again = op;
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (uint64_t)window};
    uint64_t value;

    make();
    puppet_do(&p, DO_WRITE, puppet_va(PUPPET_FREE), SECRET);
    grant(its_grants, 0, p.mfn[PUPPET_FREE], GTF_permit_access);
    op.dom = again.dom = p.id;
    again.host_addr += PAGE_SIZE;
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    expect_eq(op.status, GNTST_okay);
    expect_eq(window[0], SECRET);
    end();
    /* The shell stays, with what we map. */
    expect(is_there());
    expect(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_dying);
    expect_eq(try_read(window, &value), 0);
    expect_eq(value, SECRET);
    expect_eq(try_write(window + 1, 1), 0);
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &again, 1), 0);
    if (again.status == GNTST_okay) { /* stock Xen still does that */
        struct gnttab_unmap_grant_ref second = {.host_addr = again.host_addr,
                                                .handle = again.handle};

        expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &second, 1), 0);
        expect_eq(second.status, GNTST_okay);
    }
    asked_of_the_shell();
    expect(domctl(XEN_DOMCTL_destroydomain, p.id) == 0);
    unmap.handle = op.handle;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    expect_eq(unmap.status, GNTST_okay);
    expect_eq(try_read(window, &value), FAULT(PF, 0));
    expect_gone();
}

/* The same, but our entry was overwritten: the handle is worth nothing, does not keep the domain,
 * and ours is untouched. (With the domain gone, stock Xen crashes a domain that tries.) */
static void handle_outlives_mapping(void) {
    struct gnttab_map_grant_ref op = {
        .host_addr = (uint64_t)window, .flags = GNTMAP_host_map, .ref = REF};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = (uint64_t)window};

    make();
    grant(its_grants, 0, p.mfn[PUPPET_FREE], GTF_permit_access);
    op.dom = p.id;
    expect_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
    require_eq(op.status, GNTST_okay);
    require_eq(map_mfn(window, virt_to_mfn(shared_page), PTE_RW), 0);
    unmap.handle = op.handle;
    expect_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    expect_eq(unmap.status, GNTST_general_error);
    expect_eq(its_grants[REF].flags, GTF_permit_access | GTF_reading | GTF_writing);
    end();
    expect_gone();
    expect_eq(try_write(window, 0x600d), 0);
    expect_eq(shared_page[0], 0x600d);
    require_eq(map_pte(window, 0), 0);
    expect_free(shared_page);
}

/* Ports whose other end dies go back to waiting, and are nobody's to bind. */
static void channels(void) {
    struct evtchn_alloc_unbound its = {.remote_dom = 0};
    struct evtchn_bind_interdomain bind = {0}, back = {.remote_dom = 0};
    struct evtchn_close close = {0};
    struct evtchn_reset reset;
    struct evtchn_status status;
    unsigned int ours;

    make();
    /* It runs: its ports are its own to reset. */
    reset.dom = p.id;
    expect_eq(HV_event_channel_op(EVTCHNOP_reset, &reset), -XEN_EINVAL);
    its.dom = p.id;
    require_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &its), 0);
    bind.remote_dom = p.id;
    bind.remote_port = its.port;
    require_eq(HV_event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
    ours = event_alloc(p.id);
    back.remote_port = ours;
    expect_eq(puppet_call_arg(&p, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &back,
                              sizeof(back), 0),
              0);
    expect_eq(event_send(bind.local_port), 0);
    expect(test_bit(its.port, p.shared->evtchn_pending));
    /* Not its own: a port that waits for another domain. */
    back.remote_port = event_alloc(p.id + 1u);
    expect_eq(puppet_call_arg(&p, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, &back,
                              sizeof(back), 0),
              -XEN_EINVAL);
    end();
    for (unsigned int i = 0; i < 2; i++) {
        unsigned int port = i ? ours : bind.local_port;

        expect_eq(event_status(port, &status), 0);
        expect_eq(status.status, EVTCHNSTAT_unbound);
        expect_eq(status.u.unbound.dom, p.id);
        expect_eq(event_send(port), 0);
        close.port = port;
        expect_eq(HV_event_channel_op(EVTCHNOP_close, &close), 0);
    }
    close.port = back.remote_port;
    expect_eq(HV_event_channel_op(EVTCHNOP_close, &close), 0);
    bind.remote_port = its.port;
    expect(HV_event_channel_op(EVTCHNOP_bind_interdomain, &bind) < 0);
    expect_gone();
}

/* Frames come back without what was in them. */
static void secrets(void) {
    static xen_pfn_t frames[64];
    struct xen_memory_reservation r = {.domid = DOMID_SELF};
    unsigned int seen = 0;
    long n;

    make();
    for (unsigned int i = PUPPET_FREE; i < PUPPET_PAGES; i++)
        for (unsigned int at = 0; at < PAGE_SIZE; at += PAGE_SIZE / 4)
            expect_eq(puppet_do(&p, DO_WRITE, puppet_va(i) + at, SECRET), 0);
    end();
    expect_gone();
    /* Room for some: give pages of ours back. Theirs are then most likely the ones to be had. */
    r.nr_extents = ARRAY_SIZE(frames);
    for (unsigned int i = 0; i < r.nr_extents; i++) {
        void *page = page_alloc();

        frames[i] = virt_to_mfn(page);
        require_eq(map_pte(page, 0), 0);
    }
    set_xen_guest_handle(r.extent_start, frames);
    require_eq(HV_memory_op(XENMEM_decrease_reservation, &r), r.nr_extents);
    n = HV_memory_op(XENMEM_increase_reservation, &r);
    require_eq(n, r.nr_extents);
    for (long i = 0; i < n; i++) {
        uint64_t bad = 0;

        for (unsigned int k = 0; k < PUPPET_PAGES; k++) seen += frames[i] == p.mfn[k];
        require_eq(map_mfn(window, frames[i], PTE_RW), 0);
        for (unsigned int k = 0; k < PAGE_SIZE / 8; k++) bad += window[k] == SECRET;
        expect_eq(bad, 0);
        require_eq(map_pte(window, 0), 0);
    }
    printk("%u of the dead domain's %u frames seen again\n", seen, PUPPET_PAGES);
}

static uint64_t free_memory(void) {
    static struct xen_sysctl op;

    op.cmd = XEN_SYSCTL_physinfo;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    require_eq(hypercall1(__HYPERVISOR_sysctl, &op), 0);
    return op.u.physinfo.free_pages;
}

enum { PIN_LOOP, GRANT_LOOP, SEND_LOOP, LIST_LOOP, COPY_LOOP, NR_LOOPS };

/* Starts the puppet on something that does not end. */
static void start_loop(unsigned int which) {
    uint64_t at = puppet_va(PUPPET_PAGES - 1);
    union {
        struct multicall_entry calls[32];
        struct gnttab_copy copies[32];
    } u;

    memset(&u, 0, sizeof(u));
    switch (which) {
    case PIN_LOOP: { /* two tables of its, to and from page tables and writable pages */
        struct mmuext_op ops[2] = {
            {.cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = p.mfn[PUPPET_FREE]},
            {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = p.mfn[PUPPET_FREE]},
        };
        uint64_t ro = MFN_PTE(p.mfn[PUPPET_FREE], PTE_RO), rw = ro | PTE_RW;

        for (unsigned int i = 0; i < 32; i += 4) {
            u.calls[i] = u.calls[i + 3] = (struct multicall_entry){
                .op = __HYPERVISOR_update_va_mapping, .args = {puppet_va(PUPPET_FREE), ro, 0}};
            u.calls[i + 3].args[1] = rw;
            for (unsigned int k = 0; k < 2; k++)
                u.calls[i + 1 + k] = (struct multicall_entry){
                    .op = __HYPERVISOR_mmuext_op,
                    .args = {at - PAGE_SIZE + k * sizeof(ops[0]), 1, 0, DOMID_SELF}};
        }
        puppet_poke(&p, PUPPET_PAGES - 2, 0, ops, sizeof(ops));
        break;
    }
    case GRANT_LOOP: {
        struct gnttab_map_grant_ref map = {
            .host_addr = puppet_va(PUPPET_FREE), .flags = GNTMAP_host_map, .ref = REF, .dom = 0};

        puppet_poke(&p, PUPPET_PAGES - 2, 0, &map, sizeof(map));
        for (unsigned int i = 0; i < 32; i++)
            u.calls[i] =
                (struct multicall_entry){.op = __HYPERVISOR_grant_table_op,
                                         .args = {GNTTABOP_map_grant_ref, at - PAGE_SIZE, 1}};
        break;
    }
    case SEND_LOOP:
        for (unsigned int i = 0; i < 32; i++)
            u.calls[i] = (struct multicall_entry){
                .op = __HYPERVISOR_event_channel_op,
                .args = {i & 1 ? EVTCHNOP_send : EVTCHNOP_unmask, at - PAGE_SIZE}};
        puppet_poke(&p, PUPPET_PAGES - 2, 0, &(struct evtchn_send){.port = 1},
                    sizeof(struct evtchn_send));
        break;
    case LIST_LOOP: /* a list of updates that change nothing, read as far as it goes */ break;
    case COPY_LOOP:
        for (unsigned int i = 0; i < 32; i++) {
            u.copies[i] = (struct gnttab_copy){.len = PAGE_SIZE, .flags = GNTCOPY_source_gref};
            u.copies[i].source.u.ref = REF;
            u.copies[i].dest.domid = DOMID_SELF;
            u.copies[i].dest.u.gmfn = p.mfn[PUPPET_FREE];
        }
        break;
    }
    puppet_poke(&p, PUPPET_PAGES - 1, 0, &u, sizeof(u));
    if (which == LIST_LOOP)
        puppet_start(&p, DO_FOREVER, __HYPERVISOR_mmuext_op,
                     (uint64_t[5]){puppet_va(PUPPET_FREE), 1000, 0, DOMID_SELF});
    else if (which == COPY_LOOP)
        puppet_start(&p, DO_FOREVER, __HYPERVISOR_grant_table_op,
                     (uint64_t[5]){GNTTABOP_copy, at, 32});
    else
        puppet_start(&p, DO_FOREVER, __HYPERVISOR_multicall, (uint64_t[5]){at, 32});
}

static void destroyed_in_the_act(void) {
    struct evtchn_alloc_unbound its = {.remote_dom = 0};
    struct evtchn_bind_interdomain bind = {0};
    struct evtchn_close close;

    for (unsigned int round = 0; round < 8 * NR_LOOPS; round++) {
        make();
        grant(own_grants, p.id, virt_to_mfn(shared_page), GTF_permit_access);
        its.dom = bind.remote_dom = p.id;
        require_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &its), 0);
        bind.remote_port = its.port;
        require_eq(HV_event_channel_op(EVTCHNOP_bind_interdomain, &bind), 0);
        expect_eq(its.port, 1);
        start_loop(round % NR_LOOPS);
        expect(wait_for(p.mail->rounds > 2 + round, 20000));
        end();
        expect_gone();
        WRITE_ONCE(own_grants[REF].flags, own_grants[REF].flags & ~GTF_permit_access);
        expect_eq(own_grants[REF].flags, 0);
        close.port = bind.local_port;
        expect_eq(HV_event_channel_op(EVTCHNOP_close, &close), 0);
        expect_free(shared_page);
    }
}

#define LINKS 1024

static unsigned int abandoned;

/* Goes on behind the hypercall that was to be continued. */
static bool abandon(struct regs *r) {
    const uint8_t *at = (const uint8_t *)r->rip;

    WRITE_ONCE(this_vcpu()->info->evtchn_upcall_pending, 0);
    if (at[0] != 0x0f || at[1] != 0x05) return true; /* it had ended */
    r->rip += 2;
    abandoned++;
    return true;
}

/* With an upcall due, the hypervisor looks at one entry, and then would go on later. */
static void leave_partial(domid_t id, uint64_t table) {
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L2_TABLE, .arg1.mfn = table};
    struct vcpu_info *info = this_vcpu()->info;

    WRITE_ONCE(info->evtchn_upcall_pending, 1);
    WRITE_ONCE(info->evtchn_upcall_mask, 0);
    HV_mmuext_op(&op, 1, NULL, id);
    WRITE_ONCE(info->evtchn_upcall_mask, 1);
}

/* Each is left before an entry that names the next: whoever tears one down must not go down the
 * whole chain. dom0 does it for the domain, which could itself. */
static void chain_of_partial_tables(void) {
    static uint64_t frames[LINKS + 1];
    trap_hook_t *hook = trap_hooks[VEC_EVENT];

    p.id = domctl_create(2);
    domctl_populate(p.id, frames, LINKS + 1);
    trap_hooks[VEC_EVENT] = abandon;
    for (unsigned int i = 1; i <= LINKS; i++) {
        require_eq(
            mmu_update_dom(machine_address(l1_entry(window)), MFN_PTE(frames[i], PTE_RW), p.id), 0);
        require_eq(mmuext(MMUEXT_INVLPG_LOCAL, (uint64_t)window, 0), 0);
        window[0] = MFN_PTE(frames[0], PTE_TABLE);
        window[1] = MFN_PTE(frames[i - 1], PTE_TABLE);
        require_eq(map_pte(window, 0), 0);
        leave_partial(p.id, frames[i]);
    }
    trap_hooks[VEC_EVENT] = hook;
    printk("%u of %u tables left half validated\n", abandoned, LINKS);
    expect(abandoned > LINKS * 9 / 10);
    expect_eq(domctl(XEN_DOMCTL_destroydomain, p.id), 0);
    expect_gone();
}

/* A frame that the dead shared with the hypervisor, and that we still see: it becomes no table. */
static void shared_frame_of_the_dead(void) {
    uint64_t entry = machine_address(l1_entry(window)), mfn;

    make();
    mfn = PTE_MFN(*l1_entry((void *)(uintptr_t)p.shared));
    require_eq(mmu_update_dom(entry, MFN_PTE(mfn, PTE_RO), p.id), 0);
    end();
    for (unsigned int cmd = MMUEXT_PIN_L1_TABLE; cmd <= MMUEXT_PIN_L4_TABLE; cmd++) {
        expect(mmuext_dom(cmd, mfn, 0, DOMID_XEN) < 0);
        expect(mmuext_dom(cmd, mfn, 0, DOMID_IO) < 0);
        expect(mmuext_dom(cmd, mfn, 0, p.id) < 0);
    }
    require_eq(map_pte(window, 0), 0);
    expect_gone();
}

#define ABOVE_HYPERVISOR 0xffff880000000000UL
#define FAILSAFE_WORDS   11

static bool has_crashed(void) {
    if (!is_there()) return false;
    return (domctl_op.u.getdomaininfo.flags & XEN_DOMINF_shutdown) &&
           domctl_op.u.getdomaininfo.flags >> XEN_DOMINF_shutdownshift == SHUTDOWN_crash;
}

/* A page where addresses begin again behind the hypervisor's; its lower half has it at 0. */
static void map_above_hypervisor(void) {
    const uint64_t entry[] = {MFN_PTE(p.mfn[PUPPET_L3], PTE_TABLE),
                              MFN_PTE(p.mfn[PUPPET_FREE], PTE_TABLE),
                              MFN_PTE(p.mfn[PUPPET_FREE + 1], PTE_RW), 0};

    puppet_poke(&p, PUPPET_L4, L4_INDEX(ABOVE_HYPERVISOR) * 8, &entry[0], 8);
    puppet_poke(&p, PUPPET_L2, 0, &entry[1], 8);
    puppet_poke(&p, PUPPET_FREE, 0, &entry[2], 8);
    /* The table is not mapped writable. */
    puppet_poke(&p, PUPPET_L1, (L1_INDEX(PUPPET_VA) + PUPPET_FREE) * 8, &entry[3], 8);
}

/* Its first frame, the longest that there is, ends so far above the hypervisor's memory: part of it
 * would be the hypervisor's, or all of it is its own (XSA-215). */
static void frame_at_the_edge(uint64_t room) {
    uint64_t sp = ABOVE_HYPERVISOR + room, at = sp - FAILSAFE_WORDS * 8;
    struct vcpu_guest_context *c;

    p.id = domctl_create(2);
    domctl_op.u.max_vcpus.max = 1;
    require_eq(domctl(XEN_DOMCTL_max_vcpus, p.id), 0);
    domctl_populate(p.id, p.mfn, PUPPET_PAGES);
    puppet_fill(&p, mail_windows);
    map_above_hypervisor();
    c = puppet_context(&p);
    c->user_regs.ds = 0x1233;
    c->user_regs.rsp = sp;
    c->failsafe_callback_eip = puppet_va(PUPPET_CODE);
    require_eq(puppet_set_context(&p, c), 0);
    puppet_start(&p, DO_READ, 0, (uint64_t[5]){at + 16});
    require_eq(domctl(XEN_DOMCTL_unpausedomain, p.id), 0);
    if (at >= ABOVE_HYPERVISOR) {
        expect(wait_for(!READ_ONCE(p.mail->go), 20000));
        expect_eq(p.mail->result, 0x1233);
        expect(!has_crashed());
    } else {
        expect(wait_for(has_crashed(), 20000));
        expect_eq(p.mail->go, 1);
    }
    puppet_destroy(&p);
    expect_gone();
}

void test_main(void) {
    uint64_t before, n = 0;

    mail_windows = window_alloc(2);
    window = window_alloc(2);
    own_grants = window_alloc(1);
    its_grants = window_alloc(1);
    shared_page = page_alloc();
    require_eq(map_mfn(own_grants, first_grant_frame(DOMID_SELF), PTE_RW), 0);
    handle_outlives_mapping();
    before = free_memory();
    grantee_dies(false, GNTMAP_host_map);
    grantee_dies(true, GNTMAP_host_map);
    grantee_dies(false, GNTMAP_host_map | GNTMAP_device_map);
    granter_dies();
    shared_frame_of_the_dead();
    channels();
    destroyed_in_the_act();
    chain_of_partial_tables();
    for (uint64_t room = 0; room < 160; room += 16) frame_at_the_edge(room);
    /* All its memory came back, but for a table or two that the hypervisor keeps for itself. */
    expect(wait_for((n = free_memory()) + 8 >= before, 5000));
    printk("%lu free pages before, %lu after\n", before, n);
    secrets();
}
