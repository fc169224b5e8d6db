/* SPDX-License-Identifier: MIT */
/*
 * I/O APICs: one descriptor a line, found by GSI. ISA lines are edge, high unless the firmware's
 * overrides say otherwise; the others level, low until somebody who knows says otherwise.
 */
#include "irq.h"

#include <hv/acpi.h>
#include <hv/mm.h>
#include <hv/printk.h>

#define REG_VERSION 1
#define REG_ENTRY   0x10

#define ENTRY_LOW    (1u << 13)
#define ENTRY_LEVEL  (1u << 15)
#define ENTRY_MASKED (1u << 16)

static struct ioapic {
    volatile uint32_t *regs; /* NULL: it does not answer */
    unsigned int nr;
} ioapics[ACPI_MAX_IOAPICS]; /* as acpi.ioapics */
static unsigned int nr_gsis;
static struct irq_desc *gsi_desc[NR_GSI_MAX]; /* filled at boot */

/* Index and data register are a pair. */
static spinlock_t regs_lock = SPINLOCK_INIT(ORDER_LEAF);

static uint32_t read_reg(const struct ioapic *a, unsigned int reg) {
    a->regs[0] = reg;
    return a->regs[4];
}

static void write_reg(const struct ioapic *a, unsigned int reg, uint32_t v) {
    a->regs[0] = reg;
    a->regs[4] = v;
}

static uint32_t entry_low(const struct irq_desc *d) {
    return d->vector | (d->low ? ENTRY_LOW : 0) | (d->level ? ENTRY_LEVEL : 0) |
           (d->masked || !d->vector ? ENTRY_MASKED : 0);
}

void ioapic_write_line(const struct irq_desc *d) {
    const struct ioapic *a = &ioapics[d->line.ioapic];
    unsigned int reg = REG_ENTRY + d->line.pin * 2;

    SPIN_SCOPE(&regs_lock);
    /* Masked while the halves do not belong together. */
    write_reg(a, reg, entry_low(d) | ENTRY_MASKED);
    write_reg(a, reg + 1, irq_dest(d) << 24);
    write_reg(a, reg, entry_low(d));
}

void ioapic_set_mask(const struct irq_desc *d, bool masked) {
    SPIN_SCOPE(&regs_lock);
    write_reg(&ioapics[d->line.ioapic], REG_ENTRY + d->line.pin * 2,
              entry_low(d) | (masked ? ENTRY_MASKED : 0));
}

unsigned int irq_nr_gsis(void) { return nr_gsis; }

struct irq_desc *irq_of_gsi(unsigned int gsi) {
    return gsi < nr_gsis ? gsi_desc[array_index_nospec(gsi, NR_GSI_MAX)] : NULL;
}

/* The GSI of an ISA interrupt (MADT overrides applied). */
static unsigned int isa_to_gsi(unsigned int isa_irq) {
    for (unsigned int i = 0; i < acpi.nr_overrides; i++)
        if (acpi.overrides[i].isa_irq == isa_irq) return acpi.overrides[i].gsi;
    return isa_irq;
}

int irq_request_gsi(unsigned int isa_irq, void (*fn)(void *), void *data) {
    struct irq_desc *d = irq_of_gsi(isa_to_gsi(isa_irq));
    int rc = d ? irq_bind(d, fn, data) : -ENODEV;

    /* Interrupts are off, and nothing is routed to other CPUs yet. */
    if (!rc) d->own = true;
    return rc;
}

static __init void set_defaults(struct irq_desc *d, unsigned int gsi) {
    bool taken = false;

    for (unsigned int i = 0; i < acpi.nr_overrides; i++) {
        if (acpi.overrides[i].gsi == gsi) {
            d->level = acpi.overrides[i].level;
            d->low = acpi.overrides[i].low;
            d->fixed = true;
            return;
        }
        taken |= acpi.overrides[i].isa_irq == gsi;
    }
    d->level = d->low = gsi >= 16 || taken;
}

static __init void add_lines(unsigned int n) {
    for (unsigned int pin = 0; pin < ioapics[n].nr; pin++) {
        unsigned int gsi = acpi.ioapics[n].gsi_base + pin;
        struct irq_desc *d;

        if (gsi >= NR_GSI_MAX || gsi_desc[gsi]) continue;
        d = irq_new_desc(IRQ_LINE);
        if (!d) panic("No memory for interrupt lines");
        d->line.ioapic = (uint8_t)n;
        d->line.pin = (uint8_t)pin;
        set_defaults(d, gsi);
        gsi_desc[gsi] = d;
        nr_gsis = max(nr_gsis, gsi + 1);
        ioapic_write_line(d);
    }
}

__init void ioapic_init(void) {
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
        const struct acpi_ioapic *is = &acpi.ioapics[i];
        struct ioapic *a = &ioapics[i];
        uint32_t version;

        a->regs = devmap(is->addr, PAGE_SIZE, DEVMAP_UC);
        if (!a->regs) continue;
        version = read_reg(a, REG_VERSION);
        if (version == ~0u) {
            printk(KERN_WARN "WARNING: no I/O APIC answers at %#lx\n", is->addr);
            a->regs = NULL;
            continue;
        }
        a->nr = ((version >> 16) & 0xff) + 1;
        printk(KERN_INFO "IOAPIC[%u]: apic_id %u, version %u, address 0x%lx, GSI %u-%u\n", i,
               is->id, version & 0xff, is->addr, is->gsi_base, is->gsi_base + a->nr - 1);
        add_lines(i);
    }
}

int irq_ioapic_read(paddr_t addr, uint32_t reg, uint32_t *value) {
    for (unsigned int i = 0; i < acpi.nr_ioapics; i++) {
        if (acpi.ioapics[i].addr != addr || !ioapics[i].regs || reg > 0xff) continue;
        SPIN_SCOPE(&regs_lock);
        *value = read_reg(&ioapics[i], reg);
        return 0;
    }
    return -EINVAL;
}
