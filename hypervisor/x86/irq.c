/* SPDX-License-Identifier: MIT */
/*
 * Vectors: Hospes's own, and one table from device vectors to descriptors, the same on all CPUs.
 * A vector's entry is written before the hardware may use it and cleared after the hardware has
 * been masked and no CPU is in the handler.
 */
#include "irq.h"

#include <hv/pcpu.h>
#include <x86/apic.h>

static spinlock_t vector_lock = SPINLOCK_INIT(ORDER_LEAF);
static unsigned long vectors_used[256 / BITS_PER_LONG]; /* vector_lock */
static struct irq_desc *vector_desc[256];               /* atomic pointers */
/* CPUs between looking vector_desc[] up and being done with what they found; atomic. Whoever clears
 * an entry waits for this to be 0 before the descriptor goes. */
static uint32_t vector_users[256];
static uint64_t spurious;

struct irq_desc *irq_new_desc(enum irq_kind kind) {
    struct irq_desc *d = hv_new(struct irq_desc);

    if (!d) return NULL;
    spin_lock_init(&d->lock, ORDER_IRQ_DESC);
    d->kind = kind;
    d->masked = true;
    return d;
}

bool irq_alloc_vector(struct irq_desc *d) {
    unsigned int v = VEC_FIRST_DEVICE;

    SPIN_SCOPE(&vector_lock);
    while (v <= VEC_LAST_DEVICE &&
           (v == VEC_LEGACY_SYSCALL || v == VEC_HYPERCALL || test_bit(v, vectors_used)))
        v++;
    if (v <= VEC_LAST_DEVICE) {
        __set_bit(v, vectors_used);
        d->vector = (uint8_t)v;
        __atomic_store_n(&vector_desc[v], d, __ATOMIC_RELEASE);
    }
    return v <= VEC_LAST_DEVICE;
}

/* Interrupts that were on their way when the hardware was masked are over. */
static void wait_for_handlers(uint8_t vector) {
    while (__atomic_load_n(&vector_users[vector], __ATOMIC_SEQ_CST)) {
        cpu_relax();
        smp_poll();
    }
}

void irq_free_vector(uint8_t vector) {
    __atomic_store_n(&vector_desc[vector], NULL, __ATOMIC_SEQ_CST);
    wait_for_handlers(vector);
    SPIN_SCOPE(&vector_lock);
    __clear_bit(vector, vectors_used);
}

uint32_t irq_dest(const struct irq_desc *d) { return pcpus[d->cpu]->apic_id; }
bool irq_is_level(const struct irq_desc *d) { return d->level; }

static void hw_mask(struct irq_desc *d, bool masked) {
    d->masked = masked;
    if (d->kind == IRQ_LINE)
        ioapic_set_mask(d, masked);
    else
        msi_set_mask(d, masked);
}

static void hw_write(struct irq_desc *d) {
    if (d->kind == IRQ_LINE)
        ioapic_write_line(d);
    else
        msi_write(d);
}

int irq_set_trigger(struct irq_desc *d, bool level, bool low) {
    int rc;

    SPIN_SCOPE(&d->lock);
    rc = d->fn || d->set_up ? -EEXIST : 0;
    if (!rc && !d->fixed) {
        d->level = level;
        d->low = low;
    }
    d->set_up = true;
    return rc;
}

int irq_bind(struct irq_desc *d, void (*fn)(void *), void *data) {
    SPIN_SCOPE(&d->lock);
    if (d->fn) return -EBUSY;
    if (!d->vector && !irq_alloc_vector(d)) return -ENOSPC;
    d->data = data;
    __atomic_store_n(&d->fn, fn, __ATOMIC_RELEASE);
    d->in_service = false;
    d->masked = false;
    hw_write(d);
    if (d->kind != IRQ_LINE) hw_mask(d, false);
    return 0;
}

