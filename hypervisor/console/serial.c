/* SPDX-License-Identifier: MIT */
/*
 * 16550 serial ports: com1= and com2= as "<baud>[/<clock>][,<DPS>[,<port>[,<irq>]]]". Sending
 * polls; receiving is by interrupt, once there are interrupts and unless irq is 0.
 */
#include "console.h"
#include <hv/irq.h>
#include <x86/cpu.h>

CMDLINE_OPTION(com1);
CMDLINE_OPTION(com2);

enum { THR = 0, RBR = 0, DLL = 0, IER = 1, DLM = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5, SCR = 7 };

#define LSR_DR      0x01
#define LSR_THRE    0x20
#define LSR_TEMT    0x40
#define FIFO_SIZE   16
#define CLOCK_HZ    1843200
#define WAIT_ROUNDS 200000 /* a stuck line costs this much, once a character */

static struct uart {
    const char *name;
    uint16_t base;
    uint8_t irq;
    bool present;
} uarts[2] = {{"com1", 0x3f8, 4, false}, {"com2", 0x2f8, 3, false}};

#define for_each_present(u)                                                                        \
    for (struct uart *u = uarts; u < uarts + ARRAY_SIZE(uarts); u++)                               \
        if (u->present)

static uint8_t line_control(const char *dps) {
    uint8_t lcr = 3;

    if (dps[0] == '\0') return lcr;
    if (dps[0] >= '5' && dps[0] <= '8') lcr = (uint8_t)(dps[0] - '5');
    if (dps[1] == 'o') lcr |= 0x08;
    if (dps[1] == 'e') lcr |= 0x18;
    if (dps[1] && dps[2] == '2') lcr |= 0x04;
    return lcr;
}

/* A port without a device reads as all ones. */
static bool probe(const struct uart *u) {
    outb(u->base + SCR, 0x5a);
    if (inb(u->base + SCR) != 0x5a) return false;
    outb(u->base + SCR, 0xa5);
    return inb(u->base + SCR) == 0xa5;
}

static void setup(struct uart *u, uint64_t baud, uint8_t lcr) {
    uint16_t divisor = (uint16_t)(CLOCK_HZ / 16 / baud);

    outb(u->base + IER, 0);
    outb(u->base + LCR, lcr | 0x80);
    outb(u->base + DLL, (uint8_t)divisor);
    outb(u->base + DLM, (uint8_t)(divisor >> 8));
    outb(u->base + LCR, lcr);
    outb(u->base + FCR, 0x07);
    outb(u->base + MCR, 0x0b); /* DTR, RTS, and OUT2 which opens the interrupt */
}

void serial_init_early(const char *name) {
    struct uart *u = &uarts[name[3] - '1'];
    const char *config = cmdline_get(name);
    uint64_t baud = 115200;
    uint8_t lcr = 3;
    char item[32];

    if (cmdline_list_next(&config, item, sizeof(item))) {
        uint64_t b = str_to_ull(item, NULL, 10);

        if (b >= 50 && b <= 115200) baud = b;
    }
    if (cmdline_list_next(&config, item, sizeof(item))) lcr = line_control(item);
    if (cmdline_list_next(&config, item, sizeof(item)) && item[0])
        u->base = (uint16_t)str_to_ull(item, NULL, 0);
    if (cmdline_list_next(&config, item, sizeof(item)) && item[0])
        u->irq = (uint8_t)str_to_ull(item, NULL, 0);
    if (!probe(u)) return;
    setup(u, baud, lcr);
    u->present = true;
}

static bool wait_for(const struct uart *u, uint8_t bits) {
    for (int i = 0; i < WAIT_ROUNDS; i++) {
        if (inb(u->base + LSR) & bits) return true;
        cpu_relax();
    }
    return false;
}

static void write_one(const struct uart *u, const char *s, size_t n) {
    unsigned int room = 0;

    for (size_t i = 0; i < n; i++) {
        for (int cr = s[i] == '\n'; cr >= 0; cr--) {
            if (room == 0) {
                if (!wait_for(u, LSR_THRE)) return;
                room = FIFO_SIZE;
            }
            outb(u->base + THR, (uint8_t)(cr ? '\r' : s[i]));
            room--;
        }
    }
}

void serial_write(const char *s, size_t n) { for_each_present(u) write_one(u, s, n); }
void console_flush(void) { for_each_present(u) wait_for(u, LSR_TEMT); }

static void receive(void *data) {
    const struct uart *u = data;

    for (int i = 0; i < 64 && (inb(u->base + LSR) & LSR_DR); i++)
        console_rx((char)inb(u->base + RBR));
    inb(u->base + FCR); /* reading the interrupt's cause clears it */
}

void serial_init_late(void) {
    for_each_present(u) {
        int rc;

        if (!u->irq) continue;
        rc = irq_request_gsi(u->irq, receive, u);
        if (!rc)
            outb(u->base + IER, 0x01);
        else
            printk(KERN_WARN "WARNING: %s: no interrupt %u (%d): no input from it\n", u->name,
                   u->irq, rc);
    }
}

bool console_owns_port(uint16_t port) {
    for_each_present(u) if (port >= u->base && port < u->base + 8) return true;
    return false;
}
