/* SPDX-License-Identifier: MIT */
/*
 * MSI and MSI-X. Hospes writes the capabilities and tables of devices that dom0 drives, so that no
 * message can name a vector that is not the device's: dom0's own writes to them are filtered, and
 * its mappings of MSI-X tables are read-only. A device is on the list from its first vector (or
 * PHYSDEVOP_prepare_msix) to its last.
 */
#include "irq.h"

#include <hv/bitops.h>
#include <hv/errno.h>
#include <hv/list.h>
#include <hv/mm.h>
#include <hv/rangeset.h>

#define CAP_MSI  0x05
#define CAP_MSIX 0x11

#define MSI_ENABLE    0x0001
#define MSI_MME       0x0070
#define MSI_64BIT     0x0080
#define MSI_MASKABLE  0x0100
#define MSIX_SIZE     0x07ff
#define MSIX_MASK_ALL 0x4000
#define MSIX_ENABLE   0x8000

#define COMMAND         4
#define COMMAND_MEMORY  2
#define MESSAGE_ADDRESS 0xfee00000u
#define ENTRY_WORDS     4 /* of an MSI-X table: address, address high, data, control */

struct msi_dev {
    struct list list; /* msi_lock */
    uint16_t segment;
    uint8_t bus, devfn, cap;
    bool msix, prepared;
    uint16_t control;         /* as found: the fixed bits */
    unsigned int nr, nr_used; /* descriptors there is room for; set up. msi_lock */
    struct irq_desc **desc;
    paddr_t table_paddr; /* MSI-X only */
    volatile uint32_t *table;
};

static spinlock_t msi_lock = SPINLOCK_INIT(ORDER_MSI);
static struct list devices = LIST_INIT(devices); /* msi_lock */

static uint32_t read_cap(const struct msi_dev *m, unsigned int off, unsigned int bytes) {
    return pci_conf_read(m->segment, m->bus, m->devfn, (uint16_t)(m->cap + off), bytes);
}

static void write_cap(const struct msi_dev *m, unsigned int off, unsigned int bytes, uint32_t v) {
    pci_conf_write(m->segment, m->bus, m->devfn, (uint16_t)(m->cap + off), bytes, v);
}

static unsigned int msi_data_offset(const struct msi_dev *m) {
    return m->control & MSI_64BIT ? 12 : 8;
}

static unsigned int msi_mask_offset(const struct msi_dev *m) {
    return m->control & MSI_64BIT ? 16 : 12;
}

static unsigned int msi_cap_size(const struct msi_dev *m) {
    return m->control & MSI_MASKABLE ? msi_mask_offset(m) + 8 : msi_data_offset(m) + 2;
}

static uint32_t message_address(const struct irq_desc *d) {
    return MESSAGE_ADDRESS | (irq_dest(d) & 0xff) << 12;
}

void msi_write(const struct irq_desc *d) {
    const struct msi_dev *m = d->msi.dev;

    if (m->msix) {
        volatile uint32_t *e = m->table + d->msi.index * ENTRY_WORDS;
        uint32_t control = e[3];

        /* An entry may only change while masked. */
        e[3] = control | 1;
        e[0] = message_address(d);
        e[1] = 0;
        e[2] = d->vector;
        e[3] = control;
        (void)e[3];
    } else if (d->msi.index == 0) {
        write_cap(m, 4, 4, message_address(d));
        if (m->control & MSI_64BIT) write_cap(m, 8, 4, 0);
        write_cap(m, msi_data_offset(m), 2, d->vector);
    }
}

void msi_set_mask(const struct irq_desc *d, bool masked) {
    const struct msi_dev *m = d->msi.dev;

    if (m->msix) {
        volatile uint32_t *e = m->table + d->msi.index * ENTRY_WORDS;

        e[3] = masked ? e[3] | 1 : e[3] & ~1u;
        (void)e[3]; /* posted writes are through */
    } else if (m->control & MSI_MASKABLE) {
        uint32_t bit = 1u << d->msi.index, v = read_cap(m, msi_mask_offset(m), 4);

        write_cap(m, msi_mask_offset(m), 4, masked ? v | bit : v & ~bit);
    }
}

static struct msi_dev *find_dev(uint16_t segment, uint8_t bus, uint8_t devfn, bool msix) {
    struct msi_dev *m;

    list_for_each(m, &devices, list) {
        if (m->segment == segment && m->bus == bus && m->devfn == devfn && m->msix == msix)
            return m;
    }
    return NULL;
}

static void free_dev(struct msi_dev *m) {
    list_del(&m->list);
    if (m->table) {
        rangeset_remove(mmio_ro_ranges, m->table_paddr >> PAGE_SHIFT,
                        (m->table_paddr + m->nr * 16 - 1) >> PAGE_SHIFT);
        iounmap((void *)(uintptr_t)m->table);
    }
    hv_free(m->desc);
    hv_free(m);
}