void irq_unbind(struct irq_desc *d) {
    uint8_t vector;

    spin_lock(&d->lock);
    hw_mask(d, true);
    __atomic_store_n(&d->fn, NULL, __ATOMIC_SEQ_CST);
    d->in_service = false;
    vector = d->vector;
    if (d->kind == IRQ_LINE) d->vector = 0;
    spin_unlock(&d->lock);
    /* Without the lock: a handler that waits for it must get on. */
    if (d->kind == IRQ_LINE)
        irq_free_vector(vector);
    else
        wait_for_handlers(vector);
}

void irq_eoi(struct irq_desc *d) {
    SPIN_SCOPE(&d->lock);
    if (d->in_service && d->fn) hw_mask(d, false);
    d->in_service = false;
}

void irq_set_cpu(struct irq_desc *d, unsigned int cpu) {
    SPIN_SCOPE(&d->lock);
    if (d->cpu == cpu || pcpus[cpu]->apic_id > 254) return; /* messages have 8 bits for it */
    d->cpu = cpu;
    if (d->vector) hw_write(d);
}

static void device_interrupt(unsigned int vector) {
    struct irq_desc *d;
    void (*fn)(void *) = NULL;
    void *data = NULL;

    __atomic_fetch_add(&vector_users[vector], 1, __ATOMIC_SEQ_CST);
    d = __atomic_load_n(&vector_desc[vector], __ATOMIC_SEQ_CST);
    if (d) {
        spin_lock(&d->lock);
        if (d->level) {
            hw_mask(d, true);
            d->in_service = true;
        }
        fn = d->fn;
        data = d->data;
        spin_unlock(&d->lock);
    } else {
        spurious++;
    }
    apic_eoi();
    if (fn) {
        fn(data);
        if (d->own) irq_eoi(d);
    }
    __atomic_fetch_sub(&vector_users[vector], 1, __ATOMIC_SEQ_CST);
}

void irq_dispatch(unsigned int vector) {
    if (vector >= VEC_FIRST_DEVICE && vector <= VEC_LAST_DEVICE) {
        device_interrupt(vector);
        return;
    }
    if (vector == VEC_SPURIOUS) return; /* takes no EOI */
    apic_eoi();
    switch (vector) {
    case VEC_TIMER: softirq_raise(SOFTIRQ_TIMER); break;
    case VEC_KICK: break; /* softirqs are looked at on the way out */
    case VEC_REQUEST: smp_poll(); break;
    default: spurious++;
    }
}

void irq_dump(void) {
    static const char *const kinds[] = {"line", "MSI", "MSI-X"};

    printk("Interrupts: %lu spurious\n", spurious);
    for (unsigned int v = VEC_FIRST_DEVICE; v <= VEC_LAST_DEVICE; v++) {
        const struct irq_desc *d;

        __atomic_fetch_add(&vector_users[v], 1, __ATOMIC_SEQ_CST);
        d = __atomic_load_n(&vector_desc[v], __ATOMIC_SEQ_CST);
        if (d)
            printk("  vector %02x cpu %u %s %s%s%s%s\n", v, d->cpu, kinds[d->kind],
                   d->level ? "level" : "edge", d->masked ? " masked" : "",
                   d->in_service ? " in service" : "", d->fn ? "" : " unbound");
        __atomic_fetch_sub(&vector_users[v], 1, __ATOMIC_SEQ_CST);
    }
}

/* Both 8259s get vectors out of the way and are masked for good. */
void pic_disable(void) {
    static const struct {
        uint16_t port;
        uint8_t val;
    } seq[] = {{0x20, 0x11}, {0x21, 0x20}, {0x21, 0x04}, {0x21, 0x01}, {0xa0, 0x11},
               {0xa1, 0x28}, {0xa1, 0x02}, {0xa1, 0x01}, {0x21, 0xff}, {0xa1, 0xff}};

    for (unsigned int i = 0; i < ARRAY_SIZE(seq); i++) outb(seq[i].port, seq[i].val);
}

void irq_init(void) {
    ioapic_init();
    pci_init();
}
