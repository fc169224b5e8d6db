/* SPDX-License-Identifier: MIT */
/*
 * What a guest's I/O port access does once it is permitted by the guest's own kernel (I/O privilege
 * level and bitmap, emulate.c): pass-through for ports in the domain's ioport_caps, models for the
 * few that are shared with Hospes, ones for everything else.
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
#define GATE_OUT     0x20
#define PIT_HZ       1193182UL

static spinlock_t pio_lock = SPINLOCK_INIT(ORDER_LEAF); /* timer chip and its model, CMOS */

/*
 * Timer channel 2 with its gate and output at port 0x61: kernels calibrate their clocks by it. This
 * is what a domU has of it, driven by system time.
 */
static bool is_pit(uint16_t port) {
    return port == PORT_CH2 || port == PORT_CONTROL || port == PORT_GATE;
}

static uint64_t elapsed_ticks(const struct arch_domain *a) {
    uint64_t ns = now_ns() - a->pit.start_ns;

    /* Split so that it cannot overflow. */
    return ns / 1000000000UL * PIT_HZ + ns % 1000000000UL * PIT_HZ / 1000000000UL;
}

static uint16_t count(const struct arch_domain *a) {
    uint64_t t = elapsed_ticks(a) * (a->pit.mode == 3 ? 2 : 1);

    if (!a->pit.reload || !a->pit.gate) return (uint16_t)a->pit.reload;
    if (a->pit.mode == 2 || a->pit.mode == 3) t %= a->pit.reload;
    return (uint16_t)(a->pit.reload - t); /* the other modes run on below zero */
}

static bool output(const struct arch_domain *a) {
    uint64_t t = elapsed_ticks(a);

    if (!a->pit.reload) return true;
    switch (a->pit.mode) {
    case 2: return t % a->pit.reload != a->pit.reload - 1;
    case 3: return t % a->pit.reload < (a->pit.reload + 1) / 2;
    default: return a->pit.gate && t >= a->pit.reload;
    }
}

static uint8_t read_count(struct arch_domain *a) {
    uint16_t v = a->pit.latched ? a->pit.latch : count(a);
    bool high = a->pit.access == 2 || (a->pit.access == 3 && a->pit.second_read);

    if (a->pit.access == 3) a->pit.second_read = !a->pit.second_read;
    if (!a->pit.second_read) a->pit.latched = false;
    return (uint8_t)(high ? v >> 8 : v);
}

static void load(struct arch_domain *a, uint16_t v) {
    a->pit.reload = v ? v : 65536;
    a->pit.start_ns = now_ns();
}

static void write_count(struct arch_domain *a, uint8_t v) {
    bool both = a->pit.access != 1 && a->pit.access != 2;

    if (!both)
        load(a, (uint16_t)(v << (a->pit.access == 2 ? 8 : 0)));
    else if (a->pit.second_write)
        load(a, (uint16_t)(a->pit.write_low | v << 8));
    else
        a->pit.write_low = v;
    if (both) a->pit.second_write = !a->pit.second_write;
}

static void write_control(struct arch_domain *a, uint8_t v) {
    if (v >> 6 != 2) /* channels 0 and 1, and read-back, are not there */
        return;
    if (!(v & 0x30)) {
        if (!a->pit.latched) a->pit.latch = count(a);
        a->pit.latched = true;
        return;
    }
    a->pit.access = (v >> 4) & 3;
    a->pit.mode = (v >> 1) & 7;
    if (a->pit.mode > 5) a->pit.mode -= 4;
    a->pit.second_read = a->pit.second_write = a->pit.latched = false;
}

static void write_gate(struct arch_domain *a, uint8_t v) {
    bool gate = v & GATE_ON;

    if (gate && !a->pit.gate) a->pit.start_ns = now_ns();
    a->pit.gate = gate;
    a->pit.speaker = v & GATE_SPEAKER;
}

/* The refresh bit toggles as on the real chip; old delay loops count it. */
static uint8_t read_gate(const struct arch_domain *a) {
    return (uint8_t)((a->pit.gate ? GATE_ON : 0) | (a->pit.speaker ? GATE_SPEAKER : 0) |
                     (output(a) ? GATE_OUT : 0) | (now_ns() / 15085 & 1) << 4);
}

/* dom0 gets the real channel 2 with its gate, and nothing else of the chip. */
static void real_pit(uint16_t port, bool write, uint8_t *v) {
    if (!write) {
        *v = port == PORT_CONTROL ? 0 : inb(port);
    } else if (port == PORT_GATE) {
        outb(port, (inb(port) & ~(GATE_ON | GATE_SPEAKER)) | (*v & (GATE_ON | GATE_SPEAKER)));
    } else if (port == PORT_CH2 || *v >> 6 == 2 || (*v >> 6 == 3 && (*v & 0xe) == 8)) {
        outb(port, *v); /* a command for channel 2, or to read back channel 2 only */
    }
}

static void model_pit(struct arch_domain *a, uint16_t port, bool write, uint8_t *v) {
    if (!write)
        *v = port == PORT_CH2 ? read_count(a) : port == PORT_GATE ? read_gate(a) : 0;
    else if (port == PORT_CH2)
        write_count(a, *v);
    else if (port == PORT_CONTROL)
        write_control(a, *v);
    else
        write_gate(a, *v);
}

static bool is_cmos(const struct domain *d, uint16_t port, unsigned int bytes) {
    return d->is_control && port < 0x72 && port + bytes > 0x70;
}

/* The clock chip: its index register, as dom0 left it, is a variable. */
static void cmos(uint16_t port, bool write, uint8_t *v) {
    static uint8_t index;

    if (port == 0x70) {
        if (write)
            index = *v & 0x7f;
        else
            *v = index;
        return;
    }
    outb(0x70, index);
    if (write)
        outb(0x71, *v);
    else
        *v = inb(0x71);
}

static bool permitted(struct domain *d, uint16_t port, unsigned int bytes) {
    return rangeset_contains(d->ioport_caps, port, port + bytes - 1UL);
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
    if (!is_pit(port) && !is_cmos(d, port, 1)) {
        if (permitted(d, port, 1)) port_access(port, 1, write, v);
        return 1;
    }
    spin_lock(&pio_lock);
    if (!is_pit(port))
        cmos(port, write, &byte);
    else if (d->is_control)
        real_pit(port, write, &byte);
    else
        model_pit(&d->arch, port, write, &byte);
    spin_unlock(&pio_lock);
    if (!write) *v = byte;
    return 1;
}

void pio_access(struct domain *d, uint16_t port, unsigned int bytes, bool write, uint32_t *v) {
    bool shared = (port == 0xcf8 && bytes == 4) || is_cmos(d, port, bytes);
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
