/* SPDX-License-Identifier: MIT */
/* PCI configuration space by ports 0xcf8/0xcfc, or by the memory windows that MCFG lists. */
#include "irq.h"

#include <hv/acpi.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/rangeset.h>
#include <x86/cpu.h>

static spinlock_t cf8_lock = SPINLOCK_INIT(ORDER_LEAF);

/* Filled at boot. */
static struct mmcfg {
    paddr_t base; /* of bus 0, even if first > 0 */
    uint16_t segment;
    uint8_t first, last;
    volatile char *window; /* of bus first */
} mmcfg[ACPI_MAX_MCFG];
static unsigned int nr_mmcfg;

static const struct mmcfg *find_mmcfg(sbdf_t sbdf) {
    uint8_t bus = (uint8_t)(sbdf >> 8);

    for (unsigned int i = 0; i < nr_mmcfg; i++)
        if (mmcfg[i].segment == sbdf >> 16 && bus >= mmcfg[i].first && bus <= mmcfg[i].last)
            return &mmcfg[i];
    return NULL;
}

/* NULL: ports reach it, or nothing does. */
static volatile void *window_at(sbdf_t sbdf, uint16_t reg) {
    const struct mmcfg *m = sbdf >> 16 || reg >= 256 ? find_mmcfg(sbdf) : NULL;

    if (!m || reg >= 4096) return NULL;
    return m->window + (((sbdf & 0xffff) - ((size_t)m->first << 8)) << 12) + reg;
}

/* dom0 maps it read-only, so that its writes pass the filter as those by ports do. */
static __init bool add_mmcfg(paddr_t base, uint16_t segment, uint8_t first, uint8_t last) {
    struct mmcfg *m = &mmcfg[nr_mmcfg];
    uint64_t frame = base >> PAGE_SHIFT;

    if (last < first || (base & 0xfffff)) return false;
    *m = (struct mmcfg){base, segment, first, last, NULL};
    m->window = ioremap(base + ((paddr_t)first << 20), ((size_t)(last - first) + 1) << 20);
    if (!m->window) return false;
    nr_mmcfg++;
    return !rangeset_add(mmio_ro_ranges, frame + ((uint64_t)first << 8),
                         frame + ((uint64_t)last << 8) + 255);
}

int pci_find_mmcfg(paddr_t base, uint16_t segment, uint8_t first, uint8_t last) {
    for (unsigned int i = 0; i < nr_mmcfg; i++)
        if (mmcfg[i].segment == segment && mmcfg[i].first == first && mmcfg[i].last == last)
            return mmcfg[i].base == base ? 0 : -EIO;
    return -ENODEV;
}

void pci_guest_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t val) {
    if (msi_filter_conf_write(sbdf, reg, bytes, &val)) pci_conf_write(sbdf, reg, bytes, val);
}

void pci_guest_write_mem(paddr_t addr, unsigned int bytes, uint32_t val) {
    for (unsigned int i = 0; i < nr_mmcfg; i++) {
        paddr_t off = addr - mmcfg[i].base; /* bus, device and function, register */

        if (addr < mmcfg[i].base || off >> 20 < mmcfg[i].first || off >> 20 > mmcfg[i].last)
            continue;
        pci_guest_write((sbdf_t)mmcfg[i].segment << 16 | (sbdf_t)(off >> 12), off & 0xfff, bytes,
                        val);
        return;
    }
}

/* Takes cf8_lock and selects; false: out of the ports' reach. */
static bool lock_cf8(sbdf_t sbdf, uint16_t reg) {
    if (sbdf >> 16 || reg >= 256) return false;
    spin_lock(&cf8_lock);
    outl(0xcf8, 0x80000000u | sbdf << 8 | (reg & 0xfcu));
    return true;
}

uint32_t pci_conf_read(sbdf_t sbdf, uint16_t reg, unsigned int bytes) {
    volatile void *w = window_at(sbdf, reg);
    uint32_t v = ~0u;

    if (w)
        return bytes == 1   ? *(volatile uint8_t *)w
               : bytes == 2 ? *(volatile uint16_t *)w
                            : *(volatile uint32_t *)w;
    if (lock_cf8(sbdf, reg)) {
        port_access(0xcfc + (reg & 3), bytes, false, &v);
        spin_unlock(&cf8_lock);
    }
    return v;
}

void pci_conf_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t val) {
    volatile void *w = window_at(sbdf, reg);

    if (w && bytes == 1) {
        *(volatile uint8_t *)w = (uint8_t)val;
    } else if (w && bytes == 2) {
        *(volatile uint16_t *)w = (uint16_t)val;
    } else if (w) {
        *(volatile uint32_t *)w = val;
    } else if (lock_cf8(sbdf, reg)) {
        port_access(0xcfc + (reg & 3), bytes, true, &val);
        spin_unlock(&cf8_lock);
    }
}

uint8_t pci_find_cap(sbdf_t sbdf, uint8_t id) {
    uint8_t at;

    if (!(pci_conf_read(sbdf, 6, 2) & 0x10)) return 0;
    at = (uint8_t)pci_conf_read(sbdf, 0x34, 1) & 0xfc;
    /* A list has at most 48 members; a damaged one may be a ring. */
    for (int i = 0; i < 48 && at >= 0x40; i++) {
        uint32_t head = pci_conf_read(sbdf, at, 2);

        if ((head & 0xff) == id) return at;
        at = (head >> 8) & 0xfc;
    }
    return 0;
}

__init void pci_init(void) {
    for (unsigned int i = 0; i < acpi.nr_mcfg; i++)
        if (!add_mmcfg(acpi.mcfg[i].base, acpi.mcfg[i].segment, acpi.mcfg[i].bus_first,
                       acpi.mcfg[i].bus_last))
            printk(KERN_WARN "WARNING: MCFG area at %#lx is not used\n", acpi.mcfg[i].base);
}
