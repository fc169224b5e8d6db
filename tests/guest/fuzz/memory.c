/* SPDX-License-Identifier: MIT */
/* Page tables by hypercall and by writes, the domain's frames, loads and stores anywhere. */
#include <public/memory.h>
#include "fuzz.h"
#include "parts.h"

static unsigned int entry_index(struct fuzzer *f, unsigned int level) {
    /* The upper half of an L4 holds the fuzzer itself; who knows what it has become by now. */
    return (unsigned int)below(f, level > 1 ? 256 : 512);
}

static void own_mapped(struct fuzzer *f, struct call *c, long rc) {
    struct slot *s = &pool[c->note[0]];

    (void)f;
    if (!rc && (c->note[1] & PTE_W)) s->level = 0;
}

static void make_va_own(struct fuzzer *f, struct call *c) {
    unsigned int i = pick_slot(f, chance(f, 40) ? STAGED : ANY, 0);
    const struct slot *s = &pool[i];
    bool table = s->pinned || (s->level && mapped_writable(i));
    uint64_t pte = MFN_PTE(s->mfn, table ? PTE_RO : PTE_RW);

    if (!s->mfn || chance(f, 8)) pte = 0;
    if (chance(f, 4)) pte = pick_entry(f, 1);
    *c = (struct call){.op = __HYPERVISOR_update_va_mapping,
                       .arg = {(uint64_t)pool_va(i), pte, below(f, 8)},
                       .done = own_mapped,
                       .note = {i, pte}};
}

static void make_va_window(struct fuzzer *f, struct call *c) {
    uint64_t va = (uint64_t)window + below(f, WINDOW_PAGES) * PAGE_SIZE;
    uint64_t flags = below(f, 12), *vcpus_wanted = arg_alloc(f, 16);

    *vcpus_wanted = rnd(f);
    if (chance(f, 10)) flags = arg_address(f, vcpus_wanted) | below(f, 4);
    if (chance(f, 3)) va = (uint64_t)grant_window + below(f, WINDOW_PAGES) * PAGE_SIZE;
    if (chance(f, 3)) va = bad_address(f) & 0x0000ffffffffffff; /* not of this kernel's half */
    *c = (struct call){.op = __HYPERVISOR_update_va_mapping, .arg = {va, pick_entry(f, 1), flags}};
    if (!chance(f, 5)) return;
    c->op = __HYPERVISOR_update_va_mapping_otherdomain;
    c->arg[3] = pick_domain(f);
}

static void one_request(struct fuzzer *f, struct mmu_update *u) {
    unsigned int i = pick_slot(f, TABLE, (unsigned int)below(f, 5));
    unsigned int level = pool[i].level ? pool[i].level : 1;
    uint64_t command = below(f, 20) < 17 ? below(f, 4) & 2 : below(f, 4);

    if (level == DESCRIPTORS) level = 1;
    u->ptr = pool[i].mfn << PAGE_SHIFT | entry_index(f, level) * 8 | command;
    u->val = pick_entry(f, level);
    if (command == MMU_MACHPHYS_UPDATE)
        u->val = chance(f, 90) ? virt_to_pfn(pool_va(i)) : virt_to_pfn(pool_start) + below(f, 99);
    else if (chance(f, 6)) /* an entry of the tables that the window hangs on */
        u->ptr = machine_address(window_pte + below(f, WINDOW_PAGES)) | command,
        u->val = pick_entry(f, 1);
    else if (chance(f, 2) && !is_vital(pick_frame(f)))
        u->ptr |= below(f, 8);
}

static void make_mmu_update(struct fuzzer *f, struct call *c) {
    unsigned int n = chance(f, 80) ? 1 : (unsigned int)below(f, 6);
    struct mmu_update *u = arg_alloc(f, 6 * sizeof(*u));
    uint32_t *done = arg_alloc(f, sizeof(*done));
    uint64_t domain = pick_domain(f);

    for (unsigned int i = 0; i < n; i++) one_request(f, &u[i]);
    if (chance(f, 4)) domain |= (pick_domain(f) + 1) << 16;
    *c = (struct call){
        .op = __HYPERVISOR_mmu_update,
        .arg = {arg_address(f, u), n, chance(f, 30) ? arg_address(f, done) : 0, domain}};
}

