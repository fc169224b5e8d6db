/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_grant_table_op from guest memory: a control domain and two guests take turns. They
 * write into their tables as they like, die, and leave handles behind. In the end no pin, frame
 * reference or domain reference may be left.
 *
 * Input: steps of a kind, who does it, and what the kind takes.
 */
#include <hv/guest_access.h>

#include "fakes.h"
#include "guest.h"
#include "table.h"

#define NR_DOMAINS 3
#define NR_OWN     4
#define NR_PTES    64
#define MAX_STEPS  256
#define NR_OPS     15 /* operations, and one more than there are */
#define PTES_AT    0x40000UL

enum { WRITE_ENTRY = NR_OPS, WRITE_GUEST, DESTROY, NR_KINDS };

static struct domain *doms[NR_DOMAINS];
static uint64_t own[NR_DOMAINS][NR_OWN], ptes[NR_DOMAINS][NR_PTES];

/* The page-table entries that a guest's addresses from PTES_AT on name. */
static uint64_t *pte_of(uint64_t addr) {
    if (addr % 8 || addr < PTES_AT || addr >= PTES_AT + NR_PTES * 8) return NULL;
    return &ptes[current->domain->id][(addr - PTES_AT) / 8];
}

static struct frame a_table; /* what stays held after an operation */

void mm_release_l1(struct vcpu *v) { v->mm.l1 = NULL; }

int mm_map_grant(uint64_t addr, bool contains_pte, mfn_t mfn, uint64_t flags) {
    uint64_t *e = pte_of(addr);

    (void)contains_pte;
    current->mm.l1 = &a_table;
    if (!e || *e) return -EINVAL;
    *e = mfn_x(mfn) << PAGE_SHIFT | PTE_P | (flags & PTE_RW);
    return 0;
}

int mm_unmap_grant(uint64_t addr, bool contains_pte, mfn_t mfn, bool writable, uint64_t new_addr) {
    uint64_t *e = pte_of(addr);

    (void)contains_pte, (void)new_addr;
    current->mm.l1 = &a_table;
    if (!e || *e != (mfn_x(mfn) << PAGE_SHIFT | PTE_P | (writable ? PTE_RW : 0))) return -EINVAL;
    *e = 0;
    return 0;
}

void flush_domain(struct domain *d, uint64_t va) { (void)d, (void)va; }

static void make_all(void) {
    memset(ptes, 0, sizeof(ptes));
    for (unsigned int i = 0; i < NR_DOMAINS; i++) {
        doms[i] = make_domain((domid_t)i, i == 0, 1);
        for (unsigned int f = 0; f < NR_OWN; f++) own[i][f] = new_frame(doms[i]);
    }
    for (unsigned int i = 0; i < NR_DOMAINS; i++) MUST(!grant_init_domain(doms[i], 3, 2, 2));
}

/* The handles go, then the page tables, which hold references of their own. */
static void destroy(struct domain *d) {
    run_as(doms[0], 0, 0);
    d->state = DOM_DYING;
    while (grant_release_mappings(d) == -ERESTART)
        ;
    for (unsigned int i = 0; i < NR_PTES; i++) {
        uint64_t e = ptes[d->id][i];

        ptes[d->id][i] = 0;
        if (e & PTE_RW)
            frame_put_writable(mfn_to_frame(_mfn(e >> PAGE_SHIFT)));
        else if (e)
            frame_put(mfn_to_frame(_mfn(e >> PAGE_SHIFT)));
    }
}

static void check_pins(struct domain *d) {
    for (uint32_t i = 0; i < table_entries(grants_of(d)); i++)
        MUST(!is_pinned(active_of(grants_of(d), i)));
}

static void free_all(void) {
    for (unsigned int i = NR_DOMAINS; i-- > 0;)
        if (doms[i]->state < DOM_DYING) destroy(doms[i]);
    for (unsigned int i = 0; i < NR_DOMAINS; i++) check_pins(doms[i]);
    for (unsigned int i = 0; i < NR_DOMAINS; i++) {
        MUST(doms[i]->refs == 1);
        grant_destroy_domain(doms[i]);
        for (unsigned int f = 0; f < NR_OWN; f++) {
            MUST(frame_refs(own[i][f]) == 1 && frame_writers(own[i][f]) == 0);
            mfn_to_frame(_mfn(own[i][f]))->count = 0;
        }
        free_domain(doms[i]);
    }
    MUST(frames_in_use() == 0 && failed == 0);
}

static void grant_op(struct input *in, uint32_t cmd, unsigned int patience) {
    uint32_t count = take8(in);
    long rc;

    if (count == 255) count = take32(in);
    guest_write(in, 0);
    rc = do_grant_table_op(cmd, GUEST_BASE, count);
    while (rc == -ERESTART && patience--) {
        MUST(again[0] == cmd && again[2] < count);
        count = (uint32_t)again[2];
        rc = do_grant_table_op(cmd, again[1], count);
    }
    MUST(rc <= 0 && rc > -4096 && !current->mm.l1);
}

/* Anywhere in what the domain sees of its table. */
static void write_entry(struct input *in, struct domain *d) {
    const struct grant_table *t = grants_of(d);
    uint8_t entry[16], frame = take8(in);
    unsigned int at = take8(in) * 16u % PAGE_SIZE;

    take(in, entry, sizeof(entry));
    if ((frame & 1) && t->nr_status)
        memcpy((char *)t->status[(frame >> 1) % t->nr_status] + at, entry, sizeof(entry));
    else
        memcpy((char *)t->shared[(frame >> 1) % t->nr_frames] + at, entry, sizeof(entry));
}

static void step(struct input *in) {
    unsigned int kind = take8(in) % NR_KINDS, who = take8(in), i = who % NR_DOMAINS;
    struct domain *d = doms[i];

    if (d->state >= DOM_DYING) return;
    preempt_at = who >> 6;
    run_as(d, 0, 0);
    if (kind < NR_OPS)
        grant_op(in, kind, who & 0x20 ? 0 : 300);
    else if (kind == WRITE_ENTRY)
        write_entry(in, d);
    else if (kind == WRITE_GUEST)
        guest_write(in, take16(in));
    else if (i)
        destroy(d);
    preempt_at = 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    world_init();
    guest_init();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};

    guest_clear();
    make_all();
    for (unsigned int n = 0; in.left && n < MAX_STEPS; n++) step(&in);
    free_all();
    return 0;
}
