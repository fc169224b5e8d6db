/* SPDX-License-Identifier: MIT */
/*
 * isolation-smp: two vcpus race for one frame in opposite roles. A frame is never a validated table
 * and writable at once; a store through a stale translation does not reach a table; updates of one
 * table from two sides lose nothing; and at the end every frame can be what it was.
 * Run with: --smp 2
 */
#include "event.h"
#include "mm.h"
#include "trap.h"
#include "vcpu.h"

#define RACE_MS    3000 /* of each race, and at least */
#define MIN_ROUNDS 50

static uint64_t *contested; /* the page raced for */
static uint64_t contested_mfn;
static uint64_t *window, *entry; /* where the other vcpu maps it */
static volatile unsigned int mapped, pinned, both, stale;

/*
 * The two meet before every round, each telling the other its number. Vcpu 0 says which round is
 * the last, which is not done; false is that.
 */
static volatile unsigned int at[2], last_round;
static uint64_t race_end;

static bool meet(unsigned int me, unsigned int round) {
    uint64_t limit = now() + 100 * SECOND;

    if (!me && round > MIN_ROUNDS && now() > race_end) last_round = round;
    at[me] = round;
    while (at[1 - me] < round) {
        relax();
        if (now() > limit) die("vcpu %u waits for the other in round %u", me, round);
    }
    return round != last_round;
}

/* While the frame is a pinned L1, no store of ours may succeed. */
static void try_to_map(unsigned int round) {
    if (mmu_update(machine_address(entry), MFN_PTE(contested_mfn, PTE_RW))) return;
    mapped++;
    try_write(window + 5, (uint64_t)round << 12);
    require_eq(HV_update_va_mapping(window, 0, UVMF_INVLPG | UVMF_ALL), 0);
}

static void try_to_pin(void) {
    long rc = mmuext(MMUEXT_PIN_L1_TABLE, contested_mfn, 0);

    if (rc) return;
    pinned++;
    /* Now it is a table: a writable mapping can not be there. */
    if (*entry & PTE_P) both++;
    require_eq(mmuext(MMUEXT_UNPIN_TABLE, contested_mfn, 0), 0);
}

static void pin_against_map_1(void) {
    for (unsigned int i = 1; meet(1, i); i++) {
        for (unsigned int n = 0; n < 20; n++) try_to_map(i);
    }
}

static void pin_against_map_0(void) {
    for (unsigned int i = 1; meet(0, i); i++) {
        for (unsigned int n = 0; n < 20; n++) try_to_pin();
    }
}

/*
 * One vcpu maps the frame writable for a moment and goes on writing through the address, faults
 * included; the other pins it as a table with an entry of its own and watches that entry.
 */
static void stale_writer_1(void) {
    for (unsigned int i = 1; meet(1, i); i++) {
        mmu_update(machine_address(entry), MFN_PTE(contested_mfn, PTE_RW));
        for (unsigned int n = 0; n < 50; n++) try_write(window + 9, 0xbad000);
        /* Taken away without a flush: only a retyping of the frame forces one. */
        require_eq(mmu_update(machine_address(entry), 0), 0);
        for (unsigned int n = 0; n < 200; n++) try_write(window + 9, 0xbad000);
    }
}

static void stale_writer_0(void) {
    for (unsigned int i = 1; meet(0, i); i++) {
        for (unsigned int n = 0; n < 300; n++) {
            if (mmuext(MMUEXT_PIN_L1_TABLE, contested_mfn, 0)) continue;
            pinned++;
            require_eq(write_entry(contested + 9, 0x600d000), 0);
            for (unsigned int k = 0; k < 20; k++)
                if (READ_ONCE(contested[9]) != 0x600d000) stale++;
            require_eq(mmuext(MMUEXT_UNPIN_TABLE, contested_mfn, 0), 0);
            break;
        }
    }
}

/* Both write entries of one table, each its own half, and the same one in between. */
static uint64_t *table, *pages[2];

