/* SPDX-License-Identifier: MIT */
/*
 * The layout of a new guest, against the numbers that the stock tools logged for the same kernel,
 * and its page tables, walked as a CPU does.
 */
#include "builder/layout.h"

#include <errno.h>
#include <stdlib.h>

#include <public/xen.h>

#include "check.h"

static struct image linux_like(void) {
    struct image image = {
        .name = "k",
        .paddr_start = 0x1000000,
        .paddr_end = 0x4a00000,
        .virt_base = UINT64_C(0xffffffff80000000),
        .init_p2m = UINT64_C(0x8000000000),
        .has_init_p2m = true,
        .mod_start_pfn = true,
    };

    return image;
}

/* shared/facts: a 256 MiB guest of Debian's kernel with a ramdisk of 0xce7d58 bytes. */
static void as_stock(void) {
    struct image image = linux_like();
    struct layout l;

    if (!CHECK(!layout_compute(&l, &image, 0xce7d58, 0x10000, NULL))) return;
    CHECK(l.kernel.pfn == 0x1000 && l.kernel.pages == 0x3a00);
    CHECK(l.start_info_pfn == 0x4a00 && l.store_pfn == 0x4a01 && l.console_pfn == 0x4a02);
    CHECK(l.tables.pfn == 0x4a03 && l.tables.pages == 0x29);
    CHECK(l.stack_pfn == 0x4a2c);
    CHECK(l.virt_end == UINT64_C(0xffffffff84c00000));
    CHECK(l.ramdisk.pfn == 0x4c00 && l.ramdisk.pages == 0xce8 && !l.ramdisk_mapped);
    CHECK(l.p2m.pfn == 0x58e8 && l.p2m.pages + l.p2m_tables.pages == 0x83);
    CHECK(l.p2m_va == UINT64_C(0x8000000000) && !l.p2m_mapped);
    CHECK(l.table[0].level == 4 && l.table[0].pfn == l.tables.pfn);
    layout_free(&l);
}

/* Translates va by the tables; returns the leaf entry or 0. frames[pfn] is that frame's content. */
static uint64_t walk(const struct layout *l, uint64_t (*frames)[512], uint64_t va) {
    uint64_t entry = l->tables.pfn << 12 | 1;
    unsigned int level;

    for (level = 4; level >= 1; level--) {
        if (!(entry & 1)) return 0;
        entry = frames[(entry >> 12) & 0xfffffffff][(va >> (3 + 9 * level)) & 511];
    }
    return entry;
}

static bool is_table(const struct layout *l, uint64_t pfn) {
    unsigned int i;

    for (i = 0; i < l->table_count; i++)
        if (l->table[i].pfn == pfn) return true;
    return false;
}

static void check_tables(const struct image *image, uint64_t ramdisk, uint64_t nr_pages) {
    uint64_t(*frames)[512] = calloc(nr_pages, sizeof(*frames)), pfn, entry, va;
    xen_pfn_t *p2m = calloc(nr_pages, sizeof(*p2m));
    unsigned int n, wrong = 0, writable = 0;
    struct err err = {0, ""};
    struct layout l;

    if (!CHECK(!layout_compute(&l, image, ramdisk, nr_pages, &err))) {
        printf("  %s\n", err.text);
        free(frames);
        free(p2m);
        return;
    }
    for (pfn = 0; pfn < nr_pages; pfn++)
        p2m[pfn] = pfn; /* identity, so that frames[] serves machine frames too */
    for (n = 0; n < l.table_count; n++) layout_fill_table(&l, p2m, n, frames[l.table[n].pfn]);
    for (va = l.virt_base; va != l.virt_end; va += 4096) {
        pfn = (va - l.virt_base) >> 12;
        entry = walk(&l, frames, va);
        wrong += pfn < nr_pages ? (entry >> 12 & 0xfffffffff) != pfn || !(entry & 1) : entry != 0;
        if (pfn < nr_pages) writable += is_table(&l, pfn) == ((entry & 2) != 0);
    }
    for (n = 0; n < l.p2m.pages; n++) {
        entry = walk(&l, frames, l.p2m_va + n * UINT64_C(4096));
        wrong += (entry >> 12 & 0xfffffffff) != l.p2m.pfn + n || !(entry & 2);
    }
    CHECK(wrong == 0);
    CHECK(writable == 0);
    CHECK(l.tables.pages + l.p2m_tables.pages == l.table_count);
    CHECK(walk(&l, frames, UINT64_C(0xffff800000000000)) == 0);
    CHECK(l.virt_end - (l.virt_base + ((l.stack_pfn + 1) << 12)) >= 512 << 10);
    CHECK((l.virt_end & 0x3fffff) == 0);
    layout_free(&l);
    free(frames);
    free(p2m);
}

