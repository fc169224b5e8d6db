/* SPDX-License-Identifier: MIT */
/* Debug keys: one character each, from the serial line or from dom0's tools. */
#include "console.h"
#include <hv/boot.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/pcpu.h>
#include <hv/printk.h>
#include <hv/string.h>

static struct key {
    void (*fn)(char);
    const char *help;
} keys[128]; /* filled at boot */

void register_key(char key, void (*fn)(char), const char *help) {
    BUG_ON(key <= 0 || keys[(unsigned char)key].fn);
    keys[(unsigned char)key] = (struct key){fn, help};
}

void handle_keys(const char *s, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c < ARRAY_SIZE(keys) && keys[c].fn) {
            printk("'%c' pressed -> %s\n", c, keys[c].help);
            keys[c].fn((char)c);
        }
    }
}

void console_softirq(void) {
    char c;

    while (console_next_key(&c)) handle_keys(&c, 1);
}

static void show_help(char key) {
    (void)key;
    for (unsigned int c = 0; c < ARRAY_SIZE(keys); c++)
        if (keys[c].fn) printk(" key '%c' (ascii '%02x') => %s\n", c, c, keys[c].help);
}

static void reboot(char key) {
    (void)key;
    machine_restart();
}

static void crash(char key) { panic("'%c' pressed -> crashdump", key); }

static void dump_registers(char key) {
    (void)key;
    printk("CPU%u: vcpu d%uv%u\n", smp_cpu_id(), current->domain ? current->domain->id : 0,
           current->id);
    show_regs(guest_regs());
}

void keys_init(void) {
    register_key('h', show_help, "show this message");
    register_key('R', reboot, "reboot machine");
    register_key('C', crash, "trigger a crashdump");
    register_key('d', dump_registers, "dump registers");
}