static struct mmuext_op *mmuext_call(struct fuzzer *f, struct call *c, unsigned int cmd) {
    struct mmuext_op *op = arg_alloc(f, 2 * sizeof(*op));

    op->cmd = cmd;
    op[1].cmd = MMUEXT_TLB_FLUSH_LOCAL;
    *c = (struct call){.op = __HYPERVISOR_mmuext_op,
                       .arg = {arg_address(f, op), chance(f, 90) ? 1 : 2, 0, pick_domain(f)}};
    return op;
}

static void pin_done(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc && c->note[0] < POOL_PAGES) pool[c->note[0]].pinned = (uint8_t)c->note[1];
}

/* An L4 without the fuzzer's own half is never pinned: somebody might load it. */
static void make_pin(struct fuzzer *f, struct call *c) {
    unsigned int i = pick_slot(f, FILLED, 1 + (unsigned int)below(f, 4)), level = pool[i].level;
    struct mmuext_op *op;

    if (level == 0 || level == DESCRIPTORS || (level != 4 && chance(f, 8)))
        level = 1 + (unsigned int)below(f, 3);
    op = mmuext_call(f, c, MMUEXT_PIN_L1_TABLE + level - 1);
    op->arg1.mfn = pool[i].mfn;
    c->note[0] = i;
    c->note[1] = 1;
    c->done = pin_done;
    if (chance(f, 94) || level == 4) return;
    op->arg1.mfn = pick_frame(f);
    c->note[0] = POOL_PAGES;
}

static void make_unpin(struct fuzzer *f, struct call *c) {
    unsigned int i = pick_slot(f, TABLE, 0);
    struct mmuext_op *op = mmuext_call(f, c, MMUEXT_UNPIN_TABLE);

    op->arg1.mfn = pool[i].mfn;
    c->note[0] = i;
    c->done = pin_done;
    if (chance(f, 94)) return;
    op->arg1.mfn = pick_frame(f);
    c->note[0] = POOL_PAGES;
}

/* Whether the table has the fuzzer's own half still. */
static bool can_run_on(unsigned int i) {
    const uint64_t *home = (const uint64_t *)si->pt_base;
    uint64_t entry;

    return !try_read((uint64_t *)pool_va(i) + 511, &entry) && entry == home[511];
}

static void make_base(struct fuzzer *f, struct call *c) {
    bool user = chance(f, 40);
    struct mmuext_op *op = mmuext_call(f, c, user ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_NEW_BASEPTR);

    unsigned int i = pick_slot(f, TABLE, 4);

    op->arg1.mfn = chance(f, 30) || !can_run_on(i) ? home_l4() : pool[i].mfn;
    if (user && chance(f, 10)) op->arg1.mfn = 0;
    if (chance(f, 5)) op->arg1.mfn = pick_table_frame(f, 1 + (unsigned int)below(f, 3));
}

static void make_flush(struct fuzzer *f, struct call *c) {
    static const unsigned int commands[] = {MMUEXT_TLB_FLUSH_LOCAL,
                                            MMUEXT_INVLPG_LOCAL,
                                            MMUEXT_TLB_FLUSH_MULTI,
                                            MMUEXT_INVLPG_MULTI,
                                            MMUEXT_TLB_FLUSH_ALL,
                                            MMUEXT_INVLPG_ALL,
                                            MMUEXT_FLUSH_CACHE,
                                            MMUEXT_FLUSH_CACHE_GLOBAL,
                                            MMUEXT_MARK_SUPER,
                                            MMUEXT_UNMARK_SUPER,
                                            14,
                                            21};
    struct mmuext_op *op = mmuext_call(f, c, PICK(f, commands));
    uint64_t *wanted = arg_alloc(f, 16);

    *wanted = rnd(f);
    op->arg1.linear_addr = chance(f, 80) ? (uint64_t)window + below(f, 1 << 18) : odd(f);
    set_xen_guest_handle_raw(op->arg2.vcpumask, (void *)arg_address(f, wanted));
    if (op->cmd == 14 || op->cmd == 21) op->cmd = (unsigned int)odd(f) | 32;
}

