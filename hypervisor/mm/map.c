/* SPDX-License-Identifier: MIT */
/*
 * Hospes's own address space (x86/layout.h), built once at boot in boot_l4, whose slots 256..271
 * every guest L4 repeats: the direct map, the frame table and both views of the M2P. All tables
 * above the last level are complete for what they cover when mm_init() ends, or belong to
 * ioremap.c; so nothing needs to be copied to guests' tables later.
 *
 * The direct map covers e820 RAM in 2 MiB (or 1 GiB) pages and nothing else, so that device memory
 * has no cached alias. Where the machine has no RAM, the frame table shows one shared read-only
 * piece whose records say OWNER_IO; the M2P has holes there, where guests' reads fault.
 */
#include <hv/boot.h>
#include <x86/cpu.h>

#include "mm_local.h"

#define SIZE_2M    (2UL << 20)
#define SIZE_1G    (1UL << 30)
#define LOW_4G     (4UL << 30)
#define ISA_FRAMES 256 /* the first MiB is the firmware's and the devices' */

#define TABLE_PTE (PTE_P | PTE_RW | PTE_A)
#define DATA_PTE  (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define PAGES_PER_CHUNK                                                                            \
    (SIZE_2M / sizeof(struct frame))               /* frames that 2 MiB of records describe        \
                                                    */
#define PAGES_PER_M2P (SIZE_2M / sizeof(uint64_t)) /* frames that 2 MiB of M2P describe */

struct frame *frame_table = (struct frame *)FRAMETABLE_START;
uint64_t max_frame;

/* Usable RAM that nobody has taken yet; then the heap has it. */
static struct { paddr_t start, end; } region[512] __initdata;
static unsigned int nr_regions __initdata;
static bool heap_ready;

static void give_to_heap(paddr_t start, paddr_t end) {
    uint64_t mfn = start >> PAGE_SHIFT, stop = end >> PAGE_SHIFT;

    while (mfn < stop) {
        unsigned int order = min(ffs64(mfn), fls64(stop - mfn));

        order = min(order, 10u);
        for (uint64_t i = 0; i < BIT(order); i++) frame_table[mfn + i].count = FC_DIRTY;
        heap_free(&frame_table[mfn], order);
        mfn += BIT(order);
    }
}

void mm_boot_add_ram(paddr_t start, paddr_t end) {
    start = max(ROUND_UP(start, PAGE_SIZE), (paddr_t)ISA_FRAMES << PAGE_SHIFT);
    end &= PAGE_MASK;
    if (start >= end) return;
    if (heap_ready) {
        give_to_heap(start, end);
        return;
    }
    if (nr_regions == ARRAY_SIZE(region)) panic("The memory map has too many pieces");
    region[nr_regions].start = start;
    region[nr_regions++].end = end;
}

/* Zeroed memory below limit, for good. */
static __init paddr_t early_alloc(size_t size, size_t align, paddr_t limit) {
    for (unsigned int i = nr_regions; i-- > 0;) {
        paddr_t end = min(region[i].end, limit), at = (end - size) & ~(align - 1);

        if (region[i].start >= limit || end < size || at < region[i].start) continue;
        if (at + size < region[i].end && nr_regions < ARRAY_SIZE(region)) {
            region[nr_regions].start = at + size;
            region[nr_regions++].end = region[i].end;
        }
        region[i].end = at;
        memset((void *)(DIRECTMAP_START + at), 0, size);
        return at;
    }
    panic("Too little memory for Hospes's tables");
}

static __init paddr_t early_page(void) { return early_alloc(PAGE_SIZE, PAGE_SIZE, LOW_4G); }

/* The table that entry i of t names, made if there is none. */
static __init uint64_t *subtable(uint64_t *t, unsigned int i) {
    if (!(t[i] & PTE_P)) t[i] = early_page() | TABLE_PTE;
    return (uint64_t *)(DIRECTMAP_START + (t[i] & PTE_ADDR));
}

