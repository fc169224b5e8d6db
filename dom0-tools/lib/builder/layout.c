/* SPDX-License-Identifier: MIT */
/*
 * Layout of a new PV guest: see layout.h.
 *
 * The size of the page tables depends on the end of the mapping, which depends on the size of the
 * page tables; both only grow from one round to the next, so the loop ends.
 */
#include "layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAD_AFTER_STACK (UINT64_C(512) << 10)
#define REGION_ALIGN    (UINT64_C(4) << 20)
#define XEN_HOLE_START  UINT64_C(0xffff800000000000)
#define XEN_HOLE_END    UINT64_C(0xffff880000000000)
#define MAX_TABLES      65536u
#define MAX_PAGES       (UINT64_C(1) << 32) /* 16 TiB: keeps every sum far from wrapping */

static uint64_t pages_of(uint64_t bytes) {
    return (bytes + LAYOUT_PAGE_SIZE - 1) >> LAYOUT_PAGE_SHIFT;
}

static struct layout_range take(uint64_t *next, uint64_t pages) {
    struct layout_range range = {*next, pages};

    *next += pages;
    return range;
}

/* Bytes of address space that a table of this level maps. */
static uint64_t table_span(unsigned int level) { return UINT64_C(1) << (12 + 9 * level); }

static uint64_t table_base(uint64_t va, unsigned int level) {
    return level == 4 ? 0 : va & ~(table_span(level) - 1);
}

/* Among the first `count` tables. */
static bool have_table(const struct layout *layout, unsigned int count, unsigned int level,
                       uint64_t va) {
    unsigned int i;

    for (i = count; i-- > 0;)
        if (layout->table[i].level == level && layout->table[i].va == va) return true;
    return false;
}

static int add_table(struct layout *layout, unsigned int level, uint64_t va) {
    struct layout_table *more;
    unsigned int count = layout->table_count;

    if (count == MAX_TABLES) return -E2BIG;
    if (!(count & (count - 1))) {
        more = realloc(layout->table, (count ? 2 * count : 1) * sizeof(*more));
        if (!more) return -ENOMEM;
        layout->table = more;
    }
    layout->table[layout->table_count++] = (struct layout_table){va, 0, level};
    return 0;
}

/* Adds the tables that map [start, last] and are not there yet, top level first. No two that it
 * adds are the same, so each is looked for only among those from before. */
static int add_tables(struct layout *layout, uint64_t start, uint64_t last) {
    unsigned int level, before = layout->table_count;
    uint64_t va, end;
    int ret;

    for (level = 4; level >= 1; level--) {
        end = table_base(last, level);
        for (va = table_base(start, level);; va += table_span(level)) {
            ret = have_table(layout, before, level, va) ? 0 : add_table(layout, level, va);
            if (ret) return ret;
            if (va == end) break;
        }
    }
    return 0;
}

static void number_tables(struct layout *layout, unsigned int from, uint64_t pfn) {
    for (; from < layout->table_count; from++) layout->table[from].pfn = pfn++;
}

/* Places everything in the linear mapping behind `next`; returns the first pfn after virt_end. */
static int place_linear(struct layout *layout, uint64_t next, uint64_t *after) {
    uint64_t tables = 0, p, end;
    int ret;

    layout->start_info_pfn = next++;
    layout->store_pfn = next++;
    layout->console_pfn = next++;
    for (;;) {
        p = next + tables + 1; /* one page of stack */
        end = (p << LAYOUT_PAGE_SHIFT) + PAD_AFTER_STACK + layout->virt_base;
        end = (end + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1);
        if (end <= layout->virt_base && end) return -ERANGE;
        layout->table_count = 0;
        ret = add_tables(layout, layout->virt_base, end - 1);
        if (ret) return ret;
        if (layout->table_count == tables) break;
        tables = layout->table_count;
    }
    layout->tables = take(&next, tables);
    layout->stack_pfn = next;
    layout->virt_end = end;
    number_tables(layout, 0, layout->tables.pfn);
    *after = (end - layout->virt_base) >> LAYOUT_PAGE_SHIFT;
    return 0;
}

static bool overlaps(uint64_t a, uint64_t a_last, uint64_t b, uint64_t b_last) {
    return a <= b_last && b <= a_last;
}