static paddr_t read_bar(const struct msi_dev *m, unsigned int n) {
    uint16_t reg = (uint16_t)(0x10 + n * 4);
    uint32_t lo = pci_conf_read(m->segment, m->bus, m->devfn, reg, 4);
    uint64_t hi = 0;

    if (n > 5 || (lo & 1)) return 0;
    if ((lo & 6) == 4) hi = pci_conf_read(m->segment, m->bus, m->devfn, (uint16_t)(reg + 4), 4);
    return hi << 32 | (lo & ~15u);
}

/* The table must not lie in RAM: table_base comes from dom0. */
static int map_table(struct msi_dev *m, uint64_t table_base) {
    uint32_t where = read_cap(m, 4, 4);
    paddr_t bar = table_base ? table_base : read_bar(m, where & 7);
    size_t size = m->nr * 16;
    int rc;

    if (!bar || (bar & 15)) return -ENXIO;
    m->table_paddr = bar + (where & ~7u);
    for (paddr_t p = m->table_paddr & PAGE_MASK; p < m->table_paddr + size; p += PAGE_SIZE)
        if (mfn_valid(paddr_to_mfn(p))) return -ENXIO;
    rc = rangeset_add(mmio_ro_ranges, m->table_paddr >> PAGE_SHIFT,
                      (m->table_paddr + size - 1) >> PAGE_SHIFT);
    if (rc) return rc;
    m->table = ioremap(m->table_paddr, size);
    if (!m->table) {
        rangeset_remove(mmio_ro_ranges, m->table_paddr >> PAGE_SHIFT,
                        (m->table_paddr + size - 1) >> PAGE_SHIFT);
        return -ENOMEM;
    }
    return 0;
}

static int new_dev(uint16_t segment, uint8_t bus, uint8_t devfn, bool msix, uint64_t table_base,
                   struct msi_dev **out) {
    uint8_t cap = pci_find_cap(segment, bus, devfn, msix ? CAP_MSIX : CAP_MSI);
    struct msi_dev *m;
    int rc = -ENOMEM;

    if (!cap) return -ENODEV;
    m = hv_new(struct msi_dev);
    if (!m) return -ENOMEM;
    *m = (struct msi_dev){.segment = segment, .bus = bus, .devfn = devfn, .cap = cap, .msix = msix};
    list_init(&m->list);
    m->control = (uint16_t)read_cap(m, 2, 2);
    m->nr = msix ? (m->control & MSIX_SIZE) + 1u : 1u << ((m->control >> 1) & 7);
    if (m->nr > 2048 || (!msix && m->nr > 32))
        rc = -EINVAL;
    else if ((m->desc = hv_new_array(struct irq_desc *, m->nr)))
        rc = msix ? map_table(m, table_base) : 0;
    if (rc) {
        hv_free(m->desc);
        hv_free(m);
        return rc;
    }
    list_add_tail(&m->list, &devices);
    *out = m;
    return 0;
}

static struct irq_desc *new_desc(struct msi_dev *m, unsigned int index, uint8_t vector) {
    struct irq_desc *d = hv_new(struct irq_desc);

    if (!d) return NULL;
    spin_lock_init(&d->lock, ORDER_IRQ_DESC);
    d->kind = m->msix ? IRQ_MSIX : IRQ_MSI;
    d->msi.dev = m;
    d->msi.index = (uint16_t)index;
    d->masked = true;
    irq_set_vector(d, vector);
    m->desc[index] = d;
    m->nr_used++;
    return d;
}

static void free_desc(struct msi_dev *m, unsigned int index) {
    struct irq_desc *d = m->desc[index];

    irq_free_vector(d->vector);
    m->desc[index] = NULL;
    m->nr_used--;
    hv_free(d);
}

static void enable_msi(struct msi_dev *m, unsigned int n) {
    uint32_t control = (read_cap(m, 2, 2) & ~(uint32_t)MSI_MME) | ffs64(n) << 4 | MSI_ENABLE;

    if (m->control & MSI_MASKABLE) write_cap(m, msi_mask_offset(m), 4, ~0u);
    msi_write(m->desc[0]);
    write_cap(m, 2, 2, control);
}