/* The L2 entry of va, in boot_l4. user: guests may pass through the tables above. */
static __init uint64_t *l2_entry(uint64_t va, uint64_t user) {
    uint64_t *l3 = subtable(boot_l4, (va >> 39) & 511), *l2;

    boot_l4[(va >> 39) & 511] |= user;
    l2 = subtable(l3, (va >> 30) & 511);
    l3[(va >> 30) & 511] |= user;
    return &l2[(va >> 21) & 511];
}

static __init bool is_ram(paddr_t start, paddr_t end) {
    for (unsigned int i = 0; i < machine_e820_nr; i++) {
        const struct e820entry_hv *e = &machine_e820[i];

        if (e->type == 1 && e->addr < end && e->addr + e->size > start) return true;
    }
    return false;
}

static __init paddr_t ram_end(void) {
    paddr_t end = 0;

    for (unsigned int i = 0; i < machine_e820_nr; i++)
        if (machine_e820[i].type == 1) end = max(end, machine_e820[i].addr + machine_e820[i].size);
    return min(end & PAGE_MASK, (paddr_t)(DIRECTMAP_END - DIRECTMAP_START));
}

static __init uint64_t ram_pages(void) {
    uint64_t n = 0;

    for (unsigned int i = 0; i < machine_e820_nr; i++)
        if (machine_e820[i].type == 1) n += machine_e820[i].size >> PAGE_SHIFT;
    return n;
}

/* boot/ mapped the first 4 GiB whole; the rest is mapped and the holes are cut out. */
static __init void make_directmap(paddr_t end) {
    for (paddr_t p = LOW_4G; p < end; p += SIZE_1G) {
        uint64_t va = DIRECTMAP_START + p;

        if (!is_ram(p, p + SIZE_1G)) continue;
        if (cpu_has.page1g && !boot_range_reserved(p, p + SIZE_1G)) {
            subtable(boot_l4, (va >> 39) & 511)[(va >> 30) & 511] = p | DATA_PTE | PTE_PSE;
            continue;
        }
        for (paddr_t q = p; q < p + SIZE_1G; q += SIZE_2M)
            if (is_ram(q, q + SIZE_2M)) *l2_entry(DIRECTMAP_START + q, 0) = q | DATA_PTE | PTE_PSE;
    }
    for (paddr_t p = 0; p < LOW_4G; p += SIZE_2M)
        if (!is_ram(p, p + SIZE_2M)) *l2_entry(DIRECTMAP_START + p, 0) = 0;
    write_cr3(read_cr3());
}

static __init void records_of_io(struct frame *f, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) f[i].owner = OWNER_IO;
}

static __init void make_frame_table(void) {
    paddr_t hole = 0, p;

    for (uint64_t f = 0; f < max_frame; f += PAGES_PER_CHUNK) {
        bool ram = is_ram(f << PAGE_SHIFT, (f + PAGES_PER_CHUNK) << PAGE_SHIFT);

        if (ram || !hole) {
            p = early_alloc(SIZE_2M, SIZE_2M, ~0UL);
            records_of_io((struct frame *)(DIRECTMAP_START + p), PAGES_PER_CHUNK);
            if (!ram) hole = p;
        }
        *l2_entry((uint64_t)&frame_table[f], 0) =
            ram ? p | DATA_PTE | PTE_PSE : hole | PTE_P | PTE_A | PTE_NX | PTE_PSE;
    }
    for (unsigned int i = 0; i < machine_e820_nr; i++) {
        const struct e820entry_hv *e = &machine_e820[i];

        for (uint64_t f = ROUND_UP(e->addr, PAGE_SIZE) >> PAGE_SHIFT;
             e->type == 1 && f < (e->addr + e->size) >> PAGE_SHIFT && f < max_frame; f++)
            if (f >= ISA_FRAMES) frame_table[f].owner = OWNER_NONE;
    }
}

