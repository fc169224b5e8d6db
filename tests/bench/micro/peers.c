/* SPDX-License-Identifier: MIT */
/*
 * A second domain on the one CPU, the library's puppet: events to it and back, the CPU given to it
 * and back, its grants mapped and copied. Its TSC is not emulated, so its readings are as dom0's.
 */
#include <public/domctl.h>
#include <public/grant_table.h>
#include <public/sched.h>
#include "bench.h"
#include "peer.h"
#include "puppet.h"

#define TSC_NATIVE 2
#define BATCH      32
#define FIRST_REF  8
/* What is in the puppet's pages. */
enum { PEER_SHARED = PUPPET_FREE, PEER_CODE, PEER_PAGE };
_Static_assert(PEER_SHARED_VA == PUPPET_VA + PEER_SHARED * PAGE_SIZE, "stubs.S writes there");

static struct puppet peer;
static struct evtchn_send ping;
static volatile uint64_t *stamp;

static void tell(unsigned int op, uint64_t a0, uint64_t a1, uint64_t a2) {
    require_eq(puppet_call(&peer, op, a0, a1, a2, 0), 0);
}

/* A channel with an end here and one there. */
static void connect(void) {
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = peer.id};
    struct evtchn_bind_interdomain bind = {.remote_dom = 0};

    require_eq(HV_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), 0);
    ping.port = bind.remote_port = alloc.port;
    require_eq(puppet_call_arg(&peer, __HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain,
                               &bind, sizeof(bind), 0),
               0);
    *(volatile uint32_t *)((char *)(uintptr_t)peer.mail + PEER_REPLY) = bind.local_port;
    event_unmask(ping.port);
}

static void make_peer(void) {
    puppet_make(&peer, window_alloc(2));
    stamp = (volatile uint64_t *)((char *)(uintptr_t)peer.mail + PEER_STAMP);
    domctl_op.u.tsc_info = (struct xen_domctl_tsc_info){.tsc_mode = TSC_NATIVE};
    require_eq(domctl(XEN_DOMCTL_settscinfo, peer.id), 0);
    require_eq(domctl(XEN_DOMCTL_getdomaininfo, peer.id), 0);
    tell(__HYPERVISOR_update_va_mapping, puppet_va(PEER_SHARED),
         MFN_PTE(domctl_op.u.getdomaininfo.shared_info_frame, PTE_RW), UVMF_INVLPG);
    puppet_poke(&peer, PEER_CODE, 0, peer_upcall, (size_t)(peer_upcall_end - peer_upcall));
    tell(__HYPERVISOR_set_callbacks, puppet_va(PEER_CODE), puppet_va(PUPPET_CODE), 0);
    connect();
}

/* Whatever it was told to do without an end ends with this. */
static void stop_peer(void) {
    peer.mail->what = DO_HYPERCALL;
    while (READ_ONCE(peer.mail->go)) HV_sched_op(SCHEDOP_yield, NULL);
}

/* Until it waits. What it sent meanwhile is no answer to what will be asked. */
static void let_peer_block(void) {
    events_off();
    do {
        HV_sched_op(SCHEDOP_yield, NULL);
        require_eq(domctl(XEN_DOMCTL_getdomaininfo, peer.id), 0);
    } while (!(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_blocked));
    event_clear(ping.port);
    WRITE_ONCE(shared->vcpu_info[0].evtchn_pending_sel, 0);
    WRITE_ONCE(shared->vcpu_info[0].evtchn_upcall_pending, 0);
}

/* The peer is called, answers, and blocks again. */
static void round_trip(void) {
    events_off();
    HV_event_channel_op(EVTCHNOP_send, &ping);
    HV_sched_op(SCHEDOP_block, NULL);
}

static void to_handler(void) {
    round_trip();
    sample_end = *stamp;
}

