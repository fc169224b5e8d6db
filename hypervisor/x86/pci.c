/* SPDX-License-Identifier: MIT */
/* PCI configuration space by ports 0xcf8/0xcfc, or by the memory windows that MCFG lists. */
#include "irq.h"

#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/errno.h>
#include <hv/mm.h>
#include <hv/printk.h>
#include <hv/rangeset.h>
#include <x86/cpu.h>

static spinlock_t cf8_lock = SPINLOCK_INIT(ORDER_LEAF);

/* Entries are added only, under mmcfg_lock, and counted after they are complete. */
static struct mmcfg {
    paddr_t base; /* of bus 0, even if first > 0 */
    uint16_t segment;
    uint8_t first, last;
    volatile char *window; /* of bus first */
} mmcfg[ACPI_MAX_MCFG];
static unsigned int nr_mmcfg;
static spinlock_t mmcfg_lock = SPINLOCK_INIT(ORDER_LEAF);

static const struct mmcfg *find_mmcfg(uint16_t seg, uint8_t bus) {
    unsigned int n = __atomic_load_n(&nr_mmcfg, __ATOMIC_ACQUIRE);

    for (unsigned int i = 0; i < n; i++)
        if (mmcfg[i].segment == seg && bus >= mmcfg[i].first && bus <= mmcfg[i].last)
            return &mmcfg[i];
    return NULL;
}

static volatile char *window_at(uint16_t seg, uint8_t bus, uint8_t devfn, uint16_t reg) {
    const struct mmcfg *m = find_mmcfg(seg, bus);

    if (!m || reg >= 4096) return NULL;
    return m->window + ((size_t)(bus - m->first) << 20) + ((size_t)devfn << 12) + reg;
}

int pci_add_mmcfg(paddr_t base, uint16_t segment, uint8_t first, uint8_t last) {
    size_t size = ((size_t)(last - first) + 1) << 20;
    struct mmcfg m = {base, segment, first, last, NULL};
    int rc = 0;

    if (last < first || (base & 0xfffff)) return -EINVAL;
    if (find_mmcfg(segment, first)) return 0;
    m.window = ioremap(base + ((paddr_t)first << 20), size);
    if (!m.window) return -ENOMEM;
    spin_lock(&mmcfg_lock);
    if (nr_mmcfg < ARRAY_SIZE(mmcfg)) {
        mmcfg[nr_mmcfg] = m;
        __atomic_store_n(&nr_mmcfg, nr_mmcfg + 1, __ATOMIC_RELEASE);
    } else {
        rc = -ENOSPC;
    }
    spin_unlock(&mmcfg_lock);
    if (rc) {
        iounmap((void *)(uintptr_t)m.window);
        return rc;
    }
    /* dom0 maps it read-only, so that its writes pass the filter as those by ports do. */
    return rangeset_add(mmio_ro_ranges, (base >> PAGE_SHIFT) + ((uint64_t)first << 8),
                        (base >> PAGE_SHIFT) + ((uint64_t)last << 8) + 255);
}

void pci_guest_write(uint16_t seg, uint8_t bus, uint8_t devfn, uint16_t reg, unsigned int bytes,
                     uint32_t val) {
    if (msi_filter_conf_write(seg, bus, devfn, reg, bytes, &val))
        pci_conf_write(seg, bus, devfn, reg, bytes, val);
}

bool pci_is_mmcfg(paddr_t addr, uint16_t *seg, uint8_t *bus, uint8_t *devfn, uint16_t *reg) {
    unsigned int n = __atomic_load_n(&nr_mmcfg, __ATOMIC_ACQUIRE);

    for (unsigned int i = 0; i < n; i++) {
        const struct mmcfg *m = &mmcfg[i];
        paddr_t start = m->base + ((paddr_t)m->first << 20);

        if (addr < start || addr >= m->base + (((paddr_t)m->last + 1) << 20)) continue;
        *seg = m->segment;
        *bus = (uint8_t)((addr - m->base) >> 20);
        *devfn = (uint8_t)(addr >> 12);
        *reg = addr & 0xfff;
        return true;
    }
    return false;
}

static bool select_cf8(uint8_t bus, uint8_t devfn, uint16_t reg) {
    if (reg >= 256) return false;
    outl(0xcf8, 0x80000000u | (uint32_t)bus << 16 | (uint32_t)devfn << 8 | (reg & 0xfcu));
    return true;
}

uint32_t pci_conf_read(uint16_t seg, uint8_t bus, uint8_t devfn, uint16_t reg, unsigned int bytes) {
    volatile char *w = seg || reg >= 256 ? window_at(seg, bus, devfn, reg) : NULL;
    uint16_t port = 0xcfc + (reg & 3);
    uint32_t v = ~0u;

    if (w)
        return bytes == 1   ? *(volatile uint8_t *)w
               : bytes == 2 ? *(volatile uint16_t *)w
                            : *(volatile uint32_t *)w;
    if (seg) return v;
    spin_lock(&cf8_lock);
    if (select_cf8(bus, devfn, reg))
        v = bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
    spin_unlock(&cf8_lock);
    return v;
}

void pci_conf_write(uint16_t seg, uint8_t bus, uint8_t devfn, uint16_t reg, unsigned int bytes,
                    uint32_t val) {
    volatile char *w = seg || reg >= 256 ? window_at(seg, bus, devfn, reg) : NULL;
    uint16_t port = 0xcfc + (reg & 3);

    if (w) {
        if (bytes == 1)
            *(volatile uint8_t *)w = (uint8_t)val;
        else if (bytes == 2)
            *(volatile uint16_t *)w = (uint16_t)val;
        else
            *(volatile uint32_t *)w = val;
        return;
    }
    if (seg) return;
    spin_lock(&cf8_lock);
    if (select_cf8(bus, devfn, reg)) {
        if (bytes == 1)
            outb(port, (uint8_t)val);
        else if (bytes == 2)
            outw(port, (uint16_t)val);
        else
            outl(port, val);
    }
    spin_unlock(&cf8_lock);
}

uint8_t pci_find_cap(uint16_t seg, uint8_t bus, uint8_t devfn, uint8_t id) {
    uint8_t at;

    if (!(pci_conf_read(seg, bus, devfn, 6, 2) & 0x10)) return 0;
    at = (uint8_t)pci_conf_read(seg, bus, devfn, 0x34, 1) & 0xfc;
    /* A list has at most 48 members; a damaged one may be a ring. */
    for (int i = 0; i < 48 && at >= 0x40; i++) {
        uint32_t head = pci_conf_read(seg, bus, devfn, at, 2);

        if ((head & 0xff) == id) return at;
        at = (head >> 8) & 0xfc;
    }
    return 0;
}

void pci_init(void) {
    for (unsigned int i = 0; i < acpi.nr_mcfg; i++) {
        int rc = pci_add_mmcfg(acpi.mcfg[i].base, acpi.mcfg[i].segment, acpi.mcfg[i].bus_first,
                               acpi.mcfg[i].bus_last);

        if (rc)
            printk(KERN_WARN "WARNING: MCFG area at %#lx is not used (%d)\n", acpi.mcfg[i].base,
                   rc);
    }
}
