/* SPDX-License-Identifier: MIT */
/*
 * attacks-changing: one vcpu calls, the other changes a field of the argument all the time, from a
 * value that is allowed to one that is not, or to one that means another object (XSA 155). What is
 * checked must be what is used: a call does all of the one or all of the other, and what it says of
 * itself is what it did. Lengths and references of grants, entries and where they go, frames of
 * descriptor tables, pins, multicalls, ports, iret frames, instructions that are emulated (202).
 * Run with: --smp 2
 */
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/version.h>
#include "domctl.h"
#include "event.h"
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define MIN_ATTEMPTS 1000
#define MIN_OF_EACH  20 /* of both values, or the two never met */
#define REF          20

static volatile struct {
    volatile void *at;
    size_t size;
    uint64_t value[2];
} field;
static volatile bool stop;

static void keep_changing(void) {
    uint64_t random = 1;

    while (!stop) {
        uint64_t v;

        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        v = field.value[random & 1];

        if (field.size == 2)
            *(volatile uint16_t *)field.at = (uint16_t)v;
        else if (field.size == 4)
            *(volatile uint32_t *)field.at = (uint32_t)v;
        else
            *(volatile uint64_t *)field.at = v;
    }
}

/* Attempts tell whether the first value was what counted; what is not as it must be they tell
 * themselves. Ends with that value in place. */
typedef bool attempt_t(void);

static void change(const char *what, volatile void *at, size_t size, uint64_t first,
                   uint64_t second, attempt_t *attempt) {
    unsigned int seen[2] = {0, 0};
    uint64_t limit = now() + 60 * SECOND;

    field.at = at;
    field.size = size;
    field.value[0] = first;
    field.value[1] = second;
    memcpy((void *)(uint64_t)at, &first, size);
    stop = false;
    require_eq(vcpu_start(1, keep_changing), 0);
    while ((seen[0] + seen[1] < MIN_ATTEMPTS || seen[0] < MIN_OF_EACH || seen[1] < MIN_OF_EACH) &&
           now() < limit)
        seen[!attempt()]++;
    stop = true;
    vcpu_wait_down(1);
    printk("%s: %u and %u\n", what, seen[0], seen[1]);
    expect(seen[0] >= MIN_OF_EACH && seen[1] >= MIN_OF_EACH);
    memcpy((void *)(uint64_t)at, &first, size);
}

#define CHANGE(lvalue, first, second, attempt)                                                     \
    change(#attempt " by " #lvalue, &(lvalue), sizeof(lvalue), (uint64_t)(first),                  \
           (uint64_t)(second), attempt)

static char *window;
static uint64_t *entry; /* of the window's first page; the second's follows */
static struct grant_entry_v1 *grants;
static uint64_t *page, *other; /* what REF and REF + 1 grant */
static uint64_t *pair;         /* a page and, in the machine too, the next */

static void grant(unsigned int ref, domid_t to, const void *va, uint16_t flags) {
    grants[ref].domid = to;
    grants[ref].frame = (uint32_t)virt_to_mfn(va);
    barrier();
    WRITE_ONCE(grants[ref].flags, flags);
}

static bool in_use(unsigned int ref) { return grants[ref].flags & (GTF_reading | GTF_writing); }

static uint64_t *contiguous_pages(void) {
    char *last = page_alloc();

    for (unsigned int i = 0; i < 1000; i++) {
        char *next = page_alloc();

        if (next == last + PAGE_SIZE && virt_to_mfn(next) == virt_to_mfn(last) + 1)
            return (uint64_t *)last;
        last = next;
    }
    die("no two pages in a row");
}

/* Copies of 16 bytes to the end of a page; what lies behind the page stays as it is. */
static struct gnttab_copy copy;

