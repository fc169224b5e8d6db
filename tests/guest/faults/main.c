/* SPDX-License-Identifier: MIT */
/*
 * faults: memory runs out. A hypervisor built with its checks has its nth allocation fail, for
 * n = 1, 2, ... until that many are not needed: in rounds that create a domain of 1 MiB, have it
 * use its grants, event channels and memory and shut down, and destroy it; and in what dom0 asks
 * for itself. The call that needed the memory must say so and have done nothing: the same call
 * again succeeds, no frame's references differ, and at the end all that was allocated is free.
 * Where nothing can be made to fail the same calls are made once, and succeed.
 * Run with: --mem 256M --qemu-args="-device virtio-rng-pci"
 */
#include <public/domctl.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include "event.h"
#include "faults.h"
#include "mm.h"
#include "puppet.h"
#include "vcpu.h"

#define NR_PAGES  256 /* 1 MiB */
#define BIG_ORDER 3
#define NR_BIG    ((NR_PAGES - PUPPET_PAGES) >> BIG_ORDER)
#define NR_VCPUS  2
#define NR_PORTS  240 /* several pages of the hypervisor's */
#define REF       8
#define FAR_ID    20000

static struct puppet p;
static void *mail_windows;
static uint64_t big[NR_BIG];
static unsigned int done_small, done_big, ports, own_port;
static domid_t next_id;
static struct grant_entry_v1 *own_grants;
static void *granted;
static struct vcpu_guest_context context;

/* A domain's life in steps: 0, or what is said if memory runs out, and then the step can be made
 * again. */

long domain_new(domid_t id) {
    domctl_op.u.createdomain = (struct xen_domctl_createdomain){
        .handle = {1},
        .max_vcpus = NR_VCPUS,
        .max_evtchn_port = 1023,
        .max_grant_frames = 4,
        .max_maptrack_frames = 4,
        .grant_opts = XEN_DOMCTL_GRANT_version(2),
    };
    return domctl(XEN_DOMCTL_createdomain, id);
}

static long create(void) {
    p.id = next_id;
    done_small = done_big = ports = 0;
    return domain_new(p.id);
}

static long limit_memory(void) {
    domctl_op.u.max_mem.max_memkb = NR_PAGES * PAGE_SIZE / 1024;
    return domctl(XEN_DOMCTL_max_mem, p.id);
}

static long make_vcpus(void) {
    domctl_op.u.max_vcpus.max = NR_VCPUS;
    return domctl(XEN_DOMCTL_max_vcpus, p.id);
}

static long allow_ports(void) {
    domctl_op.u.ioport_permission =
        (struct xen_domctl_ioport_permission){.first_port = 0x80, .nr_ports = 1, .allow_access = 1};
    return domctl(XEN_DOMCTL_ioport_permission, p.id);
}

static long set_memory_map(void) {
    static const struct {
        uint64_t start, size;
        uint32_t type;
    } __attribute__((packed)) all = {0, NR_PAGES * PAGE_SIZE, 1};
    struct xen_foreign_memory_map m = {.domid = p.id, .map.nr_entries = 1};

    m.map.buffer.p = (void *)(uintptr_t)&all;
    return HV_memory_op(XENMEM_set_memory_map, &m);
}

/* From where the last call stopped. */
static long populate(uint64_t *list, unsigned int nr, unsigned int order, unsigned int *done) {
    struct xen_memory_reservation r = {
        .domid = p.id, .nr_extents = nr - *done, .extent_order = order};

    for (unsigned int i = *done; i < nr; i++)
        list[i] = order ? PUPPET_PAGES + (i << order) : i; /* the pfn */
    set_xen_guest_handle(r.extent_start, list + *done);
    *done += (unsigned int)HV_memory_op(XENMEM_populate_physmap, &r);
    return *done == nr ? 0 : -XEN_ENOMEM;
}

static long populate_small(void) { return populate(p.mfn, PUPPET_PAGES, 0, &done_small); }

static long populate_big(void) { return populate(big, NR_BIG, BIG_ORDER, &done_big); }

static long fill(void) {
    puppet_fill(&p, mail_windows);
    return 0;
}

static long pin(void) { return mmuext_dom(MMUEXT_PIN_L4_TABLE, p.mfn[PUPPET_L4], 0, p.id); }

static long set_context(void) { return puppet_set_context(&p, puppet_context(&p)); }

static long get_context(void) {
    domctl_op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &context);
    return domctl(XEN_DOMCTL_getvcpucontext, p.id);
}

static long unpause(void) { return domctl(XEN_DOMCTL_unpausedomain, p.id); }