static void page_done(struct fuzzer *f, struct call *c, long rc) {
    (void)f;
    if (!rc) pool[c->note[0]].level = 0;
}

static void make_page(struct fuzzer *f, struct call *c) {
    unsigned int i = pick_slot(f, WRITABLE, 0);
    struct mmuext_op *op = mmuext_call(f, c, chance(f, 50) ? MMUEXT_CLEAR_PAGE : MMUEXT_COPY_PAGE);
    uint64_t other = pick_frame(f);

    op->arg1.mfn = pool[i].mfn;
    op->arg2.src_mfn = pick_frame(f);
    c->note[0] = i;
    c->done = page_done;
    if (chance(f, 5) && !is_vital(other)) op->arg1.mfn = other;
}

static struct xen_memory_reservation *reservation(struct fuzzer *f, struct call *c,
                                                  unsigned int cmd, uint64_t **list) {
    struct xen_memory_reservation *r = arg_alloc(f, sizeof(*r));

    *list = arg_alloc(f, 8 * 8);
    set_xen_guest_handle_raw(r->extent_start, (void *)arg_address(f, *list));
    r->nr_extents = 1;
    r->domid = pick_domain(f);
    if (chance(f, 3)) r->extent_order = (unsigned int)below(f, 20);
    if (chance(f, 3)) r->mem_flags = (unsigned int)odd(f);
    *c = (struct call){.op = __HYPERVISOR_memory_op, .arg = {cmd, arg_address(f, r)}};
    if (chance(f, 2)) c->arg[0] |= below(f, 4) << 6;
    return r;
}

static void given_back(struct fuzzer *f, struct call *c, long rc) {
    unsigned int i = (unsigned int)c->note[0];

    (void)f;
    if (rc == 1) pool[i] = (struct slot){0};
}

static void make_decrease(struct fuzzer *f, struct call *c) {
    unsigned int i = (unsigned int)below(f, POOL_PAGES);
    uint64_t *list;

    for (unsigned int n = 0; n < POOL_PAGES && (!pool[i].mfn || (*pool_pte[i] & PTE_P)); n++)
        i = (i + 1) % POOL_PAGES;
    reservation(f, c, XENMEM_decrease_reservation, &list);
    list[0] = pool[i].mfn;
    c->note[0] = i;
    c->done = given_back;
}

static void populated(struct fuzzer *f, struct call *c, long rc) {
    unsigned int i = (unsigned int)c->note[0];
    const uint64_t *list = (const uint64_t *)c->note[1];

    (void)f;
    if (rc != 1 || pool[i].mfn) return;
    pool[i] = (struct slot){.mfn = list[0]};
    set_pfn_to_mfn(virt_to_pfn(pool_va(i)), list[0]);
}

static void make_populate(struct fuzzer *f, struct call *c) {
    unsigned int i = pick_slot(f, ABSENT, 0);
    uint64_t *list;

    if (pool[i].mfn && !chance(f, 5)) {
        make_decrease(f, c);
        return;
    }
    reservation(f, c, chance(f, 90) ? XENMEM_populate_physmap : XENMEM_increase_reservation, &list);
    list[0] = virt_to_pfn(pool_va(i));
    c->note[0] = i;
    c->note[1] = (uint64_t)list;
    c->done = populated;
}

