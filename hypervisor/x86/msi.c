/* SPDX-License-Identifier: MIT */
/*
 * MSI and MSI-X. Hospes writes the capabilities and tables of devices that dom0 drives, so that no
 * message can name a vector that is not the device's: dom0's own writes to them are filtered, and
 * its mappings of MSI-X tables are read-only. A device is on the list from its first vector (or
 * PHYSDEVOP_prepare_msix) to its last.
 */
#include "irq.h"

#include <hv/list.h>
#include <hv/mm.h>
#include <hv/rangeset.h>
#include <x86/cpu.h>

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
#define ENTRY_SIZE      16

struct msi_dev {
    struct list list; /* msi_lock */
    sbdf_t sbdf;
    uint8_t cap;
    bool msix, prepared;
    uint16_t control;         /* as found: the fixed bits */
    unsigned int nr, nr_used; /* vectors there is room for; set up. msi_lock */
    struct irq_desc **desc;   /* of nr */
    paddr_t table_paddr;      /* MSI-X only */
    volatile uint32_t *table;
};

static spinlock_t msi_lock = SPINLOCK_INIT(ORDER_MSI);
static struct list devices = LIST_INIT(devices); /* msi_lock */

static uint32_t read_cap(const struct msi_dev *m, unsigned int off, unsigned int bytes) {
    return pci_conf_read(m->sbdf, (uint16_t)(m->cap + off), bytes);
}

static void write_cap(const struct msi_dev *m, unsigned int off, unsigned int bytes, uint32_t v) {
    pci_conf_write(m->sbdf, (uint16_t)(m->cap + off), bytes, v);
}

static unsigned int msi_data_offset(const struct msi_dev *m) {
    return m->control & MSI_64BIT ? 12 : 8;
}

/* Behind the data word, if MSI_MASKABLE. Then comes the word of pending bits. */
static unsigned int msi_mask_offset(const struct msi_dev *m) { return msi_data_offset(m) + 4; }

static unsigned int msi_cap_size(const struct msi_dev *m) {
    return msi_data_offset(m) + (m->control & MSI_MASKABLE ? 12 : 2);
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
    } else {
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
        uint32_t v = read_cap(m, msi_mask_offset(m), 4);

        write_cap(m, msi_mask_offset(m), 4, masked ? v | 1 : v & ~1u);
    }
}

/* dom0 cannot change these bits (keep_control). MSI has one message: its MME is 0. */
static void set_enable(const struct msi_dev *m, bool on) {
    uint32_t bit = m->msix ? MSIX_ENABLE : MSI_ENABLE, control = read_cap(m, 2, 2) & ~bit;

    if (on) control = (control & ~(m->msix ? MSIX_MASK_ALL : MSI_MME)) | bit;
    write_cap(m, 2, 2, control);
}

static struct msi_dev *find_dev(sbdf_t sbdf, bool msix) {
    struct msi_dev *m;

    list_for_each(m, &devices, list)
        if (m->sbdf == sbdf && m->msix == msix) return m;
    return NULL;
}

static uint64_t table_first(const struct msi_dev *m) { return m->table_paddr >> PAGE_SHIFT; }

static uint64_t table_last(const struct msi_dev *m) {
    return (m->table_paddr + m->nr * ENTRY_SIZE - 1) >> PAGE_SHIFT;
}

/* If nobody needs it any more. */
static void release_dev(struct msi_dev *m) {
    if (m->nr_used || m->prepared) return;
    list_del(&m->list);
    if (m->table) {
        rangeset_remove(mmio_ro_ranges, table_first(m), table_last(m));
        iounmap((void *)(uintptr_t)m->table);
    }
    hv_free(m->desc);
    hv_free(m);
}

static paddr_t read_bar(const struct msi_dev *m, unsigned int n) {
    uint16_t reg = (uint16_t)(0x10 + n * 4);
    uint32_t lo = pci_conf_read(m->sbdf, reg, 4);
    uint64_t hi = 0;

    if (n > 5 || (lo & 1)) return 0;
    if ((lo & 6) == 4) hi = pci_conf_read(m->sbdf, (uint16_t)(reg + 4), 4);
    return hi << 32 | (lo & ~15u);
}

/* dom0's table_base is for virtual functions, which have no BARs. The table must not lie in RAM. */
static int map_table(struct msi_dev *m, uint64_t table_base) {
    uint32_t where = read_cap(m, 4, 4);
    paddr_t bar = read_bar(m, where & 7);
    int rc;

    if (!bar) bar = table_base;
    m->table_paddr = bar + (where & ~7u);
    if (!bar || (bar & 15) || table_last(m) >> (cpu_has.phys_bits - PAGE_SHIFT)) return -ENXIO;
    for (uint64_t n = table_first(m); n <= table_last(m); n++)
        if (mfn_valid(_mfn(n))) return -ENXIO;
    rc = rangeset_add(mmio_ro_ranges, table_first(m), table_last(m));
    if (rc) return rc;
    m->table = ioremap(m->table_paddr, m->nr * ENTRY_SIZE);
    if (m->table) return 0;
    rangeset_remove(mmio_ro_ranges, table_first(m), table_last(m));
    return -ENOMEM;
}

