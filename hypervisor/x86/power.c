/* SPDX-License-Identifier: MIT */
/* Reboot and halt. */
#include <hv/acpi.h>
#include <hv/boot.h>
#include <hv/console.h>
#include <x86/apic.h>
#include <x86/desc.h>

static void pause_ms(unsigned int ms) {
    uint64_t start = rdtsc();

    while (tsc_khz && rdtsc() - start < (uint64_t)ms * tsc_khz) cpu_relax();
}

static void reset_by_acpi(void) {
    if (!acpi.has_reset) return;
    if (acpi.reset_space == 1) {
        outb((uint16_t)acpi.reset_addr, acpi.reset_value);
    } else if (acpi.reset_space == 0) {
        volatile uint8_t *p = devmap(acpi.reset_addr, 1, DEVMAP_UC);

        if (p) *p = acpi.reset_value;
    } else if (acpi.reset_space == 2) {
        uint8_t devfn = (uint8_t)((acpi.reset_addr >> 32 & 31) << 3 | (acpi.reset_addr >> 16 & 7));

        pci_conf_write(pci_sbdf(0, 0, devfn), acpi.reset_addr & 0xff, 1, acpi.reset_value);
    }
}

static void reset_by_keyboard_controller(void) {
    for (int i = 0; i < 10; i++) {
        for (int n = 0; n < 10000 && (inb(0x64) & 2); n++) cpu_relax();
        outb(0x64, 0xfe);
        pause_ms(2);
    }
}

static void reset_by_chipset(void) {
    outb(0xcf9, 0x02);
    pause_ms(1);
    outb(0xcf9, 0x06);
    pause_ms(50);
}

static void triple_fault(void) {
    const struct desc_ptr none = {0, 0};

    lidt(&none);
    __asm__ volatile("int3");
}

void machine_restart(void) {
    irq_disable();
    apic_stop_others();
    console_flush();
    reset_by_acpi();
    pause_ms(50);
    reset_by_chipset();
    reset_by_keyboard_controller();
    triple_fault();
    for (;;) __asm__ volatile("hlt");
}

void machine_halt(void) {
    irq_disable();
    apic_stop_others();
    console_flush();
    for (;;) __asm__ volatile("cli; hlt");
}