static void exchanged(struct fuzzer *f, struct call *c, long rc) {
    unsigned int i = (unsigned int)c->note[0];
    const uint64_t *out = (const uint64_t *)c->note[1];

    (void)f;
    if (rc) return;
    pool[i] = (struct slot){.mfn = out[0]};
    set_pfn_to_mfn(virt_to_pfn(pool_va(i)), out[0]);
}

static void make_exchange(struct fuzzer *f, struct call *c) {
    struct xen_memory_exchange *x = arg_alloc(f, sizeof(*x));
    uint64_t *in = arg_alloc(f, 64), *out = arg_alloc(f, 64);
    unsigned int i = (unsigned int)below(f, POOL_PAGES);

    for (unsigned int n = 0; n < POOL_PAGES && (!pool[i].mfn || (*pool_pte[i] & PTE_P)); n++)
        i = (i + 1) % POOL_PAGES;
    in[0] = pool[i].mfn;
    out[0] = virt_to_pfn(pool_va(i));
    x->in = (struct xen_memory_reservation){.nr_extents = 1, .domid = DOMID_SELF};
    x->out = x->in;
    set_xen_guest_handle_raw(x->in.extent_start, (void *)arg_address(f, in));
    set_xen_guest_handle_raw(x->out.extent_start, (void *)arg_address(f, out));
    if (chance(f, 5)) x->in.domid = x->out.domid = pick_domain(f);
    if (chance(f, 5)) x->in.nr_extents = odd(f);
    if (chance(f, 5)) x->out.extent_order = (unsigned int)odd(f);
    if (chance(f, 3)) x->nr_exchanged = odd(f);
    *c = (struct call){.op = __HYPERVISOR_memory_op,
                       .arg = {XENMEM_exchange, arg_address(f, x)},
                       .done = exchanged,
                       .note = {i, (uint64_t)out}};
}

/* Questions, and operations that only have a form in common: a structure of small numbers. */
static void make_memory_other(struct fuzzer *f, struct call *c) {
    static const unsigned int commands[] = {XENMEM_maximum_ram_page,
                                            XENMEM_current_reservation,
                                            XENMEM_maximum_reservation,
                                            XENMEM_maximum_gpfn,
                                            XENMEM_machphys_mfn_list,
                                            XENMEM_machphys_compat_mfn_list,
                                            XENMEM_machphys_mapping,
                                            XENMEM_memory_map,
                                            XENMEM_machine_memory_map,
                                            XENMEM_set_memory_map,
                                            XENMEM_set_pod_target,
                                            XENMEM_get_pod_target,
                                            XENMEM_get_sharing_freed_pages,
                                            XENMEM_add_to_physmap,
                                            XENMEM_add_to_physmap_batch,
                                            XENMEM_remove_from_physmap,
                                            XENMEM_claim_pages,
                                            XENMEM_reserved_device_memory_map,
                                            XENMEM_acquire_resource,
                                            XENMEM_get_vnumainfo,
                                            XENMEM_paging_op,
                                            XENMEM_access_op,
                                            XENMEM_sharing_op,
                                            29,
                                            62};
    uint64_t *arg = arg_alloc(f, 128), *list = arg_alloc(f, 256);

    arg[0] = pick_domain(f);
    if (chance(f, 30)) arg[0] |= below(f, 4) << 32 | below(f, 4) << 16;
    for (unsigned int i = 1; i < 8; i++) arg[i] = chance(f, 50) ? below(f, 4) : (uint64_t)list;
    *c = (struct call){.op = __HYPERVISOR_memory_op,
                       .arg = {PICK(f, commands), arg_address(f, arg)}};
}

static unsigned int act_fill(struct fuzzer *f) {
    unsigned int i = pick_slot(f, WRITABLE, 0);

    fill_slot(f, i, 1 + (unsigned int)below(f, DESCRIPTORS));
    return 0;
}

static unsigned int act_sweep(struct fuzzer *f) {
    pool_sweep(f);
    return 0;
}

