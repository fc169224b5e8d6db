/* SPDX-License-Identifier: MIT */
/*
 * mmu_update, mmuext_op, update_va_mapping, memory_op, set_gdt and update_descriptor from guest
 * memory, against the real page types: a guest with an address space, another one, dom0. Between
 * calls the guests write into frames of theirs that are no tables. After each input every rule of
 * the page types must hold, the audit must agree, and destruction must give back every frame.
 *
 * Requests name frames by their number in a list of the world's (the guest's tables and pages,
 * foreign ones, device memory, ones that do not exist), so that an input means the same in each
 * run.
 *
 * Input: steps of a kind, who does it, and what the kind takes.
 */
#include <hv/boot.h>
#include <public/memory.h>
#include <x86/cpu.h>

#include "fakes.h"
#include "guest.h"

#define MAX_STEPS 128
#define NR_KNOWN  64

enum { MMU_UPDATE, MMUEXT, VA_MAPPING, MEMORY_OP, SET_GDT, DESCRIPTOR, WRITE_PLAIN, NR_KINDS };

#define POOL_PAGES 8 /* that the pools of small objects may keep */

static struct domain *doms[3]; /* dom0, and two guests */
static struct domain *reaper;  /* runs when they are destroyed */
static uint64_t free_at_start;
static uint64_t known[NR_KNOWN];
static unsigned int nr_known;
static uint64_t cpu_gdt[512];

static void know(uint64_t mfn) {
    for (unsigned int i = 0; i < nr_known; i++)
        if (known[i] == mfn) return;
    if (nr_known < NR_KNOWN) known[nr_known++] = mfn;
}

static uint64_t take_mfn(struct input *in) {
    uint8_t i = take8(in);

    return i == 255 ? take64(in) : known[i % nr_known];
}

/* An entry: a frame and any flags, the high ones too. */
static uint64_t take_entry(struct input *in) {
    uint64_t mfn = take_mfn(in);
    uint16_t flags = take16(in);

    return mfn << PAGE_SHIFT | (flags & 0xfff) | (uint64_t)(flags >> 12) << 60;
}

static uint64_t take_slot(struct input *in) {
    uint64_t mfn = take_mfn(in);
    uint16_t at = take16(in);

    return (mfn << PAGE_SHIFT) + at % 512 * 8 + (at >> 13);
}

static uint32_t take_domain(struct input *in) {
    static const uint32_t ids[] = {
        DOMID_SELF, DOMID_SELF, DOMID_SELF,           DOMID_SELF,          0, 5, 6, DOMID_IO,
        DOMID_XEN,  99,         6 << 16 | DOMID_SELF, 7 << 16 | DOMID_SELF};

    return ids[take8(in) % ARRAY_SIZE(ids)];
}

/* The guest goes on where a continuation says, or, with no patience left, does something else. */
static long follow4(long (*call)(uint64_t, uint32_t, uint64_t, uint32_t), long rc,
                    unsigned int patience) {
    while (rc == -ERESTART && patience--)
        rc = call(again[0], (uint32_t)again[1], again[2], (uint32_t)again[3]);
    return rc;
}

static void mmu_updates(struct input *in, unsigned int patience) {
    struct mmu_update *req = (void *)(GUEST_BASE + 16);
    uint32_t n = 1 + take8(in) % 4, dom = take_domain(in);

    for (uint32_t i = 0; i < n; i++) {
        req[i].ptr = take_slot(in);
        req[i].val = take_entry(in);
    }
    if (current->domain == dom0 && dom >> 16) foreign_in_tables = true;
    (void)follow4(do_mmu_update, do_mmu_update((uint64_t)req, n, GUEST_BASE, dom), patience);
}

static void mmuext_ops(struct input *in, unsigned int patience) {
    struct mmuext_op *op = (void *)(GUEST_BASE + 16);
    uint32_t n = 1 + take8(in) % 4, dom = take_domain(in);

    for (uint32_t i = 0; i < n; i++) {
        op[i].cmd = take8(in) % 24;
        /* An instruction that only ring 0 has, for whoever owns devices. */
        if (op[i].cmd == MMUEXT_FLUSH_CACHE || op[i].cmd == MMUEXT_FLUSH_CACHE_GLOBAL)
            op[i].cmd = 14;
        if (op[i].cmd == MMUEXT_SET_LDT || op[i].cmd == MMUEXT_INVLPG_ALL) {
            op[i].arg1.linear_addr = (uint64_t)take8(in) << PAGE_SHIFT;
            op[i].arg2.nr_ents = take16(in);
        } else {
            op[i].arg1.mfn = take_mfn(in);
            op[i].arg2.src_mfn = take_mfn(in);
        }
    }
    (void)follow4(do_mmuext_op, do_mmuext_op((uint64_t)op, n, GUEST_BASE, dom), patience);
}

static void va_mapping(struct input *in, unsigned int patience) {
    uint64_t va = (uint64_t)take16(in) << PAGE_SHIFT, flags = take8(in) % 8, val = take_entry(in);
    uint8_t other = take8(in);
    long rc = other & 1 ? do_update_va_mapping_otherdomain(va, val, flags, (domid_t)take_domain(in))
                        : do_update_va_mapping(va, val, flags);

    while (rc == -ERESTART && patience--)
        rc = other & 1
                 ? do_update_va_mapping_otherdomain(again[0], again[1], again[2], (domid_t)again[3])
                 : do_update_va_mapping(again[0], again[1], again[2]);
}

