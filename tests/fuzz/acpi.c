/* SPDX-License-Identifier: MIT */
/*
 * Firmware's tables. Physical memory is the input alone, from 896 KiB on, where a BIOS keeps them;
 * each mapping is a copy of exactly the length that was asked for, so that a byte too much is seen.
 *
 * Input: flags (1: EFI, 2: the loader gives a copy of the root pointer), the EFI system table's
 * address, the EBDA's segment; then the memory.
 */
#include <stdarg.h>

#include "boot.h"
#include "fuzz.h"

#define MEMORY_AT 0xe0000UL
#define EBDA_AT   0x40eUL

struct boot_info boot_info;

static const uint8_t *memory;
static size_t memory_size;
static uint16_t ebda;
static unsigned int mapped;

void printk(const char *fmt, ...) {
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    MUST(vsnprintf(line, sizeof(line), fmt, ap) >= 0);
    va_end(ap);
}

void *ioremap_wb(paddr_t p, size_t n) {
    uint64_t at = p - MEMORY_AT;
    uint8_t *copy;

    MUST(n && n <= 16u << 20);
    if (p == EBDA_AT && n == sizeof(ebda)) {
        copy = malloc(n);
        memcpy(copy, &ebda, n);
    } else {
        if (p == MEMORY_AT && n > memory_size) { /* what is scanned ends in zeros */
            copy = calloc(1, n);
            memcpy(copy, memory, memory_size);
        } else if (p >= MEMORY_AT && at < memory_size && n <= memory_size - at) {
            copy = malloc(n);
            memcpy(copy, memory + at, n);
        } else {
            return NULL;
        }
    }
    MUST(++mapped <= 3); /* the root, a table, no more at once */
    return copy;
}

void iounmap(void *p) {
    mapped -= p != NULL;
    free(p);
}

int copy_phys(void *dst, paddr_t p, size_t n) {
    void *v = ioremap_wb(p, n);

    if (!v) return -ENOMEM;
    memcpy(dst, v, n);
    iounmap(v);
    return 0;
}

static void check_result(void) {
    MUST(!mapped);
    MUST(acpi.nr_cpus <= ACPI_MAX_CPUS && acpi.nr_ioapics <= ACPI_MAX_IOAPICS);
    MUST(acpi.nr_overrides <= ACPI_MAX_OVERRIDES && acpi.nr_mcfg <= ACPI_MAX_MCFG);
    for (unsigned int i = 0; i < acpi.nr_cpus; i++)
        for (unsigned int j = 0; j < i; j++) MUST(acpi.cpus[i].apic_id != acpi.cpus[j].apic_id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    uint8_t flags = take8(&in);

    memset(&acpi, 0, sizeof(acpi));
    memset(&boot_info, 0, sizeof(boot_info));
    boot_info.efi = flags & 1;
    boot_info.efi_systab = boot_info.efi ? take32(&in) : 0;
    ebda = take16(&in);
    if (flags & 2) take(&in, boot_info.rsdp, sizeof(boot_info.rsdp));
    memory = in.p;
    memory_size = in.left < 0x20000 ? in.left : 0x20000;
    acpi_init();
    check_result();
    return 0;
}
