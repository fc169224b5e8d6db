/* SPDX-License-Identifier: MIT */
/*
 * Hospes's own address space (x86/layout.h), built once at boot in boot_l4, whose slots 256..271
 * every guest L4 repeats: the direct map, the frame table, both views of the M2P, and mappings of
 * device and firmware memory, which come and go. The tables that L4 entries name are all there when
 * mm_init() ends; so nothing needs to be copied to guests' tables later.
 *
 * The direct map covers e820 RAM in 2 MiB (or 1 GiB) pages and nothing else, so that device memory
 * has no cached alias. Where the machine has no RAM, the frame table shows one shared read-only
 * page whose records say OWNER_IO; the M2P has holes there, where guests' reads fault.
 */
#include <hv/boot.h>

#include "mm_local.h"

#define SIZE_2M    (2UL << 20)
#define SIZE_1G    (1UL << 30)
#define LOW_4G     (4UL << 30)
#define ISA_FRAMES 256 /* the first MiB is the firmware's and the devices' */

/* Frames that 2 MiB of records, or of M2P, describe. */
#define PAGES_PER_CHUNK (SIZE_2M / sizeof(struct frame))
#define PAGES_PER_M2P   (SIZE_2M / sizeof(uint64_t))

extern char image_start[]; /* linker script */

struct frame *frame_table = (struct frame *)FRAMETABLE_START;
uint64_t max_frame;

/* Usable RAM that nobody has taken yet; then the heap has it. */
static struct { paddr_t start, end; } region[512] __initdata;
static unsigned int nr_regions __initdata;
static bool heap_ready;

static __init void give_to_heap(paddr_t start, paddr_t end) {
    uint64_t mfn = start >> PAGE_SHIFT, stop = end >> PAGE_SHIFT;

    while (mfn < stop) {
        unsigned int order = min(ffs64(mfn), fls64(stop - mfn));

        order = min(order, 10u);
        for (uint64_t i = 0; i < BIT(order); i++) frame_table[mfn + i].count = FC_DIRTY;
        heap_free(&frame_table[mfn], order);
        mfn += BIT(order);
    }
}

