/* SPDX-License-Identifier: MIT */
/* Page tables by hypercall, pages that become tables, loads and stores anywhere. */
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

/* Whether the table has the fuzzer's own half still. It cannot be told where its page's address
 * maps another frame for now. */
static bool can_run_on(unsigned int i) {
    const uint64_t *home = (const uint64_t *)si->pt_base;
    uint64_t entry;

    if (PTE_MFN(READ_ONCE(*pool_pte[i])) != pool[i].mfn) return false;
    return !try_read((uint64_t *)pool_va(i) + 511, &entry) && entry == home[511];
}

static void make_base(struct fuzzer *f, struct call *c) {
    bool user = chance(f, 40);
    struct mmuext_op *op = mmuext_call(f, c, user ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_NEW_BASEPTR);

    unsigned int i = pick_slot(f, TABLE, 4);

    /* In a multicall one that is good now may be an empty page by then. */
    op->arg1.mfn = chance(f, 30) || f->together || !can_run_on(i) ? home_l4() : pool[i].mfn;
    if (user && chance(f, 10)) op->arg1.mfn = 0;
    /* One of another level: of the pool's it might do as an L4 for all that. */
    if (chance(f, 5))
        op->arg1.mfn = user ? pick_table_frame(f, 1 + (unsigned int)below(f, 3))
                            : PTE_MFN(((uint64_t *)si->pt_base)[511]);
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

static unsigned int act_fill(struct fuzzer *f) {
    unsigned int i = pick_slot(f, WRITABLE, 0);

    fill_slot(f, i, 1 + (unsigned int)below(f, DESCRIPTORS));
    return 0;
}

static unsigned int act_sweep(struct fuzzer *f) {
    pool_sweep(f);
    return 0;
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
};
const unsigned int nr_memory_calls = ARRAY_SIZE(memory_calls);

const struct generator memory_acts[] = {
    {"(fill a page)", 25, NULL, act_fill},
    {"(sweep)", 1, NULL, act_sweep},
    {"(load or store)", 40, NULL, act_touch},
};
const unsigned int nr_memory_acts = ARRAY_SIZE(memory_acts);