static long open_ports(void) {
    struct evtchn_alloc_unbound op = {.dom = p.id};
    long rc = 0;

    while (!rc && ports < NR_PORTS) {
        rc = HV_event_channel_op(EVTCHNOP_alloc_unbound, &op);
        if (!rc) ports++;
    }
    return rc;
}

static long bind_port(void) {
    struct evtchn_bind_interdomain op = {.remote_dom = p.id, .remote_port = 1};
    long rc = HV_event_channel_op(EVTCHNOP_bind_interdomain, &op);

    own_port = op.local_port;
    return rc;
}

/* From here on it is the domain that calls. */

static long its_event_op(unsigned int cmd, void *arg, size_t n) {
    return puppet_call_arg(&p, __HYPERVISOR_event_channel_op, cmd, arg, n, 0);
}

static long its_grant_op(unsigned int cmd, void *arg, size_t n) {
    return puppet_call_arg(&p, __HYPERVISOR_grant_table_op, cmd, arg, n, 1);
}

static long its_fifo(void) {
    struct evtchn_init_control op = {.control_gfn = p.mfn[PUPPET_FREE]};

    return its_event_op(EVTCHNOP_init_control, &op, sizeof(op));
}

static long its_fifo_array(void) {
    struct evtchn_expand_array op = {.array_gfn = p.mfn[PUPPET_FREE + 1]};

    return its_event_op(EVTCHNOP_expand_array, &op, sizeof(op));
}

static long its_port(void) {
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF};

    return its_event_op(EVTCHNOP_alloc_unbound, &op, sizeof(op));
}

static long its_grant_version(void) {
    struct gnttab_set_version op = {.version = 2};

    return its_grant_op(GNTTABOP_set_version, &op, sizeof(op));
}

static unsigned int its_grant_frames(void) {
    struct gnttab_query_size op = {.dom = DOMID_SELF};

    expect_eq(its_grant_op(GNTTABOP_query_size, &op, sizeof(op)), 0);
    return op.nr_frames;
}

static long its_grant_table(void) {
    struct {
        struct gnttab_setup_table op;
        uint64_t frames[4];
    } a = {{.dom = DOMID_SELF, .nr_frames = ARRAY_SIZE(a.frames)}, {0}};
    long rc;

    a.op.frame_list.p = (void *)(puppet_va(PUPPET_ARG) + offsetof(typeof(a), frames));
    rc = its_grant_op(GNTTABOP_setup_table, &a, sizeof(a));
    expect_eq(its_grant_frames(), a.op.status ? 1 : 4);
    return rc ? rc : a.op.status;
}

/* Maps a page of ours, and unmaps it. */
static long its_mapping(void) {
    uint64_t at = puppet_va(PUPPET_FREE + 2);
    struct gnttab_map_grant_ref map = {.host_addr = at, .flags = GNTMAP_host_map, .ref = REF};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = at};

    own_grants[REF].domid = p.id;
    own_grants[REF].frame = (uint32_t)virt_to_mfn(granted);
    barrier();
    WRITE_ONCE(own_grants[REF].flags, GTF_permit_access);
    expect_eq(its_grant_op(GNTTABOP_map_grant_ref, &map, sizeof(map)), 0);
    if (!map.status) {
        unmap.handle = map.handle;
        expect_eq(its_grant_op(GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap)), 0);
        expect_eq(unmap.status, GNTST_okay);
    }
    expect_eq(own_grants[REF].flags, GTF_permit_access);
    WRITE_ONCE(own_grants[REF].flags, 0);
    return map.status;
}

static long its_exchange(void) {
    struct {
        struct xen_memory_exchange e;
        xen_pfn_t in, out;
    } a = {.in = big[0], .out = PUPPET_PAGES};
    uint64_t at = puppet_va(PUPPET_ARG);

    a.e.in = a.e.out = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
    a.e.in.extent_start.p = (void *)(at + offsetof(typeof(a), in));
    a.e.out.extent_start.p = (void *)(at + offsetof(typeof(a), out));
    return puppet_call_arg(&p, __HYPERVISOR_memory_op, XENMEM_exchange, &a, sizeof(a), 0);
}

static bool is_shut_down(void) {
    require_eq(domctl(XEN_DOMCTL_getdomaininfo, p.id), 0);
    HV_sched_op(SCHEDOP_yield, NULL);
    return domctl_op.u.getdomaininfo.flags & XEN_DOMINF_shutdown;
}