static bool copy_to_the_end(void) {
    memset((char *)pair + PAGE_SIZE - 64, 0, 128);
    copy.status = 1;
    require_eq(HV_grant_table_op(GNTTABOP_copy, &copy, 1), 0);
    for (unsigned int i = 0; i < 8; i++) expect_eq(pair[512 + i], 0);
    if (copy.status == GNTST_okay) {
        expect_eq(pair[510], page[0]);
        expect_eq(pair[511], page[1]);
        expect_eq(pair[509], 0);
        return true;
    }
    expect_eq(copy.status, GNTST_bad_copy_arg);
    expect_eq(pair[511], 0);
    return false;
}

/* Of two references one is ours, the other somebody else's or none. */
static bool copy_of_granted(void) {
    pair[0] = 0;
    copy.status = 1;
    require_eq(HV_grant_table_op(GNTTABOP_copy, &copy, 1), 0);
    expect(!in_use(REF) && !in_use(REF + 1));
    if (copy.status == GNTST_okay) {
        expect_eq(pair[0], page[0]);
        return true;
    }
    expect(copy.status == GNTST_general_error || copy.status == GNTST_bad_gntref);
    expect_eq(pair[0], 0);
    return false;
}

static void copies(void) {
    copy = (struct gnttab_copy){
        .source = {.u.gmfn = virt_to_mfn(page), .domid = DOMID_SELF},
        .dest = {.u.gmfn = virt_to_mfn(pair), .domid = DOMID_SELF, .offset = PAGE_SIZE - 16},
        .len = 16};
    CHANGE(copy.len, 16, 64, copy_to_the_end);
    CHANGE(copy.dest.offset, PAGE_SIZE - 16, PAGE_SIZE - 8, copy_to_the_end);
    copy.dest.offset = 0;
    copy.source.u.ref = REF;
    copy.flags = GNTCOPY_source_gref;
    grant(REF, 0, page, GTF_permit_access);
    grant(REF + 1, 7, other, GTF_permit_access);
    CHANGE(copy.source.u.ref, REF, REF + 1, copy_of_granted);
    CHANGE(copy.source.u.ref, REF, 1U << 30, copy_of_granted);
}

static struct gnttab_map_grant_ref map;
static struct gnttab_unmap_grant_ref unmap;

