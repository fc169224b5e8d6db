/* SPDX-License-Identifier: MIT */
/*
 * The console's core: which devices take output, the ring, input for dom0 or the debug keys, and
 * these: one character each, from the serial line or from dom0's tools. One lock (ORDER_CONSOLE)
 * protects the console's state; console_force() ends locking for panic.
 */
#include "console.h"
#include <hv/pcpu.h>

CMDLINE_OPTION(console);
CMDLINE_OPTION(conring_size);
CMDLINE_OPTION(conswitch);
CMDLINE_OPTION(vga);

#define RING_DEFAULT (16u << 10)
#define RX_SIZE      256u
#define SWITCH_COUNT 3

static spinlock_t console_lock = SPINLOCK_INIT(ORDER_CONSOLE);
static bool forced, to_screen;

static char first_ring[RING_DEFAULT];
static char *ring = first_ring;
static uint32_t ring_size = RING_DEFAULT; /* a power of 2 */
static uint32_t ring_end, ring_cleared;   /* bytes ever written; value at the last clear */

/* Bytes received. */
static struct input {
    char buf[RX_SIZE];
    uint32_t head, tail;
} for_dom0, for_keys;
static bool input_to_dom0, dom0_running;
static char switch_char = 1; /* ctrl-a */
static bool switch_at_boot = true;
static unsigned int switch_seen;

static struct key {
    void (*fn)(void);
    const char *help;
} keys[128]; /* filled at boot */

void console_take(void) {
    if (!forced) spin_lock(&console_lock);
}

void console_release(void) {
    if (!forced) spin_unlock(&console_lock);
}

void console_force(void) {
    forced = true;
    to_screen = true;
}

/* Whether the option's comma-separated list has an item that begins with 'word'. */
static bool listed(const char *list, const char *word) {
    char item[32];

    while (list && cmdline_list_next(&list, item, sizeof(item)))
        if (strncmp(item, word, strlen(word)) == 0) return true;
    return false;
}

void console_init_early(void) {
    const char *list = cmdline_get("console");

    printk_init();
    if (!list || !*list) list = "com1,vga";
    if (listed(list, "com1")) serial_init_early("com1");
    if (listed(list, "com2")) serial_init_early("com2");
    to_screen = listed(list, "vga");
    if (to_screen) screen_init();
}

void console_put(const char *s, size_t n, bool in_ring) {
    serial_write(s, n);
    if (to_screen) screen_write(s, n);
    for (size_t i = 0; in_ring && i < n; i++) ring[ring_end++ & (ring_size - 1)] = s[i];
}

static uint32_t ring_oldest(void) { return ring_end > ring_size ? ring_end - ring_size : 0; }

uint32_t console_ring_start(void) {
    CONSOLE_SCOPE();
    return max(ring_cleared, ring_oldest());
}

uint32_t console_ring_read(uint32_t *index, char *buf, uint32_t size) {
    uint32_t n = 0;

    CONSOLE_SCOPE();
    if (ring_end - *index > ring_size) *index = ring_oldest();
    while (n < size && *index != ring_end) buf[n++] = ring[(*index)++ & (ring_size - 1)];
    return n;
}

void console_ring_clear(void) {
    CONSOLE_SCOPE();
    ring_cleared = ring_end;
}

/* A larger ring, as asked for or as the number of CPUs suggests. */
static void grow_ring(void) {
    uint64_t want = cmdline_size("conring_size", max((uint64_t)RING_DEFAULT, nr_cpus * 4096UL));
    unsigned int order = 2;
    uint32_t size;
    char *fresh;

    while ((PAGE_SIZE << order) < min(want, (uint64_t)4 << 20)) order++;
    size = (uint32_t)(PAGE_SIZE << order);
    if (size > ring_size) {
        fresh = alloc_pages_hv(order);
        if (!fresh) {
            printk(KERN_WARN "WARNING: no memory for conring_size; the ring has %uk\n",
                   ring_size >> 10);
            return;
        }
        console_take();
        for (uint32_t i = ring_oldest(); i != ring_end; i++)
            fresh[i & (size - 1)] = ring[i & (ring_size - 1)];
        ring = fresh;
        ring_size = size;
        console_release();
    }
    printk(KERN_INFO "Allocated console ring of %u KiB.\n", ring_size >> 10);
}

static void announce_input(void) {
    printk("*** Serial input to %s (type 'CTRL-%c' three times to switch input)\n",
           input_to_dom0 ? "DOM0" : "Xen", switch_char + 'a' - 1);
}

void console_end_boot(void) {
    dom0_running = true;
    input_to_dom0 = switch_at_boot;
    announce_input();
    if (to_screen && !listed(cmdline_get("vga"), "keep") && dom0) {
        printk("Xen is relinquishing VGA console.\n");
        to_screen = false;
    }
}

static uint32_t input_read(struct input *in, char *buf, uint32_t n) {
    uint32_t i = 0;

    CONSOLE_SCOPE();
    while (i < n && in->tail != in->head) buf[i++] = in->buf[in->tail++ % RX_SIZE];
    return i;
}

uint32_t console_guest_read(char *buf, uint32_t n) { return input_read(&for_dom0, buf, n); }

/* Which reader gets c; runs on the CPU that takes the serial interrupt. */
void console_rx(char c) {
    struct input *in;
    bool switched, dom0s;

    console_take();
    in = input_to_dom0 ? &for_dom0 : &for_keys;
    switch_seen = c == switch_char ? switch_seen + 1 : 0;
    switched = switch_seen == SWITCH_COUNT;
    if (switched) {
        switch_seen = 0;
        input_to_dom0 = !input_to_dom0 && dom0_running;
    } else if (in->head - in->tail < RX_SIZE) {
        in->buf[in->head++ % RX_SIZE] = c;
    }
    dom0s = input_to_dom0;
    console_release();
    if (switched)
        announce_input();
    else if (dom0s)
        send_global_virq(VIRQ_CONSOLE);
    else
        softirq_raise(SOFTIRQ_KEYS);
}

void register_key(char key, void (*fn)(void), const char *help) {
    BUG_ON(key <= 0 || keys[(unsigned char)key].fn);
    keys[(unsigned char)key] = (struct key){fn, help};
}

void handle_keys(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c >= ARRAY_SIZE(keys) || !keys[c].fn) continue;
        printk("'%c' pressed -> %s\n", c, keys[c].help);
        keys[c].fn();
    }
}

void console_softirq(void) {
    char c;

    while (input_read(&for_keys, &c, 1)) handle_keys(&c, 1);
}

static void show_help(void) {
    for (unsigned int c = 0; c < ARRAY_SIZE(keys); c++)
        if (keys[c].fn) printk(" key '%c' (ascii '%02x') => %s\n", c, c, keys[c].help);
}

static void crash(void) { panic("'C' pressed -> crashdump"); }

static void dump_registers(void) {
    printk("CPU%u: vcpu d%uv%u\n", smp_cpu_id(), current->domain ? current->domain->id : 0,
           current->id);
    show_regs(guest_regs());
}

void console_init_late(void) {
    const char *s = cmdline_get("conswitch");

    if (s && s[0] >= 'a' && s[0] <= 'z') {
        switch_char = (char)(s[0] - 'a' + 1);
        switch_at_boot = s[1] != 'x';
    }
    grow_ring();
    serial_init_late();
    register_key('h', show_help, "show this message");
    register_key('R', machine_restart, "reboot machine");
    register_key('C', crash, "trigger a crashdump");
    register_key('d', dump_registers, "dump registers");
}