/* A reservation's or an exchange's lists of frames stand behind the structure. */
static void memory_ops(struct input *in, unsigned int patience) {
    uint64_t *list = (void *)(GUEST_BASE + 512), cmd = take8(in) % 32;
    struct xen_memory_exchange *x = (void *)GUEST_BASE;
    unsigned int n = take8(in) % 17;
    long rc;

    guest_write(in, 0);
    for (unsigned int i = 0; i < n; i++) list[i] = take_mfn(in);
    x->in.extent_start.p = (void *)list;
    if (cmd == XENMEM_exchange) x->out.extent_start.p = (void *)(list + 64);
    rc = do_memory_op(cmd, GUEST_BASE);
    while (rc == -ERESTART && patience--) rc = do_memory_op(again[0], again[1]);
    for (unsigned int i = 0; i < n; i++) {
        if (list[i] < NR_FRAMES) know(list[i]);
        if (list[64 + i] < NR_FRAMES && cmd == XENMEM_exchange) know(list[64 + i]);
    }
}

static void set_gdt(struct input *in) {
    uint64_t *list = (void *)(GUEST_BASE + 16);

    for (unsigned int i = 0, n = take8(in) % 16; i < n; i++) list[i] = take_mfn(in);
    (void)do_set_gdt((uint64_t)list, take16(in));
}

/* As a mapping that the guest has would: only where nothing says that the frame is a table. */
static void write_plain(struct input *in, struct domain *d) {
    uint64_t mfn = take_mfn(in), at = take16(in) % 512, val = take_entry(in);
    struct frame *f = mfn < NR_FRAMES ? frame_of(mfn) : NULL;

    if (!f || !frame_get_writable(f, d)) return;
    page(mfn)[at] = val;
    frame_put_writable(f);
}

static void step(struct input *in) {
    unsigned int kind = take8(in) % NR_KINDS, who = take8(in);
    struct domain *d = doms[who % 8 == 7 ? 0 : who % 8 >= 5 ? 2 : 1];
    unsigned int patience = who & 0x20 ? 0 : 10000;

    run_as(d, who >> 3 & 3);
    preempt_at = who >> 6;
    switch (kind) {
    case MMU_UPDATE: mmu_updates(in, patience); break;
    case MMUEXT: mmuext_ops(in, patience); break;
    case VA_MAPPING: va_mapping(in, patience); break;
    case MEMORY_OP: memory_ops(in, patience); break;
    case SET_GDT: set_gdt(in); break;
    case DESCRIPTOR: (void)do_update_descriptor(take_slot(in), take64(in)); break;
    case WRITE_PLAIN: write_plain(in, d); break;
    }
    preempt_at = 0;
}

static void make_guest(unsigned int i) {
    struct tables t;

    doms[i] = make_domain((domid_t)(4 + i), false);
    t = make_tables(doms[i]);
    know(t.l4), know(t.l3), know(t.l2), know(t.l1);
    for (unsigned int j = 0; j < 8; j++) know(t.data[j]);
    run_as(doms[i], i);
    MUST(!mmuext(MMUEXT_PIN_L4_TABLE, t.l4));
}

static void make_world(void) {
    nr_known = 0;
    foreign_in_tables = false;
    guest_size = 0; /* mmuext()'s own arguments are on the stack */
    doms[0] = dom0 = make_domain(0, true);
    make_guest(1);
    MUST(!mmuext(MMUEXT_NEW_BASEPTR, known[0]));
    make_guest(2);
    know(new_frame(dom0));
    know(0), know(16), know(NR_FRAMES), know(NR_FRAMES - 1);
    guest_size = GUEST_SIZE;
}

/* Tables of one may still name frames of another that is gone; with the last, all shells go. */
static void end_world(void) {
    int rc;

    quiet = true;
    MUST(!theorem_violations());
    rc = mm_audit();
    MUST(!rc || rc == -ENOMEM); /* dom0 may have taken all memory */
    run_as(reaper, 3);
    for (unsigned int i = 0; i < 3; i++) {
        domain_ref(doms[i]); /* stays a shell */
        (void)destroy_domain(doms[i]);
    }
    for (unsigned int i = 0; i < 3; i++) {
        domain_put(doms[i]);
        MUST(free_shell(doms[i]));
    }
    MUST(!theorem_violations());
    MUST(!mm_audit());
    MUST(mm_free_pages() + POOL_PAGES >= free_at_start && !failed);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    quiet = true;
    world_init();
    guest_init();
    for (unsigned int i = 0; i < nr_cpus; i++) pcpus[i]->arch.gdt = cpu_gdt;
    cpu_has.phys_bits = 40;
    reaper = make_domain(9, true);
    reaper->mm.max_pages = 0; /* dom0 can give it no memory, which would be missed */
    free_at_start = mm_free_pages();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};

    guest_clear();
    make_world();
    for (unsigned int n = 0; in.left && n < MAX_STEPS; n++) step(&in);
    end_world();
    return 0;
}