static int setup_msi(struct msi_dev *m, unsigned int count, struct irq_desc **out) {
    unsigned int n = 1;
    uint8_t base;

    if (m->nr_used) return -EBUSY;
    while (n < count) n <<= 1;
    if (count == 0 || n > m->nr) return -EINVAL;
    base = irq_alloc_vectors(n);
    if (!base) return -ENOSPC;
    for (unsigned int i = 0; i < n; i++) {
        struct irq_desc *d = new_desc(m, i, (uint8_t)(base + i));

        if (d) {
            if (i < count) out[i] = d;
            continue;
        }
        for (unsigned int k = i; k < n; k++) irq_free_vector((uint8_t)(base + k));
        while (i-- > 0) free_desc(m, i);
        return -ENOMEM;
    }
    enable_msi(m, n);
    return 0;
}

static int setup_msix(struct msi_dev *m, unsigned int entry, struct irq_desc **out) {
    struct irq_desc *d;
    uint8_t vector;

    if (entry >= m->nr) return -EINVAL;
    if (m->desc[entry]) return -EBUSY;
    if (!(pci_conf_read(m->segment, m->bus, m->devfn, COMMAND, 2) & COMMAND_MEMORY)) return -ENXIO;
    vector = irq_alloc_vectors(1);
    if (!vector) return -ENOSPC;
    d = new_desc(m, entry, vector);
    if (!d) {
        irq_free_vector(vector);
        return -ENOMEM;
    }
    msi_set_mask(d, true);
    msi_write(d);
    write_cap(m, 2, 2, (read_cap(m, 2, 2) | MSIX_ENABLE) & ~(uint32_t)MSIX_MASK_ALL);
    *out = d;
    return 0;
}

int msi_setup(const struct msi_request *req, struct irq_desc **out) {
    struct msi_dev *m;
    int rc = 0;

    spin_lock(&msi_lock);
    m = find_dev(req->segment, req->bus, req->devfn, req->msix);
    if (!m) rc = new_dev(req->segment, req->bus, req->devfn, req->msix, req->table_base, &m);
    if (!rc) {
        rc = req->msix ? setup_msix(m, req->entry, out) : setup_msi(m, req->count, out);
        if (rc && !m->nr_used && !m->prepared) free_dev(m);
    }
    spin_unlock(&msi_lock);
    return rc;
}

void msi_free(struct irq_desc *d) {
    struct msi_dev *m = d->msi.dev;

    spin_lock(&msi_lock);
    if (m->msix) {
        msi_set_mask(d, true);
        free_desc(m, d->msi.index);
        if (!m->nr_used) write_cap(m, 2, 2, read_cap(m, 2, 2) & ~(uint32_t)MSIX_ENABLE);
    } else {
        write_cap(m, 2, 2, read_cap(m, 2, 2) & ~(uint32_t)MSI_ENABLE);
        for (unsigned int i = 0; i < m->nr; i++)
            if (m->desc[i]) free_desc(m, i);
    }
    if (!m->nr_used && !m->prepared) free_dev(m);
    spin_unlock(&msi_lock);
}

int msi_prepare_msix(uint16_t segment, uint8_t bus, uint8_t devfn, bool prepare) {
    struct msi_dev *m;
    int rc = 0;

    spin_lock(&msi_lock);
    m = find_dev(segment, bus, devfn, true);
    if (!m && prepare)
        rc = new_dev(segment, bus, devfn, true, 0, &m);
    else if (!m)
        rc = -ENODEV;
    if (!rc) {
        m->prepared = prepare;
        if (!prepare && !m->nr_used) free_dev(m);
    }
    spin_unlock(&msi_lock);
    return rc;
}

/* The control word keeps what Hospes decides; *val is what dom0 writes at reg. */
static void keep_control(const struct msi_dev *m, uint16_t reg, unsigned int bytes, uint32_t *val) {
    uint64_t bits = m->msix ? MSIX_ENABLE | MSIX_MASK_ALL : MSI_ENABLE | MSI_MME;
    int shift = (m->cap + 2 - reg) * 8;
    uint32_t keep = (uint32_t)(shift >= 0 ? bits << shift : bits >> -shift);

    *val = (*val & ~keep) | (pci_conf_read(m->segment, m->bus, m->devfn, reg, bytes) & keep);
}

bool msi_filter_conf_write(uint16_t segment, uint8_t bus, uint8_t devfn, uint16_t reg,
                           unsigned int bytes, uint32_t *val) {
    bool allowed = true;

    spin_lock(&msi_lock);
    for (int msix = 0; allowed && msix < 2; msix++) {
        const struct msi_dev *m = find_dev(segment, bus, devfn, msix);

        if (!m || !m->nr_used) continue;
        if (reg < m->cap + 4 && reg + bytes > m->cap + 2u)
            keep_control(m, reg, bytes, val);
        else if (!m->msix && reg >= m->cap + 4 && reg < m->cap + msi_cap_size(m))
            allowed = false;
    }
    spin_unlock(&msi_lock);
    return allowed;
}
