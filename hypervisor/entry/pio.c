/* SPDX-License-Identifier: MIT */
/*
 * What a guest's I/O port access does once it is permitted by the guest's own kernel (I/O privilege
 * level and bitmap, emulate.c): pass-through for ports in the domain's ioport_caps, a filter for
 * the few that are shared with Hospes, ones for everything else.
 */
#include <hv/domain.h>
#include <hv/irq.h>
#include <x86/cpu.h>
#include <x86/guest_regs.h>

#define CF8_ENABLED (1U << 31)
#define CF8_SBDF(a) (((a) >> 8) & 0xffff) /* segment 0 */
#define CF8_REG(a)  ((a)&0xfc)

#define PORT_CH2     0x42
#define PORT_CONTROL 0x43
#define PORT_GATE    0x61
#define GATE_ON      1
#define GATE_SPEAKER 2

static spinlock_t pio_lock = SPINLOCK_INIT(ORDER_LEAF); /* timer and clock chip */

static bool permitted(struct domain *d, uint16_t port, unsigned int bytes) {
    return rangeset_contains(d->ioport_caps, port, port + bytes - 1UL);
}

/* Timer channel 2 with its gate and output at port 0x61, by which kernels calibrate their clocks:
 * dom0 gets the real one, and nothing else of the chip. */
static bool is_pit(const struct domain *d, uint16_t port) {
    return d->is_control && (port == PORT_CH2 || port == PORT_CONTROL || port == PORT_GATE);
}

static void real_pit(uint16_t port, bool write, uint8_t *v) {
    if (!write) {
        *v = port == PORT_CONTROL ? 0 : inb(port);
    } else if (port == PORT_GATE) {
        outb(port, (inb(port) & ~(GATE_ON | GATE_SPEAKER)) | (*v & (GATE_ON | GATE_SPEAKER)));
    } else if (port == PORT_CH2 || *v >> 6 == 2 || (*v >> 6 == 3 && (*v & 0xe) == 8)) {
        outb(port, *v); /* a command for channel 2, or to read back channel 2 only */
    }
}

static bool is_cmos(uint16_t port, unsigned int bytes) {
    return port < 0x72 && port + bytes > 0x70;
}

/* The clock chip: its index register, as the domain left it, is a variable. */
static void cmos(struct domain *d, uint16_t port, bool write, uint8_t *v) {
    if (port == 0x70) {
        if (write)
            d->arch.cmos_index = *v;
        else
            *v = d->arch.cmos_index;
        return;
    }
    if (!permitted(d, 0x70, 2)) return;
    outb(0x70, d->arch.cmos_index & 0x7f);
    if (write)
        outb(0x71, *v);
    else
        *v = inb(0x71);
}

/* Configuration data at 0xcfc..0xcff belongs to dom0, whose address register is a variable. */
static unsigned int conf_data(const struct domain *d, uint16_t port, unsigned int bytes, bool write,
                              uint32_t *v) {
    unsigned int size = min(bytes, 4U - (port & 3));
    uint32_t a = d->arch.pci_cf8;
    uint16_t reg = (uint16_t)(CF8_REG(a) | (port & 3));

    if (size == 3) size = 2;
    if (!d->is_control || !(a & CF8_ENABLED)) return size;
    if (write)
        pci_guest_write(CF8_SBDF(a), reg, size, *v);
    else
        *v = pci_conf_read(CF8_SBDF(a), reg, size);
    return size;
}

/* A piece of an access that does not pass through as a whole: its size. Ones where nothing is. */
static unsigned int access_piece(struct domain *d, uint16_t port, unsigned int bytes, bool write,
                                 uint32_t *v) {
    uint8_t byte = (uint8_t)*v;

    if (port == 0xcf8 && bytes == 4) {
        if (write)
            d->arch.pci_cf8 = *v;
        else
            *v = d->arch.pci_cf8;
        return 4;
    }
    if ((port & 0xfffc) == 0xcfc) return conf_data(d, port, bytes, write, v);
    if (!is_pit(d, port) && !is_cmos(port, 1)) {
        if (permitted(d, port, 1)) port_access(port, 1, write, v);
        return 1;
    }
    spin_lock(&pio_lock);
    if (is_cmos(port, 1))
        cmos(d, port, write, &byte);
    else
        real_pit(port, write, &byte);
    spin_unlock(&pio_lock);
    if (!write) *v = byte;
    return 1;
}

void pio_access(struct domain *d, uint16_t port, unsigned int bytes, bool write, uint32_t *v) {
    bool shared = (port == 0xcf8 && bytes == 4) || is_cmos(port, bytes);
    uint32_t result = 0;

    if (!shared && permitted(d, port, bytes)) {
        port_access(port, bytes, write, v);
        return;
    }
    for (unsigned int at = 0, size; at < bytes; at += size) {
        uint32_t piece = write ? *v >> (8 * at) : ~0U;

        size = access_piece(d, (uint16_t)(port + at), bytes - at, write, &piece);
        result |= (piece & (~0U >> (32 - 8 * size))) << (8 * at);
    }
    if (!write) *v = result;
}