static long its_shutdown(void) {
    struct sched_shutdown op = {.reason = SHUTDOWN_poweroff};

    puppet_poke(&p, PUPPET_ARG, 0, &op, sizeof(op));
    puppet_start(&p, DO_HYPERCALL, __HYPERVISOR_sched_op,
                 (uint64_t[5]){SCHEDOP_shutdown, puppet_va(PUPPET_ARG)});
    expect(wait_for(is_shut_down(), 20000));
    expect_eq(domctl_op.u.getdomaininfo.tot_pages, NR_PAGES);
    return 0;
}

static bool is_there(void) {
    return domctl(XEN_DOMCTL_getdomaininfo, p.id) == 0 && domctl_op.domain == p.id;
}

static long destroy(void) {
    expect_eq(event_close(own_port), 0);
    puppet_destroy(&p);
    expect(wait_for(!is_there(), 20000));
    return 0;
}

static const struct step {
    const char *name;
    long (*run)(void);
    long failure; /* 0: it needs no memory */
} steps[] = {
    {"createdomain", create, -XEN_ENOMEM},
    {"max_mem", limit_memory, 0},
    {"max_vcpus", make_vcpus, -XEN_ENOMEM},
    {"ioport_permission", allow_ports, -XEN_ENOMEM},
    {"set_memory_map", set_memory_map, -XEN_ENOMEM},
    {"populate_physmap", populate_small, -XEN_ENOMEM},
    {"populate_physmap of an order", populate_big, -XEN_ENOMEM},
    {"filling", fill, 0},
    {"PIN_L4_TABLE", pin, 0},
    {"setvcpucontext", set_context, -XEN_ENOMEM},
    {"getvcpucontext", get_context, -XEN_ENOMEM},
    {"unpausedomain", unpause, 0},
    {"alloc_unbound for it", open_ports, -XEN_ENOMEM},
    {"bind_interdomain", bind_port, -XEN_ENOMEM},
    {"its init_control", its_fifo, -XEN_ENOMEM},
    {"its expand_array", its_fifo_array, 0},
    {"its alloc_unbound", its_port, -XEN_ENOMEM},
    {"its set_version", its_grant_version, -XEN_ENOMEM},
    {"its setup_table", its_grant_table, GNTST_general_error},
    {"its map_grant_ref", its_mapping, GNTST_no_space},
    {"its exchange", its_exchange, -XEN_ENOMEM},
    {"its shutdown", its_shutdown, 0},
    {"destroydomain", destroy, 0},
};

/* The nth allocation fails; how many calls did. */
static unsigned int live(unsigned long n, struct injected *was) {
    unsigned int failed = 0;

    next_id = (domid_t)(1 + n % 500); /* an id is free again when its domain is gone */
    inject(n);
    for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++) {
        const struct step *s = &steps[i];
        long rc = s->run();

        if (rc && rc == s->failure) {
            failed++;
            rc = s->run();
        }
        if (rc) die("%s gives %ld with allocation %lu failing", s->name, rc, n);
    }
    *was = inject_end();
    count_check();
    if (failed != was->failed)
        failure("of %lu allocations the %luth failed: %lu, but %u calls", was->allocations, n,
                was->failed, failed);
    return failed;
}

static void domain_lives(void) {
    struct injected before, after;
    unsigned long n = 0;

    mail_windows = window_alloc(2);
    own_grants = window_alloc(1);
    map_grant_table(own_grants);
    granted = page_alloc();
    live(0, &before); /* and makes what stays */
    do {
        n++;
        live(n, &after);
        expect_eq(after.frames, before.frames);
        expect_eq(after.objects, before.objects);
        expect(audit());
    } while (after.failed);
    printk("a domain's life: %lu allocations\n", n - 1);
    if (can_inject) expect(n > 100);
}

/* With an id far from those in use what finds domains by their ids grows, and stays so. */
static void far_id(void) {
    struct injected was;
    unsigned long n = 0;
    long rc;

    do {
        inject(++n);
        rc = domain_new(FAR_ID);
        was = inject_end();
    } while (rc == -XEN_ENOMEM && was.failed);
    expect_eq(rc, 0);
    if (can_inject) expect(n > 1);
    expect_eq(domctl(XEN_DOMCTL_destroydomain, FAR_ID), 0);
    expect(audit());
}

/* Without memory to count in there is no audit, and nothing else comes of it. */
static void no_audit(void) {
    inject(1);
    expect_eq(audit(), !can_inject);
    inject_end();
    expect(audit());
}

void test_main(void) {
    inject_init();
    domain_lives();
    far_id();
    own_calls();
    no_audit();
}
