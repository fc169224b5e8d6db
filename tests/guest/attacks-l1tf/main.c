/* SPDX-License-Identifier: MIT */
/*
 * attacks-l1tf: entries that are not present and name memory all the same, which a CPU with L1TF
 * reads from its cache (XSA-273). A guest without privilege tries each way to have one in a table,
 * on a hypervisor told to guard its guests, and is crashed, as by a stock Xen that has no shadow
 * tables. Entries that name no memory are ordinary.
 *
 * Run with: --cmdline pv-l1tf=domu
 */
#include "mm.h"
#include "puppet.h"
#include "trap.h"
#include "vcpu.h"

#define TABLE_PAGE (PUPPET_FREE + 3)

/* From IN_NEW_L1 on they make a table, of each level. */
enum way {
    BY_UPDATE,
    BY_ADDRESS,
    BY_STORE,
    BY_EXCHANGE,
    IN_L2,
    IN_L3,
    IN_L4,
    IN_NEW_L1,
    IN_NEW_L2,
    IN_NEW_L3,
    IN_NEW_L4,
    NR_WAYS
};

static struct puppet p;
static void *windows;
static uint64_t *table; /* another window, on a table of the puppet's */

static bool dead(void) {
    require_eq(domctl(XEN_DOMCTL_getdomaininfo, p.id), 0);
    return domctl_op.u.getdomaininfo.flags & XEN_DOMINF_shutdown;
}

/* The puppet's answer; *died: there is none. */
static long answer(bool *died) {
    *died = false;
    if (!wait_for(!READ_ONCE(p.mail->go) || (*died = dead()), 60000)) die("no answer, no death");
    return (long)p.mail->result;
}

static void start_update(uint64_t at, uint64_t entry) {
    struct mmu_update req = {at, entry};

    puppet_poke(&p, PUPPET_ARG, 0, &req, sizeof(req));
    puppet_start(&p, DO_HYPERCALL, __HYPERVISOR_mmu_update,
                 (uint64_t[5]){puppet_va(PUPPET_ARG), 1, 0, DOMID_SELF});
}

/* A page with the entry, which is then to become a table. */
static void start_pin(unsigned int level, uint64_t entry) {
    struct mmuext_op pin = {.cmd = MMUEXT_PIN_L1_TABLE + level - 1, .arg1.mfn = p.mfn[TABLE_PAGE]};

    puppet_poke(&p, TABLE_PAGE, 511 * 8, &entry, sizeof(entry));
    expect_eq(puppet_call(&p, __HYPERVISOR_update_va_mapping, puppet_va(TABLE_PAGE),
                          MFN_PTE(p.mfn[TABLE_PAGE], PTE_RO), UVMF_INVLPG, 0),
              0);
    puppet_poke(&p, PUPPET_ARG, 0, &pin, sizeof(pin));
    puppet_start(&p, DO_HYPERCALL, __HYPERVISOR_mmuext_op,
                 (uint64_t[5]){puppet_va(PUPPET_ARG), 1, 0, DOMID_SELF});
}

static void undo_pin(void) {
    struct mmuext_op unpin = {.cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = p.mfn[TABLE_PAGE]};

    puppet_poke(&p, PUPPET_ARG, 0, &unpin, sizeof(unpin));
    expect_eq(puppet_call(&p, __HYPERVISOR_mmuext_op, puppet_va(PUPPET_ARG), 1, 0, DOMID_SELF), 0);
    expect_eq(puppet_call(&p, __HYPERVISOR_update_va_mapping, puppet_va(TABLE_PAGE),
                          MFN_PTE(p.mfn[TABLE_PAGE], PTE_RW), UVMF_INVLPG, 0),
              0);
}

/* Stores to its tables are updates. */
static void make(void) {
    puppet_make(&p, windows);
    require_eq(puppet_call(&p, __HYPERVISOR_vm_assist, VMASST_CMD_enable,
                           VMASST_TYPE_writable_pagetables, 0, 0),
               0);
}

/* Where a way puts the entry. */
static unsigned int page_of(enum way way) {
    return way >= IN_NEW_L1 ? TABLE_PAGE : way >= IN_L2 ? PUPPET_L2 - (way - IN_L2) : PUPPET_L1;
}

static unsigned int offset_in(enum way way) {
    return way >= IN_NEW_L1 ? 511 * 8
           : way >= IN_L2   ? 500 * 8
                            : (unsigned int)L1_INDEX(puppet_va(PUPPET_FREE)) * 8;
}

