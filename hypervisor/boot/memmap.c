/* SPDX-License-Identifier: MIT */
/*
 * The machine's memory map: from the loader's ranges to a sorted one without overlaps, and what of
 * it the allocator gets. Where ranges overlap the less usable type wins.
 */
#include "boot.h"
#include <x86/cpu.h>

#define GRUB_EFI_CODE  20       /* what GRUB calls the code of EFI's runtime services */
#define MAX_PADDR      BIT(52)  /* of the architecture */
#define LOW_MEMORY_END 0x100000 /* never given away: BIOS data, AP start, device memory */

struct e820entry_hv machine_e820[128];
unsigned int machine_e820_nr;

struct range {
    paddr_t start, end; /* end is exclusive */
    uint32_t type;
};

static struct range raw[BOOT_MAX_RANGES] __initdata;
static unsigned int raw_nr __initdata;
static bool overflow __initdata;

__init void memmap_add_raw(const void *entry) {
    const struct e820entry_hv *e = entry;
    uint64_t end = e->addr + e->size;

    if (e->size == 0 || end < e->addr || end > MAX_PADDR) return;
    if (raw_nr < ARRAY_SIZE(raw))
        raw[raw_nr++] = (struct range){e->addr, end, e->type == GRUB_EFI_CODE ? 2 : e->type};
    else
        overflow = true;
}

/* The type that holds from 'at' on and how far it does; 0: a hole. */
static __init uint32_t type_at(uint64_t at, uint64_t *until) {
    uint32_t type = 0;

    *until = ~0UL;
    for (unsigned int i = 0; i < raw_nr; i++) {
        if (raw[i].start > at) {
            *until = min(*until, raw[i].start);
        } else if (raw[i].end > at) {
            *until = min(*until, raw[i].end);
            type = max(type, raw[i].type);
        }
    }
    return type;
}

static __init void append(uint64_t start, uint64_t end, uint32_t type) {
    struct e820entry_hv *last = machine_e820_nr ? &machine_e820[machine_e820_nr - 1] : NULL;

    if (last && last->type == type && last->addr + last->size == start) {
        last->size += end - start;
    } else if (machine_e820_nr < ARRAY_SIZE(machine_e820)) {
        machine_e820[machine_e820_nr++] = (struct e820entry_hv){start, end - start, type};
    } else {
        overflow = true;
    }
}

__init void memmap_finish(void) {
    static const char *const names[] = {"",          "usable",   "reserved",
                                        "ACPI data", "ACPI NVS", "unusable"};
    uint64_t at = 0, until, ram = 0;

    for (; at != ~0UL; at = until) {
        uint32_t type = type_at(at, &until);

        if (type) append(at, until, type);
    }
    printk("Xen-e820 RAM map:\n");
    for (unsigned int i = 0; i < machine_e820_nr; i++) {
        const struct e820entry_hv *e = &machine_e820[i];

        printk(" [%016lx, %016lx] ", e->addr, e->addr + e->size - 1);
        if (e->type < ARRAY_SIZE(names))
            printk("(%s)\n", names[e->type]);
        else
            printk("(type %u)\n", e->type);
        if (e->type == 1) ram += e->size;
    }
    if (overflow)
        printk(KERN_WARN
               "WARNING: the memory map has more ranges than can be kept; some are lost\n");
    if (ram == 0) panic("The boot loader gave no usable memory in its memory map");
    printk("System RAM: %luMB (%lukB)\n", ram >> 20, ram >> 10);
}

/* The i-th range that is not to be used at boot; false past the last. */
static bool reserved_range(unsigned int i, struct range *r) {
    if (i == 0) {
        *r = (struct range){.end = LOW_MEMORY_END};
    } else if (i == 1) {
        *r = (struct range){boot_info.image_paddr, boot_info.image_paddr + boot_info.image_size, 0};
    } else if (i == 2) {
        *r = (struct range){0};
        if (cpu_has.hangs_at_1g) *r = (struct range){BIT(30), BIT(30) + BIT(22), 0};
    } else if (i - 3 < boot_info.nr_modules) {
        const struct boot_module *m = &boot_info.modules[i - 3];

        *r = (struct range){m->start, m->start + m->size, 0};
    } else {
        return false;
    }
    r->start &= PAGE_MASK;
    r->end = ROUND_UP(r->end, PAGE_SIZE);
    return true;
}

/* Whether the range overlaps one that boot keeps, from the i-th on. */
static bool overlaps(paddr_t start, paddr_t end, unsigned int i) {
    struct range r;

    for (; reserved_range(i, &r); i++)
        if (start < r.end && end > r.start) return true;
    return false;
}

bool boot_range_reserved(paddr_t start, paddr_t end) { return overlaps(start, end, 0); }

static __init void give(paddr_t start, paddr_t end) {
    while (start < end) {
        paddr_t stop = end, skip = start;
        struct range r;

        for (unsigned int i = 0; reserved_range(i, &r); i++) {
            if (r.start <= start && r.end > start)
                skip = max(skip, r.end);
            else if (r.start > start)
                stop = min(stop, r.start);
        }
        if (skip == start) {
            mm_boot_add_ram(start, stop);
            skip = stop;
        }
        start = skip;
    }
}

__init void memmap_give_ram(void) {
    if (cpu_has.hangs_at_1g) printk("The 4 MiB at 1 GiB are not used (XSA-282)\n");
    for_each_ram(e) give(ROUND_UP(e->addr, PAGE_SIZE), (e->addr + e->size) & PAGE_MASK);
}

static bool in_usable(paddr_t start, paddr_t end) {
    for_each_ram(e)
        if (e->addr <= start && e->addr + e->size >= end) return true;
    return false;
}

void boot_release_modules(void) {
    unsigned int nr = boot_info.nr_modules;

    boot_info.nr_modules = 0; /* from here on they are ordinary memory */
    for (unsigned int i = 0; i < nr; i++) {
        const struct boot_module *m = &boot_info.modules[i];
        paddr_t p = ROUND_UP(m->start, PAGE_SIZE), end = (m->start + m->size) & PAGE_MASK;

        for (; p + PAGE_SIZE <= end; p += PAGE_SIZE)
            if (in_usable(p, p + PAGE_SIZE) && !boot_range_reserved(p, p + PAGE_SIZE))
                free_pages_hv(paddr_to_virt(p), 0);
    }
}

/* On UEFI, GRUB puts small modules below 1 MiB. */
__init paddr_t memmap_low_page(void) {
    for (paddr_t p = 0x9f000; p >= 0x2000; p -= PAGE_SIZE)
        if (in_usable(p, p + PAGE_SIZE) && !overlaps(p, p + PAGE_SIZE, 1)) return p;
    return 0;
}
