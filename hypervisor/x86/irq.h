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
    bool masked, in_service;
    bool unmask_at_eoi;
    void (*fn)(void *); /* NULL: unbound */
    void *data;
    union {
        struct {
            uint8_t ioapic, pin;
            uint16_t gsi;
        } line;
        struct {
            struct msi_dev *dev;
            uint16_t index; /* vector of a multi-vector MSI, or MSI-X entry */
        } msi;
    };
};

/* Vectors: n consecutive ones, aligned to n (a power of 2). 0: none left. */
uint8_t irq_alloc_vectors(unsigned int n);
void irq_free_vector(uint8_t vector);
void irq_set_vector(struct irq_desc *d, uint8_t vector);
uint32_t irq_dest(const struct irq_desc *d); /* APIC id */

/* ioapic.c: d->lock held. */
void ioapic_init(void);
void ioapic_write_line(const struct irq_desc *d); /* vector, mode, destination, mask */
void ioapic_set_mask(const struct irq_desc *d, bool masked);
/* msi.c: d->lock held. */
void msi_write(const struct irq_desc *d);
void msi_set_mask(const struct irq_desc *d, bool masked);

void pci_init(void);
