/* SPDX-License-Identifier: MIT */
/*
 * The console's core: which devices take output, the ring, and input for dom0 or the debug keys.
 * One lock (ORDER_CONSOLE) protects everything here; console_force() ends locking for panic.
 */
#include <hv/boot.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/mm.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/softirq.h>
#include <hv/string.h>
#include <public/xen.h>

#include "console.h"

CMDLINE_OPTION(console);
CMDLINE_OPTION(conring_size);
CMDLINE_OPTION(conswitch);
CMDLINE_OPTION(console_to_ring);
CMDLINE_OPTION(vga);

#define RING_DEFAULT (16u << 10)
#define RX_SIZE      256u
#define SWITCH_COUNT 3

spinlock_t console_lock = SPINLOCK_INIT(ORDER_CONSOLE);
static bool forced, to_serial, to_screen, dom0_to_ring = true;

static char first_ring[RING_DEFAULT];
static char *ring = first_ring;
static uint32_t ring_size = RING_DEFAULT; /* a power of 2 */
static uint32_t ring_end, ring_cleared;   /* bytes ever written; value at the last clear */

static char rx[RX_SIZE], keys[RX_SIZE];
static uint32_t rx_head, rx_tail, keys_head, keys_tail;
static bool input_to_dom0, dom0_running;
static char switch_char = 1; /* ctrl-a */
static bool switch_at_boot = true;
static unsigned int switch_seen;

void console_take(void) {
    if (!forced) spin_lock(&console_lock);
}

void console_release(void) {
    if (!forced) spin_unlock(&console_lock);
}

void console_force(void) {
    forced = true;
    if (boot_info.video.type != VIDEO_NONE) to_screen = true;
}

void console_init_early(void) {
    const char *list = cmdline_get("console");
    char item[32];

    if (!list || !*list) list = "com1,vga";
    while (cmdline_list_next(&list, item, sizeof(item))) {
        if (strncmp(item, "com", 3) == 0) {
            const char *name = strncmp(item, "com2", 4) == 0 ? "com2" : "com1";

            serial_init_early(name, cmdline_get(name));
            to_serial = true;
        } else if (strcmp(item, "vga") == 0) {
            screen_init();
            to_screen = true;
        }
    }
}

static void ring_put(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) ring[ring_end++ & (ring_size - 1)] = s[i];
}

void console_put_locked(const char *s, size_t n, bool in_ring) {
    if (to_serial) serial_write(s, n);
    if (to_screen) screen_write(s, n);
    if (in_ring) ring_put(s, n);
}

void console_write(const char *s, size_t n) {
    console_take();
    console_put_locked(s, n, true);
    console_release();
}

void console_put_dom0(const char *s, size_t n) {
    console_take();
    console_put_locked(s, n, dom0_to_ring);
    console_release();
}

void console_flush(void) {
    if (to_serial) serial_flush();
}

static uint32_t ring_oldest(void) { return ring_end > ring_size ? ring_end - ring_size : 0; }

uint32_t console_ring_start(void) {
    uint32_t start;

    console_take();
    start = max(ring_cleared, ring_oldest());
    console_release();
    return start;
}

uint32_t console_ring_read(uint32_t *index, char *buf, uint32_t size) {
    uint32_t n = 0;

    console_take();
    if (ring_end - *index > ring_size) *index = ring_oldest();
    while (n < size && *index != ring_end) buf[n++] = ring[(*index)++ & (ring_size - 1)];
    console_release();
    return n;
}

void console_ring_clear(void) {
    console_take();
    ring_cleared = ring_end;
    console_release();
}

/* A larger ring, as asked for or as the number of CPUs suggests. */
static void grow_ring(void) {
    uint64_t want = cmdline_size("conring_size", max((uint64_t)RING_DEFAULT, nr_cpus * 4096UL));
    unsigned int order = 2;
    char *fresh;

    want = min(want, (uint64_t)4 << 20);
    while ((PAGE_SIZE << order) < want) order++;
    if ((PAGE_SIZE << order) > ring_size) {
        fresh = alloc_pages_hv(order);
        if (!fresh) {
            printk(KERN_WARN "WARNING: no memory for conring_size; the ring has %uk\n",
                   ring_size >> 10);
            return;
        }
        console_take();
        for (uint32_t i = ring_oldest(); i != ring_end; i++)
            fresh[i & ((PAGE_SIZE << order) - 1)] = ring[i & (ring_size - 1)];
        ring = fresh;
        ring_size = (uint32_t)(PAGE_SIZE << order);
        console_release();
    }
    printk(KERN_INFO "Allocated console ring of %u KiB.\n", ring_size >> 10);
}

void console_init_late(void) {
    const char *s = cmdline_get("conswitch");

    if (s && s[0] >= 'a' && s[0] <= 'z') {
        switch_char = (char)(s[0] - 'a' + 1);
        switch_at_boot = s[1] != 'x';
    }
    dom0_to_ring = cmdline_bool("console_to_ring", true);
    grow_ring();
    serial_init_late();
    keys_init();
}

static void announce_input(void) {
    printk("*** Serial input to %s (type 'CTRL-%c' three times to switch input)\n",
           input_to_dom0 ? "DOM0" : "Xen", switch_char + 'a' - 1);
}

void console_end_boot(void) {
    const char *vga = cmdline_get("vga");
    bool keep = false;
    char item[32];

    while (vga && cmdline_list_next(&vga, item, sizeof(item)))
        if (strcmp(item, "keep") == 0) keep = true;
    dom0_running = true;
    input_to_dom0 = switch_at_boot;
    announce_input();
    if (to_screen && !keep && dom0) {
        printk("Xen is relinquishing VGA console.\n");
        to_screen = false;
    }
}

/* Which reader gets c; runs on the CPU that takes the serial interrupt. */
void console_rx(char c) {
    bool virq = false, key = false;

    console_take();
    if (c == switch_char && switch_char) {
        if (++switch_seen == SWITCH_COUNT) {
            switch_seen = 0;
            input_to_dom0 = !input_to_dom0 && dom0_running;
            console_release();
            announce_input();
            return;
        }
    } else {
        switch_seen = 0;
    }
    if (input_to_dom0) {
        if (rx_head - rx_tail < RX_SIZE) rx[rx_head++ % RX_SIZE] = c;
        virq = true;
    } else if (keys_head - keys_tail < RX_SIZE) {
        keys[keys_head++ % RX_SIZE] = c;
        key = true;
    }
    console_release();
    if (virq) send_global_virq(VIRQ_CONSOLE);
    if (key) softirq_raise(SOFTIRQ_KEYS);
}

uint32_t console_guest_read(char *buf, uint32_t n) {
    uint32_t i = 0;

    console_take();
    while (i < n && rx_tail != rx_head) buf[i++] = rx[rx_tail++ % RX_SIZE];
    console_release();
    return i;
}

bool console_next_key(char *c) {
    bool got;

    console_take();
    got = keys_tail != keys_head;
    if (got) *c = keys[keys_tail++ % RX_SIZE];
    console_release();
    return got;
}

bool console_owns_port(uint16_t port) { return to_serial && serial_owns_port(port); }

bool console_owns_gsi(unsigned int gsi) { return to_serial && serial_owns_gsi(gsi); }