static long attempt(enum way way, uint64_t entry, bool *died) {
    uint64_t maddr = (p.mfn[page_of(way)] << PAGE_SHIFT) + offset_in(way);
    uint64_t va = puppet_va(page_of(way)) + offset_in(way);

    switch (way) {
    case BY_ADDRESS:
        puppet_start(&p, DO_HYPERCALL, __HYPERVISOR_update_va_mapping,
                     (uint64_t[5]){puppet_va(PUPPET_FREE), entry, UVMF_INVLPG});
        break;
    case BY_STORE: puppet_start(&p, DO_WRITE, 0, (uint64_t[5]){va, entry}); break;
    case BY_EXCHANGE: puppet_start(&p, DO_CMPXCHG, 0, (uint64_t[5]){va, entry}); break;
    case BY_UPDATE:
    case IN_L2:
    case IN_L3:
    case IN_L4: start_update(maddr, entry); break;
    default: start_pin(way - IN_NEW_L1 + 1, entry); break;
    }
    return answer(died);
}

/* The first address that no CPU with so many address bits has. */
static uint64_t address_end(void) {
    uint32_t a = 0x80000008, b, c = 0, d;

    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    require((a & 0xff) < 44); /* with more, a part of them is what counts */
    return 1UL << (a & 0xff);
}

/*
 * None of these names memory: nothing, flags alone, what the CPU cannot address, and an address
 * turned round as Linux does. (On a CPU without L1TF, where it only does as it is told, stock Xen
 * takes all that a CPU can address for unsafe, however it is turned.)
 */
static void harmless(void) {
    uint64_t entries[] = {0, 0x62, address_end(), 0};
    bool died;

    make();
    entries[3] = PTE_ADDR & ~(p.mfn[PUPPET_FREE] << PAGE_SHIFT);
    for (enum way way = 0; way < NR_WAYS; way++)
        for (unsigned int i = 0; i < (on_stock_xen() ? 3 : 4); i++) {
            long rc = attempt(way, entries[i], &died);

            require(!died);
            expect_eq(rc, 0);
            if (way >= IN_NEW_L1) undo_pin();
        }
    puppet_destroy(&p);
}

/* Its own memory is as good as any: what the cache has of it may be another's by then; and memory
 * may be anywhere. Above L1 such a CPU minds that an entry is for 2 MiB or 1 GiB: from 0 on, too.
 */
enum harm { OWN_MEMORY, ANOTHERS, LAST_PAGE, LARGE, NR_HARMS };

static uint64_t entry_with(enum harm harm) {
    switch (harm) {
    case OWN_MEMORY: return MFN_PTE(p.mfn[PUPPET_FREE], 0x62);
    case ANOTHERS: return MFN_PTE(virt_to_mfn(l4_table()), 0x62);
    case LAST_PAGE: return address_end() - PAGE_SIZE;
    default: return 0x80;
    }
}

static uint64_t in_table(enum way way) {
    uint64_t maddr = machine_address(l1_entry(table)), entry;

    require_eq(mmu_update_dom(maddr, MFN_PTE(p.mfn[page_of(way)], PTE_RO), p.id), 0);
    entry = table[offset_in(way) / sizeof(entry)];
    require_eq(map_pte(table, 0), 0);
    return entry;
}

static void harmful(enum way way, enum harm harm) {
    uint64_t entry;
    bool died;
    long rc;

    make();
    entry = entry_with(harm);
    rc = attempt(way, entry, &died);
    count_check();
    if (!died) failure("way %u, entry %lx: %ld, and it lives", way, entry, rc);
    expect(way >= IN_NEW_L1 || in_table(way) != entry);
    puppet_destroy(&p);
}

/* So many at once that a log that minds its rate does not tell of all. */
static void burst(void) {
    static struct puppet many[24];
    unsigned int dying = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(many); i++) {
        windows = window_alloc(2);
        make();
        many[i] = p;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(many); i++) {
        p = many[i];
        start_update((p.mfn[PUPPET_L2] << PAGE_SHIFT) + 500 * 8, entry_with(LARGE));
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(many); i++) {
        p = many[i];
        dying += wait_for(dead(), 60000);
        puppet_destroy(&p);
    }
    expect_eq(dying, ARRAY_SIZE(many));
}

void test_main(void) {
    windows = window_alloc(2);
    table = window_alloc(1);
    harmless();
    for (enum way way = 0; way < NR_WAYS; way++)
        for (enum harm harm = 0; harm < NR_HARMS; harm++)
            if (harm != LARGE || (way >= IN_L2 && way != IN_NEW_L1)) harmful(way, harm);
    burst();
}
