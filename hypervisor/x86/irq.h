/* SPDX-License-Identifier: MIT */
/* Between irq.c, ioapic.c and msi.c. */
#pragma once

#include <hv/irq.h>
#include <hv/spinlock.h>

enum irq_kind { IRQ_LINE, IRQ_MSI, IRQ_MSIX };

struct msi_dev;

struct irq_desc {
    spinlock_t lock; /* everything below; ORDER_IRQ_DESC */
    enum irq_kind kind;
    uint8_t vector;         /* 0: none */
    uint32_t cpu;           /* where it is delivered */
    bool level, low, fixed; /* fixed: an override says so */
    bool set_up;            /* dom0 has said how it triggers */
    bool masked, in_service;
    bool own;           /* Hospes's: served when its handler returns */
    void (*fn)(void *); /* NULL: unbound */
    void *data;
    union {
        struct {
            uint8_t ioapic, pin;
        } line;
        struct {
            struct msi_dev *dev;
            uint16_t index; /* MSI-X entry; 0 */
        } msi;
    };
};

struct irq_desc *irq_new_desc(enum irq_kind kind); /* masked, no vector. NULL: no memory */
bool irq_alloc_vector(struct irq_desc *d);         /* false: none left */
void irq_free_vector(uint8_t vector);
uint32_t irq_dest(const struct irq_desc *d); /* APIC id */

/* ioapic.c: d->lock held. */
void ioapic_init(void);
void ioapic_write_line(const struct irq_desc *d); /* vector, mode, destination, mask */
void ioapic_set_mask(const struct irq_desc *d, bool masked);
/* msi.c: d->lock held. */
void msi_write(const struct irq_desc *d);
void msi_set_mask(const struct irq_desc *d, bool masked);
/* dom0 writes configuration space: *val is bytes wide at reg. Changes *val to what may be written;
 * false: drop the write. Covers the capabilities that Hospes has set up. */
bool msi_filter_conf_write(sbdf_t sbdf, uint16_t reg, unsigned int bytes, uint32_t *val);

void pci_init(void);
uint8_t pci_find_cap(sbdf_t sbdf, uint8_t id); /* its offset; 0: none */
