/* SPDX-License-Identifier: MIT */
/* What Hospes reads of the firmware's static tables, once at boot. boot/acpi.c */
#pragma once

#include <hv/types.h>

#define ACPI_MAX_CPUS      512
#define ACPI_MAX_IOAPICS   16
#define ACPI_MAX_OVERRIDES 32
#define ACPI_MAX_MCFG      16

struct acpi_info {
    paddr_t rsdp; /* 0: known only as the loader's copy */
    paddr_t lapic;
    unsigned int nr_cpus; /* usable ones, the boot CPU among them */
    struct acpi_cpu {
        uint32_t apic_id, acpi_id;
    } cpus[ACPI_MAX_CPUS];
    unsigned int nr_ioapics;
    struct acpi_ioapic {
        uint8_t id;
        paddr_t addr;
        uint32_t gsi_base;
    } ioapics[ACPI_MAX_IOAPICS];
    unsigned int nr_overrides;
    struct acpi_override {
        uint8_t isa_irq;
        uint32_t gsi;
        bool level, low;
    } overrides[ACPI_MAX_OVERRIDES];
    paddr_t hpet;      /* 0: none */
    uint16_t pm_timer; /* I/O port, 0: none */
    bool pm_timer_32bit;
    uint16_t pm1a_cnt, pm1b_cnt;
    bool has_reset;
    uint8_t reset_space; /* 0 memory, 1 I/O, 2 PCI configuration */
    uint64_t reset_addr;
    uint8_t reset_value;
    bool no_cmos_rtc;
    unsigned int nr_mcfg;
    struct acpi_mcfg {
        paddr_t base; /* of bus 0, even if bus_first > 0 */
        uint16_t segment;
        uint8_t bus_first, bus_last;
        volatile char *window; /* x86/pci.c: of bus_first; NULL: not used */
    } mcfg[ACPI_MAX_MCFG];
};
extern struct acpi_info acpi;

void acpi_init(void); /* after mm_init(); panics only if there is no usable interrupt hardware */

/* Sleep: writes the values dom0 gave for PM1a and PM1b control (SLP_TYP; SLP_EN is added).
 * 0; does not return from S5. -ENODEV. */
int acpi_enter_sleep(uint16_t pm1a_value, uint16_t pm1b_value);