static int unmap_at(unsigned int slot) {
    struct gnttab_unmap_grant_ref op = {.host_addr = (uint64_t)window + slot * PAGE_SIZE,
                                        .handle = map.handle};

    require_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

static bool mapped(void) {
    map.status = 1;
    require_eq(HV_grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    return map.status == GNTST_okay;
}

/* The grant is for reading. */
static bool map_to_read(void) {
    if (mapped()) {
        expect_eq(entry[0] & (PTE_P | PTE_W), PTE_P);
        expect_eq(grants[REF].flags & (GTF_reading | GTF_writing), GTF_reading);
        expect_eq(unmap_at(0), GNTST_okay);
        return true;
    }
    expect_eq(map.status, GNTST_general_error);
    expect_eq(entry[0], 0);
    expect(!in_use(REF));
    return false;
}

/* Of this domain, or of one that there is not. */
static bool map_of_domain(void) {
    if (mapped()) {
        expect_eq(unmap_at(0), GNTST_okay);
        expect(!in_use(REF));
        return true;
    }
    expect_eq(map.status, GNTST_bad_domain);
    expect(!in_use(REF));
    return false;
}

static bool map_in_one_of_two(void) {
    bool first;

    require(mapped());
    first = entry[0] & PTE_P;
    expect_eq(PTE_MFN(entry[!first]), virt_to_mfn(page));
    expect_eq(entry[first], 0);
    expect_eq(unmap_at(first), GNTST_general_error);
    expect_eq(unmap_at(!first), GNTST_okay);
    expect_eq(entry[!first], 0);
    expect(!in_use(REF));
    return first;
}

static bool map_one_of_two(void) {
    bool first;

    require(mapped());
    first = PTE_MFN(entry[0]) == virt_to_mfn(page);
    expect(first || PTE_MFN(entry[0]) == virt_to_mfn(other));
    expect(in_use(first ? REF : REF + 1));
    expect(!in_use(first ? REF + 1 : REF));
    expect_eq(unmap_at(0), GNTST_okay);
    expect(!in_use(REF) && !in_use(REF + 1));
    return first;
}

/* Two mappings, and of the handles only the first is of that address. */
static bool unmap_by_handle(void) {
    unmap.status = 1;
    require_eq(HV_grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    expect_eq(PTE_MFN(entry[1]), virt_to_mfn(other));
    expect(in_use(REF + 1));
    if (unmap.status == GNTST_okay) {
        expect_eq(entry[0], 0);
        expect(!in_use(REF));
        require(mapped());
        field.value[0] = map.handle;
        return true;
    }
    /* Of another address, or the one of before. */
    expect(unmap.status == GNTST_general_error || unmap.status == GNTST_bad_handle);
    expect_eq(PTE_MFN(entry[0]), virt_to_mfn(page));
    expect(in_use(REF));
    return false;
}

static void mappings(void) {
    uint32_t second;

    map = (struct gnttab_map_grant_ref){.host_addr = (uint64_t)window, .ref = REF};
    grant(REF, 0, page, GTF_permit_access | GTF_readonly);
    grant(REF + 1, 0, other, GTF_permit_access);
    CHANGE(map.flags, GNTMAP_host_map | GNTMAP_readonly, GNTMAP_host_map, map_to_read);
    CHANGE(map.dom, 0, 7, map_of_domain);
    CHANGE(map.host_addr, window, window + PAGE_SIZE, map_in_one_of_two);
    CHANGE(map.ref, REF, REF + 1, map_one_of_two);

    map.host_addr += PAGE_SIZE;
    map.ref = REF + 1;
    map.flags = GNTMAP_host_map;
    require(mapped());
    second = map.handle;
    map.host_addr -= PAGE_SIZE;
    map.ref = REF;
    map.flags = GNTMAP_host_map | GNTMAP_readonly;
    require(mapped());
    unmap = (struct gnttab_unmap_grant_ref){.host_addr = (uint64_t)window};
    CHANGE(unmap.handle, map.handle, second, unmap_by_handle);
    expect_eq(unmap_at(0), GNTST_okay);
    map.handle = second;
    expect_eq(unmap_at(1), GNTST_okay);
    expect(!in_use(REF) && !in_use(REF + 1));
}

static struct mmu_update update;
static uint64_t *table;

/* A number to a page of ours, or to the window's entry, where it would map its table writable. */
static bool update_one_of_two(void) {
    unsigned int done = 2;
    long rc;

    page[0] = 0;
    rc = HV_mmu_update(&update, 1, &done, DOMID_SELF);
    expect_eq(entry[0], 0);
    expect_eq(page[0], rc ? 0 : update.val);
    expect_eq(done, rc ? 0 : 1);
    return rc == 0;
}

/* A mapping of a page of ours, or of a table. */
static bool update_to_one_of_two(void) {
    long rc;

    require_eq(map_pte(window, 0), 0);
    rc = HV_mmu_update(&update, 1, NULL, DOMID_SELF);
    expect_eq(PTE_MFN(entry[0]), rc ? 0 : virt_to_mfn(page));
    return rc == 0;
}

static struct mmuext_op ext;

/* A pin that was preempted and went on with the other value leaves a table half validated, which
 * another pin of the same sort completes. */
static bool pinned_as(unsigned int cmd) { return mmuext(cmd, virt_to_mfn(table), 0) == 0; }

static void complete(void) {
    if (!pinned_as(MMUEXT_PIN_L1_TABLE)) require(pinned_as(MMUEXT_PIN_L2_TABLE));
}

/* A page that can be a table, or one that is mapped writable. */
static bool pin_one_of_two(void) {
    long rc = HV_mmuext_op(&ext, 1, NULL, DOMID_SELF);

    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(table), 0), rc ? -XEN_EINVAL : 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(page), 0), -XEN_EINVAL);
    return rc == 0;
}