static int new_dev(sbdf_t sbdf, bool msix, uint64_t table_base, struct msi_dev **out) {
    uint8_t cap = pci_find_cap(sbdf, msix ? CAP_MSIX : CAP_MSI);
    struct msi_dev *m;
    int rc = -ENOMEM;

    if (!cap) return -ENODEV;
    m = hv_new(struct msi_dev);
    if (!m) return -ENOMEM;
    *m = (struct msi_dev){.sbdf = sbdf, .cap = cap, .msix = msix};
    m->control = (uint16_t)read_cap(m, 2, 2);
    m->nr = msix ? (m->control & MSIX_SIZE) + 1u : 1;
    m->desc = hv_new_array(struct irq_desc *, m->nr);
    if (m->desc) rc = msix ? map_table(m, table_base) : 0;
    list_add_tail(&m->list, &devices);
    *out = rc ? NULL : m;
    if (rc) release_dev(m);
    return rc;
}

/* Its vectors are written in memory, where it must answer, or in configuration space. */
static bool reachable(const struct msi_dev *m) {
    return !m->msix || pci_conf_read(m->sbdf, COMMAND, 2) & COMMAND_MEMORY;
}

static int setup(struct msi_dev *m, unsigned int index, struct irq_desc **out) {
    struct irq_desc *d;

    if (index >= m->nr) return -EINVAL;
    if (m->desc[index]) return -EBUSY;
    if (!reachable(m)) return -ENXIO;
    d = irq_new_desc(m->msix ? IRQ_MSIX : IRQ_MSI);
    if (!d) return -ENOMEM;
    d->msi.dev = m;
    d->msi.index = (uint16_t)index;
    if (!irq_alloc_vector(d)) {
        hv_free(d);
        return -ENOSPC;
    }
    m->desc[index] = d;
    m->nr_used++;
    msi_set_mask(d, true);
    msi_write(d);
    set_enable(m, true);
    *out = d;
    return 0;
}

int msi_setup(sbdf_t sbdf, uint64_t table_base, uint32_t entry, struct irq_desc **out) {
    bool msix = table_base != 0;
    struct msi_dev *m;
    int rc = 0;

    SPIN_SCOPE(&msi_lock);
    m = find_dev(sbdf, msix);
    if (!m) rc = new_dev(sbdf, msix, table_base, &m);
    if (rc) return rc;
    rc = setup(m, msix ? entry : 0, out);
    release_dev(m);
    return rc;
}

void msi_free(struct irq_desc *d) {
    struct msi_dev *m = d->msi.dev;

    SPIN_SCOPE(&msi_lock);
    msi_set_mask(d, true);
    if (--m->nr_used == 0) set_enable(m, false);
    m->desc[d->msi.index] = NULL;
    irq_free_vector(d->vector);
    hv_free(d);
    release_dev(m);
}

static void restore_vector(struct irq_desc *d) {
    SPIN_SCOPE(&d->lock);
    msi_set_mask(d, true);
    msi_write(d);
    msi_set_mask(d, d->masked);
}

int msi_restore(sbdf_t sbdf) {
    if (pci_conf_read(sbdf, 0, 2) == 0xffff) return -ENODEV;
    SPIN_SCOPE(&msi_lock);
    for (int msix = 0; msix < 2; msix++) {
        const struct msi_dev *m = find_dev(sbdf, msix);

        if (!m || !m->nr_used) continue;
        if (!reachable(m)) return -ENXIO;
        for (unsigned int i = 0; i < m->nr; i++)
            if (m->desc[i]) restore_vector(m->desc[i]);
        set_enable(m, true);
    }
    return 0;
}

int msi_prepare_msix(sbdf_t sbdf, bool prepare) {
    struct msi_dev *m;
    int rc;

    SPIN_SCOPE(&msi_lock);
    m = find_dev(sbdf, true);
    if (!pci_find_cap(sbdf, CAP_MSIX)) return -ENODEV;
    if (!!m == prepare || (m && m->nr_used)) return -EBUSY;
    rc = prepare ? new_dev(sbdf, true, 0, &m) : 0;
    if (rc) return rc;
    m->prepared = prepare;
    release_dev(m);
    return 0;
}

/* The control word keeps what Hospes decides; *val is what dom0 writes at reg. */
static void keep_control(const struct msi_dev *m, uint16_t reg, unsigned int bytes, uint32_t *val) {
    uint64_t bits = m->msix ? MSIX_ENABLE | MSIX_MASK_ALL : MSI_ENABLE | MSI_MME;
    int shift = (m->cap + 2 - reg) * 8;
    uint32_t keep = (uint32_t)(shift >= 0 ? bits << shift : bits >> -shift);

    *val = (*val & ~keep) | (pci_conf_read(m->sbdf, reg, bytes) & keep);
}

bool msi_filter_conf_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t *val) {
    SPIN_SCOPE(&msi_lock);
    for (int msix = 0; msix < 2; msix++) {
        const struct msi_dev *m = find_dev(sbdf, msix);

        if (!m || !m->nr_used) continue;
        if (reg < m->cap + 4 && reg + bytes > m->cap + 2u)
            keep_control(m, reg, bytes, val);
        else if (!m->msix && reg >= m->cap + 4 && reg < m->cap + msi_cap_size(m))
            return false;
    }
    return true;
}