/* A store of some form to a page table, which the hypervisor carries out, or not. */
static unsigned int act_table_write(struct fuzzer *f) {
    unsigned int i = pick_slot(f, TABLE, 1 + (unsigned int)below(f, 4)), level = pool[i].level;
    uint64_t *at = (uint64_t *)pool_va(i) + entry_index(f, level), value = pick_entry(f, level);
    uint64_t old = 0;

    if (chance(f, 4)) at = (uint64_t *)((uint64_t)at + below(f, 8));
    if (chance(f, 10)) at = window_pte + below(f, WINDOW_PAGES);
    try_read(at, &old);
    switch (below(f, 9)) {
    case 0: return fault_outcome(TRY_IO("xchg %1, (%2)", (, "+r"(value)), ("r"(at)), ("memory")));
    case 1:
        return fault_outcome(TRY_IO("lock cmpxchg %3, (%2)", (, "+a"(old)), ("r"(at), "r"(value)),
                                    ("memory", "cc")));
    case 2: return fault_outcome(TRY_IO("lock andq $-3, (%1)", (), ("r"(at)), ("memory", "cc")));
    case 3: return fault_outcome(TRY_IO("orq $0x60, (%1)", (), ("r"(at)), ("memory", "cc")));
    case 4: return fault_outcome(TRY_IO("movl %k2, (%1)", (), ("r"(at), "r"(value)), ("memory")));
    case 5: return fault_outcome(TRY_IO("movb $0, (%1)", (), ("r"(at)), ("memory")));
    case 6: return fault_outcome(TRY_IO("movq $0, (%1)", (), ("r"(at)), ("memory")));
    case 7:
        return fault_outcome(
            TRY_IO("lock xaddq %1, (%2)", (, "+r"(old)), ("r"(at)), ("memory", "cc")));
    default: return fault_outcome(try_write(at, value));
    }
}

static unsigned int act_touch(struct fuzzer *f) {
    uint64_t at = (uint64_t)window + below(f, WINDOW_PAGES * PAGE_SIZE);

    if (chance(f, 40)) at = (uint64_t)pool_start + below(f, POOL_PAGES * PAGE_SIZE);
    if (chance(f, 20)) at = (uint64_t)grant_window + below(f, WINDOW_PAGES * PAGE_SIZE);
    if (chance(f, 5)) at = 0xffff800000000000 + below(f, 1ULL << 44);
    if (chance(f, 40)) return fault_outcome(try_read((void *)at, NULL));
    /* The last two words of an L4 are entries of the fuzzer's own half: data stays off there. */
    return fault_outcome(
        try_write((void *)(at & ~0x807UL), chance(f, 50) ? odd(f) : pick_entry(f, 1)));
}

const struct generator memory_calls[] = {
    {"update_va_mapping.own", 90, make_va_own, NULL},
    {"update_va_mapping", 60, make_va_window, NULL},
    {"mmu_update", 90, make_mmu_update, NULL},
    {"mmuext.pin", 50, make_pin, NULL},
    {"mmuext.unpin", 25, make_unpin, NULL},
    {"mmuext.base", 15, make_base, NULL},
    {"mmuext.flush", 20, make_flush, NULL},
    {"mmuext.page", 15, make_page, NULL},
    {"memory.decrease", 10, make_decrease, NULL},
    {"memory.populate", 14, make_populate, NULL},
    {"memory.exchange", 10, make_exchange, NULL},
    {"memory.other", 15, make_memory_other, NULL},
};
const unsigned int nr_memory_calls = ARRAY_SIZE(memory_calls);

const struct generator memory_acts[] = {
    {"(fill a page)", 25, NULL, act_fill},
    {"(sweep)", 1, NULL, act_sweep},
    {"(table write)", 50, NULL, act_table_write},
    {"(load or store)", 40, NULL, act_touch},
};
const unsigned int nr_memory_acts = ARRAY_SIZE(memory_acts);