/* As one sort of table or another: it is one of them, and pinned once. */
static bool pin_as_one_of_two(void) {
    long rc = HV_mmuext_op(&ext, 1, NULL, DOMID_SELF);
    bool l1;

    if (rc) {
        expect_eq(rc, -XEN_EINVAL);
        complete();
    }
    /* A writable mapping is no entry of an L2. */
    l1 = write_entry(table + 1, MFN_PTE(virt_to_mfn(page), PTE_RW)) == 0;
    require_eq(write_entry(table + 1, 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(table), 0), 0);
    expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(table), 0), -XEN_EINVAL);
    return l1;
}

static uint64_t gdt_frame;

/* A page that is read-only everywhere, or one that is not. */
static bool gdt_of_one_of_two(void) {
    long rc = HV_set_gdt(&gdt_frame, 512);

    if (rc) {
        expect_eq(rc, -XEN_EINVAL);
        expect_eq(set_writable(table), 0);
        expect_eq(set_readonly(table), 0);
        return false;
    }
    expect(set_writable(table) < 0);
    require_eq(HV_set_gdt(NULL, 0), 0);
    return true;
}

static void tables(void) {
    table = table_alloc();
    update.val = MFN_PTE(virt_to_mfn(entry), PTE_RW);
    CHANGE(update.ptr, machine_address(page), machine_address(entry), update_one_of_two);
    update.ptr = machine_address(entry);
    CHANGE(update.val, MFN_PTE(virt_to_mfn(page), PTE_RW), MFN_PTE(virt_to_mfn(entry), PTE_RW),
           update_to_one_of_two);
    require_eq(map_pte(window, 0), 0);
    ext.cmd = MMUEXT_PIN_L1_TABLE;
    CHANGE(ext.arg1.mfn, virt_to_mfn(table), virt_to_mfn(page), pin_one_of_two);
    complete();
    require_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(table), 0), 0);
    CHANGE(ext.cmd, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, pin_as_one_of_two);
    CHANGE(gdt_frame, virt_to_mfn(table), virt_to_mfn(page), gdt_of_one_of_two);
    table_free(table);
}

/* One page for another; if the lists are of different lengths, none. */
static uint64_t given[2], got[1], place;
static char *exchanged; /* where the pages of given[] are mapped */
static struct xen_memory_exchange exchange;

static bool exchange_one(void) {
    uint64_t value = 0;
    long rc;

    exchange.nr_exchanged = 0;
    got[0] = place;
    rc = HV_memory_op(XENMEM_exchange, &exchange);
    expect_eq(exchange.nr_exchanged, rc ? 0 : 1);
    if (!rc) {
        given[0] = got[0];
        require_eq(map_mfn(exchanged, got[0], PTE_RW), 0);
        expect_eq(try_write(exchanged, 0), 0);
    }
    require_eq(map_pte(exchanged, 0), 0);
    /* The second is ours still. */
    require_eq(map_mfn(exchanged + PAGE_SIZE, given[1], PTE_RO), 0);
    expect_eq(try_read(exchanged + PAGE_SIZE, &value), 0);
    expect_eq(value, 0x5ec0d);
    require_eq(map_pte(exchanged + PAGE_SIZE, 0), 0);
    return rc == 0;
}

static void exchanges(void) {
    domid_t self = DOMID_SELF;
    long pages = HV_memory_op(XENMEM_current_reservation, &self);

    exchanged = window_alloc(2);
    for (unsigned int i = 0; i < 2; i++) {
        uint64_t *old = page_alloc();

        old[0] = 0x5ec0d;
        given[i] = virt_to_mfn(old);
        if (!i) place = virt_to_pfn(old);
        require_eq(map_pte(old, 0), 0);
    }
    exchange.in = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
    exchange.out = exchange.in;
    set_xen_guest_handle(exchange.in.extent_start, given);
    set_xen_guest_handle(exchange.out.extent_start, got);
    CHANGE(exchange.in.nr_extents, 1, 2, exchange_one);
    expect_eq(HV_memory_op(XENMEM_current_reservation, &self), pages);
}