static __init void make_m2p(void) {
    for (uint64_t f = 0; f < max_frame; f += PAGES_PER_M2P) {
        paddr_t p;

        if (!is_ram(f << PAGE_SHIFT, (f + PAGES_PER_M2P) << PAGE_SHIFT)) continue;
        p = early_alloc(SIZE_2M, SIZE_2M, ~0UL);
        memset((void *)(DIRECTMAP_START + p), 0xff, SIZE_2M);
        *l2_entry(M2P_RW_START + f * 8, 0) = p | DATA_PTE | PTE_PSE;
        *l2_entry(M2P_RO_START + f * 8, PTE_USER) = p | PTE_P | PTE_USER | PTE_A | PTE_NX | PTE_PSE;
        for (uint64_t i = 0; i < SIZE_2M >> PAGE_SHIFT; i++)
            share_hv_frame(&frame_table[(p >> PAGE_SHIFT) + i], &dom_xen, false);
    }
    boot_l4[HV_SLOT_FIRST] &= ~PTE_RW;
}

__init void mm_init(void) {
    paddr_t end = ram_end();

    max_frame = end >> PAGE_SHIFT;
    make_directmap(end);
    make_frame_table();
    make_m2p();
    subtable(boot_l4, (IOREMAP_START >> 39) & 511);
    for (unsigned int i = 0; i < nr_regions; i++)
        give_to_heap(region[i].start, min(region[i].end, end));
    heap_ready = true;
    heap_init(ram_pages());
    mmio_ro_ranges = rangeset_new();
    if (!mmio_ro_ranges) panic("Too little memory for Hospes's tables");
}

/* Boot's own memory: what only start-up used of the image is left to whoever owns the image. */
void mm_init_late(void) {
    printk(KERN_INFO "Memory: %lu of %lu MiB free\n", mm_free_pages() >> 8, mm_total_pages() >> 8);
}

bool mfn_valid(mfn_t m) { return mfn_x(m) < max_frame && frame_table[mfn_x(m)].owner != OWNER_IO; }

struct frame *mfn_to_frame(mfn_t m) {
    return &frame_table[mfn_x(m)];
}

mfn_t frame_to_mfn(const struct frame *f) { return _mfn(frame_nr(f)); }

void *mfn_to_virt(mfn_t m) { return mfn_virt(mfn_x(m)); }

void *paddr_to_virt(paddr_t p) { return (void *)(DIRECTMAP_START + p); }

paddr_t virt_to_paddr(const void *v) {
    uint64_t va = (uint64_t)v;

    if (va >= DIRECTMAP_START) return va - DIRECTMAP_START;
    ASSERT(va >= IMAGE_START && va < IMAGE_START + IMAGE_MAX);
    return boot_info.image_paddr + (va - (uint64_t)image_start);
}

mfn_t virt_to_mfn(const void *v) { return paddr_to_mfn(virt_to_paddr(v)); }

void m2p_set(mfn_t m, uint64_t pfn) { WRITE_ONCE(((uint64_t *)M2P_RW_START)[mfn_x(m)], pfn); }

uint64_t m2p_get(mfn_t m) { return READ_ONCE(((uint64_t *)M2P_RW_START)[mfn_x(m)]); }

/* The machine frame of the i-th 2 MiB of the M2P; 0: a hole. */
uint64_t m2p_chunk(uint64_t i) {
    uint64_t va = M2P_RW_START + i * SIZE_2M;
    const uint64_t *t =
        (const uint64_t *)(DIRECTMAP_START + (boot_l4[(va >> 39) & 511] & PTE_ADDR));
    uint64_t e = t[(va >> 30) & 511];

    if (!(e & PTE_P)) return 0;
    t = (const uint64_t *)(DIRECTMAP_START + (e & PTE_ADDR));
    e = t[(va >> 21) & 511];
    return e & PTE_P ? pte_mfn(e) : 0;
}