static void all_tables(void) {
    struct image image = linux_like();

    check_tables(&image, 0xce7d58, 0x10000);
    check_tables(&image, 0, 0x8000);
    image.mod_start_pfn = false;
    check_tables(&image, 0xce7d58, 0x10000);
    image.has_init_p2m = false;
    check_tables(&image, 0xce7d58, 0x10000);
    image.virt_base = 0; /* as PV-GRUB */
    image.paddr_start = 0;
    image.paddr_end = 0x123456;
    check_tables(&image, 0x1000, 0x4000);
    image.has_init_p2m = true;
    image.init_p2m = UINT64_C(0x40000000); /* shares upper tables with the linear mapping */
    check_tables(&image, 0x1000, 0x4000);
    image.init_p2m = UINT64_C(0x7fffff000); /* straddles tables */
    check_tables(&image, 0x1000, 0x8000);
}

static void too_small(void) {
    struct image image = linux_like();
    struct err err = {0, ""};
    struct layout l;

    CHECK(layout_compute(&l, &image, 0xce7d58, 0x4000, &err) == -ENOMEM);
    CHECK_TEXT(err.text, "guest memory of 64 MiB is too small");
    CHECK_TEXT(err.text, "at least 90 MiB");
    CHECK(!layout_compute(&l, &image, 0xce7d58, 90 << 8, &err));
    CHECK(l.pages_needed <= 90 << 8 && l.pages_needed > 89 << 8);
    layout_free(&l);
    CHECK(layout_compute(&l, &image, 0, 0, &err) == -EINVAL);
    CHECK(layout_compute(&l, &image, 0, UINT64_MAX, &err) == -EINVAL);
    CHECK(layout_compute(&l, &image, UINT64_MAX, 0x10000, &err) == -EINVAL);
}

static void bad_addresses(void) {
    struct image image = linux_like();
    struct err err = {0, ""};
    struct layout l;

    image.init_p2m = UINT64_C(0xffffffff84bff000); /* in the linear mapping */
    CHECK(layout_compute(&l, &image, 0, 0x10000, &err) == -ERANGE);
    CHECK_TEXT(err.text, "INIT_P2M 0xffffffff84bff000");
    image.init_p2m = UINT64_C(0xffff87fffffff000); /* in the hypervisor's part */
    CHECK(layout_compute(&l, &image, 0, 0x10000, &err) == -ERANGE);
    image = linux_like();
    image.virt_base = UINT64_C(0xffff800000000000);
    CHECK(layout_compute(&l, &image, 0, 0x10000, &err) == -ERANGE);
    image.virt_base = UINT64_C(0xfffffffffb400000); /* ends with the address space */
    CHECK(layout_compute(&l, &image, 0, 0x10000, &err) == 0);
    CHECK(l.virt_end == 0);
    layout_free(&l);
    image.virt_base = UINT64_C(0xfffffffffb600000); /* and beyond */
    CHECK(layout_compute(&l, &image, 0, 0x10000, &err) == -ERANGE);
    image = linux_like();
    image.virt_base = 0; /* far up in the linear mapping: more tables than may be */
    image.paddr_start = UINT64_C(1) << 42;
    image.paddr_end = image.paddr_start + 0x1000;
    CHECK(layout_compute(&l, &image, 0, 0x10000, &err) == -E2BIG);
}

void test_layout(void) {
    as_stock();
    all_tables();
    too_small();
    bad_addresses();
}