static struct multicall_entry call;

/* The other is far behind any table of hypercalls. */
static bool multicall_of_one_of_two(void) {
    require_eq(HV_multicall(&call, 1), 0);
    if (call.result == (4 << 16 | 17)) return true;
    expect_eq(call.result, -XEN_ENOSYS);
    return false;
}

static struct evtchn_status status;

static bool status_of_one_of_two(void) {
    long rc = HV_event_channel_op(EVTCHNOP_status, &status);

    if (rc) expect_eq(rc, -XEN_EINVAL);
    return rc == 0;
}

static struct evtchn_bind_vcpu bind;

static bool bind_to_one_of_two(void) {
    struct evtchn_status s = {.dom = DOMID_SELF, .port = bind.port};
    long rc = HV_event_channel_op(EVTCHNOP_bind_vcpu, &bind);

    if (rc) expect_eq(rc, -XEN_ENOENT);
    require_eq(HV_event_channel_op(EVTCHNOP_status, &s), 0);
    expect_eq(s.vcpu, 0);
    return rc == 0;
}

static struct sched_poll poll;
static evtchn_port_t polled;

static bool poll_one_of_two(void) {
    long rc = HV_sched_op(SCHEDOP_poll, &poll);

    if (rc) expect_eq(rc, -XEN_EINVAL);
    return rc == 0;
}

static bool info_of_one_of_two(void) {
    long rc;

    domctl_op.u.getdomaininfo.domain = 1;
    rc = hypercall1(__HYPERVISOR_domctl, &domctl_op);
    if (rc) expect_eq(rc, -XEN_ESRCH);
    expect_eq(domctl_op.u.getdomaininfo.domain, rc ? 1 : 0);
    return rc == 0;
}

static void others(void) {
    unsigned int port = event_alloc(DOMID_SELF);

    call.args[0] = XENVER_version;
    CHANGE(call.op, __HYPERVISOR_xen_version, 0xffffffffU, multicall_of_one_of_two);
    status.dom = DOMID_SELF;
    CHANGE(status.port, port, 0xfffffff0U, status_of_one_of_two);
    bind.port = port;
    CHANGE(bind.vcpu, 0, 1U << 20, bind_to_one_of_two);
    poll.timeout = 1;
    polled = port;
    set_xen_guest_handle(poll.ports, &polled);
    poll.nr_ports = 1;
    CHANGE(poll.nr_ports, 1, 1U << 20, poll_one_of_two);
    CHANGE(polled, port, 0xfffffff0U, poll_one_of_two);
    event_close(port);
    domctl(XEN_DOMCTL_getdomaininfo, 0);
    CHANGE(domctl_op.domain, 0, 7, info_of_one_of_two);
}

/* The next trap ends the attempt. */
static struct context after;
static struct regs seen;

static bool end_hook(struct regs *r) {
    seen = *r;
    context_load(&after, 1);
}

static void hook(trap_hook_t *fn) {
    static const uint8_t faults[] = {DB, UD, TS, NP, SS, GP, PF, AC};

    for (unsigned int i = 0; i < sizeof(faults); i++) trap_hooks[faults[i]] = fn;
}

/* Frames of iret, and the stack that they lead to. */
static struct iret_frame frame;
static char landing_stack[STACK_SIZE] __attribute__((aligned(STACK_SIZE)));
extern char landing[], trapped[];
asm(".pushsection .text\n"
    "landing: mov %cs, %eax\n pushf\n pop %rbx\n"
    "trapped: ud2\n"
    ".popsection\n");

