/* SPDX-License-Identifier: MIT */
/*
 * Timer channel 2 with its gate and output at port 0x61: kernels calibrate their clocks by it. A
 * domU gets a model driven by system time; dom0 gets the real channel 2, and nothing else of the
 * chip.
 */
#include <hv/domain.h>
#include <hv/spinlock.h>
#include <hv/timer.h>
#include <x86/cpu.h>
#include <x86/pio.h>

#define PORT_CH2     0x42
#define PORT_CONTROL 0x43
#define PORT_GATE    0x61
#define GATE_ON      1
#define GATE_SPEAKER 2
#define GATE_OUT     0x20
#define PIT_HZ       1193182UL

static spinlock_t pit_lock = SPINLOCK_INIT(ORDER_LEAF);

bool pit_port(uint16_t port) {
    return port == PORT_CH2 || port == PORT_CONTROL || port == PORT_GATE;
}

static uint64_t elapsed_ticks(const struct arch_domain *a) {
    uint64_t ns = now_ns() - a->pit.start_ns;

    /* Split so that it cannot overflow. */
    return ns / 1000000000UL * PIT_HZ + ns % 1000000000UL * PIT_HZ / 1000000000UL;
}

static uint16_t count(const struct arch_domain *a) {
    uint64_t t = elapsed_ticks(a);

    if (!a->pit.reload || !a->pit.gate) return (uint16_t)a->pit.reload;
    switch (a->pit.mode) {
    case 2: return (uint16_t)(a->pit.reload - t % a->pit.reload);
    case 3: return (uint16_t)(a->pit.reload - 2 * t % a->pit.reload);
    default: return (uint16_t)(a->pit.reload - t); /* runs on below zero */
    }
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
    switch (a->pit.access) {
    case 1: load(a, v); break;
    case 2: load(a, (uint16_t)(v << 8)); break;
    default:
        if (a->pit.second_write)
            load(a, (uint16_t)(a->pit.write_low | v << 8));
        else
            a->pit.write_low = v;
        a->pit.second_write = !a->pit.second_write;
    }
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

static uint8_t real_read(uint16_t port) { return port == PORT_CONTROL ? 0 : inb(port); }

static void real_write(uint16_t port, uint8_t v) {
    switch (port) {
    case PORT_CH2: outb(port, v); break;
    case PORT_CONTROL:
        if (v >> 6 == 2)
            outb(port, v);
        else if (v >> 6 == 3 && (v & 0xe) == 8) /* read back channel 2 only */
            outb(port, v);
        break;
    case PORT_GATE:
        outb(port,
             (uint8_t)((inb(port) & ~(GATE_ON | GATE_SPEAKER)) | (v & (GATE_ON | GATE_SPEAKER))));
        break;
    }
}

uint8_t pit_read(struct domain *d, uint16_t port) {
    uint8_t v = 0;

    spin_lock(&pit_lock);
    if (d->is_control)
        v = real_read(port);
    else if (port == PORT_CH2)
        v = read_count(&d->arch);
    else if (port == PORT_GATE)
        v = read_gate(&d->arch);
    spin_unlock(&pit_lock);
    return v;
}

void pit_write(struct domain *d, uint16_t port, uint8_t v) {
    spin_lock(&pit_lock);
    if (d->is_control)
        real_write(port, v);
    else if (port == PORT_CH2)
        write_count(&d->arch, v);
    else if (port == PORT_CONTROL)
        write_control(&d->arch, v);
    else
        write_gate(&d->arch, v);
    spin_unlock(&pit_lock);
}