__init void mm_boot_add_ram(paddr_t start, paddr_t end) {
    start = max(ROUND_UP(start, PAGE_SIZE), (paddr_t)ISA_FRAMES << PAGE_SHIFT);
    end &= PAGE_MASK;
    if (start >= end) return;
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

uint64_t *own_entry(uint64_t *l4, uint64_t va, unsigned int level, bool make) {
    uint64_t *t = l4, *e;

    for (unsigned int shift = 39;; shift -= 9) {
        e = &t[(va >> shift) & 511];
        if (shift == level * 9 + 3) return e;
        if (!(*e & PTE_P)) {
            void *page = NULL;

            if (make && heap_ready)
                page = alloc_page_hv();
            else if (make)
                page = paddr_to_virt(early_alloc(PAGE_SIZE, PAGE_SIZE, LOW_4G));
            if (!page) return NULL;
            WRITE_ONCE(*e, virt_to_paddr(page) | TABLE_PTE);
        }
        t = paddr_to_virt(*e & PTE_ADDR);
    }
}

static __init uint64_t *l2_entry(uint64_t va) { return own_entry(boot_l4, va, 2, true); }

static __init bool is_ram(paddr_t start, paddr_t end) {
    for_each_ram(e)
        if (e->addr < end && e->addr + e->size > start) return true;
    return false;
}

/* Where RAM ends, of what the direct map can cover; *pages: how much there is. */
static __init paddr_t ram_end(uint64_t *pages) {
    paddr_t end = 0;

    *pages = 0;
    for_each_ram(e) {
        end = max(end, e->addr + e->size);
        *pages += e->size >> PAGE_SHIFT;
    }
    return min(end & PAGE_MASK, (paddr_t)(DIRECTMAP_END - DIRECTMAP_START));
}

/* boot/ mapped the first 4 GiB whole; the rest is mapped and the holes are cut out. */
static __init void make_directmap(paddr_t end) {
    for (paddr_t p = LOW_4G; p < end; p += SIZE_1G) {
        uint64_t va = DIRECTMAP_START + p;

        if (!is_ram(p, p + SIZE_1G)) continue;
        if (cpu_has.page1g && !boot_range_reserved(p, p + SIZE_1G)) {
            *own_entry(boot_l4, va, 3, true) = p | DATA_PTE | PTE_PSE;
            continue;
        }
        for (paddr_t q = p; q < p + SIZE_1G; q += SIZE_2M)
            if (is_ram(q, q + SIZE_2M)) *l2_entry(DIRECTMAP_START + q) = q | DATA_PTE | PTE_PSE;
    }
    for (paddr_t p = 0; p < LOW_4G; p += SIZE_2M)
        if (!is_ram(p, p + SIZE_2M)) *l2_entry(DIRECTMAP_START + p) = 0;
    write_cr3(read_cr3());
}

/* A table that shows one page of records that are nobody's 512 times. */
static __init paddr_t make_hole(void) {
    paddr_t table = early_alloc(2 * PAGE_SIZE, PAGE_SIZE, ~0UL), page = table + PAGE_SIZE;

    for (uint64_t i = 0; i < PAGE_SIZE / sizeof(struct frame); i++)
        ((struct frame *)(DIRECTMAP_START + page))[i].owner = OWNER_IO;
    for (uint64_t i = 0; i < PT_ENTRIES; i++)
        ((uint64_t *)(DIRECTMAP_START + table))[i] = page | PTE_P | PTE_A | PTE_NX;
    return table;
}

static __init void make_frame_table(void) {
    paddr_t hole = 0, p;

    for (uint64_t f = 0; f < max_frame; f += PAGES_PER_CHUNK) {
        if (!is_ram(f << PAGE_SHIFT, (f + PAGES_PER_CHUNK) << PAGE_SHIFT)) {
            if (!hole) hole = make_hole();
            *l2_entry((uint64_t)&frame_table[f]) = hole | TABLE_PTE;
            continue;
        }
        p = early_alloc(SIZE_2M, SIZE_2M, ~0UL);
        for (uint64_t i = 0; i < PAGES_PER_CHUNK; i++)
            ((struct frame *)(DIRECTMAP_START + p))[i].owner = OWNER_IO;
        *l2_entry((uint64_t)&frame_table[f]) = p | DATA_PTE | PTE_PSE;
    }
    for_each_ram(e) {
        uint64_t f = max(ROUND_UP(e->addr, PAGE_SIZE) >> PAGE_SHIFT, (uint64_t)ISA_FRAMES);

        for (; f < (e->addr + e->size) >> PAGE_SHIFT && f < max_frame; f++)
            frame_table[f].owner = OWNER_NONE;
    }
}

static __init void make_m2p(void) {
    for (uint64_t f = 0; f < max_frame; f += PAGES_PER_M2P) {
        paddr_t p;

        if (!is_ram(f << PAGE_SHIFT, (f + PAGES_PER_M2P) << PAGE_SHIFT)) continue;
        p = early_alloc(SIZE_2M, SIZE_2M, ~0UL);
        memset((void *)(DIRECTMAP_START + p), 0xff, SIZE_2M);
        *l2_entry(M2P_RW_START + f * 8) = p | DATA_PTE | PTE_PSE;
        *l2_entry(M2P_RO_START + f * 8) = p | PTE_P | PTE_USER | PTE_A | PTE_NX | PTE_PSE;
        *own_entry(boot_l4, M2P_RO_START + f * 8, 3, true) |= PTE_USER;
        for (uint64_t i = 0; i < SIZE_2M >> PAGE_SHIFT; i++)
            share_hv_frame(&frame_table[(p >> PAGE_SHIFT) + i], &dom_xen, false);
    }
    boot_l4[HV_SLOT_FIRST] = (boot_l4[HV_SLOT_FIRST] | PTE_USER) & ~PTE_RW;
}

__init void mm_init(void) {
    uint64_t pages;
    paddr_t end = ram_end(&pages);

    max_frame = end >> PAGE_SHIFT;
    make_directmap(end);
    make_frame_table();
    make_m2p();
    (void)own_entry(boot_l4, IOREMAP_START, 3, true);
    for (unsigned int i = 0; i < nr_regions; i++)
        give_to_heap(region[i].start, min(region[i].end, end));
    heap_ready = true;
    heap_init(pages);
    mmio_ro_ranges = rangeset_new();
    if (!mmio_ro_ranges) panic("Too little memory for Hospes's tables");
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

uint64_t m2p_chunk(uint64_t i) {
    const uint64_t *e = own_entry(boot_l4, M2P_RW_START + i * SIZE_2M, 2, false);

    return e && (*e & PTE_P) ? pte_mfn(*e) : 0;
}

/* Device and firmware memory, in 4 KiB pages. Address space is handed out upwards and not used
 * twice, but for the last area: there are 256 GiB of it. The unmapped page behind each area tells
 * where it ends. */
static spinlock_t ioremap_lock = SPINLOCK_INIT(ORDER_PT);
static uint64_t next_va = IOREMAP_START; /* ioremap_lock */

static void *map_area(paddr_t p, size_t n, uint64_t flags) {
    uint64_t va, end, off = p & ~PAGE_MASK;
    void *v = NULL;

    if (!n || n > SIZE_1G) return NULL;
    SPIN_SCOPE(&ioremap_lock);
    end = next_va + ROUND_UP(off + n, PAGE_SIZE);
    for (va = next_va; va < end && end < IOREMAP_END; va += PAGE_SIZE)
        if (!own_entry(boot_l4, va, 1, true)) break;
    if (va == end) { /* nothing was mapped that would have to be flushed for */
        for (va = next_va; va < end; va += PAGE_SIZE)
            WRITE_ONCE(*own_entry(boot_l4, va, 1, false),
                       (p - off + va - next_va) | flags | DATA_PTE);
        v = (void *)(next_va + off);
        next_va = end + PAGE_SIZE;
    }
    return v;
}

void *ioremap(paddr_t p, size_t n) { return map_area(p, n, PTE_PCD | PTE_PWT); }
void *ioremap_wb(paddr_t p, size_t n) { return map_area(p, n, 0); }

void iounmap(void *v) {
    uint64_t va = (uint64_t)v & PAGE_MASK, end = va, *e;

    if (!v) return;
    SPIN_SCOPE(&ioremap_lock);
    for (; (e = own_entry(boot_l4, end, 1, false)) && (*e & PTE_P); end += PAGE_SIZE)
        WRITE_ONCE(*e, 0);
    BUG_ON(end == va);
    /* The exchange of nothing orders the entries before the clock. */
    flush_since(NULL, __atomic_fetch_add(&tlb_flush_clock, 0, __ATOMIC_SEQ_CST));
    if (next_va == end + PAGE_SIZE) next_va = va;
}

int copy_phys(void *dst, paddr_t p, size_t n) {
    void *v = ioremap_wb(p, n);

    if (!v) return -ENOMEM;
    memcpy(dst, v, n);
    iounmap(v);
    return 0;
}