static void events(void) {
    set_event_entry(upcall);
    puppet_start(&peer, DO_FOREVER, __HYPERVISOR_sched_op, (uint64_t[5]){SCHEDOP_block});
    let_peer_block();
    measure_to_end("event to another domain, blocked, on this CPU: send to handler", let_peer_block,
                   to_handler, NULL);
    measure("event to another domain, blocked, on this CPU: round trip", let_peer_block, round_trip,
            NULL);
    let_peer_block();
    peer.mail->what = DO_HYPERCALL;
    round_trip();
    events_off();
    set_event_entry(entry_event);
    stop_peer();
}

/* Until the peer has run: a scheduler may have its reasons to go on with who yields. */
static void there_and_back(void) {
    uint64_t rounds = peer.mail->rounds;

    do HV_sched_op(SCHEDOP_yield, NULL);
    while (READ_ONCE(peer.mail->rounds) == rounds);
}

static void switches(void) {
    puppet_start(&peer, DO_FOREVER, __HYPERVISOR_sched_op, (uint64_t[5]){SCHEDOP_yield});
    there_and_back();
    measure("yield to another domain, which yields: there and back", NULL, there_and_back, NULL);
    stop_peer();
}

static struct gnttab_map_grant_ref map_op[BATCH];
static struct gnttab_unmap_grant_ref unmap_op[BATCH];
static struct gnttab_copy copy_op;
static unsigned int batch;

static void map(void) { HV_grant_table_op(GNTTABOP_map_grant_ref, map_op, batch); }
static void unmap(void) { HV_grant_table_op(GNTTABOP_unmap_grant_ref, unmap_op, batch); }
static void copy(void) { HV_grant_table_op(GNTTABOP_copy, &copy_op, 1); }

static void map_to_unmap(void) {
    map();
    for (unsigned int i = 0; i < batch; i++) unmap_op[i].handle = map_op[i].handle;
}

static void unmap_mapped(void) {
    for (unsigned int i = 0; i < batch; i++) unmap_op[i].handle = map_op[i].handle;
    unmap();
}

/* Of so many pages as it has: a page is granted more than once. */
static void make_grants(void) {
    struct gnttab_setup_table setup = {.dom = peer.id, .nr_frames = 1};
    char *window = window_alloc(BATCH + 1);
    struct grant_entry_v1 *grants = (struct grant_entry_v1 *)(window + BATCH * PAGE_SIZE);
    uint64_t frame;

    set_xen_guest_handle(setup.frame_list, &frame);
    require_eq(HV_grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    require_eq(setup.status, GNTST_okay);
    require_eq(mmu_update_dom(machine_address(l1_entry(grants)), MFN_PTE(frame, PTE_RW), peer.id),
               0);
    for (unsigned int i = 0; i < BATCH; i++) {
        struct grant_entry_v1 *grant = &grants[FIRST_REF + i];

        grant->domid = 0;
        grant->frame = (uint32_t)peer.mfn[PEER_PAGE + i % (PUPPET_ARG - PEER_PAGE)];
        WRITE_ONCE(grant->flags, GTF_permit_access);
        map_op[i] = (struct gnttab_map_grant_ref){
            .host_addr = (uint64_t)window + i * PAGE_SIZE,
            .flags = GNTMAP_host_map,
            .ref = FIRST_REF + i,
            .dom = peer.id,
        };
        unmap_op[i].host_addr = map_op[i].host_addr;
    }
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

/* The peer, which would take its share of the CPU, is paused. */
static void grants(void) {
    require_eq(domctl(XEN_DOMCTL_pausedomain, peer.id), 0);
    make_grants();
    measure_batch(1, "another domain's grant map of 1", "another domain's grant unmap of 1");
    measure_batch(BATCH, "another domain's grant map of 32", "another domain's grant unmap of 32");
    copy_op.source.domid = peer.id;
    copy_op.source.u.ref = FIRST_REF;
    copy_op.dest.domid = DOMID_SELF;
    copy_op.dest.u.gmfn = virt_to_mfn(page_alloc());
    copy_op.len = PAGE_SIZE;
    copy_op.flags = GNTCOPY_source_gref;
    measure("another domain's grant copy of 4096", NULL, copy, NULL);
    expect_eq(copy_op.status, GNTST_okay);
}

void bench_peers(void) {
    make_peer();
    events();
    switches();
    grants();
    puppet_destroy(&peer);
}