static void update_half(unsigned int me) {
    for (unsigned int i = 1; meet(me, i); i++) {
        unsigned int slot = me * 256 + i % 255 + 1;

        require_eq(write_entry(table + slot, MFN_PTE(virt_to_mfn(pages[me]), PTE_RW)), 0);
        require_eq(write_entry(table, MFN_PTE(virt_to_mfn(pages[me]), PTE_RW)), 0);
        require_eq(try_write(table + slot, 0), 0);
        require_eq(write_entry(table, 0), 0);
    }
}

static void update_half_1(void) { update_half(1); }

/* Two vcpus pin and unpin two L2s that share one L1: its validation is counted right. */
static uint64_t *l2s[2], *shared_l1;

static void pin_tree(unsigned int me) {
    for (unsigned int i = 1; meet(me, i); i++) {
        require_eq(mmuext(MMUEXT_PIN_L2_TABLE, virt_to_mfn(l2s[me]), 0), 0);
        require_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(l2s[me]), 0), 0);
    }
}

static void pin_tree_1(void) { pin_tree(1); }

static void race(vcpu_fn_t *mine, vcpu_fn_t *other) {
    at[0] = at[1] = last_round = 0;
    race_end = now() + RACE_MS * MS;
    mapped = pinned = both = stale = 0;
    require_eq(vcpu_start(1, other), 0);
    mine();
    vcpu_wait_down(1);
    printk("%u rounds, mapped %u, pinned %u\n", last_round - 1, mapped, pinned);
    expect_eq(both, 0);
    expect_eq(stale, 0);
    require_eq(HV_update_va_mapping(window, 0, UVMF_INVLPG | UVMF_ALL), 0);
}

static void update_half_0(void) { update_half(0); }

static void pin_tree_0(void) { pin_tree(0); }

static void shared_tables(void) {
    shared_l1 = page_alloc();
    for (unsigned int i = 0; i < 512; i++)
        shared_l1[i] = MFN_PTE(virt_to_mfn(pages[i % 2]), PTE_RW);
    require_eq(set_readonly(shared_l1), 0);
    for (unsigned int i = 0; i < 2; i++) {
        l2s[i] = page_alloc();
        for (unsigned int k = 0; k < 16; k++)
            l2s[i][k * 7] = MFN_PTE(virt_to_mfn(shared_l1), PTE_TABLE);
        require_eq(set_readonly(l2s[i]), 0);
    }
    race(pin_tree_0, pin_tree_1);
    table_free(l2s[0]);
    table_free(l2s[1]);
    table_free(shared_l1);
}

void test_main(void) {
    require_eq(nr_vcpus(), 2);
    window = window_alloc(1);
    entry = l1_entry(window);
    contested = table_alloc();
    contested_mfn = virt_to_mfn(contested);
    pages[0] = page_alloc();
    pages[1] = page_alloc();

    race(pin_against_map_0, pin_against_map_1);
    race(stale_writer_0, stale_writer_1);
    expect_eq(set_writable(contested), 0);

    table = table_alloc();
    require_eq(mmuext(MMUEXT_PIN_L1_TABLE, virt_to_mfn(table), 0), 0);
    race(update_half_0, update_half_1);
    for (unsigned int i = 0; i < 512; i++) expect_eq(table[i], 0);
    require_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(table), 0), 0);
    table_free(table);

    shared_tables();
    /* No reference is left over: the pages can be tables themselves. */
    for (unsigned int i = 0; i < 2; i++) {
        require_eq(set_readonly(pages[i]), 0);
        expect_eq(mmuext(MMUEXT_PIN_L4_TABLE, virt_to_mfn(pages[i]), 0), 0);
        expect_eq(mmuext(MMUEXT_UNPIN_TABLE, virt_to_mfn(pages[i]), 0), 0);
        expect_eq(set_writable(pages[i]), 0);
    }
}