static int place_own_p2m(struct layout *layout, uint64_t *next) {
    uint64_t last = layout->p2m_va + (layout->p2m.pages << LAYOUT_PAGE_SHIFT) - 1;
    unsigned int before = layout->table_count;
    int ret;

    layout->p2m.pfn = *next;
    *next += layout->p2m.pages;
    if (last < layout->p2m_va ||
        overlaps(layout->p2m_va, last, layout->virt_base, layout->virt_end - 1) ||
        overlaps(layout->p2m_va, last, XEN_HOLE_START, XEN_HOLE_END - 1))
        return -ERANGE;
    ret = add_tables(layout, layout->p2m_va, last);
    if (ret) return ret;
    layout->p2m_tables = take(next, layout->table_count - before);
    number_tables(layout, before, layout->p2m_tables.pfn);
    return 0;
}

static int place_all(struct layout *layout, const struct image *image) {
    uint64_t first = image->paddr_start >> LAYOUT_PAGE_SHIFT, next = first;
    uint64_t ramdisk_pages = pages_of(layout->ramdisk_bytes);
    int ret;

    layout->kernel = take(&next, pages_of(image->paddr_end) - first);
    if (layout->ramdisk_mapped) layout->ramdisk = take(&next, ramdisk_pages);
    layout->p2m.pages = pages_of(layout->nr_pages * sizeof(uint64_t));
    if (layout->p2m_mapped) {
        layout->p2m.pfn = next;
        layout->p2m_va = layout_va(layout, next);
        next += layout->p2m.pages;
    }
    ret = place_linear(layout, next, &next);
    if (ret) return ret;
    if (overlaps(layout->virt_base, layout->virt_end - 1, XEN_HOLE_START, XEN_HOLE_END - 1))
        return -ERANGE;
    /* Padding pages need not exist; what lies behind them must. */
    layout->pages_needed = layout->stack_pfn + 1;
    if (layout->ramdisk_bytes && !layout->ramdisk_mapped)
        layout->ramdisk = take(&next, ramdisk_pages);
    if (!layout->p2m_mapped) {
        ret = place_own_p2m(layout, &next);
        if (ret) return ret;
    }
    if (!layout->p2m_mapped || (layout->ramdisk_bytes && !layout->ramdisk_mapped))
        layout->pages_needed = next;
    return 0;
}

int layout_compute(struct layout *layout, const struct image *image, uint64_t ramdisk_bytes,
                   uint64_t nr_pages, struct err *err) {
    int ret;

    memset(layout, 0, sizeof(*layout));
    layout->nr_pages = nr_pages;
    layout->virt_base = image->virt_base;
    layout->ramdisk_bytes = ramdisk_bytes;
    layout->ramdisk_mapped = ramdisk_bytes && !image->mod_start_pfn;
    layout->p2m_mapped = !image->has_init_p2m;
    layout->p2m_va = image->init_p2m;
    if (!nr_pages || nr_pages > MAX_PAGES || ramdisk_bytes >> 44 || image->paddr_end >> 44)
        return err_set(err, -EINVAL, "%s: guest memory of %" PRIu64 " pages is out of range",
                       image->name, nr_pages);
    ret = place_all(layout, image);
    if (!ret && layout->pages_needed > nr_pages)
        ret =
            err_set(err, -ENOMEM,
                    "%s: guest memory of %" PRIu64 " MiB is too small: the kernel ends at %" PRIu64
                    " MiB, the ramdisk has %" PRIu64 " MiB; at least %" PRIu64 " MiB are needed",
                    image->name, nr_pages >> 8, image->paddr_end >> 20, ramdisk_bytes >> 20,
                    (layout->pages_needed + 255) >> 8);
    else if (ret == -ERANGE)
        err_set(err, ret,
                "%s: kernel's addresses (VIRT_BASE %#" PRIx64 ", INIT_P2M %#" PRIx64
                ") leave no room for its start-up mapping",
                image->name, image->virt_base, image->init_p2m);
    else if (ret)
        err_set(err, ret, "%s: start-up page tables: %s", image->name, strerror(-ret));
    if (ret) layout_free(layout);
    return ret;
}

void layout_free(struct layout *layout) {
    free(layout->table);
    memset(layout, 0, sizeof(*layout));
}