#define HOLE          0x0000800000000000UL
#define HYPERVISOR_CS 0xe008UL
#define HYPERVISOR_SS 0xe010UL
#define IN_SYSCALL    0x100UL /* of a frame's flags: back by SYSRET, if that can be */
#define FLAG_IF       0x200UL
#define FLAG_DF       0x400UL
#define FLAG_IOPL     0x3000UL
#define FLAG_VM       0x20000UL

static bool iret_to_one_of_two(void) {
    hook(end_hook);
    if (!context_save(&after))
        asm volatile("mov %0, %%rsp\n\tsyscall" : : "r"(&frame), "a"(__HYPERVISOR_iret) : "memory");
    hook(NULL);
    asm volatile("cld");
    if (seen.vector != UD) {
        expect_eq(seen.vector, GP);
        return false;
    }
    expect_eq(seen.rip, trapped);
    /* In ring 3, with no flag that is not a guest's. */
    expect_eq(seen.rax, FLAT_KERNEL_CS);
    expect_eq(seen.rbx & (FLAG_IF | FLAG_IOPL | FLAG_VM), FLAG_IF);
    return !(seen.rbx & FLAG_DF);
}

static void returns(void) {
    const uint64_t kernel_cs = FLAT_KERNEL_CS & ~3UL;

    *(struct vcpu **)landing_stack = this_vcpu();
    for (uint64_t flags = 0; flags <= IN_SYSCALL; flags += IN_SYSCALL) {
        frame = (struct iret_frame){.flags = flags,
                                    .rip = (uint64_t)landing,
                                    .cs = kernel_cs,
                                    .rflags = 2,
                                    .rsp = (uint64_t)landing_stack + STACK_SIZE - 64,
                                    .ss = FLAT_KERNEL_SS};
        CHANGE(frame.rip, landing, HOLE, iret_to_one_of_two);
        CHANGE(frame.rflags, 2, 2 | FLAG_DF | FLAG_IOPL | FLAG_VM, iret_to_one_of_two);
        /* SYSRET has selectors of its own. */
        if (flags) break;
        CHANGE(frame.cs, kernel_cs, HYPERVISOR_CS, iret_to_one_of_two);
        CHANGE(frame.ss, FLAT_KERNEL_SS, HYPERVISOR_SS, iret_to_one_of_two);
    }
}

/* An instruction that writes the window's entry, or another that is emulated, too. */
static uint32_t *code;

static bool emulate_one_of_two(void) {
    uint64_t good = MFN_PTE(virt_to_mfn(page), PTE_RO);
    bool written;

    seen.vector = PF;
    hook(end_hook);
    if (!context_save(&after))
        asm volatile("call *%0" : : "r"(code), "a"(good), "D"(entry) : "memory", "rcx");
    hook(NULL);
    /* What faulted need not be what is read then: that is the guest's fault. */
    expect(seen.vector == PF || seen.vector == GP);
    written = entry[0] != 0;
    if (written) expect_eq(PTE_MFN(entry[0]), virt_to_mfn(page));
    require_eq(map_pte(window, 0), 0);
    return written;
}

static void instructions(void) {
    code = page_alloc();
    /* mov %rax, (%rdi) and mov %cr3, %rcx; ret. */
    CHANGE(*code, 0xc3078948, 0xc3d9200f, emulate_one_of_two);
}

void test_main(void) {
    require_eq(nr_vcpus(), 2);
    window = window_alloc(2);
    entry = l1_entry(window);
    grants = window_alloc(1);
    map_grant_table(grants);
    page = page_alloc();
    other = page_alloc();
    for (unsigned int i = 0; i < 512; i++) page[i] = 0x600d000 + i;
    other[0] = 0xbad;
    pair = contiguous_pages();

    copies();
    mappings();
    tables();
    exchanges();
    others();
    returns();
    instructions();
}
