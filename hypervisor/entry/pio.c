/* SPDX-License-Identifier: MIT */
/*
 * What a guest's I/O port access does once it is permitted by the guest's own kernel (I/O privilege
 * level and bitmap, emul_priv.c): pass-through for ports in the domain's ioport_caps, models for
 * the few that are shared with Hospes, ones for everything else.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <hv/rangeset.h>
#include <hv/spinlock.h>
#include <x86/cpu.h>
#include <x86/pio.h>

#define CF8_ENABLED  (1U << 31)
#define CF8_BUS(a)   (uint8_t)((a) >> 16)
#define CF8_DEVFN(a) (uint8_t)((a) >> 8)
#define CF8_REG(a)   ((a)&0xfc)

static spinlock_t cmos_lock = SPINLOCK_INIT(ORDER_LEAF);
static uint8_t cmos_index; /* as dom0 left it */

uint8_t cmos_read(uint8_t index) {
    uint8_t v;

    spin_lock(&cmos_lock);
    outb(0x70, index & 0x7f);
    v = inb(0x71);
    spin_unlock(&cmos_lock);
    return v;
}

void cmos_write(uint8_t index, uint8_t v) {
    spin_lock(&cmos_lock);
    outb(0x70, index & 0x7f);
    outb(0x71, v);
    spin_unlock(&cmos_lock);
}

static bool is_cmos(const struct domain *d, uint16_t port, unsigned int bytes) {
    return d->is_control && port < 0x72 && port + bytes > 0x70;
}

static bool is_shared(const struct domain *d, uint16_t port, unsigned int bytes) {
    return (port == 0xcf8 && bytes == 4) || is_cmos(d, port, bytes);
}

static bool permitted(struct domain *d, uint16_t port, unsigned int bytes) {
    return rangeset_contains(d->ioport_caps, port, port + bytes - 1UL);
}

static uint32_t in(uint16_t port, unsigned int bytes) {
    return bytes == 1 ? inb(port) : bytes == 2 ? inw(port) : inl(port);
}

static void out(uint16_t port, unsigned int bytes, uint32_t v) {
    if (bytes == 1)
        outb(port, (uint8_t)v);
    else if (bytes == 2)
        outw(port, (uint16_t)v);
    else
        outl(port, v);
}

/* Configuration data at 0xcfc..0xcff belongs to dom0, whose address register is a variable. */
static unsigned int conf_size(uint16_t port, unsigned int bytes) {
    unsigned int size = min(bytes, 4U - (port & 3));

    return size == 3 ? 2 : size;
}

static uint32_t conf_read(const struct domain *d, uint16_t port, unsigned int size) {
    uint32_t a = d->arch.pci_cf8;

    if (!d->is_control || !(a & CF8_ENABLED)) return ~0U;
    return pci_conf_read(0, CF8_BUS(a), CF8_DEVFN(a), (uint16_t)(CF8_REG(a) | (port & 3)), size);
}

static void conf_write(const struct domain *d, uint16_t port, unsigned int size, uint32_t v) {
    uint32_t a = d->arch.pci_cf8;
    uint16_t reg = (uint16_t)(CF8_REG(a) | (port & 3));

    if (!d->is_control || !(a & CF8_ENABLED)) return;
    pci_guest_write(0, CF8_BUS(a), CF8_DEVFN(a), reg, size, v);
}

/* One piece of an access that is not pass-through as a whole; *size is how much it took. */
static uint32_t read_piece(struct domain *d, uint16_t port, unsigned int bytes,
                           unsigned int *size) {
    *size = 1;
    if (pit_port(port)) return pit_read(d, port);
    if (is_cmos(d, port, 1)) return port == 0x70 ? cmos_index : cmos_read(cmos_index);
    if (port == 0xcf8 && bytes == 4) {
        *size = 4;
        return d->arch.pci_cf8;
    }
    if ((port & 0xfffc) == 0xcfc) {
        *size = conf_size(port, bytes);
        return conf_read(d, port, *size);
    }
    return permitted(d, port, 1) ? inb(port) : ~0U;
}

static unsigned int write_piece(struct domain *d, uint16_t port, unsigned int bytes, uint32_t v) {
    unsigned int size = 1;

    if (pit_port(port)) {
        pit_write(d, port, (uint8_t)v);
    } else if (is_cmos(d, port, 1)) {
        if (port == 0x70)
            cmos_index = v & 0x7f;
        else
            cmos_write(cmos_index, (uint8_t)v);
    } else if (port == 0xcf8 && bytes == 4) {
        size = 4;
        d->arch.pci_cf8 = v;
    } else if ((port & 0xfffc) == 0xcfc) {
        size = conf_size(port, bytes);
        conf_write(d, port, size, v);
    } else if (permitted(d, port, 1)) {
        outb(port, (uint8_t)v);
    }
    return size;
}

static uint32_t cut(uint32_t v, unsigned int bytes) {
    return bytes == 4 ? v : v & ((1U << (8 * bytes)) - 1);
}

uint32_t pio_read(struct domain *d, uint16_t port, unsigned int bytes) {
    uint32_t v = 0;
    unsigned int size = 0;

    if (!is_shared(d, port, bytes) && permitted(d, port, bytes)) return in(port, bytes);
    for (unsigned int at = 0; at < bytes; at += size) {
        uint32_t piece = read_piece(d, (uint16_t)(port + at), bytes - at, &size);

        v |= cut(piece, size) << (8 * at);
    }
    return v;
}

void pio_write(struct domain *d, uint16_t port, unsigned int bytes, uint32_t v) {
    if (!is_shared(d, port, bytes) && permitted(d, port, bytes)) {
        out(port, bytes, v);
        return;
    }
    for (unsigned int at = 0; at < bytes;)
        at += write_piece(d, (uint16_t)(port + at), bytes - at, v >> (8 * at));
}
