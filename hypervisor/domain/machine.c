/* SPDX-License-Identifier: MIT */
/* The end of dom0 is the end of the machine: SCHEDOP_shutdown by dom0, or its crash. */
#include <hv/boot.h>
#include <hv/console.h>
#include <hv/domain.h>
#include <hv/printk.h>

void machine_shutdown(uint8_t reason) {
    bool reboot = reason != SHUTDOWN_poweroff;

    switch (reason) {
    case SHUTDOWN_poweroff: printk("Hardware Dom0 halted: halting machine\n"); break;
    case SHUTDOWN_reboot: printk("Hardware Dom0 shutdown: rebooting machine\n"); break;
    case SHUTDOWN_crash: printk(KERN_ERR "Hardware Dom0 crashed: "); break;
    case SHUTDOWN_watchdog:
        printk(KERN_ERR "Hardware Dom0 shutdown: watchdog rebooting machine\n");
        break;
    default: printk(KERN_ERR "Hardware Dom0 shutdown (unknown reason %u): ", reason);
    }
    if (reason == SHUTDOWN_crash && cmdline_bool("noreboot", false)) {
        printk("'noreboot' set - not rebooting.\n");
        reboot = false;
    } else if (reason == SHUTDOWN_crash) {
        printk("rebooting machine\n");
    }
    console_flush();
    if (reboot) machine_restart();
    machine_halt();
}
