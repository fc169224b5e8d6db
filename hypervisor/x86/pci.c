/* SPDX-License-Identifier: MIT */
/* PCI configuration space by ports 0xcf8/0xcfc, or by the memory windows that MCFG lists. */
#include "irq.h"

#include <hv/acpi.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/rangeset.h>
#include <x86/cpu.h>

static spinlock_t cf8_lock = SPINLOCK_INIT(ORDER_LEAF);

#define for_each_window(m)                                                                         \
    for (struct acpi_mcfg *m = acpi.mcfg; m < acpi.mcfg + acpi.nr_mcfg; m++)                       \
        if (m->window)

static const struct acpi_mcfg *find_window(sbdf_t sbdf) {
    uint8_t bus = (uint8_t)(sbdf >> 8);

    for_each_window(m)
        if (m->segment == sbdf >> 16 && bus >= m->bus_first && bus <= m->bus_last) return m;
    return NULL;
}

/* NULL: ports reach it, or nothing does. */
static volatile void *window_at(sbdf_t sbdf, uint16_t reg) {
    const struct acpi_mcfg *m = sbdf >> 16 || reg >= 256 ? find_window(sbdf) : NULL;

    if (!m || reg >= 4096) return NULL;
    return m->window + (((sbdf & 0xffff) - ((size_t)m->bus_first << 8)) << 12) + reg;
}

/* dom0 maps it read-only, so that its writes pass the filter as those by ports do. */
static __init bool add_window(struct acpi_mcfg *m) {
    paddr_t start = m->base + ((paddr_t)m->bus_first << 20);
    size_t size = ((size_t)(m->bus_last - m->bus_first) + 1) << 20;

    if (m->bus_last < m->bus_first || (m->base & 0xfffff)) return false;
    m->window = ioremap(start, size);
    return m->window &&
           !rangeset_add(mmio_ro_ranges, start >> PAGE_SHIFT, (start + size - 1) >> PAGE_SHIFT);
}

int pci_find_mmcfg(paddr_t base, uint16_t segment, uint8_t first, uint8_t last) {
    for_each_window(m)
        if (m->segment == segment && m->bus_first == first && m->bus_last == last)
            return m->base == base ? 0 : -EIO;
    return -ENODEV;
}

void pci_guest_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t val) {
    if (msi_filter_conf_write(sbdf, reg, bytes, &val)) pci_conf_write(sbdf, reg, bytes, val);
}

void pci_guest_write_mem(paddr_t addr, unsigned int bytes, uint32_t val) {
    for_each_window(m) {
        paddr_t off = addr - m->base; /* bus, device and function, register */

        if (addr < m->base || off >> 20 < m->bus_first || off >> 20 > m->bus_last) continue;
        pci_guest_write((sbdf_t)m->segment << 16 | (sbdf_t)(off >> 12), off & 0xfff, bytes, val);
        return;
    }
}

static void access_ports(sbdf_t sbdf, uint16_t reg, unsigned int bytes, bool write, uint32_t *v) {
    if (sbdf >> 16 || reg >= 256) return; /* out of their reach */
    SPIN_SCOPE(&cf8_lock);
    outl(0xcf8, 0x80000000u | sbdf << 8 | (reg & 0xfcu));
    port_access(0xcfc + (reg & 3), bytes, write, v);
}

uint32_t pci_conf_read(sbdf_t sbdf, uint16_t reg, unsigned int bytes) {
    volatile void *w = window_at(sbdf, reg);
    uint32_t v = ~0u;

    if (w)
        return bytes == 1   ? *(volatile uint8_t *)w
               : bytes == 2 ? *(volatile uint16_t *)w
                            : *(volatile uint32_t *)w;
    access_ports(sbdf, reg, bytes, false, &v);
    return v;
}

void pci_conf_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t val) {
    volatile void *w = window_at(sbdf, reg);

    if (!w)
        access_ports(sbdf, reg, bytes, true, &val);
    else if (bytes == 1)
        *(volatile uint8_t *)w = (uint8_t)val;
    else if (bytes == 2)
        *(volatile uint16_t *)w = (uint16_t)val;
    else
        *(volatile uint32_t *)w = val;
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
    for (struct acpi_mcfg *m = acpi.mcfg; m < acpi.mcfg + acpi.nr_mcfg; m++)
        if (!add_window(m)) printk(KERN_WARN "WARNING: MCFG area at %#lx is not used\n", m->base);
}
